//! Producers and a consumer, each a task, and one bounded queue or channel.

use std::time::Instant;

use crate::contender::{Bounded, Contender};
use crate::measurement::Measurement;
use crate::plan::{QueuePlan, Sampling};
use crate::recorder::Recorder;

/// An item is its number and, in so many bits, who has produced it.
const PRODUCER: u32 = 3;

pub(crate) async fn queue<C: Contender, Q: Bounded>(
    contender: &'static C,
    plan: QueuePlan,
    sampling: Sampling,
) -> Measurement {
    let QueuePlan { producers: count, items, maxsize } = plan;
    let mut recorder = Recorder::new(sampling, items);
    while recorder.wants_more() {
        let mut producers = Vec::with_capacity(count);
        let begin = Instant::now();
        let (producer, consumer) = Q::new(maxsize);
        for number in 0..count {
            let task = produce::<Q>(producer.clone(), number, items / count);
            producers.push(contender.spawn(task));
        }
        let consumer = contender.spawn(consume::<Q>(consumer, items));
        for producer in producers {
            C::join(producer).await;
        }
        let consumed = C::join(consumer).await;
        recorder.add(begin.elapsed());
        assert_eq!(consumed, items, "every item was put once and taken once");
    }
    recorder.finish()
}

async fn produce<Q: Bounded>(mut producer: Q::Producer, number: usize, items: usize) {
    for item in 0..items {
        Q::put(&mut producer, (item << PRODUCER) + number).await;
    }
}

/// How many items there were.
async fn consume<Q: Bounded>(mut consumer: Q::Consumer, items: usize) -> usize {
    let mut consumed = [0; 1 << PRODUCER];
    for _ in 0..items {
        let item = Q::get(&mut consumer).await;
        let of_this_producer = &mut consumed[item % (1 << PRODUCER)];
        assert_eq!(item >> PRODUCER, *of_this_producer, "a producer's items come in order");
        *of_this_producer += 1;
    }
    consumed.iter().sum()
}
