//! Commits and references, as a test pushes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Repository;
use crate::github::handlers::commits::AUTHOR;
use crate::github::objects::{Files, NewCommit, Person, TagObject};

impl Repository {
    /// A commit on `parents` that writes these files (path, content) over those of the first parent; its id.
    #[must_use]
    pub fn commit(&self, parents: &[&str], files: &[(&str, &str)], message: &str) -> String {
        self.add_commit(parents, files, message, Base::Parent, false)
    }

    /// A commit whose tree is exactly these files.
    #[must_use]
    pub fn commit_tree(&self, parents: &[&str], files: &[(&str, &str)], message: &str) -> String {
        self.add_commit(parents, files, message, Base::Empty, false)
    }

    /// As [`commit`](Self::commit), with a signature that GitHub has verified.
    #[must_use]
    pub fn signed_commit(&self, parents: &[&str], files: &[(&str, &str)], message: &str) -> String {
        self.add_commit(parents, files, message, Base::Parent, true)
    }

    /// A commit on top of a branch (made when there is none), which moves to it; its id.
    pub fn push(&self, branch: &str, files: &[(&str, &str)], message: &str) -> String {
        let tip = self.reference(&format!("heads/{branch}"));
        let parents: Vec<&str> = tip.iter().map(String::as_str).collect();
        let sha = self.commit(&parents, files, message);
        self.branch(branch, &sha);
        sha
    }

    /// This many commits on top of a branch, all with the same files; their ids, oldest first.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the ids")]
    pub fn history(&self, branch: &str, commits: usize) -> Vec<String> {
        self.with(|shared, repository| {
            let tip = repository.refs.get(&format!("heads/{branch}"));
            let mut parent = tip.and_then(|sha| repository.objects.place(sha));
            let files = parent.map_or_else(Files::default, |at| Arc::clone(&repository.objects.commits[at].files));
            let mut shas = Vec::with_capacity(commits);
            for number in 0..commits {
                let sha = repository.objects.add_commit(NewCommit {
                    parents: parent.into_iter().collect(),
                    message: format!("Commit {number} of {branch}"),
                    author: author(),
                    date: shared.now(),
                    verified: false,
                    files: Arc::clone(&files),
                });
                parent = repository.objects.place(&sha);
                shas.push(sha);
            }
            if let Some(last) = shas.last() {
                repository.refs.insert(format!("heads/{branch}"), last.clone());
            }
            shas
        })
    }

    /// A commit on top of a branch in which a path is a submodule at this commit; its id. Where submodules come from stands in
    /// `.gitmodules`.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn push_submodule(&self, branch: &str, path: &str, commit: &str) -> String {
        self.with(|shared, repository| {
            let reference = format!("heads/{branch}");
            let parent = repository.refs.get(&reference).and_then(|sha| repository.objects.place(sha));
            let mut files = parent.map(|at| (*repository.objects.commits[at].files).clone()).unwrap_or_default();
            files.insert(path.to_owned(), commit.to_owned());
            let sha = repository.objects.add_commit(NewCommit {
                parents: parent.into_iter().collect(),
                message: format!("Move {path}"),
                author: author(),
                date: shared.now(),
                verified: false,
                files: Arc::new(files),
            });
            repository.refs.insert(reference, sha.clone());
            sha
        })
    }

    /// What is at a path of a branch: a blob, or the commit of a submodule.
    #[must_use]
    pub fn entry(&self, branch: &str, path: &str) -> Option<String> {
        self.with(|_, repository| {
            let tip = repository.refs.get(&format!("heads/{branch}"))?;
            repository.objects.commit(tip)?.files.get(path).cloned()
        })
    }

    /// Makes or moves a branch.
    pub fn branch(&self, name: &str, sha: &str) {
        self.set_reference(&format!("heads/{name}"), sha);
    }

    /// Makes or moves a lightweight tag; `object` may be a tag object.
    pub fn tag(&self, name: &str, object: &str) {
        self.set_reference(&format!("tags/{name}"), object);
    }

    /// Makes a tag object for `object` (a commit, or a tag object: nested) and the tag that points at it; its id.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn annotated_tag(&self, name: &str, object: &str, message: &str) -> String {
        let sha = self.add_tag(name, object, message, false);
        self.tag(name, &sha);
        sha
    }

    /// As [`annotated_tag`](Self::annotated_tag), with a signature that GitHub has verified.
    #[expect(clippy::must_use_candidate, reason = "called for its effect as often as for the id")]
    pub fn signed_tag(&self, name: &str, object: &str, message: &str) -> String {
        let sha = self.add_tag(name, object, message, true);
        self.tag(name, &sha);
        sha
    }

    /// Moves a tag, as a force-push does.
    pub fn move_tag(&self, name: &str, object: &str) {
        self.tag(name, object);
    }

    /// Removes a reference: `heads/x` or `tags/x`.
    pub fn delete_reference(&self, name: &str) {
        self.with(|_, repository| repository.refs.remove(name));
    }

    /// The object a reference (`heads/x`, `tags/x`) points at.
    #[must_use]
    pub fn reference(&self, name: &str) -> Option<String> {
        self.with(|_, repository| repository.refs.get(name).cloned())
    }

    /// The commit's tree.
    #[must_use]
    pub fn tree(&self, commit: &str) -> Option<String> {
        self.with(|_, repository| repository.objects.commit(commit).map(|commit| commit.tree.clone()))
    }

    fn set_reference(&self, name: &str, sha: &str) {
        self.with(|_, repository| repository.refs.insert(name.to_owned(), sha.to_owned()));
    }

    fn add_tag(&self, name: &str, object: &str, message: &str, verified: bool) -> String {
        self.with(|shared, repository| {
            let tag = TagObject {
                sha: String::new(),
                name: name.to_owned(),
                message: message.to_owned(),
                object: object.to_owned(),
                date: shared.now(),
                verified,
            };
            repository.objects.add_tag(&author(), tag)
        })
    }

    fn add_commit(
        &self,
        parents: &[&str],
        files: &[(&str, &str)],
        message: &str,
        base: Base,
        verified: bool,
    ) -> String {
        self.with(|shared, repository| {
            let objects = &mut repository.objects;
            let parents: Vec<_> = parents.iter().filter_map(|sha| objects.place(sha)).collect();
            let mut tree: Files = match (base, parents.first()) {
                (Base::Parent, Some(at)) => Arc::clone(&objects.commits[*at].files),
                _ => Files::default(),
            };
            if !files.is_empty() {
                let mut changed: BTreeMap<String, String> = (*tree).clone();
                for (path, content) in files {
                    changed.insert((*path).to_owned(), objects.add_blob(content.as_bytes()));
                }
                tree = Arc::new(changed);
            }
            objects.add_commit(NewCommit {
                parents,
                message: message.to_owned(),
                author: author(),
                date: shared.now(),
                verified,
                files: tree,
            })
        })
    }
}

/// What a new commit's tree starts from.
#[derive(Clone, Copy)]
enum Base {
    Empty,
    Parent,
}

fn author() -> Person {
    Person { name: AUTHOR.0.to_owned(), email: AUTHOR.1.to_owned() }
}
