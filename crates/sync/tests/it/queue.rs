use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures::Stream;
use futures::executor::block_on;
use loopwork_sync::{
    GetNowaitError, LifoQueue, PriorityQueue, PutNowaitError, Queue, QueueShutDown,
};

use crate::{Count, poll, poll_overtaken, poll_with};

#[test]
fn g18_a_limit_of_zero_is_none() {
    let queue = Queue::new(0);
    for n in 0..1_000 {
        queue.put_nowait(n).unwrap();
    }
    assert_eq!((queue.maxsize(), queue.qsize(), queue.full()), (0, 1_000, false));
    assert_eq!(Queue::<()>::default().maxsize(), 0);
}

#[test]
fn g18_nowait_refuses_and_gives_the_item_back() {
    let queue = Queue::new(1);
    assert!(queue.empty());
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueEmpty));
    queue.put_nowait(1).unwrap();
    assert!(queue.full());
    let error = queue.put_nowait(2).unwrap_err();
    assert_eq!(error, PutNowaitError::QueueFull(2));
    assert!(error.is_full() && !error.is_shut_down());
    assert_eq!(error.into_inner(), 2);
}

#[test]
fn g18_put_waits_for_room_and_get_for_an_item() {
    let queue = Queue::new(1);
    let (count, waker) = Count::new();
    let mut get = Box::pin(queue.get());
    assert!(poll_with(&mut get, &waker).is_pending());
    block_on(queue.put(1)).unwrap();
    assert_eq!(count.get(), 1);
    let mut put = Box::pin(queue.put(2));
    assert!(poll_with(&mut put, &waker).is_pending());
    assert_eq!(poll(&mut get), Poll::Ready(Ok(1)));
    assert_eq!(count.get(), 2);
    assert_eq!(poll(&mut put), Poll::Ready(Ok(())));
    assert_eq!(queue.get_nowait(), Ok(2));
}

#[test]
fn g19_items_come_out_in_the_order_they_went_in() {
    let queue = Queue::unbounded();
    let mut gets: Vec<_> = (0..3).map(|_| Box::pin(queue.get())).collect();
    assert!(gets.iter_mut().all(|get| poll(get).is_pending()));
    for n in 0..5 {
        queue.put_nowait(n).unwrap();
    }
    let got: Vec<_> = gets.iter_mut().map(poll).collect();
    assert_eq!(got, [Poll::Ready(Ok(0)), Poll::Ready(Ok(1)), Poll::Ready(Ok(2))]);
    assert_eq!((queue.get_nowait(), queue.get_nowait()), (Ok(3), Ok(4)));
}

