//! Random trees of limits, scopes, shields, catchers, tasks and groups, cancelled at random times,
//! against a model that knows no polls: it computes from the rules alone what happens when.

mod common;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use common::WORKERS;
use loopwork::{
    CancelScope, Clock, EventLoop, Instant, TaskError, TaskGroup, catch_cancel, create_task,
    finally, shield_scope, sleep, timeout,
};
use loopwork_shim::sync::Mutex;
use proptest::prelude::*;

/// Nanoseconds. So many are possible that no two events of a tree meet.
type Nanos = u64;

#[derive(Debug, Clone)]
enum Tree {
    Sleep(Nanos),
    Fail(Nanos),
    Seq(Vec<Node>),
    Limit(Nanos, Box<Node>),
    /// A scope that another task cancels after some time.
    Scope(Nanos, Box<Node>),
    Shield(Box<Node>),
    Catch {
        inside: Box<Node>,
        cleanup: Box<Node>,
        refuse: bool,
    },
    Finally {
        inside: Box<Node>,
        cleanup: Box<Node>,
    },
    /// A failure ends here.
    Recover(Box<Node>),
    /// A task, awaited.
    Task(Box<Node>),
    Group(Vec<Node>),
}

/// With a number of its own.
#[derive(Debug, Clone)]
struct Node {
    id: u32,
    tree: Tree,
}

