//! What a function returned, read as the gateway in front of it reads it: what the gateway answers with 502, or what is not
//! understood, is never a status 200.
//!
//! - REST APIs: <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html>, and what
//!   they refuse: <https://repost.aws/knowledge-center/malformed-502-api-gateway>
//! - HTTP APIs and function URLs: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//! - load balancers: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>
//! - streamed responses: <https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode-lambda.html>

use std::time::Duration;

use base64::Engine as _;
use serde_json::{Map, Value};

use super::event::EventKind;
use super::expectation::Answer;
use crate::lambda::Version;
use crate::text::Foreign;

/// Stands between the metadata of a streamed response and its body.
const DELIMITER: [u8; 8] = [0; 8];
/// Longest name of a member shown in a message.
const SHOWN: usize = 40;

/// The members of a response that each gateway knows. HTTP APIs and function URLs pass over others.
const OF_REST_APIS: [&str; 5] = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];
const OF_LOAD_BALANCERS: [&str; 6] =
    ["statusCode", "statusDescription", "headers", "multiValueHeaders", "body", "isBase64Encoded"];

impl EventKind {
    /// Reads what a function returned as this gateway would.
    ///
    /// # Errors
    /// Why the gateway would answer 502, or why nobody can tell what it would answer.
    pub fn answer(self, returned: &[u8], took: Duration, executed: Option<Version>) -> Result<Answer, String> {
        let answer = match serde_json::from_slice(returned) {
            Ok(returned) => self.read(&returned)?,
            Err(_not_json) => self.read_streamed(returned)?,
        };
        Ok(Answer { took, executed, ..answer })
    }

    fn read(self, returned: &Value) -> Result<Answer, String> {
        let status = status(returned)?;
        let whole = || Answer { status, body: text(returned).into_bytes(), ..Answer::default() };
        match (self, returned) {
            (Self::Raw, _) => Ok(whole()),
            (Self::ApigwV2, _) if status.is_none() => Ok(Answer { status: Some(200), ..whole() }),
            (Self::ApigwV1 | Self::Alb, _) if status.is_none() => Err(refusal("no statusCode")),
            (_, Value::Object(members)) => {
                self.knows_all(members)?;
                Ok(Answer { status, headers: headers(members)?, body: body(members)?, ..Answer::default() })
            }
            _ => Err(refusal("no object")),
        }
    }

    fn knows_all(self, members: &Map<String, Value>) -> Result<(), String> {
        let known: &[&str] = match self {
            Self::ApigwV1 => &OF_REST_APIS,
            Self::Alb => &OF_LOAD_BALANCERS,
            Self::ApigwV2 | Self::Raw => return Ok(()),
        };
        match members.keys().find(|member| !known.contains(&member.as_str())) {
            Some(member) => {
                Err(refusal(&format!("a member `{}` that it does not know", Foreign::new(member).for_message(SHOWN))))
            }
            None => Ok(()),
        }
    }

    /// A function that streams its response begins with metadata, as JSON, and eight NUL bytes; `Invoke` brings all of it at once.
    fn read_streamed(self, returned: &[u8]) -> Result<Answer, String> {
        let parts = returned.windows(DELIMITER.len()).position(|bytes| bytes == DELIMITER);
        let Some((metadata, body)) = parts.map(|at| (&returned[..at], &returned[at + DELIMITER.len()..])) else {
            return match self {
                Self::Raw => Ok(Answer { body: returned.to_vec(), ..Answer::default() }),
                Self::ApigwV2 | Self::ApigwV1 | Self::Alb => Err(
                    "the function returned neither JSON nor a streamed response that begins with its status: what users get cannot be \
                     given (a case or check with a raw payload judges the bytes)"
                        .to_owned(),
                ),
            };
        };
        if self == Self::Alb {
            return Err(refusal("a streamed response"));
        }
        let metadata: Value = serde_json::from_slice(metadata)
            .map_err(|_not_json| "the function streamed a response whose metadata is not JSON".to_owned())?;
        let (Some(status), Value::Object(members)) = (status(&metadata)?, &metadata) else {
            return Err("the function streamed a response whose metadata has no statusCode".to_owned());
        };
        Ok(Answer { status: Some(status), headers: headers(members)?, body: body.to_vec(), ..Answer::default() })
    }
}

fn refusal(what: &str) -> String {
    format!("the function returned {what}, which its gateway answers with 502")
}

