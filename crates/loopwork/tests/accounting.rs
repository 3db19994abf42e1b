//! Submission is atomic: whatever the loop does meanwhile, each submission ran, was cancelled, or
//! was handed back.

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use loopwork::{
    CallHandle, ConcurrentFuture, EventLoop, Handle, Task, TimerHandle, run_coroutine_threadsafe,
    sleep, yield_now,
};

const ROUNDS: u64 = 1000;
const THREADS: u64 = 8;
const SUBMISSIONS: u64 = 40;

/// What became of the submissions of one round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Account {
    ran: u64,
    cancelled: u64,
    panicked: u64,
    handed_back: u64,
}

impl Account {
    fn total(self) -> u64 {
        self.ran + self.cancelled + self.panicked + self.handed_back
    }
}

/// What a submitter keeps of what was accepted.
enum Accepted {
    Call(CallHandle, Arc<AtomicU64>),
    Timer(TimerHandle, Arc<AtomicU64>),
    Coroutine(ConcurrentFuture<u64>),
    Task(Task<u64>),
}

/// A small generator, so that a round can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

/// A task that waits, spawns, yields, panics or just returns.
async fn work(kind: u64) -> u64 {
    match kind {
        0 => yield_now().await,
        1 => sleep(Duration::from_micros(50)).await,
        2 => std::future::pending().await,
        3 => std::panic::resume_unwind(Box::new("as planned")),
        4 => {
            if let Ok(handle) = Handle::current() {
                // A closing loop may refuse it: then it comes back, and is dropped here.
                if let Ok(child) = handle.try_spawn(async { 1 }) {
                    drop(child.await);
                }
            }
        }
        _ => {}
    }
    kind
}

fn submit(handle: &Handle, random: &mut Random) -> Option<Accepted> {
    let kind = random.below(8);
    let ran = Arc::new(AtomicU64::new(0));
    let counted = ran.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    match random.below(4) {
        0 => {
            let call = handle.call_soon_threadsafe(count).ok()?;
            if kind == 0 {
                call.cancel();
            }
            Some(Accepted::Call(call, ran))
        }
        1 => {
            let when = handle.time() + Duration::from_micros(random.below(100));
            let timer = handle.try_call_at(when, count).ok()?;
            if kind == 0 {
                timer.cancel();
            }
            Some(Accepted::Timer(timer, ran))
        }
        2 => {
            let future = run_coroutine_threadsafe(work(kind), handle).ok()?;
            if kind == 5 {
                future.cancel();
            }
            Some(Accepted::Coroutine(future))
        }
        _ => {
            let task = handle.try_spawn(work(kind)).ok()?;
            if kind == 5 {
                task.cancel();
            }
            Some(Accepted::Task(task))
        }
    }
}

/// The loop has closed: everything must have come to an end.
fn settle(accepted: Accepted, account: &mut Account) {
    let once = |ran: Arc<AtomicU64>, cancelled: bool| match ran.load(Ordering::SeqCst) {
        0 => {
            assert!(cancelled, "neither ran nor cancelled");
            false
        }
        1 => {
            assert!(!cancelled, "ran, and cancelled too");
            true
        }
        n => panic!("ran {n} times"),
    };
    match accepted {
        Accepted::Call(call, ran) if once(ran.clone(), call.cancelled()) => account.ran += 1,
        Accepted::Timer(timer, ran) if once(ran.clone(), timer.cancelled()) => account.ran += 1,
        Accepted::Call(..) | Accepted::Timer(..) => account.cancelled += 1,
        Accepted::Coroutine(future) => match future.result(Some(Duration::ZERO)) {
            Ok(_) => account.ran += 1,
            Err(error) if error.is_panic() => account.panicked += 1,
            Err(error) if error.is_cancelled() => account.cancelled += 1,
            Err(error) => panic!("{error}"),
        },
        Accepted::Task(task) => match task.result() {
            Ok(_) => account.ran += 1,
            Err(error) if error.is_panic() => account.panicked += 1,
            Err(error) if error.is_cancelled() => account.cancelled += 1,
            Err(error) => panic!("{error}"),
        },
    }
}

fn round(seed: u64, workers: usize) -> Account {
    let mut event_loop = EventLoop::builder().workers(workers).build().unwrap();
    let handle = event_loop.handle();
    handle.set_exception_handler(Some(Arc::new(|_| ())));
    let begin = Arc::new(Barrier::new(THREADS as usize + 1));
    let submitters: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (handle, begin) = (handle.clone(), begin.clone());
            thread::spawn(move || {
                let mut random = Random(seed * THREADS + thread);
                begin.wait();
                (0..SUBMISSIONS).map(|_| submit(&handle, &mut random)).collect::<Vec<_>>()
            })
        })
        .collect();

    // Runs and stops a few times while it is submitted to, then closes, at some point or other.
    let mut random = Random(seed);
    begin.wait();
    for _ in 0..random.below(3) {
        let (stop, delay) = (handle.clone(), Duration::from_micros(random.below(300)));
        handle.call_later(delay, move || stop.stop());
        event_loop.run_forever().unwrap();
    }
    event_loop.close();

    let mut account = Account::default();
    for submitter in submitters {
        for accepted in submitter.join().unwrap() {
            match accepted {
                Some(accepted) => settle(accepted, &mut account),
                None => account.handed_back += 1,
            }
        }
    }
    account
}

#[test]
fn every_submission_ran_was_cancelled_or_was_handed_back() {
    let mut sum = Account::default();
    for seed in 0..ROUNDS {
        let workers = [1, 2, 8][(seed % 3) as usize];
        let account = round(seed, workers);
        assert_eq!(account.total(), THREADS * SUBMISSIONS, "round {seed}: {account:?}");
        sum.ran += account.ran;
        sum.cancelled += account.cancelled;
        sum.panicked += account.panicked;
        sum.handed_back += account.handed_back;
    }
    println!("{sum:?}");
    // Each outcome was really met.
    assert!(sum.ran > 0 && sum.cancelled > 0 && sum.panicked > 0 && sum.handed_back > 0, "{sum:?}");
}
