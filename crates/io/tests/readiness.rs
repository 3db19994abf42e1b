//! Readiness of a socket pair, counted wake-up by wake-up.

#![cfg(not(loopwork_loom))]

mod support;

use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use loopwork_context::WaitReason;
use loopwork_io::{Direction, Reactor, Readiness};
use support::{Counter, Runner, on_each, poll};

/// A pair of which the first end is registered with the reactor of `runner`.
fn pair(runner: &Runner) -> (Readiness<UnixStream>, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    (Readiness::with_reactor(ours, &runner.reactor.handle()).unwrap(), theirs)
}

fn read_byte(ours: &UnixStream) -> io::Result<u8> {
    let mut byte = [0];
    (&mut &*ours).read_exact(&mut byte).map(|()| byte[0])
}

/// Turns until nothing more is reported.
fn settle(runner: &mut Runner) {
    while runner.reactor.turn(Some(Duration::ZERO)).unwrap() > 0 {}
}

#[test]
fn nothing_is_known_at_first_and_an_attempt_finds_out() {
    on_each(|runner| {
        let (ours, _theirs) = pair(runner);
        settle(runner);
        // In one mode an event has told of the writing half; either way, reading may be tried.
        assert!(matches!(poll(pin!(ours.readable()), Waker::noop()), Poll::Ready(Ok(()))));
        let error = ours.try_io(Direction::Read, read_byte).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(poll(pin!(ours.readable()), Waker::noop()).is_pending());
        assert!(matches!(poll(pin!(ours.writable()), Waker::noop()), Poll::Ready(Ok(()))));
    });
}

#[test]
fn what_arrives_wakes_the_reader_once() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        let (counter, waker) = Counter::new();
        let mut read = pin!(ours.read_with(read_byte));
        assert!(poll(read.as_mut(), &waker).is_pending());
        settle(runner);
        assert_eq!(counter.count(), 0);
        theirs.write_all(b"x").unwrap();
        settle(runner);
        assert_eq!(counter.count(), 1);
        assert!(matches!(poll(read, &waker), Poll::Ready(Ok(b'x'))));
    });
}

#[test]
fn an_event_between_the_attempt_and_its_answer_is_not_lost() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        // Armed, where that is needed, and then no longer waiting.
        ours.try_io(Direction::Read, read_byte).unwrap_err();
        assert!(poll(pin!(ours.readable()), Waker::noop()).is_pending());
        let answer = ours.try_io(Direction::Read, |ours| {
            let answer = read_byte(ours);
            theirs.write_all(b"x")?;
            assert_eq!(runner.reactor.turn(Some(Duration::ZERO))?, 1);
            answer
        });
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(matches!(poll(pin!(ours.readable()), Waker::noop()), Poll::Ready(Ok(()))));
        assert_eq!(ours.try_io(Direction::Read, read_byte).unwrap(), b'x');
    });
}

#[test]
fn a_dropped_read_leaves_the_bytes_and_no_waker() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        let (counter, waker) = Counter::new();
        {
            let mut read = pin!(ours.read_with(read_byte));
            assert!(poll(read.as_mut(), &waker).is_pending());
        }
        drop(waker);
        assert_eq!(Arc::strong_count(&counter), 1);
        theirs.write_all(b"x").unwrap();
        settle(runner);
        assert_eq!(counter.count(), 0);
        assert!(matches!(
            poll(pin!(ours.read_with(read_byte)), Waker::noop()),
            Poll::Ready(Ok(b'x'))
        ));
    });
}

#[test]
fn the_last_waker_of_a_future_is_the_one_woken() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        let (first, first_waker) = Counter::new();
        let (last, last_waker) = Counter::new();
        let mut read = pin!(ours.read_with(read_byte));
        assert!(poll(read.as_mut(), &first_waker).is_pending());
        assert!(poll(read.as_mut(), &last_waker).is_pending());
        drop(first_waker);
        assert_eq!(Arc::strong_count(&first), 1);
        theirs.write_all(b"x").unwrap();
        settle(runner);
        assert_eq!((first.count(), last.count()), (0, 1));
    });
}

