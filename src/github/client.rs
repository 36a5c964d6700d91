//! The client of one repository: octocrab's authentication and base URLs, our HTTP client, our retries, and our own minimal
//! answers.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use http::header::{DATE, LINK, LOCATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use octocrab::Octocrab;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::Url;

use super::error::GithubError;
use super::repository::RepositoryName;
use crate::calls::{self, About, Answer, Calls};
use crate::net::{self, Clock, without_mark};
use crate::text::secrets::Secret;

/// Entries of a page, the most GitHub gives.
pub(super) const PAGE: usize = 100;
/// Pages read of one list.
const PAGES: usize = 10;

/// Redirections followed of one request.
const HOPS: usize = 3;

/// The largest answer that is read, in bytes. A tree has at most 7 MB, a page of releases a few times that.
const LARGEST: usize = 64 * 1024 * 1024;

/// A list, as far as it was read.
#[derive(Debug)]
pub struct Listed<T> {
    /// Its entries.
    pub entries: Vec<T>,
    /// How many there are of them, when it goes on after the most pages that are read.
    pub cut_at: Option<usize>,
}

/// The client of one repository.
#[derive(Clone, Debug)]
pub struct Github {
    api: Octocrab,
    repository: RepositoryName,
    /// Where the API has the repository since it was renamed, once it said so: `/repositories/1300192`.
    renamed: Arc<OnceLock<String>>,
    /// GitHub's clock, as its last answer told it.
    clock: Arc<Mutex<Option<Clock>>>,
    /// Where the API is.
    pub(super) base: Url,
    pub(super) token: Secret,
    pub(super) run_url: Option<String>,
    pub(super) calls: Calls,
}

/// What has to be known to connect.
#[derive(Clone, Debug)]
pub struct GithubSettings {
    /// The token of the job, or another.
    pub token: Option<Secret>,
    /// `owner/name`.
    pub repository: Option<String>,
    /// Where the API is; GitHub's own when it is not given.
    pub api_url: Option<String>,
    /// The page of this run, shown with what it writes.
    pub run_url: Option<String>,
}

impl Github {
    /// Prepares the client; nothing is sent.
    ///
    /// # Errors
    /// [`GithubError`] of kind `Unusable` without a token or a repository.
    pub fn connect(settings: &GithubSettings, calls: Calls) -> Result<Self> {
        let token = settings.token.as_ref().ok_or_else(|| {
            GithubError::unusable("there is no token: give the input `token`, or at a terminal the variable GH_TOKEN")
        })?;
        let plain = token.expose().chars().all(|c| c.is_ascii_graphic());
        if !plain {
            return Err(GithubError::unusable(
                "the input `token` is not a GitHub token: it holds blanks or other characters",
            )
            .into());
        }
        let repository = settings.repository.as_deref().and_then(|name| name.parse().ok()).ok_or_else(|| {
            GithubError::unusable(
                "no repository is known: GITHUB_REPOSITORY, or at a terminal `--repository`, does not name one",
            )
        })?;
        let base = settings.api_url.as_deref().unwrap_or("https://api.github.com");
        let http = net::client()?.read_timeout(Duration::from_secs(20)).timeout(Duration::from_secs(30)).build()?;
        let api = Octocrab::builder()
            .personal_token(token.expose().to_owned())
            .base_uri(base)
            .with_context(|| format!("read GITHUB_API_URL {base}"))?
            .build_with_reqwest(http)
            .context("set up the GitHub client")?;
        let base = Url::parse(base).with_context(|| format!("read GITHUB_API_URL {base}"))?;
        let (token, run_url) = (token.clone(), settings.run_url.clone());
        Ok(Self { api, repository, renamed: Arc::default(), clock: Arc::default(), base, token, run_url, calls })
    }

    /// The client of another repository, with the same token.
    #[must_use]
    pub fn of(&self, repository: &RepositoryName) -> Self {
        Self { repository: repository.clone(), renamed: Arc::default(), ..self.clone() }
    }

    /// The same client with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    /// Notes what became of the write that this client sent last, when a look shows it.
    pub fn correct(&self, answer: Answer) {
        self.calls.correct(answer);
    }

