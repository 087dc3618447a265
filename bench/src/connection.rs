//! One keep-alive connection of the generator: a request in flight at most, an answer read to its end.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use mio::net::TcpStream;

/// A whole answer.
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The head as text, without the first line's line break.
    pub head: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").skip(1);
        lines.find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection and what it is doing.
pub struct Connection {
    stream: TcpStream,
    outgoing: Vec<u8>,
    sent: usize,
    incoming: Vec<u8>,
    started: Instant,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self {
            stream,
            outgoing: Vec::new(),
            sent: 0,
            incoming: Vec::with_capacity(8192),
            started: Instant::now(),
        })
    }

    /// The socket, to be registered.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// When the request in flight was begun.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Begins a request.
    pub fn send(&mut self, request: &[u8]) -> Result<()> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(request);
        self.sent = 0;
        self.incoming.clear();
        self.started = Instant::now();
        self.flush()
    }

    /// Forgets the answer, which has been judged.
    pub fn forget(&mut self) {
        self.incoming.clear();
    }

    /// Writes what the socket takes.
    pub fn flush(&mut self) -> Result<()> {
        while self.sent < self.outgoing.len() {
            match self.stream.write(&self.outgoing[self.sent..]) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads what is there; true when the answer is whole.
    pub fn receive(&mut self) -> Result<bool> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => self.incoming.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.split()?.is_some())
    }

    /// The whole answer.
    pub fn answer(&self) -> Result<Answer<'_>> {
        let (head, length) = self.split()?.ok_or_else(|| anyhow!("the answer is not whole"))?;
        let text = std::str::from_utf8(&self.incoming[..head])?;
        let status = text.get(9..12).and_then(|code| code.parse().ok()).unwrap_or(0);
        Ok(Answer { status, head: text, body: &self.incoming[head + 4..head + 4 + length] })
    }

    /// Where the head ends and how long the body is, once all of it is there.
    fn split(&self) -> Result<Option<(usize, usize)>> {
        let Some(head) = self.incoming.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&self.incoming[..head])?;
        let mut lines = text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let length = lines.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = match length {
            Some((_, value)) => value.trim().parse()?,
            None if text.get(9..12) == Some("204") => 0,
            None => bail!("an answer without Content-Length"),
        };
        Ok((self.incoming.len() >= head + 4 + length).then_some((head, length)))
    }
}
