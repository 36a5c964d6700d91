//! Values of inputs: validated newtypes, made at the edge, once. Each says its shape in words and carries an example; each
//! error says what the value "must be".

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::action::accounts;

/// Makes a type an input value: read from text by its `FromStr`, shown by its `Display`, described by a shape and an example.
macro_rules! input_value {
    ($type:ident, $shape:literal, $example:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "title": $shape, "examples": [$example] })
            }
        }
    };
}
pub(crate) use input_value;

/// Makes a newtype over a name with a fixed alphabet and length.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $shape:literal, $example:literal, $longest:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// The name as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let allowed: fn(char) -> bool = $allowed;
                if text.is_empty() || text.len() > $longest || !text.chars().all(allowed) {
                    return Err(format!("must be {}", $shape));
                }
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        input_value!($type, $shape, $example);
    };
}
pub(crate) use name;

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn is_word_or_dot(character: char) -> bool {
    is_word(character) || character == '.'
}

name!(
    /// A deployment environment, as GitHub names it.
    EnvironmentName, "an environment name: letters, digits, `.`, `_`, `-`, at most 64", "prd", 64, is_word_or_dot
);
name!(
    /// One app of a repository that holds several.
    Component, "a component name: letters, digits, `.`, `_`, `-`, at most 100", "orders", 100, is_word_or_dot
);
name!(
    /// An AWS region.
    Region, "a region: letters, digits, `-`, at most 32", "eu-west-1", 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
name!(
    /// The name of an STS session (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
    SessionName, "a session name: 2 to 64 letters, digits and `_=,.@-`", "deploy-42", 64,
    |c| c.is_ascii_alphanumeric() || "_=,.@+-".contains(c)
);

/// A commit, by its full name of 40 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitSha(String);

impl CommitSha {
    /// All 40 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl FromStr for CommitSha {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err("must be a commit by all 40 hexadecimal digits of its name".to_owned())
        }
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(CommitSha, "a commit: 40 hexadecimal digits", "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2");

/// A 12-digit AWS account id. Never printed, never in an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

impl AccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // Like a secret, it is to be known before anything is said of it.
            accounts::remember(text);
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an AWS account id of 12 digits".to_owned())
        }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(AccountId, "an account id: 12 digits", "111122223333");

/// A length of time such as `90s`, `5m` or `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// A span of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A span of whole minutes.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes * 60)
    }
}

/// No wait of ours may last longer: a job on a hosted runner ends after six hours.
const LONGEST_SPAN: u64 = 24 * 3600;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a duration such as `90s`, `5m` or `1h30m`, at most 24h".to_owned();
        let mut seconds: u64 = 0;
        let mut rest = text;
        let mut largest = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_too_large| wrong())?;
            let mut characters = rest[digits..].chars();
            let unit = match characters.next() {
                Some('h') => 3600,
                Some('m') => 60,
                Some('s') => 1,
                _ => return Err(wrong()),
            };
            if unit >= largest {
                return Err(wrong());
            }
            largest = unit;
            seconds = number.checked_mul(unit).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
            rest = characters.as_str();
        }
        if text.is_empty() || seconds > LONGEST_SPAN {
            return Err(wrong());
        }
        Ok(Self::seconds(seconds))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
        if seconds == 0 {
            return f.write_str("0s");
        }
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        Ok(())
    }
}

input_value!(Span, "a duration, e.g. `90s`, `5m`, `1h30m`", "5m");

/// `true` or `false`, as YAML 1.2 core spells booleans (and `core.getBooleanInput` of actions/toolkit reads them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

impl FromStr for Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "true" | "True" | "TRUE" => Ok(Self(true)),
            "false" | "False" | "FALSE" => Ok(Self(false)),
            _ => Err("must be `true` or `false`".to_owned()),
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

input_value!(Flag, "`true` or `false`", "true");

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number<const LEAST: u32, const MOST: u32>(pub u32);

impl<const LEAST: u32, const MOST: u32> FromStr for Number<LEAST, MOST> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if all_digits && (LEAST..=MOST).contains(&number) => Ok(Self(number)),
            _ => Err(format!("must be a whole number from {LEAST} to {MOST}")),
        }
    }
}

impl<const LEAST: u32, const MOST: u32> fmt::Display for Number<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<'de, const LEAST: u32, const MOST: u32> serde::Deserialize<'de> for Number<LEAST, MOST> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<const LEAST: u32, const MOST: u32> serde::Serialize for Number<LEAST, MOST> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<const LEAST: u32, const MOST: u32> schemars::JsonSchema for Number<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Number{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "title": format!("a whole number from {LEAST} to {MOST}"),
            "examples": [LEAST.max(1).min(MOST).to_string()],
        })
    }
}

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

/// Free text, neutralised wherever it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(Text, "text", "text");

/// An `http` or `https` URL without credentials in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(pub url::Url);

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "must be an http or https URL without a user name or password".to_owned();
        match url::Url::parse(text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.host_str().is_some_and(|host| !host.is_empty())
                    && url.username().is_empty()
                    && url.password().is_none()
                    && !text.chars().any(char::is_control) =>
            {
                Ok(Self(url))
            }
            _ => Err(wrong),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

input_value!(HttpUrl, "an http or https URL", "https://shop.example.com/health");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h30m", 5400), ("0s", 0), ("1h1m1s", 3661), ("24h", 86_400)]
        {
            assert_eq!(text.parse::<Span>().unwrap(), Span::seconds(seconds), "{text}");
        }
        assert_eq!(Span::seconds(5400).to_string(), "1h30m");
        assert_eq!(Span::seconds(90).to_string(), "1m30s");
        for wrong in ["", "5", "m", "-5m", "1.5h", "5m1h", "5m5m", "25h", "99999999999999999999s", "5 m", "５m"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn booleans_are_those_of_yaml_core() {
        assert_eq!("TRUE".parse(), Ok(Flag(true)));
        assert_eq!("False".parse(), Ok(Flag(false)));
        for wrong in ["yes", "1", "tRUE", "on"] {
            assert!(wrong.parse::<Flag>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_refuse_hostile_characters() {
        for wrong in ["", "a b", "a\nb", "::x", "ü", "a/b", &"x".repeat(65)] {
            assert!(wrong.parse::<EnvironmentName>().is_err(), "{wrong:?}");
        }
        assert!("eu-prd_1.x".parse::<EnvironmentName>().is_ok());
    }

    #[test]
    fn numbers_have_a_range() {
        assert_eq!("15".parse(), Ok(Number::<1, 100>(15)));
        for wrong in ["0", "101", "-1", "+5", "15.5", "1e2", "", "４"] {
            assert!(wrong.parse::<Number<1, 100>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_skip_blanks_and_comments() {
        let lines: Lines<Pair> = "\n a=1 \n# note\n\nb=x=y".parse().unwrap();
        assert_eq!(lines.to_string(), "a=1\nb=x=y");
        assert!("# only a note".parse::<Lines<Pair>>().is_err());
    }
}
