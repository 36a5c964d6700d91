//! metrics: the figures of the records, each with how many it is made of, and `n/a` where it cannot be known.

use serde_json::{Value, json};
use testbed::github::{Deployment, DeploymentStatus, Permission};
use testbed::runner::Runner;

use crate::messages::says;
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{Scene, Stage};
use crate::world::{RUN, World};

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "metrics",
    scenes: &[Scene::new("metrics", || Box::pin(usual())).floor(2, &[])],
    role: &[Variant::whole("metrics", &[], &[])],
    token: &[Variant::whole("metrics", &[], &[])],
    hostile: |world| vec![world.step("metrics").into()],
};

async fn usual() -> Stage {
    let stage = Stage::new().await;
    stage.record(RUN - 2, (1, 2), &["success"]);
    stage.grants(&[Permission::Deployments.read(), Permission::Contents.read()])
}

const HOUR: i64 = 3600;

fn metrics(world: &World) -> Runner {
    world.step_with("metrics", &[Permission::Deployments.read(), Permission::Contents.read()])
}

/// A deployment of this run, so many hours ago, with these statuses, each so many seconds after it.
fn deployed(world: &World, environment: &str, run: u64, hours: i64, statuses: &[(i64, &str, &str)], more: &Value) {
    let made = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let made = i64::try_from(made).unwrap() - hours * HOUR;
    let mut payload = json!({
        "schema": 1, "component": "shop", "kind": "deploy", "commit": world.commits[0], "targets": [],
        "run": {"id": run, "attempt": 1},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        payload[name] = value.clone();
    }
    let status = |(after, state, words): &(i64, &str, &str)| DeploymentStatus {
        state: (*state).to_owned(),
        description: (*words).to_owned(),
        created_at: made + after,
        ..DeploymentStatus::default()
    };
    world.repository.add_deployment(Deployment {
        sha: world.commits[0].clone(),
        environment: environment.to_owned(),
        payload,
        created_at: made,
        statuses: statuses.iter().map(status).collect(),
        ..Deployment::default()
    });
}

/// F01, F03, F05, F06, ME01 to ME03: what GitHub makes for jobs is nobody's deployment, an approval is no part of a duration, failures in a
/// row are recovered from once, and what is not known is `n/a`.
#[tokio::test]
async fn the_figures_are_those_of_the_records() {
    let world = World::new().await;
    let none = json!({});
    let two_days = 48 * HOUR;
    deployed(&world, "prd", 1, 300, &[(60, "success", ""), (90, "inactive", "")], &none);
    deployed(
        &world,
        "prd",
        2,
        200,
        &[(0, "waiting", ""), (two_days, "in_progress", ""), (two_days + 120, "success", "")],
        &none,
    );
    deployed(&world, "prd", 3, 90, &[(60, "failure", "da1 swap-alias#3f2a1b fail x")], &none);
    deployed(&world, "prd", 4, 80, &[(60, "failure", "da1 swap-alias#3f2a1b fail x")], &none);
    let checked = "da1 health-check-with-backoff#3f2a1b pass attempts=3 ms=412";
    deployed(&world, "prd", 5, 70, &[(10, "in_progress", checked), (60, "success", "")], &none);
    deployed(&world, "stg", 6, 60, &[(60, "failure", "da1 swap-alias#3f2a1b fail x")], &none);
    // The job's own deployment of run 5.
    let of_job = Deployment {
        sha: world.commits[0].clone(),
        environment: "prd".to_owned(),
        payload: json!({}),
        ..Deployment::default()
    };
    let of_job = world.repository.add_deployment(of_job);
    world.repository.add_status(of_job, "success", "");
    let report = metrics(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let expected = [
        ("deployments", "5"),
        ("success-rate", "0.6"),
        ("change-fail-rate", "0.4"),
        ("median-duration", "60"),
        ("p95-duration", "120"),
        ("recovery-median", "72060"),
        ("health-retries-median", "2"),
        ("rollback-rate", "n/a"),
        ("rework-rate", "n/a"),
    ];
    for (name, value) in expected {
        assert_eq!(report.output(name), value, "{name}\n{report}");
    }
    let all: Value = serde_json::from_str(report.output("metrics")).unwrap();
    for figure in all["figures"].as_array().unwrap() {
        assert!(figure["definition"].as_str().is_some_and(|text| !text.is_empty()), "{figure}");
        assert!(figure["value"].is_number() || figure["note"].is_string(), "{figure}");
        assert!(report.summary.contains(figure["title"].as_str().unwrap()), "{}", report.summary);
    }
    assert!(report.output("reason").contains("to prd"), "{report}");
    let report = metrics(&world).input("environments", "stg").input("fail-below", "success-rate=90%").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(report.output("reason"), "figure-too-low"), "{report}");
    let report = metrics(&world).input("since", "24h").input("fail-below", "success-rate=90%").run().await;
    report.assert_verdict("inconclusive", 0);
}

/// F02, F07: none is no error, and 250 deployments are read page by page.
#[tokio::test]
async fn no_deployment_is_no_error_and_many_are_read_page_by_page() {
    let world = World::new().await;
    let report = metrics(&world).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("deployments"), report.output("success-rate")), ("0", "n/a"));
    for number in 0..250 {
        let payload = json!({"web_url": format!("https://example.com/{number}")});
        let foreign = Deployment {
            sha: world.commits[0].clone(),
            environment: "prd".to_owned(),
            payload,
            ..Deployment::default()
        };
        world.repository.add_deployment(foreign);
    }
    deployed(&world, "prd", 1, 30, &[(60, "success", "")], &json!({}));
    world.github.clear_requests();
    let report = metrics(&world).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("deployments"), "1", "{report}");
    let lists = world.github.requests().iter().filter(|one| one.line().ends_with("/deployments")).count();
    assert_eq!(lists, 3);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = World::new().await;
    let report = world.step_with("metrics", &[Permission::Contents.read()]).run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.output("reason").contains("deployments: read"), "{report}");
}
