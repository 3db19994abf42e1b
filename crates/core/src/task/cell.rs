//! The allocation of a task, and the only code that knows its future's type.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

use loopwork_shim::cell::UnsafeCell;
use loopwork_shim::weaken;

use super::error::TaskError;
use super::header::{Header, VTable};
use crate::exception::report_destructor;

/// Header first, so that a pointer to the cell is a pointer to its header.
#[repr(C)]
struct Cell<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

/// The future, then its output. `README.md` says who may touch it when.
enum Stage<F: Future> {
    Future(F),
    Output(Option<Result<F::Output, TaskError>>),
}

/// Allocates a task. `header` gets the functions that know `F`.
pub(super) fn allocate<F: Future>(
    future: F,
    header: impl FnOnce(&'static VTable) -> Header,
) -> NonNull<Header> {
    let cell = Box::new(Cell {
        header: header(Functions::<F>::VTABLE),
        stage: UnsafeCell::new(Stage::Future(future)),
    });
    NonNull::from(Box::leak(cell)).cast()
}

/// Takes a task that nothing refers to apart again.
///
/// # Safety
///
/// `header` came from [`allocate::<F>`](allocate), was never polled, and the caller is the only
/// one that has it.
pub(super) unsafe fn dismantle<F: Future>(header: NonNull<Header>) -> F {
    // SAFETY: `allocate::<F>` leaked this box, and nobody else has the pointer.
    let cell = unsafe { Box::from_raw(header.cast::<Cell<F>>().as_ptr()) };
    match cell.stage.into_inner() {
        Stage::Future(future) => future,
        Stage::Output(_) => unreachable!("a task that was never polled has no output"),
    }
}

struct Functions<F>(F);

impl<F: Future> Functions<F> {
    const VTABLE: &'static VTable = &VTable {
        poll: Self::poll,
        cancel: Self::cancel,
        output: Self::output,
        error: Self::error,
        drop_output: Self::drop_output,
        free: Self::free,
    };

    /// # Safety
    ///
    /// `header` came from `allocate::<F>` and its task is not freed.
    unsafe fn stage<'a>(header: NonNull<Header>) -> &'a UnsafeCell<Stage<F>> {
        // SAFETY: by the caller's promise this is a live `Cell<F>`, and the header is its front.
        let cell = unsafe { header.cast::<Cell<F>>().as_ref() };
        &cell.stage
    }

    unsafe fn poll(header: NonNull<Header>, context: &mut Context<'_>) -> bool {
        // SAFETY: the table of `allocate::<F>` is only called with its own live task.
        let stage = unsafe { Self::stage(header) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            stage.with_mut(|stage| {
                // SAFETY: the caller owns the future, so nobody else reaches the stage.
                let stage = unsafe { &mut *stage };
                let Stage::Future(future) = stage else { unreachable!("polled after its end") };
                // SAFETY: the future lies in a box it never leaves: it is dropped in place.
                unsafe { Pin::new_unchecked(future) }.poll(context)
            })
        }));
        // Unwind: a future that panicked is dropped like any other, and never polled again.
        let output = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(TaskError::panicked(payload)),
        };
        // SAFETY: the caller owns the future.
        unsafe { Self::end(header, output) };
        true
    }

    unsafe fn cancel(header: NonNull<Header>) {
        // SAFETY: the caller owns the future.
        unsafe { Self::end(header, Err(TaskError::cancelled())) };
    }

    /// Drops the future in place, then puts the output into the slot.
    ///
    /// # Safety
    ///
    /// The caller owns the future.
    unsafe fn end(header: NonNull<Header>, output: Result<F::Output, TaskError>) {
        // SAFETY: the table of `allocate::<F>` is only called with its own live task.
        let stage = unsafe { Self::stage(header) };
        // Unwind: assigning drops the future. If that panics the slot is written all the same,
        // because the compiler writes the new value on the unwinding path too.
        let dropped = catch_unwind(AssertUnwindSafe(|| {
            stage.with_mut(|stage| {
                // SAFETY: the caller owns the future, so nobody else reaches the stage.
                unsafe { *stage = Stage::Output(None) };
            });
        }));
        stage.with_mut(|stage| {
            // SAFETY: as above; what is replaced is an empty slot.
            unsafe { *stage = Stage::Output(Some(output)) };
        });
        if let Err(payload) = dropped {
            // SAFETY: as above: the task is alive.
            report_destructor(unsafe { header.as_ref() }, payload);
        }
    }

    unsafe fn output(header: NonNull<Header>) -> *mut () {
        // SAFETY: the table of `allocate::<F>` is only called with its own live task.
        unsafe { Self::stage(header) }.with_mut(|stage| {
            // SAFETY: the task has ended, and the caller has the slot to itself.
            match unsafe { &mut *stage } {
                Stage::Output(output) => std::ptr::from_mut(output).cast(),
                Stage::Future(_) => unreachable!("read the output of a task that has not ended"),
            }
        })
    }

    unsafe fn error(header: NonNull<Header>) -> Option<TaskError> {
        // SAFETY: the caller has the slot to itself, and it holds this type.
        let output = unsafe { Self::output(header) }.cast::<Option<Result<F::Output, TaskError>>>();
        // SAFETY: as above.
        match unsafe { &*output } {
            Some(Err(error)) => Some(error.clone()),
            _ => None,
        }
    }

    unsafe fn drop_output(header: NonNull<Header>) {
        let output = {
            // SAFETY: the caller keeps the task alive.
            let trailer = unsafe { &header.as_ref().trailer };
            // Hooks may be looking at the output. The destructor, which may do anything, runs
            // outside the lock.
            let _lock = weaken!("task-discard", Some(trailer.lock()) => None);
            // SAFETY: the task has ended, and this holds the lock.
            let slot =
                unsafe { Self::output(header) }.cast::<Option<Result<F::Output, TaskError>>>();
            // SAFETY: the slot holds this type, and the lock makes it exclusive.
            unsafe { (*slot).take() }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(output))) {
            // SAFETY: the caller keeps the task alive.
            report_destructor(unsafe { header.as_ref() }, payload);
        }
    }

    unsafe fn free(header: NonNull<Header>) {
        // SAFETY: `allocate::<F>` leaked this box, and the last reference is gone.
        let cell = unsafe { Box::from_raw(header.cast::<Cell<F>>().as_ptr()) };
        // Tells loom that the free uses the stage; otherwise nothing.
        cell.stage.with_mut(|_| ());
        drop(cell);
    }
}
