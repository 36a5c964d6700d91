//! finish-deployment, and the record as a whole.

mod sites;
mod table;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use testbed::github::{Deployment, Fault, Permission, RunJob};
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use crate::world::{RUN, World};

pub(crate) use self::table::UNDER_TEST;

async fn open(world: &World, version: &str) -> String {
    let report = world
        .step("swap-alias")
        .input("environment", "prd")
        .input("function", "shop-api")
        .input("version", version)
        .input("record", "open")
        .run()
        .await;
    report.assert_verdict("pass", 0).output("deployment-id").to_owned()
}

fn finish(world: &World, id: &str, result: &str) -> Runner {
    world.step("finish-deployment").input("environment", "prd").input("deployment-id", id).input("result", result)
}

#[tokio::test]
async fn a_job_that_passed_closes_its_record_as_a_success() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let first = open(&world, "2").await;
    finish(&world, &first, "success").run().await.assert_verdict("pass", 0);
    let second = open(&world, "3").await;
    let report = finish(&world, &second, "success").input("environment-url", "https://shop.example.com").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("serving").starts_with("shop-api:live -> version 3"), "{}", report.output("serving"));
    let records = world.records();
    assert_eq!(records[0].states(), ["in_progress", "success", "inactive"]);
    assert_eq!(records[1].states(), ["in_progress", "success"]);
    assert_eq!(records[1].statuses[1].environment_url, "https://shop.example.com/");
    finish(&world, &second, "success").run().await.assert_verdict("skipped", 0);
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_job_that_failed_or_was_cancelled_never_counts() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    for (version, result, state) in [("2", "failure", "failure"), ("3", "cancelled", "error")] {
        let id = open(&world, version).await;
        finish(&world, &id, result).run().await.assert_verdict("pass", 0);
        assert_eq!(world.records().last().unwrap().states(), ["in_progress", state]);
    }
}

#[tokio::test]
async fn a_check_that_failed_is_not_forgotten_when_the_job_went_on() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let record = world.records()[0].id;
    world.repository.add_status(record, "in_progress", "da1 health-check-with-backoff fail attempts=3");
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("health-check-with-backoff said fail"), "{}", report.output("reason"));
    assert_eq!(world.records()[0].states(), ["in_progress", "in_progress", "failure"]);
}

#[tokio::test]
async fn a_check_that_passed_does_not_hide_another_one_of_the_same_step_that_failed() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let [bad, good] = [WebServer::start([Answer::status(503), Answer::ok()]), WebServer::start([Answer::ok()])];
    let check = |server: &WebServer| {
        let check = world.step("health-check-with-backoff").input("deployment-id", &id).input("attempts", "1");
        check.input("url", server.url("/health"))
    };
    check(&bad).run().await.assert_verdict("fail", 1);
    check(&good).run().await.assert_verdict("pass", 0);
    let dry = finish(&world, &id, "success").input("dry-run", "true").run().await;
    let reason = dry.output("reason");
    assert!(reason.contains("failure") && reason.contains(&bad.url("/health")), "{reason}");
    // The same check again.
    check(&bad).run_attempt(2).run().await.assert_verdict("pass", 0);
    finish(&world, &id, "success").run().await.assert_verdict("pass", 0);
}

#[tokio::test]
async fn without_an_open_record_there_is_nothing_to_finish() {
    let world = World::new().await;
    let report = world.step("finish-deployment").input("result", "success").run().await;
    report.assert_verdict("skipped", 0);
    assert!(world.github.requests().is_empty());
}

#[tokio::test]
async fn a_foreign_deployment_is_left_alone() {
    let world = World::new().await;
    let sha = world.commits[0].clone();
    for payload in
        [json!(null), json!("{\"web\":1}"), json!({"schema": 1, "component": "shop", "targets": "::error::"})]
    {
        let foreign = Deployment { sha: sha.clone(), environment: "prd".to_owned(), payload, ..Default::default() };
        let id = world.repository.add_deployment(foreign);
        let report = finish(&world, &id.to_string(), "success").run().await;
        report.assert_verdict("fail", 1).assert_runner_safe();
        assert!(world.repository.deployment(id).unwrap().statuses.is_empty());
    }
    finish(&world, "999999", "success").run().await.assert_verdict("error", 4);
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let report = world
        .step_with("finish-deployment", &[Permission::Deployments.read()])
        .input("deployment-id", id)
        .input("result", "success")
        .run()
        .await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("deployments: write"), "{}", report.error().message);
}

#[tokio::test]
async fn the_deployment_a_job_made_by_itself_is_reported_not_doubled() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    // GitHub makes it when the job begins.
    let job = Deployment { sha: world.commits[4].clone(), environment: "prd".to_owned(), ..Default::default() };
    let job = world.repository.add_deployment(job);
    let id = open(&world, "2").await;
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.summary.contains("Two deployments"), "{}", report.summary);
    assert!(report.summary.contains(&job.to_string()), "{}", report.summary);
    assert_eq!(world.records().len(), 2);
    assert!(world.repository.deployment(job).unwrap().statuses.is_empty());
}

