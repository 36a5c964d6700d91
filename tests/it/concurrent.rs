//! `on-concurrent`: another run that has a record open for the same targets.

use serde_json::{Value, json};
use testbed::github::{Deployment, Fault, Permission, RunState};
use testbed::runner::Runner;

use crate::world::World;

const MAY_ASK: [testbed::github::Grant; 3] =
    [Permission::Deployments.write(), Permission::Contents.read(), Permission::Actions.read()];

fn swap(world: &World, version: &str) -> Runner {
    world
        .step_with("swap-alias", &MAY_ASK)
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version)
}

/// Another run in this state, with an open record for `shop-api`; the numbers of both.
fn other(world: &World, state: RunState, version: &str) -> (u64, u64) {
    let commit = world.commits[0].clone();
    let run = world.repository.add_run("deploy.yml", "push", "main", &commit);
    world.repository.set_run(run, state);
    (run, open_record(world, run, &json!({}), version))
}

/// A record that run left open; `change` is laid over its payload.
fn open_record(world: &World, run: u64, change: &Value, version: &str) -> u64 {
    let commit = &world.commits[0];
    let mut payload = json!({
        "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "version": "v1.0.0", "serves": true,
        "targets": [world.aws.target("shop-api", "live", &json!({"version": version, "previous": {"version": "1"}}))],
        "run": {"id": run, "attempt": 1},
    });
    for (name, value) in change.as_object().unwrap() {
        payload[name] = value.clone();
    }
    let id = world.repository.add_deployment(Deployment {
        sha: commit.clone(),
        environment: "prd".to_owned(),
        payload,
        ..Deployment::default()
    });
    world.repository.add_status(id, "in_progress", "da1 swap-alias pass");
    id
}

fn states(world: &World, id: u64) -> Vec<String> {
    world.repository.deployment(id).unwrap().states().iter().map(ToString::to_string).collect()
}

fn posts(world: &World) -> usize {
    world.github.requests().iter().filter(|request| request.method == "POST").count()
}

#[tokio::test]
async fn a_run_that_still_goes_is_in_the_way_before_anything_is_written() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, record) = other(&world, RunState::InProgress, "3");
    let report = swap(&world, "2").run().await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    let reason = report.output("reason");
    for part in [format!("run {run} (in_progress)"), format!("deployment {record}"), "nothing was written".to_owned()] {
        assert!(reason.contains(&part), "{part}: {reason}");
    }
    assert!(reason.contains(&format!("https://github.example.com/org/shop/actions/runs/{run}")), "{reason}");
    let said = &report.error().message;
    assert!(said.contains("concurrency: {group: deploy-prd-shop, cancel-in-progress: false}"), "{said}");
    assert!(world.writes().await.is_empty());
    assert_eq!(posts(&world), 0);
    assert_eq!((world.records().len(), states(&world, record)), (1, vec!["in_progress".to_owned()]));
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn the_record_of_a_run_that_is_over_is_closed() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (_, cancelled) = other(&world, RunState::completed("cancelled"), "3");
    let deleted = open_record(&world, 987_654, &json!({}), "3");
    let report = swap(&world, "2").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    for record in [cancelled, deleted] {
        assert_eq!(states(&world, record), ["in_progress", "error"]);
        let said = world.repository.deployment(record).unwrap().statuses[1].description.clone();
        assert_eq!(said, "run ended");
    }
    assert_eq!(world.records().last().unwrap().states(), ["success"]);
}

#[tokio::test]
async fn a_run_that_may_not_be_asked_about_is_taken_for_going() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, record) = other(&world, RunState::completed("success"), "3");
    let report = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", "2")
        .run()
        .await;
    report.assert_verdict("superseded", 5).assert_runner_safe();
    let said = &report.error().message;
    assert!(said.contains("`actions: read`") && said.contains(&format!("run {run} (unknown)")), "{said}");
    assert_eq!(states(&world, record), ["in_progress"]);
    assert!(world.writes().await.is_empty());
}

#[tokio::test]
async fn it_is_gone_on_beside_another_run_when_that_is_asked_for() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, record) = other(&world, RunState::Waiting, "3");
    let report = swap(&world, "2").input("on-concurrent", "ignore").run().await;
    report.assert_verdict("pass", 0);
    let said = &report.warning().message;
    assert!(
        said.contains(&format!("run {run} (waiting)")) && said.contains("this step continues all the same"),
        "{said}"
    );
    assert_eq!(states(&world, record), ["in_progress"]);
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn what_it_waited_for_is_closed_when_its_run_ends() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, record) = other(&world, RunState::Queued, "3");
    world.repository.edit_run(run, |run| {
        run.script = [RunState::InProgress, RunState::InProgress, RunState::completed("cancelled")].into();
    });
    let report = swap(&world, "2").input("on-concurrent", "wait").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let waited = format!("waiting for run {run} to close its record, deployment {record}: at most 1m2");
    assert!(report.log.iter().any(|line| line.contains(&waited)), "{report}");
    assert!(report.log.iter().any(|line| line.contains("in_progress, and its record is open (")), "{report}");
    assert_eq!(states(&world, record), ["in_progress", "error"]);
    assert_eq!(world.live("shop-api").await.version, "2");
}

