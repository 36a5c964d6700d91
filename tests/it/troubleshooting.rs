//! docs/troubleshooting.md names messages as the program writes them.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::layers::source;

/// The program's own text: every file of `src` up to its tests, with strings joined that go over several lines, and `..` in place
/// of what is filled in.
fn program() -> String {
    let files = source::files("src");
    assert!(files.len() > 100, "{} files", files.len());
    let text: String = files.iter().filter_map(|(_, text)| text.split("#[cfg(test)]").next()).collect();
    let joined = Regex::new(r"\\\n\s*").unwrap().replace_all(&text, "").into_owned();
    Regex::new(r#"\{[^{}"\n]*\}"#).unwrap().replace_all(&joined, "..").replace("\\\"", "\"")
}

#[test]
fn every_message_that_is_explained_is_one_of_the_programs() {
    let program = program();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md")).unwrap();
    let message = Regex::new(r"\*\*(.+?)\*\*").unwrap();
    let mut explained = 0;
    for entry in page.lines().filter(|line| line.starts_with("**")) {
        let (messages, _) = entry.split_once(" - ").unwrap_or((entry, ""));
        for found in message.captures_iter(messages) {
            explained += 1;
            let parts = found[1].split("..").map(|part| part.trim_matches([' ', '"', '.', '`', '(', ')']));
            for part in parts.filter(|part| part.len() > 2) {
                assert!(program.contains(part), "the program does not say {part:?}, as {:?} has it", &found[1]);
            }
        }
    }
    assert!(explained > 60, "{explained} messages");
}
