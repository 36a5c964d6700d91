//! The message to Teams: an adaptive card, in which all foreign text is a run of text, which is read for no marks.
//!
//! <https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-format>,
//! <https://adaptivecards.io/explorer/TextRun.html>

use serde_json::{Value, json};

use super::notification::Notification;
use super::render::Render;
use super::text::short;
use crate::github::CommitState;

/// UTF-16 units of a headline, a value, and all further lines. Teams takes 28 KB in all.
const HEADLINE: usize = 300;
const VALUE: usize = 500;
const REMARKS: usize = 3000;

struct Teams;

impl Render for Teams {}

/// The body of the request.
pub(super) fn message(news: &Notification) -> Value {
    let colour = match news.status.of_commit() {
        CommitState::Success => "good",
        CommitState::Failure | CommitState::Error => "attention",
        CommitState::Pending => "accent",
    };
    let headline = short(&Teams::headline(news), HEADLINE);
    let mut body = vec![line(&[json!({
        "type": "TextRun", "text": headline, "weight": "bolder", "size": "large", "color": colour,
    })])];
    body.extend(Teams::facts(news).iter().map(|(name, value)| {
        line(&[json!({"type": "TextRun", "text": format!("{name}: "), "weight": "bolder"}), run(&short(value, VALUE))])
    }));
    let remarks = Teams::remarks(news);
    if !remarks.is_empty() {
        body.push(line(&[run(&short(&remarks.join("\n"), REMARKS))]));
    }
    let links =
        news.links().into_iter().map(|link| json!({"type": "Action.OpenUrl", "title": link.name, "url": link.url}));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "msteams": {"width": "Full"},
                "body": body,
                "actions": links.collect::<Vec<_>>(),
            },
        }],
    })
}

fn line(runs: &[Value]) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs})
}

fn run(text: &str) -> Value {
    json!({"type": "TextRun", "text": text})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notification::tests::{failure, hostile, success};
    use super::*;
    use crate::hostile::{config, foreign};

    #[test]
    fn a_failure_is_a_card_with_its_links() {
        let message = message(&failure());
        let card = &message["attachments"][0]["content"];
        assert_eq!((&message["type"], &card["type"]), (&json!("message"), &json!("AdaptiveCard")));
        let headline = &card["body"][0]["inlines"][0];
        assert_eq!(headline["text"], "❌ shop prd: failed; rolled back to v41");
        assert_eq!(headline["color"], "attention");
        assert_eq!(card["body"][1]["inlines"][1]["text"], "prd");
        assert_eq!(card["actions"][0]["url"], "https://github.example.com/org/shop/actions/runs/700/attempts/1");
        let good = super::message(&success());
        assert_eq!(good["attachments"][0]["content"]["body"][0]["inlines"][0]["color"], "good");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn foreign_text_stands_in_runs_of_text_and_within_the_limit(
            text in foreign(),
            times in prop::sample::select(&[1_usize, 9, 900][..]),
        ) {
            let message = message(&hostile(&text.repeat(times)));
            prop_assert!(message.to_string().len() < 28_000, "{}", message.to_string().len());
            for block in message["attachments"][0]["content"]["body"].as_array().unwrap() {
                prop_assert_eq!(&block["type"], "RichTextBlock");
                for run in block["inlines"].as_array().unwrap() {
                    prop_assert_eq!(&run["type"], "TextRun");
                    prop_assert!(!run["text"].as_str().unwrap().contains("://"));
                }
            }
        }
    }
}
