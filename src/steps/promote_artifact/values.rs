//! The values of this step's inputs.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored::{Folder, StoredZip};
use crate::action::inputs::{Region, RoleArn, WorkspacePath, input_value, text_value};
use crate::lambda::Architecture;
use crate::oci::{ImageReference, RepositoryReference, Selector};
use crate::registry::Severity;

/// What is to be promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An image, or with `from-environment` the repository it is looked for in.
    Image(ImageSource),
    /// A zip archive, by its path in the workspace.
    Zip(WorkspacePath),
    /// A zip archive in S3.
    Stored(StoredZip),
}

/// An image, or the repository it is looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageSource {
    /// Registry and repository.
    pub(super) repository: RepositoryReference,
    /// Which image of it.
    pub(super) selector: Option<Selector>,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("s3:") {
            return text.parse().map(Self::Stored);
        }
        if Path::new(text).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
            return text.parse().map(Self::Zip);
        }
        if let Ok(repository) = text.parse() {
            return Ok(Self::Image(ImageSource { repository, selector: None }));
        }
        let image: ImageReference = text.parse()?;
        let repository = RepositoryReference { host: image.host, repository: image.repository };
        Ok(Self::Image(ImageSource { repository, selector: Some(image.selector) }))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = match self {
            Self::Zip(path) => return path.fmt(f),
            Self::Stored(object) => return object.fmt(f),
            Self::Image(image) => image,
        };
        image.repository.fmt(f)?;
        match &image.selector {
            Some(Selector::Digest(digest)) => write!(f, "@{digest}"),
            Some(Selector::Tag(tag)) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}

/// Where it is brought to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// A repository.
    Repository(To),
    /// A folder in S3.
    Folder(Folder),
}

/// A repository to which something is brought, and how it is entered where that is ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct To {
    /// Registry and repository.
    pub(super) repository: RepositoryReference,
    /// Another region than that in use.
    pub(super) region: Option<Region>,
    /// A role to write it by.
    pub(super) role: Option<RoleArn>,
}

impl FromStr for To {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let repository = words.next().unwrap_or_default().parse()?;
        let mut to = Self { repository, region: None, role: None };
        for word in words {
            match word.split_once('=') {
                Some(("region", region)) if to.region.is_none() => to.region = Some(region.parse()?),
                Some(("role", role)) if to.role.is_none() => to.role = Some(role.parse()?),
                _ => {
                    return Err(
                        "must be a repository, which may have `region=..` and `role=..` after it, once each".to_owned()
                    );
                }
            }
        }
        if to.region.is_some() && to.repository.host.is_some() {
            return Err("must have no `region=..` beside a host, which says it".to_owned());
        }
        Ok(to)
    }
}

impl fmt::Display for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(region) = &self.region {
            write!(f, " region={region}")?;
        }
        if let Some(role) = &self.role {
            write!(f, " role={role}")?;
        }
        Ok(())
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("s3:") { text.parse().map(Self::Folder) } else { text.parse().map(Self::Repository) }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repository(to) => to.fmt(f),
            Self::Folder(folder) => folder.fmt(f),
        }
    }
}

input_value!(
    Destination,
    "a repository, with `region=..` and `role=..` after it where that is ECR of another region or account; or a folder in S3, \
     `s3://bucket/prefix`, with `owner=..` where that is of another account",
    "shop-api"
);

input_value!(
    Source,
    "an image, `repository@sha256:..` or `repository:tag`; or a zip archive, of the workspace or `s3://bucket/key`",
    "ghcr.io/org/shop-api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
);

/// Whether the commit an image was built from must be the one that is deployed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum VerifyRevision {
    /// A warning of another commit, or that the image names none.
    #[default]
    Warn,
    /// Another commit is refused, and an image that names none.
    Require,
    /// The image is not looked at for it.
    Off,
}

/// Which of several environments must have proved it.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum FromStrategy {
    /// Each of them, and the same artifact.
    #[default]
    All,
    /// The first that has, in the order given.
    Any,
}

/// What becomes of what refers to an image.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Referrers {
    /// It is brought along; what cannot be is a warning.
    #[default]
    Copy,
    /// There must be something, and all of it is brought along.
    Require,
    /// It stays where it is, and is not looked for.
    None,
}

/// Whether what a scan has found counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum ScanGate {
    /// It is not looked at.
    #[default]
    Off,
    /// It is told.
    Report,
    /// What is as bad as `scan-severity` is refused, and an image that nobody could scan.
    Require,
}

