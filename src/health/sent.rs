//! Values of the health check's inputs that are sent: path, method, headers, body, payload. Some hold secrets, and show nothing of
//! themselves.

use std::fmt;
use std::str::FromStr;

use reqwest::header::{HeaderName, HeaderValue};

use crate::action::inputs::{input_value, is_made_of, text_value};
use crate::text::secrets::Secret;

text_value!(
    /// The path of a request, with its query.
    pub struct UrlPath, "a path that begins with `/`", "/health", "must be a path that begins with `/`, without spaces",
    |text| text.starts_with('/') && is_made_of(text, 2048, |c| c.is_ascii_graphic())
);

impl UrlPath {
    /// `/health`.
    #[must_use]
    pub fn health() -> Self {
        Self("/health".to_owned())
    }

    /// Path and query.
    #[must_use]
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_once('?').unwrap_or((&self.0, ""))
    }
}

/// The method of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(pub reqwest::Method);

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let upper = text.to_ascii_uppercase();
        match upper.parse() {
            Ok(method) if known.contains(&upper.as_str()) => Ok(Self(method)),
            _ => Err(format!("must be one of {}", known.join(", "))),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

input_value!(name Method, "a method of HTTP", "GET");

/// Headers to send, `Name: value` a line. What they hold may be secret: an error never shows them, and every value that is not
/// plainly harmless is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

/// Headers whose values hold no secret.
const HARMLESS: [&str; 9] = [
    "accept",
    "accept-language",
    "cache-control",
    "content-type",
    "host",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-proto",
];

impl Headers {
    /// The headers in the order given.
    pub fn iter(&self) -> std::slice::Iter<'_, (HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = &'a (HeaderName, HeaderValue);
    type IntoIter = std::slice::Iter<'a, (HeaderName, HeaderValue)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromStr for Headers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let header = |line: &str| {
            let wrong = || "must be lines of `Name: value`".to_owned();
            let (name, value) = line.split_once(':').ok_or_else(wrong)?;
            let name: HeaderName = name.trim().parse().map_err(|_invalid| wrong())?;
            if ["connection", "content-length", "transfer-encoding"].contains(&name.as_str()) {
                return Err(format!("must not hold `{name}`, which belongs to the connection"));
            }
            let value = value.trim();
            if !HARMLESS.contains(&name.as_str()) {
                mask(value);
            }
            let mut value: HeaderValue = value.parse().map_err(|_invalid| wrong())?;
            value.set_sensitive(true);
            Ok((name, value))
        };
        lines.map(header).collect::<Result<_, _>>().map(Self)
    }
}

/// Masks a header's value, and without its scheme (`Bearer ..`), for that is how a server would repeat it.
fn mask(value: &str) {
    Secret::new(value).remember();
    if let Some((_scheme, token)) = value.split_once(' ') {
        Secret::new(token.trim()).remember();
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name.as_str())).finish()
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, _)| writeln!(f, "{name}: ***"))
    }
}

input_value!(Headers, "secret", "Authorization: Bearer 0123456789");

/// Text that is sent and never shown: a server that repeats a line of it shows it neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(pub String);

/// Shorter lines of a body are not masked: they would erase brackets and words from the log.
const SHORTEST_LINE: usize = 8;

impl FromStr for Body {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        for line in text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE) {
            Secret::new(line).remember();
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

input_value!(Body, "text", "ping");

/// The event of an invocation, as JSON, sent as it is and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub String);

impl FromStr for Payload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("must be JSON ({error})")),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

input_value!(Payload, "JSON", r#"{"ping":true}"#);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign, like, reads_plainly};

    #[test]
    fn headers_are_lines_and_are_never_shown() {
        let headers: Headers = "Accept: text/plain\n# note\n\nX-Api-Key: hunter22:x".parse().unwrap();
        assert_eq!(headers.iter().len(), 2);
        assert!(!format!("{headers:?} {headers}").contains("hunter22"));
        assert_eq!(crate::text::Foreign::new("key hunter22:x, text/plain").for_message(100), "key ***, text/plain");
        for wrong in ["Accept", "a b: c", ": x", "Content-Length: 5", "A: b\nC"] {
            assert!(wrong.parse::<Headers>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_sent_is_read_and_not_shown(
            text in like(&["/health?a=b", "GET", "Accept: text/html", "{\"a\":1}"]),
            secret in prop::sample::select(&["k3y-0f-the-test-1", "k3y/0f+the=test-2"][..]),
        ) {
            reads_plainly::<UrlPath>(&text);
            reads_plainly::<Method>(&text);
            if let Ok(headers) = format!("X-Key: {secret}\n{text}").parse::<Headers>() {
                let label = format!("{headers}{headers:?}");
                prop_assert!(!label.contains(secret));
            }
            let body: Body = secret.parse().unwrap();
            let label = format!("{body}{body:?}");
            prop_assert!(!label.contains(secret));
        }

        #[test]
        fn a_payload_that_is_no_json_is_refused_without_being_shown(text in foreign()) {
            if let Err(error) = format!("{{\"key\": \"s3cr3t-value\" {text}").parse::<Payload>() {
                prop_assert!(!error.contains("s3cr3t") && error.len() < 200, "{}", error);
            }
        }
    }
}
