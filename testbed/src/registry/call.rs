//! One request, as a route sees it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};

/// Which of the registry's three servers was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The registry itself.
    Registry,
    /// The endpoint that gives tokens.
    Tokens,
    /// Where redirected downloads go.
    Store,
}

/// Head and body of a request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) place: Place,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Incoming,
    /// The bytes of the body so far.
    pub(super) received: Arc<AtomicU64>,
    /// The body breaks off here, by a fault.
    pub(super) break_at: Option<u64>,
}

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Basic`: user and password.
    Basic(String, String),
    /// `Bearer`: a token.
    Bearer(String),
    /// Another scheme, or none that can be read.
    Other(String),
}

impl Call {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The registry as the caller names it: somebody who was sent here for another host means that host's HTTPS.
    pub(super) fn origin(&self, own: &str) -> String {
        match self.header("host") {
            host if host == own => format!("http://{own}"),
            host => format!("https://{host}"),
        }
    }

    /// The first value of a query parameter.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn credential(&self) -> Option<Credential> {
        self.headers.get("authorization").map(|value| credential(value))
    }

    /// The next bytes of the body; none at its end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame.map_err(io::Error::other)?.into_data() else { continue };
            let before = self.received.fetch_add(data.len() as u64, Ordering::Relaxed);
            if let Some(most) = self.break_at
                && before + data.len() as u64 > most
            {
                self.received.store(most, Ordering::Relaxed);
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            return Ok(Some(data));
        }
        Ok(None)
    }

    /// The whole body; none if it is larger than `most` or breaks off.
    pub(super) async fn all(&mut self, most: usize) -> Option<Vec<u8>> {
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

pub(super) fn credential(value: &str) -> Credential {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let other = Credential::Other(value.to_owned());
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Credential::Bearer(rest.to_owned()),
        "basic" => {
            let decoded = BASE64.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            match decoded.as_deref().and_then(|text| text.split_once(':')) {
                Some((user, password)) => Credential::Basic(user.to_owned(), password.to_owned()),
                None => other,
            }
        }
        _ => other,
    }
}

pub(super) fn query(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        })
        .collect()
}

/// Percent-decodes.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
