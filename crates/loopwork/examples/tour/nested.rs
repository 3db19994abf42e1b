//! `await` gives the value of what was awaited.

use loopwork::{sleep, sleep_with};

use crate::tour::{Outcome, Scale, Tour};

async fn func(scale: Scale) {
    println!("来玩呀");
    let response: Option<()> = sleep_with(scale.seconds(2), None).await;
    println!("结束 {response:?}");
}

pub(crate) fn sleep_value(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(func(tour.scale))?;
    Ok(())
}

async fn others(scale: Scale) -> &'static str {
    println!("A");
    sleep(scale.seconds(2)).await;
    println!("end");
    "返回值"
}

pub(crate) fn one(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(async {
        println!("执行协程函数内部代码");
        let response = others(tour.scale).await;
        println!("IO请求结束，结果为 {response}");
    })?;
    Ok(())
}

pub(crate) fn two(tour: &Tour) -> Outcome {
    tour.event_loop()?.run_until_complete(async {
        println!("执行协程函数内部代码");
        let response1 = others(tour.scale).await;
        println!("IO请求结束，结果为 {response1}");
        let response2 = others(tour.scale).await;
        println!("IO请求结束，结果为 {response2}");
    })?;
    Ok(())
}
