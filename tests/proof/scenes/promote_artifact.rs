//! promote-artifact: an index of two platforms between kinds of registries, and within one.

use serde_json::json;
use testbed::aws::ImageSpec;
use testbed::github::Deployment;
use testbed::registry::{Pushed, Registry};

use super::Stage;
use super::stage::{ENVIRONMENT, FUNCTION, REPOSITORY};

const GHCR: &str = "ghcr.io";

/// From the registry it was pushed to, to ECR.
pub(super) async fn ghcr_to_ecr() -> Stage {
    let mut stage = Stage::new().await;
    let registry = Registry::ghcr().start().await.unwrap();
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let spec = image(&stage);
    let pushed = push(&mut stage, &registry, spec);
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
            "targets": [stage.aws.target(FUNCTION, "live", &json!({"version": "7", "digest": digest}))],
            "run": {"id": 600, "attempt": 1},
        }),
        ..Deployment::default()
    });
    stage.repository.add_status(id, "success", "by hand");
    let endpoint = ecr(&stage);
    built(stage).input("from-environment", "stg").input("destination", REPOSITORY).input("registry-endpoint", endpoint)
}

/// From one repository to another of one registry, which mounts blobs.
pub(super) async fn within_a_registry() -> Stage {
    let mut stage = Stage::new().await;
    let registry = Registry::ghcr().start().await.unwrap();
    let spec = image(&stage).architectures(&["amd64"]);
    let pushed = push(&mut stage, &registry, spec);
    let (user, password) = registry.credentials();
    let (from, to) = (format!("{GHCR}/org/app@{}", pushed.digest), format!("{GHCR}/org/app-prd"));
    let endpoint = format!("{GHCR}={}", registry.url());
    stage.registries.push(("ghcr", registry));
    built(stage)
        .input("source", from)
        .input("source-username", user)
        .input("source-password", password)
        .input("destination", to)
        .input("registry-endpoint", endpoint)
}

/// Built from the fourth commit, and promoted by a run of it.
fn built(stage: Stage) -> Stage {
    stage.commit(3).input("environment", ENVIRONMENT)
}

fn image(stage: &Stage) -> ImageSpec {
    ImageSpec::new(REPOSITORY).release("1.4.0", &stage.commits[3]).architectures(&["amd64", "arm64"])
}

fn push(stage: &mut Stage, registry: &Registry, spec: ImageSpec) -> Pushed {
    let pushed = registry.put_image(&ImageSpec { repository: "org/app".to_owned(), ..spec });
    stage.name_image(&pushed.digest, "the image");
    pushed
}

fn ecr(stage: &Stage) -> String {
    let host = format!("{}.dkr.ecr.{}.amazonaws.com", stage.aws.id, stage.aws.region());
    format!("{host}={}", stage.aws.endpoint())
}