#[test]
fn every_waiting_future_is_woken_and_the_two_directions_are_apart() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        // Fill the writing half.
        while ours.try_io(Direction::Write, |mut ours| ours.write(&[0; 4096])).is_ok() {}
        let (writer, writer_waker) = Counter::new();
        let mut write = pin!(ours.write_with(|mut ours| ours.write(b"y")));
        assert!(poll(write.as_mut(), &writer_waker).is_pending());
        let readers = [Counter::new(), Counter::new()];
        let mut reads = [Box::pin(ours.read_with(read_byte)), Box::pin(ours.read_with(read_byte))];
        for (read, (_, waker)) in reads.iter_mut().zip(&readers) {
            assert!(poll(read.as_mut(), waker).is_pending());
        }
        theirs.write_all(b"x").unwrap();
        settle(runner);
        assert!(readers.iter().all(|(counter, _)| counter.count() == 1));
        assert!(matches!(poll(reads[0].as_mut(), &readers[0].1), Poll::Ready(Ok(b'x'))));
        assert!(poll(reads[1].as_mut(), &readers[1].1).is_pending());
        assert!(poll(write.as_mut(), &writer_waker).is_pending());
        let before = writer.count();
        theirs.set_nonblocking(true).unwrap();
        while theirs.read(&mut [0; 4096]).is_ok() {}
        settle(runner);
        assert_eq!(writer.count(), before + 1);
        assert!(matches!(poll(write, &writer_waker), Poll::Ready(Ok(1))));
    });
}

#[test]
fn a_new_descriptor_with_an_old_number_gets_no_old_event() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        ours.try_io(Direction::Read, read_byte).unwrap_err();
        assert!(poll(pin!(ours.readable()), Waker::noop()).is_pending());
        // An event for it is there to be reported, but the descriptor goes first.
        theirs.write_all(b"x").unwrap();
        let number = ours.get_ref().as_raw_fd();
        drop(ours);
        let (again, _theirs) = pair(runner);
        // Other tests open descriptors too, so the number is only likely to be the same.
        let _likely = again.get_ref().as_raw_fd() == number;
        again.try_io(Direction::Read, read_byte).unwrap_err();
        let (counter, waker) = Counter::new();
        let mut read = pin!(again.read_with(read_byte));
        assert!(poll(read.as_mut(), &waker).is_pending());
        settle(runner);
        // Where an event told of the writing half, the reader may have been woken to try; it must
        // not have got what was meant for the one before.
        assert!(poll(read.as_mut(), &waker).is_pending());
        assert_eq!(counter.count(), 0);
    });
}

#[test]
fn into_inner_gives_it_back_to_be_registered_anew() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        let ours = Readiness::with_reactor(ours.into_inner(), &runner.reactor.handle()).unwrap();
        theirs.write_all(b"x").unwrap();
        assert_eq!(ours.try_io(Direction::Read, read_byte).unwrap(), b'x');
    });
}

#[test]
fn the_end_of_the_stream_wakes_the_reader() {
    on_each(|runner| {
        let (ours, theirs) = pair(runner);
        settle(runner);
        let (counter, waker) = Counter::new();
        let mut read = pin!(ours.read_with(|mut ours| ours.read(&mut [0])));
        assert!(poll(read.as_mut(), &waker).is_pending());
        drop(theirs);
        settle(runner);
        assert_eq!(counter.count(), 1);
        assert!(matches!(poll(read, &waker), Poll::Ready(Ok(0))));
    });
}

