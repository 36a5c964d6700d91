//! What an answer must be, and whether it is: pure.

use std::time::Duration;

use serde_json::Value;

use super::json::JsonExpectations;
use super::values::{ExpectedVersion, Pattern, Statuses, VersionFrom};
use crate::lambda::Version;
use crate::net::failure::Class;
use crate::text::Foreign;
use crate::text::human_duration;

/// Longest part of a foreign value shown in a message.
const SHOWN: usize = 120;

/// An answer, from whatever place.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its status; a function that is not behind HTTP has none.
    pub status: Option<u16>,
    /// Its headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body, or the beginning of it.
    pub body: Vec<u8>,
    /// True when there was more of the body than is judged.
    pub cut: bool,
    /// From asking to the whole answer.
    pub took: Duration,
    /// The version of the function that ran.
    pub executed: Option<Version>,
}

impl Answer {
    /// The first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, or why it cannot be read: it is encoded in a way that is not known here.
    fn readable(&self) -> Result<String, String> {
        let encoding = self.header("content-encoding").map(str::trim).unwrap_or_default();
        if encoding.is_empty() || encoding.eq_ignore_ascii_case("identity") || self.body.is_empty() {
            return Ok(String::from_utf8_lossy(&self.body).into_owned());
        }
        let encoding = excerpt(encoding);
        Err(format!("the body is encoded as {encoding}, which is not read here, although it was asked for as it is"))
    }

    fn json(&self) -> Result<Value, String> {
        let text = self.readable()?;
        // Of the bytes: what is no UTF-8 is no JSON.
        serde_json::from_slice(&self.body).map_err(|_not_json| match self.body.len() {
            0 => "the body is empty".to_owned(),
            _ if self.cut => "the body is longer than 1 MiB".to_owned(),
            _ => format!("the body is not JSON: {}", excerpt(&text)),
        })
    }
}

fn excerpt(foreign: &str) -> String {
    Foreign::new(foreign).for_message(SHOWN)
}

/// What an answer must be. What is not set is not looked at.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    /// One of these statuses. Without, an answer that has one must have 200.
    pub status: Option<Statuses>,
    /// A body in which this is found.
    pub body: Option<Pattern>,
    /// JSON with these values.
    pub json: JsonExpectations,
    /// This version.
    pub version: Option<ExpectedVersion>,
    /// Where to read the version from.
    pub version_from: Option<VersionFrom>,
    /// Within this time.
    pub max_latency: Option<Duration>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The version the answer reported, if it was looked for.
    pub version: Option<String>,
    /// What is wrong with it, the first thing in the order status, body, version, latency.
    pub fault: Option<(Class, String)>,
}

