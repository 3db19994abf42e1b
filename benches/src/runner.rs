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
    for rows in side_by_side(&options.rows) {
        eprintln!("{} ...", rows.iter().map(|row| row.name()).collect::<Vec<_>>().join(", "));
        // One after the other within a round: a slow minute of the machine meets all of them.
        let rounds = rows.iter().map(|row| row.rounds(options.rounds)).max().unwrap_or(0);
        for round in 0..rounds {
            machine::wait_until_quiet(options.patience);
            for (runtime, row) in participants(&rows, round, options) {
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

/// The rows, those together that are held against each other: they are measured in the same rounds.
fn side_by_side(rows: &[Row]) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for &row in rows {
        match groups.iter_mut().find(|group| group[0].anchor() == row.anchor()) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

/// Who is measured in a round, and at what: each runtime at all rows, before the next one.
fn participants(
    rows: &[Row],
    round: usize,
    options: &Options,
) -> impl Iterator<Item = (Runtime, Row)> {
    let everybody = Runtime::ALL
        .into_iter()
        .filter(|runtime| runtime.is_present() && (options.opt_ins || !runtime.is_opt_in()));
    everybody.flat_map(move |runtime| {
        let takes_part =
            move |row: &Row| runtime.takes_part(*row) && round < row.rounds(options.rounds);
        rows.iter().copied().filter(takes_part).map(move |row| (runtime, row))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_held_against_each_other_share_their_rounds() {
        let rows = [Row::Group, Row::Echo, Row::ByHand, Row::GatherReady];
        let groups = side_by_side(&rows);
        assert_eq!(groups, [vec![Row::Group, Row::ByHand, Row::GatherReady], vec![Row::Echo]]);
        // In whatever order they are asked for.
        let rows = [Row::Group, Row::GatherReady, Row::ByHand];
        assert_eq!(side_by_side(&rows), [rows]);
    }
}
