//! A task that is always ready gives way, and each wait says what it waits for.

#![expect(clippy::async_yields_async, reason = "what prepares a busy task gives its future")]

mod common;

use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use common::{Count, WORKERS, event_loop};
use loopwork::executors::ThreadPoolExecutor;
use loopwork::io::{Direction, Readiness};
use loopwork::net::{TcpListener, TcpStream};
use loopwork::process::Command;
use loopwork::sync::{Event, Lock, Queue, oneshot};
use loopwork::{
    AnyTask, Task, WaitReason, as_completed, create_task, gather, sleep, wait, yield_now,
};

const BUDGET: usize = 128;
const ROUNDS: usize = 10_000;

/// Runs what `make` makes, which counts its rounds, beside a task that only gives way. Says after
/// how many rounds each poll of the busy task ended, and after how many the other was polled.
fn beside<B>(workers: usize, make: impl AsyncFnOnce(Count) -> B) -> (Vec<usize>, Vec<usize>)
where
    B: Future<Output = ()> + Send + 'static,
{
    event_loop(workers)
        .run_until_complete(async move {
            let rounds = Count::default();
            let mut busy = Box::pin(make(rounds.clone()).await);
            let counted = rounds.clone();
            let busy = create_task(async move {
                let mut polls = Vec::new();
                poll_fn(|cx| {
                    let polled = busy.as_mut().poll(cx);
                    polls.push(counted.get());
                    polled
                })
                .await;
                polls
            });
            let of_busy = busy.as_any();
            let other = create_task(async move {
                let mut polls = Vec::new();
                while !of_busy.done() {
                    polls.push(rounds.get());
                    yield_now().await;
                }
                polls
            });
            (busy.await.unwrap(), other.await.unwrap())
        })
        .unwrap()
}

fn steps(counts: &[usize]) -> Vec<usize> {
    counts.iter().scan(0, |before, &now| Some(now - std::mem::replace(before, now))).collect()
}

/// Each poll does a budget's worth of rounds, the last what is left; and with one worker the other
/// task is polled after each.
fn always_ready<B>(name: &str, make: impl AsyncFn(Count) -> B)
where
    B: Future<Output = ()> + Send + 'static,
{
    for workers in WORKERS {
        let (busy, other) = beside(workers, async |rounds| make(rounds).await);
        let full = vec![BUDGET; ROUNDS / BUDGET];
        let (last, before) = steps(&busy).split_last().map(|(l, b)| (*l, b.to_vec())).unwrap();
        assert_eq!((before, last), (full, ROUNDS % BUDGET), "{name}, {workers} workers");
        if workers == 1 {
            let gaps = steps(&other);
            assert!(other.len() >= ROUNDS / BUDGET, "{name}: {} polls", other.len());
            assert!(gaps.iter().all(|&gap| gap == BUDGET || gap == 0), "{name}: {gaps:?}");
        }
    }
}

/// No poll does more than a budget's worth of rounds.
fn often_ready<B>(name: &str, make: impl AsyncFn(Count) -> B)
where
    B: Future<Output = ()> + Send + 'static,
{
    for workers in WORKERS {
        let (busy, other) = beside(workers, async |rounds| make(rounds).await);
        assert_eq!(busy.last(), Some(&ROUNDS), "{name}: nothing is lost");
        assert!(steps(&busy).iter().all(|&step| step <= BUDGET), "{name}, {workers} workers");
        if workers == 1 {
            assert!(steps(&other).iter().all(|&gap| gap <= BUDGET), "{name}");
        }
    }
}

#[test]
fn a_loop_over_a_lock_gives_way() {
    always_ready("lock", async |rounds| {
        let lock = Lock::new(0);
        async move {
            for _ in 0..ROUNDS {
                *lock.lock().await += 1;
                rounds.add();
            }
        }
    });
}

#[test]
fn a_loop_over_an_event_gives_way() {
    always_ready("event", async |rounds| {
        let event = Event::new();
        event.set();
        async move {
            for _ in 0..ROUNDS {
                event.wait().await;
                rounds.add();
            }
        }
    });
}

#[test]
fn a_loop_over_a_queue_gives_way() {
    always_ready("put", async |rounds| {
        let queue = Queue::unbounded();
        async move {
            for n in 0..ROUNDS {
                queue.put(n).await.unwrap();
                rounds.add();
            }
            assert_eq!(queue.qsize(), ROUNDS);
        }
    });
    always_ready("get", async |rounds| {
        let queue = Queue::unbounded();
        (0..ROUNDS).for_each(|n| queue.put_nowait(n).unwrap());
        async move {
            for n in 0..ROUNDS {
                assert_eq!(queue.get().await, Ok(n));
                rounds.add();
            }
        }
    });
}

