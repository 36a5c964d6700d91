//! What each service takes, and what it answers when a message was delivered, and when it was not.

use serde_json::json;
use testbed::web::{Answer, Site, WebServer};

use super::channels::{TOKEN, address, body, failed, told};
use crate::messages::says;
use crate::world::World;

/// Slack, Discord and Teams behind one address, each with the answer of a message that was delivered; all else is answered `ok`.
pub(super) fn start() -> WebServer {
    Site::new([Answer::ok()])
        .path(&format!("/discord/{TOKEN}"), [Answer::status(204)])
        .path(&format!("/teams/{TOKEN}"), [Answer::status(202)])
        .path(&format!("/triggers/{TOKEN}"), [Answer::json(&json!({"ok": true}))])
        .start()
}

#[tokio::test]
async fn teams_is_told_by_an_adaptive_card() {
    let world = World::new().await;
    let server = start();
    let report = failed(&world, &format!("- {{to: teams, url: '{}'}}", address(&server, "teams"))).run().await;
    told(&report, &["status", "issue", "teams"]);
    let message = body(&server.requests()[0]);
    let attachment = &message["attachments"][0];
    assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
    assert_eq!(attachment["content"]["body"][0]["inlines"][0]["text"], "❌ shop prd: failed; rolled back");
    assert_eq!(attachment["content"]["actions"][1]["url"], report.output("issue-url"));
}

#[tokio::test]
async fn a_workflow_of_slack_is_given_one_flat_text() {
    let world = World::new().await;
    let server = start();
    for path in ["workflows", "triggers"] {
        let report = failed(&world, &format!("- {{to: slack, url: '{}'}}", address(&server, path))).run().await;
        assert!(report.output("delivered").ends_with("slack"), "{report}");
        let message = body(server.requests().last().unwrap());
        assert_eq!(message.as_object().unwrap().keys().collect::<Vec<_>>(), ["text"]);
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with("❌ shop prd: failed; rolled back\nEnvironment: prd\n"), "{text}");
    }
    let mention = failed(&world, &format!("- {{to: slack, mention: here, url: '{}'}}", address(&server, "triggers")));
    let report = mention.run().await;
    report.assert_verdict("error", 2).assert_no_secret(TOKEN);
    assert!(report.error().message.contains("`mention` is not possible"), "{report}");
}

/// A good status is not yet a delivery: each service says it in its own way.
#[tokio::test]
async fn an_answer_that_does_not_say_delivered_is_no_delivery() {
    let world = World::new().await;
    let login = || Answer::text("<html>Sign in</html>");
    let long = "x".repeat(5000);
    let table = [
        ("slack", Answer::json(&json!({"ok": false, "error": "invalid_blocks"})), "it says that it failed"),
        ("webhook", Answer::json(&json!({"success": false})), "it says that it failed"),
        ("webhook", Answer::text("Error: no such hook").with_status(202), "it says that it failed"),
        ("webhook", Answer::text("\u{feff}{\"ok\": false}"), "it says that it failed"),
        ("webhook", Answer::json(&json!({"padding": long, "success": false})), "it says that it failed"),
        ("teams", Answer::text("Webhook message delivery failed with error: 413"), "whether it was is unknown"),
        ("slack", login(), "not what the service answers when it was delivered"),
        ("discord", login(), "not what the service answers when it was delivered"),
        ("teams", login(), "not what the service answers when it was delivered"),
    ];
    for (to, answer, said) in table {
        let server = WebServer::start([answer]);
        let report = failed(&world, &format!("- {{to: {to}, url: '{}'}}", address(&server, "x"))).run().await;
        assert!(!report.output("delivered").contains(to), "{report}");
        assert!(report.warning().message.contains(said), "{to}: {said}\n{report}");
        assert_eq!(server.requests().len(), 1, "it is not sent twice");
    }
}

/// Some servers put a byte order mark before their answer, and some answers are long.
#[tokio::test]
async fn an_answer_that_says_delivered_is_read_behind_a_mark_and_when_it_is_long() {
    let world = World::new().await;
    let long = "x".repeat(5000);
    let table = [
        ("slack", Answer::text("\u{feff}ok")),
        ("slack", Answer::text("\u{feff}{\"ok\": true}\r\n")),
        ("discord", Answer::json(&json!({"content": long, "id": "1"}))),
        ("teams", Answer::text("\u{feff}1")),
    ];
    for (to, answer) in table {
        let server = WebServer::start([answer]);
        let report = failed(&world, &format!("- {{to: {to}, url: '{}'}}", address(&server, "x"))).run().await;
        assert!(report.output("delivered").contains(to), "{to}: {report}");
    }
}

#[tokio::test]
async fn a_forum_of_discord_wants_a_thread() {
    let world = World::new().await;
    let refusal =
        json!({"message": "Webhooks posted to forum channels must have a thread_name or thread_id", "code": 220_001});
    let server = WebServer::start([Answer::json(&refusal).with_status(400), Answer::status(204)]);
    let to = |query: &str| format!("- {{to: discord, url: '{}{query}'}}", address(&server, "x"));
    let report = failed(&world, &to("")).run().await;
    assert!(says(&report.warning().message, "channel-is-forum"), "{report}");
    let report = failed(&world, &to("?thread_id=123456789012345678")).run().await;
    assert!(report.output("delivered").ends_with("discord"), "{report}");
    assert!(server.requests()[1].target.ends_with("?thread_id=123456789012345678"));
}
