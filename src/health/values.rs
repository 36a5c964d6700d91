//! Values of the health check's inputs: when to ask and what to expect. Those that are sent are in [`super::sent`].

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use regex::{Regex, RegexBuilder};
use reqwest::header::HeaderName;

pub use super::sent::{Body, Headers, Method, Payload, UrlPath};
use crate::action::inputs::{Span, input_value, is_made_of, is_written_anew, text_value, word};

/// A duration that may be shorter than a second: `500ms`, `2s`, `1m30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pause(pub Duration);

/// As long as the longest [`Span`].
const LONGEST: Duration = Duration::from_hours(24);

impl Pause {
    /// Whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a duration such as `500ms`, `10s` or `1m30s`, at most 24h".to_owned();
        match text.strip_suffix("ms") {
            Some(digits) if digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let pause = digits.parse().map(Duration::from_millis).map_err(|_invalid| wrong())?;
                if pause > LONGEST { Err(wrong()) } else { Ok(Self(pause)) }
            }
            Some(_) => Err(wrong()),
            None => text.parse::<Span>().map(|span| Self(span.0)).map_err(|_invalid| wrong()),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.subsec_millis() == 0 { Span(self.0).fmt(f) } else { write!(f, "{}ms", self.0.as_millis()) }
    }
}

input_value!(name Pause, "a duration, e.g. `500ms`, `10s`, `1m30s`", "10s");

/// Statuses of HTTP: numbers and ranges, `200,204,300-399`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// These, each alone.
    #[must_use]
    pub fn of(statuses: &[u16]) -> Self {
        Self(statuses.iter().map(|status| *status..=*status).collect())
    }

    /// True when the status is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be statuses from 100 to 599, e.g. `200`, `200,204` or `200-299`, or `none`".to_owned();
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        let number = |text: &str| match text.trim().parse() {
            Ok(number) if (100..600).contains(&number) && !text.contains('+') => Ok(number),
            _ => Err(wrong()),
        };
        let range = |text: &str| match text.split_once('-') {
            Some((first, last)) => Ok(number(first)?..=number(last)?),
            None => number(text).map(|one| one..=one),
        };
        let ranges: Vec<_> = text.split([',', '\n']).map(range).collect::<Result<_, _>>()?;
        if ranges.iter().any(RangeInclusive::is_empty) { Err(wrong()) } else { Ok(Self(ranges)) }
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (place, range) in self.0.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{comma}{first}")?,
                (first, last) => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

input_value!(name Statuses, "statuses, e.g. `200`, `200,204`, `200-299`", "200");

/// A regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(pub Regex);

/// Compiled patterns stay below this size, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build();
        built.map(Self).map_err(|error| {
            let words = error.to_string();
            let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            format!("must be a regular expression ({last})")
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

input_value!(Pattern, "a regular expression", "ok|healthy");

/// A pointer into JSON: empty for the whole, or `/` before each name (RFC 6901).
///
/// # Errors
/// What it must be.
pub fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        let meant = word(text).map(|text| format!(": `/{text}`?")).unwrap_or_default();
        Err(format!("must be a JSON pointer, which begins with `/`{meant}"))
    }
}

/// Where an answer tells its version.
#[derive(Clone, Debug)]
pub enum VersionFrom {
    /// A value of its JSON, by pointer.
    Json(String),
    /// A header.
    Header(HeaderName),
    /// The first group of this pattern in its body, or all that matches.
    Body(Pattern),
    /// The version of the function that ran.
    Executed,
}

impl FromStr for VersionFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("json", place)) => pointer(place.trim()).map(Self::Json),
            Some(("header", name)) => {
                let name = name.trim().parse().map_err(|_invalid| "must name a header after `header:`".to_owned())?;
                Ok(Self::Header(name))
            }
            Some(("body", pattern)) => pattern.trim().parse().map(Self::Body),
            None if text == "executed-version" => Ok(Self::Executed),
            _ => Err("must be `json:<pointer>`, `header:<name>`, `body:<regular expression>` or `executed-version`"
                .to_owned()),
        }
    }
}

impl fmt::Display for VersionFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Body(pattern) => write!(f, "body:{pattern}"),
            Self::Executed => f.write_str("executed-version"),
        }
    }
}

input_value!(
    VersionFrom,
    "`json:<pointer>`, `header:<name>`, `body:<regular expression>` or `executed-version`",
    "json:/commit"
);

text_value!(
    /// The version that must answer: a commit, a number, a tag.
    name pub struct ExpectedVersion, "a version: a commit, a number or a tag", "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2",
    read |text| {
        if is_written_anew(text) {
            return Err("is a number as YAML writes it: put the version in quotes, e.g. `expect-version: \"6063e25\"`".to_owned());
        }
        let wrong = || "must be a version: a commit, a number or a tag, at most 128 characters".to_owned();
        is_made_of(text, 128, |c| c.is_ascii_graphic()).then(|| text.to_owned()).ok_or_else(wrong)
    }
);

