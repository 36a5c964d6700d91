//! `examples/multi-app`: three apps out of one repository, each with its own way from dev to production.

use std::fs;

use serde_json::Value;
use testbed::engine::Run;
use testbed::github::Repository;

use crate::world::{World, assert_verdict, job};

const APPS: [&str; 3] = ["telegram", "line", "scheduler"];
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];
/// Rows of changed paths and the apps that they deploy. All of them are proved without a runner (`tests/it/examples.rs`).
const TABLES: &str = include_str!("../it/detect_changes/tables.yaml");
/// Those that are run here: of one app, of all, of none.
const ROWS: [&str; 3] = ["src/integrations/line_bot.py", "src/data/prices.py", "docs/guide.md"];

/// The world with the functions of these apps in these environments, and the example on both branches.
async fn world(apps: &[&str], environments: &[&str]) -> World {
    let world = World::of("multi-app").await;
    world.aws.create_repository("reports").await.unwrap();
    for environment in environments {
        for app in apps {
            world.image_function(&format!("reports-{app}-{environment}"), environment, "reports").await;
        }
        world.role(environment).await;
    }
    let files = world.files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let begun = world.repository.push("main", &files, "The example");
    world.repository.branch("dev", &begun);
    world
}

/// A commit on this branch.
fn commit(repository: &Repository, branch: &str, content: &str) -> String {
    repository.push(branch, &[("src/agent.py", content)], content)
}

async fn deploy(world: &World, app: &str, environment: &str, git_ref: &str, sha: &str, run: u64) -> Run {
    let workflow = format!("deploy-{app}-{environment}.yml");
    world.deploy(&format!("{app} {environment}"), &workflow, &job("push", git_ref, sha, environment, run)).await
}

/// Whether the run deployed; and that it ended well, with a reason if it did not.
#[track_caller]
fn deployed(run: &Run) -> bool {
    run.assert_success(true);
    let any = run.step("changes").output("any") == "true";
    let results = ["release/build", "release/schema", "release/deploy"].map(|job| run.job(job).result.clone());
    if any {
        assert_eq!(results[2], "success", "{run}");
        assert_verdict(run, "swap", "pass");
    } else {
        assert_eq!(results, ["skipped", "skipped", "skipped"], "{run}");
    }
    any
}

#[tokio::test]
async fn an_app_goes_from_dev_to_production_and_the_others_stay() {
    let world = world(&APPS, &ENVIRONMENTS).await;
    let built = commit(&world.repository, "dev", "one");
    let dev = deploy(&world, "telegram", "dev", "refs/heads/dev", &built, 41).await;
    dev.assert_success(true);
    // The merge to main is another commit with the same files.
    let merged = commit(&world.repository, "main", "one");
    let staging = deploy(&world, "telegram", "staging", "refs/heads/main", &merged, 42).await;
    staging.assert_success(true);
    for job in ["release/build", "release/schema"] {
        assert_eq!(staging.job(job).result, "skipped", "what dev built and checked is taken");
    }
    // Another app's commit on top: telegram is not deployed for it, and released from it all the same.
    let on_top = world.repository.push("main", &[("src/scheduler/job.py", "new")], "Of the scheduler");
    assert!(!deployed(&deploy(&world, "telegram", "staging", "refs/heads/main", &on_top, 43).await));
    world.repository.tag("v-telegram-1.0.0", &on_top);
    let prod = deploy(&world, "telegram", "prod", "refs/tags/v-telegram-1.0.0", &on_top, 44).await;
    prod.assert_success(true);
    assert_verdict(&prod, "tag", "pass");

    let digest = |run: &Run| run.step("promote").output("digest").to_owned();
    assert_eq!((digest(&dev), digest(&staging)), (digest(&prod), digest(&prod)));
    assert_eq!((staging.step("promote").output("match"), prod.step("promote").output("match")), ("tree", "component"));
    for (environment, run) in ENVIRONMENTS.into_iter().zip([&dev, &staging, &prod]) {
        for step in ["promote", "publish", "smoke", "swap", "health"] {
            assert_verdict(run, step, "pass");
        }
        let version = world.serves(&format!("reports-telegram-{environment}"), "live").await;
        assert_eq!(version, run.step("publish").output("version"));
        for other in ["line", "scheduler"] {
            assert_eq!(world.serves(&format!("reports-{other}-{environment}"), "live").await, "1");
        }
        let records = world.records(environment);
        assert_eq!(records.len(), 1);
        assert_eq!(
            (&records[0].payload["component"], records[0].states().last()),
            (&"telegram".into(), Some(&"success"))
        );
    }
    let prepared = digest(&prod);
    let told = world.repository.commit_statuses(&on_top);
    let told: Vec<_> = told.iter().map(|one| (one.context.as_str(), one.state.as_str())).collect();
    assert_eq!(told, [("deploy/prod/telegram", "success")]);
    let releases = world.repository.releases();
    assert_eq!(releases.len(), 1, "the tag's");
    assert!(releases[0].body.as_deref().unwrap_or_default().contains(&prepared), "{releases:?}");
    assert_eq!(world.aws.image_digest("reports", &format!("prod-telegram-{on_top}")).await.unwrap(), Some(prepared));
}

