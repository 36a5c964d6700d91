//! The inputs of this step, and their values.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::inputs::{
    EnvironmentName, Inputs, Lines, Number, Problems, Span, Text, WorkspacePath, input_value, text_value,
};
use crate::aws::s3::S3Folder;
use crate::changes::ComponentsInput;
use crate::oci::{EcrRegistry, ImageReference, RegistryName, RepositoryReference, Selector};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

use crate::rollout::tag_format::{Tag, TagFormat};
use crate::text::secrets::Secret;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PromoteArtifact {
    /// The image, by digest or tag; or a zip archive of the workspace, `dist/app.zip`, which comes to its first place in S3. With
    /// `from-environment` only the repository it is looked for in, by default the destination.
    pub(super) source: Option<Source>,
    /// Promote what succeeded in this environment for this commit, or for one with the same files. Several, one a line: see
    /// `from-strategy`.
    pub(super) from_environment: Option<Lines<EnvironmentName>>,
    /// Of several environments, whether it must have succeeded in `all` of them, the same artifact, or in `any`.
    #[serde(default)]
    pub(super) from_strategy: FromStrategy,
    /// With `from-environment`: how long it must have served there without a break, by GitHub's clock.
    #[serde(default = "defaults::no_wait")]
    pub(super) min_age: Span,
    /// With `from-environment`: steps that its record there must name as passed, one a line, e.g. `monitor`. `smoke-test` is also
    /// met by the proof in the record.
    pub(super) require_statuses: Option<Lines<StepName>>,
    /// With `from-environment`: promote also what succeeded for a commit that differs from this one in no file of `component` and
    /// what it depends on. As detect-changes takes it: YAML, or the path of a file of the commit.
    pub(super) components: Option<ComponentsInput>,
    /// How long to wait for the source: for the image, or with `from-environment` until it has succeeded there.
    #[serde(default = "defaults::no_wait")]
    pub(super) wait_for_source: Span,
    /// The repository it is to be in, or for a zip archive the folder in S3, `s3://bucket/prefix`: the archive is put under
    /// `{tag}.zip` there, and never over another one. Repository and bucket must exist.
    pub(super) destination: Destination,
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
        let (repository, image) = match (&self.destination, &self.source) {
            (Destination::Folder(_), source) => return self.check_zip(source.as_ref(), problems),
            (Destination::Repository(_), Some(Source::Zip(_))) => {
                return problems.add(
                    "a zip archive goes to S3: give `destination: s3://bucket/prefix`; or name an image with `source`",
                );
            }
            (Destination::Repository(repository), Some(Source::Image(image))) => (repository, Some(image)),
            (Destination::Repository(repository), None) => (repository, None),
        };
        let selected = image.is_some_and(|image| image.selector.is_some());
        match (image, &self.from_environment) {
            (None, None) => problems.add("give `source`, the image; or `from-environment`, where it has succeeded"),
            (Some(_), None) if !selected => {
                problems.add("input `source` must name one image: add `@sha256:..`, or give `from-environment`");
            }
            (Some(_), Some(_)) if selected => problems.add(
                "give either `source` with a digest or tag, or `from-environment`; with it, `source` names the repository only",
            ),
            _ => {}
        }
        let proved = self.from_environment.as_ref().map_or(0, |environments| environments.0.len());
        problems.add_if(
            self.components.is_some() && proved == 0,
            "input `components` is for `from-environment`: it says which commits are as good as this one",
        );
        problems.add_if(
            proved < 2 && self.from_strategy != FromStrategy::default(),
            "input `from-strategy` is for several lines of `from-environment`",
        );
        problems.add_if(
            proved == 0 && (!self.min_age.0.is_zero() || self.require_statuses.is_some()),
            "`min-age` and `require-statuses` are for `from-environment`: its record says how long and how well it has served there",
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
            self.source_password.is_some() && !image.is_some_and(|image| is_elsewhere(&image.repository)),
            "input `source-password` is for a `source` in another registry than ECR, which is read with the AWS credentials",
        );
        problems.add_if(
            self.destination_password.is_some() && !is_elsewhere(repository),
            "input `destination-password` is for a `destination` in another registry than ECR, which is written with the AWS credentials",
        );
        self.check_tags(problems);
    }
}

