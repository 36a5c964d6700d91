//! Pull requests.

use anyhow::Result;
use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::Github;
use super::tags::{BranchName, encode};
use crate::calls::enumeration;
use crate::calls::retry::Kind;

enumeration! {
    /// Whether a pull request is open.
    PullRequestState of "the state of a pull request" {
        /// It is.
        Open = "open",
        /// It was merged, or closed without.
        Closed = "closed",
    }
}

/// A pull request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// Its page.
    pub html_url: String,
    /// Whether it is open.
    pub state: PullRequestState,
}

impl Github {
    /// The newest pull request from one branch of this repository into another, closed ones too.
    /// <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>
    pub async fn pull_request(&self, head: &BranchName, base: &BranchName) -> Result<Option<PullRequest>> {
        let owner = self.repository().as_str().split('/').next().unwrap_or_default();
        let what = format!("look for a pull request from {head} into {base}");
        let (head, base) = (encode(head.as_str()), encode(base.as_str()));
        let route = format!("pulls?state=all&head={owner}:{head}&base={base}&per_page=1");
        let found: Vec<PullRequest> = self.get(&what, &route).await?;
        Ok(found.into_iter().next())
    }

    /// Opens a pull request. GitHub refuses a second one for the same branches.
    /// <https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request>
    pub async fn open_pull_request(
        &self,
        (head, base): (&BranchName, &BranchName),
        title: &str,
        body: &str,
    ) -> Result<PullRequest> {
        let what = format!("open a pull request from {head} into {base}");
        let body = json!({"title": title, "head": head, "base": base, "body": body});
        self.change(&what, Kind::Once, (Method::POST, "pulls"), &body).await
    }
}
