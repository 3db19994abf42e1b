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
        let values = self.of(row, runtime).filter_map(|entry| entry.measurement.of(measure));
        median(&values.collect::<Vec<_>>())
    }

    fn of(&self, row: Row, runtime: Runtime) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.row == row && entry.runtime == runtime)
    }

    /// Ours over what it is held against: the median of the rounds' ratios, since what a round has in common is
    /// the machine's mood. Less than the row can tell from nothing is not compared.
    fn compared(&self, row: Row, measure: Measure, other: (Row, Runtime)) -> Option<f64> {
        let resolution = if measure == Measure::Median { row.resolution() } else { 0.0 };
        let value = |entry: &Entry| Some(entry.measurement.of(measure)?.max(resolution));
        let (other_row, other_runtime) = other;
        let ratios = self.of(row, Runtime::Loopwork).filter_map(|ours| {
            let mut others = self.of(other_row, other_runtime);
            let other = others.find(|other| other.round == ours.round)?;
            Some(value(ours)? / value(other)?)
        });
        median(&ratios.collect::<Vec<_>>())
    }

    /// The best of the peers that were measured, by its median over all rounds.
    fn best_peer(&self, row: Row, measure: Measure) -> Option<Runtime> {
        let measured = |peer| Some((peer, self.middle(row, peer, measure)?));
        let peers = Runtime::PEERS.into_iter().filter_map(measured);
        let best = if measure == Measure::Median && row.unit().larger_is_better() {
            peers.max_by(|(_, one), (_, other)| one.total_cmp(other))
        } else {
            peers.min_by(|(_, one), (_, other)| one.total_cmp(other))
        };
        best.map(|(peer, _)| peer)
    }

    /// Ours over the best peer's.
    fn ratio(&self, row: Row) -> Option<f64> {
        let peer = self.best_peer(row, Measure::Median)?;
        self.compared(row, Measure::Median, (row, peer))
    }

    /// What we are at a target, and whether that is enough. `None` if something was not measured.
    fn verdict(&self, row: Row, target: Target) -> Option<(f64, bool)> {
        match target {
            Target::OfBestPeer(measure, bound) => {
                let peer = self.best_peer(row, measure)?;
                let is = self.compared(row, measure, (row, peer))?;
                Some((is, is <= bound))
            }
            Target::OfPeer(peer, measure, bound) => {
                let is = self.compared(row, measure, (row, peer))?;
                Some((is, is <= bound))
            }
            Target::OfRow(other, measure, bound) => {
                let is = self.compared(row, measure, (other, Runtime::Loopwork))?;
                Some((is, is <= bound))
            }
            Target::OfFloor(measure, bound) => {
                let is = self.compared(row, measure, (row, Runtime::Floor))?;
                Some((is, is >= bound))
            }
            Target::AtMost(measure, bound) => {
                let is = self.middle(row, Runtime::Loopwork, measure)?;
                Some((is, is <= bound))
            }
        }
    }

    /// Those that were measured, and of those that take part without being asked for the others too.
    fn runtimes(&self, rows: &[Row]) -> impl Iterator<Item = Runtime> {
        Runtime::ALL.into_iter().filter(|&runtime| {
            let takes_part = || rows.iter().any(|&row| runtime.takes_part(row));
            !runtime.is_opt_in() && takes_part()
                || self.entries.iter().any(|entry| entry.runtime == runtime)
        })
    }
}

/// Three tables, in Markdown: the medians, what they cost, and how far the targets are.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    results: &'a Results,
    rows: &'a [Row],
}