fn status(returned: &Value) -> Result<Option<u16>, String> {
    let number = match returned.get("statusCode") {
        None => return Ok(None),
        Some(Value::String(digits)) => digits.parse().ok(),
        Some(other) => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    match number {
        Some(100..=999) => Ok(number),
        _ => Err("the function returned an invalid statusCode".to_owned()),
    }
}

/// Text as it is, anything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A number or a boolean is taken for text, as the gateways do; lists and objects are not.
fn scalar(value: &Value) -> Option<String> {
    (!value.is_array() && !value.is_object()).then(|| text(value))
}

fn headers(members: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    for (name, value) in map(members, "headers")?.into_iter().flatten() {
        let value = scalar(value).ok_or_else(|| refusal("`headers` in which a value is not text"))?;
        headers.push((name.to_lowercase(), value));
    }
    for (name, values) in map(members, "multiValueHeaders")?.into_iter().flatten() {
        let wrong = || refusal("`multiValueHeaders` in which a value is not a list of texts");
        for value in values.as_array().ok_or_else(wrong)? {
            headers.push((name.to_lowercase(), scalar(value).ok_or_else(wrong)?));
        }
    }
    Ok(headers)
}

fn map<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(refusal(&format!("`{name}` that is no object"))),
    }
}

fn body(members: &Map<String, Value>) -> Result<Vec<u8>, String> {
    let body = match members.get("body") {
        None | Some(Value::Null) => String::new(),
        Some(body) => scalar(body).ok_or_else(|| refusal("a body that is not text"))?,
    };
    let encoded = match members.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(encoded)) => *encoded,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => true,
        Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(refusal("`isBase64Encoded` that is neither true nor false")),
    };
    if encoded {
        let decoded = base64::engine::general_purpose::STANDARD.decode(body.trim());
        return decoded.map_err(|_not_base64| refusal("a body that is not base64, with `isBase64Encoded: true`"));
    }
    Ok(body.into_bytes())
}

