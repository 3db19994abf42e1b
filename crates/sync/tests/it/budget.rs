//! What is ready spends the task's budget; what the budget holds back is there later.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use loopwork_context::{WaitReason, proceed};
use loopwork_sync::{
    Barrier, CancelPolicy, CapacityLimiter, ConcurrentFuture, Condition, Event, Lock, Mutex,
    Notify, Queue, RwLock, Semaphore, oneshot,
};

use crate::{Count, poll, poll_with};

const BUDGET: usize = 128;

/// Calls `inside` as a task would that has spent all it may in this poll.
fn exhausted<R>(inside: impl FnOnce() -> R) -> R {
    with_budget(0, false, inside)
}

fn with_budget<R>(left: usize, request: bool, inside: impl FnOnce() -> R) -> R {
    let _poll = loopwork_context::Poll::enter(request);
    for _ in left..BUDGET {
        let Poll::Ready(progress) = proceed(&mut Context::from_waker(Waker::noop())) else {
            panic!("more than a budget")
        };
        progress.made();
    }
    inside()
}

/// How often `make`'s futures are ready in one poll of a task that awaits one after the other.
fn ready_in_one_poll<F: Future>(mut make: impl FnMut() -> F) -> usize {
    let (count, waker) = Count::new();
    let poll = loopwork_context::Poll::enter(false);
    let mut ready = 0;
    while pin!(make()).poll(&mut Context::from_waker(&waker)).is_ready() {
        assert_eq!(count.get(), 0);
        ready += 1;
    }
    assert_eq!(count.get(), 1, "it asks to be polled again");
    assert_eq!(poll.finish().waits_for(), WaitReason::Yield);
    ready
}

/// What a task says that awaits `future`.
fn reason<F: Future>(future: F) -> WaitReason {
    let mut future = pin!(future);
    let poll = loopwork_context::Poll::enter(false);
    for _ in 0..1000 {
        // Pending spends nothing.
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    poll.finish().waits_for()
}

#[test]
fn each_operation_that_is_ready_spends_one_unit() {
    let lock = Lock::new(());
    assert_eq!(ready_in_one_poll(|| lock.lock()), BUDGET);
    let (mutex, rwlock, semaphore) = (Mutex::new(()), RwLock::new(()), Semaphore::new(1));
    assert_eq!(ready_in_one_poll(|| mutex.lock()), BUDGET);
    assert_eq!(ready_in_one_poll(|| rwlock.read()), BUDGET);
    assert_eq!(ready_in_one_poll(|| rwlock.write()), BUDGET);
    assert_eq!(ready_in_one_poll(|| semaphore.acquire()), BUDGET);
    let (limiter, barrier) = (CapacityLimiter::new(1), Barrier::new(1));
    assert_eq!(ready_in_one_poll(|| limiter.acquire()), BUDGET);
    assert_eq!(ready_in_one_poll(|| barrier.wait()), BUDGET);
    let notify = Notify::new();
    let notified = || {
        notify.notify_one();
        notify.notified()
    };
    assert_eq!(ready_in_one_poll(notified), BUDGET);
    let event = Event::new();
    event.set();
    assert_eq!(ready_in_one_poll(|| event.wait()), BUDGET);
    let queue = Queue::unbounded();
    assert_eq!(ready_in_one_poll(|| queue.join()), BUDGET);
    assert_eq!(ready_in_one_poll(|| queue.put(())), BUDGET);
    assert_eq!(ready_in_one_poll(|| queue.get()), BUDGET);
    queue.shutdown(true);
    assert_eq!(ready_in_one_poll(|| queue.get()), BUDGET, "also what fails");
    assert_eq!(ready_in_one_poll(|| queue.put(())), BUDGET);
    let sent = || {
        let (sender, receiver) = oneshot::channel();
        sender.send(()).unwrap();
        receiver
    };
    assert_eq!(ready_in_one_poll(sent), BUDGET);
    let (completer, future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    completer.set_result(()).unwrap();
    assert_eq!(ready_in_one_poll(|| future.clone()), BUDGET);
    assert_eq!(ready_in_one_poll(|| future.stopped()), BUDGET);
}

#[test]
fn each_operation_says_what_it_waits_for() {
    let lock = Lock::new(());
    let _held = lock.try_lock();
    assert_eq!(reason(lock.lock()), WaitReason::Lock);
    let (semaphore, limiter) = (Semaphore::new(0), CapacityLimiter::new(0));
    assert_eq!(reason(semaphore.acquire()), WaitReason::Lock);
    assert_eq!(reason(limiter.acquire()), WaitReason::Lock);
    let (condition, free) = (Condition::new(), Lock::new(()));
    assert_eq!(reason(condition.wait(free.try_lock().unwrap())), WaitReason::Lock);
    assert_eq!(reason(Event::new().wait()), WaitReason::Event);
    assert_eq!(reason(Notify::new().notified()), WaitReason::Event);
    assert_eq!(reason(Barrier::new(2).wait()), WaitReason::Event);
    let (_sender, receiver) = oneshot::channel::<()>();
    assert_eq!(reason(receiver), WaitReason::Event);
    let queue = Queue::new(1);
    assert_eq!(reason(queue.get()), WaitReason::Queue);
    queue.put_nowait(()).unwrap();
    assert_eq!(reason(queue.put(())), WaitReason::Queue);
    assert_eq!(reason(queue.join()), WaitReason::Queue);
    let (_job, future) = ConcurrentFuture::<()>::channel(CancelPolicy::WhilePending);
    assert_eq!(reason(future.stopped()), WaitReason::Executor);
    assert_eq!(reason(future), WaitReason::Executor);
    let (_task, future) = ConcurrentFuture::<()>::channel(CancelPolicy::UntilDone);
    assert_eq!(reason(future.stopped()), WaitReason::Join);
    assert_eq!(reason(future), WaitReason::Join);
}

#[test]
fn a_lock_that_was_handed_over_waits_for_the_next_poll() {
    let lock = Lock::new(());
    let held = lock.try_lock().unwrap();
    let (mut first, mut second) = (Box::pin(lock.lock()), Box::pin(lock.lock()));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    drop(held);
    let (count, waker) = Count::new();
    assert!(exhausted(|| poll_with(&mut first, &waker)).is_pending());
    assert_eq!(count.get(), 1);
    assert!(lock.locked() && lock.try_lock().is_none(), "nobody passes it meanwhile");
    assert!(poll(&mut second).is_pending());
    assert!(with_budget(1, false, || poll(&mut first)).is_ready());

    // Held back and given up, it is handed on.
    let (count, waker) = Count::new();
    assert!(poll_with(&mut second, &waker).is_ready());
    let held = lock.try_lock().unwrap();
    let (mut first, mut second) = (Box::pin(lock.lock()), Box::pin(lock.lock()));
    assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
    drop(held);
    assert!(exhausted(|| poll(&mut first)).is_pending());
    drop(first);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut second).is_ready());
}