#[test]
fn a_reactor_that_is_gone_wakes_and_is_an_error() {
    let runner = Runner::new(Reactor::new().unwrap());
    let (ours, mut theirs) = pair(&runner);
    let handle = runner.reactor.handle();
    let (counter, waker) = Counter::new();
    let mut read = pin!(ours.read_with(read_byte));
    assert!(poll(read.as_mut(), &waker).is_pending());
    drop(runner);
    assert_eq!(counter.count(), 1);
    match poll(read, &waker) {
        Poll::Ready(Err(error)) => {
            assert!(error.to_string().contains("`EventLoop::close`"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    theirs.write_all(b"x").unwrap();
    assert!(Readiness::with_reactor(theirs, &handle).is_err());
}

#[test]
fn an_unpark_is_kept_and_ends_one_turn() {
    on_each(|runner| {
        let unparker = runner.reactor.unparker();
        unparker.unpark();
        unparker.clone().unpark();
        assert_eq!(runner.reactor.turn(None).unwrap(), 0);
        let thread = thread::spawn(move || unparker.unpark());
        assert_eq!(runner.reactor.turn(None).unwrap(), 0);
        thread.join().unwrap();
    });
}

#[test]
fn absurd_time_outs_do_not_overflow() {
    on_each(|runner| {
        for absurd in [Duration::MAX, Duration::from_secs(1 << 55)] {
            runner.reactor.unparker().unpark();
            assert_eq!(runner.reactor.turn(Some(absurd)).unwrap(), 0);
        }
    });
}

#[test]
fn regular_files_cannot_be_waited_for_where_the_system_says_so() {
    let runner = Runner::new(Reactor::new().unwrap());
    let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    if cfg!(target_os = "linux") {
        assert!(Readiness::with_reactor(file, &runner.reactor.handle()).is_err());
    }
}

#[test]
fn an_event_for_the_reader_does_not_cost_the_writer_its_own() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        settle(runner);
        while ours.try_io(Direction::Write, |mut ours| ours.write(&[0; 4096])).is_ok() {}
        let (counter, waker) = Counter::new();
        let mut write = pin!(ours.write_with(|mut ours| ours.write(b"y")));
        let mut read = pin!(ours.read_with(read_byte));
        assert!(poll(write.as_mut(), &waker).is_pending());
        assert!(poll(read.as_mut(), Waker::noop()).is_pending());
        theirs.write_all(b"x").unwrap();
        settle(runner);
        assert!(matches!(poll(read, Waker::noop()), Poll::Ready(Ok(b'x'))));
        // As an executor does: polled if it was woken, and only then.
        let woken = counter.count();
        if woken > 0 {
            assert!(poll(write.as_mut(), &waker).is_pending());
        }
        theirs.set_nonblocking(true).unwrap();
        while theirs.read(&mut [0; 4096]).is_ok() {}
        settle(runner);
        assert_eq!(counter.count(), woken + 1);
        assert!(matches!(poll(write, &waker), Poll::Ready(Ok(1))));
    });
}

#[test]
fn each_operation_that_is_ready_spends_one_unit_of_the_budget() {
    on_each(|runner| {
        let (ours, mut theirs) = pair(runner);
        theirs.write_all(&[7; 200]).unwrap();
        settle(runner);
        let (counter, waker) = Counter::new();
        let spent = |mut operation: Box<dyn FnMut(&mut Context<'_>) -> bool + '_>| {
            let task = loopwork_context::Poll::enter(false);
            let before = counter.count();
            let mut ready = 0;
            while operation(&mut Context::from_waker(&waker)) {
                ready += 1;
            }
            assert_eq!(counter.count(), before + 1, "it asks to be polled again");
            assert_eq!(task.finish().waits_for(), WaitReason::Yield);
            ready
        };
        assert_eq!(spent(Box::new(|cx| ours.poll_readable(cx).is_ready())), 128);
        assert_eq!(spent(Box::new(|cx| ours.poll_writable(cx).is_ready())), 128);
        assert_eq!(spent(Box::new(|cx| pin!(ours.readable()).poll(cx).is_ready())), 128);
        let read = |cx: &mut Context<'_>| ours.poll_io(Direction::Read, cx, read_byte).is_ready();
        assert_eq!(spent(Box::new(read)), 128);

        // No byte was lost, and an attempt that must wait spends nothing and says so.
        let task = loopwork_context::Poll::enter(false);
        let mut rest = 0;
        let mut cx = Context::from_waker(&waker);
        while ours.poll_io(Direction::Read, &mut cx, read_byte).is_ready() {
            rest += 1;
        }
        assert_eq!(rest, 200 - 128);
        for _ in 0..1000 {
            assert!(ours.poll_io(Direction::Read, &mut cx, read_byte).is_pending());
        }
        assert_eq!(task.finish().waits_for(), WaitReason::Io);
        for _ in 0..1000 {
            assert!(ours.try_io(Direction::Write, |_| Ok(())).is_ok(), "it spends nothing");
        }
    });
}
