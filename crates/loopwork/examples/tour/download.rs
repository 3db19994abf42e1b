//! A client that knows no asyncio blocks threads of the executor, and the downloads run at once.

use std::error::Error;
use std::thread;

use loopwork::{Handle, wait};

use crate::tour::{Outcome, Scale, Tour};

type Failure = Box<dyn Error + Send + Sync>;

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
    let (done, _pending) = tour.event_loop()?.run_until_complete(wait(tasks))?;
    assert_eq!(done.len(), url_list.len());
    Ok(())
}
