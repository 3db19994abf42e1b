//! What a scope shares with those who cancel it. `README.md` beside this file has the protocol.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loopwork_context::{Ask, CancelKind, CancelReason, KnownActs, Poll, ScopeId};
use loopwork_core::AnyTask;
use loopwork_shim::atomic::{AtomicBool, AtomicU64, Ordering};
use loopwork_shim::sync::{Mutex, MutexGuard};
use loopwork_shim::weaken;
use loopwork_time::{Instant, Sleep, sleep_until};

/// What a scope shares with its handles and its timer.
pub(crate) struct State {
    id: ScopeId,
    /// Its request comes again at every wait.
    level: bool,
    /// Whether `pending` is worth a look.
    asked: AtomicBool,
    /// In nanoseconds of its clock. Written under the lock.
    deadline: AtomicU64,
    inner: Mutex<Inner>,
}

struct Inner {
    phase: Phase,
    /// Not delivered yet.
    pending: Option<Ask>,
    known: KnownActs,
    /// The first request of all.
    cancelled: Option<CancelReason>,
    timer: Option<Sleep>,
    /// Its deadline has passed while it was entered.
    expired: bool,
    /// Who is woken by a request: the task, and what polls the scope in it unless that is the task.
    task: Option<AnyTask>,
    waker: Option<Arc<Waker>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Entered,
    Over,
}

/// The scope is over: it cannot be changed any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeOver(());

impl fmt::Display for ScopeOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scope is over: it has ended, was cancelled, or its time is up")
    }
}

impl std::error::Error for ScopeOver {}

impl State {
    pub(crate) fn new(id: ScopeId, deadline: Instant, level: bool) -> Arc<Self> {
        let inner = Inner {
            phase: Phase::New,
            pending: None,
            known: KnownActs::default(),
            cancelled: None,
            timer: None,
            expired: false,
            task: None,
            waker: None,
        };
        let deadline = AtomicU64::new(deadline.as_nanos());
        Arc::new(Self {
            id,
            level,
            asked: AtomicBool::new(false),
            deadline,
            inner: Mutex::new(inner),
        })
    }

    pub(crate) fn id(&self) -> ScopeId {
        self.id
    }

    /// By whoever will poll it, before it does.
    ///
    /// # Panics
    ///
    /// If it was entered before.
    #[track_caller]
    pub(crate) fn enter(&self) {
        let before = mem::replace(&mut self.inner.lock().phase, Phase::Entered);
        assert!(before == Phase::New, "a scope is entered once: make another one");
    }

    /// A request of this act. True unless the scope is over.
    pub(crate) fn cancel(&self, reason: CancelReason) -> bool {
        let mut inner = self.inner.lock();
        if inner.phase == Phase::Over {
            return false;
        }
        if !inner.known.learn(&reason) {
            return true;
        }
        self.ask(inner, reason);
        true
    }

    /// Has a request delivered.
    fn ask(&self, mut inner: MutexGuard<'_, Inner>, reason: CancelReason) {
        inner.cancelled.get_or_insert_with(|| reason.clone());
        match &mut inner.pending {
            Some(pending) => pending.count += 1,
            None => inner.pending = Some(Ask::new(reason, false)),
        }
        // Ordering: Relaxed: the wake below, or the lock, brings it to the poll that counts.
        self.asked.store(true, Ordering::Relaxed);
        let (task, waker) = (inner.task.clone(), inner.waker.clone());
        if weaken!("scope-ask") {
            // The mistake this guards against: the task is woken before it can see why.
            let pending = inner.pending.take();
            drop(inner);
            if let Some(task) = &task {
                task.interrupt(|_| {});
            }
            self.inner.lock().pending = pending;
            return;
        }
        match task {
            None => drop(inner),
            Some(task) => task.interrupt(|idle| {
                if let Some(pending) = &mut inner.pending {
                    pending.first |= idle;
                }
                // Whoever polls the task now finds the request whole.
                drop(inner);
            }),
        }
        if let Some(waker) = waker {
            waker.wake_by_ref();
        }
    }