/// Every push starts all three workflows of its branch, and a row of the table deploys what it says.
#[tokio::test]
async fn a_push_deploys_the_apps_it_concerns_and_no_other() {
    let tables: Value = testbed::yaml(TABLES).unwrap();
    let rows = tables["apps"].as_array().unwrap().iter();
    let rows: Vec<&Value> = rows.filter(|row| ROWS.contains(&row["path"].as_str().unwrap())).collect();
    assert_eq!(rows.len(), ROWS.len());
    let world = world(&APPS, &["dev"]).await;
    let begun = world.repository.reference("heads/dev").unwrap();
    for app in APPS {
        world.record_success("dev", (app, &format!("reports-{app}-dev")), &begun);
    }
    let mut versions = [1; 3];
    for (number, row) in rows.iter().enumerate() {
        let path = row["path"].as_str().unwrap();
        let sha = world.repository.push("dev", &[(path, "changed")], path);
        for (place, app) in APPS.into_iter().enumerate() {
            let run = deploy(&world, app, "dev", "refs/heads/dev", &sha, 100 + 10 * number as u64 + place as u64).await;
            assert_eq!(deployed(&run), row[app], "{path} and {app}\n{run}");
            versions[place] += u64::from(row[app] == true);
            let serves = world.serves(&format!("reports-{app}-dev"), "live").await;
            assert_eq!(serves, versions[place].to_string(), "{path} and {app}");
        }
    }
}

/// The six other workflows: a merge that brings a change of two apps, and the tag of one.
#[tokio::test]
async fn a_merge_and_a_tag_deploy_what_they_are_about() {
    let world = world(&APPS, &ENVIRONMENTS).await;
    let begun = world.repository.reference("heads/main").unwrap();
    for app in APPS {
        for environment in ENVIRONMENTS {
            world.record_success(environment, (app, &format!("reports-{app}-{environment}")), &begun);
        }
    }
    let built = commit(&world.repository, "dev", "two");
    for (run, app) in (50..).zip(["telegram", "line"]) {
        assert!(deployed(&deploy(&world, app, "dev", "refs/heads/dev", &built, run).await));
    }
    let merged = commit(&world.repository, "main", "two");
    for (run, (app, expected)) in (60..).zip([("telegram", true), ("line", true), ("scheduler", false)]) {
        let run = deploy(&world, app, "staging", "refs/heads/main", &merged, run).await;
        assert_eq!(deployed(&run), expected, "{app}\n{run}");
    }
    world.repository.tag("v-line-1.0.0", &merged);
    assert!(deployed(&deploy(&world, "line", "prod", "refs/tags/v-line-1.0.0", &merged, 70).await));
    // The others' workflows would not be started by this tag; if they were, they would pass it by.
    for (run, app) in (80..).zip(["telegram", "scheduler"]) {
        let run = deploy(&world, app, "prod", "refs/tags/v-line-1.0.0", &merged, run).await;
        assert_verdict(&run, "resolve", "skipped");
        assert_eq!(run.job("release/deploy").result, "skipped");
    }
}

#[tokio::test]
async fn code_that_expects_a_column_nobody_made_is_not_deployed() {
    let world = world(&["line"], &["dev"]).await;
    fs::write(world.file("schema/expected"), "ticker_data.ticker\nticker_data.volume\n").unwrap();
    let sha = commit(&world.repository, "dev", "needs volume");
    let run = deploy(&world, "line", "dev", "refs/heads/dev", &sha, 45).await;
    run.assert_success(false);
    assert_eq!(run.job("release/schema").result, "failure");
    assert_eq!(run.job("release/deploy").result, "skipped");
    assert_eq!(world.serves("reports-line-dev", "live").await, "1");
    assert!(world.records("dev").is_empty());
}

#[tokio::test]
async fn what_did_not_succeed_in_staging_does_not_go_to_production() {
    let world = world(&["line"], &["prod"]).await;
    let sha = commit(&world.repository, "main", "one");
    world.repository.tag("v-line-1.0.0", &sha);
    let run = deploy(&world, "line", "prod", "refs/tags/v-line-1.0.0", &sha, 46).await;
    run.assert_success(false);
    assert_verdict(&run, "promote", "fail");
    assert!(run.step("promote").output("reason").contains("staging"), "{run}");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(world.serves("reports-line-prod", "live").await, "1");
    let issues = world.repository.issues();
    assert_eq!(
        issues.iter().map(|issue| issue.title.as_str()).collect::<Vec<_>>(),
        ["Deployment of line to prod failed"]
    );
    assert!(world.repository.releases().is_empty());
}
