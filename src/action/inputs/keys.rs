//! Mappings that are read by a struct: what is wrong is reported by key, without values.

use std::str::FromStr;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::Value;
use serde_path_to_error::Segment;

use super::nearest;
use super::reading::{key, without_values};

/// Reads a mapping by a struct with `deny_unknown_fields`.
///
/// # Errors
/// Which key is wrong, and what its value must be.
pub fn mapping<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let part = |segment: &Segment| match segment {
            Segment::Seq { index } => format!("[{index}]"),
            Segment::Map { key: name } => key(name).unwrap_or_else(|| "..".to_owned()),
            Segment::Enum { .. } | Segment::Unknown => "..".to_owned(),
        };
        let path: Vec<String> = error.path().iter().map(part).collect();
        plain_words(&path.join("."), &error.inner().to_string())
    })
}

/// The words of serde, for people.
fn plain_words(path: &str, error: &str) -> String {
    let expected = |rest: &str| without_values(rest.rsplit_once(", expected ").map_or(rest, |(_, expected)| expected));
    let of = |path: &str| if path.is_empty() { String::new() } else { format!("`{path}` ") };
    if let Some(rest) = error.strip_prefix("unknown field `") {
        let (given, known) = rest.rsplit_once("`, expected ").unwrap_or((rest, ""));
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let hint = nearest(given, known.iter().copied()).map_or_else(
            || format!("known are `{}`", known.join("`, `")),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        let name = key(given).map_or_else(|| "a key".to_owned(), |key| format!("`{key}`"));
        return format!("{name} is not known ({hint})");
    }
    if let Some(name) = error.strip_prefix("missing field ") {
        return format!("{name} must be given");
    }
    if error.starts_with("unknown variant") || error.starts_with("invalid ") {
        return format!(
            "{}must be {}",
            of(path),
            expected(error).replace("a string", "text").replace("string or map", "text")
        );
    }
    format!("{}{error}", of(path))
}

/// Text that is read as this type.
///
/// # Errors
/// What it must be.
pub fn parse<'de, D: Deserializer<'de>, T: FromStr<Err = String>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.trim().parse()).transpose().map_err(D::Error::custom)
}

/// A list of texts, or one alone.
///
/// # Errors
/// That it is no such thing.
pub fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let wrong = || D::Error::custom("must be a list of texts, each in quotation marks");
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.into_iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Written {
        #[serde(rename = "to")]
        _to: Word,
        #[serde(default, deserialize_with = "texts")]
        paths: Vec<String>,
        #[serde(default, rename = "deep")]
        _deep: Vec<Deep>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Deep {
        #[serde(rename = "name")]
        _name: Option<String>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        #[default]
        Here,
        There,
        Nowhere,
    }

    #[test]
    fn what_is_wrong_is_told_by_key_and_without_values() {
        let table = [
            (json!({}), "`to` must be given"),
            (json!({"to": "s3cr3t"}), "`to` must be one of `here`, `there`, `nowhere`"),
            (json!({"to": ["s3cr3t"]}), "`to` must be text"),
            (json!({"to": "here", "pths": 1}), "`pths` is not known (did you mean `paths`?)"),
            (json!({"to": "here", "zzz": 1}), "`zzz` is not known (known are `to`, `paths`, `deep`)"),
            (
                json!({"to": "here", "https://example.com/s3cr3t": 1}),
                "a key is not known (known are `to`, `paths`, `deep`)",
            ),
            (json!({"to": "here", "paths": {}}), "`paths` must be a list of texts, each in quotation marks"),
            (json!({"to": "here", "deep": [{"name": {}}]}), "`deep.[0].name` must be text"),
        ];
        for (value, expected) in table {
            assert_eq!(mapping::<Written>(value.clone()).unwrap_err(), expected, "{value}");
        }
        assert_eq!(mapping::<Written>(json!({"to": "there", "paths": "a"})).unwrap().paths, ["a"]);
    }
}
