//! How long things take, at random and the same in every run.

use std::time::Duration;

/// Durations from the shortest up to the longest, by a xorshift: a nanosecond or two for each.
#[derive(Debug, Clone)]
pub(super) struct Durations {
    state: u64,
    shortest: u64,
    span: u64,
}

impl Durations {
    /// Another `stream`, other durations.
    pub(super) fn between(shortest: Duration, longest: Duration, stream: usize) -> Self {
        // A state of zero would stay zero, and small ones take a while to look random.
        let state = (stream as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let span = (longest - shortest).as_nanos() as u64;
        Self { state, shortest: shortest.as_nanos() as u64, span }
    }

    pub(super) fn draw(&mut self) -> Duration {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        // The high half of a product: that part of the span, without a division.
        let part = (u128::from(self.state) * u128::from(self.span)) >> 64;
        Duration::from_nanos(self.shortest + part as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fill_their_range() {
        let (shortest, longest) = (Duration::from_secs(1), Duration::from_secs(60));
        for stream in 0..8 {
            let mut durations = Durations::between(shortest, longest, stream);
            let drawn: Vec<Duration> = (0..10_000).map(|_| durations.draw()).collect();
            assert!(drawn.iter().all(|&one| shortest <= one && one < longest));
            let mean = drawn.iter().sum::<Duration>() / 10_000;
            assert!(mean.abs_diff(Duration::from_millis(30_500)) < Duration::from_secs(1));
        }
    }
}
