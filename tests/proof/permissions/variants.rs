//! The runs in which permissions are tried: a scene, and what is special about it.

use std::pin::Pin;

use testbed::runner::{Report, Runner};

use super::arranged as a;
use crate::scenes::{Scene, Stage, more_scenes, scenes};

/// One run of a step.
pub(super) struct Variant {
    scene: &'static str,
    /// What is special about it, in the table.
    what: &'static str,
    /// The conditions of permissions that hold in it.
    pub(super) when: &'static [&'static str],
    /// The actions that are tried, by name or statement and name; empty: all that apply.
    tries: &'static [&'static str],
    /// Those among them that this run does not come to: another one does.
    not_met: &'static [&'static str],
    /// Optional actions that this run cannot do without.
    pub(super) cannot_without: &'static [&'static str],
    /// How it ends with all permissions, if not well.
    pub(super) ends: Option<(&'static str, i32)>,
    /// The names of the documentation, and those of the scene.
    pub(super) names: &'static [(&'static str, &'static str)],
    arrange: Arrange,
}

type Arrange = for<'a> fn(&'a Stage, Runner) -> Arranging<'a>;
pub(super) type Arranging<'a> = Pin<Box<dyn Future<Output = Runner> + Send + 'a>>;

const FUNCTION: &[(&str, &str)] =
    &[("function:shop-api-prd", "function:shop-api"), ("repository/shop-api", "repository/shop/api")];
const REPOSITORIES: &[(&str, &str)] =
    &[("repository/shop-api-stg", "repository/shop/api"), ("repository/shop-api", "repository/shop/prd")];

impl Variant {
    /// The scene as it is: all that applies is tried.
    fn whole(scene: &'static str, when: &'static [&'static str], not_met: &'static [&'static str]) -> Self {
        Self {
            scene,
            what: "",
            when,
            tries: &[],
            not_met,
            cannot_without: &[],
            ends: None,
            names: FUNCTION,
            arrange: a::as_it_is,
        }
    }

    /// The same arranged otherwise: what is new in it is tried.
    fn special(
        scene: &'static str,
        what: &'static str,
        arrange: Arrange,
        when: &'static [&'static str],
        tries: &'static [&'static str],
    ) -> Self {
        Self { what, tries, arrange, ..Self::whole(scene, when, &[]) }
    }

    /// How it ends with all permissions.
    fn ends(self, verdict: &'static str, code: i32) -> Self {
        Self { ends: Some((verdict, code)), ..self }
    }

    /// Optional actions that it cannot do without.
    fn cannot_without(self, cannot_without: &'static [&'static str]) -> Self {
        Self { cannot_without, ..self }
    }

    fn names(self, names: &'static [(&'static str, &'static str)]) -> Self {
        Self { names, ..self }
    }

    pub(super) fn step(&self) -> &'static str {
        self.scene().step()
    }

    /// The name in the table.
    pub(super) fn shown(&self) -> String {
        if self.what.is_empty() { self.scene.to_owned() } else { format!("{}, {}", self.scene, self.what) }
    }

    /// Whether this run is the one to try an action in.
    pub(super) fn tries(&self, sid: &str, action: &str) -> bool {
        let both = format!("{sid} {action}");
        let named = |list: &[&str]| list.contains(&action) || list.contains(&both.as_str());
        (self.tries.is_empty() || named(self.tries)) && !named(self.not_met)
    }

    /// Whether the run with all permissions ended as it should.
    pub(super) fn is_good(&self, report: &Report) -> bool {
        self.ends.map_or(report.succeeded(), |ends| ends == (report.output("verdict"), report.exit_code))
    }

    fn scene(&self) -> Scene {
        let all = scenes().into_iter().chain(more_scenes());
        all.into_iter().find(|scene| scene.name == self.scene).unwrap()
    }

    /// A world of its own, and the run about to happen in it.
    pub(super) async fn prepare(&self) -> (Stage, Runner) {
        let stage = self.scene().prepare().await;
        let runner = (self.arrange)(&stage, stage.runner()).await;
        (stage, runner)
    }
}

/// Every run.
pub(super) fn variants() -> Vec<Variant> {
    let mut all = artifacts();
    all.extend(aliases());
    all
}

