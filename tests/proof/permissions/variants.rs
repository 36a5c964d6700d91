//! The runs in which permissions are tried: a scene, and what is special about it.

use std::pin::Pin;

use testbed::runner::Runner;

use super::arranged as a;
use crate::scenes::{Scene, Stage, more_scenes, scenes};

/// One run of a step.
pub(super) struct Variant {
    scene: &'static str,
    /// What is special about it, in the table.
    pub(super) what: &'static str,
    /// The conditions of permissions that hold in it.
    pub(super) when: &'static [&'static str],
    /// The names of the documentation, and those of the scene.
    pub(super) names: &'static [(&'static str, &'static str)],
    /// Optional actions that this run cannot do without.
    pub(super) cannot_without: &'static [&'static str],
    arrange: Arrange,
}

type Arrange = for<'a> fn(&'a Stage, Runner) -> Arranging<'a>;
pub(super) type Arranging<'a> = Pin<Box<dyn Future<Output = Runner> + Send + 'a>>;

const FUNCTION: &[(&str, &str)] =
    &[("function:shop-api-prd", "function:shop-api"), ("repository/shop-api", "repository/shop/api")];
const REPOSITORIES: &[(&str, &str)] =
    &[("repository/shop-api-stg", "repository/shop/api"), ("repository/shop-api", "repository/shop/prd")];

impl Variant {
    fn new(scene: &'static str, what: &'static str, when: &'static [&'static str], arrange: Arrange) -> Self {
        Self { scene, what, when, names: FUNCTION, cannot_without: &[], arrange }
    }

    pub(super) fn step(&self) -> &'static str {
        self.scene().step()
    }

    /// The name in the table.
    pub(super) fn shown(&self) -> String {
        if self.what.is_empty() { self.scene.to_owned() } else { format!("{}, {}", self.scene, self.what) }
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
    const BETWEEN: &[&str] = &["from or to ECR", "from ECR", "to ECR", "with `from-environment`"];
    let promote = |what, arrange| Variant {
        names: REPOSITORIES,
        ..Variant::new("promote-artifact:from-environment", what, BETWEEN, arrange)
    };
    let publish = |scene, what, when, arrange| Variant::new(scene, what, when, arrange);
    vec![
        Variant::new("validate-tag", "", &[], a::as_it_is),
        Variant {
            names: FUNCTION,
            ..Variant::new("promote-artifact:ghcr-to-ecr", "", &["from or to ECR", "to ECR"], a::as_it_is)
        },
        promote("to another repository", a::another_repository),
        promote("there already", a::promoted_before),
        publish("publish-version:zip", "", &[], a::as_it_is),
        publish("publish-version:zip", "dry run", &["with `dry-run`"], a::dry_run),
        publish("publish-version:zip", "tags", &["with `expected-tags`"], a::expected_tags),
        publish("publish-version:zip", "S3", &["with `zip: s3://..`"], a::archive),
        publish(
            "publish-version:zip",
            "S3 with versions",
            &["with `zip: s3://..`", "with `zip: s3://..` in a bucket with versions"],
            a::archive_with_versions,
        ),
        publish("publish-version:image", "", &["with `image`"], a::as_it_is),
        publish("publish-version:image", "by tag", &["with `image`", "with `image` by a tag"], a::image_by_tag),
        Variant {
            cannot_without: &["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"],
            ..publish("publish-version:image", "Lambda not let in", &["with `image`"], a::lambda_not_let_in)
        },
        Variant::new("smoke-test", "", &[], a::as_it_is),
        Variant::new("smoke-test", "of an alias", &["with `version: alias:<name>`"], a::of_an_alias),
        Variant::new("swap-alias", "", &[], a::as_it_is),
        Variant::new("swap-alias", "tags", &["with `expected-tags`"], a::expected_tags),
        Variant::new("swap-alias", "first", &["with `create-alias: true`"], a::first_alias),
        Variant::new("swap-alias", "record required", &["with `record: require`"], a::record_required),
        Variant::new("health-check-with-backoff:function", "", &["with `function` and no `url`"], a::as_it_is),
        Variant::new("health-check-with-backoff:url", "", &["with `function` beside `url`"], a::as_it_is),
        Variant::new("rollback:record", "", &["without `state`, `versions` and a version in `to`"], a::as_it_is),
        Variant::new("rollback:state", "", &[], a::as_it_is),
        Variant::new("rollback:state", "tags", &["with `expected-tags`"], a::expected_tags),
        Variant::new("rollback:image", "", &["to a version of an image"], a::to_version_2),
        Variant::new(
            "rollback:image",
            "idle",
            &["to a version of an image", "to a version that is idle and must be woken"],
            a::idle,
        ),
        Variant::new(
            "rollback:image",
            "with its health",
            &["to a version of an image", "with an input of the health check and no `url`"],
            a::with_health,
        ),
        Variant::new(
            "rollback:image",
            "by guess",
            &["to a version of an image", "with `allow-guess`, or a digest in `to` that no record names"],
            a::by_guess,
        ),
        Variant::new("finish-deployment", "", &["with `deployment-id`"], a::as_it_is),
    ]
}
