//! notify after a deployment: one that went well, one that failed, and the one that fixes it.

use deploy_action::permissions::When;
use serde_json::json;
use testbed::github::Permission;
use testbed::web::{Answer, WebServer};

use crate::hostile::{self, HOOK, HOSTILE, PASSWORD, Try};
use crate::proof::StepUnderTest;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

pub(crate) const UNDER_TEST: StepUnderTest = StepUnderTest {
    name: "notify",
    scenes: &[
        Scene::new("notify", || Box::pin(success())).floor(3, &[]),
        Scene::new("notify:failure", || Box::pin(failure()))
            .floor(5, &[(1, "statuses are read one record at a time"), (1, "the status comes first")]),
        Scene::new("notify:failure-again", || Box::pin(failed_again())).floor(4, &[(1, "the status comes first")]),
        Scene::new("notify:fixed", || Box::pin(fixed())).floor(5, &[(1, "the status comes first")]),
        Scene::new("notify:pull-request", || Box::pin(pull_request()))
            .floor(4, &[(1, "statuses are read one record at a time"), (1, "the status comes first")]),
    ],
    role: &[Variant::whole("notify:failure", &[When::SnsChannel], &[])],
    token: &[
        Variant::whole("notify", &[When::Issue], &[]),
        Variant::whole("notify:failure", &[When::Issue], &[]),
        Variant::whole("notify:fixed", &[When::Issue], &[]),
        Variant::whole("notify:pull-request", &[When::PullRequestChannel], &[]),
    ],
    hostile: |world| {
        let hooks = ["slack", "discord", "webhook"]
            .map(|to| format!("- {{to: {to}, mention: [], url: '{}'}}\n", world.health.url(&format!("/{HOOK}"))));
        // Of its own: what other steps left repeats secrets that they were not given.
        let told = tempfile::tempdir().unwrap().keep();
        let evidence = json!({"step": HOSTILE, "verdict": HOSTILE, "reason": world.told()}).to_string();
        std::fs::write(told.join("evidence.json"), evidence).unwrap();
        let notify = world
            .step("notify")
            .input("status", "failure")
            .input("version", hostile::description())
            .input("details", "evidence.json")
            .input("text", hostile::description())
            .input("webhook-secret", PASSWORD)
            .input("channels", hooks.concat())
            .workspace(&told);
        vec![Try::with_secrets(notify, &[HOOK, PASSWORD])]
    },
};

/// The usual one: nothing was wrong, and nothing is.
async fn success() -> Stage {
    with_permissions(Stage::new().await).input("status", "success").input("version", "42")
}

/// A deployment that failed after it was met by users: an issue is opened, Slack and a topic are told.
async fn failure() -> Stage {
    let mut stage = Stage::new().await;
    stage.record(600, (1, 2), &["success"]);
    stage.record(RUN, (2, 3), &["in_progress"]);
    let topic = stage.aws.create_topic("deployments").await.unwrap();
    let good = Answer::ok();
    let server = WebServer::start([good.clone()]);
    let url = server.url("/services/slack");
    stage.web = Some((server, good));
    with_permissions(stage)
        .input("status", "failure")
        .input("channels", format!("- {{to: slack, url: '{url}'}}\n- {{to: sns, topic-arn: '{topic}'}}"))
}

/// The failure before it has an open issue, which is closed.
async fn fixed() -> Stage {
    with_permissions(with_issue().await).input("status", "success").input("version", "43")
}

/// The failure before it has an open issue, which is commented on.
async fn failed_again() -> Stage {
    with_permissions(with_issue().await).input("status", "failure").input("version", "43").input("rollback", "failed")
}

/// A preview that succeeded: the comment of the run before is corrected.
async fn pull_request() -> Stage {
    let stage = Stage::new().await;
    stage.record(600, (1, 2), &["success"]);
    let record = stage.record(RUN, (2, 3), &["in_progress"]);
    stage.repository.add_status_at(record, "success", "da1 swap-alias pass", "https://pr-1.example.com/");
    let number = stage.repository.add_pull_request("octocat", "A change");
    let text = "<!-- deploy-action:notify environment=prd component=shop run=600 told -->\nIt serves.\n";
    stage.repository.add_comment(number, "github-actions[bot]", text);
    let event = json!({"action": "synchronize", "number": number, "pull_request": {"number": number}});
    with_permissions(stage.event("pull_request", event))
        .input("status", "success")
        .input("issue", "false")
        .input("channels", "[pull-request]")
}

async fn with_issue() -> Stage {
    let stage = Stage::new().await;
    let text = "<!-- deploy-action:notify environment=prd component=shop run=600 failed -->\nIt failed.\n";
    stage.repository.add_issue("github-actions[bot]", "Deployment of shop to prd failed", text, &["deployment"]);
    stage
}

fn with_permissions(stage: Stage) -> Stage {
    let grants = [
        Permission::Statuses.write(),
        Permission::Issues.write(),
        Permission::Deployments.read(),
        Permission::PullRequests.write(),
    ];
    stage.grants(&grants).input("environment", ENVIRONMENT)
}
