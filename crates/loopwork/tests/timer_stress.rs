//! Timers at random on eight workers: none fires early, and none is lost.
//!
//! It takes a second, or as many as `LOOPWORK_STRESS_SECONDS` says, and prints how late timers were.

use std::env;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;
use std::time::Duration;

use loopwork::{EventLoop, Handle, Instant, Sleep, create_task, sleep, sleep_until, yield_now};

const TASKS: u64 = 200;

/// The same numbers for the same seed: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Mostly less than a millisecond, now and then 60.
    fn duration(&mut self) -> Duration {
        let exponent = self.below(27);
        Duration::from_nanos(self.below(1 << exponent))
    }
}

/// Polls a sleep once, and says whether it is over.
async fn poll_once(sleep: &mut Sleep) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *sleep).poll(cx).is_ready())).await
}

/// What all tasks tell.
#[derive(Default)]
struct Tally {
    fired: AtomicU64,
    given_up: AtomicU64,
    moved: AtomicU64,
}

struct Timing {
    tally: Arc<Tally>,
    lateness: mpsc::Sender<Duration>,
}

impl Timing {
    /// Waits until it is over, and looks at the clock.
    async fn finish(&self, mut sleep: Sleep) {
        // In the past: as soon as can be.
        let deadline = sleep.deadline().max(Instant::now());
        (&mut sleep).await;
        let now = Instant::now();
        assert!(now >= sleep.deadline(), "early by {:?}", sleep.deadline() - now);
        assert!(sleep.is_elapsed());
        self.tally.fired.fetch_add(1, Ordering::Relaxed);
        self.lateness.send(now - deadline).unwrap();
    }

    async fn step(&self, random: &mut Random) {
        let mut timer = sleep(random.duration());
        match random.below(8) {
            0..3 => return self.finish(timer).await,
            // Given up where it is, or by another task, which another worker may run.
            3 => _ = poll_once(&mut timer).await,
            4 => {
                poll_once(&mut timer).await;
                let _detached = create_task(async move {
                    yield_now().await;
                    drop(timer);
                });
            }
            // Waited for by another task than that of its first poll.
            5 => {
                poll_once(&mut timer).await;
                let timing = Self { tally: self.tally.clone(), lateness: self.lateness.clone() };
                timing.tally.moved.fetch_add(1, Ordering::Relaxed);
                return create_task(async move { timing.finish(timer).await }).await.unwrap();
            }
            // Moved on, or back, and waited for.
            6 => {
                for _ in 0..random.below(4) {
                    poll_once(&mut timer).await;
                    timer.reset(Instant::now() + random.duration());
                }
                return self.finish(timer).await;
            }
            // In the past.
            _ => return self.finish(sleep_until(Instant::now() - random.duration())).await,
        }
        self.tally.given_up.fetch_add(1, Ordering::Relaxed);
    }
}

fn stress(workers: usize, length: Duration) {
    let (tally, (lateness, latenesses)) = (Arc::<Tally>::default(), mpsc::channel());
    let mut event_loop = EventLoop::builder().workers(workers).build().unwrap();
    let timing = |seed| {
        let timing = Timing { tally: tally.clone(), lateness: lateness.clone() };
        let mut random = Random(seed + 1);
        async move {
            let end = Instant::now() + length;
            let mut steps = 0_u64;
            while Instant::now() < end {
                timing.step(&mut random).await;
                steps += 1;
            }
            steps
        }
    };
    let steps = event_loop
        .run_until_complete(async {
            let handle = Handle::current().unwrap();
            let tasks: Vec<_> = (0..TASKS).map(|seed| handle.create_task(timing(seed))).collect();
            let mut steps = 0;
            for task in tasks {
                steps += task.await.unwrap();
            }
            steps
        })
        .unwrap();
    event_loop.close();
    let (fired, given_up) = (&tally.fired, &tally.given_up);
    assert_eq!(fired.load(Ordering::Relaxed) + given_up.load(Ordering::Relaxed), steps);
    assert!(tally.moved.load(Ordering::Relaxed) > 0);

    drop(lateness);
    let mut latenesses: Vec<_> = latenesses.try_iter().collect();
    latenesses.sort_unstable();
    assert_eq!(latenesses.len() as u64, fired.load(Ordering::Relaxed));
    let of = |percent: usize| latenesses[(latenesses.len() - 1) * percent / 100];
    println!("{workers} workers: {steps} timers, {tally} fired", tally = latenesses.len());
    println!("   late by {:?} in the middle, {:?} at p99, {:?} at most", of(50), of(99), of(100));
}

#[test]
fn timers_at_random() {
    let seconds = env::var("LOOPWORK_STRESS_SECONDS").map_or(1.0, |text| {
        text.parse().expect("`LOOPWORK_STRESS_SECONDS` takes a number of seconds")
    });
    for workers in [1, 2, 8] {
        // Most of the time goes to eight.
        let part = if workers == 8 { 0.8 } else { 0.1 };
        stress(workers, Duration::from_secs_f64(seconds * part));
    }
}
