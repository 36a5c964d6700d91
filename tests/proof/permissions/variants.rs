//! The runs in which permissions are tried: a scene, and what is special about it.

use std::pin::Pin;

use deploy_action::permissions::When;
use testbed::runner::{Report, Runner};

use super::arranged as a;
use crate::proof::scenes::{Scene, Stage, more_scenes, scenes};

/// One run of a step.
pub(super) struct Variant {
    scene: &'static str,
    /// What is special about it, in the table.
    what: &'static str,
    /// The conditions of permissions that hold in it.
    pub(super) when: &'static [When],
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
const EXECUTIONS: &[&str] = &["lambda:ListDurableExecutionsByFunction", "lambda:StopDurableExecution"];
const REPOSITORIES: &[(&str, &str)] =
    &[("repository/shop-api-stg", "repository/shop/api"), ("repository/shop-api", "repository/shop/prd")];

impl Variant {
    /// The scene as it is: all that applies is tried.
    fn whole(scene: &'static str, when: &'static [When], not_met: &'static [&'static str]) -> Self {
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
        when: &'static [When],
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
    const FROM: &[When] = &[When::FromEnvironment];
    const FILES: &[When] = &[When::FromEnvironment, When::FromEnvironmentByTree];
    const DATE: &[When] = &[When::Dated];
    const NAMED: &[When] = &[When::TagOrDated];
    const PROMOTED: &[When] = &[When::TagOrDated, When::Released];
    const STOPPED: &[When] = &[When::EventType, When::EventTypeCancelled];
    const STATUS: &[When] = &[When::Workflow, When::StatusAwaited];
    const OTHER: &[When] = &[When::OtherRun];
    const TIME: &[When] = &[When::Deployment, When::MaxDuration];
    const CI: &[When] = &[When::CiWorkflow];
    vec![
        Variant::whole("resolve", &[], &[]),
        Variant::special("resolve", "a tag asked for", a::tag_asked_for, NAMED, &["contents: read"]),
        Variant::special("resolve", "a release promoted", a::release_promoted, PROMOTED, &["deployments: read"]),
        Variant::special("resolve", "CI", a::after_ci, CI, &["actions: read"]),
        Variant::whole("detect-changes", &[When::LastDeployed], &[]),
        Variant::whole("validate-tag", &[], &[]),
        Variant::special(
            "validate-tag:checks",
            "",
            a::as_it_is,
            &[When::RequireChecks],
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
        Variant::special(GHCR, "by the job's token", a::by_the_jobs_token, &[When::FromGhcr], &[]),
        Variant::whole("swap-alias", &[], &[]),
        Variant::special(
            "swap-alias",
            "record required",
            a::record_required,
            &[When::RecordRequired],
            &["deployments: write"],
        ),
        Variant::special("swap-alias", "after another run", a::after_another_run, OTHER, &["actions: read"]),
        Variant::whole("rollback:record", &[When::ByRecord], &[]),
        Variant::whole("rollback:state", &[], &[]),
        Variant::special("rollback:state", "after another run", a::after_another_rollback, OTHER, &["actions: read"]),
        Variant::whole("finish-deployment", &[When::Deployment], &[]),
        Variant::whole("create-release", &[When::EnvironmentOrDeployment], &[]),
        Variant::whole("dispatch:workflow", &[When::Workflow], &[]),
        Variant::whole("dispatch:event", &[When::EventType], &[]),
        Variant::special("dispatch:event", "stopped", a::stopped, STOPPED, &["actions: write"]).ends("error", 4),
        Variant::special("dispatch:workflow", "status", a::by_status, STATUS, &["statuses: read"]),
        Variant::special("finish-deployment:within-its-time", "", a::as_it_is, TIME, &["actions: read"]),
        Variant::whole("publish-version:latest", &[When::Latest], &[]),
        Variant::special(
            "publish-version:latest",
            "after another run",
            a::after_another_release,
            &[When::Latest, When::OtherRunLatest],
            &["actions: read"],
        ),
        Variant::whole("notify", &[When::Issue], &[]),
        Variant::whole("notify:failure", &[When::Issue, When::AfterFailure], &[]),
        Variant::whole("notify:fixed", &[When::Issue], &[]),
    ]
}

/// Of the steps that bring code.
fn artifacts() -> Vec<Variant> {
    const PROMOTE: &str = "promote-artifact:from-environment";
    const BETWEEN: &[When] = &[When::FromOrToEcr, When::FromEcr, When::ToEcr, When::FromEnvironment];
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
            &[When::FromOrToEcr, When::ToEcr],
            &["ecr:PutImage"],
        ),
        Variant {
            not_met: &[DOWNLOAD],
            ..Variant::special(PROMOTE, "to another", a::another_repository, BETWEEN, &[])
        }
        .names(REPOSITORIES),
        Variant::special(PROMOTE, "there already", a::promoted_before, BETWEEN, &[DOWNLOAD]).names(REPOSITORIES),
        Variant::whole(ZIP, &[], &[]),
        Variant::special("publish-version:latest", "", a::as_it_is, &[When::Latest], &["lambda:ListAliases"]),
        Variant::special(ZIP, "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
        Variant::special(ZIP, "S3", a::archive, &[When::Archive], &["s3:GetObject"]),
        Variant::special(ZIP, "S3, absent", a::absent_archive, &[When::Archive], &["s3:ListBucket"])
            .ends("fail", 1)
            .cannot_without(&["s3:ListBucket"]),
        Variant::special(
            ZIP,
            "S3 with versions",
            a::archive_with_versions,
            &[When::Archive, When::ArchiveWithVersions],
            &["s3:GetObjectVersion"],
        ),
        Variant::special(IMAGE, "", a::as_it_is, &[When::Image], &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]),
        Variant::special(IMAGE, "by tag", a::image_by_tag, &[When::Image, When::ImageByTag], &["ecr:DescribeImages"]),
        Variant::special(IMAGE, "Lambda not let in", a::lambda_not_let_in, &[When::Image], POLICY)
            .cannot_without(POLICY),
        Variant::whole("smoke-test", &[], &[]),
        Variant::special("smoke-test", "of an alias", a::of_an_alias, &[When::VersionByAlias], &["lambda:GetAlias"]),
        Variant::special("smoke-test", "of a durable function", a::durable, &[When::Durable], EXECUTIONS),
    ]
}

