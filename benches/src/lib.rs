//! Loopwork beside its peers: the same work, in one run, one process a runtime.
//!
//! The README beside this crate says what is measured and how to read it.
//!
//! # Map of this crate
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | the command line |
//! | `runner.rs` | the process in front: starts the children, round by round |
//! | `child.rs` | a process that measures one runtime at one row |
//! | `row.rs` | the rows, their units and their targets |
//! | `plan.rs` | how much work a row is |
//! | `contender/` | the traits that the work is written against, and their runtimes |
//! | `work/` | the work of each row, written once for all runtimes |
//! | `load.rs` | the load of the echo row, in a process of its own |
//! | `floor.rs` | the echo server that is nothing but epoll |
//! | `python.rs` | asyncio itself, at the one row that is written in Python too |
//! | `recorder.rs` | warm-up, samples and what they cost |
//! | `measurement.rs` | what a child has to say, as one line |
//! | `statistics.rs` | medians and quantiles |
//! | `usage.rs` | CPU time, context switches and memory of this process |
//! | `report.rs`, `table.rs` | what the runner prints |
//! | `origin.rs` | the head of what it prints: machine, commit, command |
//! | `machine.rs` | what it runs on, and who else does |
//! | `csv.rs` | what the runner writes down |

#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod child;
mod contender;
mod csv;
mod floor;
mod load;
mod machine;
mod measurement;
mod options;
mod origin;
mod plan;
mod python;
mod recorder;
mod report;
mod row;
mod runner;
mod statistics;
mod table;
mod usage;
mod work;

pub use options::command_line;
