//! A producer and two consumers, with a queue between them.
//!
//! asyncio: `Queue`. Python's program ends by putting `None`; here the producer shuts the queue
//! down, as `Queue.shutdown` does since Python 3.13: what is in it is still taken, by whom of the
//! two consumers is left to them.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use loopwork::sync::Queue;
use loopwork::{TaskError, create_task, gather, sleep};

async fn produce(queue: Arc<Queue<u32>>, n: u32) {
    for x in 1..=n {
        println!("producing {x}/{n}");
        // Simulates an I/O operation.
        sleep(Duration::from_millis(20)).await;
        // Waits while the queue is full.
        queue.put(x).await.expect("the queue is open");
    }
    queue.shutdown(false);
}

async fn consume(name: &str, queue: Arc<Queue<u32>>) -> u32 {
    let mut sum = 0;
    while let Ok(item) = queue.get().await {
        println!("{name} consumes item {item}...");
        // Simulates an I/O operation.
        sleep(Duration::from_millis(50)).await;
        sum += item;
    }
    sum
}

async fn produce_and_consume() -> Result<u32, TaskError> {
    let queue = Arc::new(Queue::new(2));
    let producer = create_task(produce(queue.clone(), 10));
    let (a, b) = gather!(consume("A", queue.clone()), consume("B", queue)).await?;
    producer.await?;
    Ok(a + b)
}

fn main() -> Result<(), Box<dyn Error>> {
    let sum = loopwork::run(produce_and_consume())??;
    println!("consumed {sum} in all");
    Ok(())
}
