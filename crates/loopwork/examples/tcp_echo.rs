//! An echo server and its clients, in one program.
//!
//! asyncio: the TCP echo server and client of its streams documentation. Each connection is a task,
//! and on several cores connections are served at once.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};

use loopwork::net::{TcpListener, TcpStream};
use loopwork::{create_task, gather};

async fn handle_echo(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _address) = listener.accept().await?;
        drop(create_task(handle_echo(stream)));
    }
}

async fn tcp_echo_client(server: SocketAddr, message: String) -> io::Result<String> {
    let stream = TcpStream::connect(server).await?;
    println!("Send: {message}");
    stream.write_all(message.as_bytes()).await?;
    // The end of what we send is the end of the connection.
    stream.shutdown(Shutdown::Write)?;

    let (mut echo, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match stream.read(&mut buffer).await? {
            0 => break,
            n => echo.extend_from_slice(&buffer[..n]),
        }
    }
    let echo = String::from_utf8_lossy(&echo).into_owned();
    println!("Received: {echo}");
    Ok(echo)
}

#[loopwork::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = listener.local_addr()?;
    // The server never ends; it is cancelled when `main` does.
    let _server = create_task(serve(listener));

    let clients = (1..=3).map(|n| tcp_echo_client(address, format!("Hello World {n}!")));
    for echo in gather(clients).await? {
        assert!(echo?.starts_with("Hello World"));
    }
    println!("Close the connections");
    Ok(())
}
