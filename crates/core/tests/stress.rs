//! Many tasks that do everything at once, at all sizes: each is accounted for, and memory does not
//! grow.
//!
//! `LOOPWORK_STRESS` says how many thousand tasks each size is given; a few, if it is not set.

#![allow(clippy::disallowed_types, reason = "tests are not model-checked")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU64, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::thread;

use common::{runtime, yield_now};
use loopwork_core::{Handle, LocalSet, Task, TaskError, block_in_place, spawn_local};
use loopwork_shim::sync::{Condvar, Mutex};

/// Bytes that are allocated now.
static LIVE: AtomicIsize = AtomicIsize::new(0);

struct Counting;

// SAFETY: it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as isize, Ordering::Relaxed);
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> isize {
    LIVE.load(Ordering::Relaxed)
}

/// Tasks of one round.
const ROUND: usize = 2_000;
/// By how much memory may differ between two moments at which no task is there. The most that
/// rounds have in use at once differs, and what they used is kept.
const SLACK: isize = 4 << 20;

fn rounds() -> usize {
    let thousands = std::env::var("LOOPWORK_STRESS").map_or(8, |n| n.parse().expect("a number"));
    (thousands * 1_000 / ROUND).max(2)
}

/// The books of all tasks.
#[derive(Debug, Default)]
struct Books {
    opened: AtomicUsize,
    ran: AtomicUsize,
    panicked: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Books {
    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    fn closed(&self) -> usize {
        let all = [&self.ran, &self.panicked, &self.cancelled];
        all.iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ran,
    Panicked,
    Cancelled,
}

impl End {
    fn of<T>(result: &Result<T, TaskError>) -> Self {
        match result {
            Ok(_) => Self::Ran,
            Err(error) if error.is_panic() => Self::Panicked,
            Err(error) if error.is_cancelled() => Self::Cancelled,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The entry of one task, which owns it: with it the task's future goes.
#[derive(Debug)]
struct Entry {
    books: Arc<Books>,
    end: End,
}

impl Entry {
    fn new(books: &Arc<Books>) -> Self {
        books.opened.fetch_add(1, Ordering::SeqCst);
        Self { books: books.clone(), end: End::Cancelled }
    }

    fn ran(mut self) {
        self.end = End::Ran;
    }

    fn panics(mut self) -> ! {
        self.end = End::Panicked;
        drop(self);
        resume_unwind(Box::new("as planned"))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let count = match self.end {
            End::Ran => &self.books.ran,
            End::Panicked => &self.books.panicked,
            End::Cancelled => &self.books.cancelled,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// A small generator, so that a round can be repeated.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

/// A thread outside that wakes what it is given.
#[derive(Debug, Default)]
struct Waking {
    wakers: Mutex<(Vec<Waker>, bool)>,
    given: Condvar,
}

impl Waking {
    fn give(&self, waker: Waker) {
        self.wakers.lock().0.push(waker);
        self.given.notify_one();
    }

    fn end(&self) {
        self.wakers.lock().1 = true;
        self.given.notify_all();
    }

    fn run(&self) {
        loop {
            let wakers = {
                let mut guard = self.wakers.lock();
                while guard.0.is_empty() {
                    if guard.1 {
                        return;
                    }
                    self.given.wait(&mut guard);
                }
                std::mem::take(&mut guard.0)
            };
            for (n, waker) in wakers.into_iter().enumerate() {
                if n % 2 == 0 { waker.wake() } else { waker.wake_by_ref() }
            }
        }
    }
}

/// What tasks of one loop share.
#[derive(Clone)]
struct World {
    handle: Handle,
    books: Arc<Books>,
    waking: Arc<Waking>,
    /// How many tasks may still be opened in this round.
    left: Arc<AtomicIsize>,
    seeds: Arc<AtomicU64>,
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl World {
    fn random(&self) -> Random {
        Random(self.seeds.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed))
    }

    /// Pending once, and then woken from outside.
    async fn wait(&self) {
        let mut waits = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut waits, true) {
                return Poll::Ready(());
            }
            self.waking.give(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn forever(&self) -> impl Future<Output = ()> + Send + use<> {
        let entry = Entry::new(&self.books);
        async move {
            pending::<()>().await;
            entry.ran();
        }
    }

    /// A task that may wait, and may panic.
    fn leaf(&self, panics: bool) -> impl Future<Output = ()> + Send + use<> {
        let (world, entry, kind) = (self.clone(), Entry::new(&self.books), self.random().below(4));
        async move {
            match kind {
                0 => yield_now().await,
                1 => world.wait().await,
                _ => {}
            }
            if panics { entry.panics() } else { entry.ran() }
        }
    }

    /// A task that acts until the round's tasks are used up.
    fn branch(&self) -> Work {
        let (world, entry, mut random) = (self.clone(), Entry::new(&self.books), self.random());
        Box::pin(async move {
            for _ in 0..random.below(6) {
                if world.left.fetch_sub(2, Ordering::Relaxed) < 0 {
                    break;
                }
                world.act(&mut random).await;
            }
            entry.ran();
        })
    }

    async fn act(&self, random: &mut Random) {
        let handle = &self.handle;
        match random.below(16) {
            0 => yield_now().await,
            1 => self.wait().await,
            2 => joined(handle.spawn(self.branch()), End::Ran).await,
            3 => drop(handle.spawn(self.branch())),
            4 => joined(handle.spawn(self.leaf(true)), End::Panicked).await,
            5 => drop(handle.spawn(self.leaf(true))),
            6 => {
                let task = handle.spawn(self.forever());
                if random.below(2) == 0 {
                    yield_now().await;
                }
                task.cancel();
                joined(task, End::Cancelled).await;
            }
            7 => {
                // Whichever comes first.
                let task = handle.spawn(self.leaf(false));
                task.cancel();
                assert!(End::of(&task.await) != End::Panicked);
            }
            8 => {
                let tasks = handle.spawn_many((0..4).map(|_| self.leaf(false)));
                for task in tasks {
                    joined(task, End::Ran).await;
                }
            }
            9 => joined(handle.spawn_eager(self.branch()), End::Ran).await,
            10 => {
                // Two handles, of which one waits and one goes.
                let task = handle.spawn(self.leaf(false));
                drop(task.clone());
                let (twin, entry) = (task.clone(), Entry::new(&self.books));
                drop(handle.spawn(async move {
                    joined(twin, End::Ran).await;
                    entry.ran();
                }));
                joined(task, End::Ran).await;
            }
            11 => {
                let entry = Entry::new(&self.books);
                handle.try_call_soon(move || entry.ran()).unwrap();
            }
            12 => {
                drop(handle.spawn(self.leaf(false)));
                let world = self.clone();
                block_in_place(|| drop(world.handle.spawn(world.leaf(false))));
            }
            13 | 14 if handle.workers() > 1 => {
                let (world, entry) = (self.clone(), Entry::new(&self.books));
                let task = handle.spawn_pinned(move || local(world, entry));
                if random.below(2) == 0 {
                    joined(task, End::Ran).await;
                }
            }
            _ => {
                // Woken often, from everywhere.
                let task = handle.spawn(self.leaf(false));
                task.as_any().set_name("named");
                for _ in 0..3 {
                    self.wait().await;
                }
                joined(task, End::Ran).await;
            }
        }
    }
}

/// Local tasks, of which some wait for the outside, inside one task that stays on its worker.
async fn local(world: World, entry: Entry) {
    let driven = async {
        let tasks: Vec<_> = (0..3).map(|n| spawn_local(world.leaf(n == 2))).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let expected = if n == 2 { End::Panicked } else { End::Ran };
            assert_eq!(End::of(&task.await), expected);
        }
    };
    LocalSet::new().run_until(driven).await;
    entry.ran();
}

async fn joined(task: Task<()>, expected: End) {
    assert_eq!(End::of(&task.await), expected);
}

/// One loop, from its beginning to its end.
fn stress(workers: usize, rounds: usize) {
    let mut runtime = runtime(workers);
    let handle = runtime.handle();
    handle.set_exception_handler(Some(Arc::new(|_| ())));
    let world = World {
        handle: handle.clone(),
        books: Arc::default(),
        waking: Arc::default(),
        left: Arc::default(),
        seeds: Arc::new(AtomicU64::new(workers as u64)),
    };
    let outside: Vec<_> = (0..2)
        .map(|_| {
            let waking = world.waking.clone();
            thread::spawn(move || waking.run())
        })
        .collect();

    let books = &world.books;
    let mut warm = 0;
    for round in 0..rounds {
        world.left.store(ROUND as isize, Ordering::Relaxed);
        // From outside first, while the loop does not run.
        let mut tasks = handle.spawn_many((0..8).map(|_| world.leaf(false)));
        tasks.push(handle.spawn(world.branch()));
        let here = async {
            for task in tasks {
                joined(task, End::Ran).await;
            }
            while world.left.load(Ordering::Relaxed) > 0 {
                joined(handle.spawn(world.branch()), End::Ran).await;
            }
            while books.closed() < books.opened() {
                yield_now().await;
            }
        };
        runtime.block_on(here).unwrap();
        assert_eq!(books.closed(), books.opened());
        if round == rounds / 2 {
            warm = live();
        }
    }
    let grown = live() - warm;
    assert!(grown < SLACK, "{grown} bytes more after as many rounds again, {workers} workers");

    // The end, with tasks that wait, and with wakes under way.
    let waiting: Vec<_> = (0..500)
        .map(|n| {
            let (world, forever) = (world.clone(), world.forever());
            let work = async move {
                world.wait().await;
                forever.await;
            };
            if workers > 1 && n % 4 == 0 {
                handle.spawn_pinned(move || work)
            } else {
                handle.spawn(work)
            }
        })
        .collect();
    runtime.block_on(yield_now()).unwrap();
    runtime.close();
    assert!(waiting.iter().all(Task::cancelled));
    assert_eq!(books.closed(), books.opened());
    assert!(handle.try_spawn(async {}).is_err());
    world.waking.end();
    outside.into_iter().for_each(|thread| thread.join().unwrap());
    println!("{workers} workers: {books:?}");
}

/// One test, so that nobody else allocates.
#[test]
fn everything_at_once() {
    let rounds = rounds();
    let mut before = None;
    for workers in [1, 2, 4, 8, 16, 2] {
        stress(workers, rounds);
        let now = live();
        let grown = now - *before.get_or_insert(now);
        assert!(grown < SLACK / 16, "{grown} bytes are left of a loop with {workers} workers");
    }
}
