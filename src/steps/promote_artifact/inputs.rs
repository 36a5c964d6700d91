//! The values of this step's inputs.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::input_value;
use crate::oci::{ImageReference, RepositoryReference, Selector};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("ecr:GetAuthorizationToken", Resource::Any).when(When::FromOrToEcr),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Source).when(When::FromEcr),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Source).when(When::FromEcr),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:BatchCheckLayerAvailability", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:InitiateLayerUpload", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:UploadLayerPart", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:CompleteLayerUpload", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:PutImage", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:DescribeRepositories", Resource::Repository)
            .when(When::ToEcr)
            .optional("whether ECR protects the tag"),
    ],
    github: &[
        GithubPermission::needs("deployments: read").when(When::FromEnvironment),
        GithubPermission::needs("contents: read").when(When::Dated),
        GithubPermission::needs("packages: read").when(When::FromGhcr),
        GithubPermission::needs("contents: read").when(When::FromEnvironmentByTree),
    ],
};

/// What is to be promoted: an image, or with `from-environment` the repository it is looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Registry and repository.
    pub(super) repository: RepositoryReference,
    /// Which image of it.
    pub(super) selector: Option<Selector>,
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(repository) = text.parse() {
            return Ok(Self { repository, selector: None });
        }
        let image: ImageReference = text.parse()?;
        let repository = RepositoryReference { host: image.host, repository: image.repository };
        Ok(Self { repository, selector: Some(image.selector) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        match &self.selector {
            Some(Selector::Digest(digest)) => write!(f, "@{digest}"),
            Some(Selector::Tag(tag)) => write!(f, ":{tag}"),
            None => Ok(()),
        }
    }
}

input_value!(
    Source,
    "an image, `repository@sha256:..` or `repository:tag`",
    "ghcr.io/org/shop-api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
);

/// Whether the commit an image was built from must be the one that is deployed.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum VerifyRevision {
    /// Another commit is said, or that the image names none.
    #[default]
    Warn,
    /// Another commit is refused, and an image that names none.
    Require,
    /// The image is not looked at for it.
    Off,
}

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
        for wrong in ["", "API", "api@sha256:1", "s3://bucket/key", "https://ghcr.io/a"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
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
                "linux/arm64",
            ]),
        ) {
            reads_plainly::<Source>(&text);
            reads_plainly::<PlatformName>(&text);
        }
    }
}
