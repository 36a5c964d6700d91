//! The inputs of this step.

use schemars::JsonSchema;
use serde::Deserialize;

use super::artifacts::Artifacts;
use super::values::{
    Destination, FindingName, FromStrategy, ImageSource, PlatformName, Referrers, ScanGate, ScanSeverity, Source,
    StepName, To, VerifyRevision,
};
use crate::action::inputs::{EnvironmentName, Inputs, Lines, Number, Problems, RoleArn, Span, Text};
use crate::changes::ComponentsInput;
use crate::lambda::FunctionName;
use crate::oci::{EcrRegistry, RegistryName, RepositoryReference};
use crate::rollout::tag_format::{Tag, TagFormat};
use crate::text::secrets::Secret;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PromoteArtifact {
    /// The image, by digest or tag; or a zip archive, of the workspace, `dist/app.zip`, or of S3, `s3://bucket/key`, with `owner=..` where
    /// that bucket is of another account. With `from-environment` only the repository it is looked for in, by default the destination.
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
    /// The repository it is to be in, or several, one a line, with `region=..` and `role=..` where that is another one; or for a zip
    /// archive the folder in S3, `s3://bucket/prefix`, with `owner=..` where that bucket is of another account: the archive is put under
    /// `{tag}.zip` there, and never over another one. Repository and bucket must exist.
    pub(super) destination: Option<Lines<Destination>>,
    /// Several images of one release, in place of `source` and `destination`: each with its `name`, which is that of its container in
    /// `images`. All are looked at before anything is written, and all get their tags or none.
    pub(super) artifacts: Option<Artifacts>,
    /// Another registry for repositories that name no host: an account id, or a host.
    pub(super) registry: Option<RegistryName>,
    /// The tag it gets, or several, one a line. Without it, what `tag-format` makes of `environment` and `sha`.
    pub(super) tag: Option<Lines<Tag>>,
    /// Tags that may be on something else, and are put on it last, one a line: `latest`. Not where ECR keeps them in their places.
    pub(super) moving_tags: Option<Lines<Tag>>,
    /// The form of tags, of the one it gets and of the one it has in `from-environment`. Placeholders: `{environment}`
    /// `{component}` `{sha}` `{short-sha}` `{version}` `{date}` `{time}`.
    #[serde(default = "TagFormat::usual")]
    pub(super) tag_format: TagFormat,
    /// Whether the image's label `org.opencontainers.image.revision` must be the commit, or one with the same files.
    #[serde(default)]
    pub(super) verify_revision: VerifyRevision,
    /// Whether what ECR has found in it counts, at the destination, before it gets its tag.
    #[serde(default)]
    pub(super) scan: ScanGate,
    /// With `scan`: from which severity on a finding counts.
    #[serde(default)]
    pub(super) scan_severity: ScanSeverity,
    /// With `scan`: findings that do not count, one a line, e.g. `CVE-2026-0001`.
    pub(super) scan_ignore: Option<Lines<FindingName>>,
    /// With `scan`: how long to wait for the scan.
    #[serde(default = "defaults::scan_timeout")]
    pub(super) scan_timeout: Span,
    /// What becomes of signatures, lists of components and others that refer to it: `copy` brings along what can be, `require` refuses
    /// an image that has none, or one that cannot be brought along; `none` leaves them.
    #[serde(default)]
    pub(super) referrers: Referrers,
    /// Functions of Lambda that are to run it, one a line: before anything is written it is checked that Lambda takes it there, by its
    /// architecture, form and size, the region and the policy of the repository. Not with `artifacts`.
    pub(super) function: Option<Lines<FunctionName>>,
    /// The platform of the output `lambda-image`. Without it, `linux/amd64`, or that of `function`.
    pub(super) platform: Option<PlatformName>,
    /// Who reads the source, where that is not ECR.
    pub(super) source_username: Option<Text>,
    /// The password or token of `source-username`. Without it, `token` for ghcr.io.
    pub(super) source_password: Option<Secret>,
    /// Who writes the destination, where that is not ECR. Without it, who reads the source, if that is in the same registry.
    pub(super) destination_username: Option<Text>,
    /// The password or token of `destination-username`. Without it, `token` for ghcr.io.
    pub(super) destination_password: Option<Secret>,
    /// A role by which ECR is written, where that is another one than reads the source.
    pub(super) destination_role_to_assume: Option<RoleArn>,
    /// Transfers at the same time.
    #[serde(default = "defaults::max_parallel")]
    pub(super) max_parallel: Number<1, 64>,
}

