//! What JSON must hold: pointers (RFC 6901), each with a value, a pattern or a comparison.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::values::{Pattern, pointer};
use crate::action::inputs::{Yaml, input_value, word};
use crate::text::Foreign;

/// Longest value of a body shown in a message.
const SHOWN: usize = 120;

/// What one place must hold.
#[derive(Clone, Debug)]
pub enum Expected {
    /// This value. Numbers are equal when their values are, or to text that is written like them.
    Equal(Yaml),
    /// Text (or a number, as it is written) in which this is found.
    Matches(Pattern),
    /// A number that compares so.
    Compares(Comparison, f64),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `!=`
    Not,
    /// `==`
    Is,
    /// `>`
    Above,
    /// `<`
    Below,
}

/// Longer signs first: `>=` begins with `>`.
const SIGNS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::Not),
    ("==", Comparison::Is),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

impl Expected {
    /// Reads a value of YAML: text between slashes is a pattern, text after a sign is compared, all else must be equal.
    ///
    /// # Errors
    /// What it must be.
    pub fn read(value: Yaml) -> Result<Self, String> {
        let Yaml::Text(text) = &value else { return Ok(Self::Equal(value)) };
        if let Some(pattern) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            return pattern.parse().map(Self::Matches);
        }
        let Some((sign, comparison)) = SIGNS.iter().find(|(sign, _)| text.starts_with(sign)) else {
            return Ok(Self::Equal(value));
        };
        match text[sign.len()..].trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Self::Compares(*comparison, number)),
            _ => Err(format!("must compare with a number after `{sign}`")),
        }
    }

    /// True when the value is as expected.
    #[must_use]
    pub fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Equal(expected) => expected.is(value),
            Self::Matches(pattern) => match value {
                Value::String(text) => pattern.0.is_match(text),
                Value::Number(number) => pattern.0.is_match(&number.to_string()),
                _ => false,
            },
            Self::Compares(comparison, expected) => value.as_f64().is_some_and(|value| match comparison {
                Comparison::AtLeast => value >= *expected,
                Comparison::AtMost => value <= *expected,
                Comparison::Not => (value - expected).abs() > 0.0,
                Comparison::Is => (value - expected).abs() <= 0.0,
                Comparison::Above => value > *expected,
                Comparison::Below => value < *expected,
            }),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(value) => write!(f, "{value}"),
            Self::Matches(pattern) => write!(f, "/{pattern}/"),
            Self::Compares(comparison, number) => {
                let sign = SIGNS.iter().find(|(_, one)| one == comparison).map_or("", |(sign, _)| sign);
                write!(f, "{sign} {number}")
            }
        }
    }
}

/// Several places and what they must hold.
#[derive(Clone, Debug, Default)]
pub struct JsonExpectations(Vec<(String, Expected)>);

impl JsonExpectations {
    /// Reads a mapping of YAML.
    ///
    /// # Errors
    /// What it must be.
    pub fn read(value: Yaml) -> Result<Self, String> {
        let Yaml::Mapping(places) = value else {
            return Err("must map JSON pointers to values, e.g. `/status: ok`".to_owned());
        };
        let places = places.into_iter().map(|(place, value)| {
            let expected = Expected::read(value).map_err(|error| {
                let at = word(&place).map(|place| format!("at `{place}` ")).unwrap_or_default();
                format!("{at}{error}")
            })?;
            Ok((pointer(&place)?, expected))
        });
        places.collect::<Result<_, String>>().map(Self)
    }

    /// True when nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first place that is not as expected, in words.
    #[must_use]
    pub fn mismatch(&self, body: &Value) -> Option<String> {
        self.0.iter().find_map(|(place, expected)| match body.pointer(place) {
            None => Some(format!("nothing at {place}, expected {expected}")),
            Some(value) if expected.matches(value) => None,
            Some(value) => {
                let value = Foreign::new(value.to_string()).for_message(SHOWN);
                Some(format!("{place} is {value}, expected {expected}"))
            }
        })
    }
}

impl FromStr for JsonExpectations {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Yaml::read(text) {
            Ok(value) => Self::read(value),
            Err(error) => Err(format!("must be YAML that maps JSON pointers to values ({error})")),
        }
    }
}

impl fmt::Display for JsonExpectations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (pointer, expected)) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{pointer}: {expected}")?;
        }
        Ok(())
    }
}

input_value!(JsonExpectations, "YAML: JSON pointers and what they must hold", "/status: ok");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign, like};
    use serde_json::json;

    #[test]
    fn a_value_is_equal_matches_or_compares() {
        let table = [
            (json!("ok"), json!("ok"), true),
            (json!("ok"), json!("OK"), false),
            (json!(1), json!(1.0), true),
            (json!("1"), json!(1), false),
            (json!(1), json!("1"), true),
            (json!(true), json!(true), true),
            (json!(null), json!(null), true),
            (json!({"a": [1]}), json!({"a": [1]}), true),
            (json!("/^8f3/"), json!("8f3c1b2"), true),
            (json!("/^8f3/"), json!("18f3"), false),
            (json!("/^4/"), json!(42), true),
            (json!(">= 1"), json!(1), true),
            (json!(">= 1"), json!(0), false),
            (json!("<50"), json!(49.9), true),
            (json!("!= 0"), json!(3), true),
            (json!("== 2"), json!(2), true),
            (json!("> 1"), json!("2"), false),
        ];
        for (expected, value, met) in table {
            let read = Expected::read(expected.clone().into()).unwrap();
            assert_eq!(read.matches(&value), met, "{expected} {value}");
        }
        assert!(Expected::read(json!("> many").into()).is_err());
        assert!(Expected::read(json!("/(/").into()).is_err());
    }

    #[test]
    fn places_are_json_pointers() {
        let places: JsonExpectations = "/status: ok\n/checks/0/ms: '< 50'\n/a~1b: 1".parse().unwrap();
        let met = json!({"status": "ok", "checks": [{"ms": 12}], "a/b": 1});
        assert_eq!(places.mismatch(&met), None);
        let unmet = |body| places.mismatch(&body).unwrap();
        assert_eq!(unmet(json!({"checks": [{"ms": 12}], "a/b": 1})), "nothing at /status, expected \"ok\"");
        assert_eq!(
            unmet(json!({"status": "ok", "checks": [{"ms": 120}], "a/b": 1})),
            "/checks/0/ms is 120, expected < 50"
        );
        for wrong in ["", "ok", "- a", "status: ok", "/a: '> x'", "/a: [", "null"] {
            assert!(wrong.parse::<JsonExpectations>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn yaml_that_grows_without_end_is_refused() {
        let names: Vec<char> = ('a'..='z').collect();
        let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for pair in names.windows(2) {
            let (before, name) = (pair[0], pair[1]);
            bomb = format!("{bomb}{name}: &{name} [{}]\n", format!("*{before}, ").repeat(9));
        }
        for endless in [bomb, "[".repeat(60_000), "a: ".repeat(20_000)] {
            assert!(endless.parse::<JsonExpectations>().is_err());
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_an_expectation_or_refused(
            text in like(&["/status: ok", "/a: /x/\n/b: \"< 50\"", "/: [1, {a: b}]"]),
            given in foreign(),
        ) {
            if let Ok(expected) = text.parse::<JsonExpectations>() {
                let problem = expected.mismatch(&serde_json::json!({"status": given}));
                prop_assert!(problem.is_none_or(|problem| problem.len() < text.len() + 1000));
            }
        }
    }
}
