//! How long polls take here: what decides whether help is worth its wake-up.
//!
//! The clock is read every few polls, the more rarely the shorter they are.

use std::cell::Cell;

use loopwork_context::friction;

/// Polls that take longer on average are *dear*: it pays to run them on another worker.
const DEAR: u64 = 1_000;
/// What a worker supposes before it knows.
pub(super) const UNKNOWN: u64 = 1_000;
/// A sample counts as so many times the average at most.
const OUTLIER: u64 = 8;
/// So many polls go by at most between two looks at the clock.
const STRIDE_MAX: u32 = 32;

/// Of one worker. Times are nanoseconds of its loop's clock.
#[derive(Debug)]
pub(super) struct Pace {
    average: Cell<u64>,
    stride: Cell<u32>,
    left: Cell<u32>,
    last: Cell<u64>,
    /// What polls of this thread had lost to others then.
    friction: Cell<u64>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            average: Cell::new(UNKNOWN),
            stride: Cell::new(1),
            left: Cell::new(1),
            last: Cell::new(0),
            friction: Cell::new(0),
        }
    }

    /// After a poll. True if the clock is to be read: see [`Pace::sample`].
    #[inline]
    pub(super) fn tick(&self) -> bool {
        let left = self.left.get() - 1;
        self.left.set(left);
        left == 0
    }

    /// Takes the polls since the last look at the clock into account.
    pub(super) fn sample(&self, now: u64) {
        let polls = u64::from(self.stride.get());
        let lost = friction() - self.friction.get();
        let each = (now - self.last.get()).saturating_sub(lost) / polls;
        let average = self.average.get();
        self.average.set((3 * average + tamed(each, average)) / 4);
        let stride = if each >= DEAR { 1 } else { (2 * self.stride.get()).min(STRIDE_MAX) };
        self.begin(now, stride);
    }

    /// A thief has found out what tasks from here cost. It counts for more than what was seen here:
    /// perhaps that was only the long poll of the task that spawns them.
    #[cold]
    pub(super) fn hear(&self, each: u64) {
        let average = self.average.get();
        self.average.set((average + tamed(each, average)) / 2);
    }

    /// The time since the last look was not spent on polls.
    pub(super) fn restart(&self, now: u64) {
        self.begin(now, self.stride.get());
    }

    fn begin(&self, now: u64, stride: u32) {
        self.stride.set(stride);
        self.left.set(stride);
        self.last.set(now);
        // Of this thread: the loop may have been run on another one before.
        self.friction.set(friction());
    }

    /// Nanoseconds a poll, of late.
    #[inline]
    pub(super) fn average(&self) -> u64 {
        self.average.get()
    }

    #[inline]
    pub(super) fn is_dear(&self) -> bool {
        self.average.get() >= DEAR
    }

    /// When the clock was last read.
    #[inline]
    pub(super) fn last(&self) -> u64 {
        self.last.get()
    }
}

/// What a sample counts as, by what was known: one long poll among many short ones does not make them
/// dear.
pub(super) fn tamed(each: u64, average: u64) -> u64 {
    each.min(OUTLIER * average.max(1))
}
