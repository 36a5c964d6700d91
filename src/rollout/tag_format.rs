//! The form of tags that say where an image is meant to run and which commit it holds.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Result};

use crate::action::inputs::{CommitSha, input_value, text_value};
use crate::context::Context;
use crate::oci::is_tag;

text_value!(
    /// A tag of an image.
    name pub struct Tag, "a tag: letters, digits, `_`, `.`, `-`, at most 128", "prd-8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2",
    "must be a tag: letters, digits, `_`, `.`, `-`, at most 128, not beginning with `.` or `-`",
    is_tag
);

/// A tag with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagFormat(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Placeholder(Placeholder),
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The environment.
    Environment,
    /// The component.
    Component,
    /// The commit, 40 digits.
    Sha,
    /// Its first seven digits.
    ShortSha,
    /// The release: the pushed tag, else the commit's first digits.
    Version,
    /// The day of the commit, UTC: `20261121`.
    Date,
    /// The time of the commit, UTC: `134501`.
    Time,
}

const ALL: [(&str, Placeholder); 7] = [
    ("environment", Placeholder::Environment),
    ("component", Placeholder::Component),
    ("sha", Placeholder::Sha),
    ("short-sha", Placeholder::ShortSha),
    ("version", Placeholder::Version),
    ("date", Placeholder::Date),
    ("time", Placeholder::Time),
];

/// What the placeholders stand for.
#[derive(Clone, Debug)]
pub struct Values<'v> {
    pub environment: Option<&'v str>,
    pub component: &'v str,
    pub commit: &'v CommitSha,
    pub version: &'v str,
    /// When the commit was made, RFC 3339; only needed where the format says so.
    pub committed_at: Option<&'v str>,
}

impl TagFormat {
    /// `{environment}-{sha}`.
    #[must_use]
    pub fn usual() -> Self {
        Self(vec![
            Part::Placeholder(Placeholder::Environment),
            Part::Text("-".to_owned()),
            Part::Placeholder(Placeholder::Sha),
        ])
    }

    /// True when the tag depends on this.
    #[must_use]
    pub fn has(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Part::Placeholder(placeholder))
    }

    /// The tag for these values. The error says which placeholder cannot be filled, or what is wrong with the tag.
    pub fn fill(&self, values: &Values<'_>) -> Result<Tag, String> {
        let mut tag = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => tag.push_str(text),
                Part::Placeholder(placeholder) => {
                    let value = values.of(*placeholder);
                    let value = value
                        .ok_or_else(|| format!("`tag-format` needs {}, which is not known", placeholder.name()))?;
                    // Environments and versions hold slashes, tags of images do not.
                    tag.push_str(&value.replace('/', "-"));
                }
            }
        }
        tag.parse().map_err(|why| format!("`tag-format` makes \"{tag}\", which {why}"))
    }
}

impl Values<'_> {
    fn of(&self, placeholder: Placeholder) -> Option<String> {
        match placeholder {
            Placeholder::Environment => self.environment.map(str::to_owned),
            Placeholder::Component => Some(self.component.to_owned()),
            Placeholder::Sha => Some(self.commit.to_string()),
            Placeholder::ShortSha => Some(self.commit.short().to_owned()),
            Placeholder::Version => Some(self.version.to_owned()),
            Placeholder::Date => self.digits(0..10),
            Placeholder::Time => self.digits(11..19),
        }
    }

    /// The digits of a part of `2026-11-21T13:45:01Z`.
    fn digits(&self, part: std::ops::Range<usize>) -> Option<String> {
        Some(self.committed_at?.get(part)?.chars().filter(char::is_ascii_digit).collect())
    }
}

impl Placeholder {
    fn name(self) -> &'static str {
        ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }
}

impl FromStr for TagFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || ALL.iter().map(|(name, _)| format!("`{{{name}}}`")).collect::<Vec<_>>().join(" ");
        let wrong = || format!("must be a tag with the placeholders {}", names());
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(wrong)?;
            let (_, placeholder) = ALL.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Placeholder(*placeholder));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let longest = 128 + ALL.iter().map(|(name, _)| name.len() + 2).sum::<usize>();
        let plain = |part: &Part| match part {
            Part::Text(text) => text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b)),
            Part::Placeholder(_) => true,
        };
        if parts.is_empty() || text.len() > longest || !parts.iter().all(plain) {
            Err(wrong())
        } else {
            Ok(Self(parts))
        }
    }
}

impl fmt::Display for TagFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(text)?,
                Part::Placeholder(placeholder) => write!(f, "{{{}}}", placeholder.name())?,
            }
        }
        Ok(())
    }
}

input_value!(TagFormat, "a tag with placeholders, e.g. `{environment}-{short-sha}`", "{environment}-{sha}");

/// When a commit was made, if the tag depends on it.
pub async fn committed_at(cx: &Context, format: &TagFormat, commit: &CommitSha) -> Result<Option<String>> {
    if !format.has(Placeholder::Date) && !format.has(Placeholder::Time) {
        return Ok(None);
    }
    let read = cx.github().await?.committed_at(commit).await;
    read.map(Some).context("read the date for `tag-format`")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign, like, reads_plainly};

    #[test]
    fn placeholders_are_filled() {
        let commit: CommitSha = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".parse().unwrap();
        let values = Values {
            environment: Some("prd"),
            component: "shop",
            commit: &commit,
            version: "v1.2.3",
            committed_at: Some("2026-11-21T13:45:01Z"),
        };
        let table = [
            ("{environment}-{sha}", "prd-8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2"),
            ("{component}_{version}", "shop_v1.2.3"),
            ("{date}T{time}-{short-sha}", "20261121T134501-8f3c1b2"),
            ("latest", "latest"),
        ];
        for (format, tag) in table {
            let read: TagFormat = format.parse().unwrap();
            assert_eq!(read.to_string(), format);
            assert_eq!(read.fill(&values).unwrap().as_str(), tag);
        }
        assert_eq!(TagFormat::usual().to_string(), "{environment}-{sha}");
        let unknown = Values { environment: None, committed_at: None, ..values };
        for format in ["{environment}", "{date}", "{time}"] {
            assert!(format.parse::<TagFormat>().unwrap().fill(&unknown).unwrap_err().contains("which is not known"));
        }
        let slash = Values { version: "release/1", ..unknown };
        assert_eq!("{version}".parse::<TagFormat>().unwrap().fill(&slash).unwrap().as_str(), "release-1");
    }

    #[test]
    fn tags_have_their_alphabet() {
        for wrong in ["", ".a", "-a", "a b", "a/b", &"a".repeat(129)] {
            assert!(wrong.parse::<Tag>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        for wrong in ["", "{branch}", &"a".repeat(300), "{sha", "a b", "a/{sha}", "{}", "sha}"] {
            assert!(wrong.parse::<TagFormat>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn a_format_makes_a_tag_or_says_why_not(
            text in like(&["{environment}-{sha}", "v{version}-{date}{time}", "{", "}", "{component}"]),
            foreign in foreign(),
        ) {
            reads_plainly::<TagFormat>(&text);
            reads_plainly::<Tag>(&text);
            let commit: CommitSha = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".parse().unwrap();
            let (component, version, committed_at) = (foreign.as_str(), foreign.as_str(), Some(foreign.as_str()));
            let values = Values { environment: Some("prd"), component, commit: &commit, version, committed_at };
            if let Ok(format) = text.parse::<TagFormat>()
                && let Ok(tag) = format.fill(&values)
            {
                prop_assert!(is_tag(tag.as_str()), "{}", tag);
            }
        }
    }
}
