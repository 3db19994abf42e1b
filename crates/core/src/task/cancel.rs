//! Cancel requests to a task: who asked, and what became of it.
//!
//! That there is a request is a bit in the word (`state.rs`), so that asking and ending have one
//! order. Its reason lies in the extension, whose lock whoever asks holds while it sets the bit: so
//! a poll that finds the bit finds the reason.

use std::sync::Arc;
use std::task::Waker;

use loopwork_context::{Ask, CancelReason, Hooks, Insides, KnownActs, Request};
use loopwork_shim::weaken;

use super::raw::RawTask;
use super::state::Wake;
use super::waker;
use crate::current;
use crate::scheduler::Origin;

/// What is known of a task's requests.
#[derive(Default)]
pub(super) struct Requests {
    /// Not delivered yet.
    pending: Option<Ask>,
    known: KnownActs,
    /// How many were accepted, and neither refused nor taken back.
    standing: u32,
    /// Why the task ended cancelled.
    ended_by: Option<CancelReason>,
    /// One was delivered.
    delivered: bool,
    /// The task ended by itself in the poll in which one was delivered, which nobody in it has taken.
    overtaken: bool,
    /// What inside the task takes requests, and has a waker of its own.
    insides: Option<Arc<Insides>>,
}

impl Requests {
    fn ask(&mut self, reason: CancelReason, first: bool) {
        match &mut self.pending {
            Some(pending) => pending.count += 1,
            None => self.pending = Some(Ask::new(reason, first)),
        }
        self.standing += 1;
    }

    pub(super) fn ended_by(&self) -> Option<CancelReason> {
        self.ended_by.clone()
    }
}

impl RawTask {
    /// Requests cancellation. True if the task had not ended.
    pub(crate) fn cancel(&self, reason: CancelReason) -> bool {
        match self.ask(reason) {
            Wake::Schedule => self.schedule(Origin::Wake),
            Wake::Coalesced => {}
            Wake::Ended => return false,
        }
        true
    }

    /// As [`RawTask::cancel`], without pushing the `Runnable` that may follow.
    fn ask(&self, reason: CancelReason) -> Wake {
        let header = self.header();
        if header.state.is_complete() {
            return Wake::Ended;
        }
        let mut trailer = header.aux.extend().lock();
        if !trailer.requests.known.learn(&reason) {
            return if header.state.is_complete() { Wake::Ended } else { Wake::Coalesced };
        }
        if weaken!("cancel-reason") {
            // The mistake this guards against: the bit is there before the reason is.
            drop(trailer);
            let wake = header.state.cancel();
            header.aux.extend().lock().requests.ask(reason, wake == Wake::Schedule);
            return wake;
        }
        // Under the lock: see the top of this file.
        let wake = header.state.cancel();
        if wake != Wake::Ended {
            // A task that asks itself is met by its request at the very next wait.
            let itself = loopwork_context::is_polling(self.as_ptr().cast());
            trailer.requests.ask(reason, wake == Wake::Schedule || itself);
        }
        wake
    }

    /// Passes `request` on: true if the task had not ended.
    pub(crate) fn forward(&self, request: &Request) -> bool {
        // All of them, and not only up to the first that is accepted.
        request.reasons().filter(|reason| self.cancel(CancelReason::clone(reason))).count() > 0
    }

    /// By the poll that took the bit: what it stands for.
    #[cold]
    pub(super) fn asked(&self) -> (Option<Ask>, Option<Arc<Insides>>) {
        let mut trailer = self.header().aux.extend().lock();
        trailer.requests.delivered = true;
        (trailer.requests.pending.take(), trailer.requests.insides.clone())
    }

    /// By whoever ends the task as cancelled, before it does.
    #[cold]
    pub(super) fn ends_cancelled(&self, request: &Request) {
        let reason = request.reason().clone();
        self.header().aux.extend().lock().requests.ended_by = Some(reason);
    }