/// Shorter parts of a commit's name than this are not taken for it.
const SHORTEST_COMMIT: usize = 7;

impl ExpectedVersion {
    /// Equal, or the one a beginning of the other where both are names of a commit; upper and lower case are the same.
    #[must_use]
    pub fn is(&self, observed: &str) -> bool {
        let (one, other) = (self.0.to_ascii_lowercase(), observed.trim().to_ascii_lowercase());
        let commit = |name: &str| name.len() >= SHORTEST_COMMIT && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        one == other || commit(&one) && commit(&other) && (one.starts_with(&other) || other.starts_with(&one))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn pauses_are_read_and_shown() {
        for (text, millis, label) in
            [("500ms", 500, "500ms"), ("0s", 0, "0s"), ("1m30s", 90_000, "1m30s"), ("2000ms", 2000, "2s")]
        {
            let pause: Pause = text.parse().unwrap();
            assert_eq!((pause.0, pause.to_string().as_str()), (Duration::from_millis(millis), label), "{text}");
        }
        for wrong in ["", "5", "ms", "-5ms", "1.5s", "1s500ms", "999999999ms", "+5ms"] {
            assert!(wrong.parse::<Pause>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let statuses: Statuses = "200, 204,300-399".parse().unwrap();
        assert_eq!(statuses.to_string(), "200,204,300-399");
        for (status, inside) in [(200, true), (201, false), (204, true), (300, true), (399, true), (400, false)] {
            assert_eq!(statuses.contains(status), inside, "{status}");
        }
        assert!(!"none".parse::<Statuses>().unwrap().contains(404));
        for wrong in ["", "20", "600", "200-", "399-300", "2xx", "200;204", "-1"] {
            assert!(wrong.parse::<Statuses>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_equal_or_a_part_of_a_commit_of_at_least_seven_digits() {
        let full = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";
        let table = [
            (full, full, true),
            (full, "8F3C1B2A9D4E5F60718293A4B5C6D7E8F9A0B1C2", true),
            (full, "8f3c1b2", true),
            ("8f3c1b2", full, true),
            (full, "8f3c1b", false),
            ("8f3c1b", full, false),
            (full, "8f3c1b3", false),
            (full, "", false),
            ("v1.2.3", "V1.2.3", true),
            ("v1.2.3", "v1.2.30", false),
            ("42", "421", false),
            ("42", " 42\n", true),
        ];
        for (expected, observed, same) in table {
            let expected: ExpectedVersion = expected.parse().unwrap();
            assert_eq!(expected.is(observed), same, "{expected} {observed:?}");
        }
    }

    #[test]
    fn a_version_that_yaml_has_written_anew_is_refused() {
        for text in ["6.063E+28", "1E-07", "9e+30"] {
            assert!(text.parse::<ExpectedVersion>().unwrap_err().contains("in quotes"), "{text}");
        }
        for text in ["6063e25", "1.10", "v1.2.3-E+1", "8202758", "1e5"] {
            assert!(text.parse::<ExpectedVersion>().is_ok(), "{text}");
        }
    }

    #[test]
    fn where_a_version_is_told_is_read_and_shown() {
        for text in ["json:/commit", "json:", "header:x-version", r"body:version (\w+)", "executed-version"] {
            assert_eq!(text.parse::<VersionFrom>().unwrap().to_string(), text);
        }
        for wrong in ["", "json", "json:commit", "header:", "header:a b", "body:(", "executed", "xml:/a"] {
            assert!(wrong.parse::<VersionFrom>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_pause_is_longer_than_a_day_in_whatever_unit() {
        assert_eq!("86400000ms".parse::<Pause>().unwrap().to_string(), "24h");
        for wrong in ["86400001ms", "90000000ms", "99999999ms", "25h"] {
            assert!(wrong.parse::<Pause>().is_err(), "{wrong}");
        }
        assert!("+200".parse::<Statuses>().is_err());
    }

    #[test]
    fn a_pattern_that_would_take_all_memory_is_refused() {
        for huge in [r"\w{1000}{1000}".to_owned(), "(".repeat(60_000), r"(a|\pL)".repeat(8_000)] {
            assert!(huge.parse::<Pattern>().is_err());
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&[
                "500ms",
                "1m30s",
                "90000000ms",
                "200,204,300-399",
                "none",
                "+200",
                "json:/commit",
                "header:X-Version",
                "body:v(.*)",
                "executed-version",
                "ok|healthy",
            ]),
        ) {
            reads_plainly::<Pause>(&text);
            reads_plainly::<Statuses>(&text);
            reads_plainly::<ExpectedVersion>(&text);
            reads::<VersionFrom>(&text);
            reads::<Pattern>(&text);
            let _ = pointer(&text);
        }
    }
}
