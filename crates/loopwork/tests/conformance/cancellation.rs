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
    _ = op;
    None
}
