//! Where the documentation points to is there: files, and sections of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());
static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"<a id="([^"]+)""#).unwrap());

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = Vec::new();
    for folder in [".", "docs", "docs/steps", "docs/pictures"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|file| file.extension().is_some_and(|ending| ending == "md")));
    }
    let pages: BTreeMap<PathBuf, String> =
        pages.into_iter().map(|file| (plain(&file), fs::read_to_string(&file).unwrap())).collect();
    let mut broken = Vec::new();
    let mut count = 0;
    for (page, text) in &pages {
        for link in LINK.captures_iter(text).map(|found| found[1].to_owned()).filter(|link| !link.contains(':')) {
            count += 1;
            let (file, section) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() { page.clone() } else { plain(&page.parent().unwrap().join(file)) };
            let is_there = match pages.get(&to) {
                Some(text) => section.is_empty() || sections(text).contains(section),
                None => to.exists(),
            };
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(count > 100, "{count} links were found");
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What a `#` may name in a page: its ids, and its headings as GitHub makes ids of them.
fn sections(text: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = ID.captures_iter(text).map(|found| found[1].to_owned()).collect();
    let outside = text.split("```").step_by(2).flat_map(str::lines);
    for heading in
        outside.filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
    {
        let words = heading.trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        found.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
    }
    found
}
