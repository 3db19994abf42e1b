//! Channels that belong to no runtime. They are measured on tokio.

use super::Bounded;

/// async-channel, which smol has too.
pub(crate) enum AsyncChannel {}

impl Bounded for AsyncChannel {
    type Producer = async_channel::Sender<usize>;
    type Consumer = async_channel::Receiver<usize>;

    fn new(maxsize: usize) -> (Self::Producer, Self::Consumer) {
        async_channel::bounded(maxsize)
    }

    async fn put(producer: &mut Self::Producer, item: usize) {
        producer.send(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut Self::Consumer) -> usize {
        consumer.recv().await.expect("the producer puts all items")
    }
}

/// flume.
pub(crate) enum Flume {}

impl Bounded for Flume {
    type Producer = flume::Sender<usize>;
    type Consumer = flume::Receiver<usize>;

    fn new(maxsize: usize) -> (Self::Producer, Self::Consumer) {
        flume::bounded(maxsize)
    }

    async fn put(producer: &mut Self::Producer, item: usize) {
        producer.send_async(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut Self::Consumer) -> usize {
        consumer.recv_async().await.expect("the producer puts all items")
    }
}

/// kanal.
pub(crate) enum Kanal {}

impl Bounded for Kanal {
    type Producer = kanal::AsyncSender<usize>;
    type Consumer = kanal::AsyncReceiver<usize>;

    fn new(maxsize: usize) -> (Self::Producer, Self::Consumer) {
        kanal::bounded_async(maxsize)
    }

    async fn put(producer: &mut Self::Producer, item: usize) {
        producer.send(item).await.expect("the consumer takes all items");
    }

    async fn get(consumer: &mut Self::Consumer) -> usize {
        consumer.recv().await.expect("the producer puts all items")
    }
}