    /// The time by GitHub's clock, which records are dated by: the runner's may be wrong. `None` before the first answer.
    #[must_use]
    pub fn now(&self) -> Option<OffsetDateTime> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).map(|clock| clock.now())
    }

    /// The repository of this client.
    #[must_use]
    pub const fn repository(&self) -> &RepositoryName {
        &self.repository
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// The token belongs to no user, as that of a job; or GitHub gives no usable answer.
    /// <https://docs.github.com/en/rest/users/users#get-the-authenticated-user>
    pub async fn login(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct User {
            login: String,
        }
        Ok(self.get::<User>("read whose token it is", "/user").await?.login)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, what: &str, route: &str) -> Result<T> {
        read_answer(what, self.calls.read(what, async || self.send(what, Method::GET, route, None).await).await?)
    }

    /// Reads a list to its end, or until there is `enough`, at most [`PAGES`] pages.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        what: &str,
        route: &str,
        enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>> {
        Ok(self.pages(what, route, |page: Vec<T>| page, enough).await?.entries)
    }

    /// The same of a list that stands `inside` of its pages, and whether it goes on. That another page follows stands in the header
    /// `link`, not by the number of entries
    /// (<https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>).
    pub(super) async fn pages<P: DeserializeOwned, T>(
        &self,
        what: &str,
        route: &str,
        inside: impl Fn(P) -> Vec<T>,
        mut enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Listed<T>> {
        let separator = if route.contains('?') { '&' } else { '?' };
        let mut entries = Vec::new();
        for page in 1..=PAGES {
            let route = format!("{route}{separator}per_page={PAGE}&page={page}");
            let read = async || self.exchange(what, Method::GET, &route, None).await;
            let (answer, goes_on) = self.calls.read(what, read).await?;
            entries.extend(inside(read_answer(what, answer)?));
            if !goes_on || enough(&entries) {
                return Ok(Listed { entries, cut_at: None });
            }
        }
        let cut_at = Some(entries.len());
        Ok(Listed { entries, cut_at })
    }

    /// A POST that tells of what is done elsewhere: it does not count as a change by itself.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        kind: calls::Kind,
        route: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        self.write(what, (About::Record, kind), (Method::POST, route), body).await
    }

    /// A write that is what the step is for: it counts as a change, also while nobody knows whether it was applied.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        what: &str,
        kind: calls::Kind,
        to: (Method, &str),
        body: &impl Serialize,
    ) -> Result<T> {
        self.write(what, (About::Target, kind), to, body).await
    }

    /// A write by any method; a body that is null is none, and an answer without a body is null.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        what: &str,
        (about, kind): (About, calls::Kind),
        (method, route): (Method, &str),
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_value(body).with_context(|| what.to_owned())?;
        let body = Some(&body).filter(|body| !body.is_null());
        let sent = async || self.send(what, method.clone(), route, body).await;
        read_answer(what, self.calls.send(what, kind, about, sent).await?)
    }

    /// One request.
    pub(super) async fn send(
        &self,
        what: &str,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Value, GithubError> {
        self.exchange(what, method, route, body).await.map(|(answer, _)| answer)
    }

    /// One request, and whether another page follows its answer.
    async fn exchange(
        &self,
        what: &str,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<(Value, bool), GithubError> {
        let root = || self.renamed.get().cloned().unwrap_or_else(|| format!("/repos/{}", self.repository));
        // What begins with a slash is of no repository.
        let mut path = if route.starts_with('/') { route.to_owned() } else { format!("{}/{route}", root()) };
        let mut hops = 0;
        loop {
            let request = Request::builder().method(method.clone()).uri(path.trim_end_matches('/'));
            let request = self.api.build_request(request, body).map_err(|error| GithubError::broken(what, &error))?;
            let answer = self.api.execute(request).await.map_err(|error| GithubError::broken(what, &error))?;
            self.note_time(answer.headers());
            let Some(next) = self.leads_to(answer.status(), answer.headers()).filter(|_| hops < HOPS) else {
                let goes_on = has_next(answer.headers());
                return Ok((read_body(what, answer).await?, goes_on));
            };
            self.note_renamed(&next, route);
            path = next;
            hops += 1;
        }
    }

    /// Where a redirection leads, if it stays at the API, to which the token belongs. The request is repeated there as it is: a
    /// repository that was renamed answers 301 to GET and 307 to all else.
    /// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
    fn leads_to(&self, status: StatusCode, headers: &HeaderMap) -> Option<String> {
        let redirects = matches!(status.as_u16(), 301 | 302 | 307 | 308);
        let location = headers.get(LOCATION).filter(|_| redirects)?.to_str().ok()?;
        let to = self.base.join(location).ok().filter(|to| to.origin() == self.base.origin())?;
        let path = to.path().strip_prefix(self.base.path().trim_end_matches('/'))?;
        let query = to.query().map(|query| format!("?{query}")).unwrap_or_default();
        Some(format!("{path}{query}"))
    }

    fn note_time(&self, headers: &HeaderMap) {
        let date = headers.get(DATE).and_then(|date| OffsetDateTime::parse(date.to_str().ok()?, &Rfc2822).ok());
        if let Some(date) = date {
            *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Clock::told(date));
        }
    }

    /// Keeps where the repository is now, so that the next requests go there at once, and says so once.
    fn note_renamed(&self, path: &str, route: &str) {
        let without_query = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        let (path, route) = (without_query(path), without_query(route));
        let Some(root) = path.strip_suffix(&route).map(|root| root.trim_end_matches('/')) else { return };
        if self.renamed.set(root.to_owned()).is_ok() {
            tracing::info!(
                "{} was renamed or moved: GitHub leads on from there; write its name as it is now",
                self.repository
            );
        }
    }
}

/// True when the header `link` names a next page.
fn has_next(headers: &HeaderMap) -> bool {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split(',')).any(|link| link.contains("rel=\"next\""))
}

/// What an answer says; null when it has no body.
pub(super) async fn read_body<B>(what: &str, answer: Response<B>) -> Result<Value, GithubError>
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
        return Err(GithubError::from_answer(what, status, &headers, &String::from_utf8_lossy(&body)));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(without_mark(&body)).map_err(|error| GithubError::broken(what, &error))
}

pub(super) fn read_answer<T: DeserializeOwned>(what: &str, answer: Value) -> Result<T> {
    serde_json::from_value(answer).with_context(|| format!("{what}: GitHub's answer is not what it documents"))
}
