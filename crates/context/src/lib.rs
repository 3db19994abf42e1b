//! What a future may ask about the poll it is in.
//!
//! An executor that supports it (Loopwork's `core`) enters a [`Poll`] around each poll of a task.
//! Inside, a leaf future finds the *cancel request* that is visible to it, spends the poll's
//! *budget*, and says what it waits for; and blocking calls find out that they may not block this
//! thread. Under any other executor nothing is installed, and nothing here has an effect: no request
//! is ever visible, the budget is endless, and blocking is allowed.
//!
//! This crate does not know who installs the context, nor what a task is.
//!
//! | file | holds |
//! |---|---|
//! | `poll.rs` | the poll, as its executor enters it; what this thread knows of it |
//! | `budget.rs` | how much a task may do before it gives way |
//! | `reason.rs` | what a task waits for |
//! | `cancel/` | cancel requests: see, take, catch, resume; what surrounds a poll |
//! | `friction.rs` | what polls lose to other threads |
//! | `blocking.rs` | whether this thread may block |

#![forbid(unsafe_code)]

mod blocking;
mod budget;
mod cancel;
mod friction;
mod poll;
mod reason;

pub use blocking::{
    AllowBlocking, BlockingForbidden, ForbidBlocking, allow_blocking, assert_may_block,
    forbid_blocking, may_block,
};
pub use budget::{Progress, proceed, spending, try_proceed};
#[doc(hidden)]
pub use budget::{hold_back, overtaken};
#[doc(hidden)]
pub use cancel::{
    Ask, Frame, Hooks, Insides, Kind, KnownActs, Left, Place, ScopeId, catch_request, collecting,
    expire_scopes, install, task_asked, wake_insides,
};
pub use cancel::{
    CancelKind, CancelReason, Cancelled, CatchCancel, Checkpoint, Request, Resume, catch_cancel,
    checkpoint, finally, request_visible, take_request,
};
pub use friction::{add_friction, friction};
#[doc(hidden)]
pub use poll::quietly;
pub use poll::{Finished, Poll, is_polling, requeue, task};
pub use reason::{WaitReason, waits_for};