impl Expectation {
    /// What is expected, in words.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        words.push(
            self.status.as_ref().map_or_else(|| "status 200".to_owned(), |statuses| format!("status {statuses}")),
        );
        words.extend(self.body.as_ref().map(|pattern| format!("body matching /{pattern}/")));
        if !self.json.is_empty() {
            words.push(self.json.to_string());
        }
        words.extend(self.version.as_ref().map(|version| format!("version {version}")));
        words.extend(self.max_latency.map(|most| format!("within {}", human_duration(most))));
        words.join(", ")
    }

    /// Judges an answer.
    #[must_use]
    pub fn judge(&self, answer: &Answer) -> Judged {
        let version = self.version_from.as_ref().map(|from| reported_version(from, answer));
        let fault = self
            .wrong_status(answer)
            .or_else(|| self.check_body(answer).err().map(|problem| (Class::Body, problem)))
            .or_else(|| self.wrong_version(version.as_ref()).map(|problem| (Class::Version, problem)))
            .or_else(|| self.too_slow(answer).map(|problem| (Class::Latency, problem)));
        Judged { version: version.and_then(Result::ok), fault }
    }

    fn wrong_status(&self, answer: &Answer) -> Option<(Class, String)> {
        let otherwise = Statuses::of(&[200]);
        let expected = match (&self.status, answer.status) {
            (None, None) => return None,
            (Some(expected), _) => expected,
            (None, Some(_)) => &otherwise,
        };
        let Some(status) = answer.status else {
            return Some((Class::Status, format!("no status where {expected} is expected: a raw payload has none")));
        };
        if expected.contains(status) {
            return None;
        }
        let location = answer.header("location").map(without_query).filter(|_| (300..400).contains(&status));
        let to = location.map(|location| format!(" to {}", excerpt(&location))).unwrap_or_default();
        let class = if status == 407 { Class::Proxy } else { Class::Status };
        Some((class, format!("status {status}{to} instead of {expected}")))
    }

    fn check_body(&self, answer: &Answer) -> Result<(), String> {
        if let Some(pattern) = &self.body {
            let body = answer.readable()?;
            if !pattern.0.is_match(&body) {
                let cut = if answer.cut { " (of which the first 1 MiB was read)" } else { "" };
                return Err(format!("nothing in the body{cut} matches /{pattern}/: {}", excerpt(&body)));
            }
        }
        if self.json.is_empty() {
            return Ok(());
        }
        self.json.mismatch(&answer.json()?).map_or(Ok(()), Err)
    }

    fn wrong_version(&self, reported: Option<&Result<String, String>>) -> Option<String> {
        let expected = self.version.as_ref()?;
        let nowhere = Err("`version-from` does not say where to look for it".to_owned());
        match reported.unwrap_or(&nowhere) {
            Ok(version) if expected.is(version) => None,
            Ok(version) => Some(format!("version {} instead of {expected}", excerpt(version))),
            Err(problem) => Some(format!("no version where {expected} is expected: {problem}")),
        }
    }

    fn too_slow(&self, answer: &Answer) -> Option<String> {
        let most = self.max_latency?;
        let problem = || format!("it took {}ms, more than {}ms", answer.took.as_millis(), most.as_millis());
        (answer.took > most).then(problem)
    }
}

/// The version an answer tells.
fn reported_version(from: &VersionFrom, answer: &Answer) -> Result<String, String> {
    match from {
        VersionFrom::Json(place) => match answer.json()?.pointer(place) {
            Some(Value::String(version)) => Ok(version.clone()),
            Some(Value::Number(version)) => Ok(version.to_string()),
            Some(other) => Err(format!("at {place} the body holds {}", excerpt(&other.to_string()))),
            None => Err(format!("the body holds nothing at {place}: {}", excerpt(&answer.readable()?))),
        },
        VersionFrom::Header(name) => {
            answer.header(name.as_str()).map(str::to_owned).ok_or_else(|| format!("there is no header {name}"))
        }
        VersionFrom::Body(pattern) => {
            let body = answer.readable()?;
            let found = pattern.0.captures(&body).and_then(|groups| groups.get(1).or_else(|| groups.get(0)));
            found
                .map(|found| found.as_str().to_owned())
                .ok_or_else(|| format!("nothing in the body matches /{pattern}/: {}", excerpt(&body)))
        }
        VersionFrom::Executed => {
            answer.executed.map(|version| version.to_string()).ok_or_else(|| "$LATEST answered".to_owned())
        }
    }
}

