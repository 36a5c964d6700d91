//! publish-site of a second release.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::aws::{Settings, Site, SiteSpec};
use testbed::runner::{Report, Runner};

use super::build;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Arranging, Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

const ONE: &str = "publish-site";
const FUNCTION: &str = "publish-site:function";
const PRUNES: &str = "publish-site:prune";
const PRUNES_BY_KEY: &str = "publish-site:prune-by-key";
const BY_KEY: &str = "publish-site:by-key";
const BY_ORIGIN: &str = "publish-site:by-origin";
/// What a switch by a key takes beside.
pub(crate) const IN_STORE: &[&str] = &[
    "cloudfront:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:DescribeKeyValueStore",
    "cloudfront-keyvaluestore:GetKey",
    "cloudfront-keyvaluestore:UpdateKeys",
];
/// What says of a key which release serves.
pub(crate) const READS_STORE: &[&str] = &[IN_STORE[0], IN_STORE[1], IN_STORE[2]];
/// What says it of the path of an origin.
pub(crate) const READS_ORIGIN: &[&str] = &[ORIGIN[0]];
/// What one by the path of an origin takes beside.
pub(crate) const ORIGIN: &[&str] = &["cloudfront:GetDistributionConfig", "cloudfront:UpdateDistribution"];
const DELETES: &[&str] = &["s3:DeleteObject"];
/// What taking away takes that leaves what a function names.
pub(crate) const SPARES: &[&str] = &["cloudfront:GetFunction"];
/// The names of the documentation, and those of the scene.
pub(crate) const NAMES: &[(&str, &str)] = &[
    ("distribution/E2QWRUHAPOMQZL", "distribution/*"),
    ("function/shop-site-prd", "function/*"),
    ("key-value-store/36fc1c2b-1d3f-4a5e-9c8b-7e6d5c4b3a29", "key-value-store/*"),
];
const FLOOR: &[(usize, &str)] = &[(1, "the account, by which the record knows its place"), (1, "the tree")];

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: ONE,
    scenes: &[
        Scene::new(ONE, || Box::pin(second())).floor(22, FLOOR),
        Scene::new(BY_KEY, || Box::pin(by_key())).floor(27, FLOOR),
        Scene::new(BY_ORIGIN, || Box::pin(by_origin())).for_permissions(),
        Scene::new(FUNCTION, || Box::pin(behind_a_function())).for_permissions(),
        Scene::new(PRUNES, || Box::pin(pruned())).killed_at_its_own_writes(),
        Scene::new(PRUNES_BY_KEY, || Box::pin(pruned_by_key())).for_permissions().without_the_matrix(),
    ],
    role: &[
        Variant::whole(ONE, &[When::OfDistribution], DELETES).names(NAMES),
        Variant::special(PRUNES, "", a::as_it_is, &[When::OfDistribution], DELETES).names(NAMES),
        Variant::special(
            PRUNES_BY_KEY,
            "",
            a::as_it_is,
            &[When::OfDistribution, When::EdgeFunction, When::PointerInStore],
            SPARES,
        )
        .names(NAMES),
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
        let publish = world.step("publish-site").input("source", "dist").input("bucket", "shop-site");
        vec![publish.input("url", "https://shop.example.com").into()]
    },
};

/// The bucket of a stage: all accounts share the names.
pub(crate) fn bucket(stage: &Stage) -> String {
    format!("shop-site-{}", stage.aws.id)
}

/// A site in a folder of the bucket, behind a distribution.
pub(crate) async fn site(stage: &mut Stage, prefix: &str, change: impl FnOnce(SiteSpec) -> SiteSpec) -> Site {
    let spec = SiteSpec::new(&bucket(stage)).origin_path(&format!("/{prefix}"));
    let at_once = Settings { invalidation_delay: Some(0.0), ..Settings::default() };
    stage.aws.settings(&at_once).await.unwrap();
    let site = stage.aws.create_site(&change(spec)).await.unwrap();
    stage.name(&site.distribution, "{distribution}");
    site
}

