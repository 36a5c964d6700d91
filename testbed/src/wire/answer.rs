//! Answers, and how their bodies are sent: whole, slowly, wrongly, or not to their end.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::header::CONTENT_LENGTH;
use serde_json::Value;
use tokio::time::Sleep;

use super::fault::{Cut, Fault};
use super::log::Counts;

/// What a body is taken from.
pub(crate) trait Content: Debug + Send + Sync {
    fn size(&self) -> u64;

    /// The next piece from `offset` on, at most `most` bytes of it; none at the end.
    fn chunk(&self, offset: u64, most: u64) -> Option<Bytes>;
}

impl Content for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn chunk(&self, offset: u64, most: u64) -> Option<Bytes> {
        let start = usize::try_from(offset).ok().filter(|start| *start < self.len())?;
        let end = usize::try_from(most).unwrap_or(usize::MAX).saturating_add(start).min(self.len());
        (start < end).then(|| self.slice(start..end))
    }
}

/// What a route answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content: Box<dyn Content>,
}

impl Answer {
    pub(crate) fn new(status: u16, content: impl Content + 'static) -> Self {
        Self { status, headers: Vec::new(), content: Box::new(content) }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, Bytes::new())
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, Bytes::from(body.to_string())).header("content-type", "application/json; charset=utf-8")
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, Bytes::from(body.into())).header("content-type", "text/plain; charset=utf-8")
    }

    /// Sets a header; an empty value takes it away.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value));
        }
        self
    }

    /// A header more, beside others of the name.
    pub(crate) fn and_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// What is sent of it under this fault.
    pub(super) fn response(
        self,
        to_head: bool,
        fault: Option<&Fault>,
        counts: Arc<Counts>,
    ) -> io::Result<hyper::Response<Sent>> {
        let bodiless = matches!(self.status, 204 | 304);
        let size = self.content.size();
        let mut builder = hyper::Response::builder().status(self.status);
        if !bodiless {
            builder = builder.header(CONTENT_LENGTH, size);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let end = if bodiless || to_head { 0 } else { size };
        let cut = fault.and_then(|fault| match fault.cut? {
            Cut::Truncate => Some(size / 2),
            Cut::After(bytes) => Some(bytes.min(size)),
            Cut::Close | Cut::Reset | Cut::Upload(_) => None,
        });
        let body = Sent {
            content: self.content,
            at: 0,
            end,
            stop: cut.filter(|_| !bodiless && !to_head),
            corrupt: fault.is_some_and(|fault| fault.corrupt).then_some(size / 2),
            drip: fault.map(|fault| fault.drip).unwrap_or_default(),
            pause: None,
            flushed: false,
            counts,
        };
        builder.body(body).map_err(io::Error::other)
    }
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Sent {
    content: Box<dyn Content>,
    at: u64,
    end: u64,
    stop: Option<u64>,
    corrupt: Option<u64>,
    drip: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    flushed: bool,
    counts: Arc<Counts>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        let until = self.stop.unwrap_or(self.end);
        if let Some(piece) = self.content.chunk(self.at, until.saturating_sub(self.at)) {
            let piece = match self.corrupt {
                Some(place) if (self.at..self.at + piece.len() as u64).contains(&place) => {
                    let mut other = piece.to_vec();
                    let offset = usize::try_from(place - self.at).unwrap_or_default();
                    other[offset] ^= 1;
                    other.into()
                }
                _ => piece,
            };
            self.at += piece.len() as u64;
            self.counts.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            if !self.drip.is_zero() {
                self.pause = Some(Box::pin(tokio::time::sleep(self.drip)));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.stop {
            None => Poll::Ready(None),
            // An error at once would take back what has not left yet: one turn lets it be written.
            Some(_) if !self.flushed => {
                self.flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(_) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stop.is_none() && self.at >= self.end
    }
}