#[tokio::test]
async fn what_serves_is_read_where_the_record_is_and_nowhere_else() {
    let world = World::new().await;
    world.shop("shop-api", 3).await;
    let id = open(&world, "2").await;
    // A function of the same name in another region.
    let other = world.aws.in_region("us-east-1");
    world.shop_in(&other, "shop-api", 1).await;
    let report = finish(&world, &id, "success").envs(other.environment()).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("serving"), "");
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("skipped", 0);
    assert!(report.output("serving").starts_with("shop-api:live -> version 2 (commit"), "{report}");
}

/// Two functions, each with a record of its own in one run.
async fn two(world: &World) -> String {
    let mut ids = Vec::new();
    for function in ["shop-api", "shop-web"] {
        world.shop(function, 3).await;
        let swap = world.step("swap-alias").input("environment", "prd").input("function", function);
        let report = swap.input("version", "2").input("record", "open").run().await;
        ids.push(report.assert_verdict("pass", 0).output("deployment-id").to_owned());
    }
    ids.join("\n")
}

#[tokio::test]
async fn deployment_id_of_several_records_closes_each() {
    let world = World::new().await;
    let ids = two(&world).await;
    let report = finish(&world, &format!("{ids}\n\n{ids}"), "success").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert!(report.output("serving").contains("shop-web:live -> version 2"), "{}", report.output("serving"));
    for record in world.records() {
        assert_eq!(record.states(), ["in_progress", "success"]);
    }
    finish(&world, &ids, "success").run().await.assert_verdict("skipped", 0);
    assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
}

#[tokio::test]
async fn a_check_that_is_given_several_records_is_told_to_each_and_fails_all_of_them() {
    let world = World::new().await;
    let ids = two(&world).await;
    let bad = WebServer::start([Answer::status(503)]);
    let check = world.step("health-check-with-backoff").input("deployment-id", &ids).input("attempts", "1");
    check.input("url", bad.url("/health")).run().await.assert_verdict("fail", 1);
    for record in world.records() {
        assert!(record.statuses[1].description.starts_with("da1 health-check-with-backoff#"), "{:?}", record.statuses);
    }
    finish(&world, &ids, "success").run().await.assert_verdict("fail", 1);
    for record in world.records() {
        assert_eq!(record.states(), ["in_progress", "in_progress", "failure"]);
    }
}

#[tokio::test]
async fn of_several_records_one_that_is_none_of_ours_stops_all() {
    let world = World::new().await;
    let ids = two(&world).await;
    let foreign = Deployment { sha: world.commits[0].clone(), environment: "prd".to_owned(), ..Default::default() };
    let foreign = world.repository.add_deployment(foreign);
    let report = finish(&world, &format!("{ids}\n{foreign}"), "success").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains(&format!("deployment {foreign} is not a record")), "{report}");
    finish(&world, "1\nx", "success").run().await.assert_verdict("error", 2);
    assert!(world.records()[..2].iter().all(|record| record.states() == ["in_progress"]));
}

#[tokio::test]
async fn what_is_not_listed_yet_is_waited_for_and_said() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    // The list of statuses lags behind: it is answered as it was before.
    let path = format!("/deployments/{id}/statuses");
    let before = json!([{"state": "in_progress", "description": "da1 swap-alias#3f2a1b pass"}]);
    world.github.fault(Fault::on("GET", &path).unwrap().after(1).status(200).body(before));
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.raw.contains("its last status is not listed yet"), "{report}");
    assert_eq!(world.records()[0].states(), ["in_progress", "success"]);
}

#[tokio::test]
async fn what_somebody_wrote_after_it_is_no_success() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let path = format!("/deployments/{id}/statuses");
    let withdrawn = json!([{"state": "failure", "description": "withdrawn: x"}, {"state": "success"}]);
    world.github.fault(Fault::on("GET", &path).unwrap().after(1).status(200).body(withdrawn));
    let report = finish(&world, &id, "success").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("somebody else wrote after it"), "{report}");
}

