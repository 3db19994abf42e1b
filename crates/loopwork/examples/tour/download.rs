//! A client that knows no asyncio blocks threads of the executor, and the downloads run at once.

use std::thread;

use loopwork::{Handle, wait};

use crate::tour::{Failure, Outcome, Scale, Tour};

/// Stands in for `requests.get`: it blocks, and needs no network.
fn get(scale: Scale, url: &str) -> Vec<u8> {
    thread::sleep(scale.seconds(1));
    url.as_bytes().to_vec()
}

async fn download_image(scale: Scale, url: &'static str) -> Result<Vec<u8>, Failure> {
    println!("开始下载： {url}");
    let event_loop = Handle::current()?;
    let future = event_loop.run_in_executor(None, move || get(scale, url))?;
    let response = future.await?;
    println!("下载完成");
    Ok(response)
}

pub(crate) fn run(tour: &Tour) -> Outcome {
    let url_list = ["saf", "sdafa", "adsfafd"];
    let tasks = url_list.map(|url| download_image(tour.scale, url));
    tour.event_loop()?.run_until_complete(async move {
        let (done, _pending) = wait(tasks).await;
        for task in done {
            let _image = task.await??;
        }
        Ok(())
    })?
}
