//! Values of the inputs: what is started, and what it is given.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::action::inputs::{CommitSha, Yaml, input_value, is_made_of, text_value};
use crate::github::is_plain;

/// The most that GitHub takes, as JSON: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#workflow_dispatch>.
pub(super) const LARGEST: usize = 65_535;
/// The most inputs of a `workflow_dispatch`.
pub(super) const MOST_INPUTS: usize = 25;
/// The most properties at the top of a `client_payload`
/// (<https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event>).
pub(super) const MOST_PROPERTIES: usize = 10;

/// The input of the receiver that takes our id.
pub(super) const ID_INPUT: &str = "deploy-action-id";
/// The property of the payload that holds our id, as `id`.
pub(super) const ID_PROPERTY: &str = "deploy_action";

text_value!(
    /// The file of a workflow.
    name pub struct WorkflowFile, "the file of a workflow, `integration.yml`: letters, digits and `._-`, at most 100", "integration.yml",
    |text| is_made_of(text, 100, |c| c.is_ascii_alphanumeric() || "._-".contains(c))
);

text_value!(
    /// The type of a `repository_dispatch`.
    name pub struct EventType, "an event type: letters, digits and `._/-`, at most 100", "service-deployed",
    |text| is_made_of(text, 100, |c| c.is_ascii_alphanumeric() || "._/-".contains(c))
);

impl WorkflowFile {
    /// GitHub takes no name here, only a file.
    pub(super) fn is_file(&self) -> bool {
        [".yml", ".yaml"].iter().any(|end| self.as_str().strip_suffix(end).is_some_and(|name| !name.is_empty()))
    }
}

text_value!(
    /// A branch or a tag, with or without `refs/heads/` or `refs/tags/`.
    name pub struct BranchOrTag, "a branch or a tag: letters, digits and `._-+/@`, at most 255", "main",
    read |text| match is_plain(text) {
        true if text.parse::<CommitSha>().is_ok() => {
            Err("must be a branch or a tag: GitHub takes no commit here".to_owned())
        }
        true => Ok(text.to_owned()),
        false => Err("must be a branch or a tag: letters, digits and `._-+/@`, at most 255".to_owned()),
    }
);

/// What is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WaitFor {
    /// The run.
    #[default]
    Run,
    /// A status of our commit, under this context.
    Status(String),
}

impl FromStr for WaitFor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let good = |context: &str| {
            !context.is_empty()
                && context.len() <= 200
                && context.trim() == context
                && context.chars().all(|c| c.is_ascii_alphanumeric() || " ._-/()".contains(c))
        };
        match (text, text.strip_prefix("status:")) {
            ("run", _) => Ok(Self::Run),
            (_, Some(context)) if good(context) => Ok(Self::Status(context.to_owned())),
            _ => {
                Err("must be `run` or `status:<context>`, a context of letters, digits, blanks and `._-/()`".to_owned())
            }
        }
    }
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Status(context) => write!(f, "status:{context}"),
        }
    }
}

input_value!(name WaitFor, "`run` or `status:<context>`", "run");

/// The inputs of a workflow: names and texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowInputs(pub(super) Map<String, Value>);

/// The payload of a `repository_dispatch`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientPayload(pub(super) Map<String, Value>);

impl FromStr for WorkflowInputs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "must be YAML or JSON that maps names of inputs to texts";
        let as_text = |(name, value): (String, Yaml)| match value {
            Yaml::Null => Ok((name, "".into())),
            // GitHub's booleans are written in small letters.
            Yaml::Scalar { value: value @ Value::Bool(_), .. } => Ok((name, value.to_string().into())),
            Yaml::Scalar { written: text, .. } | Yaml::Text(text) => Ok((name, text.into())),
            Yaml::List(_) | Yaml::Mapping(_) => Err(format!("{wrong}: give lists and maps as text, in quotes")),
        };
        mapping(text, wrong)?.into_iter().map(as_text).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for ClientPayload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "must be YAML or JSON that maps names to values";
        // Read as YAML in any case: it refuses a name that stands there twice.
        let members = mapping(text, wrong)?;
        if let Ok(json) = serde_json::from_str(text) {
            return Ok(Self(json));
        }
        if members.iter().any(|(_, value)| is_inexact(value)) {
            return Err(format!("{wrong}: put numbers such as 1.10 and 1e3 in quotes, YAML would write them anew"));
        }
        Ok(Self(members.into_iter().map(|(name, value)| (name, value.json())).collect()))
    }
}

