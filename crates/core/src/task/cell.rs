//! The cell of a task, and the only code that knows its future's type.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::weaken;

use super::arena::{self, Class};
use super::error::TaskError;
use super::extension::Extension;
use super::header::{Birth, Ended, Header, VTable};
use crate::exception::report_destructor;

/// Header first, so that a pointer to the cell is a pointer to its header.
#[repr(C)]
struct Cell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

/// The future until it ends, then the slot of its output. Which it is, the word says: see
/// `README.md`, also for who may touch it when.
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Option<F::Output>>,
}

/// The size of cell that a task of `F` needs. None if the future has to be boxed.
pub(super) const fn class<F: Future>() -> Option<Class> {
    Class::of(size_of::<Cell<F>>(), align_of::<Cell<F>>())
}

/// Puts a task into its cell, and publishes it.
///
/// # Safety
///
/// `at` is a carved cell of `class::<F>()` without a task, and the caller's.
pub(super) unsafe fn place<F: Future>(at: NonNull<Header>, future: F, birth: Birth) {
    let cell = at.cast::<Cell<F>>().as_ptr();
    // SAFETY: the cell is large enough for a `Cell<F>`.
    let stage = unsafe { &raw mut (*cell).stage };
    let future = ManuallyDrop::new(future);
    // SAFETY: the memory is the caller's, and what it held before was dropped.
    unsafe { stage.write(UnsafeCell::new(Stage { future })) };
    // SAFETY: the caller's promise, and the future is in its place.
    unsafe { Header::be_born(at, Functions::<F>::VTABLE, birth) };
}

struct Functions<F>(F);

impl<F: Future> Functions<F> {
    const VTABLE: &'static VTable = &VTable {
        poll: Self::poll,
        cancel: Self::cancel,
        output: Self::output,
        drop_output: Self::drop_output,
        needs_drop: std::mem::needs_drop::<F::Output>(),
        class: match class::<F>() {
            Some(class) => class.number(),
            // Such a future is never placed, only its box is.
            None => 0,
        },
    };

    /// # Safety
    ///
    /// `header` is that of a task of `F` that is alive.
    unsafe fn stage<'a>(header: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
        let cell = header.cast::<Cell<F>>().as_ptr();
        // SAFETY: by the caller's promise this is a live `Cell<F>`, and the header is its front.
        unsafe { &(*cell).stage }
    }

    unsafe fn poll(header: NonNull<Header>, context: &mut Context<'_>) -> Option<Ended> {
        // SAFETY: the table of `F` is only called with its own live task.
        let stage = unsafe { Self::stage(header) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            stage.with_mut(|stage| {
                // SAFETY: the caller owns the future, so nobody else reaches the stage, and it has
                // not ended.
                let future = unsafe { &mut *(*stage).future };
                // SAFETY: the future lies in a cell it never leaves: it is dropped in place.
                unsafe { Pin::new_unchecked(future) }.poll(context)
            })
        }));
        // Unwind: a future that panicked is dropped like any other, and never polled again.
        let (output, ended) = match polled {
            Ok(Poll::Pending) => return None,
            Ok(Poll::Ready(output)) => (Some(output), Ended::Returned),
            Err(payload) => (None, Ended::Panicked(TaskError::panicked(payload))),
        };
        // SAFETY: the caller owns the future.
        unsafe { Self::end(header, output) };
        Some(ended)
    }

    unsafe fn cancel(header: NonNull<Header>) {
        // SAFETY: the caller owns the future.
        unsafe { Self::end(header, None) };
    }

    /// Drops the future in place, then writes the slot.
    ///
    /// # Safety
    ///
    /// The caller owns the future.
    unsafe fn end(header: NonNull<Header>, output: Option<F::Output>) {
        // SAFETY: the table of `F` is only called with its own live task.
        let stage = unsafe { Self::stage(header) };
        // Unwind: the destructor is not called again, and the slot is written all the same.
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            stage.with_mut(|stage| {
                // SAFETY: the caller owns the future, so nobody else reaches the stage; it is not
                // used again.
                unsafe { ManuallyDrop::drop(&mut (*stage).future) };
            });
        }));
        stage.with_mut(|stage| {
            // SAFETY: as above; the future is gone, and nothing else is in its place.
            unsafe { stage.write(Stage { output: ManuallyDrop::new(output) }) };
        });
        if let Err(payload) = dropped {
            // SAFETY: as above: the task is alive.
            unsafe { report_destructor(header, payload) };
        }
    }

    unsafe fn output(header: NonNull<Header>) -> *mut () {
        // SAFETY: the table of `F` is only called with its own live task.
        unsafe { Self::stage(header) }.with_mut(|stage| {
            // SAFETY: the task has ended, and the caller has the slot to itself.
            let output: *mut ManuallyDrop<Option<F::Output>> = unsafe { &raw mut (*stage).output };
            output.cast()
        })
    }

    unsafe fn drop_output(header: NonNull<Header>, extension: Option<&Extension>) {
        let output = {
            // Hooks may be looking at the output. The destructor, which may do anything, runs
            // outside the lock.
            let _lock =
                extension.filter(|_| weaken!("task-discard", true => false)).map(Extension::lock);
            // SAFETY: the task has ended, and the caller has the slot to itself, or this holds the
            // lock.
            let slot = unsafe { Self::output(header) }.cast::<Option<F::Output>>();
            // SAFETY: the slot holds this type, and it is exclusive.
            unsafe { (*slot).take() }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(output))) {
            // SAFETY: the caller keeps the task alive.
            unsafe { report_destructor(header, payload) };
        }
    }
}

/// Puts the memory of a task that nobody has any more back.
///
/// # Safety
///
/// The last reference to the task was the caller's, and its output was dropped.
pub(super) unsafe fn free(header: NonNull<Header>) {
    // SAFETY: the caller has the task to itself.
    let front = unsafe { header.as_ref() };
    if cfg!(loopwork_loom) {
        // Tells loom that the free uses the slot; otherwise nothing.
        // SAFETY: the task has ended, and the caller has the slot to itself.
        unsafe { (front.vtable.output)(header) };
    }
    front.aux.free();
    let class = Class::from_number(front.vtable.class);
    front.state.vacate();
    // SAFETY: the cell holds no task any more.
    unsafe { arena::give_back(header, class) };
}
