//! Faults by rule: the answers, delays and cuts that a test asks for.

use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::request::Request;

/// How the connection ends instead of an answer, or in the middle of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The peer closes the connection without a byte.
    Close,
    /// The peer resets the connection (TCP RST) without a byte.
    Reset,
    /// Headers and half of the body arrive, then the connection ends.
    Truncate,
    /// Headers and this many bytes of the body arrive, then the connection ends.
    After(u64),
    /// The connection is reset once this many bytes of the request's body have been read (and stored).
    Upload(u64),
}

/// A rule. The first rule that matches a request and has `times` left is applied.
///
/// ```
/// # use testbed::github::{Cut, Fault};
/// # fn main() -> anyhow::Result<()> {
/// let lost = Fault::on("POST", "/deployments$")?.applied().cut(Cut::Reset);
/// let down = Fault::on("GET", "/compare/")?.status(502).times(2).after(1);
/// let busy = Fault::on("PUT", "/manifests/")?.status(429).code("TOOMANYREQUESTS").retry_after(1).times(2);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    /// The method; `*` is any.
    pub method: String,
    /// Searched in path and query as asked, e.g. `/deployments(\?|$)`.
    pub path: Regex,
    /// The answer's status; without it (and without a cut before the answer) the real answer is given, e.g. late.
    pub status: Option<u16>,
    /// The answer's body; by default what the server says of its own failures. A JSON string is sent as plain text.
    pub body: Option<Value>,
    /// Names the failure in the default body, where the server has codes for them: a registry's `errors`.
    pub code: Option<String>,
    /// Headers, set in the answer instead of its own; one without a value is taken away.
    pub headers: Vec<(String, String)>,
    /// Waited before the answer (and after the request was carried out).
    pub delay: Duration,
    /// Whether the request is carried out before it fails.
    pub applied: bool,
    /// How many requests meet the fault; `None` is every one.
    pub times: Option<u32>,
    /// How many matching requests pass before the first fault.
    pub after: u32,
    /// Whether the request is received (when `applied`: and carried out) and not answered until it is let go.
    pub hold: bool,
    /// How the connection ends.
    pub cut: Option<Cut>,
    /// One bit of the answer's body is turned over; its length stays.
    pub corrupt: bool,
    /// The pause between two pieces (64 KiB) of the answer's body.
    pub drip: Duration,
}

impl Fault {
    /// A fault for one request whose method is `method` and whose path and query match the regular expression `path`.
    ///
    /// # Errors
    ///
    /// It is no regular expression.
    pub fn on(method: &str, path: &str) -> anyhow::Result<Self> {
        Ok(Self {
            method: method.to_owned(),
            path: Regex::new(path)?,
            status: None,
            body: None,
            code: None,
            headers: Vec::new(),
            delay: Duration::ZERO,
            applied: false,
            times: Some(1),
            after: 0,
            hold: false,
            cut: None,
            corrupt: false,
            drip: Duration::ZERO,
        })
    }

    /// Answers with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Answers with this body: JSON, or a text.
    #[must_use]
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Names the failure, e.g. `TOOMANYREQUESTS`.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// Sets a header; an empty value takes it away.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.header("retry-after", &seconds.to_string())
    }

    /// Waits before it answers.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Carries the request out, then fails.
    #[must_use]
    pub fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    /// Meets this many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Meets every request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Ends the connection this way.
    #[must_use]
    pub fn cut(mut self, cut: Cut) -> Self {
        self.cut = Some(cut);
        self
    }

    /// Sends other bytes than it should.
    #[must_use]
    pub fn corrupt(mut self) -> Self {
        self.corrupt = true;
        self
    }

    /// Sends the body slowly.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        self.drip = pause;
        self
    }

    /// Receives the request, and answers nothing until it is let go: see [`super::Traffic::held`].
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    /// Whether a request it meets is answered as if there were no fault, if not as soon or as well.
    pub(super) fn is_real(&self) -> bool {
        !self.hold && self.status.is_none() && !matches!(self.cut, Some(Cut::Close | Cut::Reset))
    }

    fn matches(&self, request: &Request) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(&request.method)) && self.path.is_match(&request.target)
    }
}

/// The fault that this request meets; counts it.
pub(super) fn next(faults: &mut [Fault], request: &Request) -> Option<Fault> {
    let rule = faults.iter_mut().find(|rule| rule.times != Some(0) && rule.matches(request))?;
    if rule.after > 0 {
        rule.after -= 1;
        return None;
    }
    if let Some(times) = &mut rule.times {
        *times -= 1;
    }
    Some(rule.clone())
}
