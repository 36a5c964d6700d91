//! promote-artifact: an index of two platforms between kinds of registries, and within one; and a zip archive to S3, and within S3.

use deploy_action::oci::Digest;
use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::ImageSpec;
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::github::Deployment;
use testbed::registry::{Pushed, Registry};

use crate::hostile::{HOSTILE, PASSWORD, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, REPOSITORY, Scene, Stage};

/// The names of the documentation, and those of a promotion between repositories.
const REPOSITORIES: &[(&str, &str)] =
    &[("repository/shop-api-stg", "repository/shop/api"), ("repository/shop-api", "repository/shop/prd")];
const FROM_GHCR: &str = "promote-artifact:ghcr-to-ecr";
const ZIP: &str = "promote-artifact:zip";
const COPY: &str = "promote-artifact:s3-to-s3";
const BUCKET: &str = "whether there is such a bucket, which S3 does not tell of an object";
const OWNER: &str = "whose credentials these are: a bucket of the same name in other hands is refused";
const FROM_ENVIRONMENT: &str = "promote-artifact:from-environment";
const BETWEEN: &[When] = &[When::FromOrToEcr, When::FromEcr, When::ToEcr, When::FromEnvironment];
const SCANNED: &[When] = &[When::FromOrToEcr, When::ToEcr, When::Scanned];
const FOR_FUNCTION: &[When] = &[When::FromOrToEcr, When::ToEcr, When::ForFunction];
const LAMBDA: &[&str] = &["lambda:GetFunction", "ecr:GetRepositoryPolicy"];
const BY_TREE: &[When] = &[When::FromEnvironment, When::FromEnvironmentByTree];
const DOWNLOAD: &str = "ReadRepositoryToEcr ecr:GetDownloadUrlForLayer";
/// What one whole image costs more than it must.
const TOP_DOWN: &str = "what is there is asked from the top down, so that an image that is there costs one request";
const LISTS: &str = "whether the registry lists what refers to an image is known once it was asked about the index";

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "promote-artifact",
    scenes: &[
        Scene::new(FROM_GHCR, || Box::pin(ghcr_to_ecr())).floor(18, &[(2, TOP_DOWN), (1, LISTS)]),
        Scene::new(FROM_ENVIRONMENT, || Box::pin(from_environment()))
            .floor(12, &[(1, "the tag is looked at once more just before it is put")]),
        Scene::new("promote-artifact:one-registry", || Box::pin(within_a_registry())).floor(13, &[(1, TOP_DOWN)]),
        Scene::new(ZIP, || Box::pin(zip())).floor(3, &[(1, BUCKET), (1, OWNER)]),
        Scene::new(COPY, || Box::pin(copy())).floor(5, &[(1, BUCKET), (1, OWNER)]),
    ],
    role: &[
        Variant::special(ZIP, "", a::as_it_is, &[When::ToS3], &[]),
        Variant::special(COPY, "", a::as_it_is, &[When::ToS3], &[]),
        Variant::special(FROM_GHCR, "", a::as_it_is, &[When::FromOrToEcr, When::ToEcr], &["ecr:PutImage"]),
        Variant::special(FROM_GHCR, "for a function", a::for_a_function, FOR_FUNCTION, LAMBDA),
        Variant::special(FROM_GHCR, "scanned", a::scanned, SCANNED, &["ecr:DescribeImageScanFindings"]),
        Variant::special(FROM_ENVIRONMENT, "to another", a::another_repository, BETWEEN, &[])
            .not_met(&[DOWNLOAD])
            .names(REPOSITORIES),
        Variant::special(FROM_ENVIRONMENT, "there already", a::promoted_before, BETWEEN, &[DOWNLOAD])
            .names(REPOSITORIES),
    ],
    token: &[
        Variant::special(FROM_ENVIRONMENT, "", a::as_it_is, &[When::FromEnvironment], &[]),
        Variant::special(FROM_ENVIRONMENT, "same files", a::squashed, BY_TREE, &["contents: read"]),
        Variant::special(FROM_ENVIRONMENT, "other files", a::other_files, BY_TREE, &["contents: read"]),
        Variant::special(FROM_GHCR, "dated", a::dated, &[When::Dated], &[]),
        Variant::special(FROM_GHCR, "by the job's token", a::by_the_jobs_token, &[When::FromGhcr], &[]),
    ],
    hostile: |world| {
        let image = world.ghcr.put_image(&ImageSpec::new("org/app").release(HOSTILE, HOSTILE));
        let (user, password) = world.ghcr.credentials();
        let aws = &world.world.aws;
        let host = format!("{}.dkr.ecr.{}.amazonaws.com", aws.id, aws.region());
        let promote = |password: &str| {
            let runner = world
                .step("promote-artifact")
                .input("destination", "shop-api")
                .input("registry-endpoint", format!("ghcr.io={}\n{host}={}", world.ghcr.url(), aws.endpoint()))
                .input("source", format!("ghcr.io/org/app@{}", image.digest))
                .input("source-username", &user)
                .input("source-password", password);
            Try::with_secrets(runner, &[password])
        };
        let workspace = crate::publish_version::workspace(&sample_zip("1.2.0", HOSTILE, GOOD)).keep();
        let zip = world.step("promote-artifact").workspace(&workspace).input("source", "dist/app.zip");
        let zip = zip.input("destination", "s3://none/api");
        vec![promote(&password), promote(PASSWORD), zip.input("tag", "v1").into()]
    },
};

const GHCR: &str = "ghcr.io";

/// From the registry it was pushed to, to ECR.
async fn ghcr_to_ecr() -> Stage {
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
async fn from_environment() -> Stage {
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
async fn within_a_registry() -> Stage {
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

/// A zip archive of the workspace comes to its first place in S3.
async fn zip() -> Stage {
    let mut stage = Stage::new().await;
    let bucket = format!("shop-{}", stage.aws.id);
    stage.aws.create_bucket(&bucket).await.unwrap();
    let package = sample_zip("1.4.0", &stage.commits[3], GOOD);
    stage.name_image(Digest::of(&package).as_str(), "the zip");
    built(stage)
        .file("app.zip", &package)
        .input("source", "app.zip")
        .input("destination", format!("s3://{bucket}/shop-api"))
}

/// The zip archive of staging, in the same bucket, gets its name for production.
async fn copy() -> Stage {
    let mut stage = Stage::new().await;
    let bucket = format!("shop-{}", stage.aws.id);
    stage.aws.create_bucket(&bucket).await.unwrap();
    let package = sample_zip("1.4.0", &stage.commits[3], GOOD);
    stage.name_image(Digest::of(&package).as_str(), "the zip");
    stage.aws.s3_put(&bucket, "shop-api/stg.zip", package).await.unwrap();
    built(stage)
        .input("source", format!("s3://{bucket}/shop-api/stg.zip"))
        .input("destination", format!("s3://{bucket}/shop-api"))
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
