//! Many tasks share a few permits, and let others run while they have one.

use std::time::Instant;

use crate::contender::{Contender, Permits, Primitives};
use crate::measurement::Measurement;
use crate::plan::{ContendedPlan, Plan};
use crate::recorder::Recorder;

pub(crate) async fn semaphore<C: Primitives>(contender: &'static C, plan: Plan) -> Measurement {
    let Plan { permits, shared: ContendedPlan { tasks: count, times, sampling }, .. } = plan;
    let mut recorder = Recorder::new(sampling, count * times);
    let semaphore: &'static C::Semaphore = Box::leak(Box::new(C::Semaphore::new(permits)));
    while recorder.wants_more() {
        let mut tasks = Vec::with_capacity(count);
        let begin = Instant::now();
        for _ in 0..count {
            tasks.push(contender.spawn(acquire_often::<C, _>(semaphore, times)));
        }
        let mut acquired = 0;
        for task in tasks {
            acquired += C::join(task).await;
        }
        recorder.add(begin.elapsed());
        assert_eq!(acquired, count * times, "every task had a permit as often");
        let all: Vec<_> = (0..permits).map_while(|_| semaphore.try_acquire()).collect();
        assert_eq!(all.len(), permits, "every permit came back");
        assert!(semaphore.try_acquire().is_none(), "there are no more permits than there were");
    }
    recorder.finish()
}

/// How often it had a permit.
async fn acquire_often<C: Contender, S: Permits>(semaphore: &'static S, times: usize) -> usize {
    let mut acquired = 0;
    for _ in 0..times {
        let permit = semaphore.acquire().await;
        acquired += 1;
        C::yield_now().await;
        drop(permit);
    }
    acquired
}
