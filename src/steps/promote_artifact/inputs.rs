//! The inputs of this step, and their values.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{EnvironmentName, Inputs, Lines, Number, Problems, Span, Text, input_value};
use crate::changes::ComponentsInput;
use crate::oci::{EcrRegistry, ImageReference, RegistryName, RepositoryReference, Selector};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

use crate::rollout::tag_format::{Tag, TagFormat};
use crate::text::secrets::Secret;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PromoteArtifact {
    /// The image, by digest or tag. With `from-environment` only the repository it is looked for in, by default the
    /// destination.
    pub(super) source: Option<Source>,
    /// Promote what succeeded in this environment for this commit, or for one with the same files.
    pub(super) from_environment: Option<EnvironmentName>,
    /// With `from-environment`: promote also what succeeded for a commit that differs from this one in no file of `component` and
    /// what it depends on. As detect-changes takes it: YAML, or the path of a file of the commit.
    pub(super) components: Option<ComponentsInput>,
    /// How long to wait for the source: for the image, or with `from-environment` until it has succeeded there.
    #[serde(default = "defaults::no_wait")]
    pub(super) wait_for_source: Span,
    /// The repository it is to be in. It must be there.
    pub(super) destination: RepositoryReference,
    /// Another registry for repositories that name no host: an account id, or a host.
    pub(super) registry: Option<RegistryName>,
    /// The tag it gets, or several, one a line. Without it, what `tag-format` makes of `environment` and `sha`.
    pub(super) tag: Option<Lines<Tag>>,
    /// The form of tags, of the one it gets and of the one it has in `from-environment`. Placeholders: `{environment}`
    /// `{component}` `{sha}` `{short-sha}` `{version}` `{date}` `{time}`.
    #[serde(default = "TagFormat::usual")]
    pub(super) tag_format: TagFormat,
    /// Whether the image's label `org.opencontainers.image.revision` must be the commit, or one with the same files.
    #[serde(default)]
    pub(super) verify_revision: VerifyRevision,
    /// The platform of the output `lambda-image`.
    #[serde(default = "PlatformName::linux_amd64")]
    pub(super) platform: PlatformName,
    /// Who reads the source, where that is not ECR.
    pub(super) source_username: Option<Text>,
    /// The password or token of `source-username`. Without it, `token` for ghcr.io.
    pub(super) source_password: Option<Secret>,
    /// Who writes the destination, where that is not ECR. Without it, who reads the source, if that is in the same registry.
    pub(super) destination_username: Option<Text>,
    /// The password or token of `destination-username`. Without it, `token` for ghcr.io.
    pub(super) destination_password: Option<Secret>,
    /// Transfers at the same time.
    #[serde(default = "defaults::max_parallel")]
    pub(super) max_parallel: Number<1, 64>,
}

mod defaults {
    use super::{Number, Span};

    pub(super) fn no_wait() -> Span {
        Span::seconds(0)
    }

    pub(super) fn max_parallel() -> Number<1, 64> {
        Number(16)
    }
}

impl Inputs for PromoteArtifact {
    fn check(&self, problems: &mut Problems) {
        let selected = self.source.as_ref().is_some_and(|source| source.selector.is_some());
        match (&self.source, &self.from_environment) {
            (None, None) => problems.add("give `source`, the image; or `from-environment`, where it has succeeded"),
            (Some(_), None) if !selected => {
                problems.add("input `source` must name one image: add `@sha256:..`, or give `from-environment`");
            }
            (Some(_), Some(_)) if selected => problems.add(
                "give either `source` with a digest or tag, or `from-environment`; with it, `source` names the repository only",
            ),
            _ => {}
        }
        problems.add_if(
            self.components.is_some() && self.from_environment.is_none(),
            "input `components` is for `from-environment`: it says which commits are as good as this one",
        );
        problems.add_if(
            self.source_username.is_some() != self.source_password.is_some(),
            "give `source-username` and `source-password` together",
        );
        problems.add_if(
            self.destination_username.is_some() != self.destination_password.is_some(),
            "give `destination-username` and `destination-password` together",
        );
        let is_elsewhere = |repository: &RepositoryReference| match (&repository.host, &self.registry) {
            (Some(host), _) | (None, Some(RegistryName::Host(host))) => EcrRegistry::from_host(host).is_none(),
            (None, Some(RegistryName::Account(_)) | None) => false,
        };
        problems.add_if(
            self.source_password.is_some() && !self.source.as_ref().is_some_and(|source| is_elsewhere(&source.repository)),
            "input `source-password` is for a `source` in another registry than ECR, which is read with the AWS credentials",
        );
        problems.add_if(
            self.destination_password.is_some() && !is_elsewhere(&self.destination),
            "input `destination-password` is for a `destination` in another registry than ECR, which is written with the AWS credentials",
        );
        if let Some(tags) = &self.tag {
            for (place, tag) in tags.iter().enumerate() {
                problems.add_if(tags.0[..place].contains(tag), format!("input `tag` names {tag} twice"));
            }
        }
    }
}

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
    /// A warning of another commit, or that the image names none.
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
