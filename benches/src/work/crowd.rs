//! Many tasks that are alive at once.

use futures::channel::oneshot;

use super::absent::Absent;
use crate::contender::Contender;

/// Tasks that each wait for a oneshot of their own, which belongs to no runtime.
pub(super) struct Crowd<C: Contender> {
    contender: &'static C,
    absent: &'static Absent,
    senders: Vec<oneshot::Sender<usize>>,
    receivers: Vec<oneshot::Receiver<usize>>,
    /// Where the handles are kept; none before the tasks are spawned.
    tasks: Vec<Option<C::Task<usize>>>,
}

impl<C: Contender> Crowd<C> {
    /// Makes the oneshots, and the room for the handles, every page of which is touched: what is
    /// allocated from here on is the tasks' own.
    pub(super) fn new(contender: &'static C, absent: &'static Absent, tasks: usize) -> Self {
        let (senders, receivers) = (0..tasks).map(|_| oneshot::channel()).unzip();
        let tasks = (0..tasks).map(|_| None).collect();
        Self { contender, absent, senders, receivers, tasks }
    }

    /// Spawns the tasks, and waits until each of them waits.
    pub(super) async fn gather(&mut self) {
        self.absent.begin(self.tasks.len());
        for (task, message) in self.tasks.iter_mut().zip(self.receivers.drain(..)) {
            *task = Some(self.contender.spawn(member(message, self.absent)));
        }
        self.absent.none().await;
    }

    /// Wakes the tasks and joins them.
    pub(super) async fn dismiss(&mut self) {
        for (number, sender) in self.senders.drain(..).enumerate() {
            sender.send(number).expect("every task waits");
        }
        for (number, task) in self.tasks.iter_mut().enumerate() {
            let task = task.take().expect("the tasks were spawned");
            assert_eq!(C::join(task).await, number, "each task has its own message");
        }
    }
}

async fn member(message: oneshot::Receiver<usize>, absent: &'static Absent) -> usize {
    // A moment early: it waits when this poll is over.
    absent.one_less();
    message.await.expect("the message is sent")
}
