//! What most programs use: `use loopwork::prelude::*;`.

pub use crate::net::{TcpListener, TcpStream};
pub use crate::sync::{Event, Lock, Queue};
pub use crate::{
    EventLoop, Handle, LoopError, ReturnWhen, Task, TaskError, as_completed, create_task, gather,
    race, run_coroutine_threadsafe, sleep, timeout, wait, with_limit, yield_now,
};
pub use std::time::Duration;