mod defaults {
    use super::{Number, Span};

    pub(super) fn no_wait() -> Span {
        Span::seconds(0)
    }

    pub(super) fn scan_timeout() -> Span {
        Span::minutes(5)
    }

    pub(super) fn max_parallel() -> Number<1, 64> {
        Number(16)
    }
}

/// One image that is promoted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'i> {
    /// What it is called in the release.
    pub(super) name: Option<&'i str>,
    /// The image, or the repository it is looked for in.
    pub(super) source: Option<&'i ImageSource>,
    /// Where it is to be; one at least.
    pub(super) to: &'i [Destination],
}

impl Asked<'_> {
    /// The repositories it is to be in.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &To> {
        self.to.iter().filter_map(|to| match to {
            Destination::Repository(to) => Some(to),
            Destination::Folder(_) => None,
        })
    }
}

impl Inputs for PromoteArtifact {
    fn check(&self, problems: &mut Problems) {
        self.check_tags(problems);
        let given = self.source.is_some() || self.destination.is_some();
        match (&self.artifacts, &self.destination) {
            (Some(_), _) if given => {
                return problems.add("give either `artifacts`, or `source` and `destination`: its items have both");
            }
            (None, None) => {
                return problems.add(
                    "give `destination`, the repository it is to be in; or `artifacts`, if there are several images",
                );
            }
            (None, Some(Lines(to))) => {
                let folders = to.iter().filter(|to| matches!(to, Destination::Folder(_))).count();
                if folders > 0 {
                    problems.add_if(to.len() > 1, "a folder in S3 is the only `destination` that a zip archive gets");
                    return self.check_zip(problems);
                }
            }
            (Some(_), _) => {}
        }
        if matches!(self.source, Some(Source::Zip(_) | Source::Stored(_))) {
            return problems.add(
                "a zip archive goes to S3: give `destination: s3://bucket/prefix`; or name an image with `source`",
            );
        }
        let all: Vec<Asked<'_>> = self.asked().collect();
        for asked in &all {
            self.check_asked(*asked, problems);
        }
        self.check_records(problems);
        self.check_logins(&all, problems);
        self.check_scan(&all, problems);
        self.check_functions(&all, problems);
    }
}

