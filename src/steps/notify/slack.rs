//! The message to Slack: blocks, in which all foreign text is `plain_text`, which Slack does not read for mentions, links or marks.
//!
//! <https://docs.slack.dev/reference/block-kit/blocks>, <https://docs.slack.dev/messaging/formatting-message-text>

use serde_json::{Value, json};

use super::channels::Mention;
use super::notification::Notification;
use super::render::Render;
use super::text::short;

/// Characters of a header, of a text in a section, and of a field: Slack refuses the whole message when one is longer.
const HEADER: usize = 150;
const TEXT: usize = 2900;
const FIELD: usize = 1900;

struct Slack;

impl Render for Slack {
    fn link(name: &str, url: &str) -> String {
        format!("<{}|{name}>", escape(url))
    }
}

/// A workflow, which takes one flat text.
struct Workflow;

impl Render for Workflow {}

/// The body of the request.
pub(super) fn message(news: &Notification, mention: &[Mention]) -> Value {
    let headline = Slack::headline(news);
    let mut blocks = vec![json!({"type": "header", "text": plain(&headline, HEADER)})];
    let fields = Slack::facts(news).into_iter().map(|(name, value)| plain(&format!("{name}\n{value}"), FIELD));
    blocks.push(json!({"type": "section", "fields": fields.collect::<Vec<_>>()}));
    let remarks = Slack::remarks(news);
    if !remarks.is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&remarks.join("\n"), TEXT)}));
    }
    let mut ours = Slack::links(news);
    if news.is_failure() {
        ours.extend(mention.iter().map(mention_mark));
    }
    if !ours.is_empty() {
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": ours.join("  ")}}));
    }
    json!({
        // Shown in notifications, and read for marks: escaped as Slack asks for.
        "text": short(&escape(&headline), TEXT),
        "blocks": blocks,
        "unfurl_links": false,
        "unfurl_media": false,
    })
}

/// The body for a workflow: its one variable, `text`.
pub(super) fn flat(news: &Notification) -> Value {
    json!({"text": short(&escape(&Workflow::all(news)), TEXT)})
}

fn plain(text: &str, longest: usize) -> Value {
    // A field without text is refused.
    let text = if text.trim().is_empty() { "-" } else { text };
    json!({"type": "plain_text", "text": short(text, longest), "emoji": false})
}

fn mention_mark(mention: &Mention) -> String {
    match mention {
        Mention::All(who) => format!("<!{who}>"),
        Mention::User(id) => format!("<@{id}>"),
        Mention::Group(id) => format!("<!subteam^{id}>"),
    }
}

/// The three characters that Slack reads.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notification::tests::{failure, hostile, success};
    use super::*;
    use crate::hostile::{config, foreign};

    #[test]
    fn a_failure_is_told_with_its_links_and_mentions() {
        let mention =
            [Mention::All("here"), Mention::User("U12345678".to_owned()), Mention::Group("S12345678".to_owned())];
        let message = message(&failure(), &mention);
        assert_eq!(message["text"], "❌ shop prd: failed; rolled back to v41");
        assert_eq!(message["blocks"][0]["text"]["text"], "❌ shop prd: failed; rolled back to v41");
        assert_eq!(message["blocks"][1]["fields"][0]["text"], "Environment\nprd");
        let last = message["blocks"][3]["text"]["text"].as_str().unwrap();
        assert_eq!(
            last,
            "<https://github.example.com/org/shop/actions/runs/700/attempts/1|Run>  \
             <https://github.example.com/org/shop/issues/7|Issue>  <!here>  <@U12345678>  <!subteam^S12345678>"
        );
    }

    #[test]
    fn a_workflow_is_given_one_text() {
        let message = flat(&failure());
        assert_eq!(message.as_object().map(serde_json::Map::len), Some(1));
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with("❌ shop prd: failed; rolled back to v41\nEnvironment: prd\n"), "{text}");
        assert!(text.contains("\nRun: https://github.example.com/org/shop/actions/runs/700/attempts/1\n"), "{text}");
        let text = flat(&hostile("<!channel> <@U12345678>"))["text"].to_string();
        assert!(!text.contains('<'), "{text}");
    }

    #[test]
    fn nobody_is_mentioned_when_all_is_well() {
        let message = message(&success(), &[Mention::All("channel")]).to_string();
        assert!(message.contains("v43 serves") && !message.contains("<!"), "{message}");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn foreign_text_is_plain_and_within_the_limits(text in foreign(), times in prop::sample::select(&[1_usize, 9, 900][..])) {
            let message = message(&hostile(&text.repeat(times)), &[]);
            let blocks = message["blocks"].as_array().unwrap();
            prop_assert!(blocks.len() <= 50);
            let length = |text: &Value| text["text"].as_str().unwrap().chars().count();
            for block in blocks {
                let fields = block["fields"].as_array().into_iter().flatten();
                prop_assert!(fields.clone().count() <= 10);
                for field in fields {
                    prop_assert!(field["type"] == "plain_text" && (1..=2000).contains(&length(field)));
                }
                let own = &block["text"];
                if own["type"] == "plain_text" {
                    let longest = if block["type"] == "header" { 150 } else { 3000 };
                    prop_assert!((1..=longest).contains(&length(own)));
                } else if !own.is_null() {
                    prop_assert_eq!(own["text"].as_str().unwrap().matches('<').count(), 2, "our two links");
                }
            }
            let label = message["text"].as_str().unwrap();
            prop_assert!(!label.contains(['<', '>', '\n']) && !label.contains("://"), "{}", label);
        }
    }
}
