//! promote-site of a release from TEST to APP.

use deploy_action::permissions::When;
use serde_json::json;

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{Scene, Stage};
use crate::publish_site::table::{
    IN_STORE, NAMES, ORIGIN, after_another_publish, at, expected_tags, publish, publish_to, site, site_by_key,
    site_by_origin, with_old,
};

const ONE: &str = "promote-site";
const FUNCTION: &str = "promote-site:function";
const BY_RECORD: &str = "promote-site:by-record";
const OLD: &str = "promote-site:old";
const BY_KEY: &str = "promote-site:by-key";
const BY_ORIGIN: &str = "promote-site:by-origin";
const FIRST: &str = "promote-site:first-by-origin";
const TAKES_AWAY: &[&str] = &["s3:DeleteObject", "cloudfront:GetFunction"];
/// Nothing is old, and the marker is there.
const NOT_MET: &[&str] = &["s3:DeleteObject", "s3:ListBucket"];
const FLOOR: &[(usize, &str)] = &[(1, "the account, by which the record knows its place"), (1, "the tree")];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(second())).floor(27, FLOOR),
        Scene::new(BY_KEY, || Box::pin(by_key())).floor(24, FLOOR),
        Scene::new(BY_ORIGIN, || Box::pin(by_origin())).killed_at_its_own_writes(),
        Scene::new(FIRST, || Box::pin(first_by_origin())).for_permissions().without_the_matrix(),
        Scene::new(FUNCTION, || Box::pin(behind_a_function())).for_permissions(),
        Scene::new(BY_RECORD, || Box::pin(by_record())).for_permissions(),
        // Taking away is publish-site's, which the matrix plays.
        Scene::new(OLD, || Box::pin(old())).for_permissions().without_the_matrix(),
    ],
    role: &[
        Variant::whole(ONE, &[When::OfDistribution], NOT_MET).names(NAMES),
        Variant::special(
            BY_KEY,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::EdgeFunction, When::PointerInStore],
            IN_STORE,
        )
        .names(NAMES),
        Variant::special(BY_ORIGIN, "", a::as_it_is, &[When::OfDistribution, When::PointerIsOriginPath], ORIGIN)
            .names(NAMES),
        // Its first release: whether there is a marker is told to those only who may list.
        Variant::special(
            FIRST,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::PointerIsOriginPath],
            &["s3:ListBucket"],
        )
        .names(NAMES),
        Variant::special(
            OLD,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::EdgeFunction, When::PointerInStore],
            TAKES_AWAY,
        )
        .names(NAMES),
        Variant::special(
            ONE,
            "tags",
            expected_tags,
            &[When::OfDistribution, When::ExpectedTags],
            &["s3:GetBucketTagging"],
        )
        .names(NAMES),
        Variant::special(
            FUNCTION,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::EdgeFunction],
            &["cloudfront:DescribeFunction"],
        )
        .names(NAMES),
    ],
    token: &[
        Variant::whole(ONE, &[When::OfDistribution], &[]),
        Variant::special(
            BY_RECORD,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::FromEnvironment],
            &["deployments: read"],
        ),
        Variant::special(
            ONE,
            "record required",
            a::record_required,
            &[When::OfDistribution, When::RecordRequired],
            &["deployments: write"],
        ),
        Variant::special(
            ONE,
            "after another run",
            after_another_publish,
            &[When::OfDistribution, When::OtherRun],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let promote = world.step("promote-site").input("source-prefix", "test").input("bucket", "shop-site");
        vec![promote.input("release", "v1").input("url", "https://shop.example.com").into()]
    },
};

/// APP has the first release, TEST the second.
async fn second() -> Stage {
    let mut stage = Stage::new().await;
    let (app, test) = (site(&mut stage, "live", |spec| spec).await, site(&mut stage, "test", |spec| spec).await);
    publish(&stage, &app, "live", "1", 0).await;
    publish(&stage, &test, "test", "2", 1).await;
    let release = stage.commits[1].clone();
    at(stage, &app, "live")
        .input("max-parallel", "1")
        .commit(1)
        .input("source-prefix", "test")
        .input("release", release)
}

/// APP has the first release, TEST the second, both by keys of stores of their own.
async fn by_key() -> Stage {
    let mut stage = Stage::new().await;
    let app = site_by_key(&mut stage, "shop-site").await;
    let test = site_by_key(&mut stage, "shop-test").await;
    publish_to(&stage, &app, "kvs:shop-site", "1", 0).await;
    publish_to(&stage, &test, "kvs:shop-test", "2", 1).await;
    let release = stage.commits[1].clone();
    let stage = at(stage, &app, "live").input("max-parallel", "1").commit(1).input("release", release);
    stage.input("pointer", "kvs:shop-site").input("source-pointer", "kvs:shop-test")
}

/// The same, where TEST has a folder of its own and APP the path of an origin.
async fn by_origin() -> Stage {
    to_origin(Some("1")).await
}

/// The same, where APP has no release yet.
async fn first_by_origin() -> Stage {
    to_origin(None).await
}

async fn to_origin(before: Option<&str>) -> Stage {
    let mut stage = Stage::new().await;
    let (app, test) = (site_by_origin(&mut stage).await, site(&mut stage, "test", |spec| spec).await);
    if let Some(before) = before {
        publish_to(&stage, &app, "origin-path", before, 0).await;
    }
    publish(&stage, &test, "test", "2", 1).await;
    let release = stage.commits[1].clone();
    let stage = at(stage, &app, "live").commit(1).input("source-prefix", "test").input("release", release);
    stage.input("max-parallel", "1").input("pointer", "origin-path")
}

/// Releases that are kept no longer.
async fn old() -> Stage {
    let mut stage = Stage::new().await;
    let app = site_by_key(&mut stage, "shop-site").await;
    let test = site(&mut stage, "test", |spec| spec).await;
    publish(&stage, &test, "test", "2", 2).await;
    let release = stage.commits[2].clone();
    let stage = with_old(stage, &app, "kvs:shop-site").await;
    stage.input("source-prefix", "test").input("release", release)
}

async fn by_record() -> Stage {
    let mut stage = Stage::new().await;
    let (app, test) = (site(&mut stage, "live", |spec| spec).await, site(&mut stage, "test", |spec| spec).await);
    publish(&stage, &app, "live", "1", 0).await;
    publish(&stage, &test, "test", "2", 1).await;
    at(stage, &app, "live").commit(1).input("source-prefix", "test").input("from-environment", "prd")
}

async fn behind_a_function() -> Stage {
    let mut stage = Stage::new().await;
    let pointer =
        json!({"key": "unused", "release": "r0", "code": "function handler(event) { return event.request; }"});
    let app = site(&mut stage, "live", |spec| spec.pointer(&pointer)).await;
    let test = site(&mut stage, "test", |spec| spec).await;
    publish(&stage, &app, "live", "1", 0).await;
    publish(&stage, &test, "test", "2", 1).await;
    let release = stage.commits[1].clone();
    at(stage, &app, "live").commit(1).input("source-prefix", "test").input("release", release)
}
