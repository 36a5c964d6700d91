//! Commits: which came first, and what tree they hold.

use anyhow::Result;
use serde::Deserialize;

use super::Github;
use crate::action::inputs::CommitSha;
use crate::context::Context;

/// Where a commit stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ancestry {
    /// It is the same.
    Same,
    /// It comes after: the other is its ancestor.
    Newer,
    /// It comes before: it is an ancestor of the other.
    Older,
    /// Neither: their histories parted.
    Diverged,
}

/// What GitHub says of a signature.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Verification {
    /// Whether it is good.
    pub verified: bool,
    /// `valid`, or why not: `unsigned unknown_key expired_key ..`.
    pub reason: String,
}

impl Github {
    /// Where `commit` stands to `base`. Correct for any depth of history: only the status is read, from a page without files.
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn ancestry(&self, cx: &Context, base: &CommitSha, commit: &CommitSha) -> Result<Ancestry> {
        #[derive(Deserialize)]
        struct Comparison {
            status: String,
        }
        if base == commit {
            return Ok(Ancestry::Same);
        }
        let what = format!("compare commit {} with {}", commit.short(), base.short());
        let route = format!("compare/{base}...{commit}?per_page=1&page=2");
        let comparison: Comparison = self.get(cx, &what, &route).await?;
        Ok(match comparison.status.as_str() {
            "identical" => Ancestry::Same,
            "ahead" => Ancestry::Newer,
            "behind" => Ancestry::Older,
            _ => Ancestry::Diverged,
        })
    }

    /// The tree of a commit: equal trees hold equal files, whatever the history (squash and merge commits).
    /// <https://docs.github.com/en/rest/git/commits#get-a-commit-object>
    pub async fn tree(&self, cx: &Context, commit: &CommitSha) -> Result<String> {
        Ok(self.tree_and_signature(cx, commit).await?.0)
    }

    /// The same, and what GitHub says of the commit's signature.
    pub async fn tree_and_signature(&self, cx: &Context, commit: &CommitSha) -> Result<(String, Verification)> {
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
        let commit: Commit = self.get(cx, &what, &format!("git/commits/{commit}")).await?;
        Ok((commit.tree.sha, commit.verification))
    }

    /// When a commit was made, RFC 3339, UTC.
    /// <https://docs.github.com/en/rest/git/commits#get-a-commit-object>
    pub async fn committed_at(&self, cx: &Context, commit: &CommitSha) -> Result<String> {
        #[derive(Deserialize)]
        struct Commit {
            committer: Signature,
        }
        #[derive(Deserialize)]
        struct Signature {
            date: String,
        }
        let what = format!("read the date of commit {}", commit.short());
        let commit: Commit = self.get(cx, &what, &format!("git/commits/{commit}")).await?;
        Ok(commit.committer.date)
    }
}
