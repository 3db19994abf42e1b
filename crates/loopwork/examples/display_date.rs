//! The time of day, every second, for five seconds of the loop's time.
//!
//! asyncio: `display_date`, with `loop.time()` and `sleep`. In a loop like this the time that the
//! work takes adds up; `interval` keeps the rhythm.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loopwork::{EventLoop, Handle, sleep};

/// How long a second of the Python program takes here.
const SECOND: Duration = Duration::from_millis(100);

/// The time of day in UTC.
fn now() -> String {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since_epoch.as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:06}", seconds % 60, since_epoch.subsec_micros())
}

async fn display_date(handle: Handle) {
    let end_time = handle.time() + SECOND * 5;
    loop {
        println!("{}", now());
        if handle.time() + SECOND >= end_time {
            break;
        }
        sleep(SECOND).await;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut event_loop = EventLoop::new()?;
    let handle = event_loop.handle();
    event_loop.run_until_complete(display_date(handle))?;
    event_loop.close();
    Ok(())
}
