//! The log of requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::call::{Call, Credential, Place};

/// A request as it arrived, and how it was answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counts the requests of this registry from 1, in the order of arrival, whichever of its servers they met.
    pub number: u64,
    /// Which server it met.
    pub place: Place,
    /// `GET`, `PUT`, ..
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What `Authorization` held.
    pub credential: Option<Credential>,
    /// None while it is not answered, and if the connection was cut instead.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: SystemTime,
    /// When its answer began; none while there is none.
    pub answered: Option<SystemTime>,
    /// Bytes of the body that were read.
    pub received: u64,
    /// Bytes of the answer's body that were sent.
    pub sent: u64,
    /// Counts the connections of this registry from 1.
    pub connection: u64,
    /// Whether a fault applied.
    pub faulty: bool,
}

impl Request {
    /// Path and query: what faults are matched with.
    #[must_use]
    pub fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let pairs: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{}?{}", self.path, pairs.join("&"))
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a header field, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An entry of the log, whose numbers still grow.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) request: Request,
    pub(super) received: Arc<AtomicU64>,
    pub(super) sent: Arc<AtomicU64>,
}

impl Entry {
    pub(super) fn new(call: &Call, number: u64, connection: u64) -> Self {
        let request = Request {
            number,
            place: call.place,
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: call.headers.clone(),
            credential: call.credential(),
            status: None,
            at: SystemTime::now(),
            answered: None,
            received: 0,
            sent: 0,
            connection,
            faulty: false,
        };
        Self { request, received: Arc::clone(&call.received), sent: Arc::default() }
    }

    pub(super) fn request(&self) -> Request {
        let mut request = self.request.clone();
        request.received = self.received.load(Ordering::Relaxed);
        request.sent = self.sent.load(Ordering::Relaxed);
        request
    }
}
