//! The cases of a smoke test: a list in YAML.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny};
use serde_json::Value;

use crate::action::inputs::{Yaml, input_value, mapping, parse, word};
use crate::health::event::{EventKind, Request};
use crate::health::expectation::Expectation;
use crate::health::json::JsonExpectations;
use crate::health::values::{Headers, Method, Pattern, Pause, Statuses, UrlPath};
use crate::lambda::{FunctionName, Invocation, Reply};
use crate::text::{Foreign, message};

/// One case: what the function is invoked with, and what it must answer.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, in the log and in the output.
    pub name: String,
    /// The function it is for; every function when none is named.
    pub function: Option<FunctionName>,
    /// The kind of event, when the case names its own.
    event: Option<EventKind>,
    sent: Sent,
    expect: Expectation,
}

#[derive(Clone, Debug)]
enum Sent {
    Request { method: Method, path: UrlPath, headers: Option<Headers>, body: Option<String> },
    Payload(Value),
}

impl Case {
    /// `GET /health`, expecting 200.
    #[must_use]
    pub fn health() -> Self {
        let path = UrlPath::health();
        Self {
            name: format!("GET {path}"),
            function: None,
            event: None,
            sent: Sent::Request { method: Method(reqwest::Method::GET), path, headers: None, body: None },
            expect: Expectation::default(),
        }
    }

    /// The kind of its event: its own, else `raw` for a payload, else that of the step.
    #[must_use]
    pub fn kind(&self, otherwise: EventKind) -> EventKind {
        match (&self.event, &self.sent) {
            (Some(kind), _) => *kind,
            (None, Sent::Payload(_)) => EventKind::Raw,
            (None, Sent::Request { .. }) => otherwise,
        }
    }

    /// What the function is invoked with.
    #[must_use]
    pub fn payload(&self, otherwise: EventKind) -> Vec<u8> {
        match &self.sent {
            Sent::Payload(payload) => payload.to_string(),
            Sent::Request { method, path, headers, body } => {
                let text =
                    |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
                let headers = headers.iter().flat_map(Headers::iter);
                let request = Request {
                    method: method.0.as_str(),
                    path,
                    headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
                    body: body.as_deref(),
                };
                self.kind(otherwise).event(&request).to_string()
            }
        }
        .into_bytes()
    }

    /// What must be answered.
    #[must_use]
    pub const fn expectation(&self) -> &Expectation {
        &self.expect
    }

    /// What is wrong with what an invocation brought; nothing when it is as expected.
    #[must_use]
    pub fn problem(&self, otherwise: EventKind, invocation: &Invocation) -> Option<String> {
        match &invocation.reply {
            Reply::Failed(error) => Some(message!("function-failed", "the function failed: {error}")),
            Reply::Returned(returned) => {
                match self.kind(otherwise).answer(returned, invocation.took, invocation.executed) {
                    Ok(answer) => self.expect.judge(&answer).fault.map(|(_, problem)| problem),
                    Err(problem) => Some(problem),
                }
            }
        }
    }

    /// True when it is for this function.
    #[must_use]
    pub fn is_for(&self, function: &FunctionName) -> bool {
        self.function.as_ref().is_none_or(|own| own == function)
    }

    /// True when a request is turned into an event of a kind that has none.
    fn lacks_payload(&self) -> bool {
        matches!((&self.event, &self.sent), (Some(EventKind::Raw), Sent::Request { .. }))
    }

    fn read(value: &Yaml, place: usize) -> Result<Self, String> {
        const OF_REQUESTS: [&str; 4] = ["path", "method", "headers", "body"];
        if !matches!(value, Yaml::Mapping(_)) {
            return Err("must be a mapping of YAML".to_owned());
        }
        let written: Written = mapping(value.clone().texts())?;
        let expect = match value.get("expect") {
            None | Some(Yaml::Null) => Expectation::default(),
            Some(expect) => read_expectation(expect).map_err(|error| error.replacen("`json`", "`expect.json`", 1))?,
        };
        let of_request = OF_REQUESTS.into_iter().find(|key| value.get(key).is_some());
        let sent = match (value.get("payload"), of_request) {
            (Some(_), Some(key)) => return Err(format!("give either `payload` or `{key}`")),
            (Some(Yaml::Text(text)), None) => {
                Sent::Payload(serde_json::from_str(text).unwrap_or_else(|_text| Value::String(text.clone())))
            }
            (Some(payload), None) => Sent::Payload(payload.clone().json()),
            (None, _) => Sent::Request {
                path: written.path.unwrap_or_else(UrlPath::health),
                method: written.method.unwrap_or(Method(reqwest::Method::GET)),
                headers: written.headers,
                body: value.get("body").and_then(body),
            },
        };
        let otherwise = match &sent {
            Sent::Payload(_) => format!("payload {place}"),
            Sent::Request { method, path, .. } => format!("{method} {}", path.parts().0),
        };
        let case = Self {
            // Names of failed cases are put out one a line.
            name: written.name.map_or(otherwise, |name| Foreign::new(name).for_message(usize::MAX)),
            function: written.function,
            event: written.event,
            sent,
            expect,
        };
        if case.lacks_payload() {
            return Err("with `event: raw`, give the `payload` to invoke the function with".to_owned());
        }
        Ok(case)
    }
}