/// When, at which node, what.
type Event = (Nanos, u32, &'static str);

fn trees() -> impl Strategy<Value = Node> {
    // Not made smaller: small ones would meet.
    let nanos = || (1..1_000_000_000_u64).no_shrink();
    let leaf = prop_oneof![4 => nanos().prop_map(Tree::Sleep), 1 => nanos().prop_map(Tree::Fail)];
    let tree = leaf.prop_map(unnumbered).prop_recursive(5, 24, 3, move |node| {
        let boxed = || node.clone().prop_map(Box::new);
        let some = || prop::collection::vec(node.clone(), 1..4);
        prop_oneof![
            3 => some().prop_map(Tree::Seq),
            2 => (nanos(), boxed()).prop_map(|(after, inside)| Tree::Limit(after, inside)),
            1 => (nanos(), boxed()).prop_map(|(after, inside)| Tree::Scope(after, inside)),
            1 => boxed().prop_map(Tree::Shield),
            2 => (boxed(), boxed(), any::<bool>()).prop_map(|(inside, cleanup, refuse)| {
                Tree::Catch { inside, cleanup, refuse }
            }),
            1 => (boxed(), boxed()).prop_map(|(inside, cleanup)| Tree::Finally { inside, cleanup }),
            1 => boxed().prop_map(Tree::Recover),
            2 => boxed().prop_map(Tree::Task),
            2 => some().prop_map(Tree::Group),
        ]
        .prop_map(unnumbered)
    });
    tree.prop_map(|mut node| {
        number(&mut node, &mut 1);
        node
    })
}

fn unnumbered(tree: Tree) -> Node {
    Node { id: 0, tree }
}

fn number(node: &mut Node, next: &mut u32) {
    node.id = *next;
    *next += 1;
    match &mut node.tree {
        Tree::Sleep(_) | Tree::Fail(_) => {}
        Tree::Seq(nodes) | Tree::Group(nodes) => {
            nodes.iter_mut().for_each(|node| number(node, next))
        }
        Tree::Limit(_, inside)
        | Tree::Scope(_, inside)
        | Tree::Shield(inside)
        | Tree::Recover(inside)
        | Tree::Task(inside) => number(inside, next),
        Tree::Catch { inside, cleanup, .. } | Tree::Finally { inside, cleanup } => {
            number(inside, next);
            number(cleanup, next);
        }
    }
}

/// What the rules say.
mod model {
    use super::*;

    /// Who is cancelled: a limit or a scope, by its node; or a task.
    type Owner = u32;

    /// The task around all, or the one that is looked at.
    pub(super) const TASK: Owner = 0;

    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum End {
        Done,
        Failed,
        Cancelled(BTreeSet<Owner>),
    }

    /// The requests that are visible at one place.
    #[derive(Debug, Clone, Default)]
    pub(super) struct Requests {
        pub(super) to_come: BTreeSet<(Nanos, Owner)>,
        pending: BTreeSet<Owner>,
    }

    impl Requests {
        /// Those that have come at `end`: one of them may have been the end.
        fn take_until(&mut self, end: Nanos) -> BTreeSet<Owner> {
            let later = self.to_come.split_off(&(end + 1, 0));
            std::mem::replace(&mut self.to_come, later)
                .into_iter()
                .map(|(_, owner)| owner)
                .collect()
        }

        fn take_pending(&mut self) -> BTreeSet<Owner> {
            std::mem::take(&mut self.pending)
        }

        fn forget(&mut self, owner: Owner) {
            self.to_come.retain(|(_, other)| *other != owner);
            self.pending.remove(&owner);
        }

        /// As a task sees them that is awaited here: each is one to it.
        fn forwarded(&self) -> Self {
            let to_come = self.to_come.iter().map(|(at, _)| (*at, TASK)).collect();
            let pending = self.pending.iter().map(|_| TASK).collect();
            Self { to_come, pending }
        }
    }

    fn wait(now: Nanos, until: Nanos, requests: &mut Requests) -> (Nanos, End) {
        if !requests.pending.is_empty() {
            return (now, End::Cancelled(requests.take_pending()));
        }
        match requests.to_come.first().copied() {
            Some((at, owner)) if at < until => {
                requests.to_come.remove(&(at, owner));
                (at, End::Cancelled([owner].into()))
            }
            _ => (until, End::Done),
        }
    }

    pub(super) fn run(
        node: &Node,
        now: Nanos,
        requests: &mut Requests,
        log: &mut Vec<Event>,
    ) -> (Nanos, End) {
        match &node.tree {
            Tree::Sleep(nanos) => {
                let (at, end) = wait(now, now + nanos, requests);
                if end == End::Done {
                    log.push((at, node.id, "slept"));
                }
                (at, end)
            }
            Tree::Fail(nanos) => {
                let (at, end) = wait(now, now + nanos, requests);
                if end != End::Done {
                    return (at, end);
                }
                log.push((at, node.id, "fails"));
                (at, End::Failed)
            }
            Tree::Seq(nodes) => nodes.iter().fold((now, End::Done), |(at, end), node| match end {
                End::Done => run(node, at, requests, log),
                end => (at, end),
            }),
            Tree::Limit(after, inside) | Tree::Scope(after, inside) => {
                requests.to_come.insert((now + after, node.id));
                let (at, end) = run(inside, now, requests, log);
                requests.forget(node.id);
                let End::Cancelled(mut owners) = end else { return (at, end) };
                owners.remove(&node.id);
                // One from outside wins, also one that has only waited at a shield.
                owners.append(&mut requests.take_pending());
                if owners.is_empty() {
                    log.push((at, node.id, "was cancelled"));
                    return (at, End::Done);
                }
                (at, End::Cancelled(owners))
            }
            Tree::Shield(inside) => {
                let (at, end) = run(inside, now, &mut Requests::default(), log);
                let mut held = requests.take_until(at);
                requests.pending.append(&mut held);
                (at, end)
            }
            Tree::Catch { inside, cleanup, refuse } => {
                let (at, end) = run(inside, now, requests, log);
                let End::Cancelled(mut owners) = end else { return (at, end) };
                owners.append(&mut requests.take_pending());
                log.push((at, node.id, "caught"));
                let (at, end) = run(cleanup, at, requests, log);
                match end {
                    End::Done if *refuse => (at, End::Done),
                    End::Done => (at, End::Cancelled(owners)),
                    End::Failed => (at, End::Failed),
                    End::Cancelled(mut more) => {
                        owners.append(&mut more);
                        (at, End::Cancelled(owners))
                    }
                }
            }
            Tree::Finally { inside, cleanup } => {
                let (at, end) = run(inside, now, requests, log);
                let end = match end {
                    End::Cancelled(mut owners) => {
                        owners.append(&mut requests.take_pending());
                        End::Cancelled(owners)
                    }
                    end => end,
                };
                log.push((at, node.id, "cleans up"));
                let (at, cleaned) = run(cleanup, at, requests, log);
                match (end, cleaned) {
                    (End::Cancelled(mut owners), End::Cancelled(mut more)) => {
                        owners.append(&mut more);
                        (at, End::Cancelled(owners))
                    }
                    (_, End::Cancelled(owners)) => (at, End::Cancelled(owners)),
                    (end, _) => (at, end),
                }
            }
            Tree::Recover(inside) => {
                let (at, end) = run(inside, now, requests, log);
                (at, if end == End::Failed { End::Done } else { end })
            }
            Tree::Task(inside) => {
                let (at, end) = run(inside, now, &mut requests.forwarded(), log);
                let mut held = requests.take_until(at);
                held.append(&mut requests.take_pending());
                (at, if let End::Cancelled(_) = end { End::Cancelled(held) } else { end })
            }
            Tree::Group(children) => group(children, now, requests, log),
        }
    }

    fn group(
        children: &[Node],
        now: Nanos,
        requests: &mut Requests,
        log: &mut Vec<Event>,
    ) -> (Nanos, End) {
        let alone = |request: Option<Nanos>, log: &mut Vec<Event>| -> Vec<(Nanos, End)> {
            let run = |child: &Node| {
                let mut said = Vec::new();
                let ended = run(child, now, &mut Requests::default(), &mut said);
                // Who has ended is not asked: its failure may be what the others are asked for.
                let Some(at) = request.filter(|at| *at < ended.0) else {
                    log.append(&mut said);
                    return ended;
                };
                let mut own = Requests::default();
                if at == now {
                    own.pending.insert(TASK);
                } else {
                    own.to_come.insert((at, TASK));
                }
                run(child, now, &mut own, log)
            };
            children.iter().map(run).collect()
        };
        let untouched = alone(None, &mut Vec::new());
        let last = untouched.iter().map(|(at, _)| *at).max().unwrap_or(now);
        let failures = untouched.iter().filter(|(_, end)| *end == End::Failed);
        let failed = failures.map(|(at, _)| *at).min();
        let asked = match requests.pending.is_empty() {
            false => Some(now),
            true => requests.to_come.first().map(|(at, _)| *at),
        };
        // All are cancelled once: by the first failure, or by the first request from outside.
        let cancelled = failed.into_iter().chain(asked).min().filter(|at| *at < last);
        let ended = alone(cancelled, log);
        let last = ended.iter().map(|(at, _)| *at).max().unwrap_or(now);
        let mut held = requests.take_until(last);
        held.append(&mut requests.take_pending());
        if ended.iter().any(|(_, end)| *end == End::Failed) {
            requests.pending = held;
            return (last, End::Failed);
        }
        (last, if held.is_empty() { End::Done } else { End::Cancelled(held) })
    }
}

#[derive(Debug)]
struct Boom;

impl fmt::Display for Boom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("boom")
    }
}