impl PromoteArtifact {
    /// The images that are promoted.
    pub(super) fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        let image = match &self.source {
            Some(Source::Image(image)) => Some(image),
            Some(Source::Zip(_) | Source::Stored(_)) | None => None,
        };
        let one = self.destination.as_ref().map(|to| Asked { name: None, source: image, to: &to.0 });
        let several = self.artifacts.iter().flat_map(|several| several.all.iter());
        let several =
            several.map(|one| Asked { name: Some(&one.name), source: one.source.as_ref(), to: &one.destination });
        one.into_iter().chain(several)
    }

    fn check_asked(&self, asked: Asked<'_>, problems: &mut Problems) {
        let selected = asked.source.is_some_and(|image| image.selector.is_some());
        let source =
            asked.name.map_or_else(|| "input `source`".to_owned(), |name| format!("`source` of the artifact `{name}`"));
        match (asked.source, &self.from_environment) {
            (None, None) => problems.add("give `source`, the image; or `from-environment`, where it has succeeded"),
            (Some(_), None) if !selected => {
                problems.add(format!("{source} must name one image: add `@sha256:..`, or give `from-environment`"));
            }
            (Some(_), Some(_)) if selected => problems.add(
                "give either `source` with a digest or tag, or `from-environment`; with it, `source` names the repository only",
            ),
            _ => {}
        }
        let mut seen: Vec<&To> = Vec::new();
        for to in asked.repositories() {
            problems.add_if(seen.contains(&to), format!("`destination` names {} twice", to.repository.repository));
            problems.add_if(
                (to.role.is_some() || to.region.is_some()) && self.is_elsewhere(&to.repository),
                "`region=..` and `role=..` are for a `destination` in ECR",
            );
            seen.push(to);
        }
    }

    fn check_records(&self, problems: &mut Problems) {
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
    }

    /// Whether a repository lies in another registry than ECR.
    fn is_elsewhere(&self, repository: &RepositoryReference) -> bool {
        match (&repository.host, &self.registry) {
            (Some(host), _) | (None, Some(RegistryName::Host(host))) => EcrRegistry::from_host(host).is_none(),
            (None, Some(RegistryName::Account(_)) | None) => false,
        }
    }

    fn check_logins(&self, all: &[Asked<'_>], problems: &mut Problems) {
        problems.add_if(
            self.source_username.is_some() != self.source_password.is_some(),
            "give `source-username` and `source-password` together",
        );
        problems.add_if(
            self.destination_username.is_some() != self.destination_password.is_some(),
            "give `destination-username` and `destination-password` together",
        );
        let from_elsewhere =
            all.iter().any(|asked| asked.source.is_some_and(|from| self.is_elsewhere(&from.repository)));
        let to_elsewhere = |to: &To| self.is_elsewhere(&to.repository);
        problems.add_if(
            self.source_password.is_some() && !from_elsewhere,
            "input `source-password` is for a `source` in another registry than ECR, which is read with the AWS credentials",
        );
        problems.add_if(
            self.destination_password.is_some() && !all.iter().any(|asked| asked.repositories().any(to_elsewhere)),
            "input `destination-password` is for a `destination` in another registry than ECR, which is written with the AWS credentials",
        );
        problems.add_if(
            self.destination_role_to_assume.is_some() && all.iter().all(|asked| asked.repositories().all(to_elsewhere)),
            "input `destination-role-to-assume` is for a `destination` in ECR",
        );
    }

    fn check_scan(&self, all: &[Asked<'_>], problems: &mut Problems) {
        let elsewhere = all.iter().flat_map(Asked::repositories).any(|to| self.is_elsewhere(&to.repository));
        problems.add_if(
            self.scan != ScanGate::Off && elsewhere,
            "input `scan` is for a `destination` in ECR, which scans images",
        );
        problems.add_if(
            self.scan == ScanGate::Off && (self.scan_ignore.is_some() || self.scan_severity != ScanSeverity::default()),
            "`scan-severity` and `scan-ignore` are for `scan: report` or `scan: require`",
        );
    }

    fn check_functions(&self, all: &[Asked<'_>], problems: &mut Problems) {
        if self.function.is_none() {
            return;
        }
        problems.add_if(
            self.artifacts.is_some(),
            "input `function` is for one image: leave it out with `artifacts`, and promote what Lambda runs by a step of its own",
        );
        problems.add_if(
            self.artifacts.is_none()
                && all.iter().flat_map(Asked::repositories).all(|to| self.is_elsewhere(&to.repository)),
            "input `function` is for a `destination` in ECR: Lambda runs images from there only",
        );
        let is_linux = self.platform.as_ref().is_none_or(|platform| platform.os == "linux");
        problems.add_if(!is_linux, "input `platform` must be one of linux with `function`: Lambda runs no other");
    }

    fn check_tags(&self, problems: &mut Problems) {
        let tags = self.tag.iter().flat_map(|tags| tags.iter().enumerate());
        for (place, tag) in tags {
            let before = self.tag.iter().flat_map(|tags| &tags.0[..place]);
            problems.add_if(before.into_iter().any(|other| other == tag), format!("input `tag` names {tag} twice"));
        }
        for tag in self.moving_tags.iter().flatten() {
            let stays = self.tag.iter().flatten().any(|other| other == tag);
            problems.add_if(stays, format!("{tag} is in `tag`, which never moves, and in `moving-tags`: give it once"));
        }
    }

    /// With a destination in S3: what is for images only is refused, so that nobody believes it was done.
    fn check_zip(&self, problems: &mut Problems) {
        problems.add_if(
            !matches!(self.source, Some(Source::Zip(_) | Source::Stored(_))),
            "with a `destination` in S3, give `source`, a zip archive: `dist/app.zip` of the workspace, or `s3://bucket/key`",
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
            ("destination-role-to-assume", self.destination_role_to_assume.is_some()),
            ("function", self.function.is_some()),
            ("platform", self.platform.is_some()),
            ("moving-tags", self.moving_tags.is_some()),
            ("scan", self.scan != ScanGate::Off),
            ("referrers: require", self.referrers == Referrers::Require),
        ];
        for (name, _) in for_images.iter().filter(|(_, given)| *given) {
            problems.add(format!("input `{name}` is for images, and `destination` is in S3"));
        }
    }
}
