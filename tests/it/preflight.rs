//! preflight: what would make a deployment fail, asked beforehand.

mod table;

use serde_json::{Value, json};
use testbed::aws::FunctionSpec;
use testbed::github::Permission;
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, Site, WebServer};

use crate::messages::says;
use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

/// The findings of a check: what, state, observed.
fn of(report: &Report, check: &str) -> Vec<(String, String, String)> {
    let tree: Vec<Value> = serde_json::from_str(report.output("tree")).unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let found = tree.iter().filter(|one| one["check"] == check);
    found.map(|one| (text(one, "what"), text(one, "state"), text(one, "observed"))).collect()
}

/// What they are of a check.
#[track_caller]
fn states(report: &Report, check: &str) -> Vec<String> {
    of(report, check).into_iter().map(|(_, state, _)| state).collect()
}

fn checks(world: &World, checks: &Value) -> Runner {
    world.step("preflight").input("checks", checks.to_string())
}

/// PF01 and PF02 over the wire; a check that fails is not hidden by one that passes.
#[tokio::test]
async fn an_alarm_that_tells_nobody_and_a_log_that_nobody_can_read_fail() {
    let world = World::new().await;
    world.shop("shop-api", 1).await;
    world
        .aws
        .put_logs(&json!({"function": "shop-api", "version": "1", "lines": [], "class": "DELIVERY"}))
        .await
        .unwrap();
    let topic = world.aws.create_topic("listened-to").await.unwrap();
    let alone = world.aws.query("sns", "CreateTopic", &[("Name", "alone")]).await.unwrap().ok().unwrap().text();
    let alone = alone.split("<TopicArn>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let alarm = |name: &str, kind: &str, actions: &[&str], enabled: bool| json!({"name": name, "type": kind, "state": "OK", "fields": {"AlarmActions": actions, "ActionsEnabled": enabled}});
    let all = [
        alarm("good", "metric", &[&topic], true),
        alarm("promql", "promql", &[&topic], true),
        alarm("muted", "metric", &[&topic], true),
        alarm("off", "metric", &[&topic], false),
        alarm("unheard", "composite", &[&alone], true),
    ];
    world.aws.put_alarms(&json!(all)).await.unwrap();
    world.aws.put_mutes(&json!([{"name": "night", "alarms": ["muted"]}])).await.unwrap();
    world.aws.clear_requests().await.unwrap();
    let run = checks(&world, &json!({"alarms": {}, "function": {"variables": ["STAGE", "NOT_THERE"], "vpc": "true"}}))
        .input("function", "shop-api")
        .input("alarms", "good\npromql\nmuted\noff\nunheard\nmissing");
    let report = run.run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(says(&report.error().message, "preflight-failed"), "{report}");
    let failed: Vec<String> =
        of(&report, "alarms").into_iter().filter(|(_, state, _)| state == "fail").map(|(what, ..)| what).collect();
    assert_eq!(failed, ["alarm off", "alarm unheard, topic alone", "alarm missing"]);
    assert!(report.raw.contains("muted now by night"), "{report}");
    let failed: Vec<String> =
        of(&report, "function").into_iter().filter(|(_, state, _)| state == "fail").map(|(what, ..)| what).collect();
    assert_eq!(failed[..2], ["function shop-api, VPC", "function shop-api, variable NOT_THERE"], "{report}");
    assert!(failed[2].starts_with("log group /aws/lambda/shop-api"), "{report}");
    assert_eq!(report.output("changed"), "false");
    assert!(world.writes().await.is_empty());
}

/// PF03.
#[tokio::test]
async fn nothing_passes_when_all_was_skipped_and_a_misspelt_check_is_bad_input() {
    let world = World::new().await;
    let report = checks(&world, &json!({"environment": {}, "rds": {}, "secrets-manager": {}})).run().await;
    report.assert_verdict("inconclusive", 0);
    assert_eq!((report.output("passed"), report.output("failed"), report.output("skipped")), ("0", "0", "3"));
    world.step("preflight").input("checks", "[alarm]").run().await.assert_verdict("error", 2);
    world.step("preflight").input("cluster", "main").run().await.assert_verdict("error", 2);
}

/// Without `checks` what the other inputs make possible is asked; a repository without any protection fails.
#[tokio::test]
async fn what_is_not_protected_fails_and_names_that_are_not_set_too() {
    let world = World::new().await;
    let workflow = "concurrency: {group: a, cancel-in-progress: true}\njobs:\n  deploy:\n    strategy: {matrix: {environment: [a, b]}}\n    \
                    permissions: {contents: read}\n    steps:\n      - {uses: x, with: {step: swap-alias, role-to-assume: '${{ secrets.ROLE }}'}}\n      \
                    - {run: 'echo ${{ vars.REGION }} ${{ secrets.MISSING }}'}\n";
    let commit = world.repository.push("main", &[(".github/workflows/deploy.yml", workflow)], "Workflow");
    world.repository.guarded_environment("prd", &[], None);
    world.repository.add_names("secrets", "environment prd", &["ROLE"]);
    world.repository.add_names("variables", "organization", &["REGION"]);
    let grants = [
        Permission::Contents.read(),
        Permission::Actions.read(),
        Permission::Secrets.read(),
        Permission::Variables.read(),
        Permission::Environments.read(),
    ];
    let step = || world.step_with("preflight", &grants).sha(&commit).input("environment", "prd");
    let report = step().run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(states(&report, "workflow"), ["fail"; 4], "{report}");
    assert_eq!(
        of(&report, "github").into_iter().map(|(what, state, _)| (what, state)).collect::<Vec<_>>(),
        [("secret ROLE", "ok"), ("secret MISSING", "fail"), ("variable REGION", "ok")]
            .map(|(what, state)| (what.to_owned(), state.to_owned()))
    );
    assert_eq!(states(&report, "branch-protection"), ["fail"]);
    assert_eq!(states(&report, "tag-protection"), ["fail"]);
    assert_eq!(states(&report, "environment"), ["ok"; 3]);
    // The job's own token may not read names: that is no failure, and no success.
    let report = world.step("preflight").sha(&commit).input("checks", "github").run().await;
    report.assert_verdict("inconclusive", 0);
    assert!(report.raw.contains("secrets: read"), "{report}");
    // With `scoped` only the environment's own count.
    let own = json!({"github": {"secrets": ["ROLE"], "variables": ["REGION"], "scoped": "true"}});
    let report = step().input("checks", own.to_string()).run().await;
    assert_eq!(states(&report, "github"), ["ok", "fail"], "{report}");
    let asked = json!({"environment": {"reviewers": "true", "branches": "true"}});
    let report = step().input("checks", asked.to_string()).run().await;
    assert_eq!(states(&report, "environment"), ["ok", "fail", "fail"], "{report}");
}

/// What serves and what can be rolled back to must stay in ECR.
#[tokio::test]
async fn a_lifecycle_rule_that_touches_what_serves_or_can_be_rolled_back_to_fails() {
    let world = World::new().await;
    let [first, second] = world.image_function("shop-api").await;
    let version = world.aws.publish("shop-api", &world.commits[0]).await.unwrap();
    world.aws.create_alias("shop-api", "live", &version).await.unwrap();
    let previous = json!({"version": "9", "weights": {}, "digest": second});
    let target =
        world.aws.target("shop-api", "live", &json!({"version": version, "digest": first, "previous": previous}));
    world.repository.add_deployment(testbed::github::Deployment {
        sha: world.commits[0].clone(),
        environment: "prd".to_owned(),
        payload: json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": world.commits[0],
            "targets": [target], "serves": true, "run": {"id": 600, "attempt": 1},
        }),
        ..Default::default()
    });
    let selection = json!({"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1});
    let rules = json!([{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]);
    world.aws.put_lifecycle_rules("shop/api", &rules).await.unwrap();
    let step = || {
        let asked = json!({"ecr": {"immutable": "false", "scan": "false"}});
        checks(&world, &asked).input("function", "shop-api").input("environment", "prd")
    };
    let report = step().run().await;
    report.assert_verdict("fail", 1);
    let told = of(&report, "ecr");
    let touched: Vec<_> = told.iter().filter(|(_, state, _)| state == "fail").collect();
    assert_eq!(touched.len(), 1, "{told:?}");
    assert!(touched[0].2.contains("would be deleted by rule 1"), "{told:?}");
    // Somebody else's preview is not ours: what it would tell is not known.
    world.aws.tell_preview("shop/api", &json!({"status": "IN_PROGRESS"})).await.unwrap();
    let report = step().run().await;
    assert!(states(&report, "ecr").contains(&"skip".to_owned()), "{report}");
    assert!(report.raw.contains("another preview"), "{report}");
    // Repositories that are not there, not scanned, or whose tags move.
    let asked = json!({"ecr": {"repositories": ["none", "shop/api"]}});
    let report = checks(&world, &asked).run().await;
    let failed: Vec<_> =
        of(&report, "ecr").into_iter().filter(|(_, state, _)| state == "fail").map(|(what, ..)| what).collect();
    assert_eq!(failed, ["repository none", "repository shop/api, tags", "repository shop/api, scanning"], "{report}");
}

/// What lies around a function: each is bad in one way.
#[tokio::test]
async fn what_lies_around_is_judged_by_what_it_leads_to() {
    let world = World::new().await;
    let spec = FunctionSpec::zip("shop-api", testbed::aws::zips::python("def handler(event, context): return 1"));
    world.aws.create_function(&spec).await.unwrap();
    let host = format!("api-{}.example.com", world.aws.id);
    let unqualified = format!("arn:aws:lambda:{}:{}:function:shop-api", world.aws.region(), world.aws.id);
    world.aws.create_api(&host, &unqualified).await.unwrap();
    world.aws.create_database("shop-prd", false, 1).await.unwrap();
    world.aws.create_secret("empty", None).await.unwrap();
    let bucket = world.bucket().await;
    let asked = json!({
        "route": {"hosts": [host, "none.example.com"], "functions": ["shop-api"]},
        "rds": {"instances": ["shop-prd", "none"]},
        "secrets-manager": {"names": ["empty", "none"]},
        "site": {"bucket": bucket, "distributions": ["E1NONE"], "cors": ["https://a.example.com"], "website": "true"},
        "role": {"actions": ["lambda:UpdateAlias"], "arn": world.aws.role_arn("none")},
    });
    let report = checks(&world, &asked).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let expected = [
        ("route", vec!["ok", "fail", "fail"]),
        ("rds", vec!["ok", "fail", "fail", "fail"]),
        ("secrets-manager", vec!["fail", "fail"]),
        ("site", vec!["ok", "fail", "fail", "fail"]),
    ];
    for (check, expected) in expected {
        assert_eq!(states(&report, check), expected, "{check}: {report}");
    }
    assert_eq!(states(&report, "role")[0], "ok");
    assert_eq!(states(&report, "role")[1], "fail", "{report}");
}

#[tokio::test]
async fn doppler_is_asked_for_names_and_its_token_is_told_to_nobody_else() {
    let world = World::new().await;
    let names = Answer::json(&json!({"names": ["LANGFUSE_RELEASE", "DATABASE_URL"]}));
    let server = Site::new([Answer::status(500)]).path("/v3/configs/config/secrets/names", [names]).start();
    let token = "dp.st.prd.0123456789abcdefghij";
    let step = || {
        let asked = json!({"doppler": {"secrets": ["LANGFUSE_RELEASE", "MISSING"]}});
        let inputs = [("doppler-token", token), ("doppler-project", "shop"), ("doppler-config", "prd")];
        let step = checks(&world, &asked).env("DOPPLER_API_HOST", server.url(""));
        inputs.into_iter().fold(step, |step, (name, value)| step.input(name, value))
    };
    let report = step().run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(states(&report, "doppler"), ["ok", "fail"], "{report}");
    let [request] = server.requests().try_into().unwrap();
    assert!(request.target.ends_with("?project=shop&config=prd"), "{request:?}");
    assert_eq!(request.header("authorization"), Some(format!("Bearer {token}").as_str()));
    assert!(!report.log.iter().any(|line| line.contains(token)) && !report.summary.contains(token));
    // A token that may not read the config is what a deployment would fail by.
    let refused = WebServer::start([Answer::status(404)]);
    let report = step().env("DOPPLER_API_HOST", refused.url("")).run().await;
    report.assert_verdict("fail", 1);
    assert_eq!(states(&report, "doppler"), ["fail"], "{report}");
    // An answer that is no list of names is an error, and never repeated.
    let broken = WebServer::start([Answer::text("DATABASE_URL=secret-value")]);
    let report = step().env("DOPPLER_API_HOST", broken.url("")).run().await;
    report.assert_verdict("error", 4);
    assert!(!report.raw.contains("secret-value"), "{report}");
    // Project and config belong together, and to a token.
    world.step("preflight").input("doppler-project", "shop").run().await.assert_verdict("error", 2);
}

/// Both tables of the page know every check and no other, and every line of the checklist has an answer.
#[test]
fn the_checklist_names_every_check_and_no_other() {
    use deploy_action::steps::{self, preflight::checks::NAMES};
    let page = include_str!("../../docs/steps/preflight.md");
    let rows = |text: &str| -> Vec<Vec<String>> {
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| line") && !line.starts_with("| check"));
        rows.map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
    };
    let between = |begin: &str, end: &str| page.split(begin).nth(1).unwrap().split(end).next().unwrap();
    let listed: Vec<String> =
        rows(between("## The checks", "## The tree")).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(listed, NAMES.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
    let known: Vec<&str> = steps::all().iter().map(|step| step.name).collect();
    let mut answering = std::collections::BTreeSet::new();
    for row in rows(between("<!-- checklist -->", "<!-- /checklist -->")) {
        let answer = &row[1];
        let named = answer.split('`').nth(1).unwrap_or_default().to_owned();
        let is_step = answer.starts_with("the step `") && known.contains(&named.as_str());
        let is_check = answer.starts_with('`') && NAMES.contains(&named.as_str());
        assert!(is_step || is_check || answer.starts_with("nobody"), "{row:?}");
        answering.extend(is_check.then_some(named));
    }
    let all: std::collections::BTreeSet<String> = NAMES.iter().map(ToString::to_string).collect();
    assert_eq!(answering, all, "a check answers no line");
}

/// The permissions that `workflow` looks for are those that the steps declare.
#[test]
fn what_a_job_must_be_granted_is_what_its_steps_declare() {
    use deploy_action::steps::{self, preflight::checks::GRANTS};
    for (word, grant) in GRANTS.iter().filter(|(word, _)| *word != "role-to-assume") {
        let step =
            steps::all().into_iter().find(|step| step.name == *word).unwrap_or_else(|| panic!("{word} is no step"));
        assert!(step.permissions.github.iter().any(|one| one.grant == *grant), "{word} does not ask for {grant}");
    }
}
