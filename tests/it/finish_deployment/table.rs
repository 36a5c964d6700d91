//! finish-deployment of a job that went well, of two records, and of a place that was given up.

use deploy_action::permissions::When;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};
use testbed::github::RunJob;

use crate::deploy_service;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{Variant, arranged as a};
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::publish_site;
use crate::world::RUN;

const SERVICE: &str = "finish-deployment:service";
const SITE: &str = "finish-deployment:site";
const SITE_BY_KEY: &str = "finish-deployment:site-by-key";
const SITE_BY_ORIGIN: &str = "finish-deployment:site-by-origin";

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "finish-deployment",
    scenes: &[
        Scene::new("finish-deployment", || Box::pin(success())).floor(
            5,
            &[(1, "earlier records are made inactive once the release counts"), (2, "what serves is read last")],
        ),
        Scene::new("finish-deployment:two-records", || Box::pin(two_records())).floor(
            5,
            &[
                (1, "jobs when somebody had to approve"),
                (1, "earlier records are made inactive once the release counts"),
                (2, "what serves is read last"),
            ],
        ),
        Scene::new(SERVICE, || Box::pin(service())).floor(
            5,
            &[(1, "earlier records are made inactive once the release counts"), (2, "what serves is read last")],
        ),
        Scene::new(SITE, || Box::pin(of_a_site())).for_permissions(),
        Scene::new(SITE_BY_KEY, || Box::pin(of_a_site_by_key())).for_permissions().without_the_matrix(),
        Scene::new(SITE_BY_ORIGIN, || Box::pin(of_a_site_by_origin())).for_permissions().without_the_matrix(),
        Scene::new("finish-deployment:ended", || Box::pin(ended()))
            .about_all_places()
            .floor(4, &[(1, "statuses are read one record at a time")]),
    ],
    role: &[
        Variant::whole("finish-deployment", &[When::DeploymentOrEnded], &[]),
        Variant::special(
            SERVICE,
            "",
            a::as_it_is,
            &[When::DeploymentOrEnded, When::OfService],
            &["ecs:DescribeServices", "ecs:DescribeServiceRevisions"],
        ),
        Variant::special(SITE, "", a::as_it_is, &[When::DeploymentOrEnded, When::OfSite], &["s3:GetObject"])
            .names(publish_site::table::NAMES),
        Variant::special(
            SITE_BY_KEY,
            "",
            a::as_it_is,
            &[When::DeploymentOrEnded, When::OfSite, When::OfSiteByKey],
            publish_site::table::READS_STORE,
        )
        .names(publish_site::table::NAMES),
        Variant::special(
            SITE_BY_ORIGIN,
            "",
            a::as_it_is,
            &[When::DeploymentOrEnded, When::OfSite, When::OfSiteByOriginPath],
            publish_site::table::READS_ORIGIN,
        )
        .names(publish_site::table::NAMES),
    ],
    token: &[
        Variant::whole("finish-deployment", &[When::DeploymentOrEnded], &[]),
        Variant::whole("finish-deployment:ended", &[When::DeploymentOrEnded], &[]),
        Variant::special(
            "finish-deployment:two-records",
            "",
            a::as_it_is,
            &[When::DeploymentOrEnded, When::MaxDuration],
            &["actions: read"],
        ),
    ],
    hostile: |world| {
        let record = world.world.records().first().map(|record| record.id.to_string()).unwrap_or_default();
        vec![world.step("finish-deployment").input("deployment-id", record).input("result", "success").into()]
    },
};

/// The release before it is replaced.
async fn success() -> Stage {
    let (stage, record) = deployed().await;
    with(stage, &[record])
}

/// A service that was deployed, and runs.
async fn service() -> Stage {
    let mut stage = deploy_service::table::begin().await;
    let second = deploy_service::table::service(&mut stage, "web", &json!({})).await;
    let digests = [stage.image(0).await, second];
    deploy_service::table::give_second(&stage, &digests[1]).await;
    stage.aws.advance(60.0).await.unwrap();
    let previous = json!({"task-definition": "web:1", "images": {"web": digests[0]}});
    let moved = json!({"task-definition": "web:2", "images": {"web": digests[1]}, "previous": previous});
    let before = json!({"task-definition": "web:1", "images": {"web": digests[0]}});
    stage.record_of(600, 1, &stage.aws.service_target("web", &before), &["success"]);
    let record = stage.record_of(RUN, 2, &stage.aws.service_target("web", &moved), &["in_progress"]);
    with(stage, &[record])
}

/// A site that was published.
async fn of_a_site() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site(&mut stage, "live", |spec| spec).await;
    publish_site::table::publish(&stage, &live, "live", "1", 0).await;
    let record = publish_site::table::publish_open(&stage, &live, "none", ("2", 1)).await;
    with(stage, &[record])
}

/// The same, where a key of a store says which release serves.
async fn of_a_site_by_key() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site_by_key(&mut stage, "shop-site").await;
    let record = publish_site::table::publish_open(&stage, &live, "kvs:shop-site", ("2", 1)).await;
    with(stage, &[record])
}

/// The same by the path of an origin.
async fn of_a_site_by_origin() -> Stage {
    let mut stage = Stage::new().await;
    let live = publish_site::table::site_by_origin(&mut stage).await;
    let record = publish_site::table::publish_open(&stage, &live, "origin-path", ("2", 1)).await;
    with(stage, &[record])
}

/// Of two functions, with a look at how long the run took, in the middle of which somebody approved.
async fn two_records() -> Stage {
    let (mut stage, record) = deployed().await;
    stage.shop("shop-web", 2).await;
    let web = stage.aws.target("shop-web", "live", &json!({"version": "1"}));
    let second = stage.record_of(RUN, 3, &web, &["in_progress"]);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let began = i64::try_from(now).unwrap() - 7200;
    let run = stage.repository.add_run("deploy.yml", "push", "main", &stage.commits[4]);
    stage.repository.edit_run(run, |run| {
        run.id = RUN;
        run.run_started_at = Some(began);
        run.approvals.push(("prd".to_owned(), "octocat".to_owned(), "approved".to_owned()));
        run.jobs.push(RunJob { started_at: began + 7000, ..RunJob::default() });
    });
    with(stage, &[record, second]).input("max-duration", "3h")
}

/// A place that was given up, of which one release is still active, and one was left open.
async fn ended() -> Stage {
    let stage = Stage::with_function(3).await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(601, (2, 3), &["in_progress"]);
    stage.input("environment", ENVIRONMENT).input("status", "ended")
}

async fn deployed() -> (Stage, u64) {
    let stage = Stage::with_function(3).await;
    stage.move_alias(3).await;
    stage.record(600, (1, 2), &["success"]);
    let record = stage.record(RUN, (2, 3), &["in_progress"]);
    stage.repository.add_status(record, "in_progress", "da1 health-check-with-backoff pass attempts=2 ms=41");
    (stage, record)
}

fn with(stage: Stage, records: &[u64]) -> Stage {
    let records = records.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    stage.input("environment", ENVIRONMENT).input("deployment-id", records).input("status", "success")
}