#[test]
fn a_loop_over_values_that_are_there_gives_way() {
    always_ready("oneshot", async |rounds| async move {
        for n in 0..ROUNDS {
            let (sender, receiver) = oneshot::channel();
            sender.send(n).unwrap();
            assert_eq!(receiver.await, Ok(n));
            rounds.add();
        }
    });
    always_ready("executor", async |rounds| {
        let pool = ThreadPoolExecutor::new();
        let job = loopwork::Handle::current().unwrap().run_in_executor(Some(&pool), || ()).unwrap();
        let again = job.clone();
        job.await.unwrap();
        async move {
            for _ in 0..ROUNDS {
                assert!(again.clone().await.is_err(), "taken before");
                rounds.add();
            }
        }
    });
}

#[test]
fn a_loop_over_a_sleep_that_is_over_gives_way() {
    always_ready("sleep", async |rounds| {
        let mut nap = sleep(Duration::from_nanos(1));
        (&mut nap).await;
        async move {
            for _ in 0..ROUNDS {
                (&mut nap).await;
                rounds.add();
            }
        }
    });
}

#[test]
fn a_loop_over_sleeps_of_zero_gives_way_each_time() {
    for workers in WORKERS {
        let (busy, other) = beside(workers, async |rounds| async move {
            for _ in 0..1000 {
                sleep(Duration::ZERO).await;
                rounds.add();
            }
        });
        assert_eq!(busy, (0..=1000).collect::<Vec<_>>());
        if workers == 1 {
            assert!(steps(&other).iter().all(|&gap| gap <= 1));
        }
    }
}

#[test]
fn a_loop_over_a_socket_gives_way() {
    always_ready("readable", async |rounds| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let ours = Readiness::new(ours).unwrap();
        theirs.write_all(&[0]).unwrap();
        async move {
            for _ in 0..ROUNDS {
                ours.readable().await.unwrap();
                rounds.add();
            }
            let mut byte = [1];
            ours.try_io(Direction::Read, |mut ours| ours.read(&mut byte)).unwrap();
            assert_eq!(byte, [0]);
            drop(theirs);
        }
    });
    often_ready("read", async |rounds| {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        let sent: Vec<u8> = (0..ROUNDS).map(|n| n as u8).collect();
        peer.write_all(&sent).await.unwrap();
        async move {
            let mut byte = [0];
            for sent in sent {
                assert_eq!(stream.read(&mut byte).await.unwrap(), 1);
                assert_eq!(byte, [sent]);
                rounds.add();
            }
            drop(peer);
        }
    });
}

#[test]
fn a_loop_over_a_process_that_has_ended_gives_way() {
    always_ready("process", async |rounds| {
        let process = Command::new("true").spawn().unwrap();
        process.wait().await.unwrap();
        async move {
            for _ in 0..ROUNDS {
                assert!(process.wait().await.unwrap().success());
                rounds.add();
            }
        }
    });
}

async fn ended(tasks: usize) -> Vec<Task<usize>> {
    let tasks: Vec<_> = (0..tasks).map(|n| create_task(async move { n })).collect();
    while !tasks.iter().all(Task::done) {
        yield_now().await;
    }
    tasks
}

#[test]
fn a_loop_over_tasks_that_have_ended_gives_way() {
    always_ready("gather", async |rounds| {
        let tasks = ended(ROUNDS).await;
        async move {
            for (n, task) in tasks.into_iter().enumerate() {
                assert_eq!(gather([task]).await.unwrap(), [n]);
                rounds.add();
            }
        }
    });
    always_ready("return_exceptions", async |rounds| {
        let tasks = ended(ROUNDS).await;
        async move {
            for task in tasks {
                assert!(gather([task]).return_exceptions().await[0].is_ok());
                rounds.add();
            }
        }
    });
    always_ready("as_completed", async |rounds| {
        let mut completed = as_completed(ended(ROUNDS).await);
        async move {
            while completed.next().await.is_some() {
                rounds.add();
            }
        }
    });
    always_ready("wait for nothing", async |rounds| async move {
        for _ in 0..ROUNDS {
            assert!(wait(Vec::<Task<()>>::new()).await.0.is_empty());
            rounds.add();
        }
    });
}

/// Two tasks that hand things to each other and are always ready: neither loses anything when its
/// budget ends in the middle.
#[test]
fn nothing_is_lost_where_the_budget_ends_at_a_hand_over() {
    for workers in WORKERS {
        let (sum, locked) = event_loop(workers)
            .run_until_complete(async {
                let queue = Arc::new(Queue::new(100));
                let lock = Arc::new(Lock::new(0));
                let (items, guarded) = (queue.clone(), lock.clone());
                let producer = create_task(async move {
                    for n in 0..ROUNDS {
                        items.put(n).await.unwrap();
                        *guarded.lock().await += 1;
                    }
                    items.shutdown(false);
                });
                let consumers: Vec<_> = (0..3)
                    .map(|_| {
                        let (items, guarded) = (queue.clone(), lock.clone());
                        create_task(async move {
                            let mut sum = 0;
                            while let Ok(n) = items.get().await {
                                let mut count = guarded.lock().await;
                                yield_now().await;
                                *count += 1;
                                sum += n;
                            }
                            sum
                        })
                    })
                    .collect();
                producer.await.unwrap();
                let sum: usize = gather(consumers).await.unwrap().into_iter().sum();
                (sum, *lock.lock().await)
            })
            .unwrap();
        assert_eq!((sum, locked), (ROUNDS * (ROUNDS - 1) / 2, 2 * ROUNDS));
    }
}

