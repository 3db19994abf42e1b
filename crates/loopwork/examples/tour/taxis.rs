//! A fleet of taxis, as a simulation of discrete events: each taxi is a task that sleeps until its
//! next event. Under a virtual clock that is all the simulator there has to be.
//!
//! In Python the taxis were generators, and a queue of events stood in for the clock.

use loopwork::sync::Queue;
use loopwork::{Instant, ensure_future, sleep_until};

use crate::tour::{Outcome, Scale, Tour};

const NUMBER_OF_TAXIS: u64 = 3;
// Minutes.
const SEARCH_DURATION: f64 = 5.0;
const TRIP_DURATION: f64 = 20.0;
const DEPARTURE_INTERVAL: u64 = 5;

#[derive(Debug)]
struct Event {
    time: u64,
    proc: u64,
    action: &'static str,
}

/// Numbers by chance, the same ones for the same seed: Knuth's linear congruential generator.
struct Random(u64);

impl Random {
    /// Of the exponential distribution with this mean, in whole minutes and at least one.
    fn minutes(&mut self, mean: f64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let uniform = (self.0 >> 11) as f64 / (1_u64 << 53) as f64;
        (-mean * (1.0 - uniform).ln()) as u64 + 1
    }
}

/// One taxi: it leaves the garage, searches and drives, and goes home.
struct Taxi {
    ident: u64,
    time: u64,
    begin: Instant,
    scale: Scale,
    random: Random,
}

impl Taxi {
    /// Sleeps until its time has come, and tells what happens then.
    async fn event(&self, events: &Queue<Event>, action: &'static str) {
        let since = self.scale.seconds(self.time as f64 / 10.0);
        sleep_until(self.begin + since).await;
        events.put(Event { time: self.time, proc: self.ident, action }).await.expect("it is open");
    }

    async fn drive(mut self, trips: u64, events: &Queue<Event>) {
        self.event(events, "leave garage").await;
        for _ in 0..trips {
            self.time += self.random.minutes(SEARCH_DURATION);
            self.event(events, "pick up passenger").await;
            self.time += self.random.minutes(TRIP_DURATION);
            self.event(events, "drop off passenger").await;
        }
        self.time += 1;
        self.event(events, "going home").await;
    }
}

async fn simulate(begin: Instant, scale: Scale) -> Outcome {
    let events = std::sync::Arc::new(Queue::new(0));
    let taxis: Vec<_> = (0..NUMBER_OF_TAXIS)
        .map(|ident| {
            let events = events.clone();
            let time = ident * DEPARTURE_INTERVAL;
            let taxi = Taxi { ident, time, begin, scale, random: Random(ident + 17) };
            ensure_future(async move { taxi.drive((ident + 1) * 2, &events).await })
        })
        .collect();
    // So many as each taxi has.
    for _ in 0..(0..NUMBER_OF_TAXIS).map(|ident| 4 * (ident + 1) + 2).sum() {
        let Event { time, proc, action } = events.get().await?;
        let indent = " ".repeat(proc as usize);
        println!("taxi: {proc} {indent} Event(time={time}, proc={proc}, action='{action}')");
    }
    for taxi in taxis {
        taxi.await?;
    }
    println!("*** end of events ***");
    Ok(())
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let mut event_loop = tour.event_loop()?;
    event_loop.run_until_complete(simulate(tour.now(), tour.scale))??;
    event_loop.close();
    Ok(())
}