    /// By whoever polls, of a task that ends by itself: it did not answer the request of this poll.
    #[cold]
    pub(super) fn ends_before_its_request(&self) {
        self.header().aux.extend().lock().requests.overtaken = true;
    }

    /// Of a task that has ended, and not cancelled: whether that was its answer to a request.
    #[cold]
    pub(super) fn has_answered(&self) -> bool {
        let Some(extension) = self.header().aux.extension() else { return false };
        let trailer = extension.lock();
        let Requests { delivered, overtaken, pending, .. } = &trailer.requests;
        weaken!("request-answer", *delivered && !overtaken && pending.is_none() => true)
    }

    /// How many requests stand.
    pub(crate) fn cancelling(&self) -> usize {
        let extension = self.header().aux.extension();
        extension.map_or(0, |extension| extension.lock().requests.standing as usize)
    }

    /// Takes `count` requests back. At zero, one that was not delivered is not delivered any more.
    pub(crate) fn uncancel(&self, count: u32) -> usize {
        let header = self.header();
        let Some(extension) = header.aux.extension() else { return 0 };
        let mut trailer = extension.lock();
        let requests = &mut trailer.requests;
        requests.standing = requests.standing.saturating_sub(count);
        let left = requests.standing;
        let taken_back = if left == 0 { requests.pending.take() } else { None };
        if taken_back.is_some() {
            header.state.uncancel();
        }
        drop(trailer);
        left as usize
    }

    /// Wakes the task for a request to something inside it. `asked` is told whether the task was idle,
    /// before it is scheduled, or asks itself: then the request came first.
    pub(crate) fn interrupt(&self, asked: impl FnOnce(bool)) {
        if loopwork_context::is_polling(self.as_ptr().cast()) {
            asked(true);
            loopwork_context::requeue();
            return;
        }
        let idle = self.header().state.wake() == Wake::Schedule;
        asked(idle);
        if idle {
            self.schedule(Origin::Wake);
        }
    }
}

/// Requests cancellation of all, for all these reasons, as one act: none of those that wait runs before
/// all have been asked. `meanwhile` is called in between.
pub(super) fn cancel_together<'a>(
    tasks: impl Iterator<Item = &'a RawTask>,
    reasons: &[CancelReason],
    meanwhile: impl FnOnce(),
) {
    let ask = |task: &&RawTask| {
        let scheduled = reasons.iter().filter(|reason| {
            let wake = task.ask(CancelReason::clone(reason));
            wake == Wake::Schedule
        });
        // All of them, and not only up to the first.
        scheduled.count() > 0
    };
    let woken: Vec<_> = tasks.filter(ask).collect();
    meanwhile();
    woken.into_iter().for_each(|task| task.schedule(Origin::Wake));
}

/// What the cancellation of tasks offers to what is polled in them.
struct CurrentTask;

pub(crate) static CURRENT_TASK: &dyn Hooks = &CurrentTask;

impl Hooks for CurrentTask {
    fn is_own(&self, waker: &Waker) -> bool {
        let task = waker::task(waker);
        task.is_some_and(|task| loopwork_context::is_polling(task.as_ptr().cast()))
    }

    fn insides(&self) -> Option<Arc<Insides>> {
        let task = current::polled_task()?;
        let mut trailer = task.header().aux.extend().lock();
        Some(trailer.requests.insides.get_or_insert_default().clone())
    }

    fn known_insides(&self) -> Option<Arc<Insides>> {
        let task = current::polled_task()?;
        let extension = task.header().aux.extension()?;
        extension.lock().requests.insides.clone()
    }

    fn is_asked(&self) -> bool {
        let task = current::polled_task();
        task.is_some_and(|task| task.header().state.is_asked())
    }

    fn uncancel(&self, count: u32) {
        if let Some(task) = current::polled_task() {
            task.uncancel(count);
        }
    }
}
