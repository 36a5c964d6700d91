//! inventory of a function of an image, and of a service.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::{ServiceSpec, zips};
use testbed::github::Permission;

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{FUNCTION, REPOSITORY, Scene, Stage};
use crate::publish_site;
use crate::world::RUN;

const USUAL: &str = "inventory";
const FLOOR: &[(usize, &str)] = &[
    (1, "which places were given up is known before they are asked"),
    (1, "images are looked for when the preview has begun, which takes it a while"),
];
const EVERYTHING: &str = "inventory:everything";
const SITE: &str = "inventory:site";
const SITE_BY_KEY: &str = "inventory:site-by-key";
const SITE_BY_ORIGIN: &str = "inventory:site-by-origin";
const ALIAS: &[When] = &[When::OfFunction, When::OfImage, When::LifecyclePolicy];
const GONE: &[When] = &[When::OfFunction, When::OfImage, When::LifecyclePolicy, When::ImageGone];
const OTHERS: &[When] =
    &[When::OfFunction, When::OfLatest, When::OfService, When::OfImage, When::LifecyclePolicy, When::ArchiveInBucket];
const MORE: &[&str] =
    &["lambda:ListVersionsByFunction", "ecs:DescribeServices", "ecs:DescribeServiceRevisions", "s3:GetObjectVersion"];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: USUAL,
    scenes: &[
        Scene::new(USUAL, || Box::pin(usual())).floor(5, FLOOR),
        Scene::new(SITE, || Box::pin(of_a_site())).for_permissions().without_the_matrix(),
        Scene::new(SITE_BY_KEY, || Box::pin(of_a_site_by_key())).for_permissions().without_the_matrix(),
        Scene::new(SITE_BY_ORIGIN, || Box::pin(of_a_site_by_origin())).for_permissions().without_the_matrix(),
        Scene::new(EVERYTHING, || Box::pin(everything())).for_permissions_of_a_failure(),
    ],
    role: &[
        Variant::whole(USUAL, ALIAS, &[]),
        Variant::special(USUAL, "image gone", a::no_images, GONE, &["ecr:BatchGetImage"]).ends("fail", 1),
        Variant::special(EVERYTHING, "", a::as_it_is, OTHERS, MORE),
        Variant::special(SITE, "", a::as_it_is, &[When::OfSite], &["s3:GetObject"]).names(publish_site::table::NAMES),
        Variant::special(
            SITE_BY_KEY,
            "",
            a::as_it_is,
            &[When::OfSite, When::OfSiteByKey],
            publish_site::table::READS_STORE,
        )
        .names(publish_site::table::NAMES),
        Variant::special(
            SITE_BY_ORIGIN,
            "",
            a::as_it_is,
            &[When::OfSite, When::OfSiteByOriginPath],
            publish_site::table::READS_ORIGIN,
        )
        .names(publish_site::table::NAMES),
    ],
    token: &[Variant::whole(USUAL, &[], &[])],
    hostile: |world| vec![world.step("inventory").input("targets", "prd: {shop: {function: shop-api}}").into()],
};

/// A function whose second version serves, and is recorded.
async fn usual() -> Stage {
    let mut stage = Stage::new().await;
    let digests = stage.image_function(2).await;
    stage.move_alias(2).await;
    stage.record_of(RUN - 1, 2, &stage.moved((1, 2), Some(&digests[1])), &["success"]);
    let rules = json!([{
        "rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
        "action": {"type": "expire"},
    }]);
    stage.aws.put_lifecycle_rules(REPOSITORY, &rules).await.unwrap();
    stage.grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}

/// A site that was published.
async fn of_a_site() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site(&mut stage, "live", |spec| spec).await;
    publish_site::table::publish(&stage, &live, "live", "1", 0).await;
    stage.grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}

/// The same, where a key of a store says which release serves.
async fn of_a_site_by_key() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site_by_key(&mut stage, "shop-site").await;
    publish_site::table::publish_to(&stage, &live, "kvs:shop-site", "1", 0).await;
    stage.grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}

/// The same by the path of an origin.
async fn of_a_site_by_origin() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site_by_origin(&mut stage).await;
    publish_site::table::publish_to(&stage, &live, "origin-path", "1", 0).await;
    stage.grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}

/// A function without an alias, whose archive stays in its bucket, and a service.
async fn everything() -> Stage {
    let mut stage = Stage::with_function(1).await;
    let bucket = format!("shop-{}", stage.aws.id);
    stage.aws.create_bucket(&bucket).await.unwrap();
    stage.aws.s3_put(&bucket, "shop-api/app.zip", zips::python("x = 1")).await.unwrap();
    stage.aws.refer_code(FUNCTION, &bucket, "shop-api/app.zip").await.unwrap();
    stage.aws.create_repository(REPOSITORY).await.unwrap();
    let digest = stage.image(0).await;
    let image = stage.aws.image_uri(REPOSITORY, &digest);
    stage.aws.create_service(&ServiceSpec::new("web", &image)).await.unwrap();
    let targets = format!("prd: {{a: [{{function: {FUNCTION}, alias: $LATEST}}, {{cluster: main, service: web}}]}}");
    stage.input("targets", targets).grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}