impl fmt::Display for WorkflowInputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Value::Object(self.0.clone()))
    }
}

impl fmt::Display for ClientPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Value::Object(self.0.clone()))
    }
}

input_value!(WorkflowInputs, "YAML or JSON: names and values", "service: orders");
input_value!(ClientPayload, "YAML or JSON: names and values", "service: orders");

/// A mapping at the top, in YAML, of which JSON is a part.
fn mapping(text: &str, wrong: &str) -> Result<Vec<(String, Yaml)>, String> {
    match Yaml::read(text) {
        Ok(Yaml::Mapping(members)) => Ok(members),
        Ok(_) => Err(wrong.to_owned()),
        Err(error) => Err(format!("{wrong} ({error})")),
    }
}

/// Whether a number in it has a fraction or an exponent, or is beyond all numbers: YAML would read `1.10` as 1.1, and the commit
/// `1234e56` as a number. In JSON they were meant.
fn is_inexact(value: &Yaml) -> bool {
    match value {
        Yaml::Scalar { value, .. } => !(value.is_boolean() || value.is_i64() || value.is_u64()),
        Yaml::List(items) => items.iter().any(is_inexact),
        Yaml::Mapping(members) => members.iter().any(|(_, value)| is_inexact(value)),
        Yaml::Null | Yaml::Text(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn inputs_are_text_and_keep_their_digits() {
        let read = |text: &str| text.parse::<WorkflowInputs>().map(|inputs| Value::Object(inputs.0));
        assert_eq!(read("a: x\nb: 1\nc: true\nd:"), Ok(json!({"a": "x", "b": "1", "c": "true", "d": ""})));
        assert_eq!(read(r#"{"version": "1.10", "ratio": 0.5}"#), Ok(json!({"version": "1.10", "ratio": "0.5"})));
        assert_eq!(
            read("version: 1.10\nsha: 1234e56\nhuge: 9e12345\non: True"),
            Ok(json!({"version": "1.10", "sha": "1234e56", "huge": "9e12345", "on": "true"}))
        );
        assert_eq!(read(r#"{"ratio": 1.50}"#), Ok(json!({"ratio": "1.50"})));
        for refused in ["a: [1]", "just text", "- a", "a: 1\na: 2", "a: {b: c}"] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_payload_keeps_its_form() {
        let read = |text: &str| text.parse::<ClientPayload>().map(|payload| Value::Object(payload.0));
        assert_eq!(read("service: zmanim\nurls: [a, b]"), Ok(json!({"service": "zmanim", "urls": ["a", "b"]})));
        assert_eq!(read(r#"{"ratio": 1.5, "deep": {"a": null}}"#), Ok(json!({"ratio": 1.5, "deep": {"a": null}})));
        assert_eq!(read("a: 1\nb: [true, ~, 0x1F, 9e12345]"), Ok(json!({"a": 1, "b": [true, null, 31, "9e12345"]})));
        let refused = [
            "version: 1.10",
            "a: [{b: 1234e56}]",
            "a: .inf",
            "a: 340282366920938463463374607431768211455",
            "[]",
            "null",
            "a: 1\na: 2",
            r#"{"a": 1, "a": 2}"#,
            "a: !tag {b: 1.5}",
        ];
        for refused in refused {
            assert!(read(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_commit_is_no_branch() {
        assert!("8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".parse::<BranchOrTag>().is_err());
        assert!("refs/heads/main".parse::<BranchOrTag>().is_ok());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["status:ci / test (1)", "run", "refs/tags/v1.2.3", "ci.yml", r#"{"a": [1, "b"], "c": 1.5}"#, "a: b\nc: 1"]),
        ) {
            reads_plainly::<WorkflowFile>(&text);
            reads_plainly::<EventType>(&text);
            reads_plainly::<BranchOrTag>(&text);
            reads_plainly::<WaitFor>(&text);
            reads::<WorkflowInputs>(&text);
            reads::<ClientPayload>(&text);
        }
    }
}
