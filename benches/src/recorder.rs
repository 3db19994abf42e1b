//! Warm-up, samples and what they cost.

use std::time::{Duration, Instant};

use crate::measurement::Measurement;
use crate::plan::Sampling;
use crate::statistics::quantile;
use crate::usage::Usage;

/// Decides how often a work is repeated and keeps what it took.
///
/// ```text
/// while recorder.wants_more() {
///     do the work;
///     recorder.add(what it took);
/// }
/// recorder.finish()
/// ```
#[derive(Debug)]
pub(crate) struct Recorder {
    sampling: Sampling,
    /// Operations that make one sample.
    operations: usize,
    /// Repetitions of the warm-up, or after it.
    times: usize,
    /// When the warm-up began, or ended.
    begin: Instant,
    /// What had been used when the warm-up ended; `None` before.
    usage: Option<Usage>,
    samples: Vec<f64>,
    /// Every single operation, where the row looks at its tail.
    latencies: Vec<f64>,
}

impl Recorder {
    pub(crate) fn new(sampling: Sampling, operations: usize) -> Self {
        Self {
            sampling,
            operations,
            times: 0,
            begin: Instant::now(),
            usage: None,
            samples: Vec::new(),
            latencies: Vec::new(),
        }
    }

    /// Whether the work is to be done once more.
    pub(crate) fn wants_more(&mut self) -> bool {
        let passed = self.begin.elapsed();
        if self.usage.is_some() {
            return !self.sampling.samples.reached(self.times, passed);
        }
        if self.sampling.warm_up.reached(self.times, passed) {
            self.times = 0;
            self.usage = Some(Usage::now());
            self.begin = Instant::now();
        }
        true
    }

    /// All operations of one repetition together took so long.
    pub(crate) fn add(&mut self, took: Duration) {
        self.add_value(took.as_nanos() as f64 / self.operations as f64);
    }

    /// As [`add`](Recorder::add), where each operation was measured by itself, in the row's unit:
    /// the sample is their median, and their tail is kept too.
    pub(crate) fn add_latencies(&mut self, took: &mut [f64]) {
        let middle = quantile(took, 0.5).expect("a repetition has operations");
        self.add_tail(took);
        self.add_value(middle);
    }

    /// Some operations of a repetition, or all, were measured by themselves too: their tail is kept.
    pub(crate) fn add_tail(&mut self, took: &[f64]) {
        if self.usage.is_some() {
            self.latencies.extend_from_slice(took);
        }
    }

    /// As [`add`](Recorder::add), for a row whose value is something else than time.
    pub(crate) fn add_value(&mut self, value: f64) {
        self.times += 1;
        if self.usage.is_some() {
            self.samples.push(value);
        }
    }

    pub(crate) fn finish(mut self) -> Measurement {
        let warm = self.usage.expect("the warm-up is over when no more is wanted");
        let used = Usage::now().since(warm);
        Measurement {
            operations: (self.times * self.operations) as u64,
            used,
            p99: quantile(&mut self.latencies, 0.99),
            samples: self.samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Enough;

    #[test]
    fn the_warm_up_is_not_among_the_samples() {
        let times = |times| Enough { times, duration: Duration::ZERO };
        let sampling = Sampling { warm_up: times(2), samples: times(3) };
        let mut recorder = Recorder::new(sampling, 10);
        let mut repetitions = 0;
        while recorder.wants_more() {
            repetitions += 1;
            recorder.add(Duration::from_nanos(10 * repetitions));
        }
        let measurement = recorder.finish();
        assert_eq!(measurement.samples, [3.0, 4.0, 5.0]);
        assert_eq!(measurement.operations, 30);
        assert_eq!(measurement.p99, None);
    }
}
