//! A tour of asyncio's textbook programs: each as it reads in Rust, printing what it prints in
//! Python.
//!
//! ```text
//! cargo run --release --example tour
//! ```
//!
//! The tour runs twice: with one worker, where the loop is asyncio's and lines come in Python's
//! order, and with all workers, where lines of independent tasks may come in another. Where
//! Python's order came from a set or from chance, or comes from threads, the program's title says
//! so. A second takes 20 ms, and times are printed as if it took one:
//!
//! | option | means |
//! |---|---|
//! | `--real-time` | a second takes a second |
//! | `--second <ms>` | a second takes so many milliseconds |
//! | `--virtual-time` | the loops have virtual clocks: only what blocks a thread takes time |
//! | `--workers <n>` | the second part runs on so many workers |
//!
//! Not on the tour yet: what needs a network or a server (aiohttp, Redis, MySQL, a web API), pools
//! of processes, async context managers, and async generators with their `asend` (the moving
//! average).

mod as_completed;
mod call_soon;
mod cancel_all;
mod coroutine;
mod coroutines_threadsafe;
mod create_task;
mod display_date;
mod done_callback;
mod download;
mod executors;
mod factorial;
mod future;
mod gather;
mod gather_results;
mod hello;
mod hello_world;
mod more_work;
mod nested;
mod now;
mod producer_consumer;
mod sleeping;
mod task_states;
mod taxis;
mod thread_loop;
mod thread_pool;
mod ticker;
mod tour;
mod two_hellos;
mod two_waits;
mod wait;

use std::env;
use std::thread::available_parallelism;
use std::time::Duration;

use loopwork::Clock;
use tour::{Outcome, Scale, Tour};

type Program = (&'static str, fn(&Tour) -> Outcome);

const PROGRAMS: &[Program] = &[
    ("gather of 1, 2 and 4 seconds", gather::run),
    ("two coroutines for a loop in another thread", thread_loop::run),
    ("hello, hello again", hello::run),
    ("two hellos and their threads", two_hellos::run),
    ("two waits of 5 seconds", two_waits::run),
    ("a single coroutine", coroutine::run),
    ("the states of a task", task_states::run),
    ("a done-callback that reads the result", done_callback::run),
    ("the result after the run", done_callback::result_after_run),
    ("gather of 5 and 3 seconds", sleeping::run),
    ("wait over 5, 3 and 4 seconds (in the order given; Python's is a set's)", wait::run),
    ("gather of 5, 3 and 4 seconds that returns the results", gather_results::run),
    ("as_completed over 5, 3 and 4 seconds", as_completed::run),
    ("cancel all tasks, as after Ctrl-C (here after 2.5 seconds)", cancel_all::run),
    ("three blocking callbacks for a loop in another thread", call_soon::run),
    ("three coroutines for a loop in another thread", coroutines_threadsafe::run),
    ("more work for a loop in another thread", more_work::run),
    ("an async iterator", ticker::run),
    ("an async comprehension", ticker::comprehension),
    ("now, and the loop's time", now::run),
    ("hello world, and stop", hello_world::run),
    ("display the date for 5 seconds", display_date::run),
    ("factorials with gather (in task order; Python's is a set's)", factorial::gathered),
    ("factorials with wait (in task order; Python's is a set's)", factorial::waited),
    ("factorials with as_completed", factorial::as_they_complete),
    ("factorials in an executor (threads decide the order)", factorial::in_executor),
    ("producer and consumer (by chance, of a fixed seed)", producer_consumer::run),
    ("come on, a first coroutine", coroutine::come_on),
    ("await, and its value", nested::sleep_value),
    ("await a coroutine", nested::one),
    ("await two, one after the other", nested::two),
    ("create_task, then await each", create_task::awaited),
    ("create_task, then wait for all", create_task::waited),
    ("a future set by another task", future::run),
    ("ten jobs on five threads (threads decide the order)", thread_pool::run),
    ("run_in_executor, the default one and another", executors::run),
    ("a fleet of taxis (a minute is a tenth of a second; by chance, of fixed seeds)", taxis::run),
    ("downloads through a blocking client (threads decide the order)", download::run),
];

fn main() -> Outcome {
    let options = Options::parse(env::args().skip(1))?;
    let scale = Scale::new(options.second);
    part("one worker, as asyncio", &Tour::new(1, scale, options.clock()))?;
    println!();
    let tour = Tour::new(options.workers, scale, options.clock());
    part(&format!("{} workers", options.workers), &tour)?;
    println!();
    println!(
        "Not on the tour yet: aiohttp, Redis, MySQL, a web API, process pools, async context \
         managers, async generators."
    );
    Ok(())
}

fn part(name: &str, tour: &Tour) -> Outcome {
    println!("━━━━ {name} ━━━━");
    for (title, program) in PROGRAMS {
        println!();
        println!("── {title} ──");
        let start = tour.now();
        program(tour)?;
        println!("   ({:.1} s)", tour.since(start));
    }
    println!();
    println!("What the workers did:");
    for (index, worker) in tour.metrics().iter().enumerate() {
        println!(
            "   worker {index}: {} steps run, {} tasks stolen, {} times parked",
            worker.polls, worker.stolen, worker.parks
        );
    }
    Ok(())
}

struct Options {
    /// How long a second is to be.
    second: Duration,
    /// How many workers the second part gets.
    workers: usize,
    virtual_time: bool,
}

impl Options {
    fn clock(&self) -> Clock {
        if self.virtual_time { Clock::virtual_time() } else { Clock::real() }
    }

    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let cores = available_parallelism().map_or(1, usize::from);
        let mut options =
            Self { second: Duration::from_millis(20), workers: cores.max(2), virtual_time: false };
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next()?.parse().ok().filter(|&number| number > 0);
            match argument.as_str() {
                "--virtual-time" => options.virtual_time = true,
                "--real-time" => options.second = Duration::from_secs(1),
                "--second" => match number() {
                    Some(millis) => options.second = Duration::from_millis(millis),
                    None => return Err("`--second` takes a number of milliseconds".to_owned()),
                },
                "--workers" => match number().and_then(|workers| workers.try_into().ok()) {
                    Some(workers) => options.workers = workers,
                    None => return Err("`--workers` takes a number".to_owned()),
                },
                _ => {
                    let usage = "[--real-time | --second <ms>] [--virtual-time] [--workers <n>]";
                    return Err(format!("no option `{argument}`; usage: tour {usage}"));
                }
            }
        }
        Ok(options)
    }
}
