//! publish-version of another release than the one that serves.

use base64::Engine as _;
use deploy_action::permissions::When;
use sha2::Digest as _;
use testbed::aws::sample::{GOOD, sample_zip};

use crate::hostile;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, FUNCTION, REPOSITORY, Scene, Stage};

const ZIP: &str = "publish-version:zip";
const IMAGE: &str = "publish-version:image";
const LATEST: &str = "publish-version:latest";
const POLICY: &[&str] = &["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"];
const READ_LAST: (usize, &str) = (1, "what serves is read last");

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "publish-version",
    scenes: &[
        Scene::new(ZIP, || Box::pin(zip())).floor(7, &[READ_LAST]),
        Scene::new(IMAGE, || Box::pin(image())).floor(11, &[READ_LAST]),
        Scene::new(LATEST, || Box::pin(latest())).floor(
            15,
            &[
                (1, "the account, by which the record knows its place"),
                (1, "the versions are read again after the aliases"),
                (1, "the version is read once more before its code"),
                (1, "the tree"),
            ],
        ),
        Scene::new("publish-version:adopt", || Box::pin(adopted()))
            .floor(6, &[(1, "the account, by which the record knows its place"), (1, "the tree")]),
    ],
    role: &[
        Variant::whole(ZIP, &[], &[]),
        Variant::special(LATEST, "", a::as_it_is, &[When::Latest], &["lambda:ListAliases"]),
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
    ],
    token: &[
        Variant::whole(LATEST, &[When::Latest], &[]),
        Variant::special(
            "publish-version:adopt",
            "",
            a::as_it_is,
            &[When::Latest, When::Adopt],
            &["deployments: write"],
        ),
        Variant::special(
            LATEST,
            "after another run",
            a::after_another_release,
            &[When::Latest, When::OtherRunLatest],
            &["actions: read"],
        ),
        Variant::special(
            LATEST,
            "requires migrations",
            a::requires_migrations,
            &[When::Latest, When::RequiresMigrations],
            &["deployments: read"],
        )
        .ends("fail", 1),
    ],
    hostile: |world| {
        let workspace = tempfile::tempdir().unwrap().keep();
        std::fs::write(workspace.join("app.zip"), hostile::function(200, "new")).unwrap();
        let publish = world.step("publish-version").input("function", "shop-api").workspace(&workspace);
        let zip = publish.clone().input("zip", "app.zip").input("description", hostile::description());
        let adopt = world.step("publish-version").input("function", "shop-api").input("traffic", "latest");
        vec![zip.into(), publish.input("image", "shop-api:v1").into(), adopt.input("adopt", "true").into()]
    },
};

async fn zip() -> Stage {
    let mut stage = Stage::with_function(1).await;
    let package = sample_zip("1.2.0", &stage.commits[1], GOOD);
    let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&package));
    stage.name(&hash, "the package");
    stage.commit(1).file("app.zip", &package).input("function", FUNCTION).input("zip", "app.zip")
}

/// Of a function that users call without an alias.
async fn latest() -> Stage {
    let stage = zip().await;
    stage.no_alias().await;
    stage.input("environment", ENVIRONMENT).input("traffic", "latest")
}

/// Another tool put the code there, and nothing is recorded yet.
async fn adopted() -> Stage {
    let stage = Stage::with_function(1).await;
    stage.no_alias().await;
    let stage = stage.input("environment", ENVIRONMENT).input("function", FUNCTION);
    stage.input("traffic", "latest").input("adopt", "true")
}

async fn image() -> Stage {
    let mut stage = Stage::new().await;
    stage.image_function(1).await;
    let digest = stage.image(1).await;
    stage.commit(1).input("function", FUNCTION).input("image", format!("{REPOSITORY}@{digest}"))
}