impl PromoteArtifact {
    /// The image, or the repository it is looked for in.
    pub(super) fn image(&self) -> Option<&ImageSource> {
        match &self.source {
            Some(Source::Image(image)) => Some(image),
            Some(Source::Zip(_)) | None => None,
        }
    }

    fn check_tags(&self, problems: &mut Problems) {
        let tags = self.tag.iter().flat_map(|tags| tags.iter().enumerate());
        for (place, tag) in tags {
            let before = self.tag.iter().flat_map(|tags| &tags.0[..place]);
            problems.add_if(before.into_iter().any(|other| other == tag), format!("input `tag` names {tag} twice"));
        }
    }

    /// With a destination in S3: what is for images only is refused, so that nobody believes it was done.
    fn check_zip(&self, source: Option<&Source>, problems: &mut Problems) {
        problems.add_if(
            !matches!(source, Some(Source::Zip(_))),
            "with a `destination` in S3, give `source`, a zip archive of the workspace: `dist/app.zip`",
        );
        let for_images = [
            ("from-environment", self.from_environment.is_some()),
            ("min-age", !self.min_age.0.is_zero()),
            ("require-statuses", self.require_statuses.is_some()),
            ("components", self.components.is_some()),
            ("wait-for-source", !self.wait_for_source.0.is_zero()),
            ("registry", self.registry.is_some()),
            ("verify-revision: require", self.verify_revision == VerifyRevision::Require),
            ("source-username", self.source_username.is_some()),
            ("source-password", self.source_password.is_some()),
            ("destination-username", self.destination_username.is_some()),
            ("destination-password", self.destination_password.is_some()),
        ];
        for (name, _) in for_images.iter().filter(|(_, given)| *given) {
            problems.add(format!("input `{name}` is for images, and `destination` is in S3"));
        }
        self.check_tags(problems);
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
        AwsPermission::writes("s3:PutObject", Resource::Object).when(When::ToS3),
        AwsPermission::reads("s3:GetObject", Resource::Object).when(When::ToS3),
        AwsPermission::reads("s3:ListBucket", Resource::Bucket)
            .when(When::ToS3)
            .optional("knowing before the write whether bucket and object exist"),
    ],
    github: &[
        GithubPermission::needs("deployments: read").when(When::FromEnvironment),
        GithubPermission::needs("contents: read").when(When::Dated),
        GithubPermission::needs("packages: read").when(When::FromGhcr),
        GithubPermission::needs("contents: read").when(When::FromEnvironmentByTree),
    ],
};

/// What is to be promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An image, or with `from-environment` the repository it is looked for in.
    Image(ImageSource),
    /// A zip archive, by its path in the workspace.
    Zip(WorkspacePath),
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
            return Err("must be an image, or a zip archive of the workspace: an object in S3 is deployed from where it is, with \
                        `zip` of publish-version"
                .to_owned());
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
    Repository(RepositoryReference),
    /// A folder in S3.
    Folder(S3Folder),
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
            Self::Repository(repository) => repository.fmt(f),
            Self::Folder(folder) => folder.fmt(f),
        }
    }
}

input_value!(Destination, "a repository, or a folder in S3, `s3://bucket/prefix`", "shop-api");

input_value!(
    Source,
    "an image, `repository@sha256:..` or `repository:tag`, or a zip archive of the workspace",
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
    fn a_zip_archive_is_a_path_in_the_workspace() {
        for text in ["dist/app.zip", "app.ZIP", "Build Output/app-1.0.zip"] {
            assert!(matches!(text.parse(), Ok(Source::Zip(_))), "{text}");
        }
        for wrong in ["/dist/app.zip", "../app.zip", "s3://bucket/app.zip"] {
            assert!(wrong.parse::<Source>().is_err(), "{wrong}");
        }
        for (text, is_folder) in [("s3://bucket/a", true), ("s3://bucket", true), ("shop/api", false)] {
            assert_eq!(matches!(text.parse(), Ok(Destination::Folder(_))), is_folder, "{text}");
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
