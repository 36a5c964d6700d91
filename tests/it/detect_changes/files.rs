//! Files of every kind and number.

use crate::messages::message;
use serde_json::{Value, json};
use testbed::github::Fault;

use super::{SHOP, World, because, selects};

/// A commit deployed and another on top of it, whose trees are given entry by entry: path, mode, kind and object.
async fn of_trees(
    world: &World,
    deployed: &[(&str, &str, &str, &str)],
    head: &[(&str, &str, &str, &str)],
) -> testbed::runner::Report {
    of_trees_by(world, "shop: {paths: ['src/**', lib]}", deployed, head).await
}

async fn of_trees_by(
    world: &World,
    components: &str,
    deployed: &[(&str, &str, &str, &str)],
    head: &[(&str, &str, &str, &str)],
) -> testbed::runner::Report {
    let commits = [("old", deployed), ("new", head)].map(|(content, entries)| {
        let commit = world.push(&[("src/a", content)]);
        let listed: Vec<Value> = entries
            .iter()
            .map(|(path, mode, kind, sha)| json!({"path": path, "mode": mode, "type": kind, "sha": sha.repeat(40), "url": null}))
            .collect();
        let tree = json!({"sha": commit, "url": "https://github.example.com", "tree": listed, "truncated": false});
        world.github.fault(Fault::on("GET", &format!("/git/trees/{commit}")).unwrap().status(200).body(tree).always());
        commit
    });
    world.record("shop", &commits[0], &["success"]);
    world.detect(components, &commits[1]).run().await
}

const FILE: (&str, &str, &str, &str) = ("src/a", "100644", "blob", "a");
const MODULE: (&str, &str, &str, &str) = ("lib", "160000", "commit", "b");
const LINK: (&str, &str, &str, &str) = ("src/l", "120000", "blob", "c");
const FOLDER: (&str, &str, &str, &str) = ("src", "040000", "tree", "d");

#[tokio::test]
async fn submodules_links_and_modes_are_changes() {
    let base = [FOLDER, FILE, MODULE, LINK];
    let world = World::new().await;
    // A folder is no file: its files tell.
    let folder = [("src", "040000", "tree", "e"), FILE, MODULE, LINK];
    selects(&of_trees(&world, &base, &folder).await, &[]);
    let table = [
        ("lib", [FOLDER, FILE, ("lib", "160000", "commit", "e"), LINK]),
        ("src/a", [FOLDER, ("src/a", "100755", "blob", "a"), MODULE, LINK]),
        ("src/l", [FOLDER, FILE, MODULE, ("src/l", "120000", "blob", "e")]),
        ("src/l", [FOLDER, FILE, MODULE, ("src/l", "100644", "blob", "c")]),
    ];
    for (path, head) in table {
        let report = of_trees(&world, &base, &head).await;
        selects(&report, &["shop"]);
        because(&report, "shop", &format!("{path} differs"));
    }
}

#[tokio::test]
async fn a_file_that_leaves_or_comes_is_a_change() {
    let world = World::new().await;
    let two = "shop: {paths: ['src/**']}\ndocs: {paths: ['docs/**']}";
    let commit = |files: &[(&str, &str)]| world.repository.commit_tree(&[], files, "Files");
    let (in_docs, in_src) = (commit(&[("docs/a", "1"), ("src/x", "1")]), commit(&[("src/a", "1"), ("src/x", "1")]));
    let without = commit(&[("src/x", "1")]);
    for (base, head, expected) in [
        (&in_docs, &in_src, &["shop", "docs"][..]),
        (&in_src, &in_docs, &["shop", "docs"]),
        (&in_docs, &without, &["docs"]),
        (&without, &in_src, &["shop"]),
    ] {
        world.record("shop", base, &["success"]);
        world.record("docs", base, &["success"]);
        selects(&world.detect(two, head).run().await, expected);
    }
}

#[tokio::test]
async fn patterns_are_read_in_their_order() {
    let world = World::new().await;
    let deployed = world.push(&[("src/a.py", "1"), ("src/a.md", "1"), ("a.md", "1")]);
    world.record("shop", &deployed, &["success"]);
    let documents = world.repository.commit(&[&deployed], &[("src/a.md", "2"), ("a.md", "2")], "Write");
    let code = world.repository.commit(&[&deployed], &[("src/a.md", "2"), ("src/a.py", "2")], "Program");
    let components = "shop: {paths: ['src/**', '!**/*.md']}";
    selects(&world.detect(components, &documents).input("unmatched", "ignore").run().await, &[]);
    let report = world.detect(components, &code).run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", "src/a.py differs");
    let again = "shop: {paths: ['src/**', '!**/*.md', 'src/a.md']}";
    selects(&world.detect(again, &documents).input("unmatched", "ignore").run().await, &["shop"]);
    let report = world.detect("shop: {paths: ['!**/*.md', 'src/**']}", &documents).run().await;
    report.assert_verdict("error", 2);
    assert!(report.error().message.contains("write it behind those"), "{report}");
}

#[tokio::test]
async fn a_submodule_fits_its_name_and_what_is_in_it() {
    let world = World::new().await;
    let modules = ["a", "b"].map(|sha| ("vendor/lib", "160000", "commit", sha));
    for paths in ["vendor/lib", "'vendor/lib/**'", "'vendor/**'"] {
        let components = format!("shop: {{paths: ['src/**', {paths}]}}");
        let report = of_trees_by(&world, &components, &[FILE, modules[0]], &[FILE, modules[1]]).await;
        selects(&report, &["shop"]);
        because(&report, "shop", "vendor/lib differs");
        assert!(report.annotations.is_empty(), "{report}");
    }
}