#[test]
fn g20_a_getter_dropped_after_it_was_woken_loses_no_item_and_wakes_the_next() {
    let queue = Queue::unbounded();
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    let (mut a, mut b) = (Box::pin(queue.get()), Box::pin(queue.get()));
    assert!(poll_with(&mut a, &first_waker).is_pending());
    assert!(poll_with(&mut b, &second_waker).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!((first.get(), second.get()), (1, 0));
    drop(a);
    assert_eq!(second.get(), 1);
    assert_eq!(poll(&mut b), Poll::Ready(Ok(1)));
}

/// The item is there for another getter, and this one was asked to end before.
#[test]
fn g20_a_getter_that_a_request_has_overtaken_takes_no_item() {
    let queue = Queue::unbounded();
    let (count, waker) = Count::new();
    let (mut a, mut b) = (Box::pin(queue.get()), Box::pin(queue.get()));
    assert!(poll(&mut a).is_pending());
    assert!(poll_with(&mut b, &waker).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!(poll_overtaken(&mut b, &waker), Poll::Pending);
    assert_eq!(count.get(), 1, "without the request it goes on");
    assert_eq!(poll(&mut a), Poll::Ready(Ok(1)));
}

#[test]
fn g20_a_getter_dropped_before_it_was_woken_is_skipped() {
    let queue = Queue::unbounded();
    let (count, waker) = Count::new();
    let (mut a, mut b) = (Box::pin(queue.get()), Box::pin(queue.get()));
    assert!(poll(&mut a).is_pending());
    assert!(poll_with(&mut b, &waker).is_pending());
    drop(a);
    assert_eq!(count.get(), 0);
    queue.put_nowait(1).unwrap();
    assert_eq!(count.get(), 1);
}

#[test]
fn g20_a_putter_dropped_after_it_was_woken_inserts_nothing_and_wakes_the_next() {
    let queue = Queue::new(1);
    queue.put_nowait(0).unwrap();
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    let (mut a, mut b) = (Box::pin(queue.put(1)), Box::pin(queue.put(2)));
    assert!(poll_with(&mut a, &first_waker).is_pending());
    assert!(poll_with(&mut b, &second_waker).is_pending());
    assert_eq!(queue.get_nowait(), Ok(0));
    assert_eq!((first.get(), second.get()), (1, 0));
    drop(a);
    assert_eq!(second.get(), 1);
    assert_eq!(poll(&mut b), Poll::Ready(Ok(())));
    assert_eq!((queue.get_nowait(), queue.qsize()), (Ok(2), 0));
}

#[test]
fn g20_no_waker_is_retained_by_waits_that_ended() {
    let queue = Queue::new(1);
    queue.put_nowait(0).unwrap();
    let (count, waker) = Count::new();
    for n in 0..3 {
        assert!(poll_with(&mut Box::pin(queue.put(n)), &waker).is_pending());
    }
    queue.get_nowait().unwrap();
    for _ in 0..3 {
        assert!(poll_with(&mut Box::pin(queue.get()), &waker).is_pending());
        assert!(poll_with(&mut Box::pin(queue.join()), &waker).is_pending());
    }
    assert_eq!(Arc::strong_count(&count), 2);
}

#[test]
fn a_getter_that_was_overtaken_waits_on_in_its_old_place() {
    let queue = Queue::unbounded();
    let (mut a, mut b) = (Box::pin(queue.get()), Box::pin(queue.get()));
    let ((first, first_waker), (second, second_waker)) = (Count::new(), Count::new());
    assert!(poll_with(&mut a, &first_waker).is_pending());
    assert!(poll_with(&mut b, &second_waker).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.get_nowait(), Ok(1), "the item may be taken until the woken getter runs");
    assert!(poll_with(&mut a, &first_waker).is_pending());
    queue.put_nowait(2).unwrap();
    assert_eq!((first.get(), second.get()), (2, 0));
    assert_eq!(poll(&mut a), Poll::Ready(Ok(2)));
}

#[test]
fn g22_join_waits_until_every_item_is_done() {
    let queue = Queue::unbounded();
    assert_eq!(poll(&mut Box::pin(queue.join())), Poll::Ready(()), "nothing is unfinished");
    queue.put_nowait(1).unwrap();
    queue.put_nowait(2).unwrap();
    let (count, waker) = Count::new();
    let (mut a, mut b) = (Box::pin(queue.join()), Box::pin(queue.join()));
    assert!(poll_with(&mut a, &waker).is_pending());
    assert!(poll_with(&mut b, &waker).is_pending());
    queue.get_nowait().unwrap();
    queue.get_nowait().unwrap();
    queue.task_done().unwrap();
    assert_eq!(count.get(), 0);
    queue.task_done().unwrap();
    assert_eq!(count.get(), 2);
    queue.put_nowait(3).unwrap();
    assert!(poll(&mut a).is_ready() && poll(&mut b).is_ready(), "also if more was put meanwhile");
}

#[test]
fn g22_task_done_beyond_the_count_is_an_error() {
    let queue = Queue::unbounded();
    queue.put_nowait(1).unwrap();
    queue.task_done().unwrap();
    let error = queue.task_done().unwrap_err();
    assert!(error.to_string().contains("more often than items were put"));
}

#[test]
fn g23_shutdown_refuses_puts_also_those_that_wait() {
    let queue = Queue::new(1);
    queue.put_nowait(0).unwrap();
    let (count, waker) = Count::new();
    let mut put = Box::pin(queue.put(1));
    assert!(poll_with(&mut put, &waker).is_pending());
    queue.shutdown(false);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut put), Poll::Ready(Err(QueueShutDown(1))));
    assert_eq!(queue.put_nowait(2), Err(PutNowaitError::QueueShutDown(2)));
    assert_eq!(block_on(queue.put(3)), Err(QueueShutDown(3)));
    assert!(queue.is_shut_down());
}

