//! A producer and a consumer: two tasks and one bounded queue.

use std::time::Instant;

use crate::contender::{Bounded, Primitives};
use crate::measurement::Measurement;
use crate::plan::{Plan, QueuePlan};
use crate::recorder::Recorder;

pub(crate) async fn queue<C: Primitives>(contender: &'static C, plan: Plan) -> Measurement {
    let QueuePlan { items, maxsize } = plan.queue;
    let mut recorder = Recorder::new(plan.sampling, items);
    while recorder.wants_more() {
        let begin = Instant::now();
        let (producer, consumer) = C::Queue::new(maxsize);
        let producer = contender.spawn(produce::<C::Queue>(producer, items));
        let consumer = contender.spawn(consume::<C::Queue>(consumer, items));
        C::join(producer).await;
        let consumed = C::join(consumer).await;
        recorder.add(begin.elapsed());
        assert_eq!(consumed, items, "every item was put once and taken once");
    }
    recorder.finish()
}

async fn produce<Q: Bounded>(mut producer: Q::Producer, items: usize) {
    for item in 0..items {
        Q::put(&mut producer, item).await;
    }
}

/// How many items there were.
async fn consume<Q: Bounded>(mut consumer: Q::Consumer, items: usize) -> usize {
    let mut consumed = 0;
    while consumed < items {
        let item = Q::get(&mut consumer).await;
        assert_eq!(item, consumed, "items come in the order in which they were put");
        consumed += 1;
    }
    consumed
}
