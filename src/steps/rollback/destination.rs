//! The input `to`: where to go back to.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{input_value, is_written_anew};
use crate::ecs;
use crate::lambda::Version;
use crate::oci::Digest;

/// Where to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To what served before.
    Auto,
    /// `version:41`.
    Version(Version),
    /// `deployment:77`: to what this deployment put there.
    Deployment(u64),
    /// `commit:8f3c1b2`: to what was deployed of this commit, at least seven of its digits.
    Commit(String),
    /// `tag:v1.2.0`: to what was deployed under this tag or release.
    Tag(String),
    /// `shop-api:41`: to this task definition of a service.
    Definition(ecs::Revision),
    /// `sha256:..`: to the version with this image.
    Digest(Digest),
    /// A bare number: a version if the function has it, else a deployment, a tag or a commit.
    Number(u64),
    /// Any other word: a tag or release, or a commit.
    Name(String),
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let tag = |text: &str| {
            let is_tag = !text.is_empty()
                && text.len() <= 128
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./+@".contains(c));
            is_tag.then(|| text.to_owned())
        };
        let read = match text.split_once(':') {
            Some(("version", number)) => self::number(number).map(Version::number).map(Self::Version),
            Some(("deployment", number)) => self::number(number).map(Self::Deployment),
            Some(("commit", digits)) => {
                Some(digits).filter(|digits| is_commit(digits)).map(str::to_owned).map(Self::Commit)
            }
            Some(("tag", name)) => tag(name).map(Self::Tag),
            Some(("sha256", _)) => return text.parse().map(Self::Digest),
            Some(_) => text.parse().ok().map(Self::Definition),
            None if text == "auto" => Some(Self::Auto),
            None if is_written_anew(text) => {
                return Err(
                    "is a number as YAML writes it: put what is meant in quotes, e.g. `to: \"6063e25\"`".to_owned()
                );
            }
            // A number that is no version may be the beginning of a commit.
            None if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let commit = || is_commit(text).then(|| Self::Name(text.to_owned()));
                number(text).filter(|_| !text.starts_with('0')).map(Self::Number).or_else(commit)
            }
            None => tag(text).map(Self::Name),
        };
        read.ok_or_else(|| format!("must be {FORMS}"))
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number| *number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether this may be a commit, or the beginning of one.
pub(super) fn is_commit(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Version(version) => write!(f, "version:{version}"),
            Self::Deployment(number) => write!(f, "deployment:{number}"),
            Self::Commit(digits) => write!(f, "commit:{digits}"),
            Self::Tag(name) => write!(f, "tag:{name}"),
            Self::Definition(revision) => revision.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

const FORMS: &str = "`auto`, a digest `sha256:..`, `version:41`, `deployment:77`, `commit:8f3c1b2`, `tag:v1.2.0`, one of the last \
                     four without the word before it, or the task definition of a service `family:41`";

input_value!(
    To,
    "`auto`, a digest `sha256:..`, `version:..`, `deployment:..`, `commit:..`, `tag:..`, or what stands after it; of services `family:..` too",
    "version:41"
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn the_forms_of_to_are_told_apart() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let table = [
            ("auto", To::Auto),
            ("41", To::Number(41)),
            ("version:41", To::Version(Version::number(41))),
            ("deployment:41", To::Deployment(41)),
            ("commit:8f3c1b2", To::Commit("8f3c1b2".to_owned())),
            ("tag:41", To::Tag("41".to_owned())),
            ("v1.2.3", To::Name("v1.2.3".to_owned())),
            ("shop-api:41", To::Definition("shop-api:41".parse().unwrap())),
            ("8f3c1b2", To::Name("8f3c1b2".to_owned())),
            ("8202758", To::Number(8_202_758)),
            ("6063e25", To::Name("6063e25".to_owned())),
            ("0123456", To::Name("0123456".to_owned())),
            ("99999999999999999999999999", To::Name("99999999999999999999999999".to_owned())),
            (digest.as_str(), To::Digest(digest.parse().unwrap())),
        ];
        for (text, to) in table {
            assert_eq!(text.parse(), Ok(to), "{text}");
        }
        for wrong in [
            "0",
            "041",
            "6.063E+28",
            "sha256:abc",
            "a b",
            "::error::x",
            "version:0",
            "version:+4",
            "version:v1",
            "deployment:",
            "commit:8f3c",
            "commit:xyzxyzx",
            "tag:",
            "tag:a b",
        ] {
            assert!(wrong.parse::<To>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["auto", "41", "v1.2.3", "version:41", "deployment:7", "commit:8f3c1b2", "tag:v1", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]),
        ) {
            reads_plainly::<To>(&text);
        }
    }
}
