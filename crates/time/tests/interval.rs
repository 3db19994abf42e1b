//! Ticks, by a clock that is moved by hand.

#![cfg(not(loopwork_loom))]

mod support;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;
use loopwork_context::{Ask, CancelReason};
use loopwork_time::{Instant, Interval, MissedTick, interval, interval_at, sleep_until};
use support::{Fixture, at, poll};

const PERIOD: Duration = Duration::from_nanos(10);

/// The next tick, which must come in one turn at the current time.
fn due(fixture: &Fixture, ticks: &mut Interval) -> Option<Instant> {
    if let Poll::Ready(tick) = poll(&mut ticks.tick(), Waker::noop()) {
        return Some(tick);
    }
    fixture.advance(0);
    match poll(&mut ticks.tick(), Waker::noop()) {
        Poll::Ready(tick) => Some(tick),
        Poll::Pending => None,
    }
}

/// The ticks given from 35 ns on, when the last before was at 0, then those at 40 and 50.
fn ticks_after_a_pause(missed: MissedTick) -> Vec<Instant> {
    let fixture = Fixture::worker();
    let mut ticks = interval(PERIOD).with_missed_tick(missed);
    assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
    let mut given = Vec::new();
    for now in [35, 40, 50] {
        fixture.advance(now);
        given.extend(std::iter::from_fn(|| due(&fixture, &mut ticks)));
    }
    given
}

#[test]
fn it_ticks_now_and_once_every_period() {
    Fixture::each(|fixture| {
        let mut ticks = interval(PERIOD);
        assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
        assert_eq!(due(&fixture, &mut ticks), None);
        for now in [10, 20, 30] {
            fixture.advance(now - 1);
            assert_eq!(due(&fixture, &mut ticks), None);
            fixture.advance(now);
            assert_eq!(due(&fixture, &mut ticks), Some(at(now)));
        }
    });
}

#[test]
fn it_starts_when_told() {
    Fixture::each(|fixture| {
        let mut ticks = interval_at(at(7), PERIOD);
        assert_eq!(due(&fixture, &mut ticks), None);
        fixture.advance(7);
        assert_eq!(due(&fixture, &mut ticks), Some(at(7)));
    });
}

#[test]
fn burst_gives_every_missed_tick() {
    let ticks = ticks_after_a_pause(MissedTick::Burst);
    assert_eq!(ticks, [10, 20, 30, 40, 50].map(at));
}

#[test]
fn delay_begins_a_new_schedule() {
    assert_eq!(ticks_after_a_pause(MissedTick::Delay), [10, 45].map(at));
}

#[test]
fn skip_leaves_out_what_was_missed_and_keeps_the_schedule() {
    assert_eq!(ticks_after_a_pause(MissedTick::Skip), [10, 40, 50].map(at));
}

#[test]
fn a_tick_that_is_merely_late_changes_nothing() {
    for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
        let fixture = Fixture::worker();
        let mut ticks = interval(PERIOD).with_missed_tick(missed);
        assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
        fixture.advance(19);
        assert_eq!(due(&fixture, &mut ticks), Some(at(10)));
        fixture.advance(20);
        assert_eq!(due(&fixture, &mut ticks), Some(at(20)));
    }
}

#[test]
fn reset_makes_the_next_tick_a_period_away() {
    Fixture::each(|fixture| {
        let mut ticks = interval(PERIOD);
        assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
        fixture.advance(7);
        ticks.reset();
        fixture.advance(16);
        assert_eq!(due(&fixture, &mut ticks), None);
        fixture.advance(17);
        assert_eq!(due(&fixture, &mut ticks), Some(at(17)));
    });
}

#[test]
fn an_absurd_period_ticks_once() {
    for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
        let fixture = Fixture::worker();
        let mut ticks = interval(Duration::MAX).with_missed_tick(missed);
        assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
        fixture.advance(u64::MAX / 2);
        assert_eq!(due(&fixture, &mut ticks), None);
    }
}

#[test]
fn it_is_a_stream() {
    Fixture::each(|fixture| {
        let mut ticks = interval(PERIOD);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut ticks).poll_next(&mut cx).is_pending());
        fixture.advance(0);
        assert_eq!(Pin::new(&mut ticks).poll_next(&mut cx), Poll::Ready(Some(at(0))));
    });
}

#[test]
#[should_panic(expected = "give it a period of at least a nanosecond")]
fn a_period_of_zero_panics_and_names_the_fix() {
    Fixture::each(|_fixture| {
        let _ = interval(Duration::ZERO);
    });
}

#[test]
fn a_tick_that_is_given_up_is_there_for_the_next() {
    Fixture::each(|fixture| {
        let mut ticks = interval(PERIOD);
        assert_eq!(due(&fixture, &mut ticks), Some(at(0)));
        // Before it was due, and after.
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending());
        fixture.advance(10);
        let came_first = Ask::new(CancelReason::unspoken(), true);
        let asked = loopwork_context::Poll::enter_nested(Some(came_first));
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending(), "a request came first");
        assert!(asked.leave());
        fixture.advance(15);
        assert_eq!(poll(&mut ticks.tick(), Waker::noop()), Poll::Ready(at(10)));
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending());
        fixture.advance(20);
        assert_eq!(due(&fixture, &mut ticks), Some(at(20)));
    });
}

#[test]
fn a_tick_that_the_budget_holds_back_is_not_lost() {
    Fixture::each(|fixture| {
        let mut over = sleep_until(at(0));
        let mut ticks = interval(PERIOD);
        assert!(poll(&mut over, Waker::noop()).is_pending());
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending());
        fixture.advance(0);
        let task = loopwork_context::Poll::enter(false);
        while poll(&mut over, Waker::noop()).is_ready() {}
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending());
        drop(task);
        assert_eq!(poll(&mut ticks.tick(), Waker::noop()), Poll::Ready(at(0)));
        fixture.advance(10);
        assert!(poll(&mut ticks.tick(), Waker::noop()).is_pending(), "it registers");
        fixture.advance(10);
        assert_eq!(poll(&mut ticks.tick(), Waker::noop()), Poll::Ready(at(10)));
    });
}
