//! What the runner prints.

use std::fmt;

use crate::contender::Runtime;
use crate::measurement::Measurement;
use crate::row::{Measure, Row, Target, Unit};
use crate::statistics::{median, range};
use crate::table::Table;

/// How many CPUs others may use in the middle before the report warns.
const QUIET: f64 = 0.2;

/// What one child measured.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) round: usize,
    pub(crate) row: Row,
    pub(crate) runtime: Runtime,
    pub(crate) measurement: Measurement,
    /// How many CPUs other processes used meanwhile.
    pub(crate) others: f64,
}

/// What all children measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    entries: Vec<Entry>,
}

impl Results {
    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The tables for these rows, to be printed.
    pub(crate) fn report<'a>(&'a self, rows: &'a [Row]) -> Report<'a> {
        Report { results: self, rows }
    }

    /// The median over the processes of what each found. `None` if there is none.
    fn middle(&self, row: Row, runtime: Runtime, measure: Measure) -> Option<f64> {
        let value = |measurement: &Measurement| match measure {
            Measure::Median => Some(measurement.median()),
            Measure::P99 => measurement.p99,
            Measure::Cpu => Some(measurement.cpu()),
        };
        median(&self.of(row, runtime).filter_map(value).collect::<Vec<_>>())
    }

    fn of(&self, row: Row, runtime: Runtime) -> impl Iterator<Item = &Measurement> {
        self.entries
            .iter()
            .filter(move |entry| entry.row == row && entry.runtime == runtime)
            .map(|entry| &entry.measurement)
    }

    /// What ours is divided by for a target.
    fn reference(&self, row: Row, target: Target) -> Option<f64> {
        match target {
            Target::OfFloor(measure, _) => self.middle(row, Runtime::Floor, measure),
            Target::OfBestPeer(measure, _) => Runtime::PEERS
                .into_iter()
                .filter_map(|peer| self.middle(row, peer, measure))
                .min_by(f64::total_cmp),
        }
    }

    /// Ours over the best peer's median.
    fn ratio(&self, row: Row) -> Option<f64> {
        let ours = self.middle(row, Runtime::Loopwork, Measure::Median)?;
        let peers = Runtime::PEERS.map(|peer| self.middle(row, peer, Measure::Median));
        let peers = peers.into_iter().flatten();
        let best = if row.unit().larger_is_better() {
            peers.max_by(f64::total_cmp)
        } else {
            peers.min_by(f64::total_cmp)
        };
        Some(ours / best?)
    }
}

/// Three tables: the medians, what they cost, and how far the targets are.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    results: &'a Results,
    rows: &'a [Row],
}

