//! A computation that forks: every call is a task, and awaits the two that it spawned.

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use crate::contender::Contender;
use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::recorder::Recorder;

pub(crate) async fn fork_join<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let (result, calls) = by_hand(plan.fibonacci);
    let mut recorder = Recorder::new(plan.sampling, calls);
    while recorder.wants_more() {
        let begin = Instant::now();
        let computed = C::join(contender.spawn(fibonacci(contender, plan.fibonacci))).await;
        recorder.add(begin.elapsed());
        assert_eq!(computed, result, "every call was made and awaited");
    }
    recorder.finish()
}

/// Boxed, because it spawns itself: on every runtime alike.
fn fibonacci<C: Contender>(
    contender: &'static C,
    number: u32,
) -> Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if number < 2 {
            return number as usize;
        }
        let one = contender.spawn(fibonacci(contender, number - 1));
        let other = contender.spawn(fibonacci(contender, number - 2));
        C::join(one).await + C::join(other).await
    })
}

/// The number, and how many calls compute it.
fn by_hand(number: u32) -> (usize, usize) {
    let (mut this, mut next) = (0, 1);
    for _ in 0..number {
        (this, next) = (next, this + next);
    }
    (this, 2 * next - 1)
}

#[cfg(test)]
mod tests {
    use super::by_hand;

    #[test]
    fn fibonacci_and_its_calls() {
        assert_eq!([0, 1, 2, 3].map(by_hand), [(0, 1), (1, 1), (1, 3), (2, 5)]);
        assert_eq!(by_hand(20), (6_765, 21_891));
    }
}
