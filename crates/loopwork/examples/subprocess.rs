//! Other programs: started, waited for, read from and ended.
//!
//! asyncio: `create_subprocess_exec`, `Process.wait`, `Process.terminate`. To start a process takes
//! no `await` here: see `create_subprocess_exec`.

use std::error::Error;
use std::process::Stdio;
use std::time::Duration;

use loopwork::process::{Command, create_subprocess_exec};
use loopwork::sleep;

#[loopwork::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let process = create_subprocess_exec("echo", ["hello from a child"])?;
    let status = process.wait().await?;
    println!("echo ended, successfully: {}", status.success());

    let mut process = Command::new("date").arg("-u").stdout(Stdio::piped()).spawn()?;
    let stdout = process.take_stdout().expect("it is piped");
    let mut bytes = Vec::new();
    stdout.read_to_end(&mut bytes).await?;
    process.wait().await?;
    println!("date said: {}", String::from_utf8_lossy(&bytes).trim_end());

    let process = create_subprocess_exec("sleep", ["60"])?;
    sleep(Duration::from_millis(50)).await;
    println!("sleep has ended: {}", process.returncode().is_some());
    process.terminate()?;
    process.wait().await?;
    println!("terminated, return code {:?}", process.returncode());
    Ok(())
}
