//! Comparing commits: reachability over long histories, and changed files.

use std::collections::BTreeMap;

use super::objects::{Commit, Objects};

/// What lies between two commits.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Commits of the head that the base lacks, oldest first.
    pub(crate) ahead: Vec<usize>,
    /// How many commits of the base the head lacks.
    pub(crate) behind: usize,
    /// `None` when the histories have nothing in common.
    pub(crate) merge_base: Option<usize>,
}

impl Comparison {
    pub(crate) fn status(&self) -> &'static str {
        match (self.ahead.is_empty(), self.behind) {
            (true, 0) => "identical",
            (true, _) => "behind",
            (false, 0) => "ahead",
            (false, _) => "diverged",
        }
    }
}

/// One file between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) previous: Option<String>,
    pub(crate) sha: String,
    pub(crate) status: &'static str,
    pub(crate) additions: usize,
    pub(crate) deletions: usize,
}

/// Compares two commits, in time linear in the history: a parent always stands before its children, so one walk down
/// the list of commits marks everything reachable.
pub(crate) fn compare(objects: &Objects, base: usize, head: usize) -> Comparison {
    let (of_base, of_head) = (reachable(objects, base), reachable(objects, head));
    let places = 0..objects.commits.len();
    Comparison {
        ahead: places.clone().filter(|at| of_head[*at] && !of_base[*at]).collect(),
        behind: places.clone().filter(|at| of_base[*at] && !of_head[*at]).count(),
        merge_base: places.rev().find(|at| of_base[*at] && of_head[*at]),
    }
}

/// All commits that `from` reaches, newest first.
pub(crate) fn history(objects: &Objects, from: usize) -> Vec<usize> {
    let marks = reachable(objects, from);
    (0..=from).rev().filter(|at| marks[*at]).collect()
}

fn reachable(objects: &Objects, from: usize) -> Vec<bool> {
    let mut marks = vec![false; objects.commits.len()];
    marks[from] = true;
    for at in (0..=from).rev().filter(|at| *at < objects.commits.len()) {
        if marks[at] {
            for parent in &objects.commits[at].parents {
                marks[*parent] = true;
            }
        }
    }
    marks
}

/// Changed files from one commit's tree to another's, by path; a moved file of the same content is `renamed`.
pub(crate) fn changes(objects: &Objects, from: Option<&Commit>, to: &Commit) -> Vec<Change> {
    let nothing = BTreeMap::new();
    let old = from.map_or(&nothing, |commit| &*commit.files);
    let mut removed: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, sha) in old.iter().filter(|(path, _)| !to.files.contains_key(*path)) {
        removed.entry(sha).or_default().push(path);
    }
    let mut found = Vec::new();
    for (path, sha) in to.files.iter() {
        let before = old.get(path);
        if before == Some(sha) {
            continue;
        }
        let renamed = match before {
            None => removed.get_mut(sha.as_str()).and_then(Vec::pop),
            Some(_) => None,
        };
        let (additions, deletions) = match (before, renamed) {
            (Some(before), _) => lines_between(objects, before, sha),
            (None, Some(_)) => (0, 0),
            (None, None) => (lines(objects, sha).len(), 0),
        };
        found.push(Change {
            path: path.clone(),
            previous: renamed.map(str::to_owned),
            sha: sha.clone(),
            status: match (before, renamed) {
                (Some(_), _) => "modified",
                (None, Some(_)) => "renamed",
                (None, None) => "added",
            },
            additions,
            deletions,
        });
    }
    for (sha, paths) in removed {
        found.extend(paths.into_iter().map(|path| Change {
            path: path.to_owned(),
            previous: None,
            sha: sha.to_owned(),
            status: "removed",
            additions: 0,
            deletions: lines(objects, sha).len(),
        }));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn lines<'a>(objects: &'a Objects, sha: &str) -> Vec<&'a [u8]> {
    let content = objects.blobs.get(sha).map_or(&[][..], Vec::as_slice);
    content.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Added and deleted lines, counted without regard to their order.
fn lines_between(objects: &Objects, before: &str, after: &str) -> (usize, usize) {
    let mut left = lines(objects, before);
    let mut additions = 0;
    for line in lines(objects, after) {
        match left.iter().position(|candidate| *candidate == line) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => additions += 1,
        }
    }
    (additions, left.len())
}
