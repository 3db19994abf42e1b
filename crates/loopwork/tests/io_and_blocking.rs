//! Sockets, subprocesses and executors inside a loop, and their misuse outside of one.

mod common;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use common::{Count, at_each_size};
use loopwork::executors::ThreadPoolExecutor;
use loopwork::net::{TcpListener, TcpStream};
use loopwork::process::{Command, create_subprocess_exec};
use loopwork::sync::{Lock, Queue};
use loopwork::{Handle, create_task, gather, sleep};

const LOOPBACK: fn() -> SocketAddr = || (Ipv4Addr::LOCALHOST, 0).into();

async fn echo(stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}

#[test]
fn echo_for_a_hundred_clients() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let listener = TcpListener::bind(LOOPBACK()).unwrap();
                let addr = listener.local_addr().unwrap();
                let server = create_task(async move {
                    loop {
                        let (stream, _) = listener.accept().await.unwrap();
                        drop(create_task(async move { echo(stream).await.unwrap() }));
                    }
                });
                let clients = gather((0..100u8).map(|n| async move {
                    let stream = TcpStream::connect(addr).await.unwrap();
                    for round in 0..10 {
                        let sent = [n, round, n ^ round];
                        stream.write_all(&sent).await.unwrap();
                        let mut received = Vec::new();
                        while received.len() < sent.len() {
                            let mut buffer = [0; 3];
                            let n = stream.read(&mut buffer).await.unwrap();
                            received.extend_from_slice(&buffer[..n]);
                        }
                        assert_eq!(received, sent);
                    }
                }));
                clients.await.unwrap();
                server.cancel();
                assert!(server.await.unwrap_err().is_cancelled());
            })
            .unwrap();
    });
}

/// A plain client in another thread is served while the loop has nothing else to do.
#[test]
fn a_client_on_another_thread() {
    at_each_size(|event_loop| {
        let answered = event_loop
            .run_until_complete(async {
                let listener = TcpListener::bind(LOOPBACK()).unwrap();
                let addr = listener.local_addr().unwrap();
                let client = std::thread::spawn(move || {
                    let mut stream = std::net::TcpStream::connect(addr).unwrap();
                    stream.write_all(b"hello").unwrap();
                    stream.shutdown(std::net::Shutdown::Write).unwrap();
                    let mut answer = String::new();
                    stream.read_to_string(&mut answer).unwrap();
                    answer
                });
                let (stream, _) = listener.accept().await.unwrap();
                echo(stream).await.unwrap();
                Handle::current()
                    .unwrap()
                    .run_in_executor(None, move || client.join().unwrap())
                    .unwrap()
                    .await
                    .unwrap()
            })
            .unwrap();
        assert_eq!(answered, "hello");
    });
}

#[test]
fn subprocesses_end_with_their_code() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let child = create_subprocess_exec("true", [""; 0]).unwrap();
                assert!(child.wait().await.unwrap().success());
                let mut exit = Command::new("sh");
                let child = exit.args(["-c", "exit 3"]).spawn().unwrap();
                assert_eq!(child.wait().await.unwrap().code(), Some(3));
                assert_eq!(child.returncode(), Some(3));
                let child = create_subprocess_exec("sleep", ["1000"]).unwrap();
                child.kill().unwrap();
                child.wait().await.unwrap();
                assert_eq!(child.returncode(), Some(-9));
                assert!(create_subprocess_exec("there-is-no-such-program", [""; 0]).is_err());
            })
            .unwrap();
    });
}

#[test]
fn i1_run_in_executor_runs_elsewhere_and_crosses_values_and_panics() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let here = std::thread::current().id();
                let job = move || {
                    assert!(Handle::current().is_err(), "no loop runs on executor threads");
                    std::thread::current().id() != here
                };
                assert!(handle.run_in_executor(None, job).unwrap().await.unwrap());
                let pool = ThreadPoolExecutor::builder().max_workers(2).build();
                let failed = handle.run_in_executor(Some(&pool), || panic!("job")).unwrap();
                assert!(failed.await.unwrap_err().is_panic());
            })
            .unwrap();
    });
}

#[test]
fn i2_cancelling_prevents_only_a_job_that_has_not_started() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let pool = ThreadPoolExecutor::builder().max_workers(1).build();
                let (begun, has_begun) = loopwork::sync::oneshot::channel();
                let (go_on, gate) = std::sync::mpsc::channel::<()>();
                let running = handle
                    .run_in_executor(Some(&pool), move || {
                        begun.send(()).unwrap();
                        gate.recv().unwrap();
                        "finished"
                    })
                    .unwrap();
                let ran = Count::default();
                let counted = ran.clone();
                let waiting = handle.run_in_executor(Some(&pool), move || counted.add()).unwrap();
                has_begun.await.unwrap();
                assert!(!running.cancel() && waiting.cancel());
                go_on.send(()).unwrap();
                assert_eq!(running.await.unwrap(), "finished");
                assert!(waiting.await.unwrap_err().is_cancelled());
                assert_eq!(ran.get(), 0);
            })
            .unwrap();
    });
}

#[test]
fn i4_after_its_shutdown_the_default_executor_refuses() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let handle = Handle::current().unwrap();
                let ran = Count::default();
                for _ in 0..10 {
                    let counted = ran.clone();
                    drop(handle.run_in_executor(None, move || counted.add()).unwrap());
                }
                handle.shutdown_default_executor().await;
                assert_eq!(ran.get(), 10, "what was accepted ran");
                assert!(handle.run_in_executor(None, || ()).is_err());
                let pool = ThreadPoolExecutor::new();
                let other = handle.run_in_executor(Some(&pool), || 1).unwrap();
                assert_eq!(other.await.unwrap(), 1, "other executors are untouched");
            })
            .unwrap();
    });
}

#[test]
fn locks_and_queues_between_tasks_of_all_workers() {
    at_each_size(|event_loop| {
        event_loop
            .run_until_complete(async {
                let (queue, total) = (Arc::new(Queue::new(4)), Arc::new(Lock::new(0u64)));
                let consumers: Vec<_> = (0..4)
                    .map(|_| {
                        let (queue, total) = (queue.clone(), total.clone());
                        create_task(async move {
                            while let Ok(n) = queue.get().await {
                                let mut total = total.lock().await;
                                let now = *total;
                                loopwork::yield_now().await;
                                *total = now + n;
                                queue.task_done().unwrap();
                            }
                        })
                    })
                    .collect();
                let produced = gather((0..4u64).map(|who| {
                    let queue = queue.clone();
                    async move {
                        for n in 0..50 {
                            queue.put(who * 50 + n).await.unwrap();
                        }
                    }
                }));
                produced.await.unwrap();
                queue.join().await;
                queue.shutdown(false);
                gather(consumers).await.unwrap();
                assert_eq!(*total.lock().await, (0..200).sum::<u64>());
            })
            .unwrap();
    });
}

#[test]
fn sockets_outside_a_loop_are_an_error_that_names_the_fix() {
    let error = TcpListener::bind(LOOPBACK()).unwrap_err().to_string();
    assert!(error.contains("loop"), "{error}");
}

#[test]
fn a_loop_that_closes_ends_its_sockets() {
    at_each_size(|event_loop| {
        let mut task = event_loop.create_task(async {
            let listener = TcpListener::bind(LOOPBACK()).unwrap();
            listener.accept().await.map(|_| ())
        });
        event_loop.run_until_complete(async { sleep(Duration::from_millis(1)).await }).unwrap();
        event_loop.close();
        let ended = common::event_loop(1).run_until_complete(&mut task).unwrap();
        assert!(ended.unwrap_err().is_cancelled());
    });
}