impl std::error::Error for Boom {}

#[derive(Clone)]
struct World {
    began: Instant,
    log: Arc<Mutex<Vec<Event>>>,
}

impl World {
    fn say(&self, node: &Node, what: &'static str) {
        let at = Instant::now() - self.began;
        self.log.lock().push((at.as_nanos() as u64, node.id, what));
    }
}

type Running = Pin<Box<dyn Future<Output = Result<(), Boom>> + Send>>;

/// What Loopwork does.
fn run(world: World, node: Node) -> Running {
    let again = {
        let world = world.clone();
        move |node: &Node| run(world.clone(), node.clone())
    };
    Box::pin(async move {
        match &node.tree {
            Tree::Sleep(nanos) => {
                sleep(Duration::from_nanos(*nanos)).await;
                world.say(&node, "slept");
            }
            Tree::Fail(nanos) => {
                sleep(Duration::from_nanos(*nanos)).await;
                world.say(&node, "fails");
                return Err(Boom);
            }
            Tree::Seq(nodes) => {
                for node in nodes {
                    again(node).await?;
                }
            }
            Tree::Limit(after, inside) => {
                match timeout(Duration::from_nanos(*after), again(inside)).await {
                    Ok(ended) => ended?,
                    Err(_) => world.say(&node, "was cancelled"),
                }
            }
            Tree::Scope(after, inside) => {
                let scope = CancelScope::new();
                let (handle, after) = (scope.clone(), Duration::from_nanos(*after));
                drop(create_task(async move {
                    sleep(after).await;
                    handle.cancel();
                }));
                match scope.run(again(inside)).await {
                    Ok(ended) => ended?,
                    Err(_) => world.say(&node, "was cancelled"),
                }
            }
            Tree::Shield(inside) => shield_scope(again(inside)).await?,
            Tree::Catch { inside, cleanup, refuse } => match catch_cancel(again(inside)).await {
                Ok(ended) => ended?,
                Err(cancelled) => {
                    world.say(&node, "caught");
                    again(cleanup).await?;
                    match refuse {
                        true => cancelled.swallow(),
                        false => cancelled.resume().await,
                    }
                }
            },
            Tree::Finally { inside, cleanup } => {
                let cleaning = async {
                    world.say(&node, "cleans up");
                    _ = again(cleanup).await;
                };
                finally(again(inside), cleaning).await?;
            }
            Tree::Recover(inside) => _ = again(inside).await,
            Tree::Task(inside) => match create_task(again(inside)).await {
                Ok(ended) => ended?,
                Err(error) => unreachable!("a cancellation goes on, and nothing panics: {error}"),
            },
            Tree::Group(children) => {
                let children: Vec<_> = children.iter().map(&again).collect();
                let group = TaskGroup::new().run(|group| async move {
                    children.into_iter().for_each(|child| drop(group.create_task(child)));
                    Ok::<_, Boom>(())
                });
                group.await.map_err(|_| Boom)?;
            }
        }
        Ok(())
    })
}

