//! GitHub, through octocrab: its authentication and base URLs, our HTTP client, our retries, and our own minimal answers.
//! octocrab's retry is off, because it sends a POST again at once and would double deployments.

mod commit_checks;
mod commit_statuses;
mod commits;
mod deployments;
mod dispatches;
mod error;
mod issues;
mod jobs;
mod releases;
mod repository;
mod rulesets;
mod runs;
mod tags;
mod trees;
mod uploads;

use std::time::Duration;

use anyhow::{Context as _, Result};
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub use commit_checks::{Check, CheckState};
pub use commit_statuses::{CommitState, CommitStatus, NewCommitStatus};
pub use commits::{Ancestry, Change, Verification};
pub use deployments::{Deployment, NewDeployment, State, Status};
pub use dispatches::WorkflowDispatch;
pub use error::{GithubError, Kind};
pub use issues::{Comment, Issue, LONGEST_BODY, NewIssue};
pub use jobs::JobTimes;
pub use releases::{Asset, NewDraft, Release, ReleaseChange};
pub use repository::RepositoryName;
pub use rulesets::Ruleset;
pub use runs::{RunFilter, WorkflowRun};
pub use tags::{BranchName, End, Tag, TagName, is_plain};
pub use trees::{File, Files};
pub use uploads::{AssetFile, asset_name};

use crate::action::secrets::Secret;
use crate::context::Context;
use crate::net;
use crate::retry;

/// Entries of a page, the most GitHub gives.
const PAGE: usize = 100;
/// Pages read of one list.
const PAGES: usize = 10;

/// The largest answer that is read, in bytes. A tree has at most 7 MB, a page of releases a few times that.
const LARGEST: usize = 64 * 1024 * 1024;

/// The client of one repository.
#[derive(Clone, Debug)]
pub struct Github {
    api: Octocrab,
    repository: RepositoryName,
    /// Where the API is.
    base: Url,
    token: Secret,
}

impl Github {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// [`GithubError`] of kind `Unusable` without a token or a repository.
    pub fn connect(cx: &Context) -> Result<Self> {
        let token = cx
            .common
            .token
            .as_ref()
            .ok_or_else(|| GithubError::unusable("there is no token: give the input `token`"))?;
        let plain = token.expose().chars().all(|c| c.is_ascii_graphic());
        if !plain {
            return Err(GithubError::unusable(
                "the input `token` is not a GitHub token: it holds blanks or other characters",
            )
            .into());
        }
        let repository = cx
            .runner
            .github_repository
            .as_deref()
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| GithubError::unusable("GITHUB_REPOSITORY does not name a repository"))?;
        let base = cx.runner.github_api_url.as_deref().unwrap_or("https://api.github.com");
        let http = net::client()?.read_timeout(Duration::from_secs(20)).timeout(Duration::from_secs(30)).build()?;
        let api = Octocrab::builder()
            .personal_token(token.expose().to_owned())
            .base_uri(base)
            .with_context(|| format!("read GITHUB_API_URL {base}"))?
            .build_with_reqwest(http)
            .context("set up the GitHub client")?;
        let base = Url::parse(base).with_context(|| format!("read GITHUB_API_URL {base}"))?;
        Ok(Self { api, repository, base, token: token.clone() })
    }

    /// The client of another repository, with the same token.
    #[must_use]
    pub fn of(&self, repository: &RepositoryName) -> Self {
        Self { repository: repository.clone(), ..self.clone() }
    }

    /// The repository of this client.
    #[must_use]
    pub const fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    async fn get<T: DeserializeOwned>(&self, cx: &Context, what: &str, route: &str) -> Result<T> {
        read_answer(what, cx.read(what, async || self.send(what, Method::GET, route, None).await).await?)
    }

    /// Reads a list to its end, or until there is `enough`, at most [`PAGES`] pages.
    async fn list<T: DeserializeOwned>(
        &self,
        cx: &Context,
        what: &str,
        route: &str,
        mut enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>> {
        let separator = if route.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=PAGES {
            let entries: Vec<T> = self.get(cx, what, &format!("{route}{separator}per_page={PAGE}&page={page}")).await?;
            let last = entries.len() < PAGE;
            all.extend(entries);
            if last || enough(&all) {
                break;
            }
        }
        Ok(all)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        cx: &Context,
        what: &str,
        kind: retry::Kind,
        route: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        self.write(cx, what, kind, (Method::POST, route), body).await
    }

    /// A write by any method; an answer without a body is read as null.
    async fn write<T: DeserializeOwned>(
        &self,
        cx: &Context,
        what: &str,
        kind: retry::Kind,
        (method, route): (Method, &str),
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_value(body).with_context(|| what.to_owned())?;
        let sent = async || self.send(what, method.clone(), route, sent_body(&body)).await;
        read_answer(what, cx.record(what, kind, sent).await?)
    }

    /// A write that is what the step is for: it counts as a change, also while nobody knows whether it was applied.
    async fn change<T: DeserializeOwned>(
        &self,
        cx: &Context,
        what: &str,
        kind: retry::Kind,
        (method, route): (Method, &str),
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_value(body).with_context(|| what.to_owned())?;
        let sent = async || self.send(what, method.clone(), route, sent_body(&body)).await;
        read_answer(what, cx.write(what, kind, sent).await?)
    }

    /// One request.
    async fn send(&self, what: &str, method: Method, route: &str, body: Option<&Value>) -> Result<Value, GithubError> {
        let path = format!("/repos/{}/{route}", self.repository);
        let request = Request::builder().method(method).uri(path.trim_end_matches('/'));
        let request = self.api.build_request(request, body).map_err(|error| GithubError::broken(what, &error))?;
        let answer = self.api.execute(request).await.map_err(|error| GithubError::broken(what, &error))?;
        answered(what, answer).await
    }
}

/// What an answer says; null when it has no body.
async fn answered<B>(what: &str, answer: Response<B>) -> Result<Value, GithubError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = Limited::new(answer.into_body(), LARGEST).collect().await;
    let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
        Some(_) => GithubError::too_large(what, LARGEST),
        None => GithubError::broken(what, error.as_ref()),
    });
    let body = body?.to_bytes();
    if !status.is_success() {
        return Err(GithubError::refused(what, status, &headers, &String::from_utf8_lossy(&body)));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&body).map_err(|error| GithubError::broken(what, &error))
}

/// The body of a write; null stands for none.
fn sent_body(body: &Value) -> Option<&Value> {
    Some(body).filter(|body| !body.is_null())
}

fn read_answer<T: DeserializeOwned>(what: &str, answer: Value) -> Result<T> {
    serde_json::from_value(answer).with_context(|| format!("{what}: GitHub's answer is not what it documents"))
}
