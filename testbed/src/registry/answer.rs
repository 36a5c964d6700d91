//! Answers, and the errors of the distribution specification.

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::blob::Blob;

/// What a route answers.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Blob,
    /// The part of the body that is sent.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// A route's result: both sides are answers, so that a refusal can be returned with `?`.
pub(super) type Reply = Result<Answer, Answer>;

impl Answer {
    pub(super) fn empty(status: u16) -> Self {
        Self::bytes(status, Bytes::new())
    }

    pub(super) fn bytes(status: u16, body: impl Into<Bytes>) -> Self {
        Self::blob(status, Blob::bytes(body))
    }

    pub(super) fn blob(status: u16, body: Blob) -> Self {
        let length = body.size();
        Self { status, headers: Vec::new(), body, start: 0, length }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::bytes(status, body.to_string()).header("content-type", "application/json; charset=utf-8")
    }

    /// An `errors` list with one error.
    pub(super) fn error(status: u16, code: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::json(status, &json!({"errors": [{"code": code, "message": message, "detail": null}]}))
    }

    /// Sets a header.
    pub(super) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Only this part of the body.
    pub(super) fn part(mut self, start: u64, length: u64) -> Self {
        (self.start, self.length) = (start, length);
        self
    }
}
