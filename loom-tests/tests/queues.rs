//! Handing tasks over: the inbox, the claim, the hand.

use std::future::Future;
use std::sync::Arc;

use loopwork_core::model::{Idle, Loop};
use loopwork_loom_tests::{Data, block_on, explore, spawn};
use loopwork_shim::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use loopwork_shim::biased::Biased;
use loopwork_shim::claim::Claim;
use loopwork_shim::ownership::Ownership;

/// Two threads push while a worker takes: every task runs once, and sees what its spawner wrote.
#[test]
fn pushes_against_take() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(2);
        let worker = workers.pop().unwrap();
        assert!(worker.run_one(), "the callback lane begins");
        let (handle, written) = (lane.handle(), Arc::new(Data::new()));
        let read = written.clone();
        let pusher = spawn(move || {
            written.write(7);
            handle.spawn(async move { read.read() })
        });
        let other = lane.handle().spawn(async { 1 });
        let ran = usize::from(worker.run_one()) + usize::from(worker.run_one());
        let task = pusher.join().unwrap();
        for _ in ran..2 {
            assert!(worker.run_one(), "a task was lost");
        }
        assert!(!worker.run_one(), "a task came twice");
        assert_eq!(block_on(task.into_future()).unwrap(), 7);
        assert_eq!(block_on(other.into_future()).unwrap(), 1);
        drop((worker, workers));
        lane.close();
    });
}

/// Two pushes, of which only the first into the empty inbox wakes anybody, against a worker that
/// takes what is there and falls asleep: both tasks run.
#[test]
fn the_first_push_wakes_for_all() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let sleeper = workers.pop().unwrap();
        lane.resume();
        let background = spawn(move || sleeper.background());
        let (first, second) = (lane.handle().spawn(async { 1 }), lane.handle().spawn(async { 2 }));
        assert_eq!(block_on(first.into_future()).unwrap(), 1);
        assert_eq!(block_on(second.into_future()).unwrap(), 2);
        lane.exit();
        background.join().unwrap();
        drop(workers);
        lane.close();
    });
}

fn own(claim: &Claim, f: impl FnOnce()) {
    claim.enter();
    f();
    claim.leave();
}

/// False if the owner was inside.
fn seize(claim: &Claim, f: impl FnOnce()) -> bool {
    let inside = claim.try_seize();
    if inside {
        f();
        claim.release();
    }
    inside
}

/// The owner and a thread that seizes are never inside together, and see each other's writes.
#[test]
fn claim_against_seizure() {
    explore(3, || {
        let shared = Arc::new((Claim::default(), Data::new()));
        let other = shared.clone();
        let seizer = spawn(move || seize(&other.0, || other.1.write(other.1.read() + 1)));
        for _ in 0..2 {
            own(&shared.0, || shared.1.write(shared.1.read() + 1));
        }
        let seized = seizer.join().unwrap();
        own(&shared.0, || assert_eq!(shared.1.read(), 2 + u32::from(seized)));
    });
}

/// The same of an owner that rests, and a thread that seizes only then.
#[test]
fn claim_of_a_resting_owner_against_seizure() {
    explore(3, || {
        let shared = Arc::new((Claim::default(), Data::new()));
        let other = shared.clone();
        let seizer = spawn(move || {
            let inside = other.0.try_seize_at_rest();
            if inside {
                other.1.write(other.1.read() + 1);
                other.0.release();
            }
            inside
        });
        for _ in 0..2 {
            own(&shared.0, || shared.1.write(shared.1.read() + 1));
            shared.0.rest();
            shared.0.resume();
        }
        own(&shared.0, || _ = shared.1.read());
        let seized = seizer.join().unwrap();
        own(&shared.0, || assert_eq!(shared.1.read(), 2 + u32::from(seized)));
    });
}

/// An owner does what is its own, until another thread takes that away.
#[test]
fn what_is_owned_against_another_thread() {
    explore(3, || {
        let shared = Arc::new((Ownership::default(), Data::new()));
        let add = |data: &Data| data.write(data.read() + 1);
        assert!(shared.0.own(|| true));
        let other = shared.clone();
        let second = spawn(move || {
            let mut taken = false;
            other.0.disown(|| taken = true);
            assert!(taken, "there was an owner");
            add(&other.1);
        });
        let added = (0..2).filter(|_| shared.0.as_owner(|| add(&shared.1)).is_some()).count();
        second.join().unwrap();
        assert_eq!(shared.0.as_owner(|| ()), None);
        assert_eq!(shared.1.read() as usize, 1 + added);
    });
}

/// What an owner looks for without a fence, it sees; or who has written that sees what the owner did before it looked.
#[test]
fn what_an_owner_looks_for() {
    explore(3, || {
        let shared = Arc::new((Ownership::default(), AtomicBool::new(false), AtomicUsize::new(0)));
        let other = shared.clone();
        let second = spawn(move || {
            other.1.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            other.0.disown_others();
            other.2.load(Ordering::Relaxed)
        });
        let mut found = false;
        for step in 1..=2 {
            shared.2.store(step, Ordering::Relaxed);
            if !shared.0.is_mine() {
                fence(Ordering::SeqCst);
                shared.0.own_here();
            }
            found = shared.1.load(Ordering::Relaxed);
        }
        assert!(second.join().unwrap() == 2 || found);
    });
}

/// An owner that comes to another thread, where it goes on, while somebody is still at the old one.
#[test]
fn an_owner_that_moves_against_a_look() {
    explore(3, || {
        let shared =
            Arc::new((Ownership::default(), AtomicBool::new(false), AtomicBool::new(false)));
        shared.0.own_here();
        let other = shared.clone();
        let second = spawn(move || {
            other.0.own_here();
            other.2.store(true, Ordering::Relaxed);
            assert!(
                other.0.is_mine() || {
                    fence(Ordering::SeqCst);
                    true
                }
            );
            other.1.load(Ordering::Relaxed)
        });
        shared.1.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        shared.0.disown_others();
        let found = shared.2.load(Ordering::Relaxed);
        assert!(second.join().unwrap() || found);
    });
}