/// How the task around the tree ended, and what was said.
fn replay(tree: &Node, cancel: Option<Nanos>, workers: usize) -> (String, Vec<Event>) {
    let builder = EventLoop::builder().workers(workers).clock(Clock::virtual_time());
    let mut event_loop = builder.build().unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let ended: Result<Result<(), Boom>, TaskError> = event_loop
        .run_until_complete(async {
            let world = World { began: Instant::now(), log: log.clone() };
            let task = create_task(run(world, tree.clone()));
            if let Some(after) = cancel {
                let any = task.as_any();
                drop(create_task(async move {
                    sleep(Duration::from_nanos(after)).await;
                    any.cancel();
                }));
            }
            task.await
        })
        .unwrap();
    event_loop.close();
    let mut log = std::mem::take(&mut *log.lock());
    log.sort_unstable();
    let end = match ended {
        Ok(Ok(())) => "done",
        Ok(Err(_)) => "failed",
        Err(error) if error.is_cancelled() => "cancelled",
        Err(_) => "panicked",
    };
    (end.to_owned(), log)
}

fn expected(tree: &Node, cancel: Option<Nanos>) -> (String, Vec<Event>) {
    let mut requests = model::Requests::default();
    requests.to_come.extend(cancel.map(|at| (at, model::TASK)));
    let mut log = Vec::new();
    let (_, end) = model::run(tree, 0, &mut requests, &mut log);
    log.sort_unstable();
    let end = match end {
        model::End::Done => "done",
        model::End::Failed => "failed",
        model::End::Cancelled(_) => "cancelled",
    };
    (end.to_owned(), log)
}

/// A limit ends the clean-up of a child that has failed, and with it the child: that is when the others are asked,
/// and not the child itself.
#[test]
fn a_failure_that_a_limit_ends_asks_the_others() {
    let node = |id, tree| Node { id, tree };
    let boxed = |id, tree| Box::new(Node { id, tree });
    let cleanup = boxed(5, Tree::Limit(50, boxed(6, Tree::Sleep(500))));
    let fails = node(3, Tree::Finally { inside: boxed(4, Tree::Fail(10)), cleanup });
    let tree = node(1, Tree::Group(vec![node(2, Tree::Sleep(900)), fails]));
    let said = vec![(10, 3, "cleans up"), (10, 4, "fails"), (60, 5, "was cancelled")];
    assert_eq!(expected(&tree, None), ("failed".to_owned(), said));
    for workers in WORKERS {
        assert_eq!(replay(&tree, None, workers), expected(&tree, None), "{workers} workers");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_do_what_the_rules_say(
        tree in trees(),
        cancel in prop::option::of((1..1_500_000_000_u64).no_shrink()),
    ) {
        let expected = expected(&tree, cancel);
        for workers in WORKERS {
            prop_assert_eq!(&replay(&tree, cancel, workers), &expected, "{} workers", workers);
        }
    }
}
