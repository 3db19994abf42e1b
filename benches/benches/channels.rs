//! Channels side by side, on the same executors: ours and tokio's.
//!
//! `1:1` and `4:1` are one and four producers with one consumer, each a task, through a channel that holds
//! 128; `unbounded` is one of each. `same task` sends and receives in turn, so that nobody ever waits. The figure
//! is the time of one message.

mod support;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use loopwork::EventLoop;

const CAPACITY: usize = 128;
const MESSAGES: usize = 20_000;

/// A channel of somebody's.
trait Channel: 'static {
    const NAME: &str;
    type Sender: Clone + Send + 'static;
    type Receiver: Send + 'static;

    fn bounded() -> (Self::Sender, Self::Receiver);
    fn unbounded() -> (Self::Sender, Self::Receiver);
    fn send(sender: &mut Self::Sender, message: usize) -> impl Future<Output = ()> + Send;
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<usize>> + Send;
}

macro_rules! channel {
    ($type:ident, $name:literal, $sender:ty, $receiver:ty, $bounded:expr, $unbounded:expr,
     |$tx:ident, $message:ident| $send:expr, |$rx:ident| $recv:expr) => {
        struct $type;
        impl Channel for $type {
            const NAME: &str = $name;
            type Sender = $sender;
            type Receiver = $receiver;

            fn bounded() -> (Self::Sender, Self::Receiver) {
                $bounded
            }

            fn unbounded() -> (Self::Sender, Self::Receiver) {
                $unbounded
            }

            #[inline]
            async fn send($tx: &mut Self::Sender, $message: usize) {
                $send
            }

            #[inline]
            async fn recv($rx: &mut Self::Receiver) -> Option<usize> {
                $recv
            }
        }
    };
}

/// One of two, as not every crate has one type for both.
#[derive(Clone)]
enum Either<L, R> {
    Bounded(L),
    Unbounded(R),
}
use Either::{Bounded, Unbounded};

channel! {
    Loopwork, "loopwork",
    Either<loopwork::sync::mpsc::Sender<usize>, loopwork::sync::mpsc::UnboundedSender<usize>>,
    Either<loopwork::sync::mpsc::Receiver<usize>, loopwork::sync::mpsc::UnboundedReceiver<usize>>,
    { let (tx, rx) = loopwork::sync::mpsc::channel(CAPACITY); (Bounded(tx), Bounded(rx)) },
    { let (tx, rx) = loopwork::sync::mpsc::unbounded_channel(); (Unbounded(tx), Unbounded(rx)) },
    |tx, message| match tx {
        Bounded(tx) => tx.send(message).await.unwrap(),
        Unbounded(tx) => tx.send(message).unwrap(),
    },
    |rx| match rx {
        Bounded(rx) => rx.recv().await,
        Unbounded(rx) => rx.recv().await,
    }
}

channel! {
    Tokio, "tokio",
    Either<tokio::sync::mpsc::Sender<usize>, tokio::sync::mpsc::UnboundedSender<usize>>,
    Either<tokio::sync::mpsc::Receiver<usize>, tokio::sync::mpsc::UnboundedReceiver<usize>>,
    { let (tx, rx) = tokio::sync::mpsc::channel(CAPACITY); (Bounded(tx), Bounded(rx)) },
    { let (tx, rx) = tokio::sync::mpsc::unbounded_channel(); (Unbounded(tx), Unbounded(rx)) },
    |tx, message| match tx {
        Bounded(tx) => tx.send(message).await.unwrap(),
        Unbounded(tx) => tx.send(message).unwrap(),
    },
    |rx| match rx {
        Bounded(rx) => rx.recv().await,
        Unbounded(rx) => rx.recv().await,
    }
}

channel! {
    AsyncChannel, "async-channel",
    async_channel::Sender<usize>, async_channel::Receiver<usize>,
    async_channel::bounded(CAPACITY), async_channel::unbounded(),
    |tx, message| tx.send(message).await.unwrap(),
    |rx| rx.recv().await.ok()
}

channel! {
    Flume, "flume",
    flume::Sender<usize>, flume::Receiver<usize>,
    flume::bounded(CAPACITY), flume::unbounded(),
    |tx, message| tx.send_async(message).await.unwrap(),
    |rx| rx.recv_async().await.ok()
}

