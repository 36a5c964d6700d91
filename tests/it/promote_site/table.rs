//! promote-site of a release from TEST to APP.

use deploy_action::permissions::When;
use serde_json::json;

use crate::proof::StepUnderTest;
use crate::proof::permissions::{Arranging, Variant, arranged as a};
use crate::proof::scenes::{Scene, Stage};
use crate::publish_site::table::{
    IN_STORE, NAMES, ORIGIN, after_another_publish, at, bucket, publish, publish_to, site, site_by_key,
};
use testbed::runner::Runner;

const ONE: &str = "promote-site";
const FUNCTION: &str = "promote-site:function";
const BY_RECORD: &str = "promote-site:by-record";
const OLD: &str = "promote-site:old";
const BY_KEY: &str = "promote-site:by-key";
const BY_ORIGIN: &str = "promote-site:by-origin";
const DELETES: &[&str] = &["s3:DeleteObject"];
/// Nothing is old, and the marker is there.
const NOT_MET: &[&str] = &["s3:DeleteObject", "s3:ListBucket"];
const FLOOR: &[(usize, &str)] = &[(1, "the account, by which the record knows its place"), (1, "the tree")];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(second())).floor(27, FLOOR),
        Scene::new(BY_KEY, || Box::pin(by_key())).floor(24, FLOOR),
        Scene::new(BY_ORIGIN, || Box::pin(by_origin())).for_permissions().without_the_matrix(),
        Scene::new(FUNCTION, || Box::pin(behind_a_function())).for_permissions(),
        Scene::new(BY_RECORD, || Box::pin(by_record())).for_permissions(),
        // What is old is taken away by the clock, after the release was proved: that it could not be is a warning, and the next publication does it.
        // So a run ends well in two worlds, and the matrix knows one.
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
            BY_ORIGIN,
            "first",
            a::as_it_is,
            &[When::OfDistribution, When::PointerIsOriginPath],
            &["s3:ListBucket"],
        )
        .names(NAMES),
        Variant::special(OLD, "", a::as_it_is, &[When::OfDistribution], DELETES).names(NAMES),
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
    let mut stage = Stage::new().await;
    let (app, test) = (site(&mut stage, "live", |spec| spec).await, site(&mut stage, "test", |spec| spec).await);
    publish(&stage, &test, "test", "2", 1).await;
    let release = stage.commits[1].clone();
    let stage = at(stage, &app, "live").commit(1).input("source-prefix", "test").input("release", release);
    stage.input("pointer", "origin-path")
}

/// Releases that are kept no longer.
async fn old() -> Stage {
    let mut stage = Stage::new().await;
    let (app, test) = (site(&mut stage, "live", |spec| spec).await, site(&mut stage, "test", |spec| spec).await);
    publish(&stage, &app, "live", "0", 0).await;
    publish(&stage, &app, "live", "1", 1).await;
    publish(&stage, &test, "test", "2", 2).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let release = stage.commits[2].clone();
    let stage = at(stage, &app, "live").commit(2).input("source-prefix", "test").input("release", release);
    stage.input("prune-after", "1s").input("keep-releases", "1")
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

fn expected_tags(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let tags = "<Tagging><TagSet><Tag><Key>stage</Key><Value>prd</Value></Tag></TagSet></Tagging>";
        stage.aws.s3("PUT", &format!("/{}?tagging", bucket(stage)), tags.into()).await.unwrap().ok().unwrap();
        runner.input("expected-tags", "stage=prd")
    })
}
