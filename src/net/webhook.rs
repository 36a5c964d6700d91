//! One message to one address of somebody else's. The address is a secret: whoever has it can write there. It is in no error.
//!
//! Nothing is sent again that may have been delivered: only what was turned away as too much, and what could not be sent at all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::calls::{Again, Calls, Kind, ServiceError};
use crate::net;
use crate::net::address::{Guarded, System, check_literal};
use crate::net::failure::of_request;
use crate::text::secrets::{self, Secret};
use crate::text::{Foreign, message, message_str};

/// How long one delivery may take.
const ATTEMPT: Duration = Duration::from_secs(15);
/// The most bytes of an answer that are shown.
const SHOWN: usize = 200;
/// The most bytes of an answer that are read.
const READ: usize = 64 * 1024;
/// The shortest part of an address that is a secret by itself: servers repeat the path they were asked for.
const SHORTEST_PART: usize = 16;

/// Where messages are sent to.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Address {
    /// Reads an address, which is a secret from now on, whether it is good or not. The error does not repeat it.
    pub fn new(text: &str) -> Result<Self, String> {
        let wrong = "must be an http or https URL without a user name or password";
        if text.len() >= SHORTEST_PART {
            Secret::new(text).remember();
        }
        let url = Url::parse(text.trim()).map_err(|_repeats_it| wrong.to_owned())?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain {
            return Err(wrong.to_owned());
        }
        for part in url.path_segments().into_iter().flatten().chain(url.query()) {
            if part.len() >= SHORTEST_PART {
                Secret::new(part).remember();
            }
        }
        Secret::new(url.as_str()).remember();
        if url.path().len() >= SHORTEST_PART {
            Secret::new(url.path()).remember();
        }
        Ok(Self(url))
    }

    /// The path: it tells what of a service it is.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// The host: it tells whose service it is.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// Why a message was not delivered, or may not have been.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct HookError {
    /// What kind of failure it is.
    pub kind: Failure,
    /// The number that the service gives it in its answer, if it gives one.
    pub code: Option<i64>,
    message: String,
}

/// Kinds of failures, as far as code branches on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The address may not be asked, or the message could not be made.
    Forbidden,
    /// It was not sent: no name, no connection, no trust.
    NotSent,
    /// Too much at a time; the pause the service asks for.
    Limited(Option<Duration>),
    /// Refused with this status.
    Refused(u16),
    /// No usable answer: it may have been delivered.
    Unknown,
}

impl ServiceError for HookError {
    fn again(&self) -> Again {
        match self.kind {
            Failure::NotSent => Again::TurnedAway(None),
            Failure::Limited(pause) => Again::TurnedAway(pause),
            Failure::Unknown => Again::Broken,
            Failure::Forbidden | Failure::Refused(_) => Again::No,
        }
    }
}

/// Sends JSON, with headers that are made for each sending (a signature has its time). What is answered is not yet delivered:
/// `delivered` tells from a good status and the answer whether the service says so, in its own way: the answer as JSON, null where it
/// is none, and its text without blanks around it.
///
/// # Errors
/// [`HookError`] when it was not, or may not have been, delivered.
pub async fn post(
    calls: &Calls,
    what: &str,
    to: &Address,
    body: &str,
    headers: impl Fn() -> HeaderMap,
    delivered: impl Fn(u16, &Value, &str) -> bool,
) -> Result<()> {
    let client = client()?;
    calls.record(what, Kind::Once, async || send(&client, to, body, headers(), &delivered).await).await
}

/// Whether an answer says that it failed, whatever its status: JSON with `ok` or `success` that is false, an error, or a status
/// that is one, and a text that begins so.
fn says_failed(answer: &Value, text: &str) -> bool {
    let given = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(code) => code.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(all) => !all.is_empty(),
        Value::Bool(true) => true,
    };
    let bad = |value: &Value| match value {
        Value::Number(status) => status.as_u64().is_some_and(|status| status >= 400),
        Value::String(word) => ["error", "fail", "failed", "failure"].contains(&word.to_lowercase().as_str()),
        _ => false,
    };
    let says = |name: &str, is: &dyn Fn(&Value) -> bool| answer.get(name).is_some_and(is);
    ["ok", "success"].iter().any(|name| says(name, &|value| *value == false))
        || ["error", "errors"].iter().any(|name| says(name, &given))
        || ["status", "statusCode"].iter().any(|name| says(name, &bad))
        || ["error", "fail"].iter().any(|word| text.to_lowercase().starts_with(word))
}

fn client() -> Result<reqwest::Client> {
    net::client()?
        .dns_resolver(Arc::new(Guarded(Arc::new(System))))
        .timeout(ATTEMPT)
        .pool_max_idle_per_host(0)
        .retry(reqwest::retry::never())
        .referer(false)
        .build()
        .context("make the HTTP client for messages")
}