#[tokio::test]
async fn a_pattern_that_names_a_folder_letter_by_letter_is_refused_with_the_escape() {
    let world = World::new().await;
    let deployed = world.push(&[("app/blog/[slug]/page.tsx", "1"), ("app/blog/s/page.tsx", "1")]);
    world.record("shop", &deployed, &["success"]);
    let head = world.repository.commit(&[&deployed], &[("app/blog/[slug]/page.tsx", "2")], "Change");
    let report = world.detect("shop: {paths: ['app/blog/[slug]/**']}", &head).run().await;
    report.assert_verdict("error", 2).assert_runner_safe();
    assert!(report.error().message.contains(r"write `app/blog/\[slug\]/**`"), "{report}");
    let escaped = r"shop: {paths: ['app/blog/\[slug\]/**']}";
    selects(&world.detect(escaped, &head).run().await, &["shop"]);
}

#[tokio::test]
async fn what_repeats_and_what_is_either_is_read_as_in_a_workflow() {
    let world = World::new().await;
    let deployed = world.push(&[("v12/a", "1"), ("page.jsx", "1"), ("src/a", "1")]);
    world.record("shop", &deployed, &["success"]);
    for path in ["v12/a", "page.jsx"] {
        let head = world.repository.commit(&[&deployed], &[(path, "2")], "Change");
        let components = "shop: {paths: ['v[0-9]+/**', '*.jsx?', '{src,lib}/**']}";
        let report = world.detect(components, &head).run().await;
        selects(&report, &["shop"]);
        let idle = message("pattern-without-files", &["", "`lib/**` in `{src,lib}/**` of shop"]);
        assert!(report.warning().message.contains(&idle), "{report}");
    }
}

#[tokio::test]
async fn names_are_compared_as_they_are() {
    let world = World::new().await;
    let deployed = world.push(&[("src/a", "1")]);
    world.record("shop", &deployed, &["success"]);
    let hostile = "src/::error::x\n##[error]y`|<b>\u{202e}z";
    for path in ["src/.env", "src/.github/.x", "src/a b.py", "src/grün/ß.py", "src/line\nfeed", hostile] {
        let head = world.repository.commit(&[&deployed], &[(path, "1")], "Add");
        let report = world.detect(SHOP, &head).run().await;
        selects(&report, &["shop"]);
    }
    for path in ["SRC/a", "Src/a", "xsrc/a", "src.py"] {
        let head = world.repository.commit(&[&deployed], &[(path, "1")], "Add");
        selects(&world.detect(SHOP, &head).input("unmatched", "ignore").run().await, &[]);
    }
}

/// As many as a workflow's own `paths` stops at, as a comparison stops at, and as GitHub lists at most.
#[tokio::test]
async fn however_many_files_changed_all_are_seen() {
    let world = World::new().await;
    let deployed = world.push(&[("src/z", "1")]);
    world.record("shop", &deployed, &["success"]);
    for count in [301, 3_001] {
        let names: Vec<String> = (0..count).map(|number| format!("docs/{number:06}")).collect();
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let head = world.repository.commit(&[&deployed], &files, "Write");
        selects(&world.detect(SHOP, &head).input("unmatched", "ignore").run().await, &[]);
        files.push(("src/z", "2"));
        let head = world.repository.commit(&[&deployed], &files, "Write, and change one");
        let report = world.detect(SHOP, &head).input("unmatched", "ignore").run().await;
        selects(&report, &["shop"]);
        because(&report, "shop", "src/z differs");
    }
}

#[tokio::test]
async fn a_hundred_thousand_files_are_compared_and_one_more_is_all() {
    let world = World::new().await;
    let names: Vec<String> = (0..99_998).map(|number| format!("d/{number}")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let deployed = world.repository.commit_tree(&[], &files, "Many");
    world.record("shop", &deployed, &["success"]);
    // With its folder, and this, they are 100,000.
    files.push(("x", "1"));
    let head = world.repository.commit_tree(&[], &files, "One more");
    let report = world.detect(SHOP, &head).input("unmatched", "ignore").run().await;
    selects(&report, &[]);
    files.push(("y", "1"));
    let head = world.repository.commit_tree(&[], &files, "Too many");
    let report = world.detect(SHOP, &head).input("unmatched", "ignore").input("no-base", "fail").run().await;
    selects(&report, &["shop"]);
    because(&report, "shop", "there are more than GitHub lists");
}

#[tokio::test]
async fn a_list_that_is_not_whole_selects_all_but_for_the_commit_that_is_deployed() {
    let world = World::new().await;
    let deployed = world.push(&[("a", "1"), ("b", "1"), ("src/z", "1")]);
    world.record("shop", &deployed, &["success"]);
    let head = world.push(&[("a", "2")]);
    world.repository.truncate_trees(2);
    let report = world.detect(SHOP, &head).input("unmatched", "ignore").run().await;
    selects(&report, &["shop"]);
    assert!(report.annotations.is_empty(), "patterns are not judged by a part: {report}");
    selects(&world.detect(SHOP, &deployed).run().await, &[]);
    // A file of components that is not among what is listed is not said to be missing.
    let report = world.detect("src/z", &head).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("more files than GitHub lists"), "{report}");
}
