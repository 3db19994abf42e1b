//! Runs the ops of tasks and callbacks, one after the other.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use loopwork::{
    GatherError, SharedError, TaskError, TaskGroup, catch_cancel, gather, shield, sleep, timeout,
    wait, wait_for, yield_now,
};

use crate::program::Op;
use crate::record::python_list;
use crate::world::{Boom, Outcome, World};

/// What a task does.
pub(crate) async fn body(world: Arc<World>, name: String) -> Outcome {
    // Dropped with the future, after everything inside of it.
    let cancelled = EndsCancelled { world: &world, name: &name };
    let ended = run(&world, &name, &world.program.tasks[&name]).await;
    std::mem::forget(cancelled);
    match ended {
        Ok(value) => {
            world.say(&name, "ends");
            Ok(value.unwrap_or_else(|| "done".to_owned()))
        }
        Err(boom) => {
            world.say(&name, format!("ends raising {boom}"));
            Err(SharedError::new(boom))
        }
    }
}

/// What a callback does.
pub(crate) fn callback(world: &Arc<World>, name: &str) {
    let me = format!("cb {name}");
    for op in &world.program.callbacks[name] {
        assert!(at_once(world, &me, op), "{me} cannot wait: {op:?}");
    }
}

struct EndsCancelled<'a> {
    world: &'a World,
    name: &'a str,
}

impl Drop for EndsCancelled<'_> {
    fn drop(&mut self) {
        self.world.say(self.name, "ends cancelled");
    }
}

/// Ends with the value of a `return` in this very list, or with what was raised in it.
type Running<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, Boom>> + Send + 'a>>;

pub(crate) fn run<'a>(world: &'a Arc<World>, me: &'a str, ops: &'a [Op]) -> Running<'a> {
    Box::pin(async move {
        for op in ops {
            if at_once(world, me, op) {
                continue;
            }
            match op {
                Op::Return(value) => return Ok(Some(value.clone())),
                Op::Raise(message) => return Err(Boom(message.clone())),
                _ => step(world, me, op).await?,
            }
        }
        Ok(None)
    })
}

/// An op that never waits; callbacks have only these. False if it is another.
fn at_once(world: &Arc<World>, me: &str, op: &Op) -> bool {
    match op {
        Op::Log(text) => world.say(me, text),
        Op::Spawn(task) => world.spawn(task),
        Op::Cancel(task) => {
            let accepted = match world.task(task) {
                None => "none",
                Some(task) if task.cancel() => "True",
                Some(_) => "False",
            };
            world.say(me, format!("cancel {task} {accepted}"));
        }
        Op::Set(event) => world.events.get(event).set(),
        Op::Clear(event) => world.events.get(event).clear(),
        Op::FutSet(promise, value) => {
            if world.promises.get(promise).set_result(value.clone()).is_err() {
                world.say(me, format!("{promise} was done"));
            }
        }
        Op::CallSoon(callback) => world.call_soon(callback),
        Op::CallLater(delay, callback) => world.call_later(*delay, callback),
        Op::CancelCallback(callback) => world.cancel_callback(callback),
        Op::OnDone(task, callback) => {
            if let Some(task) = world.task(task) {
                let callback = world.callback(callback);
                task.add_done_callback(|_| callback());
            }
        }
        _ => return false,
    }
    true
}

