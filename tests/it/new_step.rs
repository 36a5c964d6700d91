//! `cargo new-step`: what it writes, and that it writes nothing where it cannot write everything.

#[path = "../../tools/new_step/plan.rs"]
mod plan;

// What it writes, compiled so that it stays right.
#[path = "../../tools/new_step/reads/test.rs"]
#[expect(dead_code, reason = "a test only once it is written under the name of a step")]
mod template_that_reads;
#[path = "../../tools/new_step/writes/test.rs"]
#[expect(dead_code, reason = "a test only once it is written under the name of a step")]
mod template_that_writes;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// The files that it adds lines to.
const LISTS: [&str; 3] = ["src/steps/mod.rs", "tests/it/main.rs", "CHANGELOG.md"];

/// The project, as far as the command looks at it.
fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in LISTS {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        put(folder.path(), file, &text);
    }
    folder
}

fn put(root: &Path, file: &str, text: &str) {
    let path = root.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn problems(root: &Path, name: &str) -> String {
    plan::files(root, name, false).unwrap_err().join("\n")
}

#[test]
fn everything_a_step_needs_is_written_under_its_name() {
    for writes in [false, true] {
        let project = project();
        let all = plan::files(project.path(), "move-domain", writes).unwrap();
        let mut expected = vec!["docs/steps/move-domain.md".to_owned(), "src/steps/move_domain.rs".to_owned()];
        expected.push("tests/it/move_domain.rs".to_owned());
        expected.extend(LISTS.map(str::to_owned));
        assert_eq!(all.iter().map(|(file, _)| file.clone()).collect::<Vec<_>>(), expected);
        for (file, text) in all.iter().filter(|(file, _)| !LISTS.contains(&file.as_str())) {
            for name in ["new-step", "new_step", "NewStep"] {
                assert!(!text.contains(name), "{file} says {name}\n{text}");
            }
        }
        let of = |wanted: &str| &all.iter().find(|(file, _)| file == wanted).unwrap().1;
        assert!(of("src/steps/move_domain.rs").contains("pub struct MoveDomain {"));
        assert!(of("tests/it/move_domain.rs").contains("\n#[tokio::test]\n"));
        assert!(of("docs/steps/move-domain.md").starts_with("# move-domain\n"));
    }
}

#[test]
fn its_lines_are_added_to_the_lists_and_nothing_else_is_changed() {
    let project = project();
    let all = plan::files(project.path(), "move-domain", false).unwrap();
    let added = |wanted: &str| -> Vec<String> {
        let before = fs::read_to_string(project.path().join(wanted)).unwrap();
        let after = &all.iter().find(|(file, _)| file == wanted).unwrap().1;
        let mut known = before.lines().peekable();
        let new = after.lines().filter(|line| known.next_if_eq(line).is_none()).map(str::to_owned).collect();
        assert_eq!(known.next(), None, "{wanted}");
        new
    };
    assert_eq!(
        added("src/steps/mod.rs"),
        ["pub mod move_domain;", "        Definition::of::<move_domain::MoveDomain>(),"]
    );
    assert_eq!(added("tests/it/main.rs"), ["mod move_domain;", "        move_domain::UNDER_TEST,"]);
    assert_eq!(added("CHANGELOG.md"), ["- The step `move-domain`: TODO what it is for."]);
    let modules = &all.iter().find(|(file, _)| file == "src/steps/mod.rs").unwrap().1;
    assert!(modules.contains("pub mod monitor;\npub mod move_domain;\npub mod notify;\n"), "{modules}");
}

#[test]
fn a_name_that_is_taken_or_no_name_is_refused() {
    let project = project();
    for (file, text) in plan::files(project.path(), "move-domain", true).unwrap() {
        put(project.path(), &file, &text);
    }
    let again = problems(project.path(), "move-domain");
    for told in [
        "docs/steps/move-domain.md is there already",
        "src/steps/move_domain.rs is there already",
        "tests/it/move_domain.rs is there already",
        "src/steps/mod.rs declares the module move_domain already",
        "tests/it/main.rs declares the module move_domain already",
    ] {
        assert!(again.contains(told), "{told}: {again}");
    }
    // The step's own files are elsewhere, and `hostile` is a module of the tests.
    assert!(problems(project.path(), "hostile").contains("tests/it/main.rs declares the module hostile already"));
    for name in ["", "Move", "move_domain", "move--domain", "-move", "2move", "move domain", "../x", "new-step"] {
        assert!(problems(project.path(), name).contains(&format!("{name:?} is ")), "{name}");
    }
}

#[test]
fn a_list_that_is_not_found_is_told_and_nothing_is_written() {
    for (file, text, told) in [
        ("src/steps/mod.rs", "mod a;\n", "src/steps/mod.rs has no line that begins with `Definition::of::<`"),
        ("src/steps/mod.rs", "fn all() {}\n", "src/steps/mod.rs declares no modules"),
        ("tests/it/main.rs", "mod a;\n", "tests/it/main.rs lists no `UNDER_TEST`"),
        ("CHANGELOG.md", "# Changelog\n", "CHANGELOG.md has no section `## Unreleased`"),
        ("CHANGELOG.md", "## Unreleased\n", "CHANGELOG.md has no section `### Added` under `## Unreleased`"),
    ] {
        let project = project();
        put(project.path(), file, text);
        assert_eq!(problems(project.path(), "move-domain"), told);
    }
}
