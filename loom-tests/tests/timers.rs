//! Timers: wheels that their workers reach without a lock, sleeps that are given up elsewhere, the
//! waiter that is to hear of earlier deadlines, and the memory of it all.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loopwork_loom_tests::{Bell, explore, spawn};
use loopwork_time::{Clock, Due, Instant, Sleep, Timers, sleep_until};

/// So long after a deadline even the timers of a worker that is awake are fired by others.
const LONG: Duration = Duration::from_secs(1);

/// Counts, outside of the model, since it is only looked at when all threads have ended.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker and what counts: how often it was woken, and how many copies there are.
fn counter() -> (Arc<Counter>, Waker) {
    let counter = Arc::new(Counter::default());
    // One that is never dropped: what drops too many is found by the count.
    std::mem::forget(counter.clone());
    (counter.clone(), Waker::from(counter))
}

impl Counter {
    fn woken(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Besides the one that counts, and the one that is never dropped.
    fn copies(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 2
    }
}

fn timers(workers: usize) -> Timers {
    Timers::new(Clock::real(), workers)
}

fn poll(sleep: &mut Sleep, waker: &Waker) -> Poll<()> {
    Pin::new(sleep).poll(&mut Context::from_waker(waker))
}

/// A sleep that has been polled with the waker, which is then dropped.
fn registered(deadline: Instant, waker: Waker) -> Sleep {
    let mut sleep = sleep_until(deadline);
    assert!(poll(&mut sleep, &waker).is_pending());
    sleep
}

/// Fires what is due, and says how much that was.
fn fire(timers: &Timers, now: Instant) -> usize {
    let mut due = Vec::new();
    timers.advance(now, &mut due);
    let fired = due.len();
    due.into_iter().for_each(|Due { waker, .. }| waker.wake());
    fired
}

/// A worker's sleep is dropped on another thread while it fires: it is woken or not, and its waker is
/// dropped once.
#[test]
fn drop_elsewhere_against_fire() {
    explore(3, || {
        let timers = timers(1);
        let (counter, waker) = counter();
        let deadline = timers.now();
        let entered = timers.enter_worker(0);
        let sleep = registered(deadline, waker);
        let other = spawn(move || drop(sleep));
        let fired = fire(&timers, deadline);
        other.join().unwrap();
        assert_eq!((counter.woken(), counter.copies()), (fired, 0));
        assert_eq!(timers.len(), 0);
        drop(entered);
    });
}

/// Another thread fires the timers of a worker that is awake, while that one drops a sleep, and
/// registers another in its place.
#[test]
fn rescue_against_drop_and_insert() {
    explore(2, || {
        let timers = timers(1);
        let ((first, first_waker), (second, second_waker)) = (counter(), counter());
        let deadline = timers.now();
        let entered = timers.enter_worker(0);
        let sleep = registered(deadline, first_waker);
        let rescuer = {
            let timers = timers.clone();
            spawn(move || fire(&timers, deadline + LONG))
        };
        drop(sleep);
        let sleep = registered(deadline, second_waker);
        let rescued = rescuer.join().unwrap();
        let fired = fire(&timers, deadline);
        assert_eq!(first.woken() + second.woken(), rescued + fired);
        assert_eq!((second.woken(), first.copies(), second.copies()), (1, 0, 0));
        drop(sleep);
        assert_eq!(timers.len(), 0);
        drop(entered);
    });
}

/// Two workers, each of which drops a sleep of the other's, while both fire.
#[test]
fn sleeps_that_changed_workers() {
    explore(2, || {
        let timers = timers(2);
        let ((left, left_waker), (right, right_waker)) = (counter(), counter());
        let deadline = timers.now();
        let later = deadline + LONG;
        let entered = timers.enter_worker(0);
        let mine = registered(deadline, left_waker);
        let moving = {
            let timers = timers.clone();
            spawn(move || {
                let _entered = timers.enter_worker(1);
                let theirs = registered(deadline, right_waker);
                drop(mine);
                let fired = fire(&timers, later);
                (theirs, fired)
            })
        };
        let fired = fire(&timers, deadline);
        let (theirs, fired_there) = moving.join().unwrap();
        drop(theirs);
        assert_eq!(left.woken() + right.woken(), fired + fired_there);
        assert_eq!((right.woken(), left.copies(), right.copies()), (1, 0, 0));
        assert_eq!(timers.len(), 0);
        drop(entered);
    });
}

/// Sleeps are handed back by other threads while the worker takes them back and uses their nodes
/// again.
#[test]
fn tickets_returned_against_reuse() {
    explore(2, || {
        let timers = timers(1);
        let (counter, waker) = counter();
        let deadline = timers.now() + LONG;
        let entered = timers.enter_worker(0);
        let sleeps = [registered(deadline, waker.clone()), registered(deadline, waker.clone())];
        let other = spawn(move || sleeps.into_iter().for_each(drop));
        let again = registered(deadline, waker);
        other.join().unwrap();
        assert_eq!((timers.len(), counter.copies()), (1, 1));
        drop(again);
        assert_eq!((timers.len(), counter.copies(), counter.woken()), (0, 0, 0));
        drop(entered);
    });
}

/// A sleep is moved on by another thread just as its old deadline comes: it is woken then, and finds
/// out that this was too early, or later.
#[test]
fn postponing_against_fire() {
    explore(3, || {
        let timers = timers(1);
        let (counter, waker) = counter();
        let (deadline, later) = (timers.now() + LONG, timers.now() + 2 * LONG);
        let entered = timers.enter_worker(0);
        let mut sleep = registered(deadline, waker.clone());
        let other = spawn(move || {
            sleep.reset(later);
            sleep
        });
        let early = fire(&timers, deadline);
        let mut sleep = other.join().unwrap();
        assert_eq!(counter.woken(), early);
        // The clock stands still in a model: too early.
        assert!(poll(&mut sleep, &waker).is_pending());
        assert_eq!(fire(&timers, later), 1);
        assert_eq!(counter.woken(), early + 1);
        drop((sleep, waker));
        assert_eq!((counter.copies(), timers.len()), (0, 0));
        drop(entered);
    });
}

/// A sleep is polled with another waker just as it fires: that one is woken, or the poll says so.
#[test]
fn another_waker_against_rescue() {
    explore(3, || {
        let timers = timers(1);
        let ((first, first_waker), (second, second_waker)) = (counter(), counter());
        let deadline = timers.now();
        let entered = timers.enter_worker(0);
        let mut sleep = registered(deadline, first_waker);
        let rescuer = {
            let timers = timers.clone();
            spawn(move || fire(&timers, deadline + LONG))
        };
        let ready = poll(&mut sleep, &second_waker).is_ready();
        let rescued = rescuer.join().unwrap();
        let fired = fire(&timers, deadline);
        assert_eq!(rescued + fired, 1);
        assert_eq!(second.woken(), usize::from(!ready));
        assert_eq!(first.woken(), usize::from(ready));
        drop((sleep, second_waker));
        assert_eq!((first.copies(), second.copies(), timers.len()), (0, 0, 0));
        drop(entered);
    });
}

/// The waiter: it blocks while there is no deadline, until a timer has fired.
fn wait(timers: &Timers, bell: &Bell, deadline: Instant) {
    loop {
        if timers.next_deadline().is_none() {
            bell.wait();
        }
        timers.waiter_awake();
        // None, if its worker happens to be inside.
        if fire(timers, deadline) == 1 {
            return;
        }
    }
}

fn timers_and_bell() -> (Timers, Arc<Bell>) {
    let (timers, bell) = (timers(1), Arc::new(Bell::default()));
    let rung = bell.clone();
    timers.on_earlier(Box::new(move || rung.ring()));
    (timers, bell)
}

/// A thread that is no worker registers a sleep while the waiter goes to wait: one of them sees the
/// other.
#[test]
fn insertion_against_the_waiter() {
    explore(3, || {
        let (timers, bell) = timers_and_bell();
        let (counter, waker) = counter();
        let deadline = timers.now();
        let other = timers.clone();
        let inserter = spawn(move || {
            let _entered = other.enter();
            registered(deadline, waker)
        });
        wait(&timers, &bell, deadline);
        drop(inserter.join().unwrap());
        assert_eq!(counter.woken(), 1);
    });
}

/// A worker falls asleep while the waiter goes to wait: its timers are not overlooked.
#[test]
fn rest_against_the_waiter() {
    explore(3, || {
        let (timers, bell) = timers_and_bell();
        let (counter, waker) = counter();
        let deadline = timers.now();
        let other = timers.clone();
        let worker = spawn(move || {
            let _entered = other.enter_worker(0);
            let sleep = registered(deadline, waker);
            other.rest(0);
            other.resume(0);
            sleep
        });
        wait(&timers, &bell, deadline + LONG);
        drop(worker.join().unwrap());
        assert_eq!(counter.woken(), 1);
    });
}

/// The timers close while a sleep is dropped elsewhere and another is still there: the wakers are
/// dropped once, and the memory goes with the last sleep, when all have done with it.
#[test]
fn close_against_drop_elsewhere() {
    explore(3, || {
        let timers = timers(1);
        let (counter, waker) = counter();
        let deadline = timers.now() + LONG;
        let entered = timers.enter_worker(0);
        let sleeps = [(); 2].map(|()| registered(deadline, waker.clone()));
        drop((entered, waker));
        let memory = timers.memory();
        let [first, second] = sleeps;
        let other = spawn(move || drop(first));
        timers.close();
        drop(timers);
        drop(second);
        other.join().unwrap();
        assert!(memory.is_freed());
        assert_eq!((counter.copies(), counter.woken()), (0, 0));
    });
}