impl Report<'_> {
    fn medians(&self) -> Table {
        let runtimes = || self.results.runtimes(self.rows);
        let names = runtimes().map(Runtime::name);
        let head = ["median", "unit"].into_iter().chain(names);
        let mut table = Table::new(head.chain(["ours / best peer", "targets"]));
        for &row in self.rows {
            let cell = |runtime: Runtime| {
                let value = self.results.middle(row, runtime, Measure::Median);
                value.map_or_else(|| missing(row, runtime), |value| row.unit().show(value))
            };
            let ratio = self.results.ratio(row).map_or_else(nothing, |ratio| format!("{ratio:.2}"));
            let begin = [row.name().to_owned(), row.unit().name().to_owned()];
            let cells = begin.into_iter().chain(runtimes().map(cell));
            table.push(cells.chain([ratio, self.standing(row)]));
        }
        table
    }

    /// Whether all targets of a row are reached.
    fn standing(&self, row: Row) -> String {
        let verdict = |&target| self.results.verdict(row, target);
        let verdicts: Option<Vec<_>> = row.targets().iter().map(verdict).collect();
        match verdicts {
            Some(verdicts) if !verdicts.is_empty() => {
                reached(verdicts.iter().all(|&(_, reached)| reached))
            }
            _ => nothing(),
        }
    }

    fn costs(&self) -> Table {
        let mut table = Table::new([
            "row",
            "runtime",
            "median",
            "lowest to highest process",
            "p99",
            "switches / 1,000",
            "CPU ns / operation",
        ]);
        for &row in self.rows {
            for runtime in self.results.runtimes(self.rows) {
                if let Some(cells) = self.cost(row, runtime) {
                    table.push(cells);
                }
            }
        }
        table
    }

    fn cost(&self, row: Row, runtime: Runtime) -> Option<[String; 7]> {
        let of = || self.results.of(row, runtime).map(|entry| &entry.measurement);
        let (unit, tail) = (row.unit(), row.unit_of_tail());
        let medians: Vec<f64> = of().map(Measurement::median).collect();
        let (lowest, highest) = range(&medians)?;
        let p99 = self.results.middle(row, runtime, Measure::P99);
        let switches = median(&of().map(Measurement::switches).collect::<Vec<_>>())?;
        let cpu = self.results.middle(row, runtime, Measure::Cpu)?;
        Some([
            row.name().to_owned(),
            runtime.name().to_owned(),
            format!("{} {}", unit.show(median(&medians)?), unit.name()),
            format!("{} to {}", unit.show(lowest), unit.show(highest)),
            p99.map_or_else(nothing, |p99| format!("{} {}", tail.show(p99), tail.name())),
            format!("{switches:.1}"),
            Unit::Nanoseconds.show(cpu),
        ])
    }

    fn targets(&self) -> Table {
        let mut table = Table::new(["target", "of", "is", "is to be", "reached"]);
        for &row in self.rows {
            for &target in row.targets() {
                table.push(self.target(row, target));
            }
        }
        table
    }

    fn target(&self, row: Row, target: Target) -> [String; 5] {
        let ratio = |value: f64| format!("{value:.3}");
        let verdict = self.results.verdict(row, target);
        let is = verdict.map(|(is, _)| is);
        let (measure, of, is, is_to_be) = match target {
            Target::OfBestPeer(measure, bound) => {
                (measure, "the best peer", is.map(ratio), format!("<= {bound}"))
            }
            Target::OfPeer(peer, measure, bound) => {
                (measure, peer.name(), is.map(ratio), format!("<= {bound}"))
            }
            Target::OfRow(other, measure, bound) => {
                (measure, other.name(), is.map(ratio), format!("<= {bound}"))
            }
            Target::OfFloor(measure, bound) => {
                (measure, "the floor", is.map(ratio), format!(">= {bound}"))
            }
            Target::AtMost(measure, bound) => {
                let show = |value| format!("{} {}", row.unit().show(value), row.unit().name());
                (measure, "itself", is.map(show), format!("<= {}", show(bound)))
            }
        };
        [
            format!("{}, {}", row.name(), measure.name()),
            of.to_owned(),
            is.unwrap_or_else(nothing),
            is_to_be,
            verdict.map_or_else(nothing, |(_, is_reached)| reached(is_reached)),
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

fn reached(is_reached: bool) -> String {
    if is_reached { "reached" } else { "**missed**" }.to_owned()
}

fn missing(row: Row, runtime: Runtime) -> String {
    if runtime.takes_part(row) && !runtime.is_present() { "absent".to_owned() } else { nothing() }
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
        assert_eq!([of, is, is_to_be, reached], ["the floor", "0.960", ">= 0.95", "reached"]);
    }

    #[test]
    fn a_value_may_be_held_against_a_bound_of_its_own() {
        let results = results(Row::Unequal, &[(Runtime::Loopwork, 1.0512)]);
        let report = results.report(&[Row::Unequal]);
        let [_, of, is, is_to_be, reached] = report.target(Row::Unequal, Row::Unequal.targets()[0]);
        assert_eq!([of, is, is_to_be], ["itself", "1.051 times", "<= 1.040 times"]);
        assert_eq!(reached, "**missed**");
        assert_eq!(report.standing(Row::Unequal), "**missed**");
    }

    #[test]
    fn a_row_may_be_held_against_another() {
        let mut results = results(Row::Group, &[(Runtime::Loopwork, 11.0)]);
        assert_eq!(results.verdict(Row::Group, Row::Group.targets()[0]), None);
        results.add(entry(Row::ByHand, Runtime::Loopwork, 10.0));
        let report = results.report(&[Row::Group]);
        let [_, of, is, is_to_be, reached] = report.target(Row::Group, Row::Group.targets()[0]);
        assert_eq!([of, is, is_to_be, reached], ["by_hand", "1.100", "<= 1.2", "reached"]);
    }

    /// The machine is twice as slow in the second round, and ours is disturbed in the third.
    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut results = Results::default();
        for (round, (ours, theirs)) in
            [(10.0, 20.0), (20.0, 40.0), (39.0, 30.0)].into_iter().enumerate()
        {
            for (runtime, sample) in [(Runtime::Loopwork, ours), (Runtime::Tokio, theirs)] {
                results.add(Entry { round, ..entry(Row::SpawnJoin, runtime, sample) });
            }
        }
        assert_eq!(results.ratio(Row::SpawnJoin), Some(0.5));
    }

    #[test]
    fn what_cannot_be_told_from_nothing_is_nothing() {
        let samples = [(Runtime::Loopwork, 900.0), (Runtime::Tokio, 0.0)];
        let report = results(Row::IdleCpu, &samples);
        assert_eq!(report.ratio(Row::IdleCpu), Some(1.0));
        let samples = [(Runtime::Loopwork, 4_000.0), (Runtime::Tokio, 0.0)];
        assert_eq!(results(Row::IdleCpu, &samples).ratio(Row::IdleCpu), Some(4.0));
    }

    #[test]
    fn opt_ins_have_a_column_and_count_where_they_were_measured() {
        let mut samples = vec![(Runtime::Loopwork, 10.0), (Runtime::Tokio, 40.0)];
        let without = results(Row::SpawnJoin, &samples);
        assert!(!without.report(&[Row::SpawnJoin]).to_string().contains("tokio-ct"));
        samples.push((Runtime::TokioCt, 20.0));
        let with = results(Row::SpawnJoin, &samples);
        assert!(with.report(&[Row::SpawnJoin]).to_string().contains("tokio-ct"));
        assert_eq!(with.ratio(Row::SpawnJoin), Some(0.5));
    }

    #[test]
    fn a_column_is_for_those_who_take_part() {
        let results = results(Row::PingPong, &[(Runtime::Loopwork, 10.0)]);
        let columns = |rows: &[Row]| results.runtimes(rows).map(Runtime::name).collect::<Vec<_>>();
        assert_eq!(columns(&[Row::PingPong]), ["loopwork", "tokio", "smol"]);
        assert_eq!(columns(&[Row::Echo]), ["loopwork", "tokio", "smol", "floor"]);
        assert_eq!(columns(&[Row::Queue]), ["loopwork", "tokio", "smol", "asyncio", "uvloop"]);
    }

    #[test]
    fn asyncio_is_no_peer() {
        let samples = [(Runtime::Loopwork, 10.0), (Runtime::Tokio, 20.0), (Runtime::Asyncio, 5.0)];
        assert_eq!(results(Row::Queue, &samples).ratio(Row::Queue), Some(0.5));
    }

    #[test]
    fn a_row_without_peers_has_no_ratio() {
        let results = results(Row::YieldMany, &[(Runtime::Loopwork, 30.0)]);
        assert_eq!(results.ratio(Row::YieldMany), None);
        assert!(results.report(&Row::ALL).to_string().contains("yield_many"));
    }
}