#[tokio::test]
async fn what_the_other_run_did_meanwhile_is_read_again() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, record) = other(&world, RunState::InProgress, "2");
    world.github.fault(Fault::on("GET", &format!("/actions/runs/{run}$")).unwrap().hold());
    let running = swap(&world, "3").input("on-concurrent", "wait").start().await;
    world.github.held().await;
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    world.repository.add_status(record, "success", "da1 finish-deployment pass");
    world.github.release();
    let report = running.wait().await;
    report.assert_verdict("pass", 0);
    assert_eq!((report.output("version"), report.output("previous-version")), ("3", "2"));
    assert_eq!(states(&world, record), ["in_progress", "success", "inactive"]);
}

#[tokio::test]
async fn it_waits_no_longer_than_its_time_allows() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (_, record) = other(&world, RunState::InProgress, "3");
    // Half a minute of it is kept for the step itself.
    let report = swap(&world, "2").input("on-concurrent", "wait").input("timeout", "32s").run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains("timed out waiting for it"), "{}", report.output("reason"));
    assert!(world.writes().await.is_empty());
    assert_eq!(states(&world, record), ["in_progress"]);
}

#[tokio::test]
async fn what_somebody_else_deploys_elsewhere_is_in_nobodys_way() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (run, _) = other(&world, RunState::InProgress, "3");
    world.repository.add_status(world.records()[0].id, "success", "");
    let target = |function: &str, alias: &str| json!([world.aws.target(function, alias, &json!({"version": "3"}))]);
    for change in [
        json!({"component": "web"}),
        json!({"targets": target("shop-web", "live")}),
        json!({"targets": target("shop-api", "candidate")}),
    ] {
        open_record(&world, run, &change, "3");
    }
    let elsewhere = world.repository.deployment(open_record(&world, run, &json!({}), "3")).unwrap();
    world.repository.add_status(elsewhere.id, "failure", "withdrawn: rolled back");
    swap(&world, "2").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn a_dry_run_tells_who_is_in_the_way_and_closes_nothing() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let (_, dead) = other(&world, RunState::completed("failure"), "3");
    swap(&world, "2").input("dry-run", "true").run().await.assert_verdict("pass", 0);
    let (run, _) = other(&world, RunState::InProgress, "3");
    let report = swap(&world, "2").input("dry-run", "true").run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains(&format!("run {run}")), "{}", report.output("reason"));
    assert_eq!((posts(&world), states(&world, dead)), (0, vec!["in_progress".to_owned()]));
}

#[tokio::test]
async fn a_rollback_is_not_held_up_by_another_run_nor_by_github() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    swap(&world, "2").run().await.assert_verdict("pass", 0);
    let (run, record) = other(&world, RunState::InProgress, "3");
    let (_, dead) = other(&world, RunState::completed("failure"), "3");
    let back = || {
        world
            .step_with("rollback", &MAY_ASK)
            .input("environment", "prd")
            .input("function", "shop-api")
            .input("to", "1")
            .run_id(701)
    };
    let report = back().input("on-concurrent", "fail").run().await;
    report.assert_verdict("superseded", 5);
    assert_eq!(world.live("shop-api").await.version, "2");
    world.github.fault(Fault::on("GET", "/actions/runs/").unwrap().status(403).always());
    let report = back().run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(world.live("shop-api").await.version, "1");
    assert!(report.warning().message.contains(&format!("run {run} (unknown)")), "{}", report.warning().message);
    assert_eq!(states(&world, record), ["in_progress"], "who may not be asked about is left alone");
    assert_eq!(states(&world, dead), ["in_progress", "error"]);
}

#[tokio::test]
async fn a_rollback_that_died_is_closed_by_the_next_one() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    swap(&world, "2").run().await.assert_verdict("pass", 0);
    let (died, record) = other(&world, RunState::completed("cancelled"), "1");
    let open = open_record(&world, died, &json!({"kind": "rollback"}), "1");
    world.repository.add_status(record, "failure", "withdrawn: for another test");
    let report = world
        .step_with("rollback", &MAY_ASK)
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("to", "1")
        .run_id(701)
        .run()
        .await;
    report.assert_verdict("pass", 0);
    assert_eq!(states(&world, open), ["in_progress", "error"]);
    assert_eq!(world.records().last().unwrap().states(), ["success"]);
}

#[tokio::test]
async fn an_unreachable_record_of_others_stops_no_rollback() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let report = swap(&world, "2").run().await;
    let (_, record) = other(&world, RunState::InProgress, "3");
    world.github.fault(Fault::on("*", "/deployments|/actions").unwrap().status(403).always());
    let report = world
        .step_with("rollback", &MAY_ASK)
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("state", report.output("state"))
        .input("on-concurrent", "fail")
        .run()
        .await;
    report.assert_verdict("pass", 0);
    assert_eq!(world.live("shop-api").await.version, "1");
    assert_eq!(states(&world, record), ["in_progress"]);
}
