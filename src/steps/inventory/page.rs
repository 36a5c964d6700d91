//! The page: one file that asks nobody for anything, made from the same JSON as `inventory.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::text::escape;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page that shows a document, as `inventory.json` holds it. Its policy lets nothing run but its own script, and nothing be asked for.
#[must_use]
pub fn page(document: &Value) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    let repository = escape::markup(document["repository"].as_str().unwrap_or_default());
    // What is foreign comes last: nothing is looked for in it.
    let (before, after) = PAGE.split_once("{data}").unwrap_or((PAGE, ""));
    let fill = |text: &str| {
        let text = text.replace("{policy}", &policy).replace("{style}", STYLE).replace("{script}", SCRIPT);
        text.replace("{repository}", &repository)
    };
    format!("{}{}{}", fill(before), data(document), fill(after))
}

/// JSON inside of an element `script`, which no text in it can end
/// (<https://html.spec.whatwg.org/multipage/scripting.html#restrictions-for-contents-of-script-elements>).
fn data(document: &Value) -> String {
    let json = document.to_string();
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, foreign};

    /// The data of a page, as its script reads it.
    fn read(page: &str) -> Value {
        let data = page.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
        serde_json::from_str(data).unwrap()
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn no_text_leaves_the_data(text in foreign()) {
            let document = json!({"repository": text.clone(), "targets": [{"component": text}]});
            let shown = page(&document);
            prop_assert_eq!(read(&shown), document);
            prop_assert_eq!(shown.matches("<script").count(), 2);
            prop_assert_eq!(shown.matches("</script").count(), 2);
        }
    }

    #[test]
    fn what_would_end_the_script_is_escaped() {
        let document = json!({"repository": "</script><img src=x onerror=alert(1)>{style}<!--"});
        let shown = page(&document);
        assert_eq!(read(&shown), document);
        assert!(!shown.contains("<img") && !shown.contains("<!--"), "{shown}");
    }

    #[test]
    fn nothing_is_asked_of_anybody() {
        let shown = page(&json!({"repository": "org/shop"}));
        for reference in
            ["src=", "url(", "@import", "fetch(", "XMLHttpRequest", "href=\"http", "<link", "innerHTML", "style="]
        {
            assert!(!shown.contains(reference), "{reference}");
        }
        assert!(shown.contains("default-src 'none'"));
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</script") && !SCRIPT.contains("{data}"));
    }

    /// A page of 500 deployments.
    #[test]
    fn a_page_of_500_deployments_is_light() {
        let one = |number: usize| {
            json!({
                "id": 1_000_000 + number, "at": "2026-01-13T12:00:00Z", "environment": "production", "component": "telegram-api",
                "kind": "deploy", "commit": "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2", "before": "1f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2",
                "release": "v1.12.3", "outcome": "succeeded", "run": 17_000_000_000_u64 + number as u64, "actor": "somebody",
                "to": ["dr-daily-report-telegram-api-prod:live 142"],
            })
        };
        let deployments: Vec<Value> = (0..500).map(one).collect();
        let shown = page(&json!({"repository": "org/shop", "targets": [], "deployments": deployments}));
        assert!(shown.len() < 300_000, "{} bytes", shown.len());
    }
}
