//! Slack, Discord, webhooks and SNS: each is told by itself, and its address is in nothing that is written.

use std::time::Duration;

use serde_json::{Value, json};
use testbed::github::{Fault, Grant};
use testbed::runner::{Report, Runner};
use testbed::web::{Answer, RefusedPort, Request, Site, WebServer};

use super::{PERMISSIONS, notify, services};
use crate::messages::says;
use crate::world::World;

/// The part of an address that nobody may see.
pub(super) const TOKEN: &str = "xYz0123456789token-of-the-hook";

pub(super) fn address(server: &WebServer, path: &str) -> String {
    server.url(&format!("/{path}/{TOKEN}"))
}

pub(super) fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// A failure, with these channels.
pub(super) fn failed(world: &World, channels: &str) -> Runner {
    notify(world, "failure").input("version", "42").input("rollback", "succeeded").input("channels", channels)
}

#[track_caller]
pub(super) fn told(report: &Report, delivered: &[&str]) {
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(TOKEN);
    assert_eq!(report.output("delivered").lines().collect::<Vec<_>>(), delivered, "{report}");
}

#[tokio::test]
async fn every_service_is_told_in_its_own_words() {
    let world = World::new().await;
    let server = services::start();
    let topic = world.aws.create_topic("deployments").await.unwrap();
    let channels = format!(
        "
- {{to: slack, url: '{}', mention: here}}
- {{to: discord, url: '{}', mention: 'role:123456789012345678'}}
- {{to: webhook, url: '{}', secret: 0123456789abcdef0123456789abcdef}}
- {{to: sns, topic-arn: '{topic}'}}
",
        address(&server, "slack"),
        address(&server, "discord"),
        address(&server, "hook"),
    );
    let report = failed(&world, &channels).run().await;
    told(&report, &["status", "issue", "slack", "discord", "webhook", "sns"]);
    report.assert_no_secret("0123456789abcdef0123456789abcdef");
    let requests = server.requests();
    let to = |path: &str| requests.iter().find(|one| one.target.starts_with(&format!("/{path}/"))).unwrap();

    let slack = body(to("slack"));
    assert_eq!(slack["text"], "❌ shop prd: failed; rolled back");
    assert!(slack.to_string().contains("<!here>") && slack.to_string().contains("/issues/1|Issue>"), "{slack}");
    let discord = body(to("discord"));
    assert_eq!(discord["allowed_mentions"], json!({"parse": [], "users": [], "roles": ["123456789012345678"]}));

    let hook = to("hook");
    assert_eq!(body(hook)["outcome"], "failed; rolled back");
    assert_eq!(body(hook)["issue"], report.output("issue-url"));
    let header = |name: &str| hook.header(&format!("x-deploy-action-{name}")).unwrap();
    let signed = format!("{}.{}", header("timestamp"), String::from_utf8_lossy(&hook.body));
    assert_eq!(header("signature"), format!("sha256={}", openssl_hmac("0123456789abcdef0123456789abcdef", &signed)));
    assert_eq!(header("delivery"), body(hook)["delivery"]);

    let mail = world.aws.published("deployments").await.unwrap();
    assert_eq!(mail.len(), 1);
    assert_eq!(mail[0].subject, "shop prd: failed; rolled back");
    assert!(mail[0].message.contains("Version: v42\n"), "{}", mail[0].message);
    assert!(!report.evidence().to_string().contains(&world.aws.id), "no account id");
}