/// From when on a finding counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum ScanSeverity {
    /// Critical ones.
    #[default]
    Critical,
    /// High ones too.
    High,
    /// Medium ones too.
    Medium,
    /// Low ones too.
    Low,
    /// All of them.
    Informational,
}

impl ScanSeverity {
    /// The least severity that counts.
    pub(super) const fn least(self) -> Severity {
        match self {
            Self::Critical => Severity::Critical,
            Self::High => Severity::High,
            Self::Medium => Severity::Medium,
            Self::Low => Severity::Low,
            Self::Informational => Severity::Informational,
        }
    }
}

text_value!(
    /// A finding, by its name.
    name pub(super) struct FindingName, "the name of a finding", "CVE-2026-0001",
    "must be the name of a finding, e.g. `CVE-2026-0001`",
    |text| text.len() <= 100 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
);

text_value!(
    /// A step, by its name.
    name pub(super) struct StepName, "the name of a step", "monitor",
    "must be the name of a step, e.g. `monitor`",
    |text| text.len() <= 40 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
);

/// A platform, as images name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlatformName {
    /// `linux`.
    pub(super) os: String,
    /// `amd64`, `arm64`.
    pub(super) architecture: String,
}

impl PlatformName {
    /// What Lambda runs unless it is asked otherwise.
    #[must_use]
    pub(super) fn linux_amd64() -> Self {
        Self { os: "linux".to_owned(), architecture: "amd64".to_owned() }
    }

    /// Where a function of this architecture runs.
    #[must_use]
    pub(super) fn of(architecture: Architecture) -> Self {
        Self { architecture: architecture.oci().to_owned(), ..Self::linux_amd64() }
    }
}

impl FromStr for PlatformName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        match text.split_once('/') {
            Some((os, architecture)) if is_word(os) && is_word(architecture) => {
                Ok(Self { os: os.to_owned(), architecture: architecture.to_owned() })
            }
            _ => Err("must be a platform such as `linux/amd64` or `linux/arm64`".to_owned()),
        }
    }
}

impl fmt::Display for PlatformName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

input_value!(name PlatformName, "a platform, `os/architecture`", "linux/arm64");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn a_source_is_an_image_or_the_repository_it_is_looked_for_in() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for text in ["shop/api", "ghcr.io/org/api", "api:v1", &format!("ghcr.io/org/api@{digest}")] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        for wrong in ["", "API", "api@sha256:1", "s3://bucket", "https://ghcr.io/a"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_zip_archive_is_a_path_in_the_workspace() {
        for text in ["dist/app.zip", "app.ZIP", "Build Output/app-1.0.zip"] {
            assert!(matches!(text.parse(), Ok(Source::Zip(_))), "{text}");
        }
        assert!(matches!("s3://bucket/app.zip".parse(), Ok(Source::Stored(_))));
        for wrong in ["/dist/app.zip", "../app.zip", "s3://bucket/"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
        for (text, is_folder) in [("s3://bucket/a", true), ("s3://bucket", true), ("shop/api", false)] {
            assert_eq!(matches!(text.parse(), Ok(Destination::Folder(_))), is_folder, "{text}");
        }
    }

    #[test]
    fn a_destination_may_lie_in_another_region_and_account() {
        let role = "arn:aws:iam::111122223333:role/deploy";
        for text in ["shop/api", "shop/api region=eu-west-1", &format!("shop/api region=eu-west-1 role={role}")] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        for wrong in [
            "shop/api region=",
            "shop/api zone=a",
            "shop/api region=eu-west-1 region=eu-west-1",
            "ghcr.io/a region=eu-west-1",
        ] {
            assert!(wrong.parse::<Destination>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn platforms_have_their_alphabet() {
        assert_eq!("linux/arm64".parse::<PlatformName>().unwrap().to_string(), "linux/arm64");
        for wrong in ["", "linux", "arm64/", "linux/arm64/v8", "Linux/amd64"] {
            assert!(wrong.parse::<PlatformName>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&[
                "ghcr.io/org/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                "shop/api",
                "prd-1",
                "dist/app.zip",
                "s3://shop-releases/api",
                "linux/arm64",
            ]),
        ) {
            reads_plainly::<Source>(&text);
            reads_plainly::<Destination>(&text);
            reads_plainly::<PlatformName>(&text);
        }
    }
}
