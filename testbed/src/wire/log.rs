//! What came to a server, for tests to read.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use regex::Regex;
use tokio::sync::watch;
use tokio::time::timeout;

use super::request::Request;
use crate::lock::lock;

/// How long [`Log::wait_for_requests`] waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connections and requests of a server.
#[derive(Debug, Default)]
pub struct Log {
    entries: Mutex<Vec<Entry>>,
    /// How many requests have arrived since the start.
    arrivals: watch::Sender<u64>,
    connections: AtomicUsize,
}

#[derive(Debug)]
struct Entry {
    request: Request,
    counts: Arc<Counts>,
}

/// The bytes of a request's bodies, which still grow.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
}

impl Log {
    /// The requests so far, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        let entries = lock(&self.entries);
        let now = |entry: &Entry| Request {
            received: entry.counts.received.load(Ordering::Relaxed),
            sent: entry.counts.sent.load(Ordering::Relaxed),
            ..entry.request.clone()
        };
        entries.iter().map(now).collect()
    }

    /// Forgets the requests so far. Their numbers are not used again.
    pub fn clear_requests(&self) {
        lock(&self.entries).clear();
    }

    /// The connections so far, those without a request included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many requests have arrived since the start.
    ///
    /// # Panics
    ///
    /// They have not after 30 s.
    pub async fn wait_for_requests(&self, count: usize) {
        let mut arrivals = self.arrivals.subscribe();
        let seen = timeout(PATIENCE, arrivals.wait_for(|arrived| *arrived >= count as u64)).await.is_ok();
        assert!(seen, "{} requests instead of {count}: {:?}", self.requests().len(), self.requests());
    }

    /// Waits for a request of this method whose path matches the regular expression, and returns it; one that is in the
    /// log already counts. It may not be answered yet: with a delaying fault, this is the moment to kill the program.
    ///
    /// # Errors
    ///
    /// `path` is no regular expression.
    pub async fn arrived(&self, method: &str, path: &str) -> anyhow::Result<Request> {
        let path = Regex::new(path)?;
        let mut arrivals = self.arrivals.subscribe();
        loop {
            let mut log = self.requests().into_iter();
            if let Some(found) = log.find(|request| request.method == method && path.is_match(request.path())) {
                return Ok(found);
            }
            // The sender lives as long as `self`.
            let _ = arrivals.changed().await;
        }
    }

    /// Asserts that each request came on a connection of its own.
    ///
    /// # Panics
    ///
    /// Two shared one.
    #[track_caller]
    pub fn assert_fresh_connections(&self) {
        let requests = self.requests();
        let connections: BTreeSet<usize> = requests.iter().map(|request| request.connection).collect();
        assert_eq!(connections.len(), requests.len(), "requests shared a connection: {requests:?}");
    }

    /// The number of a connection that begins.
    pub(crate) fn connect(&self) -> usize {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Gives a request its number and notes it.
    pub(crate) fn note(&self, request: &mut Request, counts: &Arc<Counts>) {
        let mut entries = lock(&self.entries);
        request.number = *self.arrivals.borrow() + 1;
        entries.push(Entry { request: request.clone(), counts: Arc::clone(counts) });
        self.arrivals.send_replace(request.number);
    }

    /// Notes a request that was read to its end.
    pub(crate) fn note_whole(&self, request: &mut Request) -> Arc<Counts> {
        let counts = Arc::new(Counts { received: AtomicU64::new(request.body.len() as u64), ..Counts::default() });
        self.note(request, &counts);
        counts
    }

    /// Notes how a request was answered; without a status, it was not.
    pub(crate) fn settle(&self, number: u64, status: Option<u16>) {
        let mut entries = lock(&self.entries);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.request.number == number) {
            entry.request.status = status;
            entry.request.answered = Some(SystemTime::now());
        }
    }
}