/// Of the steps that move and watch aliases.
fn aliases() -> Vec<Variant> {
    const FUNCTION: &str = "health-check-with-backoff:function";
    const URL: &str = "health-check-with-backoff:url";
    const ALONE: &[When] = &[When::Function];
    const BESIDE: &[When] = &[When::FunctionBesideUrl];
    const IMAGE: When = When::ImageVersion;
    const GUESS: When = When::Guess;
    const HEALTH: When = When::HealthOfFunction;
    const IDLE: When = When::Idle;
    const CODE: When = When::Code;
    const CODE_OF_IMAGE: When = When::CodeOfImage;
    const CODE_ACTIONS: &[&str] = &["lambda:ListAliases", "lambda:ListVersionsByFunction", "lambda:UpdateFunctionCode"];
    const READS_IMAGE: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    const LIST: &[&str] = &["lambda:ListVersionsByFunction"];
    const INVOKE: &[&str] = &["lambda:InvokeFunction"];
    vec![
        Variant::special("rollback:code", "", a::as_it_is, &[CODE], CODE_ACTIONS),
        Variant::special("rollback:code-of-image", "", a::as_it_is, &[CODE, CODE_OF_IMAGE], READS_IMAGE),
        Variant::whole("swap-alias", &[], &[]),
        Variant::special("swap-alias", "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
        Variant::special("swap-alias", "first", a::first_alias, &[When::CreateAlias], &["lambda:CreateAlias"]),
        Variant::whole(FUNCTION, ALONE, &[]),
        Variant::special(FUNCTION, "unhealthy", a::unhealthy, ALONE, &["lambda:GetAlias", "lambda:GetFunction"])
            .ends("fail", 1),
        Variant::whole(URL, BESIDE, INVOKE),
        Variant::special(URL, "unhealthy", a::unhealthy, BESIDE, &[]).ends("fail", 1),
        Variant::whole("rollback:record", &[When::ByRecord], LIST),
        Variant::special("rollback:state", "", a::as_it_is, &[], &["lambda:UpdateAlias"]),
        Variant::special("rollback:state", "tags", a::expected_tags, &[When::ExpectedTags], &["lambda:ListTags"]),
        Variant::special(
            "rollback:state",
            "provisioned concurrency",
            a::provisioned,
            &[When::Provisioned],
            &["lambda:GetProvisionedConcurrencyConfig"],
        ),
        Variant::special("rollback:image", "", a::to_version_2, &[IMAGE], &["ecr:BatchGetImage"]),
        Variant::special("rollback:image", "idle", a::idle, &[IMAGE, IDLE], INVOKE),
        Variant::special("rollback:image", "with its health", a::with_health, &[IMAGE, HEALTH], INVOKE),
        Variant::special(FUNCTION, "durable", a::durable, &[When::Function, When::Durable], EXECUTIONS),
        Variant::special(
            "rollback:image",
            "durable",
            a::durable_with_health,
            &[IMAGE, HEALTH, When::Durable],
            EXECUTIONS,
        ),
        Variant::special("rollback:image", "by guess", a::by_guess, &[IMAGE, GUESS], LIST),
        Variant::special("rollback:image", "to one that is gone", a::to_version_9, &[IMAGE], LIST).ends("fail", 1),
        Variant::special("rollback:image", "not healthy at its url", a::unhealthy_url, &[IMAGE, When::Url], INVOKE)
            .ends("fail", 3),
        Variant::whole("finish-deployment:listed", &[When::Deployment], &[]),
        Variant::whole("notify:failure", &[When::SnsChannel], &[]),
    ]
}
