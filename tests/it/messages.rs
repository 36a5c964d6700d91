//! The messages that docs/troubleshooting.md explains, as the source words them: tests name them by their ids.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::layers::source;

/// The texts of `message!` and `message_str!`, by id, with `{..}` where something is filled in.
pub(crate) static MESSAGES: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    let text = Regex::new(r#"message(?:_str)?!\(\s*"([^"]+)",\s*"((?:[^"\\]|\\[\s\S])*)""#).unwrap();
    let continued = Regex::new(r"\\\n\s*").unwrap();
    let mut messages = BTreeMap::<String, Vec<String>>::new();
    for (file, source) in source::files("src") {
        for found in text.captures_iter(&source).filter(|_| !file.ends_with("message.rs")) {
            let words = continued.replace_all(&found[2], "").replace("\\\"", "\"");
            messages.entry(found[1].to_owned()).or_default().push(words);
        }
    }
    messages
});

/// Whether the message of this id stands in a text, whatever is filled in.
pub(crate) fn says(text: &str, id: &str) -> bool {
    let place = Regex::new(r"\{[^{}]*\}").unwrap();
    let texts = MESSAGES.get(id).unwrap_or_else(|| panic!("no message has the id {id}"));
    texts.iter().any(|message| {
        let words: Vec<String> = place.split(message).map(regex::escape).collect();
        Regex::new(&format!("(?s){}", words.join(".*?"))).unwrap().is_match(text)
    })
}

/// The message of this id with what is filled in, in its order. Of several with the same id, the one in which so much is filled in.
pub(crate) fn message(id: &str, filled_in: &[&str]) -> String {
    let place = Regex::new(r"\{[^{}]*\}").unwrap();
    let texts = MESSAGES.get(id).unwrap_or_else(|| panic!("no message has the id {id}"));
    let text = texts.iter().find(|text| place.find_iter(text).count() == filled_in.len());
    let text = text.unwrap_or_else(|| panic!("{id} does not take {filled_in:?}: {texts:?}"));
    let mut values = filled_in.iter();
    let whole = place.replace_all(text, |_: &regex::Captures<'_>| *values.next().unwrap());
    whole.replace("{{", "{").replace("}}", "}")
}
