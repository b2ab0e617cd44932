//! One connection that is kept: a request, its answer, the next request.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// A server that says nothing for so long has failed.
const TIMEOUT: Duration = Duration::from_secs(5);

const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A connection to a server.
pub(crate) struct Connection {
    server: SocketAddr,
    stream: TcpStream,
    received: Vec<u8>,
}

/// What a server answered.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&server, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { server, stream, received: Vec::new() })
    }

    /// In place of a connection that has failed.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        *self = Self::open(self.server)?;
        Ok(())
    }

    /// Sends a whole request and waits for its answer; after an error the connection is of no use.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request)?;
        self.received.clear();
        let mut part = [0; 16 << 10];
        loop {
            if let Some(head) = Head::read(&self.received)? {
                let end = head.bytes + head.body_bytes;
                ensure!(end <= ANSWER_BYTES_MAX, "an endless answer");
                if self.received.len() >= end {
                    ensure!(self.received.len() == end, "more than one answer");
                    return Ok(Answer { status: head.status, body: &self.received[head.bytes..] });
                }
            }
            ensure!(self.received.len() <= ANSWER_BYTES_MAX, "endless headers");
            let read = self.stream.read(&mut part)?;
            ensure!(read > 0, "the server hung up");
            self.received.extend_from_slice(&part[..read]);
        }
    }

    /// The body of a path, asked for on a connection of its own.
    pub(crate) fn get(server: SocketAddr, path: &str) -> Result<String> {
        let mut connection = Self::open(server)?;
        let answer = connection.ask(format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").as_bytes())?;
        let body = String::from_utf8_lossy(answer.body).into_owned();
        match answer.status {
            200 => Ok(body),
            status => bail!("GET {path}: {status}: {body}"),
        }
    }
}

/// The first part of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) bytes: usize,
    pub(crate) body_bytes: usize,
}

impl Head {
    /// None while it is not whole.
    pub(crate) fn read(received: &[u8]) -> Result<Option<Self>> {
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&received[..end]).context("headers that are not text")?;
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        Ok(Some(Self {
            status: status.context("an answer without a status")?,
            bytes: end + 4,
            body_bytes: length.context("an answer without a length")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 12\r\nretry-after: 1\r\n\r\n";
        for end in 0..answer.len() {
            assert_eq!(Head::read(&answer[..end]).unwrap(), None);
        }
        let head = Head { status: 503, bytes: answer.len(), body_bytes: 12 };
        assert_eq!(Head::read(answer).unwrap(), Some(head));
    }

    #[test]
    fn a_head_without_status_or_length_is_an_error() {
        assert!(Head::read(b"HTTP/1.1 200 OK\r\ndate: now\r\n\r\n").is_err());
        assert!(Head::read(b"SSH-2.0\r\ncontent-length: 1\r\n\r\n").is_err());
    }
}
