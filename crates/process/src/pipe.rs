//! The pipes to and from a process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use loopwork_io::{ReactorHandle, Readiness};

/// The end of a pipe that is read from: a process's output. Dropping it closes it; a process that
/// writes to it from then on gets `SIGPIPE` or an error.
#[doc(alias = "StreamReader")]
#[derive(Debug)]
pub struct PipeReader {
    inner: Readiness<OwnedFd>,
}

impl PipeReader {
    pub(crate) fn new(pipe: OwnedFd, reactor: &ReactorHandle) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { inner: Readiness::with_reactor(pipe, reactor)? })
    }

    /// Reads what there is, at least a byte unless `buffer` is empty, waiting if there is nothing
    /// yet. Zero means that everyone who could write has closed the pipe. Dropped while it waits,
    /// nothing has been read.
    ///
    /// # Errors
    ///
    /// What the system says, and if the event loop is closed.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_with(|pipe| Ok(rustix::io::read(pipe, &mut *buffer)?)).await
    }

    /// Reads until the end and appends to `bytes`. Says how much that was. Dropped while it waits,
    /// what was read so far is in `bytes`.
    ///
    /// # Errors
    ///
    /// As [`read`](PipeReader::read). What was read before is in `bytes`.
    pub async fn read_to_end(&self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        /// How much room to make at a time: what a pipe holds on Linux is eight times that.
        const CHUNK: usize = 8 * 1024;

        let before = bytes.len();
        loop {
            let start = bytes.len();
            let read = self
                .inner
                .read_with(|pipe| {
                    bytes.resize(start + CHUNK, 0);
                    let read = rustix::io::read(pipe, &mut bytes[start..]);
                    bytes.truncate(start + read.unwrap_or(0));
                    Ok(read?)
                })
                .await?;
            if read == 0 {
                return Ok(start - before);
            }
        }
    }
}

impl AsFd for PipeReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

/// The end of a pipe that is written to: a process's input. Dropping it closes it; the process then
/// reads the end of its input.
#[doc(alias = "StreamWriter")]
#[derive(Debug)]
pub struct PipeWriter {
    inner: Readiness<OwnedFd>,
}

impl PipeWriter {
    pub(crate) fn new(pipe: OwnedFd, reactor: &ReactorHandle) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { inner: Readiness::with_reactor(pipe, reactor)? })
    }

    /// Writes as much of `bytes` as the pipe takes, waiting if it takes nothing yet, and says how
    /// much that was. Dropped while it waits, nothing has been written.
    ///
    /// # Errors
    ///
    /// [`BrokenPipe`](io::ErrorKind::BrokenPipe) if nobody reads any more, what else the system
    /// says, and if the event loop is closed.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write_with(|pipe| Ok(rustix::io::write(pipe, bytes)?)).await
    }

    /// Writes all of `bytes`. Dropped while it waits, a part of them may have been written, and it
    /// is not known which.
    ///
    /// # Errors
    ///
    /// As [`write`](PipeWriter::write). A part of `bytes` may have been written then.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }
}

impl AsFd for PipeWriter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}