/// A preview, recorded as a candidate or as what serves.
async fn preview(world: &World, serves: &str) {
    world.shop("shop-api", 3).await;
    for version in ["2", "3"] {
        let swap = world.step("swap-alias").input("environment", "pr-12").input("function", "shop-api");
        swap.input("version", version).input("serves", serves).run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn status_ended_takes_a_preview_out_of_service() {
    for serves in ["true", "false"] {
        let world = World::new().await;
        preview(&world, serves).await;
        let end = || world.step("finish-deployment").input("environment", "pr-12").input("status", "ended");
        let dry = end().input("dry-run", "true").run().await;
        assert!(dry.output("reason").contains("would become inactive"), "{dry}");
        let report = end().run().await;
        report.assert_verdict("pass", 0).assert_runner_safe();
        assert!(report.output("reason").starts_with("shop in pr-12 no longer counts at shop-api:live"), "{report}");
        let records = world.records();
        assert_eq!(records[0].states(), ["success", "inactive"]);
        assert_eq!(records[1].states(), ["success", "inactive"]);
        assert!(records[1].statuses[1].description.ends_with(" ended"), "{:?}", records[1].statuses);
        let resolve = world.step("resolve").input("rules", "branch main -> pr-12").run().await;
        assert_eq!(resolve.output("previous-sha"), "", "nothing serves there by the record");
        end().run().await.assert_verdict("skipped", 0);
        assert_eq!(world.records()[1].states(), ["success", "inactive"]);
        assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
        // Deployed to again, it counts again.
        let swap = world.step("swap-alias").input("environment", "pr-12").input("function", "shop-api");
        let swap = swap.input("version", "2").input("allow-downgrade", "true").input("serves", serves);
        swap.run_id(RUN + 1).run().await.assert_verdict("pass", 0);
        end().run().await.assert_verdict("pass", 0);
    }
}

#[tokio::test]
async fn status_ended_ends_what_was_left_open_and_what_is_active_in_its_region_only() {
    let world = World::new().await;
    let other = world.aws.in_region("us-east-1");
    for aws in [&world.aws, &other] {
        world.shop_in(aws, "shop-api", 3).await;
        let swap = world.step("swap-alias").envs(aws.environment()).input("environment", "dev");
        let swap = swap.input("function", "shop-api").input("version", "2").input("record", "open");
        swap.run().await.assert_verdict("pass", 0);
    }
    let end = world.step("finish-deployment").input("environment", "dev").input("status", "ended");
    end.input("region", "us-east-1").run().await.assert_verdict("pass", 0);
    assert_eq!(world.records()[0].states(), ["in_progress"]);
    assert_eq!(world.records()[1].states(), ["in_progress", "inactive"]);
}

#[tokio::test]
async fn status_ended_needs_an_environment_and_takes_no_record() {
    let world = World::new().await;
    let step = || world.step("finish-deployment").input("status", "ended");
    let report = step().input("deployment-id", "1").run().await;
    report.assert_verdict("error", 2);
    for said in ["`environment` is required with `status: ended`", "takes no `deployment-id`"] {
        assert!(report.error().message.contains(said), "{said}\n{report}");
    }
    let region = world.step("finish-deployment").input("status", "success").input("region", "us-east-1").run().await;
    region.assert_verdict("error", 2);
    let report = world.step_with("finish-deployment", &[Permission::Deployments.read()]).input("environment", "prd");
    preview(&world, "true").await;
    let report = report.input("environment", "pr-12").input("status", "ended").run().await;
    report.assert_verdict("error", 4);
    assert!(report.error().message.contains("deployments: write"), "{report}");
}

/// A run of ten minutes, in the middle of which somebody took `waited` seconds to approve.
fn run_of(world: &World, waited: i64) {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let began = now - 600 - waited;
    let id = world.repository.add_run("deploy.yml", "push", "main", &world.commits[4]);
    let job = |started_at, completed_at: Option<i64>| RunJob {
        started_at,
        completed_at,
        conclusion: completed_at.map(|_| "success".to_owned()),
        ..RunJob::default()
    };
    world.repository.edit_run(id, |run| {
        run.id = RUN;
        run.run_started_at = Some(began);
        run.jobs = vec![job(began, Some(began + 300)), job(began + 300 + waited, None)];
        if waited > 0 {
            run.approvals.push(("prd".to_owned(), "octocat".to_owned(), "approved".to_owned()));
        }
    });
}

#[tokio::test]
async fn a_release_that_took_too_long_is_said_and_counts() {
    let cases = [
        (0, "15m", "fail", "pass", 0),
        (0, "5m", "warn", "pass", 0),
        (0, "5m", "fail", "fail", 1),
        (48 * 3600, "15m", "fail", "pass", 0),
        (48 * 3600, "5m", "fail", "fail", 1),
    ];
    for (waited, limit, on_over, verdict, code) in cases {
        let world = World::new().await;
        world.shop("shop-api", 2).await;
        run_of(&world, waited);
        let id = open(&world, "2").await;
        let report = world
            .step_with("finish-deployment", &[Permission::Deployments.write(), Permission::Actions.read()])
            .input("deployment-id", id)
            .input("result", "success")
            .input("max-duration", limit)
            .input("on-over-budget", on_over)
            .run()
            .await;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert_eq!(world.records()[0].states(), ["in_progress", "success"]);
        let said = world.records()[0].statuses[1].description.clone();
        assert!(said.starts_with("da1 finish-deployment#") && said.contains(" pass s=60"), "{said}");
        if limit == "5m" {
            assert!(report.raw.contains("longer than `max-duration` 5m"), "{report}");
        }
        assert!(world.github.invalid_requests().is_empty(), "{:?}", world.github.invalid_requests());
    }
}

#[tokio::test]
async fn how_long_the_run_took_is_not_guessed() {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    let id = open(&world, "2").await;
    let report =
        finish(&world, &id, "success").input("max-duration", "15m").input("on-over-budget", "fail").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.warning().message.contains("actions: read"), "{}", report.warning().message);
    assert_eq!(world.records()[0].states(), ["in_progress", "success"]);
}
