//! What an operation costs in accesses to shared memory: counted, not timed.
//!
//! Needs a build that counts: `RUSTFLAGS="--cfg loopwork_count" cargo test -p loopwork-core --test
//! counts`. In any other build this file is empty.

#![cfg(loopwork_count)]
#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::future::{Future, poll_fn};
use std::sync::mpsc;
use std::task::{Poll, Waker};

use common::{runtime, yield_now};
use loopwork_core::Handle;
use loopwork_shim::count::{Counts, counts};

const ROUNDS: u64 = 1_000;
/// Of task ids, and of shares of the loop's memory, a worker takes so many at once.
const BLOCK: u64 = 64;

/// Counts what `body` does as a task on worker 0 of two, while the other is busy, so that nobody
/// steals.
fn counted<F>(body: impl FnOnce(Handle) -> F) -> Counts
where
    F: Future<Output = Counts> + Send + 'static,
{
    let mut runtime = runtime(2);
    let handle = runtime.handle();
    let ((started, busy), (end, ended)) = (mpsc::channel(), mpsc::channel::<()>());
    let other = handle.spawn(async move {
        started.send(()).unwrap();
        ended.recv().unwrap_err();
    });
    let body = body(handle.clone());
    runtime
        .block_on(async move {
            // The other worker takes the task, and stays in it.
            busy.recv().unwrap();
            let counted = handle.spawn(body).await.unwrap();
            drop(end);
            other.await.unwrap();
            counted
        })
        .unwrap()
}

/// The counts of `ROUNDS` rounds, after as many that warm up.
async fn rounds<F: Future<Output = ()>>(round: impl Fn() -> F) -> Counts {
    let mut start = Start::now();
    for n in 0..2 * ROUNDS {
        if n == ROUNDS {
            start = Start::now();
        }
        round().await;
    }
    start.until_now()
}

/// Where counting began.
struct Start {
    turns: u64,
    counts: Counts,
}

impl Start {
    fn now() -> Self {
        let turns = Self::turns();
        Self { turns, counts: counts() }
    }

    /// Without the two locks of each visit to the driver: how many there are depends on the time it takes.
    fn until_now(self) -> Counts {
        let mut counts = counts() - self.counts;
        counts.locks = counts.locks.saturating_sub(2 * (Self::turns() - self.turns));
        counts
    }

    fn turns() -> u64 {
        Handle::current().unwrap().metrics().total().driver_turns
    }
}

#[track_caller]
fn assert_local(what: &str, counts: Counts) {
    println!("{what}, {ROUNDS} times: {counts:?}");
    // None per round. Memory that the allocator had from another thread counts, once.
    assert!(counts.shared_writes <= 4, "{what} writes to lines that others write");
    assert_eq!(counts.fences, 0, "{what} fences");
    // Full and empty magazines of cells are exchanged under a lock, both ways.
    assert!(counts.locks <= 2 * (ROUNDS / 64 + 1), "{what} takes locks");
}

/// So many read-modify-writes `each` round, and so many in each `block` of rounds.
#[track_caller]
fn assert_writes(counts: Counts, each: u64, block: u64) {
    let (least, blocks) = (each * ROUNDS, block * (ROUNDS.div_ceil(BLOCK) + 1));
    let writes = counts.read_modify_writes;
    assert!((least..=least + blocks).contains(&writes), "{writes}, not {least} and {blocks}");
}

/// One poll that is woken once, from outside of it.
async fn wait_once(wakers: &mpsc::Sender<Waker>) {
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        if polls == 2 {
            return Poll::Ready(());
        }
        wakers.send(cx.waker().clone()).unwrap();
        Poll::Pending
    })
    .await;
}

#[test]
fn a_local_spawn_run_and_join() {
    let counts = counted(|handle| async move {
        rounds(|| async { handle.spawn(async {}).await.unwrap() }).await
    });
    assert_local("spawn and await", counts);
    // Who awaits registers: a reference, the place for it, the mark in the task's word. The task ends
    // and tells: its word, that place, the wake. The end of the poll that awaited; the last reference.
    assert_writes(counts, 8, 1);
}

#[test]
fn many_local_spawns_and_then_their_joins() {
    let counts = counted(|handle| async move {
        let many = || async {
            let tasks: Vec<_> = (0..ROUNDS).map(|_| handle.spawn(async {})).collect();
            for task in tasks {
                task.await.unwrap();
            }
        };
        many().await;
        let start = Start::now();
        many().await;
        start.until_now()
    });
    assert_local("spawn, run and join", counts);
    // The end of each. Ids; shares, taken and given back.
    assert_writes(counts, 1, 3);
}

/// The handle goes while the task is still in hand.
#[test]
fn a_local_spawn_that_is_detached_at_once() {
    let counts = counted(|handle| async move {
        rounds(|| async {
            drop(handle.spawn(async {}));
            yield_now().await;
        })
        .await
    });
    assert_local("spawn and detach", counts);
    // The end, with which the handle goes.
    assert_writes(counts, 1, 2);
}

#[test]
fn a_yield() {
    let counts = counted(|_| rounds(yield_now));
    assert_local("yield", counts);
    assert_writes(counts, 0, 0);
}

#[test]
fn a_wake_and_a_poll() {
    let counts = counted(|handle| async move {
        let (wakers, waiting) = mpsc::channel();
        let waiter = handle.spawn(async move { rounds(|| wait_once(&wakers)).await });
        // Each round the waiter leaves a waker, and this task wakes it.
        loop {
            match waiting.try_recv() {
                Ok(waker) => Waker::wake(waker),
                Err(mpsc::TryRecvError::Empty) => yield_now().await,
                Err(mpsc::TryRecvError::Disconnected) => break,
            }
        }
        waiter.await.unwrap()
    });
    assert_local("wake and poll", counts);
    // Clone of the waker, wake, and the end of the poll; the drop is the wake's.
    assert_writes(counts, 3, 0);
}
