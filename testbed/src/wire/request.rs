//! A request as it arrived, and how it was answered.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::percent::pairs;

/// A request, the same at every server.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counts the requests of a server from 1, in the order of arrival.
    pub number: u64,
    /// On which connection, counted from 1.
    pub connection: usize,
    /// The server's address, `127.0.0.1:port`.
    pub host: String,
    /// `GET`, `POST`, ..
    pub method: String,
    /// Path and query as asked, which faults are matched with; at a proxy a whole URL or, with `CONNECT`, host and port.
    pub target: String,
    /// As sent, in order.
    pub headers: Vec<(String, String)>,
    /// Empty where the server takes the body piece by piece: the content of a registry's blobs.
    pub body: Vec<u8>,
    /// When it arrived.
    pub at: SystemTime,
    /// None while it is not answered, and if the connection was cut instead.
    pub status: Option<u16>,
    /// When its answer, or the cut instead of one, was decided; none while it is not.
    pub answered: Option<SystemTime>,
    /// Bytes of the body that were read.
    pub received: u64,
    /// Bytes of the answer's body that were sent.
    pub sent: u64,
    /// Whether a fault applied.
    pub faulty: bool,
}

/// Whose request it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// `Basic`: user and password.
    Basic(String, String),
    /// `Bearer`, and GitHub's `token`: a token.
    Bearer(String),
    /// Another scheme, or none that can be read.
    Other(String),
}

impl Request {
    /// One that arrives now.
    pub(crate) fn new(method: &str, target: &str, headers: Vec<(String, String)>) -> Self {
        Self {
            number: 0,
            connection: 0,
            host: String::new(),
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: Vec::new(),
            at: SystemTime::now(),
            status: None,
            answered: None,
            received: 0,
            sent: 0,
            faulty: false,
        }
    }

    /// The target without its query, still percent-encoded.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// `POST /repos/org/app/deployments`: method and path, for assertions on the order of requests.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path())
    }

    /// The parameters of the query, decoded, in order.
    pub fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        pairs(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    /// The first value of a parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<String> {
        self.parameters().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What `Authorization` holds.
    #[must_use]
    pub fn credential(&self) -> Option<Credential> {
        let value = self.header("authorization")?;
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let known = match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" => Some(Credential::Bearer(rest.trim().to_owned())),
            "basic" => {
                let decoded = BASE64.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
                pair.map(|(user, password)| Credential::Basic(user.to_owned(), password.to_owned()))
            }
            _ => None,
        };
        Some(known.unwrap_or_else(|| Credential::Other(value.to_owned())))
    }

    /// The token it came with.
    #[must_use]
    pub fn token(&self) -> Option<String> {
        match self.credential()? {
            Credential::Bearer(token) => Some(token),
            Credential::Basic(..) | Credential::Other(_) => None,
        }
    }
}
