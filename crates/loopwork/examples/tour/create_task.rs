//! A task runs beside the one that made it.

use loopwork::{TaskError, create_task, sleep, wait};

use crate::tour::{Outcome, Scale, Tour};

async fn func1(scale: Scale) -> &'static str {
    println!("1");
    sleep(scale.seconds(2)).await;
    println!("2");
    "返回值"
}

async fn func2(scale: Scale) -> &'static str {
    println!("3");
    sleep(scale.seconds(2)).await;
    println!("4");
    "返回值"
}

async fn await_each(scale: Scale) -> Result<(), TaskError> {
    println!("main开始");
    // The tasks are on the loop from here on.
    let task1 = create_task(func1(scale));
    let task2 = create_task(func2(scale));
    println!("main结束");
    // At an await, the loop turns to the other tasks.
    let ret1 = task1.await?;
    let ret2 = task2.await?;
    println!("{ret1} {ret2}");
    Ok(())
}

pub(crate) fn awaited(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(await_each(tour.scale))??;
    Ok(())
}

async fn await_all(scale: Scale) {
    println!("main开始");
    let task_list = [create_task(func1(scale)), create_task(func2(scale))];
    println!("main结束");
    let (done, _pending) = wait(task_list).await;
    println!("{done:?}");
}

pub(crate) fn waited(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(await_all(tour.scale))?;
    Ok(())
}
