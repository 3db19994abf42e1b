//! Sleeps by a clock that is moved by hand, so that every count is exact.

#![cfg(not(loopwork_loom))]

mod support;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use loopwork_context::WaitReason;
use loopwork_time::{Clock, Instant, Timers, sleep, sleep_until, sleep_with};
use support::{Counter, Fixture, at, poll};

const NANO: Duration = Duration::from_nanos(1);

#[test]
fn b2_deadlines_in_the_past_fire_in_the_next_turn_in_their_order() {
    Fixture::each(|fixture| {
        let mut minus_one = sleep_until(fixture.timers.now() - NANO);
        let mut minus_two = sleep_until(fixture.timers.now() - 2 * NANO);
        assert!(poll(&mut minus_one, Waker::noop()).is_pending());
        assert!(poll(&mut minus_two, Waker::noop()).is_pending());
        let deadlines: Vec<_> = fixture.advance(0).iter().map(|due| due.deadline).collect();
        assert_eq!(deadlines, [at(0) - 2 * NANO, at(0) - NANO]);
        assert!(poll(&mut minus_one, Waker::noop()).is_ready());
    });
}

#[test]
fn b3_equal_deadlines_fire_in_the_order_of_registration() {
    Fixture::each(|fixture| {
        let mut sleeps: Vec<_> = (0..5).map(|_| sleep(10 * NANO)).collect();
        let order = [3, 0, 4, 1, 2];
        let mut wakers = Vec::new();
        for index in order {
            let (_, waker) = Counter::new();
            assert!(poll(&mut sleeps[index], &waker).is_pending());
            wakers.push(waker);
        }
        let due = fixture.advance(10);
        assert_eq!(due.len(), 5);
        assert!(due.iter().zip(&wakers).all(|(due, waker)| due.waker.will_wake(waker)));
        assert!(due.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    });
}

#[test]
fn b4_nothing_fires_early_not_even_by_a_nanosecond() {
    Fixture::each(|fixture| {
        for length in [1_u64, 63, 64, 65, 4095, 4096, 999_999_999, 1 << 35] {
            let start = fixture.timers.now();
            let mut nap = sleep(Duration::from_nanos(length));
            let (counter, waker) = Counter::new();
            assert!(poll(&mut nap, &waker).is_pending());
            let end = start + Duration::from_nanos(length);
            assert_eq!(nap.deadline(), end);
            assert_eq!(fixture.timers.next_deadline(), Some(end));
            assert!(fixture.advance((end - at(0)).as_nanos() as u64 - 1).is_empty());
            assert!(poll(&mut nap, &waker).is_pending());
            assert!(!nap.is_elapsed());
            assert_eq!(fixture.advance((end - at(0)).as_nanos() as u64).len(), 1);
            assert_eq!(counter.count(), 1);
            assert!(nap.is_elapsed());
            assert!(poll(&mut nap, &waker).is_ready());
        }
    });
}

#[test]
fn b4_the_real_clock_is_never_early_either() {
    let timers = Timers::new(Clock::real(), 1);
    let _entered = timers.enter();
    let length = Duration::from_millis(2);
    let start = std::time::Instant::now();
    let mut nap = sleep(length);
    let mut due = Vec::new();
    while poll(&mut nap, Waker::noop()).is_pending() {
        timers.advance(timers.now(), &mut due);
    }
    assert!(start.elapsed() >= length);
}

#[test]
fn b5_absurd_durations_never_end_and_can_be_cancelled() {
    Fixture::each(|fixture| {
        let absurd =
            [Duration::MAX, Duration::from_secs(1 << 55), Duration::from_secs(i64::MAX as u64)];
        let mut sleeps: Vec<_> = absurd.into_iter().map(sleep).collect();
        for nap in &mut sleeps {
            assert!(poll(nap, Waker::noop()).is_pending());
            assert_eq!(nap.deadline(), Instant::FAR_FUTURE);
        }
        assert_eq!(fixture.timers.next_deadline(), None);
        assert!(fixture.advance(u64::MAX / 2).is_empty());
        assert_eq!(fixture.timers.len(), 3);
        drop(sleeps);
        assert!(fixture.timers.is_empty());
    });
}

#[test]
fn b7_zero_yields_exactly_once() {
    Fixture::each(|fixture| {
        let mut nap = sleep(Duration::ZERO);
        let (counter, waker) = Counter::new();
        assert!(poll(&mut nap, &waker).is_pending());
        assert_eq!(counter.count(), 1);
        assert!(fixture.timers.is_empty());
        assert!(poll(&mut nap, &waker).is_ready());
        assert_eq!(counter.count(), 1);
    });
}

#[test]
fn b7_a_sleep_gives_its_value_back() {
    Fixture::each(|fixture| {
        let mut nap = sleep_with(5 * NANO, "done");
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        fixture.advance(5);
        assert_eq!(poll(&mut nap, Waker::noop()), Poll::Ready("done"));
    });
}

#[test]
fn b7_a_dropped_sleep_cancels_its_timer() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO);
        let (counter, waker) = Counter::new();
        assert!(poll(&mut nap, &waker).is_pending());
        assert_eq!(fixture.timers.len(), 1);
        drop(nap);
        assert!(fixture.timers.is_empty());
        assert_eq!(fixture.timers.settled_deadline(), None);
        assert!(fixture.advance(1).is_empty());
        assert_eq!(counter.count(), 0);
    });
}

