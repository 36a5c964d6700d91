//! The files of commits, read once each, and what differs between two.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Result;

use super::components::Components;
use super::input::ComponentsInput;
use super::words::wrong_components;
use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::github::{File, Files};
use crate::outcome::{Step, Stop};

/// A symbolic link, as git has it: its content is another path.
const LINK: &str = "120000";
/// A submodule.
const MODULE: &str = "160000";

/// The files of a commit, as patterns are asked about them: a submodule with a slash behind it, for git has one entry for it and
/// none for what is in it.
#[must_use]
pub fn list(files: &Files) -> Vec<String> {
    files.files.iter().map(|(path, file)| as_listed(path, [Some(file), None])).collect()
}

fn as_listed(path: &str, at: [Option<&File>; 2]) -> String {
    let module = at.into_iter().flatten().any(|file| file.mode == MODULE);
    if module { format!("{path}/") } else { path.to_owned() }
}

/// The files that differ between two commits, as [`listed`], sorted: changed, added and removed ones, with their modes, links and
/// submodules, so that a file that was renamed is there by both names. Nothing if GitHub gave not all of them.
#[must_use]
pub fn differing(one: &Files, other: &Files) -> Option<Vec<String>> {
    if one.commit == other.commit {
        return Some(Vec::new());
    }
    if one.truncated || other.truncated {
        return None;
    }
    let both = |path: &String| [one.files.get(path), other.files.get(path)];
    let gone = one.files.keys().filter(|path| !other.files.contains_key(*path));
    let changed = other.files.iter().filter(|(path, file)| one.files.get(*path) != Some(file)).map(|(path, _)| path);
    let mut differing: Vec<String> = gone.chain(changed).map(|path| as_listed(path, both(path))).collect();
    differing.sort_unstable();
    Some(differing)
}

/// The trees that were read so far.
#[derive(Debug, Default)]
pub struct Trees(RefCell<HashMap<CommitSha, Option<Rc<Files>>>>);

impl Trees {
    /// The files of a commit; nothing if GitHub has no such commit.
    pub async fn of(&self, cx: &Context, commit: &CommitSha) -> Result<Option<Rc<Files>>> {
        if let Some(known) = self.0.borrow().get(commit) {
            return Ok(known.clone());
        }
        let read = cx.github().await?.files(commit).await?.map(Rc::new);
        self.0.borrow_mut().insert(commit.clone(), read.clone());
        Ok(read)
    }

    /// The components as they are given: those of a file are read from this commit. A refusal where there are none.
    pub async fn components(&self, cx: &Context, input: &ComponentsInput, commit: &CommitSha) -> Step<Components> {
        let path = match input {
            ComponentsInput::Inline(_, components) => return Ok(components.clone()),
            ComponentsInput::File(path) => path,
        };
        let at = commit.short();
        let refuse = |why: String| Stop::from(wrong_components(&why));
        let files = self.of(cx, commit).await?.ok_or_else(|| refuse(format!("GitHub has no commit {at}")))?;
        let file = match files.files.get(path) {
            Some(file) if file.mode == LINK => {
                return Err(refuse(format!("{path} of commit {at} is a link, not a file")));
            }
            Some(file) => file,
            None if files.truncated => {
                return Err(refuse(format!(
                    "{path} of commit {at} was not found: the repository has more files than GitHub lists"
                )));
            }
            None => return Err(refuse(format!("there is no file {path} in commit {at}"))),
        };
        let content = cx.github().await?.blob(path, &file.sha).await?;
        let text = String::from_utf8(content)
            .map_err(|_not_text| refuse(format!("{path} of commit {at} is not UTF-8 text")))?;
        Components::read(&text).map_err(|error| refuse(format!("{path} of commit {at}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::config;

    type Rows = &'static [(&'static str, &'static str, &'static str)];

    /// Files by path, mode and content, of a commit.
    fn tree(commit: &str, files: &[(&str, &str, &str)]) -> Files {
        let file = |mode: &str, sha: &str| File { mode: mode.to_owned(), sha: sha.to_owned() };
        Files {
            commit: commit.repeat(40).parse().unwrap(),
            truncated: false,
            files: files.iter().map(|(path, mode, sha)| ((*path).to_owned(), file(mode, sha))).collect(),
        }
    }

    #[test]
    fn everything_that_git_keeps_of_a_file_counts() {
        let base =
            tree("a", &[("a", "100644", "1"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "4")]);
        let table: [(&str, Rows, &[&str]); 6] = [
            (
                "nothing",
                &[("a", "100644", "1"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "4")],
                &[],
            ),
            (
                "content",
                &[("a", "100644", "9"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "4")],
                &["a"],
            ),
            (
                "mode",
                &[("a", "100755", "1"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "4")],
                &["a"],
            ),
            (
                "link",
                &[("a", "100644", "1"), ("b", "100644", "2"), ("c", "120000", "9"), ("sub", "160000", "4")],
                &["c"],
            ),
            (
                "submodule",
                &[("a", "100644", "1"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "9")],
                &["sub/"],
            ),
            (
                "rename",
                &[("z", "100644", "1"), ("b", "100644", "2"), ("c", "120000", "3"), ("sub", "160000", "4")],
                &["a", "z"],
            ),
        ];
        for (what, files, expected) in table {
            let head = tree("b", files);
            assert_eq!(differing(&base, &head).unwrap(), expected, "{what}");
            assert_eq!(differing(&head, &base).unwrap(), expected, "{what} back");
        }
    }

    #[test]
    fn a_tree_that_is_not_whole_tells_nothing_unless_it_is_of_the_same_commit() {
        let (one, other) = (tree("a", &[("a", "100644", "1")]), tree("b", &[("a", "100644", "2")]));
        let cut = Files { truncated: true, ..one.clone() };
        assert_eq!(differing(&cut, &other), None);
        assert_eq!(differing(&other, &cut), None);
        assert_eq!(differing(&one, &cut), Some(Vec::new()));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_differs_is_what_is_not_the_same_on_both_sides(
            one in prop::collection::btree_map("[a-c]{1,2}", "[12]", 0..8),
            other in prop::collection::btree_map("[a-c]{1,2}", "[12]", 0..8),
        ) {
            let of = |commit: &str, files: &std::collections::BTreeMap<String, String>| {
                tree(commit, &files.iter().map(|(path, sha)| (path.as_str(), "100644", sha.as_str())).collect::<Vec<_>>())
            };
            let found = differing(&of("a", &one), &of("b", &other)).unwrap();
            let paths: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            let expected: Vec<String> = paths.into_iter().filter(|path| one.get(*path) != other.get(*path)).cloned().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