/// What steps at a site take.
pub(crate) fn at(stage: Stage, site: &Site, prefix: &str) -> Stage {
    let url = stage.aws.site_url(site);
    let bucket = bucket(&stage);
    stage
        .input("environment", ENVIRONMENT)
        .input("bucket", bucket)
        .input("prefix", prefix)
        .input("distribution", &site.distribution)
        .input("url", url)
}

/// A site in a folder of the bucket, of which a key of this store says which release serves.
pub(crate) async fn site_by_key(stage: &mut Stage, store: &str) -> Site {
    let pointer =
        json!({"key": "release", "release": "r0", "only": "html$|txt$|json$", "store": store, "function": store});
    let at_once = Settings { kvs_delay: Some(0.0), distribution_delay: Some(0.0), ..Settings::default() };
    stage.aws.settings(&at_once).await.unwrap();
    site(stage, "live", |spec| spec.pointer(&pointer)).await
}

/// The same, of which the path of the distribution's origin says it.
pub(crate) async fn site_by_origin(stage: &mut Stage) -> Site {
    let at_once = Settings { distribution_delay: Some(0.0), ..Settings::default() };
    stage.aws.settings(&at_once).await.unwrap();
    site(stage, "live", |spec| spec).await
}

/// Publishes a release to a site, as an earlier run did.
pub(crate) async fn publish(stage: &Stage, site: &Site, prefix: &str, release: &str, commit: usize) {
    publish_by(600 + commit as u64, stage, site, prefix, (release, commit)).await;
}

/// The same to a site with a pointer.
pub(crate) async fn publish_to(stage: &Stage, site: &Site, pointer: &str, release: &str, commit: usize) {
    publish_with(600 + commit as u64, stage, site, "live", (release, commit), &[("pointer", pointer)]).await;
}

/// The same by this run; with its output `state`.
pub(crate) async fn publish_by(run: u64, stage: &Stage, site: &Site, prefix: &str, release: (&str, usize)) -> String {
    publish_with(run, stage, site, prefix, release, &[]).await
}

/// The same with other inputs.
pub(crate) async fn publish_with(
    run: u64,
    stage: &Stage,
    site: &Site,
    prefix: &str,
    (release, commit): (&str, usize),
    more: &[(&str, &str)],
) -> String {
    published(run, stage, site, prefix, (release, commit), more).await.output("state").to_owned()
}

/// The same with its record left open: the number of that.
pub(crate) async fn publish_open(stage: &Stage, site: &Site, pointer: &str, (release, commit): (&str, usize)) -> u64 {
    let more = [("record", "open"), ("pointer", pointer)];
    let report = published(RUN, stage, site, "live", (release, commit), &more).await;
    report.output("deployment-id").parse().unwrap()
}

async fn published(
    run: u64,
    stage: &Stage,
    site: &Site,
    prefix: &str,
    (release, commit): (&str, usize),
    more: &[(&str, &str)],
) -> Report {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), release);
    let step = Runner::new(env!("CARGO_BIN_EXE_deploy-action")).step("publish-site").envs(stage.aws.environment());
    let step = step.workspace(folder.path()).repository("org/shop").sha(&stage.commits[commit]);
    let step = step.github_at(stage.github.url(), "https://github.example.com").token(
        &stage
            .repository
            .token(&[testbed::github::Permission::Deployments.write(), testbed::github::Permission::Contents.read()]),
    );
    let step = step.event("push", stage.repository.push_event("refs/heads/main", &stage.commits[commit])).run_id(run);
    let step = step.input("environment", ENVIRONMENT).input("source", "dist").input("bucket", bucket(stage));
    let step = step.input("prefix", prefix).input("distribution", &site.distribution);
    let step = more.iter().fold(step, |step, (name, value)| step.input(name, *value));
    let report = step.input("url", stage.aws.site_url(site)).run().await;
    report.assert_verdict("pass", 0);
    report
}

