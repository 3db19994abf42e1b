//! An async iterator is a `Stream`: here one that gives a number every second.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use loopwork::iter::{Stream, alist, anext, filterfalse};
use loopwork::{Sleep, sleep};

use crate::tour::{Outcome, Tour};

/// Gives the numbers from 0 to `to`, with `delay` between them.
struct Ticker {
    delay: Duration,
    i: u32,
    to: u32,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Ticker {
    fn new(delay: Duration, to: u32) -> Self {
        Self { delay, i: 0, to, pause: None }
    }
}

impl Stream for Ticker {
    type Item = u32;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u32>> {
        if self.i >= self.to {
            return Poll::Ready(None);
        }
        if self.i > 0 {
            let delay = self.delay;
            let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(delay)));
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        self.i += 1;
        Poll::Ready(Some(self.i - 1))
    }
}

async fn print_all(mut ticker: Ticker) {
    while let Some(i) = anext(&mut ticker).await {
        println!("{i}");
    }
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let ticker = Ticker::new(tour.scale.seconds(1), 5);
    tour.event_loop()?.run_until_complete(print_all(ticker))?;
    Ok(())
}

/// `[i async for i in Ticker(1, 5) if i % 2]`
pub(crate) fn comprehension(tour: &Tour) -> Outcome {
    let ticker = Ticker::new(tour.scale.seconds(1), 5);
    let odd = filterfalse(|i| i % 2 == 0, ticker);
    let result = tour.event_loop()?.run_until_complete(alist(odd))?;
    println!("{result:?}");
    Ok(())
}