/// A task that counts that it ran.
fn counts(ran: &Arc<AtomicUsize>) -> impl Future<Output = ()> + Send + 'static {
    let ran = ran.clone();
    async move {
        ran.fetch_add(1, Ordering::Relaxed);
    }
}

/// A worker pushes and runs while another takes what it has in hand: every task runs once.
#[test]
fn rescue_against_push_and_pop() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let (rescuer, worker) = (workers.pop().unwrap(), workers.pop().unwrap());
        let ran = Arc::new(AtomicUsize::new(0));
        // The first goes to the slot, and the second pushes it out.
        drop(worker.spawn(counts(&ran)));
        let other = spawn(move || {
            rescuer.rescue(0);
            rescuer
        });
        drop(worker.spawn(counts(&ran)));
        while worker.run_one() {}
        let rescuer = other.join().unwrap();
        while worker.run_one() {}
        assert_eq!(ran.load(Ordering::Relaxed), 2);
        assert!(lane.is_drained());
        drop((worker, rescuer, workers));
        lane.close();
    });
}

/// A worker that searches, so that pushes wake nobody, finds nothing and falls asleep, against a
/// push: one of them sees the other.
#[test]
fn push_against_a_search_in_vain() {
    explore(3, || {
        let idle = Arc::new(Idle::new(3));
        idle.announce(2);
        let queue = Arc::new(AtomicUsize::new(0));
        let (searcher, queued) = (idle.clone(), queue.clone());
        let search = spawn(move || {
            if !searcher.begin_search() {
                return false;
            }
            if queued.load(Ordering::Relaxed) == 1 {
                return true;
            }
            searcher.announce_searcher(1);
            queued.load(Ordering::Relaxed) == 1
        });
        queue.store(1, Ordering::Relaxed);
        let woke = idle.notify_after_push();
        assert!(search.join().unwrap() || woke, "the push was overlooked");
    });
}

/// A worker has one task in hand and others in its queue, and takes the next while another empties its
/// hand: every task runs once.
#[test]
fn rescue_against_pop_from_the_queue() {
    explore(2, || {
        let (lane, mut workers) = Loop::new(2);
        let (rescuer, worker) = (workers.pop().unwrap(), workers.pop().unwrap());
        assert!(worker.run_one(), "the first poll of the lane");
        // So that tasks are queued together.
        worker.finds_polls_cheap();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..3 {
            drop(lane.handle().spawn(counts(&ran)));
        }
        assert!(worker.run_one(), "it takes all, and leaves two in its queue");
        drop(worker.spawn(counts(&ran)));
        let other = spawn(move || {
            rescuer.rescue(0);
            rescuer
        });
        while worker.run_one() {}
        let rescuer = other.join().unwrap();
        while worker.run_one() {}
        assert_eq!(ran.load(Ordering::Relaxed), 4, "a task was lost");
        assert!(lane.is_drained());
        drop((worker, rescuer, workers));
        lane.close();
    });
}

/// A handle is dropped while its task is in hand, without an exchange, and another thread takes the task out and
/// ends it: the output, which somebody wants or nobody, is dropped once.
#[test]
fn a_handle_dropped_in_hand_against_a_rescue() {
    explore(3, || {
        let (lane, mut workers) = Loop::new(2);
        let (rescuer, worker) = (workers.pop().unwrap(), workers.pop().unwrap());
        assert!(worker.run_one(), "the first poll of the lane");
        let output = Arc::new(());
        let held = output.clone();
        let task = worker.spawn(async move { held });
        let other = spawn(move || {
            rescuer.rescue(0);
            rescuer
        });
        worker.does(|| drop(task));
        while worker.run_one() {}
        let rescuer = other.join().unwrap();
        assert_eq!(Arc::strong_count(&output), 1, "dropped, and dropped once");
        assert!(lane.is_drained());
        drop((worker, rescuer, workers));
        lane.close();
    });
}

/// A lock that one thread has reserved, and another one needs twice, of which the second time comes without
/// the dear fence: what they do comes one after the other.
#[test]
fn a_reserved_lock_against_another_thread() {
    explore(3, || {
        let shared = Arc::new((Biased::new(()), Data::new()));
        let add = |shared: &(Biased<()>, Data)| {
            shared.0.lock(|()| shared.1.write(shared.1.read() + 1));
        };
        let other = shared.clone();
        let second = spawn(move || {
            add(&other);
            add(&other);
        });
        shared.0.reserve();
        add(&shared);
        shared.0.give_back();
        second.join().unwrap();
        shared.0.lock(|()| assert_eq!(shared.1.read(), 3));
    });
}

/// One owner after the other, and a third that needs it meanwhile.
#[test]
fn a_lock_that_is_reserved_by_turns() {
    explore(2, || {
        let shared = Arc::new((Biased::new(()), Data::new()));
        let reserved = |shared: &(Biased<()>, Data)| {
            shared.0.reserve();
            shared.0.lock(|()| shared.1.write(shared.1.read() + 1));
            shared.0.give_back();
        };
        let (next, other) = (shared.clone(), shared.clone());
        let second = spawn(move || reserved(&next));
        let third = spawn(move || other.0.lock(|()| other.1.write(other.1.read() + 1)));
        reserved(&shared);
        second.join().unwrap();
        third.join().unwrap();
        shared.0.lock(|()| assert_eq!(shared.1.read(), 3));
    });
}
