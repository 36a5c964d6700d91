//! promote-artifact of an index of two platforms: between kinds of registries, and within one.

use serde_json::json;
use testbed::aws::ImageSpec;
use testbed::github::Deployment;
use testbed::registry::{Login, Pushed, Registry};

use super::Stage;
use super::stage::{ENVIRONMENT, FUNCTION, REPOSITORY};

const GHCR: &str = "ghcr.io";

/// From the registry it was pushed to, to ECR.
pub(super) async fn ghcr_to_ecr() -> Stage {
    let mut stage = Stage::new().await;
    let registry = Registry::ghcr().start().await.unwrap();
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let pushed = push(&mut stage, &registry);
    let (user, password) = registry.credentials();
    let endpoints = format!("{GHCR}={}\n{}", registry.url(), ecr(&stage));
    stage.registries.push(("ghcr", registry));
    built(stage)
        .input("source", format!("{GHCR}/org/app@{}", pushed.digest))
        .input("source-username", user)
        .input("source-password", password)
        .input("destination", REPOSITORY)
        .input("registry-endpoint", endpoints)
}

/// What serves in staging gets its tag for production, in the same repository of ECR.
pub(super) async fn from_environment() -> Stage {
    let mut stage = Stage::new().await;
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let commit = stage.commits[3].clone();
    let digest = stage.aws.push_image(&image(&stage).tag(&format!("stg-{commit}"))).await.unwrap();
    stage.name_image(&digest, "the image");
    let id = stage.repository.add_deployment(Deployment {
        sha: commit.clone(),
        environment: "stg".to_owned(),
        payload: json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit,
            "tree": stage.repository.tree(&commit), "version": "v1.4.0",
            "targets": [{"function": FUNCTION, "alias": "live", "version": "7", "digest": digest}],
            "run": {"id": 600, "attempt": 1},
        }),
        ..Deployment::default()
    });
    stage.repository.add_status(id, "success", "by hand");
    let endpoint = ecr(&stage);
    built(stage).input("from-environment", "stg").input("destination", REPOSITORY).input("registry-endpoint", endpoint)
}

/// From one registry that is not ECR to another.
pub(super) async fn between_registries() -> Stage {
    let mut stage = Stage::new().await;
    let source = Registry::ghcr().start().await.unwrap();
    // Credentials are only known of the source.
    let destination = Registry::ghcr().with(|options| options.login = Login::None).start().await.unwrap();
    let pushed = push(&mut stage, &source);
    let (user, password) = source.credentials();
    let named = format!("{}/org/app", destination.host());
    let from = format!("{}/org/app@{}", source.host(), pushed.digest);
    stage.registries = vec![("source", source), ("destination", destination)];
    built(stage)
        .input("source", from)
        .input("source-username", user)
        .input("source-password", password)
        .input("destination", named)
}

/// Built from the fourth commit, and promoted by a run of it.
fn built(stage: Stage) -> Stage {
    stage.commit(3).input("environment", ENVIRONMENT)
}

fn image(stage: &Stage) -> ImageSpec {
    ImageSpec::new(REPOSITORY).release("1.4.0", &stage.commits[3]).architectures(&["amd64", "arm64"])
}

fn push(stage: &mut Stage, registry: &Registry) -> Pushed {
    let pushed = registry.put_image(&ImageSpec { repository: "org/app".to_owned(), ..image(stage) });
    stage.name_image(&pushed.digest, "the image");
    pushed
}

fn ecr(stage: &Stage) -> String {
    let host = format!("{}.dkr.ecr.{}.amazonaws.com", stage.aws.id, stage.aws.region());
    format!("{host}={}", stage.aws.endpoint())
}
