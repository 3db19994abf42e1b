use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use futures::executor::block_on;
use loopwork_sync::{Guard, ReadGuard, RwLock, RwLockReadGuard};

use crate::{Count, ROUNDS, for_threads, in_threads, poll, poll_with};

#[test]
fn many_read_or_one_writes() {
    let lock = RwLock::new(1);
    let (a, b) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    assert_eq!((*a, *b), (1, 1));
    assert!(lock.try_write().is_none());
    assert_eq!(format!("{lock:?}"), "RwLock { readers: 2, writer: false, waiters: 0 }");
    drop((a, b));
    let mut writer = lock.try_write().unwrap();
    *writer = 2;
    assert!(lock.try_read().is_none() && lock.try_write().is_none());
    assert_eq!(format!("{lock:?}"), "RwLock { readers: 0, writer: true, waiters: 0 }");
    drop(writer);
    assert_eq!(lock.into_inner(), 2);
}

#[test]
fn a_writer_that_waits_is_not_passed_by_readers_and_they_come_together_after_it() {
    let lock = RwLock::new(0);
    let reader = lock.try_read().unwrap();
    let mut writer = Box::pin(lock.write());
    assert!(poll(&mut writer).is_pending());
    let mut readers: Vec<_> = (0..3).map(|_| Box::pin(lock.read())).collect();
    assert!(lock.try_read().is_none());
    assert!(readers.iter_mut().all(|reader| poll(reader).is_pending()));
    drop(reader);
    assert!(readers.iter_mut().all(|reader| poll(reader).is_pending()));
    let Poll::Ready(guard) = poll(&mut writer) else { panic!("it is its turn") };
    drop(guard);
    let reading: Vec<_> = readers.iter_mut().map(poll).collect();
    assert!(reading.iter().all(Poll::is_ready));
}

#[test]
fn a_writer_that_leaves_lets_the_readers_behind_it_read() {
    let lock = RwLock::new(0);
    let reader = lock.try_read().unwrap();
    let (mut writer, mut behind) = (Box::pin(lock.write()), Box::pin(lock.read()));
    let (count, waker) = Count::new();
    assert!(poll(&mut writer).is_pending() && poll_with(&mut behind, &waker).is_pending());
    drop(writer);
    assert_eq!(count.get(), 1);
    assert!(poll(&mut behind).is_ready());
    drop(reader);
}

#[test]
fn what_was_handed_to_a_dropped_wait_goes_on() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let (mut a, mut b) = (Box::pin(lock.write()), Box::pin(lock.read()));
    assert!(poll(&mut a).is_pending() && poll(&mut b).is_pending());
    drop(held);
    drop(a);
    drop(b);
    assert!(lock.try_write().is_some());
}

#[test]
fn a_writer_becomes_a_reader_and_the_only_reader_a_writer() {
    let lock = RwLock::new(0);
    let mut writer = lock.try_write().unwrap();
    *writer = 1;
    let (mut reader, mut next) = (Box::pin(lock.read()), Box::pin(lock.write()));
    assert!(poll(&mut reader).is_pending() && poll(&mut next).is_pending());
    let downgraded = Guard::downgrade(writer);
    let Poll::Ready(reading) = poll(&mut reader) else { panic!("it may read too") };
    assert_eq!((*downgraded, *reading), (1, 1));
    let downgraded = ReadGuard::try_upgrade(downgraded).expect_err("another reads");
    drop(reading);
    let downgraded = ReadGuard::try_upgrade(downgraded).expect_err("a writer waits");
    drop(next);
    *ReadGuard::try_upgrade(downgraded).expect("nobody else") = 2;
    assert_eq!(*lock.try_read().unwrap(), 2);
}

#[test]
fn owned_guards_keep_the_lock_alive() {
    let lock: Arc<RwLock<[i32]>> = Arc::new(RwLock::new([1, 2]));
    let reader = block_on(lock.clone().read_owned());
    assert!(lock.clone().try_write_owned().is_none());
    let also = lock.clone().try_read_owned().unwrap();
    assert_eq!(reader.len() + also.len(), 4);
    drop((reader, also));
    block_on(lock.clone().write_owned())[0] += 1;
    lock.clone().try_write_owned().unwrap()[1] += 1;
    assert_eq!(&*lock.blocking_read(), [2, 3]);
    assert_eq!(Arc::strong_count(&lock), 1);
    drop(lock.blocking_write());
}

#[test]
fn a_part_of_the_value_is_written() {
    let lock = RwLock::new((1, 2));
    *Guard::map(lock.try_write().unwrap(), |pair| &mut pair.1) = 3;
    assert_eq!(*lock.try_read().unwrap(), (1, 3));
}

#[test]
fn writers_are_alone_and_lose_no_count() {
    for_threads(|threads| {
        let (lock, readers) = (RwLock::new(0), AtomicUsize::new(0));
        let mut writes = AtomicUsize::new(0);
        in_threads(threads, |thread| {
            for round in 0..ROUNDS {
                match (thread + round) % 4 {
                    0 => {
                        let mut guard = block_on(lock.write());
                        assert_eq!(readers.load(Ordering::SeqCst), 0);
                        *guard += 1;
                        writes.fetch_add(1, Ordering::SeqCst);
                        if round % 8 == 0 {
                            drop(Guard::downgrade(guard));
                        }
                    }
                    1 => {
                        if let Ok(mut guard) = ReadGuard::try_upgrade(block_on(lock.read())) {
                            *guard += 1;
                            writes.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    2 => {
                        drop(poll(&mut Box::pin(lock.write())));
                        drop(poll(&mut Box::pin(lock.read())));
                    }
                    _ => {
                        let guard = lock.blocking_read();
                        readers.fetch_add(1, Ordering::SeqCst);
                        let before = *guard;
                        std::hint::spin_loop();
                        assert_eq!(*guard, before);
                        readers.fetch_sub(1, Ordering::SeqCst);
                    }
                }
            }
        });
        assert_eq!(lock.into_inner(), *writes.get_mut());
    });
}

/// What is shared by threads that read has to be `Sync`; what one has at a time, `Send`.
#[test]
fn locks_are_as_send_and_sync_as_their_values() {
    fn is_sync<T: Sync>() {}
    fn is_send<T: Send>() {}
    is_sync::<loopwork_sync::Lock<std::cell::Cell<u8>>>();
    is_sync::<loopwork_sync::Mutex<std::cell::Cell<u8>>>();
    is_sync::<RwLock<u8>>();
    is_sync::<RwLockReadGuard<'_, u8>>();
    is_send::<RwLockReadGuard<'_, u8>>();
    is_send::<loopwork_sync::LockGuard<'_, std::cell::Cell<u8>>>();
    is_send::<loopwork_sync::Wait<&RwLock<u8>>>();
}

#[test]
fn it_is_small() {
    const WORD: usize = size_of::<usize>();
    assert_eq!(size_of::<RwLock<()>>(), 3 * WORD);
    assert_eq!(size_of::<RwLockReadGuard<'_, ()>>(), WORD);
    let lock = RwLock::new(());
    assert_eq!((size_of_val(&lock.read()), size_of_val(&lock.write())), (7 * WORD, 7 * WORD));
}
