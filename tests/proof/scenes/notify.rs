//! notify after a deployment: one that went well, one that failed, and the one that fixes it.

use testbed::github::Permission;
use testbed::web::{Answer, WebServer};

use super::Stage;
use super::stage::ENVIRONMENT;
use crate::world::RUN;

/// The usual one: nothing was wrong, and nothing is.
pub(super) async fn success() -> Stage {
    with_permissions(Stage::new().await).input("status", "success").input("version", "42")
}

/// A deployment that failed after it was met by users: an issue is opened, Slack and a topic are told.
pub(super) async fn failure() -> Stage {
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
pub(super) async fn fixed() -> Stage {
    with_permissions(with_issue().await).input("status", "success").input("version", "43")
}

/// The failure before it has an open issue, which is commented on.
pub(super) async fn failed_again() -> Stage {
    with_permissions(with_issue().await).input("status", "failure").input("version", "43").input("rollback", "failed")
}

async fn with_issue() -> Stage {
    let stage = Stage::new().await;
    let text = "<!-- deploy-action:notify environment=prd component=shop run=600 failed -->\nIt failed.\n";
    stage.repository.add_issue("github-actions[bot]", "Deployment of shop to prd failed", text, &["deployment"]);
    stage
}

fn with_permissions(stage: Stage) -> Stage {
    let grants = [Permission::Statuses.write(), Permission::Issues.write(), Permission::Deployments.read()];
    stage.grants(&grants).input("environment", ENVIRONMENT)
}
