//! The files of a commit, as git keeps them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::client::Github;
use super::tags::{absent_is_none, commit as named, encode};
use crate::action::inputs::CommitSha;
use crate::calls::enumeration;

/// All files of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The commit.
    pub commit: CommitSha,
    /// Whether GitHub gave only some of them: its list ends at 100,000 entries or 7 MB.
    pub truncated: bool,
    /// By path, from the root.
    pub files: BTreeMap<String, File>,
}

/// A file, a link or a submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// As git has it: `100644`, `100755`, `120000` for a link, `160000` for a submodule.
    pub mode: String,
    /// The name of its content, or a submodule's commit.
    pub sha: String,
}

impl Github {
    /// The files of a commit; nothing if there is no such commit, or the token may not see it. One request, however many there are. The
    /// name of the answer is not kept: it is that of the tree or of the commit that was asked for.
    /// <https://docs.github.com/en/rest/git/trees#get-a-tree>
    pub async fn files(&self, commit: &CommitSha) -> Result<Option<Files>> {
        enumeration! {
            /// What a path of a tree leads to.
            EntryKind of "the type of an entry of a tree" {
                /// A file or a link.
                Blob = "blob",
                /// A folder.
                Tree = "tree",
                /// A submodule.
                Commit = "commit",
            }
        }
        #[derive(Deserialize)]
        struct Tree {
            #[serde(rename = "tree")]
            entries: Vec<Entry>,
            #[serde(default)]
            truncated: bool,
        }
        #[derive(Deserialize)]
        struct Entry {
            path: String,
            mode: String,
            #[serde(rename = "type")]
            kind: EntryKind,
            sha: String,
        }
        let what = format!("read the files of commit {}", commit.short());
        let tree = absent_is_none(self.get::<Tree>(&what, &format!("git/trees/{commit}?recursive=1")).await)?;
        Ok(tree.map(|tree| {
            let files = tree.entries.into_iter().filter(|entry| entry.kind != EntryKind::Tree);
            let files = files.map(|entry| (entry.path, File { mode: entry.mode, sha: entry.sha })).collect();
            Files { commit: commit.clone(), truncated: tree.truncated, files }
        }))
    }

    /// The content of a file.
    /// <https://docs.github.com/en/rest/git/blobs#get-a-blob>
    pub async fn blob(&self, path: &str, sha: &str) -> Result<Vec<u8>> {
        #[derive(Deserialize)]
        struct Blob {
            content: String,
        }
        let what = format!("read {path}");
        let blob: Blob = self.get(&what, &format!("git/blobs/{}", encode(sha))).await?;
        let content: String = blob.content.split_ascii_whitespace().collect();
        STANDARD.decode(content).with_context(|| format!("{what}: GitHub's answer is not what it documents: base64"))
    }

    /// The text of a file of a commit.
    /// <https://docs.github.com/en/rest/repos/contents#get-repository-content>
    pub async fn text(&self, commit: &CommitSha, path: &str) -> Result<String> {
        #[derive(Deserialize)]
        struct Found {
            content: String,
        }
        let what = format!("read {path} of commit {}", commit.short());
        let found: Found = self.get(&what, &format!("contents/{}?ref={commit}", encode(path))).await?;
        let content: String = found.content.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(content);
        let bytes = bytes.with_context(|| format!("{what}: GitHub's answer is not what it documents: base64"))?;
        String::from_utf8(bytes).with_context(|| format!("{what}: it is no text"))
    }

    /// Where the histories of two commits parted; nothing if they have no commit in common, or one of them is not there.
    /// <https://docs.github.com/en/rest/commits/commits#compare-two-commits>
    pub async fn merge_base(&self, base: &CommitSha, head: &CommitSha) -> Result<Option<CommitSha>> {
        #[derive(Deserialize)]
        struct Comparison {
            merge_base_commit: Named,
        }
        #[derive(Deserialize)]
        struct Named {
            sha: String,
        }
        let what = format!("compare commit {} with {}", head.short(), base.short());
        let route = format!("compare/{base}...{head}?per_page=1&page=2");
        let comparison = absent_is_none(self.get::<Comparison>(&what, &route).await)?;
        comparison.map(|comparison| named(&what, &comparison.merge_base_commit.sha)).transpose()
    }
}
