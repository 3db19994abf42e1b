//! Many producers, one consumer: what a queue's two sides share.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loopwork_shim::CachePadded;
use loopwork_shim::atomic::{AtomicBool, AtomicU64, Ordering};
use loopwork_shim::thread::{spin_loop, yield_now};
use loopwork_shim::weaken;

use super::position::Position;
use super::signatures::is_signed;
use super::slot::Slot;
use super::tail::Tail;
use super::word::{CLOSED, ENDED, GONE, SLEEPS, Word};

/// Places in a row. The producers say by the [`Tail`] whose turn it is at which place.
///
/// # Safety
///
/// `pop` gives each item once.
pub unsafe trait Queue {
    /// What is in it.
    type Item;

    /// The next item, which was put at `position`, and the position after it. None if it was not put yet.
    ///
    /// # Safety
    ///
    /// By the consumer only, which was given this position by the `pop` before. It begins with the first.
    #[doc(hidden)]
    unsafe fn pop(&self, position: Position) -> Option<(Self::Item, Position)>;

    /// Whether both sides say where they are.
    #[doc(hidden)]
    const IS_SIGNED: bool;

    /// How many places are between two positions.
    #[doc(hidden)]
    fn distance(&self, from: Position, to: Position) -> usize;
}

/// A queue, both its ends, and what the channel keeps beside it.
pub struct Shared<Q: Queue, X> {
    pub(super) tail: Tail,
    pub(super) sleeper: CachePadded<Sleeper>,
    pub(super) queue: Q,
    pub(crate) beside: X,
}

/// What the consumer writes.
pub(super) struct Sleeper {
    /// Where it takes the next item: a [`Position`].
    head: AtomicU64,
    waker: Slot<Waker>,
    /// The waker is in its place. Set by the consumer.
    there: AtomicBool,
}

/// The one consumer.
pub(crate) struct Consumer<Q: Queue, X> {
    shared: Arc<Shared<Q, X>>,
}

// SAFETY: items go from one thread to another. The consumer's part belongs to the consumer, which is
// one, and the waker to whoever cleared `SLEEPS`.
unsafe impl<Q: Queue<Item: Send> + Send, X: Send> Send for Shared<Q, X> {}
// SAFETY: as above. No two threads have the same item.
unsafe impl<Q: Queue<Item: Send> + Send, X: Sync> Sync for Shared<Q, X> {}

/// What the consumer finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Popped<T> {
    Item(T),
    Empty,
    Over,
}

/// How often the consumer looks for an item that is being put, before it does something else.
const LOOKS: usize = if loopwork_shim::MODELLED { 1 } else { 64 };

/// Both ends.
pub(crate) fn channel<Q: Queue, X>(queue: Q, beside: X) -> (Arc<Shared<Q, X>>, Consumer<Q, X>) {
    let sleeper =
        Sleeper { head: AtomicU64::new(0), waker: Slot::new(), there: AtomicBool::new(false) };
    let shared =
        Arc::new(Shared { tail: Tail::new(), sleeper: CachePadded::new(sleeper), queue, beside });
    (shared.clone(), Consumer { shared })
}

impl<Q: Queue, X> Shared<Q, X> {
    /// The producers have gone. Afterwards nothing may be pushed.
    pub(crate) fn end(&self) {
        let was = self.tail.update(|word| Some(word.with(ENDED).without(SLEEPS)));
        if let (Ok(word), false) = (was, weaken!("mpsc-end")) {
            self.wake_if_it_slept(word);
        }
    }

    /// Whether nothing comes in any more.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.tail.load().has(CLOSED)
    }

    /// How many items were pushed and not popped.
    pub(crate) fn len(&self) -> usize {
        // Ordering: Relaxed: history by the time it returns. The head first: it is not past the tail.
        let head = Position::from_bits(self.sleeper.head.load(Ordering::Acquire));
        self.queue.distance(head, self.tail.load().position())
    }

    /// How many places are reserved.
    pub(crate) fn reserved(&self) -> usize {
        self.tail.guess().reserved() as usize
    }

    /// Wakes the consumer if `word`, from which the caller has made an exchange that cleared it, says
    /// that it slept.
    #[inline]
    pub(super) fn wake_if_it_slept(&self, word: Word) {
        if word.has(SLEEPS) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        // SAFETY: the caller has cleared `SLEEPS`, so that the waker is there, and its own.
        let waker = unsafe { self.sleeper.waker.take() };
        // Ordering: Release: the consumer may use the place again. [edge: mpsc-waker]
        let order = weaken!("mpsc-waker", Ordering::Release => Ordering::Relaxed);
        self.sleeper.there.store(false, order);
        waker.wake();
    }
}

impl<Q: Queue, X> Consumer<Q, X> {
    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared<Q, X>> {
        &self.shared
    }

