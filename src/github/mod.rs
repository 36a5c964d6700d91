//! GitHub, through octocrab: its authentication and base URLs, our HTTP client, our retries, and our own minimal answers.
//! octocrab's retry is off, because it sends a POST again at once and would double deployments.

mod commits;
mod deployments;
mod error;
mod runs;
mod tags;

use std::time::Duration;

use anyhow::{Context as _, Result};
use octocrab::Octocrab;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use commits::Ancestry;
pub use deployments::{Deployment, NewDeployment, State, Status};
pub use error::{GithubError, Kind};
pub use tags::{BranchName, End, Tag, TagName, is_plain};

use crate::context::Context;
use crate::net;
use crate::retry;

/// Entries of a page, the most GitHub gives.
const PAGE: usize = 100;
/// Pages read of one list.
const PAGES: usize = 10;

/// The client of one repository.
#[derive(Debug)]
pub struct Github {
    api: Octocrab,
    repository: String,
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
            .clone()
            .filter(|name| is_repository(name))
            .ok_or_else(|| GithubError::unusable("GITHUB_REPOSITORY does not name a repository"))?;
        let base = cx.runner.github_api_url.as_deref().unwrap_or("https://api.github.com");
        let http = net::client()?.read_timeout(Duration::from_secs(20)).timeout(Duration::from_secs(30)).build()?;
        let api = Octocrab::builder()
            .personal_token(token.expose().to_owned())
            .base_uri(base)
            .with_context(|| format!("read GITHUB_API_URL {base}"))?
            .build_with_reqwest(http)
            .context("set up the GitHub client")?;
        Ok(Self { api, repository })
    }

    async fn get<T: DeserializeOwned>(&self, cx: &Context, what: &str, route: &str) -> Result<T> {
        let answer = cx.read(what, async || self.send(what, route, None).await).await?;
        serde_json::from_value(answer).with_context(|| format!("{what}: GitHub's answer is not what it documents"))
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
        let body = serde_json::to_value(body).with_context(|| what.to_owned())?;
        let answer = cx.record(what, kind, async || self.send(what, route, Some(&body)).await).await?;
        serde_json::from_value(answer).with_context(|| format!("{what}: GitHub's answer is not what it documents"))
    }

    /// One request; with a body it is a POST.
    async fn send(&self, what: &str, route: &str, body: Option<&Value>) -> Result<Value, GithubError> {
        let path = format!("/repos/{}/{route}", self.repository);
        let path = path.trim_end_matches('/');
        let answer = match body {
            Some(body) => self.api._post(path, Some(body)).await,
            None => self.api._get(path).await,
        };
        let answer = answer.map_err(|error| GithubError::broken(what, &error))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = self.api.body_to_string(answer).await.map_err(|error| GithubError::broken(what, &error))?;
        if !status.is_success() {
            return Err(GithubError::refused(what, status, &headers, &text));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| GithubError::broken(what, &error))
    }
}

fn is_repository(name: &str) -> bool {
    name.split_once('/').is_some_and(|(owner, name)| {
        let good =
            |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        good(owner) && good(name)
    })
}