/// An address without its query, which may hold tokens.
#[must_use]
pub fn without_query(address: &str) -> String {
    match address.split_once(['?', '#']) {
        Some((address, _)) => format!("{address}?.."),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const OLD: &str = "1111111a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
    const NEW: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status: Some(status),
            body: body.into(),
            headers: vec![("x-version".to_owned(), "v7".to_owned())],
            ..Answer::default()
        }
    }

    fn expecting(version: &str, from: &str) -> Expectation {
        Expectation {
            status: Some(Statuses::of(&[200])),
            version: Some(version.parse().unwrap()),
            version_from: Some(from.parse().unwrap()),
            ..Expectation::default()
        }
    }

    #[test]
    fn a_version_that_is_absent_null_or_not_json_is_a_fault_of_the_class_version() {
        let expectation = expecting(NEW, "json:/commit");
        let table = [
            (json!({ "commit": NEW }).to_string(), None),
            (json!({ "commit": OLD }).to_string(), Some(format!("version {OLD} instead of {NEW}"))),
            (json!({ "commit": null }).to_string(), Some("at /commit the body holds null".to_owned())),
            (json!({ "sha": NEW }).to_string(), Some("the body holds nothing at /commit".to_owned())),
            ("<html>".to_owned(), Some("the body is not JSON: <html>".to_owned())),
            (String::new(), Some("the body is empty".to_owned())),
        ];
        for (body, problem) in table {
            let judged = expectation.judge(&answer(200, &body));
            match (judged.fault, problem) {
                (None, None) => assert_eq!(judged.version.as_deref(), Some(NEW)),
                (Some((Class::Version, words)), Some(problem)) => assert!(words.contains(&problem), "{words}"),
                (found, problem) => panic!("{body}: {found:?} instead of {problem:?}"),
            }
        }
    }

    #[test]
    fn versions_are_told_in_json_headers_bodies_and_by_invocations() {
        let ran = Answer { executed: Some(Version::number(42)), ..answer(200, "build v7 of today") };
        for (from, version) in [("header:X-Version", "v7"), (r"body:build (\S+)", "v7"), ("executed-version", "42")] {
            let judged = expecting(version, from).judge(&ran);
            assert_eq!((judged.fault, judged.version.as_deref()), (None, Some(version)), "{from}");
        }
        let judged = expecting("42", "executed-version").judge(&answer(200, ""));
        assert!(judged.fault.unwrap().1.ends_with("$LATEST answered"));
    }

    #[test]
    fn a_body_that_is_encoded_is_not_read() {
        let of_body = Expectation { body: Some("ok".parse().unwrap()), ..Expectation::default() };
        let of_json = Expectation { json: "{/ok: true}".parse().unwrap(), ..Expectation::default() };
        let table = [
            (of_body, Class::Body),
            (of_json, Class::Body),
            (expecting("v7", "json:/version"), Class::Version),
            (expecting("v7", "body:v7"), Class::Version),
        ];
        for (expectation, class) in table {
            let judge = |encoding: &str| {
                let mut answer = answer(200, r#"{"ok": true, "version": "v7"}"#);
                answer.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
                expectation.judge(&answer).fault
            };
            let (found, problem) = judge("gzip").unwrap();
            assert!(found == class && problem.contains("encoded as gzip, which is not read here"), "{problem}");
            assert_eq!((judge("Identity"), judge(" ")), (None, None), "{}", expectation.words());
        }
    }

    #[test]
    fn an_expectation_that_was_given_is_met_by_nothing_that_lacks_it() {
        let raw = Answer { body: br#"{"error":"database is down"}"#.to_vec(), ..Answer::default() };
        let of = |expectation: Expectation| expectation.judge(&raw).fault.map(|(class, _)| class);
        assert_eq!(of(Expectation::default()), None);
        let status = Some(Statuses::of(&[200]));
        assert_eq!(of(Expectation { status, ..Expectation::default() }), Some(Class::Status));
        let version = Some("42".parse().unwrap());
        assert_eq!(of(Expectation { version, ..Expectation::default() }), Some(Class::Version));
    }

    #[test]
    fn the_status_is_judged_first_and_the_latency_last() {
        let mut expectation = expecting("v8", "header:x-version");
        expectation.body = Some("ok".parse().unwrap());
        expectation.max_latency = Some(Duration::from_millis(5));
        let slow = |status, body, version: &str| {
            let mut answer = answer(status, body);
            answer.headers = vec![("x-version".to_owned(), version.to_owned())];
            answer.took = Duration::from_millis(6);
            expectation.judge(&answer).fault.unwrap().0
        };
        assert_eq!(slow(503, "no", "v7"), Class::Status);
        assert_eq!(slow(200, "no", "v7"), Class::Body);
        assert_eq!(slow(200, "ok", "v7"), Class::Version);
        assert_eq!(slow(200, "ok", "v8"), Class::Latency);
    }

    #[test]
    fn a_redirection_is_shown_with_its_location_without_its_query() {
        let mut answer = answer(302, "");
        answer.headers.push(("location".to_owned(), "https://login.example/in?state=secret".to_owned()));
        let fault = Expectation { status: Some(Statuses::of(&[200])), ..Expectation::default() }.judge(&answer).fault;
        assert_eq!(fault.unwrap().1, "status 302 to https://login.example/in?.. instead of 200");
    }
}
