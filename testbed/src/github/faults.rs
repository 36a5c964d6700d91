//! Faults by rule: the answers, delays and cuts that a test asks for.

use std::time::Duration;

use regex::Regex;
use serde_json::Value;

/// How the connection ends instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The peer closes the connection without a byte.
    Close,
    /// The peer resets the connection (TCP RST).
    Reset,
    /// Headers and half of the body arrive, then the connection ends.
    Truncate,
}

/// A rule. The first rule that matches a request and has `times` left is applied.
///
/// ```
/// # use testbed::github::{Cut, Fault};
/// # fn main() -> anyhow::Result<()> {
/// let lost = Fault::on("POST", "/deployments$")?.applied().cut(Cut::Reset);
/// let down = Fault::on("GET", "/compare/")?.status(502).times(2).after(1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    /// The method; `*` is any.
    pub method: String,
    /// Searched in path and query, e.g. `/deployments(\?|$)`.
    pub path: Regex,
    /// The answer's status; without it (and without `cut`) the real answer is given, e.g. late.
    pub status: Option<u16>,
    /// The answer's body; default `{"message": "Server Error"}`. A JSON string is sent as plain text.
    pub body: Option<Value>,
    /// Headers, added to the answer's own.
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
}

impl Fault {
    /// A fault for one request whose method is `method` and whose path and query match the regular expression `path`.
    pub fn on(method: &str, path: &str) -> anyhow::Result<Self> {
        Ok(Self {
            method: method.to_owned(),
            path: Regex::new(path)?,
            status: None,
            body: None,
            headers: Vec::new(),
            delay: Duration::ZERO,
            applied: false,
            times: Some(1),
            after: 0,
            hold: false,
            cut: None,
        })
    }

    /// Answers with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Answers with this body.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
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

    /// Receives the request, and answers nothing until it is let go: see [`super::LocalGithub::held`].
    #[must_use]
    pub fn hold(mut self) -> Self {
        self.hold = true;
        self
    }

    fn matches(&self, method: &str, target: &str) -> bool {
        (self.method == "*" || self.method.eq_ignore_ascii_case(method)) && self.path.is_match(target)
    }
}

/// The fault that this request meets; counts it.
pub(crate) fn next(faults: &mut [Fault], method: &str, target: &str) -> Option<Fault> {
    let rule = faults.iter_mut().find(|rule| rule.times != Some(0) && rule.matches(method, target))?;
    if rule.after > 0 {
        rule.after -= 1;
        return None;
    }
    if let Some(times) = &mut rule.times {
        *times -= 1;
    }
    Some(rule.clone())
}