async fn send(
    client: &reqwest::Client,
    to: &Address,
    body: &str,
    headers: HeaderMap,
    delivered: &impl Fn(u16, &Value, &str) -> bool,
) -> Result<(), HookError> {
    let failed = |kind, message: String| HookError { kind, code: None, message };
    check_literal(&to.0).map_err(|_names_the_address| failed(Failure::Forbidden, FORBIDDEN.to_owned()))?;
    let request = client.post(to.0.clone()).header(CONTENT_TYPE, "application/json").headers(headers);
    let answer = request.body(body.to_owned()).send().await.map_err(|error| {
        let fault = of_request(&error, to.0.scheme() == "https");
        let kind = match (fault.forbidden, error.is_connect()) {
            (true, _) => return failed(Failure::Forbidden, FORBIDDEN.to_owned()),
            (_, true) => Failure::NotSent,
            (_, false) => Failure::Unknown,
        };
        let unknown = if kind == Failure::Unknown {
            message_str!("delivery-unknown", ": whether it was delivered is unknown")
        } else {
            ""
        };
        failed(kind, format!("{}{unknown}", Foreign::new(fault.problem).for_message(SHOWN)))
    })?;
    let (status, pause) = (answer.status(), pause(answer.headers()));
    let text = beginning(answer).await;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let says_failed = status.is_success() && says_failed(&answer, &text);
    if status.is_success() && !says_failed && delivered(status.as_u16(), &answer, &text) {
        return Ok(());
    }
    let failed = |kind, message: String| HookError { kind, code: answer["code"].as_i64(), message };
    let problem = Foreign::new(&text).for_message(SHOWN);
    let problem = if problem.is_empty() { String::new() } else { format!(": {problem}") };
    let message = format!("answered {}{problem}", status.as_u16());
    Err(match status.as_u16() {
        _ if says_failed => failed(Failure::Refused(status.as_u16()), format!("{message}: it says that it failed")),
        200..=299 => failed(
            Failure::Unknown,
            message!(
                "delivery-answer-unknown",
                "{message}: that is not what the service answers when it was delivered: whether it was is unknown"
            ),
        ),
        429 => failed(Failure::Limited(pause), message),
        300..=399 => failed(
            Failure::Refused(status.as_u16()),
            format!("answered {} and redirects elsewhere: redirects are not followed", status.as_u16()),
        ),
        400..=499 => failed(Failure::Refused(status.as_u16()), message),
        _ => failed(Failure::Unknown, message!("delivery-unknown", "{message}: whether it was delivered is unknown")),
    })
}

const FORBIDDEN: &str = message_str!(
    "message-to-metadata-address",
    "the address is a link-local or metadata address: nothing is sent there"
);

/// Seconds, also with a fraction, as Discord gives them. A date is passed over.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// What is read of an answer, without a byte order mark and blanks around it.
async fn beginning(mut answer: reqwest::Response) -> String {
    let mut read = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        read.extend_from_slice(&part[..part.len().min(READ - read.len())]);
        if read.len() >= READ {
            secrets::drop_torn_end(&mut read);
            break;
        }
    }
    String::from_utf8_lossy(net::without_mark(read.trim_ascii())).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_shown() {
        let address = Address::new("https://hooks.slack.com/services/T00000000/B11111111/x-token-of-the-hook").unwrap();
        assert_eq!(format!("{address:?} {}", address.host()), "*** hooks.slack.com");
        let message = "no_service at /services/T00000000/B11111111/x-token-of-the-hook, x-token-of-the-hook";
        assert_eq!(Foreign::new(message).for_message(100), "no_service at ***, ***");
        for wrong in ["", "hooks.slack.com/services/1", "ftp://a/b", "https://user:pw@host/x", "https://"] {
            let error = Address::new(wrong).unwrap_err();
            assert!(error.starts_with("must be"), "{error}");
        }
    }

    #[test]
    fn an_answer_that_says_it_failed_is_known() {
        let failed = [
            r#"{"ok":false,"error":"invalid_blocks"}"#,
            r#"{"ok":true,"error":"partly"}"#,
            r#"{"success": false}"#,
            r#"{"status":"Failed"}"#,
            r#"{"statusCode":500}"#,
            r#"{"errors":[{"message":"x"}]}"#,
            "Error: no such channel",
            "failed",
        ];
        let says_failed = |text: &str| says_failed(&serde_json::from_str(text).unwrap_or_default(), text);
        for answer in failed {
            assert!(says_failed(answer), "{answer}");
        }
        let good = [
            "",
            "ok",
            "1",
            "[]",
            r#"{"ok":true,"error":null}"#,
            r#"{"errors":[],"status":200}"#,
            "<html>",
            r#"{"status":"success"}"#,
            r#"{"error":0}"#,
        ];
        for answer in good {
            assert!(!says_failed(answer), "{answer}");
        }
    }

    #[test]
    fn a_pause_is_read_as_services_give_it() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            pause(&headers)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("0.65"), Some(Duration::from_millis(650)));
        for odd in ["Wed, 21 Oct 2026 07:28:00 GMT", "NaN", "1e300", "inf", "-3", ""] {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(pause(&HeaderMap::new()), None);
    }
}
