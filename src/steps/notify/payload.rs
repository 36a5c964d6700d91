//! The messages for programs and for mail: signed JSON for a webhook, plain text for SNS.

use hmac::{Hmac, Mac as _};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::notification::{AtPlace, Notification};
use super::render::Render;
use super::text::short;
use crate::aws::sns::{Message, SUBJECT};
use crate::text::Foreign;
use crate::text::secrets::Secret;

/// The most bytes of one line that a step said, and of a message to SNS, which takes 256 KiB.
const LINE: usize = 4096;
const TEXT: usize = 64 * 1024;
/// The most details.
const DETAILS: usize = 20;

/// The body for a webhook.
pub(super) fn body(news: &Notification) -> Value {
    let details: Vec<Value> = news
        .details
        .iter()
        .take(DETAILS)
        .map(|one| json!({"step": line(&one.step), "verdict": line(&one.verdict), "reason": line(&one.reason)}))
        .collect();
    json!({
        "schema": 1,
        "event": "deployment",
        "delivery": delivery(news),
        "repository": news.repository,
        "environment": news.environment,
        "component": news.component,
        "status": news.status,
        "outcome": line(&news.outcome()),
        "version": news.version.as_deref().map(line),
        "commit": news.commit,
        "rollback": news.rollback(),
        "changed": news.changed,
        "changes": news.changes_url,
        "address": news.address,
        "text": news.text.as_deref().map(line),
        "places": news.places.iter().take(DETAILS).map(place).collect::<Vec<_>>(),
        "actor": news.actor.as_deref().map(line),
        "run": news.run.map(|run| json!({"id": run.id, "attempt": run.attempt, "url": news.run_url})),
        "issue": news.issue.as_ref().map(|(_, url)| url),
        "details": details,
    })
}

fn place(at: &AtPlace) -> Value {
    json!({"place": line(&at.place), "outcome": line(&at.outcome)})
}

/// The same for every delivery of the same news, so that a receiver can tell one that comes twice.
pub(super) fn delivery(news: &Notification) -> String {
    let told = json!([
        news.repository,
        news.environment,
        news.component,
        news.run.map(|run| run.id),
        news.run.map(|run| run.attempt),
        news.status,
        news.outcome()
    ]);
    format!("{:x}", Sha256::digest(told.to_string()))[..32].to_owned()
}

/// The headers of one delivery. The signature is over the time and the body, so that an old message cannot be sent again later.
pub(super) fn headers(body: &str, delivery: &str, key: Option<&Secret>, now: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("x-deploy-action-delivery", delivery);
    add("x-deploy-action-timestamp", &now.to_string());
    if let Some(key) = key {
        add("x-deploy-action-signature", &format!("sha256={}", signature(key, now, body)));
    }
    headers
}

/// HMAC-SHA256 of `<timestamp>.<body>`, in hexadecimal digits.
fn signature(key: &Secret, now: i64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(format!("{now}.{body}").as_bytes());
    format!("{:x}", mac.finalize().into_bytes())
}

struct Mail;

impl Render for Mail {
    fn text(foreign: &str) -> String {
        line(foreign)
    }
}

/// The message for SNS, whose subscribers are people with mail as often as programs.
pub(super) fn mail(news: &Notification) -> Message {
    Message {
        subject: subject(&news.headline()),
        text: crate::text::truncated(&format!("{}\n", Mail::all(news)), TEXT),
        group: news.place().replace('/', ".").chars().take(128).collect(),
        deduplication: delivery(news),
    }
}

/// Printable ASCII, as SNS asks for: everything else becomes `?`.
fn subject(headline: &str) -> String {
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    let ascii: String = line(headline).chars().filter(|c| *c != '\u{200b}').map(plain).collect();
    short(&ascii, SUBJECT - 1).replace('…', "~")
}

/// One line of foreign text, without secrets and account ids.
fn line(foreign: &str) -> String {
    Foreign::new(foreign).for_record(LINE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::notification::tests::{failure, hostile, success};
    use super::*;
    use crate::hostile::{assert_harmless, config, foreign};
    use crate::record::Run;

    #[test]
    fn the_signature_is_what_the_documentation_computes() {
        // printf '1763751845.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let key = Secret::new("0123456789abcdef0123456789abcdef");
        let signed = headers("{\"a\":1}", "d", Some(&key), 1_763_751_845);
        assert_eq!(
            signed["x-deploy-action-signature"],
            "sha256=800ef59f9a1155ba457f56ae976ede37dd056c885ee8c5b1220190b05102c21d"
        );
        assert_eq!(signed["x-deploy-action-timestamp"], "1763751845");
        let unsigned = headers("{}", "d", None, 1);
        assert!(!unsigned.contains_key("x-deploy-action-signature"));
    }

    #[test]
    fn the_same_news_has_the_same_delivery() {
        assert_eq!(delivery(&failure()), delivery(&failure()));
        let others = [
            success(),
            Notification { run: Some(Run { id: 700, attempt: 2 }), ..failure() },
            Notification { component: "orders".to_owned(), ..failure() },
        ];
        for other in others {
            assert_ne!(delivery(&other), delivery(&failure()));
        }
    }

    #[test]
    fn programs_are_told_facts() {
        let body = body(&failure());
        assert_eq!(body["status"], "failure");
        assert_eq!(body["outcome"], "failed; rolled back to v41");
        assert_eq!(body["rollback"], "succeeded");
        assert_eq!(body["run"]["id"], 700);
        assert_eq!(body["details"][0]["step"], "health-check-with-backoff");
        assert_eq!(super::body(&success())["rollback"], Value::Null);
    }

    #[test]
    fn people_are_told_in_plain_text() {
        let mail = mail(&failure());
        assert_eq!(mail.subject, "shop prd: failed; rolled back to v41");
        assert!(mail.text.contains("Commit: 8f3c1b2a9d4e\nRollback: succeeded\n"), "{}", mail.text);
        assert!(mail.text.contains("\nhealth-check-with-backoff: fail: https://shop"), "{}", mail.text);
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn foreign_text_is_within_the_limits(text in foreign(), times in prop::sample::select(&[1_usize, 9, 900][..])) {
            let news = hostile(&text.repeat(times));
            let mail = mail(&news);
            prop_assert!(mail.subject.len() < 100 && mail.subject.chars().all(|c| c.is_ascii() && !c.is_ascii_control()));
            prop_assert!(!mail.subject.is_empty() && mail.text.len() <= 256 * 1024);
            prop_assert!(mail.group.len() <= 128 && mail.deduplication.len() <= 128);
            assert_harmless(&mail.text);
            prop_assert!(body(&news).to_string().len() <= 512 * 1024);
        }
    }
}
