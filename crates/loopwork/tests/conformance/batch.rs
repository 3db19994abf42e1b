//! Many programs: which of them, on how many workers, how often.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use loopwork_shim::sync::Mutex;

use crate::program::Program;
use crate::record::Trace;
use crate::replay::replay;
use crate::watchdog::watched;

/// So many programs are replayed at a time.
const THREADS: usize = 2;
/// So many differences are shown.
const SHOWN: usize = 10;

/// The programs of a file.
pub(crate) struct Batch {
    programs: Vec<Arc<Program>>,
    /// How often each is replayed.
    rounds: usize,
}

impl Batch {
    /// All of the file, or the one that `LOOPWORK_CONFORMANCE_ONLY` names.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let parse = |line| Program::parse(line).unwrap_or_else(|wrong| panic!("{wrong}"));
        let only = env::var("LOOPWORK_CONFORMANCE_ONLY").ok();
        let chosen = |program: &Program| only.as_ref().is_none_or(|only| *only == program.id);
        let programs = text.lines().map(parse).filter(chosen).map(Arc::new).collect();
        let rounds = env::var("LOOPWORK_CONFORMANCE_ROUNDS").map_or(1, |rounds| {
            rounds.parse().expect("LOOPWORK_CONFORMANCE_ROUNDS is a number of rounds")
        });
        Self { programs, rounds }
    }

    /// Replays all of them, says how many there were, and panics with what differs.
    ///
    /// `known` says of which programs it is known that they differ, and why.
    #[track_caller]
    pub(crate) fn replay(&self, known: &BTreeMap<String, String>) {
        let mut differences = self.differences();
        println!("{} programs replayed", self.programs.len());

        for program in self.programs.iter().filter(|program| known.contains_key(&program.id)) {
            let differed = differences.remove(&program.id).is_some();
            assert!(differed, "{} differs no more: take it out of known.json", program.id);
        }
        let shown: Vec<_> =
            differences.iter().take(SHOWN).map(|(id, how)| format!("{id}\n{how}")).collect();
        let count = differences.len();
        assert!(shown.is_empty(), "{count} programs differ\n\n{}", shown.join("\n"));
    }

    /// How each program differs that does in any round, by its id.
    fn differences(&self) -> BTreeMap<String, String> {
        let programs = &self.programs;
        let turns = self.rounds * programs.len();
        let (next, differences) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let replay_some = || loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            if turn >= turns {
                break;
            }
            let program = &programs[turn % programs.len()];
            if let Err(how) = replay_at_each_size(program) {
                differences.lock().entry(program.id.clone()).or_insert(how);
            }
        };
        thread::scope(|threads| (0..THREADS).for_each(|_| _ = threads.spawn(replay_some)));
        differences.into_inner()
    }
}

/// A trace without an order between tasks holds with any number of workers.
fn replay_at_each_size(program: &Arc<Program>) -> Result<(), String> {
    let workers: &[usize] = match program.trace {
        Trace::Ordered(_) => &[1],
        Trace::Free(_) => &[1, 2, 8],
    };
    for &workers in workers {
        let name = format!("{} with {workers} workers", program.id);
        watched(&name, || replay(program, workers))
            .map_err(|how| format!("  with {workers} workers:\n{how}"))?;
    }
    Ok(())
}