/// A request reaches a task that is always ready at the first wait that is not.
#[test]
fn a_busy_task_that_is_cancelled_ends_where_it_first_has_to_wait() {
    for workers in WORKERS {
        let after = event_loop(workers)
            .run_until_complete(async {
                let begun = Arc::new(AtomicBool::new(false));
                let after = Arc::new(AtomicUsize::new(0));
                let (busy_begun, busy_after) = (begun.clone(), after.clone());
                let busy = create_task(async move {
                    let lock = Lock::new(());
                    while !busy_begun.load(Ordering::SeqCst) {
                        drop(lock.lock().await);
                    }
                    for _ in 0..ROUNDS {
                        drop(lock.lock().await);
                        busy_after.fetch_add(1, Ordering::SeqCst);
                    }
                    std::future::pending::<()>().await;
                });
                yield_now().await;
                busy.cancel();
                begun.store(true, Ordering::SeqCst);
                assert!(busy.await.unwrap_err().is_cancelled());
                after.load(Ordering::SeqCst)
            })
            .unwrap();
        assert_eq!(after, ROUNDS, "what is ready wins over the request");
    }
}

/// Waits until the task waits, and says for what.
async fn reason(task: &AnyTask) -> WaitReason {
    loop {
        match task.waits_for() {
            None | Some(WaitReason::Yield) => yield_now().await,
            Some(reason) => return reason,
        }
    }
}

#[test]
fn a_task_says_what_it_waits_for() {
    for workers in WORKERS {
        event_loop(workers)
            .run_until_complete(async {
                async fn check(
                    expected: WaitReason,
                    wait: impl Future<Output = ()> + Send + 'static,
                ) {
                    let task = create_task(wait);
                    assert_eq!(reason(&task.as_any()).await, expected);
                    task.cancel();
                    assert!(task.await.unwrap_err().is_cancelled());
                }
                let never = || create_task(std::future::pending::<()>());
                let hour = Duration::from_secs(3600);

                check(WaitReason::Lock, async {
                    let lock = Lock::new(());
                    let _held = lock.lock().await;
                    let _never = lock.lock().await;
                })
                .await;
                check(WaitReason::Event, async { Event::new().wait().await }).await;
                check(WaitReason::Event, async {
                    let (_sender, receiver) = oneshot::channel::<()>();
                    receiver.await.unwrap();
                })
                .await;
                check(WaitReason::Queue, async { Queue::new(1).get().await.unwrap() }).await;
                check(WaitReason::Queue, async {
                    let full = Queue::new(1);
                    full.put(()).await.unwrap();
                    full.put(()).await.unwrap();
                })
                .await;
                check(WaitReason::Sleep, sleep(hour)).await;
                check(WaitReason::Sleep, async move {
                    let mut ticks = loopwork::interval(hour);
                    ticks.tick().await;
                    ticks.tick().await;
                })
                .await;
                check(WaitReason::Io, async {
                    let local = (std::net::Ipv4Addr::LOCALHOST, 0).into();
                    drop(TcpListener::bind(local).unwrap().accept().await);
                })
                .await;
                check(WaitReason::Io, async {
                    let (ours, _theirs) = UnixStream::pair().unwrap();
                    ours.set_nonblocking(true).unwrap();
                    let ours = Readiness::new(ours).unwrap();
                    ours.read_with(|mut ours| ours.read(&mut [0])).await.unwrap();
                })
                .await;
                check(WaitReason::Process, async {
                    let process = Command::new("sleep").arg("3600").kill_on_drop(true).spawn();
                    process.unwrap().wait().await.unwrap();
                })
                .await;
                let child = never();
                let same = child.clone();
                check(WaitReason::Join, async move { drop(gather([child]).await) }).await;
                assert!(same.await.unwrap_err().is_cancelled(), "gather passes it on");
                check(WaitReason::Join, async move { drop(wait([never()]).await) }).await;
                check(WaitReason::Join, async move {
                    drop(wait([never()]).timeout(hour).await);
                })
                .await;
                check(WaitReason::Join, async move {
                    drop(as_completed([never()]).next().await);
                })
                .await;

                // Work of an executor that has begun cannot be cancelled: it is let go.
                let (let_go, held) = std::sync::mpsc::channel::<()>();
                let handle = loopwork::Handle::current().unwrap();
                check(WaitReason::Executor, async move {
                    let job = handle.run_in_executor(None, move || held.recv().is_ok()).unwrap();
                    job.await.unwrap();
                })
                .await;
                drop(let_go);
            })
            .unwrap();
    }
}
