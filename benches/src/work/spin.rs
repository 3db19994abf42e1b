//! Work that takes a given time.

use std::time::{Duration, Instant};

/// Computes for so long, by the clock: how fast the CPU is, alone or with its neighbour busy, is
/// then no part of how well the work was spread.
pub(super) fn spin(duration: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < duration {}
}