/// The runs in which the permissions of the job's token are tried.
pub(super) fn of_github() -> Vec<Variant> {
    const GHCR: &str = "promote-artifact:ghcr-to-ecr";
    const FROM: &[&str] = &["with `from-environment`"];
    const FILES: &[&str] =
        &["with `from-environment`", "with `from-environment` for a commit that has no record of its own"];
    const DATE: &[&str] = &["with `{date}` or `{time}` in `tag-format`"];
    const NAMED: &[&str] = &["for a tag that is named, not pushed, and for `{date}` or `{time}`"];
    const STOPPED: &[&str] = &["with `event-type`", "with `event-type` and `cancel-on-timeout`"];
    const STATUS: &[&str] = &["with `workflow`", "with `wait-for: status:..`"];
    const OTHER: &[&str] = &["where another run left a record open"];
    const TIME: &[&str] = &["with `deployment-id`", "with `max-duration`"];
    const CI: &[&str] = &["with `ci-workflow`, but after `workflow_run`"];
    vec![
        Variant::whole("resolve", &[], &[]),
        Variant::special("resolve", "a tag asked for", a::tag_asked_for, NAMED, &["contents: read"]),
        Variant::special("resolve", "CI", a::after_ci, CI, &["actions: read"]),
        Variant::whole("detect-changes", &["with `base: last-deployed`"], &[]),
        Variant::whole("validate-tag", &[], &[]),
        Variant::special(
            "validate-tag:checks",
            "",
            a::as_it_is,
            &["with `require-checks`"],
            &["checks: read", "statuses: read"],
        ),
        Variant::special("promote-artifact:from-environment", "", a::as_it_is, FROM, &[]),
        Variant::special("promote-artifact:from-environment", "same files", a::squashed, FILES, &["contents: read"]),
        Variant::special(
            "promote-artifact:from-environment",
            "other files",
            a::other_files,
            FILES,
            &["contents: read"],
        ),
        Variant::special(GHCR, "dated", a::dated, DATE, &[]),
        Variant::special(
            GHCR,
            "by the job's token",
            a::by_the_jobs_token,
            &["from ghcr.io without `source-username`"],
            &[],
        ),
        Variant::whole("swap-alias", &[], &[]),
        Variant::special(
            "swap-alias",
            "record required",
            a::record_required,
            &["with `record: require`"],
            &["deployments: write"],
        ),
        Variant::special("swap-alias", "after another run", a::after_another_run, OTHER, &["actions: read"]),
        Variant::whole("rollback:record", &["without `state`, `versions` and a version in `to`"], &[]),
        Variant::whole("rollback:state", &[], &[]),
        Variant::special("rollback:state", "after another run", a::after_another_rollback, OTHER, &["actions: read"]),
        Variant::whole("finish-deployment", &["with `deployment-id`"], &[]),
        Variant::whole("create-release", &["with `environment` or `deployment-id`"], &[]),
        Variant::whole("dispatch:workflow", &["with `workflow`"], &[]),
        Variant::whole("dispatch:event", &["with `event-type`"], &[]),
        Variant::special("dispatch:event", "stopped", a::stopped, STOPPED, &["actions: write"]).ends("error", 4),
        Variant::special("dispatch:workflow", "status", a::by_status, STATUS, &["statuses: read"]),
        Variant::special("finish-deployment:within-its-time", "", a::as_it_is, TIME, &["actions: read"]),
        Variant::whole("publish-version:latest", &["with `traffic: latest`"], &[]),
        Variant::special(
            "publish-version:latest",
            "after another run",
            a::after_another_release,
            &["with `traffic: latest`", "with `traffic: latest`, where another run left a record open"],
            &["actions: read"],
        ),
        Variant::whole("notify", &["without `issue: false`"], &[]),
        Variant::whole("notify:failure", &["without `issue: false`", "after a failure, or without `version`"], &[]),
        Variant::whole("notify:fixed", &["without `issue: false`"], &[]),
    ]
}

