//! docs/troubleshooting.md explains every message that has an id, under its words.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::messages::MESSAGES;

/// Words of AWS that are explained too.
const OF_AWS: [&str; 4] = [
    ".. Lambda does not have permission to access the ECR image",
    "CodeVerificationFailedException",
    "InvalidCodeSignatureException",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
];

/// The headings of the page by the id that stands before them, and those without one.
fn headings() -> (BTreeMap<String, String>, Vec<String>) {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md")).unwrap();
    let heading = Regex::new(r#"(?:<a id="([^"]+)"></a>|<!-- ([^ ]+) -->)?\*\*(.+?)\*\*"#).unwrap();
    let entries = page.lines().filter(|line| ["**", "<a id=", "<!-- "].iter().any(|begin| line.starts_with(begin)));
    let (mut explained, mut others) = (BTreeMap::new(), Vec::new());
    for entry in entries {
        let (messages, _) = entry.split_once(" - ").unwrap_or((entry, ""));
        for found in heading.captures_iter(messages) {
            match found.get(1).or(found.get(2)) {
                Some(id) => drop(explained.insert(id.as_str().to_owned(), found[3].to_owned())),
                None => others.push(found[3].to_owned()),
            }
        }
    }
    (explained, others)
}

/// Whether a heading, with `..` for what differs, is the message or a part of it.
fn is_heading_of(heading: &str, message: &str) -> bool {
    let parts = heading.split("..").map(|part| part.trim_matches([' ', '"', '.', '`', '(', ')']));
    parts
        .filter(|part| !part.is_empty())
        .try_fold(message, |rest, part| rest.split_once(part).map(|(_, rest)| rest))
        .is_some()
}

#[test]
fn every_message_with_an_id_is_explained_in_its_words() {
    let (explained, others) = headings();
    let wrong: Vec<String> = MESSAGES
        .iter()
        .flat_map(|(id, texts)| texts.iter().map(move |text| (id, text)))
        .filter(|(id, text)| !explained.get(*id).is_some_and(|heading| is_heading_of(heading, text)))
        .map(|(id, text)| format!("{id}: {text:?} is not headed {:?}", explained.get(id)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let gone: Vec<&String> = explained.keys().filter(|id| !MESSAGES.contains_key(*id)).collect();
    assert!(gone.is_empty(), "no message has the id {gone:?}");
    assert!(explained.len() > 130, "{} messages", explained.len());
    assert_eq!(others, OF_AWS);
}

#[test]
fn an_id_is_in_kebab_case() {
    let kebab = Regex::new("^[a-z]+(-[a-z]+)*$").unwrap();
    assert!(MESSAGES.keys().all(|id| kebab.is_match(id)), "{:?}", MESSAGES.keys());
}
