//! What is written by the Git data API: trees, commits and branches. Objects are nobody's until a branch holds them.

use anyhow::Result;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Github, read_answer};
use super::repository::RepositoryName;
use super::tags::{BranchName, absent_is_none, commit as named, encode};
use crate::action::inputs::CommitSha;
use crate::calls::enumeration;
use crate::calls::retry::Kind;

enumeration! {
    /// What a path of a commit leads to.
    ContentKind of "the type of a content" {
        /// A file.
        File = "file",
        /// A folder.
        Folder = "dir",
        /// A link.
        Link = "symlink",
        /// A submodule.
        Submodule = "submodule",
    }
}

/// What is at a path of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A submodule at a commit of a repository; `None` where that is not on this GitHub, or its address is not understood.
    Submodule(CommitSha, Option<RepositoryName>),
    /// Something else.
    Other(ContentKind),
}

impl Github {
    /// What is at a path of a commit; `None` where nothing is.
    /// <https://docs.github.com/en/rest/repos/contents#get-repository-content>
    pub async fn content(&self, commit: &CommitSha, path: &str) -> Result<Option<Content>> {
        #[derive(Deserialize)]
        struct One {
            r#type: ContentKind,
            sha: String,
            git_url: Option<String>,
            submodule_git_url: Option<String>,
        }
        let what = format!("read {path} of commit {}", commit.short());
        let route = format!("contents/{}?ref={commit}", encode(path));
        let Some(answer) = absent_is_none(self.get::<Value>(&what, &route).await)? else { return Ok(None) };
        if answer.is_array() {
            return Ok(Some(Content::Other(ContentKind::Folder)));
        }
        let one: One = read_answer(&what, answer)?;
        // In lists a submodule is called a file; here it has its address.
        if one.r#type != ContentKind::Submodule && one.submodule_git_url.is_none() {
            return Ok(Some(Content::Other(one.r#type)));
        }
        let by_api = one.git_url.as_deref().and_then(|url| repository_of_api(self.base.as_str(), url));
        let by_address = || relative(self.repository(), one.submodule_git_url.as_deref()?);
        Ok(Some(Content::Submodule(named(&what, &one.sha)?, by_api.or_else(by_address))))
    }

    /// A commit on top of another in which a submodule is at this commit: a tree entry of mode 160000, nothing else differs. No branch
    /// holds it yet.
    /// <https://docs.github.com/en/rest/git/trees#create-a-tree>, <https://docs.github.com/en/rest/git/commits#create-a-commit>
    pub async fn commit_submodule(
        &self,
        parent: &CommitSha,
        path: &str,
        submodule: &CommitSha,
        message: &str,
    ) -> Result<CommitSha> {
        #[derive(Deserialize)]
        struct Made {
            sha: String,
        }
        let base = self.tree(parent).await?;
        let entry = json!({"path": path, "mode": "160000", "type": "commit", "sha": submodule});
        let tree = json!({"base_tree": base, "tree": [entry]});
        let what = format!("make a tree with {path} at {}", submodule.short());
        let tree: Made = self.post(&what, Kind::Repeatable, "git/trees", &tree).await?;
        let what = format!("make a commit that moves {path} to {}", submodule.short());
        let commit = json!({"message": message, "tree": tree.sha, "parents": [parent]});
        let made: Made = self.post(&what, Kind::Repeatable, "git/commits", &commit).await?;
        named(&what, &made.sha)
    }

    /// Moves a branch forward to a commit on top of it. Never back, and never aside: that is refused by 422.
    /// <https://docs.github.com/en/rest/git/refs#update-a-reference>
    pub async fn move_branch(&self, branch: &BranchName, to: &CommitSha) -> Result<()> {
        let what = format!("move branch {branch} to {}", to.short());
        let route = format!("git/refs/heads/{}", encode(branch.as_str()));
        let body = json!({"sha": to, "force": false});
        let _moved: serde::de::IgnoredAny =
            self.change(&what, Kind::Repeatable, (Method::PATCH, &route), &body).await?;
        Ok(())
    }

    /// Makes a branch at a commit; refused by 422 where there is one of this name.
    /// <https://docs.github.com/en/rest/git/refs#create-a-reference>
    pub async fn create_branch(&self, branch: &BranchName, at: &CommitSha) -> Result<()> {
        let what = format!("make branch {branch} at {}", at.short());
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": at});
        let _made: serde::de::IgnoredAny = self.change(&what, Kind::Once, (Method::POST, "git/refs"), &body).await?;
        Ok(())
    }
}

/// The repository of an address of the API, `<base>/repos/owner/name/git/trees/..`.
fn repository_of_api(base: &str, url: &str) -> Option<RepositoryName> {
    let rest = url.strip_prefix(base.trim_end_matches('/'))?.strip_prefix("/repos/")?;
    let mut parts = rest.split('/');
    format!("{}/{}", parts.next()?, parts.next()?).parse().ok()
}

/// The repository of an address that is relative to another one, as git reads it: `../api.git`, `../../org/api`.
fn relative(to: &RepositoryName, address: &str) -> Option<RepositoryName> {
    let mut parts: Vec<&str> = to.as_str().split('/').collect();
    if !address.starts_with("../") {
        return None;
    }
    let address = address.trim_end_matches('/');
    for part in address.strip_suffix(".git").unwrap_or(address).split('/') {
        match part {
            ".." => parts.pop().map(drop)?,
            part => parts.push(part),
        }
    }
    parts.join("/").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_of_a_submodule_is_known_by_its_address() {
        let name = |text: &str| text.parse::<RepositoryName>().unwrap();
        let base = "https://github.example.com/api/v3/";
        let url = |rest: &str| format!("https://github.example.com/api/v3/repos/{rest}");
        assert_eq!(repository_of_api(base, &url("org/api/git/trees/1")), Some(name("org/api")));
        for other in [url("org"), url("../x/git"), "https://evil.example.com/repos/org/api/git/trees/1".to_owned()] {
            assert_eq!(repository_of_api(base, &other), None, "{other}");
        }
        let of = |address: &str| relative(&name("org/platform"), address).map(|name| name.to_string());
        assert_eq!(of("../api.git").as_deref(), Some("org/api"));
        assert_eq!(of("../../other/api").as_deref(), Some("other/api"));
        for other in
            ["https://gitlab.example.com/org/api", "../../../x/y/z", "../..", "git@github.com:org/api", "./api"]
        {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
