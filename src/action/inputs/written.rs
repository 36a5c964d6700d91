//! YAML in which numbers are kept as they were written: YAML reads the commits `8202758` and `6063e25`, and the version `1.10`, as
//! numbers, and would write the last two anew.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::reading::yaml;

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
    /// Reads YAML.
    ///
    /// # Errors
    /// What is wrong, without values; a key that stands twice is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut read: Self = yaml(text)?;
        // The same text once more, with every number as text.
        let again = Written(&mut read).deserialize(serde_yaml_ng::Deserializer::from_str(text));
        again.map_err(|_unlikely| "it could not be read twice the same".to_owned())?;
        Ok(read)
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
        self.converted(&|value, _written| value)
    }

    /// As JSON, with numbers and booleans as text, as they are written.
    #[must_use]
    pub fn texts(self) -> Value {
        self.converted(&|_value, written| Value::String(written))
    }

    fn converted(self, scalar: &impl Fn(Value, String) -> Value) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Scalar { value, written } => scalar(value, written),
            Self::Text(text) => Value::String(text),
            Self::List(items) => items.into_iter().map(|item| item.converted(scalar)).collect(),
            Self::Mapping(members) => Value::Object(
                members.into_iter().map(|(key, value)| (key, value.converted(scalar))).collect::<Map<_, _>>(),
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

    fn scalar(value: impl Into<Value>) -> Self {
        Self::Scalar { value: value.into(), written: String::new() }
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

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Yaml;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value without a tag")
    }

    fn visit_unit<E: Error>(self) -> Result<Yaml, E> {
        Ok(Yaml::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Yaml, E> {
        Ok(Yaml::scalar(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Yaml, E> {
        Ok(Yaml::scalar(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Yaml, E> {
        Ok(Yaml::scalar(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "JSON has no integers of this size; what was written is kept beside"
    )]
    fn visit_u128<E: Error>(self, value: u128) -> Result<Yaml, E> {
        self.visit_f64(value as f64)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "JSON has no integers of this size; what was written is kept beside"
    )]
    fn visit_i128<E: Error>(self, value: i128) -> Result<Yaml, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Yaml, E> {
        // `9e12345`, which may be a commit, is beyond all numbers.
        Ok(Number::from_f64(value).map_or_else(|| Yaml::scalar(value.to_string()), Yaml::scalar))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Yaml, E> {
        Ok(Yaml::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Yaml, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Yaml::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Yaml, A::Error> {
        let mut members: Vec<(String, Yaml)> = Vec::new();
        while let Some((key, value)) = mapping.next_entry::<String, Yaml>()? {
            if members.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
            members.push((key, value));
        }
        Ok(Yaml::Mapping(members))
    }
}

/// Fills in what stands where a number or a boolean was read.
struct Written<'a>(&'a mut Yaml);

impl<'de> DeserializeSeed<'de> for Written<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0 {
            Yaml::Null | Yaml::Text(_) => IgnoredAny::deserialize(deserializer).map(drop),
            Yaml::Scalar { written, .. } => {
                *written = String::deserialize(deserializer)?;
                Ok(())
            }
            Yaml::List(items) => {
                deserializer.deserialize_seq(Inside { items: items.iter_mut(), of: PhantomData::<Yaml> })
            }
            Yaml::Mapping(members) => {
                deserializer.deserialize_map(Inside { items: members.iter_mut(), of: PhantomData::<(String, Yaml)> })
            }
        }
    }
}

/// The parts of a list or a mapping, in the order in which they were read before.
struct Inside<'a, T> {
    items: std::slice::IterMut<'a, T>,
    of: PhantomData<T>,
}

impl<'de> Visitor<'de> for Inside<'_, Yaml> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list that was read before")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for item in self.items {
            list.next_element_seed(Written(item))?;
        }
        list.next_element::<IgnoredAny>().map(drop)
    }
}

impl<'de> Visitor<'de> for Inside<'_, (String, Yaml)> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the mapping that was read before")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<(), A::Error> {
        for (_, value) in self.items {
            mapping.next_key::<IgnoredAny>()?;
            mapping.next_value_seed(Written(value))?;
        }
        mapping.next_key::<IgnoredAny>().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like};

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        let read = Yaml::read(
            "a: 8202758\nb: [6063e25, 1.10, '1.10', 0x1F, 9e12345, 0123456]\nc: {d: True, e: ~, f: &n 1.50, g: *n}\n\
             h: 340282366920938463463374607431768211455\ni: \"x\"\n7: -0.0",
        );
        let read = read.unwrap();
        assert_eq!(
            read.clone().texts(),
            json!({
                "a": "8202758",
                "b": ["6063e25", "1.10", "1.10", "0x1F", "9e12345", "0123456"],
                "c": {"d": "True", "e": null, "f": "1.50", "g": "1.50"},
                "h": "340282366920938463463374607431768211455",
                "i": "x",
                "7": "-0.0",
            })
        );
        let json = read.json();
        assert_eq!((&json["a"], &json["b"][1], &json["b"][2]), (&json!(8_202_758), &json!(1.1), &json!("1.10")));
        assert_eq!((&json["b"][3], &json["b"][5], &json["c"]["d"]), (&json!(31), &json!("0123456"), &json!(true)));
    }

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

    #[test]
    fn what_is_not_read_is_told_without_its_values() {
        for wrong in ["a: [", "a: 1\na: 2", "!tag s3cr3t", "a: 1\n---\nb: 2"] {
            let error = Yaml::read(wrong).unwrap_err();
            assert!(!error.contains("s3cr3t"), "{wrong}: {error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_read_as_yaml_reads_it(
            text in like(&["a: 1.10", "- [x, 6063e25, {y: ~}]", "&a [1, *a]", "a: |\n  1.10\n", "'1': 0x1f"]),
        ) {
            if let Ok(read) = Yaml::read(&text) {
                let _ = (read.to_string(), read.clone().texts());
                prop_assert_eq!(Yaml::from(read.clone().json()).json(), read.json());
            }
        }
    }
}
