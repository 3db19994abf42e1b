//! The process in front: starts the children, round by round.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::child::Assignment;
use crate::contender::Runtime;
use crate::csv;
use crate::machine::{self, Watch};
use crate::measurement::Measurement;
use crate::options::Options;
use crate::origin::Origin;
use crate::report::{Entry, Results};
use crate::row::Row;

pub(crate) fn run(options: &Options) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut results = Results::default();
    let mut failures = Vec::new();
    for &row in &options.rows {
        eprintln!("{} ...", row.name());
        // One after the other within a round: a slow minute of the machine meets all of them.
        for round in 0..row.rounds(options.rounds) {
            machine::wait_until_quiet(options.patience);
            for runtime in participants(row, options.opt_ins) {
                let &Options { workers, smoke, .. } = options;
                let assignment = Assignment { runtime, row, workers, smoke };
                let watch = Watch::begin();
                match measure(&program, assignment) {
                    Ok(measurement) => {
                        let others = watch.others();
                        results.add(Entry { round, row, runtime, measurement, others });
                    }
                    Err(message) => {
                        let failure = format!("{} at {}: {message}", runtime.name(), row.name());
                        eprintln!("{failure}");
                        failures.push(failure);
                    }
                }
            }
        }
    }
    print!("{}{}", Origin::of(options), results.report(&options.rows));
    if let Some(file) = &options.csv {
        let written = csv::write(file, results.entries());
        written.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    match failures.len() {
        0 => Ok(()),
        count => Err(format!("{count} measurements failed")),
    }
}

/// Who is measured at a row.
fn participants(row: Row, opt_ins: bool) -> impl Iterator<Item = Runtime> {
    Runtime::ALL.into_iter().filter(move |&runtime| {
        runtime.takes_part(row) && (opt_ins || !runtime.is_opt_in()) && runtime.is_present()
    })
}

fn measure(program: &Path, assignment: Assignment) -> Result<Measurement, String> {
    let output = Command::new(program)
        .args(assignment.to_arguments())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    String::from_utf8_lossy(&output.stdout).parse()
}