#[test]
fn g23_get_drains_and_then_fails_and_join_still_needs_task_done() {
    let queue = Queue::unbounded();
    queue.put_nowait(1).unwrap();
    queue.shutdown(false);
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join).is_pending());
    assert_eq!(block_on(queue.get()), Ok(1));
    assert_eq!(block_on(queue.get()), Err(QueueShutDown(())));
    assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueShutDown));
    queue.task_done().unwrap();
    assert!(poll(&mut join).is_ready());
}

#[test]
fn g23_shutdown_wakes_every_getter() {
    let queue = Queue::<()>::unbounded();
    let (count, waker) = Count::new();
    let mut gets: Vec<_> = (0..3).map(|_| Box::pin(queue.get())).collect();
    for get in &mut gets {
        assert!(poll_with(get, &waker).is_pending());
    }
    queue.shutdown(false);
    assert_eq!(count.get(), 3);
    assert!(gets.iter_mut().all(|get| poll(get) == Poll::Ready(Err(QueueShutDown(())))));
}

#[test]
fn g24_an_immediate_shutdown_drops_the_items_and_releases_join() {
    let queue = Queue::unbounded();
    let item = Arc::new(());
    queue.put_nowait(item.clone()).unwrap();
    queue.put_nowait(item.clone()).unwrap();
    let taken = queue.get_nowait().unwrap();
    let mut join = Box::pin(queue.join());
    assert!(poll(&mut join).is_pending());
    queue.shutdown(true);
    assert_eq!(Arc::strong_count(&item), 2, "the one that was taken is left");
    assert!(poll(&mut join).is_pending(), "it is not done yet");
    queue.task_done().unwrap();
    assert!(poll(&mut join).is_ready());
    assert!(queue.task_done().is_err());
    drop(taken);
}

#[test]
fn g24_an_item_reported_before_it_was_taken_is_not_counted_twice() {
    let queue = Queue::unbounded();
    queue.put_nowait(1).unwrap();
    queue.task_done().unwrap();
    queue.shutdown(true);
    assert!(poll(&mut Box::pin(queue.join())).is_ready());
    assert!(queue.task_done().is_err());
}

