//! What a child has to say, as one line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::row::Measure;
use crate::statistics::median;
use crate::usage::Usage;

/// What one process measured. Times are in nanoseconds, rates per second, everything else in its
/// row's unit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measurement {
    /// Operations that `used` is spread over.
    pub(crate) operations: u64,
    pub(crate) used: Usage,
    /// Of single operations, where the row looks at its tail.
    pub(crate) p99: Option<f64>,
    pub(crate) samples: Vec<f64>,
}

impl Measurement {
    pub(crate) fn median(&self) -> f64 {
        median(&self.samples).expect("a measurement has samples")
    }

    /// What it is by this measure, where the row has it.
    pub(crate) fn of(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Median => Some(self.median()),
            Measure::P99 => self.p99,
            Measure::Cpu => Some(self.cpu()),
        }
    }

    /// Voluntary context switches per 1,000 operations.
    pub(crate) fn switches(&self) -> f64 {
        self.used.switches as f64 * 1e3 / self.operations as f64
    }

    /// Nanoseconds of CPU time per operation.
    pub(crate) fn cpu(&self) -> f64 {
        self.used.cpu.as_nanos() as f64 / self.operations as f64
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { cpu, switches } = self.used;
        write!(f, "operations={} cpu={} switches={switches}", self.operations, cpu.as_nanos())?;
        if let Some(p99) = self.p99 {
            write!(f, " p99={p99:.3}")?;
        }
        write!(f, " samples={}", join(&self.samples))
    }
}

impl FromStr for Measurement {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let cpu = Duration::from_nanos(field(line, "cpu")?);
        let measurement = Self {
            operations: field(line, "operations")?,
            used: Usage { cpu, switches: field(line, "switches")? },
            p99: field(line, "p99").ok(),
            samples: list(line, "samples")?,
        };
        if measurement.operations == 0 {
            return Err(format!("nothing was done: {line}"));
        }
        Ok(measurement)
    }
}

/// The value of `name=value` in a line of such.
pub(crate) fn field<T: FromStr>(line: &str, name: &str) -> Result<T, String> {
    line.split_whitespace()
        .filter_map(|word| word.split_once('='))
        .find(|&(key, _)| key == name)
        .and_then(|(_, value)| value.parse().ok())
        .ok_or_else(|| format!("no {name} in: {line}"))
}

/// The values of `name=value,value`; one at least.
pub(crate) fn list(line: &str, name: &str) -> Result<Vec<f64>, String> {
    let values: String = field(line, name)?;
    let values: Result<Vec<f64>, _> = values.split(',').map(str::parse).collect();
    values.map_err(|error| format!("{error} in {name} of: {line}"))
}

pub(crate) fn join(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_as_it_was() {
        let used = Usage { cpu: Duration::from_nanos(500), switches: 7 };
        let samples = vec![1.125, 2.0, 9.0];
        let measurement = Measurement { operations: 1_000, used, p99: Some(3.5), samples };
        assert_eq!(measurement.to_string().parse(), Ok(measurement.clone()));
        assert_eq!(
            (measurement.median(), measurement.cpu(), measurement.switches()),
            (2.0, 0.5, 7.0)
        );
        let measurement = Measurement { p99: None, ..measurement };
        assert_eq!(measurement.to_string().parse(), Ok(measurement));
    }

    #[test]
    fn half_a_line_is_an_error() {
        for line in ["", "operations=5 cpu=1 switches=0", "operations=0 cpu=1 switches=0 samples=1"]
        {
            assert!(line.parse::<Measurement>().is_err(), "{line}");
        }
    }
}
