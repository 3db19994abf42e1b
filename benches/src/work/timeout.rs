//! A time limit of a minute, which nothing needs: around what is ready, and around what waits.

use std::future::{Future, ready};
use std::time::{Duration, Instant};

use crate::contender::Combinators;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) async fn timeout_ready<C: Combinators>(plan: Plan) -> Measurement {
    limited::<C, _>(plan, || ready(())).await
}

pub(crate) async fn timeout_pending<C: Combinators>(plan: Plan) -> Measurement {
    limited::<C, _>(plan, C::yield_now).await
}

async fn limited<C, F>(plan: Plan, future: impl Fn() -> F + Send) -> Measurement
where
    C: Combinators,
    F: Future<Output = ()> + Send,
{
    let mut recorder = Recorder::new(plan.sampling, plan.timeouts);
    while recorder.wants_more() {
        let mut late = 0;
        let begin = Instant::now();
        for _ in 0..plan.timeouts {
            late += usize::from(C::timeout(LIMIT, future()).await.is_none());
        }
        recorder.add(begin.elapsed());
        assert_eq!(late, 0, "nothing takes a minute");
    }
    recorder.finish()
}