#[cfg(test)]
mod tests {
    use EventKind::{Alb, ApigwV1, ApigwV2, Raw};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, foreign};

    fn read(kind: EventKind, returned: &[u8]) -> Result<(Option<u16>, String), String> {
        let answer = kind.answer(returned, Duration::ZERO, None)?;
        Ok((answer.status, String::from_utf8(answer.body).unwrap()))
    }

    fn streamed(metadata: &str) -> Vec<u8> {
        [metadata.as_bytes(), &DELIMITER, b"ok"].concat()
    }

    #[test]
    fn what_a_function_returns_is_read_as_its_gateway_would() {
        let proxy = |status: Value| json!({ "statusCode": status, "body": "ok" });
        let encoded = |flag: Value| json!({ "statusCode": 200, "body": "b2s=", "isBase64Encoded": flag });
        let of = |status: u16, body: &str| Ok((Some(status), body.to_owned()));
        let table = [
            (ApigwV2, proxy(json!(200)), of(200, "ok")),
            (ApigwV1, proxy(json!("200")), of(200, "ok")),
            (Alb, proxy(json!(200)), of(200, "ok")),
            (ApigwV2, encoded(json!(true)), of(200, "ok")),
            (ApigwV1, encoded(json!("true")), of(200, "ok")),
            (Alb, encoded(json!("true")), of(200, "ok")),
            (ApigwV1, encoded(json!("false")), of(200, "b2s=")),
            (ApigwV1, json!({ "statusCode": 200, "body": 7 }), of(200, "7")),
            (ApigwV2, json!("ok"), of(200, "ok")),
            (ApigwV2, json!({ "status": "ok" }), of(200, r#"{"status":"ok"}"#)),
            (ApigwV2, json!({ "statusCode": 204 }), of(204, "")),
            (ApigwV2, json!({ "statusCode": 200, "cookies": [], "trace": {} }), of(200, "")),
            (Alb, json!({ "statusCode": 200, "statusDescription": "200 OK" }), of(200, "")),
            (Raw, json!({ "pong": true }), Ok((None, r#"{"pong":true}"#.to_owned()))),
            (Raw, json!({ "statusCode": 500 }), of(500, r#"{"statusCode":500}"#)),
            (Raw, json!(null), Ok((None, "null".to_owned()))),
        ];
        for (kind, returned, answer) in table {
            assert_eq!(read(kind, returned.to_string().as_bytes()), answer, "{kind:?} {returned}");
        }
    }

    #[test]
    fn what_a_gateway_answers_with_502_is_no_status() {
        let with = |member: &str, value: Value| {
            let mut returned = json!({ "statusCode": 200 });
            returned[member] = value;
            returned
        };
        let several = [ApigwV1, ApigwV2, Alb];
        let table: [(&[EventKind], Value, &str); 14] = [
            (&several, with("body", json!({ "hey": "dude" })), "a body that is not text"),
            (&several, with("body", json!(["hey"])), "a body that is not text"),
            (&several, with("headers", json!([])), "`headers` that is no object"),
            (&several, with("headers", json!({ "a": ["b"] })), "`headers` in which a value is not text"),
            (
                &several,
                with("multiValueHeaders", json!({ "a": "b" })),
                "`multiValueHeaders` in which a value is not a list",
            ),
            (&several, with("isBase64Encoded", json!("yes")), "`isBase64Encoded` that is neither"),
            (&several, json!({ "statusCode": 200, "body": "?", "isBase64Encoded": true }), "a body that is not base64"),
            (&several, json!({ "statusCode": "no" }), "an invalid statusCode"),
            (&several, json!({ "statusCode": null }), "an invalid statusCode"),
            (&several, json!({ "statusCode": 20 }), "an invalid statusCode"),
            (&[ApigwV1, Alb], json!("ok"), "no statusCode"),
            (&[ApigwV1, Alb], with("status", json!("ok")), "a member `status` that it does not know"),
            (&[ApigwV1], with("cookies", json!([])), "a member `cookies`"),
            (&[ApigwV1], with("statusDescription", json!("200 OK")), "a member `statusDescription`"),
        ];
        for (kinds, returned, problem) in table {
            for kind in kinds {
                let error = read(*kind, returned.to_string().as_bytes()).unwrap_err();
                assert!(error.contains(problem), "{kind:?} {returned}: {error}");
            }
        }
    }

    #[test]
    fn a_streamed_response_has_the_status_of_its_metadata() {
        let metadata = r#"{"statusCode":500,"headers":{"Retry-After":"5"},"cookies":[]}"#;
        for kind in [ApigwV1, ApigwV2, Raw] {
            let answer = kind.answer(&streamed(metadata), Duration::ZERO, None).unwrap();
            assert_eq!(
                (answer.status, answer.header("retry-after"), answer.body.as_slice()),
                (Some(500), Some("5"), &b"ok"[..])
            );
        }
        assert_eq!(
            read(ApigwV2, &[br#"{"statusCode":200}"#.as_slice(), &DELIMITER].concat()),
            Ok((Some(200), String::new()))
        );
    }

    #[test]
    fn what_is_not_understood_is_no_status() {
        let table = [
            (Alb, streamed(r#"{"statusCode":200}"#), "a streamed response, which its gateway"),
            (ApigwV2, streamed("{}"), "has no statusCode"),
            (ApigwV2, streamed("[]"), "has no statusCode"),
            (Raw, streamed("<html>"), "is not JSON"),
            (ApigwV2, streamed(r#"{"statusCode":"good"}"#), "an invalid statusCode"),
            (ApigwV2, b"<html>ok</html>".to_vec(), "neither JSON nor a streamed response"),
            (ApigwV1, Vec::new(), "neither JSON nor a streamed response"),
            (ApigwV2, [br#"{"statusCode":200}"#.as_slice(), &[0; 7]].concat(), "neither JSON nor"),
        ];
        for (kind, returned, problem) in table {
            let error = read(kind, &returned).unwrap_err();
            assert!(error.contains(problem), "{kind:?} {}: {error}", String::from_utf8_lossy(&returned));
        }
        assert_eq!(read(Raw, b"<html>"), Ok((None, "<html>".to_owned())));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_answer_of_a_function_is_read_as_a_gateway_would(
            given in foreign(),
            status in any::<i64>(),
            flag in any::<bool>(),
        ) {
            let answers = [
                json!({"statusCode": status, "body": given, "isBase64Encoded": flag, "headers": {&given: &given}}).to_string(),
                json!({"statusCode": given, "multiValueHeaders": {"a": [given, 1]}}).to_string(),
                json!({"statusCode": 200, &given: 1}).to_string(),
                json!(given).to_string(),
                format!("{{\"statusCode\":200}}\0\0\0\0\0\0\0\0{given}"),
                given,
            ];
            for answer in answers {
                for kind in [ApigwV2, ApigwV1, Alb, Raw] {
                    if let Err(problem) = kind.answer(answer.as_bytes(), Duration::ZERO, None) {
                        prop_assert!(problem.len() < 300 && !problem.contains('\n'), "{}", problem);
                    }
                }
            }
        }
    }
}
