//! A producer and a consumer, with a queue between them.

use std::sync::Arc;

use loopwork::sync::Queue;
use loopwork::{gather, sleep};

use crate::tour::{Outcome, Scale, Tour};

// Seeds that give the order of lines of a printed run in Python.
const PRODUCER_SEED: u64 = 284;
const CONSUMER_SEED: u64 = 421;

/// Numbers by chance, the same ones for the same seed: Knuth's linear congruential generator.
struct Random(u64);

impl Random {
    /// At least 0 and below 1.
    fn random(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

async fn produce(scale: Scale, queue: Arc<Queue<Option<String>>>, n: u32) {
    let mut chance = Random(PRODUCER_SEED);
    for x in 1..=n {
        // Produce an item.
        println!("producing {x}/{n}");
        // Simulate an I/O operation.
        sleep(scale.seconds(chance.random())).await;
        let item = x.to_string();
        // Put the item in the queue.
        queue.put(Some(item)).await.expect("nobody shuts the queue down");
    }
    // Indicate that the producer is done.
    queue.put(None).await.expect("nobody shuts the queue down");
}

async fn consume(scale: Scale, queue: Arc<Queue<Option<String>>>) {
    let mut chance = Random(CONSUMER_SEED);
    // Wait for items until the producer is done.
    while let Ok(Some(item)) = queue.get().await {
        // Process the item.
        println!("consuming item {item}...");
        // Simulate an I/O operation.
        sleep(scale.seconds(chance.random())).await;
    }
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let queue = Arc::new(Queue::unbounded());
    let mut event_loop = tour.event_loop()?;
    let producer = produce(tour.scale, queue.clone(), 10);
    let consumer = consume(tour.scale, queue);
    event_loop.run_until_complete(gather!(producer, consumer))??;
    event_loop.close();
    Ok(())
}
