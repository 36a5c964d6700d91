//! A value of YAML in which numbers are kept as they were written: YAML reads the commits `8202758` and `6063e25`, and the version `1.10`,
//! as numbers, and would write the last two anew.

use std::fmt;

use serde_json::{Map, Value};

use crate::text;

/// A value of YAML.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// Nothing, `null` or `~`.
    Null,
    /// A number or a boolean.
    Scalar {
        /// What YAML reads; text for a number that JSON does not have.
        value: Value,
        /// What stands there.
        written: String,
    },
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Yaml>),
    /// A mapping, in the order in which it was written.
    Mapping(Vec<(String, Yaml)>),
}

impl Yaml {
    /// The value of a key; nothing where there is no mapping, or no such key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Mapping(members) = self else { return None };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Text, a number or a boolean as it is written; nothing for all else.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Scalar { written: text, .. } => Some(text),
            Self::Null | Self::List(_) | Self::Mapping(_) => None,
        }
    }

    /// As JSON, with numbers as YAML reads them.
    #[must_use]
    pub fn json(self) -> Value {
        self.convert(&|value, _written| value)
    }

    /// As JSON, with numbers and booleans as text, as they are written.
    #[must_use]
    pub fn texts(self) -> Value {
        self.convert(&|_value, written| Value::String(written))
    }

    fn convert(self, scalar: &impl Fn(Value, String) -> Value) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Scalar { value, written } => scalar(value, written),
            Self::Text(text) => Value::String(text),
            Self::List(items) => items.into_iter().map(|item| item.convert(scalar)).collect(),
            Self::Mapping(members) => Value::Object(
                members.into_iter().map(|(key, value)| (key, value.convert(scalar))).collect::<Map<_, _>>(),
            ),
        }
    }

    /// True when a value of JSON is this one. Numbers are equal when their values are, and a text that is written like a number here is
    /// equal to it.
    #[must_use]
    pub fn is(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Text(text), Value::String(other)) => text == other,
            (Self::Scalar { written, .. }, Value::String(other)) => written == other,
            (Self::Scalar { value: Value::Number(one), .. }, Value::Number(other)) => {
                one == other || one.as_f64() == other.as_f64()
            }
            (Self::Scalar { value, .. }, other) => value == other,
            (Self::List(items), Value::Array(others)) => {
                items.len() == others.len() && items.iter().zip(others).all(|(item, other)| item.is(other))
            }
            (Self::Mapping(members), Value::Object(others)) => {
                let is_there = |(key, value): &(String, Self)| others.get(key).is_some_and(|other| value.is(other));
                members.len() == others.len() && members.iter().all(is_there)
            }
            _ => false,
        }
    }
}

impl From<Value> for Yaml {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) | Value::Number(_) => Self::Scalar { written: value.to_string(), value },
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                Self::Mapping(members.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}

impl fmt::Display for Yaml {
    /// As JSON, with numbers as they are written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar { written, .. } => f.write_str(written),
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if place > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Mapping(members) => {
                f.write_str("{")?;
                for (place, (key, value)) in members.iter().enumerate() {
                    let comma = if place > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{value}", Value::String(key.clone()))?;
                }
                f.write_str("}")
            }
            Self::Null => f.write_str("null"),
            Self::Text(text) => write!(f, "{}", Value::String(text.clone())),
        }
    }
}

/// The longest path of a file of the commit, in bytes.
const LONGEST_PATH: usize = 400;

/// Where something is written that an input gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// In the input itself, as YAML.
    Here,
    /// In a file of the commit, which the input names: one line without `:` and brackets.
    InFile,
    /// Nowhere: it is neither.
    Nowhere,
}

impl Written {
    /// By what the input looks like.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.contains(['\n', ':', '{', '[']) {
            return Self::Here;
        }
        let is_name = |part: &str| !matches!(part, "" | "." | "..");
        let is_path = text.len() <= LONGEST_PATH && text.split('/').all(is_name) && text::is_plain(text);
        if is_path { Self::InFile } else { Self::Nowhere }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_equal_to_a_text_that_is_written_like_it() {
        let table = [
            ("8202758", json!("8202758"), true),
            ("8202758", json!(8_202_758), true),
            ("8202758", json!("8202759"), false),
            ("6063e25", json!("6063e25"), true),
            ("1.10", json!("1.10"), true),
            ("1.10", json!("1.1"), false),
            ("1.10", json!(1.1), true),
            ("'1'", json!(1), false),
            ("9e12345", json!("9e12345"), true),
            ("true", json!(true), true),
            ("null", json!(null), true),
            ("[1, {a: 1.10}]", json!([1, {"a": "1.10"}]), true),
            ("[1]", json!([1, 2]), false),
            ("{a: 1}", json!({"a": 1, "b": 2}), false),
        ];
        for (text, other, same) in table {
            assert_eq!(Yaml::read(text).unwrap().is(&other), same, "{text} {other}");
        }
    }
}
