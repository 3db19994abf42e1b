//! Spinning before a thread blocks.

use std::time::{Duration, Instant};

use loopwork_shim::spin::Spin;
use loopwork_shim::thread::spin_loop;

/// How many looks are taken between two looks at the clock.
const LOOKS: u32 = 64;

loopwork_shim::thread_local! {
    /// What this thread has learned of its blocking waits.
    static SPIN: Spin = Spin::new()
}

/// Waits for something that usually does not take long: spins until `done`, if this thread's waits
/// have been short of late; then calls `block`.
pub(crate) fn spin_then<R>(
    limit: Option<Duration>,
    done: impl Fn() -> bool,
    block: impl FnOnce() -> R,
) -> R {
    if done() || limit == Some(Duration::ZERO) {
        return block();
    }
    SPIN.with(|spin| {
        let began = Instant::now();
        let spins = spin.pays();
        if spins {
            let until = limit.map_or(Spin::SPIN, |limit| limit.min(Spin::SPIN));
            'spin: while began.elapsed() < until {
                for _ in 0..LOOKS {
                    if done() {
                        break 'spin;
                    }
                    spin_loop();
                }
            }
        }
        // Unwind: what was learned stays as it was.
        let result = block();
        spin.learn(began.elapsed(), true, spins);
        result
    })
}
