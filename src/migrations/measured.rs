//! What is said of files beside what the tools themselves make of them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::folder::{Folder, Listing, Migration};
use super::judge::judge;
use super::judgement::{Judgement, Pending, Rules};
use super::layout::Layout;
use crate::sql::{Class, Settings};

/// `testbed/migrations/README.md` says how it was made.
const MEASURED: &str = include_str!("../../testbed/migrations/tools.yaml");

/// What a tool made of files.
#[derive(Debug, Deserialize)]
struct Tool {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    what: String,
    #[serde(default)]
    options: String,
    /// The files that were applied before.
    #[serde(default)]
    before: BTreeMap<String, String>,
    /// The files that were added, changed, or taken away.
    files: BTreeMap<String, Option<String>>,
    /// What the migrations noted, and the indexes that there are.
    did: Vec<String>,
    /// What the tool says when it fails.
    fails: Option<String>,
    /// What is found that makes the step fail.
    #[serde(default)]
    blocked: Vec<String>,
    /// Why that is not what the tool does.
    but: Option<String>,
}

/// The text of a file, as `testbed/migrations/tools.py` writes it.
fn written(file: &str, text: &str) -> String {
    text.replace("ran!", &format!("INSERT INTO kept.ran (what) VALUES ('{file}')"))
}

fn listing(files: &BTreeMap<String, String>) -> Listing {
    files.iter().map(|(file, text)| (file.clone(), written(file, text))).collect()
}

fn judged(layout: Layout, case: &Case) -> (Vec<Migration>, Judgement) {
    let mut files = case.before.clone();
    for (file, text) in &case.files {
        match text {
            Some(text) => files.insert(file.clone(), text.clone()),
            None => files.remove(file),
        };
    }
    let head = listing(&files);
    let bases = if case.before.is_empty() { vec![] } else { vec![listing(&case.before)] };
    let found = Folder::compare(layout, "", &head, &bases);
    let is_multi = case.options.contains("x-multi-statement=true");
    let pending = |one: &Migration| {
        let note = if is_multi { "-- deploy: multi-statement\n" } else { "" };
        Pending {
            name: one.written.clone(),
            content: format!("{note}{}", head[&one.file]).into_bytes(),
            migration: one.clone(),
            settings: one.beside.as_ref().map(|(_, content)| content.clone()),
            down: None,
        }
    };
    let pending: Vec<Pending> = found.pending.iter().map(pending).collect();
    let sql = Settings { postgres: 15, strict: false, same_role: false };
    let judgement = judge(&pending, &found.about, &Rules { sql, largest: 1 << 20, ownership: None });
    (found.pending, judgement)
}

/// What stops a tool stops the step, and what is not stopped does what was said, in the order that was said: or the case says why not.
#[test]
fn what_is_said_of_files_is_what_their_tools_make_of_them() {
    let tools: BTreeMap<String, Tool> = serde_saphyr::from_str(MEASURED).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, tool) in &tools {
        let layout: Layout = serde_json::from_value(name.as_str().into()).unwrap();
        for case in &tool.cases {
            seen += 1;
            let (pending, judgement) = judged(layout, case);
            let mut blocked: Vec<&str> =
                judgement.told.iter().filter(|one| one.class == Class::Blocked).map(|one| one.rule.id()).collect();
            blocked.dedup();
            let ran: Vec<&String> = case.did.iter().filter(|done| case.files.contains_key(*done)).collect();
            let said: Vec<&String> = pending.iter().map(|one| &one.file).filter(|file| ran.contains(file)).collect();
            let all_ran = pending.iter().all(|one| ran.contains(&&one.file) || !head_notes(case, &one.file));
            let is_like_the_tool = match (&case.fails, blocked.is_empty()) {
                (Some(_), is_clean) => !is_clean,
                (None, true) => said == dedup(&ran) && all_ran,
                (None, false) => false,
            };
            if blocked != case.blocked || is_like_the_tool == case.but.is_some() {
                wrong.push(format!(
                    "{name}, {}: blocked {blocked:?}, like the tool: {is_like_the_tool}, pending {said:?}, {case:?}",
                    case.what
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 150, "{seen}");
}

/// Whether a file would note that it ran.
fn head_notes(case: &Case, file: &str) -> bool {
    case.files.get(file).is_some_and(|text| text.as_ref().is_some_and(|text| text.contains("ran!")))
}

fn dedup<'c>(ran: &[&'c String]) -> Vec<&'c String> {
    let mut ran = ran.to_vec();
    ran.dedup();
    ran
}