impl Report<'_> {
    fn medians(&self) -> Table {
        let mut table = Table::new(&[
            "median",
            "unit",
            "loopwork",
            "tokio",
            "smol",
            "floor",
            "ours / best peer",
        ]);
        for &row in self.rows {
            let cell = |runtime: Runtime| {
                let value = self.results.middle(row, runtime, Measure::Median);
                value.map_or_else(|| missing(runtime), |value| in_unit(value, row.unit()))
            };
            table.push([
                row.name().to_owned(),
                row.unit().name().to_owned(),
                cell(Runtime::Loopwork),
                cell(Runtime::Tokio),
                cell(Runtime::Smol),
                cell(Runtime::Floor),
                self.results.ratio(row).map_or_else(nothing, |ratio| format!("{ratio:.2}")),
            ]);
        }
        table
    }

    fn costs(&self) -> Table {
        let mut table = Table::new(&[
            "row",
            "runtime",
            "median",
            "lowest to highest process",
            "p99 us",
            "switches / 1,000",
            "CPU ns / operation",
        ]);
        for &row in self.rows {
            for runtime in Runtime::ALL {
                if let Some(cells) = self.cost(row, runtime) {
                    table.push(cells);
                }
            }
        }
        table
    }

    fn cost(&self, row: Row, runtime: Runtime) -> Option<[String; 7]> {
        let of = || self.results.of(row, runtime);
        let unit = row.unit();
        let medians: Vec<f64> = of().map(Measurement::median).collect();
        let (lowest, highest) = range(&medians)?;
        let p99 = self.results.middle(row, runtime, Measure::P99);
        let switches = median(&of().map(Measurement::switches).collect::<Vec<_>>())?;
        let cpu = self.results.middle(row, runtime, Measure::Cpu)?;
        Some([
            row.name().to_owned(),
            runtime.name().to_owned(),
            format!("{} {}", in_unit(median(&medians)?, unit), unit.name()),
            format!("{} to {}", in_unit(lowest, unit), in_unit(highest, unit)),
            p99.map_or_else(nothing, |p99| in_unit(p99, Unit::Microseconds)),
            format!("{switches:.1}"),
            in_unit(cpu, Unit::Nanoseconds),
        ])
    }

    fn targets(&self) -> Table {
        let mut table = Table::new(&["target", "of", "is", "is to be", "reached"]);
        for &row in self.rows {
            for &target in row.targets() {
                table.push(self.target(row, target));
            }
        }
        table
    }

    fn target(&self, row: Row, target: Target) -> [String; 5] {
        let (measure, of, bound, is_to_be) = match target {
            Target::OfBestPeer(measure, bound) => {
                (measure, "the best peer", bound, format!("<= {bound}"))
            }
            Target::OfFloor(measure, bound) => (measure, "the floor", bound, format!(">= {bound}")),
        };
        let ours = self.results.middle(row, Runtime::Loopwork, measure);
        let ratio = ours.zip(self.results.reference(row, target)).map(|(ours, of)| ours / of);
        let reached = ratio.map(|ratio| match target {
            Target::OfBestPeer(..) => ratio <= bound,
            Target::OfFloor(..) => ratio >= bound,
        });
        [
            format!("{}, {}", row.name(), measure.name()),
            of.to_owned(),
            ratio.map_or_else(nothing, |ratio| format!("{ratio:.2}")),
            is_to_be,
            reached.map_or_else(nothing, |reached| if reached { "yes" } else { "no" }.to_owned()),
        ]
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: Vec<f64> = self.results.entries.iter().map(|entry| entry.others).collect();
        if let Some((middle, (_, most))) = median(&others).zip(range(&others)) {
            write!(f, "- CPUs used by others: {middle:.2} in the middle, {most:.2} at most.")?;
            if middle > QUIET {
                write!(f, " **NOT QUIET**: these figures say little, ratios included.")?;
            }
            writeln!(f, "\n")?;
        }
        writeln!(f, "{}\n{}\n{}", self.medians(), self.costs(), self.targets())
    }
}

fn in_unit(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Nanoseconds if value < 100.0 => format!("{value:.1}"),
        Unit::Nanoseconds | Unit::PerSecond => format!("{value:.0}"),
        Unit::Microseconds => format!("{:.1}", value / 1e3),
    }
}

fn missing(runtime: Runtime) -> String {
    if runtime.is_present() { nothing() } else { "absent".to_owned() }
}

fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::usage::Usage;

    fn entry(row: Row, runtime: Runtime, sample: f64) -> Entry {
        let used = Usage { cpu: Duration::from_nanos(100), switches: 1 };
        let measurement = Measurement { operations: 10, used, p99: None, samples: vec![sample] };
        Entry { round: 0, row, runtime, measurement, others: 0.0 }
    }

    fn results(row: Row, samples: &[(Runtime, f64)]) -> Results {
        let entries = samples.iter().map(|&(runtime, sample)| entry(row, runtime, sample));
        Results { entries: entries.collect() }
    }

    #[test]
    fn the_best_peer_is_the_one_that_takes_least_time() {
        let samples = [(Runtime::Loopwork, 10.0), (Runtime::Tokio, 40.0), (Runtime::Smol, 20.0)];
        let results = results(Row::SpawnJoin, &samples);
        assert_eq!(results.ratio(Row::SpawnJoin), Some(0.5));
    }

    #[test]
    fn the_best_peer_is_the_one_with_the_highest_rate() {
        let samples = [(Runtime::Loopwork, 30.0), (Runtime::Tokio, 40.0), (Runtime::Smol, 20.0)];
        let results = results(Row::Echo, &samples);
        assert_eq!(results.ratio(Row::Echo), Some(0.75));
    }

    #[test]
    fn echo_is_held_against_the_floor() {
        let results = results(Row::Echo, &[(Runtime::Loopwork, 96.0), (Runtime::Floor, 100.0)]);
        let report = results.report(&[Row::Echo]);
        let [_, of, is, is_to_be, reached] = report.target(Row::Echo, Row::Echo.targets()[0]);
        assert_eq!([of, is, is_to_be, reached], ["the floor", "0.96", ">= 0.95", "yes"]);
    }

    #[test]
    fn a_row_without_peers_has_no_ratio() {
        let results = results(Row::YieldMany, &[(Runtime::Loopwork, 30.0)]);
        assert_eq!(results.ratio(Row::YieldMany), None);
        assert!(results.report(&Row::ALL).to_string().contains("yield_many"));
    }
}
