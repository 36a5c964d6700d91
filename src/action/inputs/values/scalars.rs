//! Durations, booleans and numbers.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::input_value;

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

input_value!(name Span, "a duration, e.g. `90s`, `5m`, `1h30m`", "5m");

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

input_value!(name Flag, "`true` or `false`", "true");

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number<const LEAST: u32, const MOST: u32>(pub u32);

impl<const LEAST: u32, const MOST: u32> Default for Number<LEAST, MOST> {
    fn default() -> Self {
        Self(LEAST)
    }
}

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
            "x-name": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

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
    fn numbers_have_a_range() {
        assert_eq!("15".parse(), Ok(Number::<1, 100>(15)));
        for wrong in ["0", "101", "-1", "+5", "15.5", "1e2", "", "４"] {
            assert!(wrong.parse::<Number<1, 100>>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["90s", "1h30m", "24h", "true", "FALSE", "15", "99999999999999999999s"]),
        ) {
            reads_plainly::<Span>(&text);
            reads_plainly::<Flag>(&text);
            reads_plainly::<Number<1, 100>>(&text);
        }
    }
}
