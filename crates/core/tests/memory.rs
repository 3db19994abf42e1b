//! What tasks cost in memory, and that it is used again.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::mpsc;
use std::thread;

use common::yield_now;
use loopwork_core::{Builder, SleepDriver, Task};

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

/// What is allocated in large pieces: the chunks of arenas among it.
static LARGE: AtomicIsize = AtomicIsize::new(0);
const LARGE_MIN: usize = 32 * 1024;

struct Counting;

impl Counting {
    fn count(layout: Layout, sign: isize) {
        CALLS.with(|calls| calls.set(calls.get() + 1));
        if layout.size() >= LARGE_MIN {
            LARGE.fetch_add(sign * layout.size() as isize, Ordering::Relaxed);
        }
    }
}

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(layout, 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::count(layout, -1);
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The allocations of this thread in `f`.
async fn allocations(f: impl AsyncFn()) -> usize {
    let before = CALLS.with(Cell::get);
    f().await;
    CALLS.with(Cell::get) - before
}

#[test]
fn a_warm_spawn_and_join_allocates_nothing() {
    for workers in [1, 2] {
        let mut runtime = Builder::new().workers(workers).build(SleepDriver::new()).unwrap();
        let handle = runtime.handle();
        let here = async {
            let round = async || {
                let number = handle.spawn(async { 7u64 });
                // One that has to be waited for, and one that nobody waits for.
                let gives_way = handle.spawn(yield_now());
                drop(handle.spawn(async {}));
                gives_way.await.unwrap();
                assert_eq!(number.await.unwrap(), 7);
            };
            // Warm: the queue, the chunks, the free lists.
            for _ in 0..1000 {
                round().await;
            }
            let mut least = usize::MAX;
            for _ in 0..20 {
                least = least.min(allocations(round).await);
            }
            least
        };
        // On worker 0, which alone spawns here.
        assert_eq!(runtime.block_on(here).unwrap(), 0, "with {workers} workers");
    }
}

#[test]
fn memory_goes_round_between_outsiders_and_workers() {
    const TASKS: usize = 500;
    let mut runtime = Builder::new().workers(2).build(SleepDriver::new()).unwrap();
    let handle = runtime.handle();
    let (hand_over, tasks) = mpsc::channel::<Task<[u64; 8]>>();
    let (next, rounds) = mpsc::channel::<()>();
    let outside = handle.clone();
    let spawner = thread::spawn(move || {
        // No blocking: the thread sanitizer does not see into what std's channels block with.
        loop {
            match rounds.try_recv() {
                Ok(()) => {}
                Err(mpsc::TryRecvError::Empty) => {
                    thread::yield_now();
                    continue;
                }
                Err(mpsc::TryRecvError::Disconnected) => return,
            }
            for number in 0..TASKS {
                hand_over.send(outside.spawn(async move { [number as u64; 8] })).unwrap();
            }
        }
    });
    let mut round = || {
        next.send(()).unwrap();
        // Spawned outside; ended, joined and freed by workers.
        let joined = async {
            for _ in 0..TASKS {
                let task = loop {
                    match tasks.try_recv() {
                        Ok(task) => break task,
                        Err(_) => yield_now().await,
                    }
                };
                task.await.unwrap();
            }
        };
        runtime.block_on(joined).unwrap();
        // And the other way: spawned by a worker, freed outside.
        let handle = handle.clone();
        let spawned = async move { (0..TASKS).map(|_| handle.spawn(async {})).collect::<Vec<_>>() };
        let spawned = runtime.block_on(spawned).unwrap();
        runtime
            .block_on(async {
                while spawned.iter().any(|task| !task.done()) {
                    yield_now().await;
                }
            })
            .unwrap();
        drop(spawned);
    };
    for _ in 0..20 {
        round();
    }
    let before = LARGE.load(Ordering::Relaxed);
    for _ in 0..200 {
        round();
    }
    let grown = LARGE.load(Ordering::Relaxed) - before;
    assert!(grown < 1 << 20, "{grown} bytes more after 200 rounds");
    drop(next);
    spawner.join().unwrap();
}

#[test]
fn handles_and_wakers_may_outlive_their_loop() {
    for workers in [1, 2] {
        let mut runtime = Builder::new().workers(workers).build(SleepDriver::new()).unwrap();
        let handle = runtime.handle();
        let (send, wakers) = mpsc::channel();
        let ended = handle.spawn(async { String::from("kept") });
        let waiting = handle.spawn(std::future::poll_fn(move |cx| {
            let _ = send.send(cx.waker().clone());
            std::task::Poll::<()>::Pending
        }));
        let waker = runtime.block_on(async {
            while !ended.done() || waiting.waits_for().is_none() {
                yield_now().await;
            }
            wakers.recv().unwrap()
        });
        let waker = waker.unwrap();
        drop((runtime, handle));
        waker.wake_by_ref();
        assert!(waiting.cancelled() && waiting.name().starts_with("Task-"));
        thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!(ended.result().unwrap(), "kept");
        drop(ended);
        drop(waiting);
    }
}

#[test]
fn large_and_aligned_futures_are_tasks_as_well() {
    #[repr(align(64))]
    struct Aligned(u8);
    let mut runtime = Builder::new().build(SleepDriver::new()).unwrap();
    let handle = runtime.handle();
    runtime
        .block_on(async move {
            let large = [7u8; 5000];
            let aligned = Aligned(3);
            let large = handle.spawn(async move {
                yield_now().await;
                large.iter().map(|&byte| usize::from(byte)).sum::<usize>()
            });
            let aligned = handle.spawn(async move {
                yield_now().await;
                assert_eq!((&raw const aligned).addr() % 64, 0);
                aligned.0
            });
            assert_eq!(large.await.unwrap(), 35_000);
            assert_eq!(aligned.await.unwrap(), 3);
        })
        .unwrap();
    runtime.close();
    let refused = runtime.handle().try_spawn(async { [1u8; 5000] }).unwrap_err();
    drop(refused);
}