/// A folder with the second release.
fn with_second(stage: Stage) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "2");
    let names = ["index.html", "assets/app-abcd0002.js", "assets/app-abcd0002.js.map", "about.html", "robots.txt"];
    names.iter().fold(stage, |stage, name| {
        let content = std::fs::read(folder.path().join("dist").join(name)).unwrap();
        stage.file(&format!("dist/{name}"), &content)
    })
}

async fn second() -> Stage {
    let mut stage = Stage::new().await;
    let site = site(&mut stage, "live", |spec| spec).await;
    publish(&stage, &site, "live", "1", 0).await;
    with_second(at(stage, &site, "live").input("max-parallel", "1").commit(1).input("source", "dist"))
}

async fn by_key() -> Stage {
    let mut stage = Stage::new().await;
    let site = site_by_key(&mut stage, "shop-site").await;
    publish_to(&stage, &site, "kvs:shop-site", "1", 0).await;
    let stage = at(stage, &site, "live").input("pointer", "kvs:shop-site");
    with_second(stage.input("max-parallel", "1").commit(1).input("source", "dist"))
}

async fn by_origin() -> Stage {
    let mut stage = Stage::new().await;
    let site = site_by_origin(&mut stage).await;
    publish_to(&stage, &site, "origin-path", "1", 0).await;
    let stage = at(stage, &site, "live").input("pointer", "origin-path");
    with_second(stage.input("max-parallel", "1").commit(1).input("source", "dist"))
}

async fn behind_a_function() -> Stage {
    let mut stage = Stage::new().await;
    let code = "function handler(event) { return event.request; }";
    let pointer = json!({"key": "unused", "release": "r0", "code": code});
    let site = site(&mut stage, "live", |spec| spec.pointer(&pointer)).await;
    publish(&stage, &site, "live", "1", 0).await;
    with_second(at(stage, &site, "live").input("max-parallel", "1").commit(1).input("source", "dist"))
}

async fn pruned() -> Stage {
    let mut stage = Stage::new().await;
    let site = site(&mut stage, "live", |spec| spec).await;
    let stage = with_old(stage, &site, "none").await;
    with_second(stage.input("source", "dist"))
}

async fn pruned_by_key() -> Stage {
    let mut stage = Stage::new().await;
    let site = site_by_key(&mut stage, "shop-site").await;
    let stage = with_old(stage, &site, "kvs:shop-site").await;
    with_second(stage.input("source", "dist"))
}

/// Two releases at a site, of which the first is kept no longer once a third one comes, however long that takes: they are not of one second.
pub(crate) async fn with_old(stage: Stage, site: &Site, pointer: &str) -> Stage {
    publish_to(&stage, site, pointer, "0", 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    publish_to(&stage, site, pointer, "1", 1).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let stage = at(stage, site, "live").commit(2).input("pointer", pointer).input("max-parallel", "1");
    stage.input("prune-after", "1s").input("keep-releases", "2")
}

/// The tags of the bucket are compared.
pub(crate) fn expected_tags(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let tags = "<Tagging><TagSet><Tag><Key>stage</Key><Value>prd</Value></Tag></TagSet></Tagging>";
        stage.aws.s3("PUT", &format!("/{}?tagging", bucket(stage)), tags.into()).await.unwrap().ok().unwrap();
        runner.input("expected-tags", "stage=prd")
    })
}

/// Another run's publication of the same site is open.
pub(crate) fn after_another_publish(stage: &Stage, runner: Runner) -> Arranging<'_> {
    Box::pin(async {
        let account = testbed::aws::account_hash(&stage.aws.id);
        stage.left_open_at(
            "deploy",
            &json!({"kind": "site", "bucket": "shop-site-*", "prefix": "live", "region": stage.aws.region(), "account": account,
                "release": "other", "version": null}),
        );
        runner.input("on-concurrent", "ignore")
    })
}