/// A case as it is written. What is not only text is read beside it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Written {
    name: Option<String>,
    #[serde(deserialize_with = "parse")]
    function: Option<FunctionName>,
    event: Option<EventKind>,
    #[serde(deserialize_with = "parse")]
    path: Option<UrlPath>,
    #[serde(deserialize_with = "parse")]
    method: Option<Method>,
    #[serde(deserialize_with = "headers")]
    headers: Option<Headers>,
    #[serde(rename = "body")]
    _body: IgnoredAny,
    #[serde(rename = "payload")]
    _payload: IgnoredAny,
    #[serde(rename = "expect")]
    _expect: Option<WrittenExpectation>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct WrittenExpectation {
    #[serde(deserialize_with = "parse")]
    status: Option<Statuses>,
    #[serde(rename = "json")]
    _json: IgnoredAny,
    #[serde(deserialize_with = "parse")]
    body_matches: Option<Pattern>,
    #[serde(deserialize_with = "parse")]
    max_latency: Option<Pause>,
}

/// What an answer must be: `status`, `json`, `body-matches`, `max-latency`.
///
/// # Errors
/// What is wrong with it.
pub fn read_expectation(expect: &Yaml) -> Result<Expectation, String> {
    let json = expect.get("json").map(|json| JsonExpectations::read(json.clone())).transpose();
    let expected: WrittenExpectation = mapping(expect.clone().texts())?;
    Ok(Expectation {
        status: expected.status,
        json: json.map_err(|error| format!("`json` {error}"))?.unwrap_or_default(),
        body: expected.body_matches,
        max_latency: expected.max_latency.map(|most| most.0),
        ..Expectation::default()
    })
}

/// A mapping of names to values, or the lines of headers.
fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Headers>, D::Error> {
    let lines = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::String(lines) => lines,
        Value::Object(headers) => {
            let line = |(name, value): (&String, &Value)| Some(format!("{name}: {}\n", value.as_str()?));
            let lines: Option<String> = headers.iter().map(line).collect();
            lines.ok_or_else(|| D::Error::custom("must map names to text"))?
        }
        _ => return Err(D::Error::custom("must map names to values")),
    };
    lines.parse().map(Some).map_err(D::Error::custom)
}

/// Text, or a number as it is written; a list or a mapping as JSON.
fn body(body: &Yaml) -> Option<String> {
    match body {
        Yaml::Null => None,
        Yaml::List(_) | Yaml::Mapping(_) => Some(body.clone().json().to_string()),
        body => body.text().map(str::to_owned),
    }
}

/// All cases.
#[derive(Clone, Debug)]
pub struct Cases(Vec<Case>);

impl Cases {
    /// The cases in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Case> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Cases {
    type Item = &'a Case;
    type IntoIter = std::slice::Iter<'a, Case>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Default for Cases {
    fn default() -> Self {
        Self(vec![Case::health()])
    }
}

impl FromStr for Cases {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let list = Yaml::read(text).map_err(|error| format!("must be a list of cases in YAML ({error})"))?;
        let Yaml::List(list) = list else {
            return Err("must be a list of cases in YAML: `- path: /health`".to_owned());
        };
        if list.is_empty() {
            return Err("must hold at least one case".to_owned());
        }
        let case = |(place, value)| Case::read(value, place).map_err(|error| format!("case {place}: {error}"));
        let cases: Vec<Case> = (1..).zip(&list).map(case).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        match cases.iter().find(|case| !seen.insert((&case.name, &case.function))) {
            Some(twice) => {
                let name = word(&twice.name).map(|name| format!(", \"{name}\"")).unwrap_or_default();
                Err(format!("two cases have the same name{name}: give them a `name` each"))
            }
            None => Ok(Self(cases)),
        }
    }
}

impl fmt::Display for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|case| case.name.as_str()).collect();
        f.write_str(&names.join(", "))
    }
}