/// Of the steps that bring code.
fn artifacts() -> Vec<Variant> {
    const PROMOTE: &str = "promote-artifact:from-environment";
    const BETWEEN: &[&str] = &["from or to ECR", "from ECR", "to ECR", "with `from-environment`"];
    const DOWNLOAD: &str = "ReadRepositoryToEcr ecr:GetDownloadUrlForLayer";
    const ZIP: &str = "publish-version:zip";
    const IMAGE: &str = "publish-version:image";
    const POLICY: &[&str] = &["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"];
    vec![
        Variant::whole("resolve", &[], &[]),
        Variant::whole("detect-changes", &[], &[]),
        Variant::whole("validate-tag", &[], &[]),
        Variant::special(
            "promote-artifact:ghcr-to-ecr",
            "",
            a::as_it_is,
            &["from or to ECR", "to ECR"],
            &["ecr:PutImage"],
        ),
        Variant {
            not_met: &[DOWNLOAD],
            ..Variant::special(PROMOTE, "to another", a::another_repository, BETWEEN, &[])
        }
        .names(REPOSITORIES),
        Variant::special(PROMOTE, "there already", a::promoted_before, BETWEEN, &[DOWNLOAD]).names(REPOSITORIES),
        Variant::whole(ZIP, &[], &[]),
        Variant::special(
            "publish-version:latest",
            "",
            a::as_it_is,
            &["with `traffic: latest`"],
            &["lambda:ListAliases"],
        ),
        Variant::special(ZIP, "tags", a::expected_tags, &["with `expected-tags`"], &["lambda:ListTags"]),
        Variant::special(ZIP, "S3", a::archive, &["with `zip: s3://..`"], &["s3:GetObject"]),
        Variant::special(ZIP, "S3, absent", a::absent_archive, &["with `zip: s3://..`"], &["s3:ListBucket"])
            .ends("fail", 1)
            .cannot_without(&["s3:ListBucket"]),
        Variant::special(
            ZIP,
            "S3 with versions",
            a::archive_with_versions,
            &["with `zip: s3://..`", "with `zip: s3://..` in a bucket with versions"],
            &["s3:GetObjectVersion"],
        ),
        Variant::special(
            IMAGE,
            "",
            a::as_it_is,
            &["with `image`"],
            &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        ),
        Variant::special(
            IMAGE,
            "by tag",
            a::image_by_tag,
            &["with `image`", "with `image` by a tag"],
            &["ecr:DescribeImages"],
        ),
        Variant::special(IMAGE, "Lambda not let in", a::lambda_not_let_in, &["with `image`"], POLICY)
            .cannot_without(POLICY),
        Variant::whole("smoke-test", &[], &[]),
        Variant::special(
            "smoke-test",
            "of an alias",
            a::of_an_alias,
            &["with `version: alias:<name>`"],
            &["lambda:GetAlias"],
        ),
    ]
}

/// Of the steps that move and watch aliases.
fn aliases() -> Vec<Variant> {
    const FUNCTION: &str = "health-check-with-backoff:function";
    const URL: &str = "health-check-with-backoff:url";
    const ALONE: &[&str] = &["with `function` and no `url`"];
    const BESIDE: &[&str] = &["with `function` beside `url`"];
    const IMAGE: &str = "to a version of an image";
    const GUESS: &str = "with `allow-guess`, or a digest in `to`";
    const HEALTH: &str = "with an input of the health check and no `url`";
    const IDLE: &str = "to a version that is idle and must be woken";
    const CODE: &str = "with `mode: code`";
    const CODE_OF_IMAGE: &str = "with `mode: code` of an image";
    const CODE_ACTIONS: &[&str] = &["lambda:ListAliases", "lambda:ListVersionsByFunction", "lambda:UpdateFunctionCode"];
    const READS_IMAGE: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    const LIST: &[&str] = &["lambda:ListVersionsByFunction"];
    const INVOKE: &[&str] = &["lambda:InvokeFunction"];
    vec![
        Variant::special("rollback:code", "", a::as_it_is, &[CODE], CODE_ACTIONS),
        Variant::special("rollback:code-of-image", "", a::as_it_is, &[CODE, CODE_OF_IMAGE], READS_IMAGE),
        Variant::whole("swap-alias", &[], &[]),
        Variant::special("swap-alias", "tags", a::expected_tags, &["with `expected-tags`"], &["lambda:ListTags"]),
        Variant::special(
            "swap-alias",
            "first",
            a::first_alias,
            &["with `create-alias: true`"],
            &["lambda:CreateAlias"],
        ),
        Variant::whole(FUNCTION, ALONE, &[]),
        Variant::special(FUNCTION, "unhealthy", a::unhealthy, ALONE, &["lambda:GetAlias", "lambda:GetFunction"])
            .ends("fail", 1),
        Variant::whole(URL, BESIDE, INVOKE),
        Variant::special(URL, "unhealthy", a::unhealthy, BESIDE, &[]).ends("fail", 1),
        Variant::whole("rollback:record", &["without `state`, `versions` and a version in `to`"], LIST),
        Variant::special("rollback:state", "", a::as_it_is, &[], &["lambda:UpdateAlias"]),
        Variant::special("rollback:state", "tags", a::expected_tags, &["with `expected-tags`"], &["lambda:ListTags"]),
        Variant::special("rollback:image", "", a::to_version_2, &[IMAGE], &["ecr:BatchGetImage"]),
        Variant::special("rollback:image", "idle", a::idle, &[IMAGE, IDLE], INVOKE),
        Variant::special("rollback:image", "with its health", a::with_health, &[IMAGE, HEALTH], INVOKE),
        Variant::special("rollback:image", "by guess", a::by_guess, &[IMAGE, GUESS], LIST),
        Variant::special("rollback:image", "to one that is gone", a::to_version_9, &[IMAGE], LIST).ends("fail", 1),
        Variant::special("rollback:image", "not healthy at its url", a::unhealthy_url, &[IMAGE, "with `url`"], INVOKE)
            .ends("fail", 3),
        Variant::whole("finish-deployment:listed", &["with `deployment-id`"], &[]),
        Variant::whole("notify:failure", &["with a channel `sns`"], &[]),
    ]
}
