//! Issues, and the comments on them.
//!
//! <https://docs.github.com/en/rest/issues/issues>, <https://docs.github.com/en/rest/issues/comments>

use anyhow::Result;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Github;
use crate::calls::About;
use crate::calls::retry::Kind;

/// The most characters that GitHub takes as the body of an issue or a comment.
pub const LONGEST_BODY: usize = 65_536;

/// An issue. GitHub lists pull requests among them.
#[derive(Clone, Debug, Deserialize)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub html_url: String,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    /// Its labels: GitHub describes each as a name, or as an object with one.
    #[serde(default)]
    labels: Vec<Value>,
    /// `open` or `closed`.
    #[serde(default)]
    state: String,
    /// Present when it is a pull request.
    #[serde(default)]
    pull_request: Option<Value>,
    #[serde(flatten)]
    author: Author,
}

/// A comment on an issue.
#[derive(Clone, Debug, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Its text.
    #[serde(default)]
    pub body: Option<String>,
    #[serde(flatten)]
    author: Author,
}

/// Who wrote it, and what they are to the repository.
#[derive(Clone, Debug, Deserialize)]
struct Author {
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    author_association: String,
}

#[derive(Clone, Debug, Deserialize)]
struct User {
    #[serde(default)]
    r#type: String,
}

impl Author {
    /// Only an app that was let into the repository writes as a bot; people must belong to it. Everybody else may write what
    /// looks like ours.
    fn is_trusted(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.r#type == "Bot")
            || ["OWNER", "MEMBER", "COLLABORATOR"].contains(&self.author_association.as_str())
    }
}

impl Issue {
    /// Whether it has a label of this name; GitHub ignores case.
    #[must_use]
    pub fn has_label(&self, name: &str) -> bool {
        let named = |label: &Value| label.as_str().or_else(|| label["name"].as_str()).map(str::to_owned);
        self.labels.iter().filter_map(named).any(|label| label.eq_ignore_ascii_case(name))
    }

    /// Whether it is known to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == "closed"
    }

    /// Its text, if somebody wrote it who may write for the repository, and it is an issue.
    #[must_use]
    pub fn trusted_body(&self) -> Option<&str> {
        self.body.as_deref().filter(|_| self.pull_request.is_none() && self.author.is_trusted())
    }
}

impl Comment {
    /// Its text, if somebody wrote it who may write for the repository.
    #[must_use]
    pub fn trusted_body(&self) -> Option<&str> {
        self.body.as_deref().filter(|_| self.author.is_trusted())
    }
}

/// An issue to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewIssue {
    /// Its title.
    pub title: String,
    /// Its text, at most [`LONGEST_BODY`] characters.
    pub body: String,
    /// Names of labels. Those that do not exist are made; a token that may not set them has them dropped without a word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl Github {
    /// The open issues, newest first, until there are `enough`.
    pub async fn open_issues(&self, enough: impl FnMut(&[Issue]) -> bool) -> Result<Vec<Issue>> {
        let what = format!("list the open issues of {}", self.repository());
        self.list(&what, "issues?state=open", enough).await
    }

    /// The issue of this number.
    pub async fn issue(&self, number: u64) -> Result<Issue> {
        self.get(&format!("read issue #{number}"), &format!("issues/{number}")).await
    }

    /// Opens an issue. Not sent again when its answer is lost: it may have been opened.
    pub async fn open_issue(&self, new: &NewIssue) -> Result<Issue> {
        self.post(&format!("open an issue in {}", self.repository()), Kind::Once, "issues", new).await
    }

    /// Gives an issue another text.
    pub async fn edit_issue(&self, number: u64, body: &str) -> Result<()> {
        let route = format!("issues/{number}");
        self.patch(&format!("edit issue #{number}"), &route, &json!({ "body": body })).await
    }

    /// Closes an issue as completed.
    pub async fn close_issue(&self, number: u64) -> Result<()> {
        let route = format!("issues/{number}");
        self.patch(
            &format!("close issue #{number}"),
            &route,
            &json!({ "state": "closed", "state_reason": "completed" }),
        )
        .await
    }

    /// The comments on an issue, oldest first.
    pub async fn comments(&self, number: u64) -> Result<Vec<Comment>> {
        let what = format!("list the comments on issue #{number}");
        self.list(&what, &format!("issues/{number}/comments"), |_| false).await
    }

    /// Comments on an issue. Not sent again when its answer is lost: the comment may have been made.
    pub async fn comment(&self, number: u64, body: &str) -> Result<()> {
        let what = format!("comment on issue #{number}");
        let route = format!("issues/{number}/comments");
        let _: Value = self.post(&what, Kind::Once, &route, &json!({ "body": body })).await?;
        Ok(())
    }

    /// Gives a comment another text.
    pub async fn edit_comment(&self, comment: u64, body: &str) -> Result<()> {
        let route = format!("issues/comments/{comment}");
        self.patch(&format!("edit comment {comment}"), &route, &json!({ "body": body })).await
    }

    /// A change that is the same when it is made twice.
    async fn patch(&self, what: &str, route: &str, body: &Value) -> Result<()> {
        let _: Value = self.write(what, (About::Record, Kind::Repeatable), (Method::PATCH, route), body).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_belongs_to_the_repository_writes_for_it() {
        let issue = |kind: &str, association: &str, pull_request: Value| -> Issue {
            serde_json::from_value(json!({
                "number": 1, "html_url": "u", "body": "text", "user": {"type": kind},
                "author_association": association, "pull_request": pull_request,
            }))
            .unwrap()
        };
        let table = [
            ("Bot", "NONE", true),
            ("User", "OWNER", true),
            ("User", "MEMBER", true),
            ("User", "COLLABORATOR", true),
            ("User", "CONTRIBUTOR", false),
            ("User", "FIRST_TIME_CONTRIBUTOR", false),
            ("User", "NONE", false),
            ("", "", false),
        ];
        for (kind, association, trusted) in table {
            let found = issue(kind, association, Value::Null);
            assert_eq!(found.trusted_body().is_some(), trusted, "{kind} {association}");
            assert!(issue(kind, association, json!({"url": "u"})).trusted_body().is_none());
        }
        let nobody: Issue = serde_json::from_value(json!({"number": 1, "html_url": "u", "user": null})).unwrap();
        assert_eq!(nobody.trusted_body(), None);
    }
}
