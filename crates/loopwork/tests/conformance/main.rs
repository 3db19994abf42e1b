//! Programs that were recorded on CPython's asyncio leave the same record here. `README.md` says
//! what they are.
//!
//! | file | holds |
//! |---|---|
//! | `program.rs` | the little language, read from a line of a data file |
//! | `interpret.rs` | its ops, one after the other |
//! | `promise.rs` | a value that is set once |
//! | `world.rs` | what a running program has, by name |
//! | `record.rs` | what it did, and how that differs |
//! | `replay.rs` | one program on one loop |
//! | `batch.rs` | many programs |
//! | `watchdog.rs` | what hangs fails |

mod batch;
mod interpret;
mod program;
mod record;
mod replay;
mod watchdog;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::batch::Batch;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// The programs whose records are argued to be wrong, each with the reason.
fn known() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("known.json")).expect("it is in the repository");
    serde_json::from_str(&text).expect("it maps ids to reasons")
}

/// One interleaving, that of asyncio's one queue: `workers(1)` has the same.
#[test]
fn ordered_programs_leave_the_same_record() {
    Batch::read(&folder().join("data/ordered.jsonl")).replay(&known());
}

/// What each task does is decided, whatever order ready tasks run in: with any number of workers.
#[test]
fn free_programs_leave_the_same_record() {
    Batch::read(&folder().join("data/free.jsonl")).replay(&known());
}

/// Programs in which asyncio counts requests and is mistaken about whose they are: see `known.json`.
#[test]
fn programs_that_count_wrong_there_differ_as_is_known() {
    Batch::read(&folder().join("data/counted.jsonl")).replay(&known());
}

/// `LOOPWORK_CONFORMANCE` names a file with more programs.
#[test]
fn programs_of_others_leave_the_same_record() {
    if let Some(path) = env::var_os("LOOPWORK_CONFORMANCE") {
        Batch::read(Path::new(&path)).replay(&known());
    }
}
