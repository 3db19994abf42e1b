//! One program, on a loop of its own, against its record.

use std::sync::Arc;
use std::time::Duration;

use loopwork::{Clock, EventLoop, ExceptionHandler, LoopError, current_task, sleep};
use loopwork_shim::sync::Mutex;

use crate::program::Program;
use crate::world::World;

/// How long late callbacks have after the last task has ended.
const LATE: Duration = Duration::from_secs(1000);
/// Virtual time gets here only if nothing else will ever happen.
const NEVER: Duration = Duration::from_secs(1_000_000_000);

/// Runs `program` and compares what it did with what asyncio did.
///
/// # Errors
///
/// How that differs, to be read by people.
pub(crate) fn replay(program: &Arc<Program>, workers: usize) -> Result<(), String> {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let builder = EventLoop::builder().workers(workers).clock(Clock::virtual_time());
    let builder = builder.exception_handler(keep_in(failures.clone()));
    let mut event_loop = builder.build().expect("a loop can be built");

    let world = World::new(program.clone(), event_loop.handle());
    let stuck = event_loop.call_later(NEVER, {
        let handle = event_loop.handle();
        move || handle.stop()
    });
    match event_loop.run_until_complete(until_all_is_over(&world)) {
        Ok(()) => _ = stuck.cancel(),
        Err(LoopError::Stopped) => failures.lock().push(who_waits(&world)),
        Err(error) => failures.lock().push(error.to_string()),
    }
    let found = world.record.take(&program.trace);
    world.clear();
    event_loop.close();

    let failures = std::mem::take(&mut *failures.lock());
    let mut differences: Vec<_> = failures.into_iter().map(|it| format!("    {it}\n")).collect();
    differences.extend(program.trace.difference(&found));
    if differences.is_empty() { Ok(()) } else { Err(differences.concat()) }
}

fn keep_in(failures: Arc<Mutex<Vec<String>>>) -> ExceptionHandler {
    Arc::new(move |context| failures.lock().push(context.to_string()))
}

/// From the start of `main` until every task has ended and every late callback has run.
async fn until_all_is_over(world: &Arc<World>) {
    world.spawn("main");
    let this = current_task().expect("a root is a task").id();
    loop {
        let left = world.handle.all_tasks().into_iter().filter(|task| task.id() != this);
        let left: Vec<_> = left.collect();
        if left.is_empty() {
            break;
        }
        for task in left {
            task.ended().await;
        }
    }
    sleep(LATE).await;
}

fn who_waits(world: &World) -> String {
    let waits = |(name, task): (String, loopwork::Task<_>)| match task.waits_for() {
        Some(reason) => format!("{name} waits for {reason}"),
        None => format!("{name} is {:?}", task.state()),
    };
    let left = world.tasks().into_iter().filter(|(_, task)| !task.done());
    let left: Vec<_> = left.map(waits).collect();
    format!("it never ends: {}", left.join(", "))
}
