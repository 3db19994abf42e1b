//! What the runner writes down.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::report::Entry;

/// One line a sample, as [`Measurement`](crate::measurement::Measurement) has it; what concerns the
/// whole process is repeated on each.
pub(crate) fn write(file: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    writeln!(
        file,
        "round,row,runtime,sample,value,p99,switches_per_1000,cpu_ns_per_operation,others_cpus"
    )?;
    for Entry { round, row, runtime, measurement, others } in entries {
        let p99 = measurement.p99.map_or_else(String::new, |p99| format!("{p99:.3}"));
        let (switches, cpu) = (measurement.switches(), measurement.cpu());
        for (sample, value) in measurement.samples.iter().enumerate() {
            let (row, runtime) = (row.name(), runtime.name());
            write!(file, "{round},{row},{runtime},{sample},{value:.3},")?;
            writeln!(file, "{p99},{switches:.2},{cpu:.1},{others:.2}")?;
        }
    }
    file.flush()
}