#[test]
fn b9_neither_a_fired_nor_a_dropped_sleep_keeps_its_waker() {
    Fixture::each(|fixture| {
        let (counter, waker) = Counter::new();
        let mut fired = sleep(NANO);
        let mut dropped = sleep(2 * NANO);
        assert!(poll(&mut fired, &waker).is_pending());
        assert!(poll(&mut dropped, &waker).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&counter), 3);
        drop(fixture.advance(1));
        assert_eq!(Arc::strong_count(&counter), 2);
        drop(dropped);
        assert_eq!(Arc::strong_count(&counter), 1);
    });
}

#[test]
fn a_sleep_is_registered_by_its_first_poll_alone() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO);
        assert!(fixture.timers.is_empty());
        for _ in 0..3 {
            assert!(poll(&mut nap, Waker::noop()).is_pending());
            assert_eq!(fixture.timers.len(), 1);
        }
    });
}

#[test]
fn once_ready_it_stays_ready() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO);
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        fixture.advance(1);
        assert!(poll(&mut nap, Waker::noop()).is_ready());
        assert!(poll(&mut nap, Waker::noop()).is_ready());
        assert!(nap.is_elapsed());
    });
}

#[test]
fn the_last_waker_is_the_one_woken() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO);
        let (first, first_waker) = Counter::new();
        let (last, last_waker) = Counter::new();
        assert!(poll(&mut nap, &first_waker).is_pending());
        assert!(poll(&mut nap, &last_waker).is_pending());
        drop(first_waker);
        assert_eq!(Arc::strong_count(&first), 1);
        fixture.advance(1);
        assert_eq!((first.count(), last.count()), (0, 1));
    });
}

#[test]
fn reset_moves_the_deadline_and_revives_an_ended_sleep() {
    Fixture::each(|fixture| {
        let mut nap = sleep(10 * NANO);
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        nap.reset(at(20));
        assert_eq!(fixture.timers.len(), 1);
        assert!(fixture.advance(19).is_empty());
        fixture.advance(20);
        assert!(poll(&mut nap, Waker::noop()).is_ready());
        nap.reset(at(30));
        assert!(!nap.is_elapsed());
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        assert_eq!(fixture.advance(30).len(), 1);
        assert!(poll(&mut nap, Waker::noop()).is_ready());
    });
}

#[test]
fn reset_to_an_earlier_deadline() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO * 1_000_000);
        let (counter, waker) = Counter::new();
        assert!(poll(&mut nap, &waker).is_pending());
        nap.reset(at(5));
        assert!(poll(&mut nap, &waker).is_pending());
        assert_eq!(fixture.timers.settled_deadline(), Some(at(5)));
        fixture.advance(5);
        assert_eq!(counter.count(), 1);
        assert!(poll(&mut nap, &waker).is_ready());
        assert!(fixture.timers.is_empty());
    });
}

/// The wheel has the old deadline until that comes, and wakes nobody then.
#[test]
fn a_postponed_sleep_wakes_its_task_once() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO * 10);
        let (counter, waker) = Counter::new();
        assert!(poll(&mut nap, &waker).is_pending());
        for later in [20, 30, 25, 40] {
            nap.reset(at(later));
        }
        assert!(poll(&mut nap, &waker).is_pending());
        assert_eq!(fixture.timers.settled_deadline(), Some(at(40)));
        for now in [10, 20, 39] {
            assert!(fixture.advance(now).is_empty());
            assert!(poll(&mut nap, &waker).is_pending());
        }
        fixture.advance(40);
        assert_eq!(counter.count(), 1);
        assert!(poll(&mut nap, &waker).is_ready());
    });
}

/// It fired, and was moved before it was polled.
#[test]
fn a_reset_after_the_end_waits_again() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO * 10);
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        fixture.advance(10);
        assert!(nap.is_elapsed());
        nap.reset(at(20));
        assert!(!nap.is_elapsed());
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        fixture.advance(20);
        assert!(poll(&mut nap, Waker::noop()).is_ready());
    });
}

