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
use crate::shared_error::SharedError;

/// Header first, so that a pointer to the cell is a pointer to its header.
#[repr(C)]
struct Cell<S> {
    header: Header,
    stage: S,
}

/// The usual cell, and that of a future or output which is too large for one.
type Inline<F> = Cell<UnsafeCell<Stage<F>>>;
type Apart<F> = Cell<NonNull<UnsafeCell<Stage<F>>>>;

/// The future until it ends, then the slot of its output. Which it is, the word says: see
/// `README.md`, also for who may touch it when.
union Stage<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<Option<F::Output>>,
}

const fn inline<F: Future>() -> Option<Class> {
    Class::of(size_of::<Inline<F>>(), align_of::<Inline<F>>())
}

/// The size of cell that a task of `F` needs.
pub(super) const fn class<F: Future>() -> Class {
    match inline::<F>() {
        Some(class) => class,
        None => match Class::of(size_of::<Apart<F>>(), align_of::<Apart<F>>()) {
            Some(class) => class,
            None => unreachable!(),
        },
    }
}

/// Puts a task into its cell, and publishes it.
///
/// # Safety
///
/// `at` is a carved cell of `class::<F>()` without a task, and the caller's.
#[inline]
pub(super) unsafe fn place<F: Future>(at: NonNull<Header>, future: F, birth: Birth) {
    let stage = UnsafeCell::new(Stage { future: ManuallyDrop::new(future) });
    if const { inline::<F>().is_some() } {
        // SAFETY: the cell is large enough for this type.
        let place = unsafe { &raw mut (*at.cast::<Inline<F>>().as_ptr()).stage };
        // SAFETY: the memory is the caller's, and what it held before was dropped.
        unsafe { place.write(stage) };
    } else {
        // SAFETY: as above.
        let place = unsafe { &raw mut (*at.cast::<Apart<F>>().as_ptr()).stage };
        // SAFETY: as above.
        unsafe { place.write(NonNull::from(Box::leak(Box::new(stage)))) };
    }
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
        free_apart: if inline::<F>().is_some() { None } else { Some(Self::free_apart) },
        class: class::<F>(),
    };

    /// # Safety
    ///
    /// `header` is that of a task of `F` that is alive.
    unsafe fn stage<'a>(header: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
        if const { inline::<F>().is_some() } {
            // SAFETY: by the caller's promise this is such a cell, and the header is its front.
            unsafe { &(*header.cast::<Inline<F>>().as_ptr()).stage }
        } else {
            // SAFETY: as above.
            let stage = unsafe { (*header.cast::<Apart<F>>().as_ptr()).stage };
            // SAFETY: the box that `place` made lives as long as the task.
            unsafe { stage.as_ref() }
        }
    }

    /// # Safety
    ///
    /// `header` is that of a task of `F` that lies apart, and whose stage is used no more.
    unsafe fn free_apart(header: NonNull<Header>) {
        // SAFETY: the caller's promise.
        let stage = unsafe { (*header.cast::<Apart<F>>().as_ptr()).stage };
        // SAFETY: `place` leaked this box. What is in it is not dropped: that is a union.
        drop(unsafe { Box::from_raw(stage.as_ptr()) });
    }

    unsafe fn poll(header: NonNull<Header>, context: &mut Context<'_>) -> Option<Ended> {
        // SAFETY: the table of `F` is only called with its own live task.
        let stage = unsafe { Self::stage(header) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            stage.with_mut(|stage| {
                // SAFETY: the caller owns the future, so nobody else reaches the stage.
                let stage = unsafe { &mut *stage };
                // SAFETY: it has not ended.
                let future = unsafe { &mut stage.future };
                // SAFETY: the future lies where it never leaves: it is dropped in place.
                unsafe { Pin::new_unchecked(&mut **future) }.poll(context)
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
                // SAFETY: the caller owns the future, so nobody else reaches the stage.
                let stage = unsafe { &mut *stage };
                // SAFETY: it has not ended.
                let future = unsafe { &mut stage.future };
                // SAFETY: it is not used again.
                unsafe { ManuallyDrop::drop(future) };
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

    unsafe fn drop_output(
        header: NonNull<Header>,
        extension: Option<&Extension>,
    ) -> Option<SharedError> {
        let (mut output, failure) = {
            // Hooks may be looking at the output. The destructor, which may do anything, runs
            // outside the lock.
            let mut lock =
                extension.filter(|_| weaken!("task-discard", true => false)).map(Extension::lock);
            // SAFETY: the task has ended, and the caller has the slot to itself, or this holds the
            // lock.
            let slot = unsafe { Self::output(header) }.cast::<Option<F::Output>>();
            let failure = lock.as_mut().and_then(|trailer| trailer.unseen_failure());
            // SAFETY: the slot holds this type, and it is exclusive.
            (unsafe { (*slot).take() }, failure)
        };
        let dropped = catch_unwind(AssertUnwindSafe(|| match failure {
            // SAFETY: it is of this task, whose output this is.
            Some(failure) => unsafe { failure((&raw mut output).cast()) },
            None => {
                drop(output);
                None
            }
        }));
        match dropped {
            Ok(failure) => failure,
            Err(payload) => {
                // SAFETY: the caller keeps the task alive.
                unsafe { report_destructor(header, payload) };
                None
            }
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
    if let Some(free_apart) = front.vtable.free_apart {
        // SAFETY: the table is that of the task.
        unsafe { free_apart(header) };
    }
    let class = front.vtable.class;
    front.state.vacate();
    // SAFETY: the cell holds no task any more.
    unsafe { arena::give_back(header, class) };
}