/// As the documentation has receivers check it, by another implementation than ours.
fn openssl_hmac(key: &str, text: &str) -> String {
    let script =
        "import hmac,sys; print(hmac.new(sys.argv[1].encode(), sys.stdin.buffer.read(), 'sha256').hexdigest())";
    let mut python = std::process::Command::new("python3")
        .args(["-c", script, key])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(python.stdin.as_mut().unwrap(), text.as_bytes()).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn one_address_is_a_channel_of_its_service() {
    let world = World::new().await;
    let server = WebServer::start([Answer::status(204)]);
    let topic = world.aws.create_topic("deployments.fifo").await.unwrap();
    let report = notify(&world, "success")
        .input("version", "43")
        .input("webhook-url", address(&server, "hook"))
        .input("topic-arn", topic)
        .run()
        .await;
    told(&report, &["status", "webhook", "sns"]);
    assert_eq!(body(&server.requests()[0])["status"], "success");
    assert_eq!(world.aws.published("deployments.fifo").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_channel_is_told_what_it_wants_to_know() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    let channels = ["failure", "success", "change", "always"]
        .map(|on| format!("- {{to: webhook, on: {on}, url: '{}'}}\n", address(&server, on)))
        .concat();
    let heard = async |runner: Runner| {
        let before = server.requests().len();
        runner.run().await.assert_verdict("pass", 0);
        let mut heard: Vec<String> = server.requests()[before..]
            .iter()
            .map(|one| one.target.split('/').nth(1).unwrap_or_default().to_owned())
            .collect();
        heard.sort();
        heard.join(" ")
    };
    let succeeded = |run| notify(&world, "success").input("version", "43").input("channels", &channels).run_id(run);
    assert_eq!(heard(succeeded(700)).await, "always success");
    assert_eq!(heard(failed(&world, &channels).run_id(701)).await, "always change failure");
    assert_eq!(
        heard(failed(&world, &channels).run_id(701).run_attempt(2)).await,
        "always change failure",
        "the same run"
    );
    assert_eq!(heard(failed(&world, &channels).run_id(702)).await, "always failure");
    assert_eq!(heard(succeeded(703)).await, "always change success");
    assert_eq!(heard(succeeded(704)).await, "always success");
}

#[tokio::test]
async fn one_that_fails_hides_no_other_and_is_told_without_its_address() {
    let world = World::new().await;
    let port = RefusedPort::new();
    let gone = format!("no_service for /gone/{TOKEN}, {TOKEN}\n::error::forged");
    let server = Site::new([Answer::ok()])
        .path(&format!("/gone/{TOKEN}"), [Answer::text(gone).with_status(404)])
        .path(&format!("/broken/{TOKEN}"), [Answer::status(500)])
        .path(&format!("/moved/{TOKEN}"), [Answer::redirect(&format!("http://127.0.0.1/{TOKEN}"))])
        .path(&format!("/reset/{TOKEN}"), [Answer::reset()])
        .start();
    let to = |path: &str| format!("- {{to: webhook, url: '{}'}}\n", address(&server, path));
    let channels = format!(
        "{}{}{}{}- {{to: slack, url: ''}}\n- {{to: webhook, url: 'http://169.254.169.254/{TOKEN}'}}\n- {{to: sns}}\n\
         - {{to: discord, url: '{}{TOKEN}'}}\n{}",
        to("gone"),
        to("broken"),
        to("moved"),
        to("reset"),
        port.url(),
        to("good"),
    );
    let run = async |on_error: &str| {
        failed(&world, &channels).input("on-error", on_error).input("timeout", "30s").run().await
    };
    let report = run("warn").await;
    told(&report, &["status", "issue", "webhook-6"]);
    let said = &report.warning().message;
    for part in [
        "webhook: the address is not good any more",
        "answered 404: no_service for ***",
        "webhook-2: notify webhook-2: answered 500: whether it was delivered is unknown",
        "answered 302 and redirects elsewhere",
        "webhook-4: ",
        "slack: there is no address",
        "link-local or metadata address",
        "sns: there is no topic",
        "the connection was refused",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    let count =
        |path: &str| server.requests().iter().filter(|one| one.target.starts_with(&format!("/{path}/"))).count();
    for path in ["gone", "broken", "moved", "reset", "good"] {
        assert_eq!(count(path), 1, "{path}: what may have been delivered is not sent again");
    }
    let report = run("fail").await;
    report.assert_verdict("error", 4).assert_runner_safe().assert_no_secret(TOKEN);
}

#[tokio::test]
async fn a_pause_that_a_service_asks_for_is_kept_and_said() {
    let world = World::new().await;
    let limited = Answer::status(429).header("Retry-After", "1");
    let server = WebServer::start([limited, Answer::status(204)]);
    let report = failed(&world, &format!("- {{to: discord, url: '{}'}}", address(&server, "x"))).run().await;
    told(&report, &["status", "issue", "discord"]);
    let requests = server.requests();
    assert!(requests[1].at >= requests[0].at + Duration::from_secs(1));
    assert!(report.raw.contains("answered 429; trying again in 1s"), "{report}");

    let server = WebServer::start([Answer::status(429).header("Retry-After", "3600")]);
    let report = failed(&world, &format!("- {{to: slack, url: '{}'}}", address(&server, "x"))).run().await;
    told(&report, &["status"]);
    assert!(says(&report.warning().message, "pause-too-long"), "{report}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_sent_is_tried_again_until_it_can() {
    let world = World::new().await;
    let report = failed(&world, &format!("- {{to: slack, url: 'http://hooks.invalid/{TOKEN}'}}")).run().await;
    told(&report, &["status", "issue"]);
    assert!(report.raw.contains("does not resolve; trying again"), "{report}");
}

#[tokio::test]
async fn hostile_text_reaches_nobody_as_more_than_text() {
    let world = World::new().await;
    let server = services::start();
    let hostile = format!(
        "@everyone <!channel> <@U12345678> <http://evil.example|x> [x](http://evil.example) ::error::x ##[error]x\n{}",
        "*bold* `code` \u{202e}".repeat(5000)
    );
    let workspace = tempfile::tempdir().unwrap();
    let evidence = json!({"step": hostile, "verdict": "fail", "reason": hostile});
    std::fs::write(workspace.path().join("e.json"), evidence.to_string()).unwrap();
    let channels =
        ["slack", "discord", "teams", "webhook"].map(|to| format!("- {{to: {to}, url: '{}'}}\n", address(&server, to)));
    let report = failed(&world, &channels.concat())
        .input("version", hostile.chars().take(2000).collect::<String>())
        .input("details", "e.json")
        .actor("<b>@here")
        .workspace(workspace.path())
        .run()
        .await;
    told(&report, &["status", "issue", "slack", "discord", "teams", "webhook"]);
    for request in server.requests() {
        let text = body(&request).to_string();
        let service = request.target.split('/').nth(1).unwrap_or_default();
        assert!(text.len() < 60_000, "{service}: {} bytes", text.len());
        if service != "webhook" {
            for live in ["@everyone", "@here", "http://evil"] {
                assert!(!text.contains(live), "{live}: {text}");
            }
        }
        if service == "slack" {
            assert!(!body(&request)["text"].as_str().unwrap().contains('<'), "{text}");
        }
    }
    let issue = world.repository.issues()[0].body.clone().unwrap();
    let outside_of_code: String = issue.split('`').step_by(2).collect();
    assert!(!outside_of_code.contains('@') && !outside_of_code.contains("http://evil"), "{issue}");
}

#[tokio::test]
async fn who_may_not_publish_is_told_what_is_missing() {
    let world = World::new().await;
    let topic = world.aws.create_topic("deployments").await.unwrap();
    let report = failed(&world, &format!("- {{to: sns, topic-arn: '{topic}x'}}")).run().await;
    told(&report, &["status", "issue"]);
    assert!(report.warning().message.contains("sns: publish to the SNS topic"), "{report}");
}

#[tokio::test]
async fn channels_are_told_when_github_is_down() {
    let world = World::new().await;
    let server = WebServer::start([Answer::ok()]);
    world.github.fault(Fault::on("*", "/repos/").unwrap().status(502).always());
    let grants: [Grant; 3] = PERMISSIONS;
    let report = world
        .step_with("notify", &grants)
        .input("environment", "prd")
        .input("status", "failure")
        .input("timeout", "20s")
        .input("channels", format!("- {{to: slack, on: change, url: '{}'}}", address(&server, "slack")))
        .run()
        .await;
    told(&report, &["slack"]);
}