/// A worker's sleep is polled with another waker on another thread, which cannot reach its wheel.
#[test]
fn a_sleep_moves_with_its_task() {
    let fixture = Fixture::worker();
    let mut nap = sleep(NANO * 10);
    let (first, waker) = Counter::new();
    assert!(poll(&mut nap, &waker).is_pending());
    drop(waker);
    let (last, waker) = Counter::new();
    let mut nap = std::thread::spawn(move || {
        assert!(poll(&mut nap, &waker).is_pending());
        nap.reset(at(5));
        assert!(poll(&mut nap, &waker).is_pending());
        nap
    })
    .join()
    .unwrap();
    assert_eq!(Arc::strong_count(&first), 1, "the waker before is gone");
    assert_eq!(fixture.timers.len(), 1);
    assert_eq!(fixture.advance(5).len(), 1);
    assert_eq!((first.count(), last.count()), (0, 1));
    assert!(poll(&mut nap, Waker::noop()).is_ready());
}

#[test]
fn a_sleep_may_be_polled_and_dropped_on_other_threads() {
    Fixture::each(|fixture| {
        let mut nap = sleep(NANO);
        let nap = std::thread::spawn(move || {
            assert!(poll(&mut nap, Waker::noop()).is_pending());
            nap
        });
        let nap = nap.join().unwrap();
        assert_eq!(fixture.timers.len(), 1);
        std::thread::spawn(move || drop(nap)).join().unwrap();
        assert!(fixture.timers.is_empty());
    });
}

#[test]
#[should_panic(expected = "call it inside `EventLoop::run_until_complete`")]
fn outside_a_loop_the_panic_names_the_fix() {
    drop(sleep(NANO));
}

#[test]
#[should_panic(expected = "drop it before `EventLoop::close`")]
fn a_waiting_sleep_panics_once_its_loop_is_closed() {
    Fixture::each(|fixture| {
        let mut nap = pin!(sleep(NANO));
        assert!(poll(&mut nap, Waker::noop()).is_pending());
        fixture.timers.close();
        assert!(fixture.advance(1).is_empty());
        let _ = poll(&mut nap, Waker::noop());
    });
}

#[test]
fn closing_drops_the_wakers_and_spares_what_has_fired() {
    Fixture::each(|fixture| {
        let (counter, waker) = Counter::new();
        let mut fired = sleep(NANO);
        let mut waiting = sleep(2 * NANO);
        assert!(poll(&mut fired, &waker).is_pending());
        assert!(poll(&mut waiting, &waker).is_pending());
        drop(waker);
        drop(fixture.advance(1));
        fixture.timers.close();
        assert_eq!(Arc::strong_count(&counter), 1);
        assert!(poll(&mut fired, Waker::noop()).is_ready());
        assert!(!waiting.is_elapsed());
        drop(waiting);
        assert!(fixture.timers.is_empty());
    });
}

#[test]
fn everything_may_move_to_and_be_used_from_other_threads() {
    fn send_sync<T: Send + Sync + Unpin>() {}
    send_sync::<loopwork_time::Sleep>();
    send_sync::<loopwork_time::SleepWith<String>>();
    send_sync::<loopwork_time::Interval>();
    send_sync::<Timers>();
}

#[test]
fn a_sleep_that_is_over_spends_budget_and_is_still_over_without() {
    Fixture::each(|fixture| {
        let mut nap = sleep(5 * NANO);
        let task = loopwork_context::Poll::enter(false);
        for _ in 0..1000 {
            assert!(poll(&mut nap, Waker::noop()).is_pending(), "waiting spends nothing");
        }
        fixture.advance(5);
        let (counter, waker) = Counter::new();
        for _ in 0..128 {
            assert!(poll(&mut nap, &waker).is_ready());
        }
        assert!(poll(&mut nap, &waker).is_pending());
        assert!(nap.is_elapsed() && counter.count() == 1);

        // The same for one whose end is first seen without a budget.
        let mut late = sleep_until(at(6));
        assert!(poll(&mut late, Waker::noop()).is_pending());
        fixture.advance(6);
        assert!(poll(&mut late, &waker).is_pending());
        assert!(late.is_elapsed() && counter.count() == 2);
        drop(task);
        assert!(poll(&mut late, &waker).is_ready());
    });
}

#[test]
fn a_sleep_says_what_it_waits_for() {
    Fixture::each(|_fixture| {
        for (length, reason) in [(NANO, WaitReason::Sleep), (Duration::ZERO, WaitReason::Yield)] {
            let task = loopwork_context::Poll::enter(false);
            assert!(poll(&mut sleep(length), Waker::noop()).is_pending());
            assert_eq!(task.finish().waits_for(), reason);
        }
    });
}
