//! A server that sends back what it reads; the load comes from another process.

use std::env;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use crate::contender::Contender;
use crate::load::{LoadReport, Order};
use crate::measurement::Measurement;
use crate::plan::{EchoPlan, Plan};
use crate::usage::Usage;

/// More than a message, as a server that does not know its clients has it.
const BUFFER: usize = 1024;

pub(crate) async fn echo<C: Contender>(contender: &'static C, plan: Plan) -> Measurement {
    let before = Usage::now();
    let (listener, load) = LoadProcess::start(&plan.echo).expect("the load can be started");
    let served = serve(contender, listener, plan.echo.connections).await;
    let bytes = served.expect("loopback connections do not fail");
    load.finish(bytes, before).unwrap_or_else(|message| panic!("{message}"))
}

/// Serves so many connections until they end. How many bytes went through.
async fn serve<C: Contender>(
    contender: &'static C,
    listener: TcpListener,
    connections: usize,
) -> io::Result<u64> {
    let listener = C::listen(listener)?;
    let mut tasks = Vec::with_capacity(connections);
    for _ in 0..connections {
        let stream = C::accept(&listener).await?;
        tasks.push(contender.spawn(serve_one::<C>(stream)));
    }
    let mut bytes = 0;
    for task in tasks {
        bytes += C::join(task).await?;
    }
    Ok(bytes)
}

async fn serve_one<C: Contender>(mut stream: C::Stream) -> io::Result<u64> {
    let mut buffer = [0; BUFFER];
    let mut bytes = 0;
    loop {
        let read = C::read(&mut stream, &mut buffer).await?;
        if read == 0 {
            return Ok(bytes);
        }
        C::write_all(&mut stream, &buffer[..read]).await?;
        bytes += read as u64;
    }
}

/// The process that makes the load of one server.
#[derive(Debug)]
pub(crate) struct LoadProcess {
    child: Child,
    bytes_per_message: u64,
}

impl LoadProcess {
    /// Starts the load. It connects to the listener, which it is given back.
    pub(crate) fn start(plan: &EchoPlan) -> io::Result<(TcpListener, Self)> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let order = Order { address: listener.local_addr()?, plan: plan.clone() };
        let child = Command::new(env::current_exe()?)
            .args(order.to_arguments())
            .stdout(Stdio::piped())
            .spawn()?;
        Ok((listener, Self { child, bytes_per_message: plan.bytes as u64 }))
    }

    /// What the load has seen, once all its connections have ended. `served` and `before` are the
    /// server's: the bytes that went through it, and what it had used before.
    pub(crate) fn finish(mut self, served: u64, before: Usage) -> Result<Measurement, String> {
        let used = Usage::now().since(before);
        let mut line = String::new();
        let mut output = self.child.stdout.take().expect("its output is piped");
        output.read_to_string(&mut line).map_err(|error| error.to_string())?;
        let status = self.child.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("the load failed: {status}"));
        }
        let LoadReport { messages, p99, rates } = line.parse()?;
        let expected = messages * self.bytes_per_message;
        if served != expected {
            return Err(format!("the load counts {expected} bytes, the server {served}"));
        }
        Ok(Measurement { operations: messages, used, p99: Some(p99), samples: rates })
    }
}
