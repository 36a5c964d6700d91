//! One request, as a server reads it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};

use super::log::Counts;
use super::request::Request;

/// A request whose body is read as far as the server wants.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request,
    body: Incoming,
    /// The body breaks off here, by a fault.
    pub(super) break_at: Option<u64>,
    pub(super) counts: Arc<Counts>,
}

impl Call {
    pub(super) fn new(request: hyper::Request<Incoming>) -> Self {
        let (head, body) = request.into_parts();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let request = Request::new(head.method.as_str(), target, headers);
        Self { request, body, break_at: None, counts: Arc::default() }
    }

    /// The next bytes of the body; none at its end.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
            let before = self.counts.received.fetch_add(data.len() as u64, Ordering::Relaxed);
            if let Some(most) = self.break_at
                && before + data.len() as u64 > most
            {
                self.counts.received.store(most, Ordering::Relaxed);
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            return Ok(Some(data));
        }
        Ok(None)
    }

    /// The whole body; none if it is larger than `most` or breaks off.
    pub(crate) async fn all(&mut self, most: usize) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(bytes) = self.next().await.ok()? {
            all.extend_from_slice(&bytes);
            if all.len() > most {
                return None;
            }
        }
        Some(all)
    }
}
