//! Answers of a scripted server, polite and otherwise.

use std::time::Duration;

use serde_json::Value;

/// One answer of a script.
#[derive(Clone, Debug)]
#[must_use]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) delay: Duration,
    pub(super) kind: Kind,
}

/// What follows the head of an answer, or comes in its place.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A body with its length.
    Plain(Vec<u8>),
    /// A body in chunks.
    Chunked(Vec<u8>),
    /// A body whose `Content-Length` says something else.
    Claiming(u64, Vec<u8>),
    /// So many bytes of `x`, in chunks.
    Huge(u64),
    /// One byte of `x` per interval, for ever.
    Drip(Duration),
    /// Nothing, for ever.
    Hang,
    /// The connection is reset.
    Reset,
    /// The connection is closed.
    Close,
}

impl Answer {
    fn new(status: u16, kind: Kind) -> Self {
        Self { status, headers: Vec::new(), delay: Duration::ZERO, kind }
    }

    /// 200 with the body `ok`.
    pub fn ok() -> Self {
        Self::text("ok")
    }

    /// A status with an empty body.
    pub fn status(status: u16) -> Self {
        Self::new(status, Kind::Plain(Vec::new()))
    }

    /// 200 with a text.
    pub fn text(body: impl Into<String>) -> Self {
        Self::status(200).header("Content-Type", "text/plain; charset=utf-8").body(body.into())
    }

    /// 200 with JSON.
    pub fn json(body: &Value) -> Self {
        Self::status(200).header("Content-Type", "application/json").body(body.to_string())
    }

    /// A redirection (`302`) to a URL.
    pub fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// 200, then one byte per interval, for ever.
    pub fn drip(interval: Duration) -> Self {
        Self::new(200, Kind::Drip(interval))
    }

    /// 200, then so many bytes, streamed in chunks. [`super::WebServer::sent`] tells how many were taken.
    pub fn huge(bytes: u64) -> Self {
        Self::new(200, Kind::Huge(bytes))
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self::new(0, Kind::Hang)
    }

    /// Takes the request and resets the connection (RST).
    pub fn reset() -> Self {
        Self::new(0, Kind::Reset)
    }

    /// Takes the request and closes the connection without an answer.
    pub fn close() -> Self {
        Self::new(0, Kind::Close)
    }

    /// With another status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body, and its length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.kind = Kind::Plain(body.into());
        self
    }

    /// Given only after this time.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The body in chunks of at most seven bytes, without a length.
    pub fn chunked(mut self) -> Self {
        self.kind = Kind::Chunked(self.take_body());
        self
    }

    /// The body compressed, with `Content-Encoding: gzip`.
    pub fn gzip(mut self) -> Self {
        let body = gzip(&self.take_body());
        self.header("Content-Encoding", "gzip").body(body)
    }

    /// A `Content-Length` that is not the body's; the connection is closed after the body.
    pub fn claiming_length(mut self, length: u64) -> Self {
        self.kind = Kind::Claiming(length, self.take_body());
        self
    }

    fn take_body(&mut self) -> Vec<u8> {
        match &mut self.kind {
            Kind::Plain(body) | Kind::Chunked(body) | Kind::Claiming(_, body) => std::mem::take(body),
            _ => Vec::new(),
        }
    }
}

/// A gzip file (RFC 1952) of stored blocks (RFC 1951, 3.2.4): valid, if not small.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = data.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        file.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        file.push(u8::from(blocks.peek().is_none()));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    file.extend(crc32(data).to_le_bytes());
    file.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    file
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_gzip() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
