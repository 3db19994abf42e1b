//! Whole loops, with all their threads.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;

use loopwork_core::{Handle, Task, block_in_place};
use loopwork_shim::sync::Mutex;
use loopwork_shuttle_tests::{
    Books, End, Entry, Rng, Signal, block_on, explore, runtime, spawn, switch, thread_rng, workers,
    yield_now,
};

/// What a task of a tree does.
async fn act(handle: Handle, books: Books, entry: Entry, depth: u32) {
    entry.step();
    for _ in 0..thread_rng().gen_range(0..3) {
        match thread_rng().gen_range(0..9) {
            0 => yield_now().await,
            1 => {
                let child = handle.spawn(tree(&handle, &books, depth));
                assert_eq!(End::of(&child.await), End::Ran);
            }
            2 => drop(handle.spawn(tree(&handle, &books, depth))),
            3 => {
                let child = handle.spawn(forever(&books));
                yield_now().await;
                child.cancel();
                assert_eq!(End::of(&child.await), End::Cancelled);
            }
            4 => {
                let child = handle.spawn(panics(&books));
                assert_eq!(End::of(&child.await), End::Panicked);
            }
            5 => {
                for child in handle.spawn_many((0..3).map(|_| tree(&handle, &books, depth))) {
                    assert_eq!(End::of(&child.await), End::Ran);
                }
            }
            6 => {
                let (handle, books) = (handle.clone(), books.clone());
                let child = handle.clone().spawn_pinned(move || tree(&handle, &books, depth));
                assert_eq!(End::of(&child.await), End::Ran);
            }
            7 => {
                let (entry, called) = (books.open(), Signal::default());
                let calling = called.clone();
                let callback = move || {
                    entry.end();
                    calling.set();
                };
                handle.try_call_soon(callback).unwrap();
                called.wait().await;
            }
            _ => block_in_place(switch),
        }
        entry.step();
    }
    entry.end();
}

fn tree(handle: &Handle, books: &Books, depth: u32) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let entry = books.open();
    if depth == 0 {
        return Box::pin(async move { entry.end() });
    }
    Box::pin(act(handle.clone(), books.clone(), entry, depth - 1))
}

fn forever(books: &Books) -> impl Future<Output = ()> + Send + use<> {
    let entry = books.open();
    async move {
        pending::<()>().await;
        entry.end();
    }
}

fn panics(books: &Books) -> impl Future<Output = ()> + Send + use<> {
    let entry = books.open();
    async move {
        yield_now().await;
        let _entry = entry;
        resume_unwind(Box::new("as planned"));
    }
}

/// Random trees of tasks, from the root and from outside: everything ends.
#[test]
fn trees() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let busy = Arc::new(());
        let outside: Vec<_> = (0..2)
            .map(|_| {
                let (handle, books, busy) = (handle.clone(), books.clone(), busy.clone());
                spawn(move || {
                    let task = handle.spawn(tree(&handle, &books, 2));
                    assert_eq!(End::of(&block_on(task.into_future())), End::Ran);
                    drop(busy);
                })
            })
            .collect();
        let here = async {
            let task = handle.spawn(tree(&handle, &books, 3));
            assert_eq!(End::of(&task.await), End::Ran);
            // Those outside wait for tasks that need the loop.
            while books.pending() > 0 || Arc::strong_count(&busy) > 1 {
                yield_now().await;
                switch();
            }
        };
        runtime.block_on(here).unwrap();
        books.assert_at_rest();
        outside.into_iter().for_each(|thread| thread.join().unwrap());
        runtime.close();
        assert_eq!(books.pending(), 0);
    });
}

/// A worker that sleeps is woken for each submission: nobody looks of his own accord.
#[test]
fn submissions_to_a_loop_that_sleeps() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let (pending, all) = (Arc::new(Mutex::new(3)), Signal::default());
        let outside: Vec<_> = (0..3)
            .map(|_| {
                let (handle, books) = (handle.clone(), books.clone());
                let (pending, all) = (pending.clone(), all.clone());
                spawn(move || {
                    for _ in 0..2 {
                        let entry = books.open();
                        let task = handle.spawn(async move {
                            entry.step();
                            yield_now().await;
                            entry.end();
                        });
                        block_on(task.into_future()).unwrap();
                    }
                    let mut pending = pending.lock();
                    *pending -= 1;
                    if *pending == 0 {
                        all.set();
                    }
                })
            })
            .collect();
        runtime.block_on(all.wait()).unwrap();
        outside.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(books.ran(), 6);
    });
}

/// Tasks that threads outside wake, and cancel.
#[test]
fn wakes_from_outside() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let pairs: Vec<_> = (0..3)
            .map(|n| {
                let (there, back) = (Signal::default(), Signal::default());
                let (entry, is_pinned) = (books.open(), n == 0);
                let (theirs, ours) = (there.clone(), back.clone());
                let work = async move {
                    for _ in 0..3 {
                        theirs.wait().await;
                        entry.step();
                        ours.set();
                    }
                    entry.end();
                };
                let task =
                    if is_pinned { handle.spawn_pinned(move || work) } else { handle.spawn(work) };
                let cancel = thread_rng().gen_bool(0.3);
                let waker = task.clone();
                let thread = spawn(move || {
                    there.set();
                    back.block();
                    if cancel {
                        waker.cancel();
                    }
                    there.set();
                    if !cancel {
                        back.block();
                        there.set();
                    }
                });
                (task, thread, cancel)
            })
            .collect();
        let ends = runtime.block_on(async {
            let mut threads = Vec::new();
            for (task, thread, cancel) in pairs {
                let end = End::of(&task.await);
                assert!(end == if cancel { End::Cancelled } else { End::Ran });
                threads.push(thread);
            }
            threads
        });
        ends.unwrap().into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(books.pending(), 0);
    });
}

