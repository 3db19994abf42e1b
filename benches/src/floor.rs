//! The echo server that is nothing but epoll: what the system asks for the job.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;

use crate::measurement::Measurement;
use crate::plan::Plan;
use crate::usage::Usage;
use crate::work::LoadProcess;

/// Serves the echo row on this thread alone.
pub(crate) fn echo(plan: &Plan) -> Result<Measurement, String> {
    let before = Usage::now();
    let started = LoadProcess::start(&plan.echo).map_err(|error| error.to_string())?;
    let (listener, load) = started;
    let served = serve(&listener, plan.echo.connections).map_err(|error| error.to_string())?;
    load.finish(served, before)
}

/// Three system calls for a message, and fewer when several are there at once. Sockets may block:
/// one is only read when something is there, and an answer always finds room.
fn serve(listener: &TcpListener, connections: usize) -> io::Result<u64> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut streams: Vec<TcpStream> = Vec::with_capacity(connections);
    for index in 0..connections {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&epoll, &stream, data, epoll::EventFlags::IN)?;
        streams.push(stream);
    }
    let mut events: Vec<epoll::Event> = Vec::with_capacity(connections);
    let mut buffer = [0; 1024];
    let (mut bytes, mut open) = (0, connections);
    while open > 0 {
        events.clear();
        epoll::wait(&epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            let mut stream = &streams[event.data.u64() as usize];
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                epoll::delete(&epoll, stream)?;
                open -= 1;
                continue;
            }
            stream.write_all(&buffer[..read])?;
            bytes += read as u64;
        }
    }
    Ok(bytes)
}