    /// The next item, if it is there.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Q::Item> {
        // Ordering: Relaxed: only the consumer writes it.
        let head = Position::from_bits(self.shared.sleeper.head.load(Ordering::Relaxed));
        // SAFETY: this is the consumer, by `&mut`, and the position is that of the last `pop`.
        let (item, next) = unsafe { self.shared.queue.pop(head) }?;
        // Ordering: Release: who sees this head sees a tail that is not before it.
        self.shared.sleeper.head.store(next.bits(), Ordering::Release);
        if Q::IS_SIGNED && is_signed(head) {
            self.shared.tail.signatures.sign_as_consumer(head);
        }
        Some(item)
    }

    /// The next item, if it is there or is being put.
    #[inline]
    pub(crate) fn try_pop(&mut self) -> Popped<Q::Item> {
        match self.pop() {
            Some(item) => Popped::Item(item),
            None => self.wait_until_put(),
        }
    }

    /// A producer that has a place fills it within a few instructions, if it is not interrupted.
    #[cold]
    fn wait_until_put(&mut self) -> Popped<Q::Item> {
        loop {
            let word = self.shared.tail.load();
            if self.is_at(word) {
                return if is_over(word) { Popped::Over } else { Popped::Empty };
            }
            match self.look() {
                Some(item) => return Popped::Item(item),
                None => yield_now(),
            }
        }
    }

    fn look(&mut self) -> Option<Q::Item> {
        for _ in 0..LOOKS {
            if let Some(item) = self.pop() {
                return Some(item);
            }
            spin_loop();
        }
        None
    }

    /// The next item; `cx` is woken when there is one. None when it is over.
    #[inline]
    pub(crate) fn poll_pop(&mut self, cx: &Context<'_>) -> Poll<Option<Q::Item>> {
        match self.pop() {
            Some(item) => Poll::Ready(Some(item)),
            None => self.sleep(cx),
        }
    }

    #[cold]
    fn sleep(&mut self, cx: &Context<'_>) -> Poll<Option<Q::Item>> {
        let mut waker = None;
        loop {
            let word = self.shared.tail.load();
            if !self.is_at(word) {
                if let Some(item) = self.look() {
                    return Poll::Ready(Some(item));
                }
                // A producer was interrupted while it put the item. It does not know of us.
                return give_way(cx);
            }
            if is_over(word) {
                return Poll::Ready(None);
            }
            let sleeper = &self.shared.sleeper;
            if word.has(SLEEPS) {
                if self.shared.tail.exchange(word, word.without(SLEEPS)).is_ok() {
                    waker = Some(self.take_waker());
                }
                continue;
            }
            // Ordering: Acquire: who took the waker before is done with its place. [edge: mpsc-waker]
            if sleeper.there.load(Ordering::Acquire) {
                // Somebody is about to wake us, with the waker of before.
                return give_way(cx);
            }
            let known = waker.take().filter(|known: &Waker| known.will_wake(cx.waker()));
            let known = known.unwrap_or_else(|| cx.waker().clone());
            // SAFETY: nobody else is at the place without `SLEEPS`, and it is empty.
            unsafe { sleeper.waker.put(known) };
            // Ordering: Relaxed: the exchange publishes it, and only this thread sets it.
            sleeper.there.store(true, Ordering::Relaxed);
            if self.shared.tail.exchange(word, word.with(SLEEPS)).is_ok() {
                return Poll::Pending;
            }
            waker = Some(self.take_waker());
        }
    }

    /// `SLEEPS` is not set any more, or not yet, by our doing.
    fn take_waker(&mut self) -> Waker {
        let sleeper = &self.shared.sleeper;
        // Ordering: Relaxed: it goes to this thread only.
        sleeper.there.store(false, Ordering::Relaxed);
        // SAFETY: it was put there, and nobody else has it, since this side has cleared `SLEEPS`.
        unsafe { sleeper.waker.take() }
    }

    /// Nothing comes in any more, except for what was reserved.
    pub(crate) fn close(&mut self) {
        let was = self.shared.tail.update(|word| Some(word.with(CLOSED).without(SLEEPS)));
        if was.is_ok_and(|word| word.has(SLEEPS)) {
            // It may have been polled by somebody else than who closes.
            self.take_waker().wake();
        }
    }

    /// As `close`, and what was reserved is of no use either. What was pushed before is to be popped.
    pub(crate) fn go(&mut self) {
        let was = self.shared.tail.update(|word| Some(word.with(CLOSED | GONE).without(SLEEPS)));
        if was.is_ok_and(|word| word.has(SLEEPS)) {
            drop(self.take_waker());
        }
    }

    fn is_at(&self, word: Word) -> bool {
        // Ordering: Relaxed: only the consumer writes it.
        word.position().bits() == self.shared.sleeper.head.load(Ordering::Relaxed)
    }
}

/// Nothing was pushed that was not popped; whether nothing will be.
fn is_over(word: Word) -> bool {
    word.has(ENDED) || (word.has(CLOSED) && word.reserved() == 0)
}

fn give_way<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    // In a model: until the other thread goes on.
    spin_loop();
    Poll::Pending
}

impl<Q: Queue, X> Drop for Consumer<Q, X> {
    fn drop(&mut self) {
        if loopwork_shim::MODELLED {
            // As in the drop of what is shared.
            let _ = self.shared.tail.update(Some);
        }
    }
}

impl<Q: Queue, X> Drop for Shared<Q, X> {
    fn drop(&mut self) {
        if loopwork_shim::MODELLED {
            // What `Arc` does is not seen by a model: that both ends have gone, which they say here.
            let _ = self.tail.update(Some);
        }
        // Ordering: Relaxed: whoever drops this is alone.
        let mut head = Position::from_bits(self.sleeper.head.load(Ordering::Relaxed));
        // What came in by permits after the consumer had gone.
        // SAFETY: nobody else is there to be the consumer.
        while let Some((item, next)) = unsafe { self.queue.pop(head) } {
            head = next;
            drop(item);
        }
        // There is no waker: the consumer has taken it with it.
    }
}

impl<Q: Queue, X> fmt::Debug for Shared<Q, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<Q: Queue, X> fmt::Debug for Consumer<Q, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").finish_non_exhaustive()
    }
}