/// An op that may wait.
async fn step(world: &Arc<World>, me: &str, op: &Op) -> Result<(), Boom> {
    match op {
        Op::Sleep(duration) => sleep(*duration).await,
        Op::Yield => yield_now().await,
        Op::WaitEvent(event) => world.events.get(event).wait().await,
        Op::Lock(lock, ops) => {
            let lock = world.locks.get(lock);
            let _held = lock.lock().await;
            run(world, me, ops).await?;
        }
        Op::Sem(semaphore, ops) => {
            let semaphore = world.semaphores.get(semaphore);
            let _held = semaphore.acquire().await;
            run(world, me, ops).await?;
        }
        Op::Put(queue, item) => {
            let put = world.queues.get(queue).put(item.clone()).await;
            put.expect("nobody shuts a queue down");
        }
        Op::Get(queue) => {
            let item = world.queues.get(queue).get().await.expect("nobody shuts a queue down");
            world.say(me, format!("got {item}"));
        }
        Op::FutWait(promise) => {
            let awaited = world.promises.get(promise);
            let value = (&*awaited).await.expect("a promise of a program is set to a value");
            world.say(me, format!("{promise} -> {value}"));
        }
        Op::Await(task) => {
            let Some((_, known)) = world.known(me, [task]).pop() else {
                world.say(me, "await nothing");
                return Ok(());
            };
            let outcome = known.await;
            world.say(me, labelled(task, outcome));
        }
        Op::Shield(task) => {
            let Some((_, known)) = world.known(me, [task]).pop() else {
                world.say(me, "shield nothing");
                return Ok(());
            };
            let outcome = shield(known).await;
            world.say(me, labelled(&format!("shield {task}"), outcome));
        }
        Op::WaitFor(task, duration) => {
            let Some((_, known)) = world.known(me, [task]).pop() else {
                world.say(me, "wait_for nothing");
                return Ok(());
            };
            let label = format!("wait_for {task}");
            match wait_for(known, *duration).await {
                Ok(outcome) => world.say(me, labelled(&label, outcome)),
                Err(_) => world.say(me, format!("{label} timed out")),
            }
        }
        Op::Try { ops, handler, swallow } => match catch_cancel(run(world, me, ops)).await {
            Ok(ended) => _ = ended?,
            Err(cancelled) => {
                world.say(me, "caught");
                run(world, me, handler).await?;
                if *swallow {
                    cancelled.swallow();
                    world.say(me, "swallowed");
                } else {
                    cancelled.resume::<()>().await;
                }
            }
        },
        Op::Finally { ops, cleanup } => {
            let ended = catch_cancel(run(world, me, ops)).await;
            run(world, me, cleanup).await?;
            match ended {
                Ok(ended) => _ = ended?,
                Err(cancelled) => cancelled.resume::<()>().await,
            }
        }
        Op::Timeout(duration, ops) => match timeout(*duration, run(world, me, ops)).await {
            Ok(ended) => _ = ended?,
            Err(_) => world.say(me, "timed out"),
        },
        Op::Group { tasks, ops } => {
            let group = TaskGroup::new().run(|group| async move {
                tasks.iter().for_each(|task| world.spawn_in(&group, task));
                run(world, me, ops).await
            });
            match group.await {
                Ok(_) => world.say(me, "group ended"),
                Err(error) => {
                    let mut messages: Vec<_> = error.errors().map(ToString::to_string).collect();
                    messages.sort_unstable();
                    world.say(me, format!("group raised {}", messages.join(" ")));
                }
            }
        }
        Op::Gather { tasks, return_exceptions: false } => {
            let known = world.known(me, tasks);
            if known.is_empty() {
                world.say(me, "gather nothing");
                return Ok(());
            }
            let said = match gather(known.into_iter().map(|(_, task)| task)).errors_fail().await {
                Ok(values) => format!("-> {}", python_list(values.iter().map(String::as_str))),
                Err(GatherError::Failed(boom)) => outcome(Ok(Err(boom))),
                Err(GatherError::Task(error)) => outcome(Err(error)),
            };
            world.say(me, format!("gather {said}"));
        }
        Op::Gather { tasks, return_exceptions: true } => {
            let known = world.known(me, tasks);
            if known.is_empty() {
                world.say(me, "gather nothing");
                return Ok(());
            }
            let tasks = known.into_iter().map(|(_, task)| task);
            let results = gather(tasks).return_exceptions().await;
            let results: Vec<_> = results.into_iter().map(outcome).collect();
            let results = python_list(results.iter().map(String::as_str));
            world.say(me, format!("gather -> {results}"));
        }
        Op::Wait { tasks, return_when, timeout } => {
            let known = world.known(me, tasks);
            if known.is_empty() {
                world.say(me, "wait nothing");
                return Ok(());
            }
            let names: Vec<_> = known.iter().map(|(name, task)| (task.id(), *name)).collect();
            let mut waiting = wait(known.into_iter().map(|(_, task)| task))
                .return_when(*return_when)
                .errors_fail();
            if let Some(timeout) = timeout {
                waiting = waiting.timeout(*timeout);
            }
            let (done, pending) = waiting.await;
            let [done, pending] = [done, pending].map(|tasks| {
                let is_here = |id| tasks.iter().any(|task| task.id() == id);
                let here = names.iter().filter(|(id, _)| is_here(*id));
                let mut names: Vec<_> = here.map(|(_, name)| *name).collect();
                names.sort_unstable();
                python_list(names)
            });
            world.say(me, format!("wait done {done} pending {pending}"));
        }
        _ => unreachable!("{me} has an op that is not supported: {op:?}"),
    }
    Ok(())
}

/// How an await of a task ended, as it is recorded.
pub(crate) fn labelled(label: &str, ended: Result<Outcome, TaskError>) -> String {
    match ended {
        Ok(Ok(value)) => format!("{label} -> {value}"),
        ended => format!("{label} {}", outcome(ended)),
    }
}

fn outcome(ended: Result<Outcome, TaskError>) -> String {
    match ended {
        Ok(Ok(value)) => value,
        Ok(Err(boom)) => format!("raised {boom}"),
        Err(error) if error.is_cancelled() => "cancelled".to_owned(),
        Err(error) => panic!("a task of a program failed: {error}"),
    }
}