#[test]
fn an_item_may_use_the_queue_in_its_destructor() {
    struct Reenter(Arc<Queue<Self>>, Arc<AtomicUsize>);
    impl Drop for Reenter {
        fn drop(&mut self) {
            self.1.fetch_add(self.0.qsize() + 1, Ordering::SeqCst);
        }
    }
    let (queue, dropped) = (Arc::new(Queue::unbounded()), Arc::new(AtomicUsize::new(0)));
    queue.put_nowait(Reenter(queue.clone(), dropped.clone())).ok().unwrap();
    queue.shutdown(true);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn threads_and_tasks_pass_every_item_once_and_keep_each_producers_order() {
    const EACH: usize = 2_000;
    let queue = Queue::new(3);
    let mut received: Vec<Vec<(usize, usize)>> = thread::scope(|threads| {
        let queue = &queue;
        let consumers: Vec<_> = (0..3)
            .map(|kind| {
                threads.spawn(move || {
                    let mut got = Vec::new();
                    loop {
                        // A getter that gives up now and then must lose nothing.
                        let mut given_up = Box::pin(queue.get());
                        if got.len() % 3 == 0 {
                            if let Poll::Ready(Ok(item)) = poll(&mut given_up) {
                                got.push(item);
                                queue.task_done().unwrap();
                            }
                        }
                        drop(given_up);
                        let next =
                            if kind == 0 { queue.blocking_get() } else { block_on(queue.get()) };
                        match next {
                            Ok(item) => got.push(item),
                            Err(QueueShutDown(())) => return got,
                        }
                        queue.task_done().unwrap();
                    }
                })
            })
            .collect();
        let producers: Vec<_> = (0..3)
            .map(|producer| {
                threads.spawn(move || {
                    for n in 0..EACH {
                        let item = (producer, n);
                        match producer {
                            0 => queue.blocking_put(item).unwrap(),
                            _ => block_on(queue.put(item)).unwrap(),
                        }
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.join().unwrap();
        }
        queue.blocking_join();
        queue.shutdown(false);
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).collect()
    });
    for got in &received {
        for producer in 0..3 {
            let mut order = got.iter().filter(|(from, _)| *from == producer).map(|(_, n)| n);
            let sorted = order.clone().is_sorted();
            assert!(sorted, "one consumer sees a producer's items in order: {:?}", order.next());
        }
    }
    let mut all: Vec<_> = received.drain(..).flatten().collect();
    all.sort_unstable();
    let expected: Vec<_> = (0..3).flat_map(|p| (0..EACH).map(move |n| (p, n))).collect();
    assert_eq!(all, expected);
}

#[test]
fn g19_a_lifo_queue_is_a_stack_and_a_priority_queue_gives_the_smallest() {
    let (stack, smallest) = (LifoQueue::unbounded(), PriorityQueue::new(3));
    for n in [2, 1, 3] {
        stack.put_nowait(n).unwrap();
        smallest.put_nowait(n).unwrap();
    }
    assert!(smallest.put_nowait(0).unwrap_err().is_full());
    let all = |get: &dyn Fn() -> Option<i32>| std::iter::from_fn(get).collect::<Vec<_>>();
    assert_eq!(all(&|| stack.get_nowait().ok()), [3, 1, 2]);
    assert_eq!(all(&|| smallest.get_nowait().ok()), [1, 2, 3]);
}

#[test]
fn g18_a_priority_queue_waits_for_room_and_items_too() {
    let queue = PriorityQueue::new(1);
    let mut get = Box::pin(queue.get());
    assert!(poll(&mut get).is_pending());
    queue.put_nowait(2).unwrap();
    let mut put = Box::pin(queue.put(1));
    assert!(poll(&mut put).is_pending());
    assert_eq!(poll(&mut get), Poll::Ready(Ok(2)));
    assert_eq!(poll(&mut put), Poll::Ready(Ok(())));
    assert_eq!(queue.blocking_get(), Ok(1));
}

#[test]
fn many_are_put_as_there_is_room_and_come_back_when_it_is_shut_down() {
    let queue = Queue::new(2);
    let mut put = Box::pin(queue.put_many(1..=6));
    assert!(poll(&mut put).is_pending());
    assert_eq!(queue.qsize(), 2);
    assert_eq!(block_on(queue.get_many(9)), Ok(vec![1, 2]));
    assert!(poll(&mut put).is_pending());
    assert_eq!(queue.get_nowait(), Ok(3));
    queue.shutdown(false);
    assert_eq!(poll(&mut put), Poll::Ready(Err(QueueShutDown(vec![5, 6]))));
    assert_eq!(block_on(queue.get_many(9)), Ok(vec![4]));
    assert_eq!(block_on(queue.get_many(9)), Err(QueueShutDown(())));
}

#[test]
fn many_that_are_put_wake_as_many_and_many_that_are_taken_too() {
    let queue = Queue::new(100);
    let mut gets = Vec::new();
    for _ in 0..100 {
        let (count, waker) = Count::new();
        let mut get = Box::pin(queue.get());
        assert!(poll_with(&mut get, &waker).is_pending());
        gets.push((count, get));
    }
    block_on(queue.put_many(0..70)).unwrap();
    for (n, (count, get)) in gets.iter_mut().enumerate() {
        assert_eq!(count.get(), usize::from(n < 70));
        if n < 70 {
            assert_eq!(poll(get), Poll::Ready(Ok(n)));
        }
    }
    drop(gets);

    block_on(queue.put_many(0..100)).unwrap();
    let mut puts = Vec::new();
    for n in 0..40 {
        let (count, waker) = Count::new();
        let mut put = Box::pin(queue.put(n));
        assert!(poll_with(&mut put, &waker).is_pending());
        puts.push((count, put));
    }
    assert_eq!(block_on(queue.get_many(100)).unwrap().len(), 32, "as many as it may wake");
    assert_eq!(puts.iter().filter(|(count, _)| count.get() == 1).count(), 32);
}

#[test]
fn g20_get_many_that_is_dropped_passes_its_wake_up_on() {
    let queue = Queue::unbounded();
    let (mut many, mut one) = (Box::pin(queue.get_many(2)), Box::pin(queue.get()));
    let (count, waker) = Count::new();
    assert!(poll(&mut many).is_pending() && poll_with(&mut one, &waker).is_pending());
    queue.put_nowait(1).unwrap();
    drop(many);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut one), Poll::Ready(Ok(1)));
}

#[test]
fn put_many_that_is_dropped_leaves_what_was_put() {
    let queue = Queue::new(1);
    let (mut many, mut one) = (Box::pin(queue.put_many([1, 2])), Box::pin(queue.put(3)));
    let (count, waker) = Count::new();
    assert!(poll(&mut many).is_pending() && poll_with(&mut one, &waker).is_pending());
    assert_eq!(queue.get_nowait(), Ok(1));
    drop(many);
    assert_eq!(count.get(), 1);
    assert_eq!(poll(&mut one), Poll::Ready(Ok(())));
    assert_eq!(queue.get_nowait(), Ok(3));
}

/// Who was woken in vain keeps its place, also behind others who were.
#[test]
fn g21_who_was_woken_in_vain_waits_in_its_old_place() {
    let queue = Queue::unbounded();
    let mut gets: Vec<_> = (0..4).map(|_| Box::pin(queue.get())).collect();
    assert!(gets.iter_mut().all(|get| poll(get).is_pending()));
    block_on(queue.put_many([1, 2, 3])).unwrap();
    assert_eq!(block_on(queue.get_many(3)), Ok(vec![1, 2, 3]));
    // Polled in another order than they came.
    assert!([2, 0, 1].into_iter().all(|n| poll(&mut gets[n]).is_pending()));
    for get in &mut gets {
        let (count, waker) = Count::new();
        assert!(poll_with(get, &waker).is_pending());
        queue.put_nowait(4).unwrap();
        assert_eq!(count.get(), 1, "it is the first of those who wait");
        assert_eq!(poll(get), Poll::Ready(Ok(4)));
    }
}

#[test]
fn a_stream_ends_with_the_queue() {
    let queue = Queue::unbounded();
    let mut stream = Box::pin(queue.stream());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(stream.as_mut().poll_next(&mut cx).is_pending());
    queue.put_nowait(1).unwrap();
    queue.shutdown(false);
    assert_eq!(stream.as_mut().poll_next(&mut cx), Poll::Ready(Some(1)));
    assert_eq!(stream.as_mut().poll_next(&mut cx), Poll::Ready(None));
}

#[test]
fn g24_a_crowd_hears_of_the_shutdown() {
    let queue = Queue::new(1);
    queue.put_nowait(0).unwrap();
    let mut puts: Vec<_> = (1..80).map(|n| Box::pin(queue.put(n))).collect();
    let mut joins: Vec<_> = (0..80).map(|_| Box::pin(queue.join())).collect();
    assert!(puts.iter_mut().all(|put| poll(put).is_pending()));
    assert!(joins.iter_mut().all(|join| poll(join).is_pending()));
    queue.shutdown(true);
    for (n, put) in (1..).zip(&mut puts) {
        assert_eq!(poll(put), Poll::Ready(Err(QueueShutDown(n))));
    }
    assert!(joins.iter_mut().all(|join| poll(join).is_ready()));
}

#[test]
fn the_waits_of_a_queue_are_small() {
    const WORD: usize = size_of::<usize>();
    let queue = Queue::<u64>::unbounded();
    assert_eq!(size_of_val(&queue.get()), 9 * WORD);
    assert_eq!(size_of_val(&queue.put(1)), 11 * WORD);
    assert_eq!(size_of_val(&queue.join()), 7 * WORD);
}
