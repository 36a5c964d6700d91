//! Lists, one item a line, and pairs.

use std::fmt;
use std::str::FromStr;

use super::input_value;

/// One item a line; blank lines and lines that begin with `#` are ignored. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines<T>(pub Vec<T>);

impl<T> Lines<T> {
    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'a, T> IntoIterator for &'a Lines<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: FromStr<Err = String>> FromStr for Lines<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items: Vec<T> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{error} (one item a line)"))?;
        if items.is_empty() {
            return Err("must hold at least one line".to_owned());
        }
        Ok(Self(items))
    }
}

impl<T: fmt::Display> fmt::Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            let separator = if place > 0 { "\n" } else { "" };
            write!(f, "{separator}{item}")?;
        }
        Ok(())
    }
}

impl<'de, T: FromStr<Err = String>> serde::Deserialize<'de> for Lines<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<T: fmt::Display> serde::Serialize for Lines<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for Lines<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Lines{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = T::json_schema(generator);
        let title = schema.get("title").and_then(serde_json::Value::as_str).unwrap_or("text").to_owned();
        schema.insert("title".to_owned(), format!("lines, each {title}").into());
        schema.insert("x-name".to_owned(), false.into());
        schema
    }
}

/// A `key=value` line. The value may be empty and may hold `=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands after it.
    pub value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok(Self { key: key.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err("must be `key=value`".to_owned()),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

input_value!(Pair, "`key=value`", "stage=prd");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn lines_skip_blanks_and_comments() {
        let lines: Lines<Pair> = "\n a=1 \n# note\n\nb=x=y".parse().unwrap();
        assert_eq!(lines.to_string(), "a=1\nb=x=y");
        assert!("# only a note".parse::<Lines<Pair>>().is_err());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["\n a=1 \n# note\n\nb=x=y", "a=", "=b"])) {
            reads::<Pair>(&text);
            reads::<Lines<Pair>>(&text);
        }
    }
}
