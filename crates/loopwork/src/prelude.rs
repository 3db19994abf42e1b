//! What most programs use: `use loopwork::prelude::*;`.

pub use crate::net::{TcpListener, TcpStream};
pub use crate::sync::{Event, Lock, Queue};
pub use crate::{
    CancelScope, EventLoop, Handle, LoopError, Promise, ReturnWhen, Task, TaskError, TaskGroup,
    as_completed, catch_cancel, create_task, gather, race, run_coroutine_threadsafe, shield, sleep,
    timeout, wait, wait_for, with_limit, yield_now,
};
pub use std::time::Duration;
