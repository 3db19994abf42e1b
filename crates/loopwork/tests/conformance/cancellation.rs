//! The ops that catch, limit, forward or keep off a cancellation. What they stand on is not there
//! yet: programs with them are counted, and not run.

use crate::program::{Op, Program};

/// An op of the program for which there is nothing to call.
pub(crate) fn unsupported(program: &Program) -> Option<&'static str> {
    let mut missing = None;
    program.any_op(&mut |op| {
        missing = name_of_missing(op);
        missing.is_some()
    });
    missing
}

fn name_of_missing(op: &Op) -> Option<&'static str> {
    match op {
        Op::Try { .. } => Some("try"),
        Op::Finally { .. } => Some("finally"),
        Op::Timeout(..) => Some("timeout"),
        Op::WaitFor(..) => Some("wait_for"),
        Op::Shield(_) => Some("shield"),
        Op::Group { .. } => Some("group"),
        // What a task returns is a value to `gather`, an error too.
        Op::Gather { return_exceptions: false, .. } => Some("gather without return_exceptions"),
        _ => None,
    }
}