    /// By the edge, as its poll begins: whether there may be something to take.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        // Ordering: Relaxed: see `cancel`.
        self.asked.load(Ordering::Relaxed)
    }

    /// By the edge, if it is asked.
    #[cold]
    pub(crate) fn take_pending(&self) -> Option<Ask> {
        let mut inner = self.inner.lock();
        let pending = inner.pending.take();
        if !self.level {
            self.asked.store(false, Ordering::Relaxed);
            return pending;
        }
        // Again and again, but not to who is waiting for the answer to it.
        pending.or_else(|| {
            let cancelled = inner.cancelled.clone();
            cancelled.filter(|reason| !reason.is_forwarded()).map(|reason| Ask::new(reason, false))
        })
    }

    /// By the edge, which waits: who is to be woken by a request. `waker` is that of what polls it,
    /// unless that is the task. A deadline is armed. True if there is a request by now, for the next poll.
    #[cold]
    pub(crate) fn wait(self: &Arc<Self>, task: Option<AnyTask>, waker: Option<Arc<Waker>>) -> bool {
        let mut inner = self.inner.lock();
        inner.task = task;
        let replaced = mem::replace(&mut inner.waker, waker);
        if let Some(reason) = self.arm(&mut inner) {
            inner.pending = Some(Ask::new(reason, true));
            // Ordering: Relaxed: for the next poll of this task.
            self.asked.store(true, Ordering::Relaxed);
        }
        // What was asked before anybody could be woken is found now.
        let asked = weaken!("scope-look", inner.pending.is_some() => false);
        drop(inner);
        drop(replaced);
        asked
    }

    /// Sets the timer for the deadline, if it is not set. `Some` if it has passed.
    fn arm(self: &Arc<Self>, inner: &mut Inner) -> Option<CancelReason> {
        let deadline = self.when()?;
        if inner.phase != Phase::Entered || inner.expired {
            return None;
        }
        if deadline <= Instant::now() {
            let reason = CancelReason::of_kind(CancelKind::Deadline);
            inner.expire(&reason);
            return Some(reason);
        }
        let timer = inner.timer.get_or_insert_with(|| sleep_until(deadline));
        // It says what it waits for to nobody: that is not what the task waits for.
        let _nobody = Poll::outside();
        let waker = Waker::from(self.clone());
        _ = Pin::new(timer).poll(&mut Context::from_waker(&waker));
        None
    }

    /// The timer has fired.
    fn fired(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if inner.phase != Phase::Entered || inner.expired {
            return;
        }
        match &mut inner.timer {
            None => {}
            Some(timer) if !timer.is_elapsed() => {
                // The deadline was moved: it waits on.
                let _nobody = Poll::outside();
                let waker = Waker::from(self.clone());
                _ = Pin::new(timer).poll(&mut Context::from_waker(&waker));
            }
            Some(_) => {
                let reason = CancelReason::of_kind(CancelKind::Deadline);
                inner.expire(&reason);
                self.ask(inner, reason);
            }
        }
    }

    /// By the edge: its deadline has passed, as was found from inside, for this reason, which is on
    /// its way.
    pub(crate) fn note_expired(&self, reason: &CancelReason) {
        let timer = {
            let mut inner = self.inner.lock();
            inner.expire(reason);
            // The timer may have been as quick: that is the same request.
            if inner.pending.as_ref().is_some_and(|ask| ask.reason.kind() == CancelKind::Deadline) {
                inner.pending = None;
            }
            inner.timer.take()
        };
        drop(timer);
    }

    /// By the edge: nothing is cancelled any more.
    pub(crate) fn end(&self) {
        let dropped = {
            let mut inner = self.inner.lock();
            inner.phase = Phase::Over;
            inner.pending = None;
            (inner.timer.take(), inner.task.take(), inner.waker.take())
        };
        drop(dropped);
    }

    /// `FAR_FUTURE` if there is none.
    pub(crate) fn deadline(&self) -> Instant {
        // Ordering: Relaxed: a time, and nothing else.
        Instant::from_nanos(self.deadline.load(Ordering::Relaxed))
    }

    pub(crate) fn when(&self) -> Option<Instant> {
        Some(self.deadline()).filter(|deadline| *deadline != Instant::FAR_FUTURE)
    }

    pub(crate) fn expired(&self) -> bool {
        self.inner.lock().expired
    }

    pub(crate) fn cancelled(&self) -> Option<CancelReason> {
        self.inner.lock().cancelled.clone()
    }

    /// Moves the deadline, or takes it away.
    pub(crate) fn reschedule(self: &Arc<Self>, deadline: Option<Instant>) -> Result<(), ScopeOver> {
        let mut inner = self.inner.lock();
        if inner.phase == Phase::Over || inner.expired {
            return Err(ScopeOver(()));
        }
        let nanos = deadline.unwrap_or(Instant::FAR_FUTURE).as_nanos();
        self.deadline.store(nanos, Ordering::Relaxed);
        let mut unused = None;
        match (deadline, &mut inner.timer) {
            (Some(deadline), Some(timer)) => timer.reset(deadline),
            _ => unused = inner.timer.take(),
        }
        // The edge that has not waited yet arms it when it does.
        let waits = inner.task.is_some() || inner.waker.is_some();
        let passed = if waits { self.arm(&mut inner) } else { None };
        match passed {
            Some(reason) => self.ask(inner, reason),
            None => drop(inner),
        }
        drop(unused);
        Ok(())
    }
}

impl Inner {
    fn expire(&mut self, reason: &CancelReason) {
        self.expired = true;
        self.known.learn(reason);
        self.cancelled.get_or_insert_with(|| reason.clone());
    }
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.fired();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.fired();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        f.debug_struct("Scope")
            .field("phase", &inner.phase)
            .field("deadline", &self.when())
            .field("expired", &inner.expired)
            .field("cancelled", &inner.cancelled)
            .finish_non_exhaustive()
    }
}
