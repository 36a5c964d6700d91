//! The message to Discord: one embed, marks escaped, and nobody mentioned but who was named in the channel.
//!
//! <https://docs.discord.com/developers/resources/webhook#execute-webhook>, <https://docs.discord.com/developers/resources/message#embed-object>

use serde_json::{Value, json};

use super::channels::Mention;
use super::notification::Notification;
use super::render::Render;
use super::text::short;
use crate::github::CommitState;
use crate::text::Foreign;

/// Characters of a title, a description and the value of a field. An embed takes 6000 in all: 256 + 4000 + 6 * (20 + 250).
const TITLE: usize = 256;
const DESCRIPTION: usize = 4000;
const VALUE: usize = 250;

struct Discord;

impl Render for Discord {
    fn text(foreign: &str) -> String {
        Foreign::new(foreign).for_discord()
    }

    fn link(name: &str, url: &str) -> String {
        format!("[{name}](<{url}>)")
    }
}

/// The body of the request.
pub(super) fn message(news: &Notification, mention: &[Mention]) -> Value {
    let mention = if news.is_failure() { mention } else { &[] };
    let fields = Discord::facts(news).into_iter().map(|(name, value)| {
        // A field without a value is refused.
        let value = if value.trim().is_empty() { "-".to_owned() } else { short(&value, VALUE) };
        json!({"name": name, "value": value, "inline": true})
    });
    // Links first: what the steps found may be cut.
    let mut description = Discord::remarks(news);
    let links = Discord::links(news).join(" ");
    if !links.is_empty() {
        description.insert(0, links);
    }
    let colour = match news.status.of_commit() {
        CommitState::Success => 0x001f_883d,
        CommitState::Failure | CommitState::Error => 0x00cf_222e,
        CommitState::Pending => 0x0009_69da,
    };
    json!({
        "content": mention.iter().map(mention_mark).collect::<Vec<_>>().join(" "),
        "embeds": [{
            "title": short(&Discord::headline(news), TITLE),
            "description": short(&description.join("\n"), DESCRIPTION),
            "color": colour,
            "fields": fields.collect::<Vec<_>>(),
        }],
        "allowed_mentions": allowed_mentions(mention),
    })
}

fn mention_mark(mention: &Mention) -> String {
    match mention {
        Mention::All(who) => format!("@{who}"),
        Mention::User(id) => format!("<@{id}>"),
        Mention::Group(id) => format!("<@&{id}>"),
    }
}

/// Without this, Discord would mention whomever any text names.
fn allowed_mentions(mention: &[Mention]) -> Value {
    let all = mention.iter().any(|one| matches!(one, Mention::All(_)));
    let users: Vec<&String> =
        mention.iter().filter_map(|one| if let Mention::User(id) = one { Some(id) } else { None }).collect();
    let roles: Vec<&String> =
        mention.iter().filter_map(|one| if let Mention::Group(id) = one { Some(id) } else { None }).collect();
    json!({"parse": if all { vec!["everyone"] } else { Vec::new() }, "users": users, "roles": roles})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notification::tests::{failure, hostile, success};
    use super::*;
    use crate::hostile::{config, foreign};

    #[test]
    fn only_who_was_named_is_mentioned_and_only_after_a_failure() {
        let named = [Mention::All("here"), Mention::User("1".repeat(18)), Mention::Group("2".repeat(18))];
        let bad = message(&failure(), &named);
        assert_eq!(bad["content"], "@here <@111111111111111111> <@&222222222222222222>");
        assert_eq!(
            bad["allowed_mentions"],
            json!({"parse": ["everyone"], "users": ["1".repeat(18)], "roles": ["2".repeat(18)]})
        );
        let good = message(&success(), &named);
        assert_eq!(good["content"], "");
        assert_eq!(good["allowed_mentions"], json!({"parse": [], "users": [], "roles": []}));
        assert_eq!(good["embeds"][0]["title"], "✅ shop prd\\: v43 serves");
        let lines = bad["embeds"][0]["description"].as_str().unwrap();
        assert!(
            lines.starts_with("[Run](<https://github.example.com/org/shop/actions/runs/700/attempts/1>) [Issue]"),
            "{lines}"
        );
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn foreign_text_is_escaped_and_within_the_limits(text in foreign(), times in prop::sample::select(&[1_usize, 9, 900][..])) {
            let message = message(&hostile(&text.repeat(times)), &[]);
            let embed = &message["embeds"][0];
            let length = |value: &Value| value.as_str().unwrap().encode_utf16().count();
            let mut all = length(&embed["title"]) + length(&embed["description"]);
            prop_assert!(length(&embed["title"]) <= 256 && length(&embed["description"]) <= 4096);
            for field in embed["fields"].as_array().unwrap() {
                prop_assert!((1..=1024).contains(&length(&field["value"])));
                all += length(&field["name"]) + length(&field["value"]);
            }
            prop_assert!(all <= 6000, "{}", all);
            prop_assert_eq!(&message["allowed_mentions"]["parse"], &json!([]));
            let line = Discord::text(&text);
            let mut escaped = false;
            for character in line.chars() {
                prop_assert!(escaped || !"*_~`|<[]".contains(character), "{}", line);
                escaped = character == '\\' && !escaped;
            }
        }
    }
}