input_value!(Cases, "YAML: a list of cases", "- { path: /health, expect: { status: 200 } }");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};
    use serde_json::json;

    #[test]
    fn cases_are_read_as_documented() {
        let cases: Cases = r#"
- name: orders
  function: shop-api
  event: apigw-v1
  path: /orders?limit=1
  method: post
  headers: { X-Tenant: acme, X-Count: 2 }
  body: { id: 7 }
  expect:
    status: 201
    json: { /orders/0/id: ">= 1", /state: /^open|new$/ }
    body-matches: orders
    max-latency: 800ms
- payload: { ping: true }
- path: /health
"#
        .parse()
        .unwrap();
        let [orders, ping, health] = cases.0.as_slice() else { panic!("{cases:?}") };
        let event: Value = serde_json::from_slice(&orders.payload(EventKind::ApigwV2)).unwrap();
        assert_eq!((&event["httpMethod"], &event["body"]), (&json!("POST"), &json!(r#"{"id":7}"#)));
        assert_eq!(event["headers"]["x-count"], "2");
        assert_eq!(
            orders.expectation().words(),
            "status 201, body matching /orders/, /orders/0/id: >= 1, /state: /^open|new$/, within 800ms"
        );
        assert_eq!(ping.payload(EventKind::ApigwV2), br#"{"ping":true}"#);
        assert_eq!((ping.name.as_str(), ping.kind(EventKind::Alb)), ("payload 2", EventKind::Raw));
        assert_eq!((health.name.as_str(), health.kind(EventKind::Alb)), ("GET /health", EventKind::Alb));
        assert_eq!(health.expectation().words(), "status 200");
        assert!(orders.is_for(&"shop-api".parse().unwrap()) && !orders.is_for(&"other".parse().unwrap()));
    }

    #[test]
    fn numbers_where_text_is_meant_are_taken_as_they_are_written() {
        let cases: Cases = "- {name: 1.10, body: 6063e25, headers: {X-Version: 1.10}, expect: {body-matches: 1.10, json: {/c: 6063e25}}}"
            .parse()
            .unwrap();
        let [case] = cases.0.as_slice() else { panic!("{cases:?}") };
        let event: Value = serde_json::from_slice(&case.payload(EventKind::ApigwV2)).unwrap();
        assert_eq!(
            (case.name.as_str(), &event["body"], &event["headers"]["x-version"]),
            ("1.10", &json!("6063e25"), &json!("1.10"))
        );
        assert_eq!(case.expectation().words(), "status 200, body matching /1.10/, /c: 6063e25");
    }

    #[test]
    fn what_is_wrong_with_a_case_is_named() {
        let table = [
            ("", "must be a list of cases"),
            ("path: /health", "must be a list of cases"),
            ("[]", "at least one case"),
            ("- /health", "case 1: must be a mapping"),
            ("- pth: /health", "case 1: `pth` is not known (did you mean `path`?"),
            ("- path: /\n- expect: { stauts: 200 }", "case 2: `stauts` is not known (did you mean `status`?"),
            ("- zzz: 1", "case 1: `zzz` is not known (known are `name`, `function`"),
            ("- path: health", "case 1: `path` must be a path that begins with `/`"),
            ("- payload: 1\n  path: /", "case 1: give either `payload` or `path`"),
            ("- event: raw", "case 1: with `event: raw`, give the `payload`"),
            ("- event: apigw", "case 1: `event` must be one of `apigw-v2`"),
            ("- expect: { json: { status: ok } }", "case 1: `expect.json` must be a JSON pointer"),
            ("- expect: { max-latency: 1 }", "case 1: `expect.max-latency` must be a duration"),
            ("- expect: { body-matches: ( }", "must be a regular expression"),
            ("- headers: [a]", "case 1: `headers` must map names to values"),
            ("- headers: {A: [b]}", "case 1: `headers` must map names to text"),
            ("- name: [a]", "case 1: `name` must be text"),
            ("- path: /a\n  path: /b", "duplicate key `path`"),
            ("- path: /a\n- path: /a", "two cases have the same name, \"GET /a\""),
        ];
        for (text, problem) in table {
            let error = text.parse::<Cases>().unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_is_one_line_for_failed_cases_are_put_out_one_a_line() {
        let cases: Cases = "- name: \"one\\ntwo\"".parse().unwrap();
        assert_eq!(cases.to_string(), "one two");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_a_list_of_cases_or_refused(
            text in like(&[
                "- { path: /health, expect: { status: 200 } }",
                "- name: a\n  payload: {}\n",
                "- headers: {A: b}\n  body: x",
            ]),
        ) {
            if let Ok(cases) = text.parse::<Cases>() {
                for case in &cases {
                    prop_assert!(!case.name.contains('\n'), "{:?}", case.name);
                    let _ = (case.payload(EventKind::Alb), case.expectation().words());
                }
            }
        }
    }
}
