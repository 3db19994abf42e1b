//! The load of the echo row, in a process of its own and the same for every server: one thread, one
//! epoll, one message under way on each connection.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use crate::measurement::{field, join, list};
use crate::plan::EchoPlan;
use crate::statistics::quantile;

/// What the load is told, as the arguments of its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) address: SocketAddr,
    pub(crate) plan: EchoPlan,
}

/// What the load has seen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LoadReport {
    /// Messages that came back, those of the warm-up too.
    pub(crate) messages: u64,
    /// Of the time between a message and its answer, in nanoseconds, after the warm-up.
    pub(crate) p99: f64,
    /// Messages per second, for each window.
    pub(crate) rates: Vec<f64>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let order = Order::from_arguments(arguments).ok_or("the load is told an address and a plan")?;
    let report = Load::connect(&order).and_then(Load::run).map_err(|error| error.to_string())?;
    println!("{report}");
    Ok(())
}

impl Order {
    pub(crate) fn to_arguments(&self) -> [String; 7] {
        let EchoPlan { connections, bytes, warm_up, window, windows } = &self.plan;
        [
            "--load".to_owned(),
            self.address.to_string(),
            connections.to_string(),
            bytes.to_string(),
            warm_up.as_millis().to_string(),
            window.as_millis().to_string(),
            windows.to_string(),
        ]
    }

    fn from_arguments(arguments: &[String]) -> Option<Self> {
        let [address, connections, bytes, warm_up, window, windows] = arguments else {
            return None;
        };
        let plan = EchoPlan {
            connections: connections.parse().ok()?,
            bytes: bytes.parse().ok()?,
            warm_up: Duration::from_millis(warm_up.parse().ok()?),
            window: Duration::from_millis(window.parse().ok()?),
            windows: windows.parse().ok()?,
        };
        Some(Self { address: address.parse().ok()?, plan })
    }
}

struct Load {
    plan: EchoPlan,
    epoll: rustix::fd::OwnedFd,
    connections: Vec<Connection>,
    /// Messages that came back.
    messages: u64,
    counts: Vec<u64>,
    latencies: Vec<f64>,
}

struct Connection {
    stream: TcpStream,
    /// What was sent last.
    sent: Vec<u8>,
    at: Instant,
    received: Vec<u8>,
    /// How much of the answer has arrived.
    filled: usize,
}

impl Load {
    fn connect(order: &Order) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(order.plan.connections);
        for index in 0..order.plan.connections {
            let connection = Connection::connect(order)?;
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &connection.stream, data, epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        Ok(Self {
            plan: order.plan.clone(),
            epoll,
            connections,
            messages: 0,
            counts: vec![0; order.plan.windows],
            latencies: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<LoadReport> {
        let begin = Instant::now();
        let end = self.plan.warm_up + self.plan.window * self.plan.windows as u32;
        for (index, connection) in self.connections.iter_mut().enumerate() {
            connection.send(index as u64)?;
        }
        let mut under_way = self.connections.len();
        let mut events: Vec<epoll::Event> = Vec::with_capacity(under_way);
        while under_way > 0 {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None)?;
            for event in &events {
                let connection = &mut self.connections[event.data.u64() as usize];
                if !connection.receive()? {
                    continue;
                }
                let passed = begin.elapsed();
                let latency = connection.at.elapsed();
                if passed < end {
                    connection.send(self.messages)?;
                } else {
                    under_way -= 1;
                }
                self.count(passed, latency);
            }
        }
        Ok(self.report())
    }

    fn count(&mut self, passed: Duration, latency: Duration) {
        self.messages += 1;
        let Some(passed) = passed.checked_sub(self.plan.warm_up) else { return };
        let window = (passed.as_nanos() / self.plan.window.as_nanos()) as usize;
        if let Some(count) = self.counts.get_mut(window) {
            *count += 1;
            self.latencies.push(latency.as_nanos() as f64);
        }
    }

    fn report(mut self) -> LoadReport {
        let seconds = self.plan.window.as_secs_f64();
        LoadReport {
            messages: self.messages,
            p99: quantile(&mut self.latencies, 0.99).unwrap_or(f64::NAN),
            rates: self.counts.iter().map(|&count| count as f64 / seconds).collect(),
        }
    }
}

impl Connection {
    fn connect(order: &Order) -> io::Result<Self> {
        let stream = TcpStream::connect(order.address)?;
        stream.set_nodelay(true)?;
        let bytes = order.plan.bytes;
        let (sent, received) = (vec![b'.'; bytes], vec![0; bytes]);
        Ok(Self { stream, sent, at: Instant::now(), received, filled: 0 })
    }

    /// Sends a message that no other one is like.
    fn send(&mut self, number: u64) -> io::Result<()> {
        self.sent[..8].copy_from_slice(&number.to_le_bytes());
        self.filled = 0;
        self.at = Instant::now();
        self.stream.write_all(&self.sent)
    }

    /// Reads once. True if the answer is complete.
    fn receive(&mut self) -> io::Result<bool> {
        let read = self.stream.read(&mut self.received[self.filled..])?;
        self.filled += read;
        if read == 0 {
            return Err(io::Error::other("the server ended a connection, or said too much"));
        }
        if self.filled < self.sent.len() {
            return Ok(false);
        }
        if self.received != self.sent {
            return Err(io::Error::other("the server answered something else"));
        }
        Ok(true)
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages={} p99={} rates={}", self.messages, self.p99, join(&self.rates))
    }
}

impl FromStr for LoadReport {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        Ok(Self {
            messages: field(line, "messages")?,
            p99: field(line, "p99")?,
            rates: list(line, "rates")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn an_order_reads_back_as_it_was() {
        let address = SocketAddr::from(([127, 0, 0, 1], 4711));
        let order = Order { address, plan: Plan::full(2).echo };
        let arguments = order.to_arguments();
        assert_eq!(Order::from_arguments(&arguments[1..]), Some(order));
    }

    #[test]
    fn a_report_reads_back_as_it_was() {
        let report = LoadReport { messages: 12, p99: 3.5, rates: vec![100.0, 200.5] };
        assert_eq!(report.to_string().parse(), Ok(report));
    }
}