#[test]
fn an_item_that_is_held_back_stays_in_the_queue() {
    let queue = Queue::new(1);
    let (mut first, mut second) = (Box::pin(queue.get()), Box::pin(queue.get()));
    assert!(poll(&mut first).is_pending());
    queue.put_nowait(1).unwrap();
    assert!(exhausted(|| poll(&mut first)).is_pending());
    assert!(exhausted(|| poll(&mut second)).is_pending());
    assert_eq!(queue.qsize(), 1);
    assert_eq!(poll(&mut first), Poll::Ready(Ok(1)));

    // Room, likewise.
    queue.put_nowait(2).unwrap();
    let mut put = Box::pin(queue.put(3));
    assert!(poll(&mut put).is_pending());
    assert_eq!(queue.get_nowait(), Ok(2));
    assert!(exhausted(|| poll(&mut put)).is_pending());
    assert!(queue.empty());
    assert_eq!(poll(&mut put), Poll::Ready(Ok(())));

    // Held back and given up, the wake-up goes to the next.
    let (mut first, mut second) = (Box::pin(queue.get()), Box::pin(queue.get()));
    assert_eq!(queue.get_nowait(), Ok(3));
    let (count, waker) = Count::new();
    assert!(poll(&mut first).is_pending() && poll_with(&mut second, &waker).is_pending());
    queue.put_nowait(4).unwrap();
    assert!(exhausted(|| poll(&mut first)).is_pending());
    drop(first);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut second), Poll::Ready(Ok(4)));
}

#[test]
fn a_value_that_is_held_back_is_still_there() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(5).unwrap();
    assert!(exhausted(|| poll(&mut receiver)).is_pending());
    assert_eq!(poll(&mut receiver), Poll::Ready(Ok(5)));

    let (completer, mut future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    completer.set_result(6).unwrap();
    assert!(exhausted(|| poll(&mut future)).is_pending());
    assert_eq!(future.result(None).unwrap(), 6, "it was not cancelled");
}

#[test]
fn what_is_ready_wins_over_a_cancel_request_without_a_budget_too() {
    let (completer, mut future) = ConcurrentFuture::channel(CancelPolicy::UntilDone);
    completer.set_result(7).unwrap();
    let Poll::Ready(Ok(7)) = with_budget(0, true, || poll(&mut future)) else {
        panic!("it was ready")
    };
    let lock = Lock::new(());
    assert!(with_budget(0, true, || poll(&mut Box::pin(lock.lock()))).is_ready());
}

#[test]
fn calls_that_do_not_wait_and_calls_that_block_spend_nothing() {
    let (lock, event, queue) = (Lock::new(()), Event::new(), Queue::unbounded());
    event.set();
    with_budget(1, false, || {
        for n in 0..1000 {
            drop(lock.try_lock().unwrap());
            queue.put_nowait(n).unwrap();
            queue.get_nowait().unwrap();
            queue.task_done().unwrap();
            // This thread may block, as it may inside `block_in_place`.
            drop(lock.blocking_lock());
            event.blocking_wait();
            queue.blocking_put(n).unwrap();
            queue.blocking_get().unwrap();
            queue.task_done().unwrap();
            queue.blocking_join();
            let (sender, receiver) = oneshot::channel();
            sender.send(n).unwrap();
            assert_eq!(receiver.blocking_recv(), Ok(n));
        }
        assert!(poll(&mut Box::pin(event.wait())).is_ready(), "the one unit is still there");
        assert!(poll(&mut Box::pin(event.wait())).is_pending());
        drop(lock.blocking_lock());
    });
}

#[test]
fn outside_of_a_task_there_is_no_budget() {
    let lock = Lock::new(());
    for _ in 0..10_000 {
        assert!(poll(&mut Box::pin(lock.lock())).is_ready());
    }
}