/// `stop()` from outside, and runs again: when a run has returned nothing runs, and the last one
/// ends everything.
#[test]
fn stop_and_run_again() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let outside: Vec<_> = (0..2)
            .map(|n| {
                let (handle, books) = (handle.clone(), books.clone());
                spawn(move || {
                    let tasks: Vec<_> =
                        (0..3).map(|_| handle.spawn(tree(&handle, &books, 1))).collect();
                    if n == 0 {
                        handle.stop();
                    }
                    tasks
                })
            })
            .collect();
        runtime.run_forever().unwrap();
        books.assert_at_rest();
        let stopper = spawn({
            let handle = handle.clone();
            move || handle.stop()
        });
        runtime.run_forever().unwrap();
        books.assert_at_rest();
        stopper.join().unwrap();
        let tasks: Vec<_> = outside.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let all = async {
            for task in tasks {
                assert_eq!(End::of(&task.await), End::Ran);
            }
        };
        runtime.block_on(all).unwrap();
        books.assert_at_rest();
        runtime.close();
        assert_eq!(books.pending(), 0);
    });
}

/// A pinned task that is woken while the loop is stopped runs in the next run.
#[test]
fn pinned_tasks_and_stopped_loops() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let (signal, entry) = (Signal::default(), books.open());
                let waits = signal.clone();
                let work = move || async move {
                    waits.wait().await;
                    entry.end();
                };
                (signal, handle.spawn_pinned(work))
            })
            .collect();
        // They may have begun, or not.
        runtime.block_on(yield_now()).unwrap();
        let waking: Vec<_> = tasks
            .iter()
            .map(|(signal, _)| signal.clone())
            .map(|s| spawn(move || s.set()))
            .collect();
        if thread_rng().gen_bool(0.5) {
            runtime.block_on(yield_now()).unwrap();
        }
        let all = async {
            for (_, task) in tasks {
                task.await.unwrap();
            }
        };
        runtime.block_on(all).unwrap();
        waking.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(books.ran(), 3);
    });
}

/// `close()` with submissions under way: each task ran, was cancelled, or was handed back.
#[test]
fn close_with_tasks_pending() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        // Wakers that outlive their loop.
        let signals: Vec<_> = (0..2).map(|_| Signal::default()).collect();
        let tasks: Vec<_> = signals
            .iter()
            .map(|signal| {
                let (signal, entry) = (signal.clone(), books.open());
                handle.spawn(async move {
                    signal.wait().await;
                    entry.end();
                })
            })
            .collect();
        let pinned = handle.spawn_pinned({
            let entry = books.open();
            move || async move {
                pending::<()>().await;
                entry.end();
            }
        });
        let submitter = spawn({
            let (handle, books) = (handle.clone(), books.clone());
            move || submit(&handle, &books)
        });
        let waking = spawn(move || signals.iter().for_each(Signal::set));
        if thread_rng().gen_bool(0.7) {
            runtime.block_on(yield_now()).unwrap();
        }
        runtime.close();
        let ended = tasks.iter().map(|task| End::of(&task.result()));
        assert!(ended.into_iter().all(|end| end != End::Panicked));
        assert!(pinned.cancelled());
        let (tasks, calls) = submitter.join().unwrap();
        for task in tasks {
            assert!(End::of(&task.result()) != End::Panicked);
        }
        assert!(calls.iter().all(|(call, ran)| call.cancelled() || *ran.lock()));
        waking.join().unwrap();
        assert_eq!(books.pending(), 0, "neither ran nor dropped");
        drop((runtime, pinned));
    });
}

type Calls = Vec<(loopwork_core::CallHandle, Arc<Mutex<bool>>)>;

fn submit(handle: &Handle, books: &Books) -> (Vec<Task<()>>, Calls) {
    let (mut tasks, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let entry = books.open();
        tasks.extend(handle.try_spawn(async move { entry.end() }));
        let many = (0..2).map(|_| {
            let entry = books.open();
            async move { entry.end() }
        });
        tasks.extend(handle.try_spawn_many(many).unwrap_or_default());
        let (entry, ran) = (books.open(), Arc::new(Mutex::new(false)));
        let running = ran.clone();
        let callback = move || {
            *running.lock() = true;
            entry.end();
        };
        calls.extend(handle.try_call_soon(callback).map(|call| (call, ran)));
    }
    (tasks, calls)
}

/// What is ready behind a task that blocks is run by others.
#[test]
fn block_in_place_hands_over() {
    explore(|| {
        let books = Books::default();
        let mut runtime = runtime(workers());
        let handle = runtime.handle();
        let parent = handle.spawn({
            let (handle, books) = (handle.clone(), books.clone());
            async move {
                let done = Signal::default();
                for _ in 0..2 {
                    let (entry, ending) = (books.open(), done.clone());
                    drop(handle.spawn(async move {
                        yield_now().await;
                        entry.end();
                        ending.set();
                    }));
                    block_in_place(|| done.block());
                }
            }
        });
        runtime.block_on(parent.into_future()).unwrap().unwrap();
        assert_eq!(books.ran(), 2);
    });
}
