//! Three factorials, step by step: four ways to run them at once.

use std::thread;

use loopwork::{Handle, TaskError, as_completed, gather, sleep, wait};

use crate::tour::{Failure, Outcome, Scale, Tour};

async fn factorial(scale: Scale, name: &'static str, number: u32) -> u32 {
    let mut f = 1;
    for i in 2..=number {
        println!("Task {name}: Compute factorial({i})...");
        sleep(scale.seconds(1)).await;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    f
}

pub(crate) fn gathered(tour: &Tour) -> Outcome {
    let work = [("A", 2), ("B", 3), ("C", 4)].map(|(name, n)| factorial(tour.scale, name, n));
    tour.event_loop()?.run_until_complete(gather(work))??;
    Ok(())
}

pub(crate) fn waited(tour: &Tour) -> Outcome {
    let work = [("A", 2), ("B", 3), ("C", 4)].map(|(name, n)| factorial(tour.scale, name, n));
    let (_done, _pending) = tour.event_loop()?.run_until_complete(wait(work))?;
    Ok(())
}

pub(crate) fn as_they_complete(tour: &Tour) -> Outcome {
    let work = [("A", 2), ("B", 3), ("C", 4)].map(|(name, n)| factorial(tour.scale, name, n));
    tour.event_loop()?.run_until_complete(async move {
        let mut completed = as_completed(work);
        while let Some(f) = completed.next().await {
            let _result = f.await?;
        }
        Ok::<_, TaskError>(())
    })??;
    Ok(())
}

/// The same with waits that block, on threads of the loop's executor.
async fn blocking_factorial(scale: Scale, name: &str, number: u32) -> Result<u32, Failure> {
    let mut f = 1;
    for i in 2..=number {
        println!("Task {name}: Compute factorial({i})...");
        let event_loop = Handle::current()?;
        event_loop.run_in_executor(None, move || thread::sleep(scale.seconds(1)))?.await?;
        f *= i;
    }
    println!("Task {name}: factorial({number}) = {f}");
    Ok(f)
}

pub(crate) fn in_executor(tour: &Tour) -> Outcome {
    let work =
        [("A", 2), ("B", 3), ("C", 4)].map(|(name, n)| blocking_factorial(tour.scale, name, n));
    tour.event_loop()?.run_until_complete(async move {
        let (done, _pending) = wait(work).await;
        for task in done {
            let _f = task.await??;
        }
        Ok(())
    })?
}
