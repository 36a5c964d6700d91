//! Commits: which came first, and what tree they hold.

use anyhow::Result;
use serde::Deserialize;
use time::OffsetDateTime;

use super::client::{Github, PAGE};
use super::error::{GithubError, Kind};
use super::moment;
use crate::action::inputs::CommitSha;
use crate::calls::enumeration;

enumeration! {
    /// Where a commit stands to another.
    Ancestry of "the status of a comparison" {
        /// It is the same.
        Same = "identical",
        /// It comes after: the other is its ancestor.
        Newer = "ahead",
        /// It comes before: it is an ancestor of the other.
        Older = "behind",
        /// Neither: their histories parted.
        Diverged = "diverged",
    }
}

/// What GitHub says of a signature.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Verification {
    /// Whether it is good.
    pub verified: bool,
    /// `valid`, or why not: `unsigned unknown_key expired_key ..`.
    pub reason: String,
}

/// A commit as a list tells it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its name.
    pub sha: CommitSha,
    /// What its author wrote.
    pub message: String,
    /// The names of its parents: several for a merge.
    pub parents: Vec<String>,
}

impl Change {
    /// The first line of its message.
    #[must_use]
    pub fn title(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// A commit of the default branch.
#[derive(Clone, Debug)]
pub struct Landed {
    /// Its name.
    pub sha: CommitSha,
    /// The names of its parents.
    pub parents: Vec<String>,
    /// When it was committed.
    pub at: Option<OffsetDateTime>,
}

impl Github {
    /// The newest hundred commits of the default branch, newest first.
    /// <https://docs.github.com/en/rest/commits/commits#list-commits>
    pub async fn newest_commits(&self) -> Result<Vec<Landed>> {
        #[derive(Deserialize)]
        struct Listed {
            sha: CommitSha,
            commit: Inner,
            #[serde(default)]
            parents: Vec<Parent>,
        }
        #[derive(Deserialize)]
        struct Inner {
            committer: Option<Person>,
        }
        #[derive(Deserialize)]
        struct Person {
            date: Option<String>,
        }
        #[derive(Deserialize)]
        struct Parent {
            sha: String,
        }
        let listed = self.list("list the newest commits", "commits", |_: &[Listed]| true).await?;
        let landed = listed.into_iter().map(|one| Landed {
            sha: one.sha,
            parents: one.parents.into_iter().map(|parent| parent.sha).collect(),
            at: one.commit.committer.and_then(|person| moment(&person.date?)),
        });
        Ok(landed.collect())
    }

    /// The newest commits that came between two, at most this many, oldest first; and how many came in all.
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn commits_since(&self, base: &CommitSha, head: &CommitSha, most: usize) -> Result<(Vec<Change>, usize)> {
        #[derive(Deserialize)]
        struct Page {
            total_commits: usize,
            commits: Vec<Listed>,
        }
        #[derive(Deserialize)]
        struct Listed {
            sha: CommitSha,
            commit: Message,
            parents: Vec<Parent>,
        }
        #[derive(Deserialize)]
        struct Message {
            message: String,
        }
        #[derive(Deserialize)]
        struct Parent {
            sha: String,
        }
        let what = format!("list the commits from {} to {}", base.short(), head.short());
        let page = async |page: usize| {
            let route = format!("compare/{base}...{head}?per_page={PAGE}&page={page}");
            self.get::<Page>(&what, &route).await
        };
        let first = page(1).await?;
        let (total, mut listed) = (first.total_commits, first.commits);
        let begin = total.saturating_sub(most) / PAGE + 1;
        if begin > 1 {
            listed.clear();
        }
        for number in begin.max(2)..=total.div_ceil(PAGE) {
            listed.extend(page(number).await?.commits);
        }
        let newest = listed.split_off(listed.len().saturating_sub(most));
        let newest = newest.into_iter().map(|one| Change {
            sha: one.sha,
            message: one.commit.message,
            parents: one.parents.into_iter().map(|parent| parent.sha).collect(),
        });
        Ok((newest.collect(), total))
    }

    /// The names of the files that a commit changed, the former ones of what it renamed too; at most a thousand files.
    /// <https://docs.github.com/en/rest/commits/commits#get-a-commit>
    pub async fn changed_files(&self, commit: &CommitSha) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Commit {
            #[serde(default)]
            files: Vec<File>,
        }
        #[derive(Deserialize)]
        struct File {
            filename: String,
            previous_filename: Option<String>,
        }
        let what = format!("read the files that commit {} changed", commit.short());
        let files =
            self.pages(&what, &format!("commits/{commit}"), |page: Commit| page.files, |_| false).await?.entries;
        Ok(files.into_iter().flat_map(|file| [Some(file.filename), file.previous_filename]).flatten().collect())
    }

    /// Where `commit` stands to `base`. Correct for any depth of history: only the status is read, from a page without files.
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn ancestry(&self, base: &CommitSha, commit: &CommitSha) -> Result<Ancestry> {
        #[derive(Deserialize)]
        struct Comparison {
            status: Ancestry,
        }
        if base == commit {
            return Ok(Ancestry::Same);
        }
        let what = format!("compare commit {} with {}", commit.short(), base.short());
        let route = format!("compare/{base}...{commit}?per_page=1&page=2");
        let comparison: Comparison = self.get(&what, &route).await?;
        Ok(comparison.status)
    }

    /// The tree of a commit: equal trees hold equal files, whatever the history (squash and merge commits).
    /// <https://docs.github.com/en/rest/git/commits#get-a-commit-object>
    pub async fn tree(&self, commit: &CommitSha) -> Result<String> {
        Ok(self.tree_and_signature(commit).await?.0)
    }

    /// The same, and what GitHub says of the commit's signature.
    pub async fn tree_and_signature(&self, commit: &CommitSha) -> Result<(String, Verification)> {
        #[derive(Deserialize)]
        struct Commit {
            tree: Tree,
            #[serde(default)]
            verification: Verification,
        }
        #[derive(Deserialize)]
        struct Tree {
            sha: String,
        }
        let what = format!("read the tree of commit {}", commit.short());
        let commit: Commit = self.get(&what, &format!("git/commits/{commit}")).await?;
        Ok((commit.tree.sha, commit.verification))
    }

    /// The commit of this name, which may be shortened to its first digits; `None` when there is none, or when it is not clear
    /// which: GitHub answers both with 422.
    /// <https://docs.github.com/en/rest/commits/commits#get-a-commit>
    pub async fn commit_named(&self, name: &str) -> Result<Option<CommitSha>> {
        #[derive(Deserialize)]
        struct Commit {
            sha: CommitSha,
        }
        let found: Result<Commit> =
            self.get(&format!("read commit {name}"), &format!("commits/{name}?per_page=1")).await;
        match found {
            Err(error) if [Kind::NotFound, Kind::Invalid].iter().any(|kind| GithubError::is(&error, kind)) => Ok(None),
            found => Ok(Some(found?.sha)),
        }
    }

    /// When a commit was made, RFC 3339, UTC.
    /// <https://docs.github.com/en/rest/git/commits#get-a-commit-object>
    pub async fn committed_at(&self, commit: &CommitSha) -> Result<String> {
        #[derive(Deserialize)]
        struct Commit {
            committer: Signature,
        }
        #[derive(Deserialize)]
        struct Signature {
            date: String,
        }
        let what = format!("read the date of commit {}", commit.short());
        let commit: Commit = self.get(&what, &format!("git/commits/{commit}")).await?;
        Ok(commit.committer.date)
    }
}
