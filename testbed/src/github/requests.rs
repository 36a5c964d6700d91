//! The log of requests, for tests to read.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

/// A request as it arrived, with the answer's status.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `POST`, ..
    pub method: String,
    /// The path as asked, base path included, still percent-encoded.
    pub path: String,
    /// Path and query as asked: what faults are matched with.
    pub target: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// Headers by lower-case name, without `authorization`.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; null without one.
    pub body: Value,
    /// The token it came with.
    pub token: Option<String>,
    /// The status it was answered with; none when the connection was cut before an answer, or none is given yet.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: SystemTime,
    /// When its answer, or the cut instead of one, was decided; none while it is not.
    pub answered: Option<SystemTime>,
    /// Whether a fault applied.
    pub faulty: bool,
    pub(crate) number: u64,
}

impl Request {
    /// `POST /repos/org/app/deployments`: method and path, for assertions on the order of requests.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