channel! {
    Kanal, "kanal",
    kanal::AsyncSender<usize>, kanal::AsyncReceiver<usize>,
    kanal::bounded_async(CAPACITY), kanal::unbounded_async(),
    |tx, message| tx.send(message).await.unwrap(),
    |rx| rx.recv().await.ok()
}

/// Somebody's executor.
#[derive(Clone)]
enum Spawner {
    Loopwork(loopwork::Handle),
    Tokio(tokio::runtime::Handle),
}

impl Spawner {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        match self {
            Self::Loopwork(handle) => drop(handle.spawn(task)),
            Self::Tokio(handle) => drop(handle.spawn(task)),
        }
    }
}

/// Sends all messages by so many producers, and receives them.
async fn pass<C: Channel>(
    spawner: Spawner,
    (sender, mut receiver): (C::Sender, C::Receiver),
    producers: usize,
) {
    for _ in 0..producers {
        let mut sender = sender.clone();
        spawner.spawn(async move {
            for message in 0..MESSAGES / producers {
                C::send(&mut sender, message).await;
            }
        });
    }
    drop(sender);
    let mut count = 0;
    while C::recv(&mut receiver).await.is_some() {
        count += 1;
    }
    assert_eq!(count, MESSAGES);
}

async fn in_turn<C: Channel>((mut sender, mut receiver): (C::Sender, C::Receiver)) {
    for message in 0..MESSAGES {
        C::send(&mut sender, message).await;
        assert_eq!(C::recv(&mut receiver).await, Some(message));
    }
}

/// Where a bench runs.
#[allow(clippy::large_enum_variant, reason = "there is one at a time")]
enum Executor {
    Loopwork(Box<EventLoop>),
    Tokio(tokio::runtime::Runtime),
}

impl Executor {
    fn time<F>(
        &mut self,
        repetitions: u64,
        work: impl Fn(Spawner) -> F + Send + 'static,
    ) -> Duration
    where
        F: Future<Output = ()> + Send,
    {
        match self {
            Self::Loopwork(event_loop) => {
                let spawner = Spawner::Loopwork(event_loop.handle());
                support::time(event_loop, repetitions, move || work(spawner.clone()))
            }
            Self::Tokio(runtime) => {
                let spawner = Spawner::Tokio(runtime.handle().clone());
                let task = runtime.spawn(async move {
                    let begin = std::time::Instant::now();
                    for _ in 0..repetitions {
                        work(spawner.clone()).await;
                    }
                    begin.elapsed()
                });
                runtime.block_on(task).expect("the work does not panic")
            }
        }
    }
}

fn bench<C: Channel>(group: &mut BenchmarkGroup<'_, WallTime>, executor: &mut Executor) {
    let mut bench = |row: &str,
                     work: Arc<
        dyn Fn(Spawner) -> futures::future::BoxFuture<'static, ()> + Send + Sync,
    >| {
        group.bench_function(BenchmarkId::new(row, C::NAME), |bencher| {
            bencher.iter_custom(|repetitions| {
                let work = work.clone();
                executor.time(repetitions, move |spawner| work(spawner))
            });
        });
    };
    bench("1:1", Arc::new(|spawner| Box::pin(pass::<C>(spawner, C::bounded(), 1))));
    bench("4:1", Arc::new(|spawner| Box::pin(pass::<C>(spawner, C::bounded(), 4))));
    bench("unbounded", Arc::new(|spawner| Box::pin(pass::<C>(spawner, C::unbounded(), 1))));
    bench("same task", Arc::new(|_| Box::pin(in_turn::<C>(C::bounded()))));
}

fn channels(criterion: &mut Criterion) {
    for workers in [1, 2] {
        let loops = Executor::Loopwork(Box::new(support::event_loop(workers)));
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).build();
        let tokio = Executor::Tokio(tokio.expect("the system has threads"));
        for (name, mut executor) in [("loopwork", loops), ("tokio", tokio)] {
            let mut group = criterion.benchmark_group(format!("channels on {name}, {workers}"));
            group.throughput(Throughput::Elements(MESSAGES as u64));
            bench::<Loopwork>(&mut group, &mut executor);
            bench::<Tokio>(&mut group, &mut executor);
            bench::<AsyncChannel>(&mut group, &mut executor);
            bench::<Flume>(&mut group, &mut executor);
            bench::<Kanal>(&mut group, &mut executor);
            group.finish();
        }
    }
}

criterion_group! { name = benches; config = support::criterion(); targets = channels }
criterion_main!(benches);
