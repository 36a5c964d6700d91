//! The local GitHub, as a test starts it and changes its rules.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use super::handlers::oidc;
use super::inner::Inner;
use super::permissions::Grant;
use super::records::{Job, Signer};
use super::repository::Repository;
use crate::wire::{Port, Server, Traffic, serve};

/// A running stand-in. It ends, with all its connections, when this is dropped or the runtime it was started in ends.
#[derive(Debug)]
pub struct LocalGithub {
    inner: Arc<Inner>,
    origin: String,
    _server: Server,
}

/// Its requests, and what goes wrong with them.
impl Deref for LocalGithub {
    type Target = Traffic;

    fn deref(&self) -> &Traffic {
        &self.inner.traffic
    }
}

impl LocalGithub {
    /// Starts one on a free port of 127.0.0.1.
    #[expect(clippy::unused_async, reason = "it needs a runtime, which only asynchronous code is sure to have")]
    pub async fn start() -> anyhow::Result<Self> {
        let port = Port::open().context("no port for the local GitHub")?;
        let inner = Arc::new(Inner::new());
        Ok(Self { origin: format!("http://{}", port.address()), _server: serve(port, &inner), inner })
    }

    /// `http://127.0.0.1:<port>`: `GITHUB_SERVER_URL`, and `GITHUB_API_URL` of github.com.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.origin
    }

    /// The API as GitHub Enterprise Server has it, under `/api/v3`.
    #[must_use]
    pub fn enterprise_url(&self) -> String {
        format!("{}/api/v3", self.origin)
    }

    /// The repository `owner/name`; its first mention makes it, private and empty.
    #[must_use]
    pub fn repository(&self, full_name: &str) -> Repository {
        self.inner.state().repository(full_name);
        Repository { inner: Arc::clone(&self.inner), full_name: full_name.to_owned() }
    }

    /// Makes `from` a former name of a repository: requests are led on to its address by id, as after a rename.
    pub fn rename(&self, from: &str, to: &Repository) {
        self.inner.state().renamed.insert(from.to_lowercase(), to.full_name.clone());
    }

    /// A token for several repositories, as an App's or a personal one.
    #[must_use]
    pub fn token(&self, repositories: &[(&str, &[Grant])]) -> String {
        self.inner.issue_token(repositories)
    }

    /// The variables of a job: `GITHUB_API_URL`, `GITHUB_SERVER_URL`, `GITHUB_GRAPHQL_URL` and, with
    /// `id-token: write`, `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    #[must_use]
    pub fn environment(&self, job: &Job) -> Vec<(String, String)> {
        oidc::environment(&mut self.inner.state(), &self.origin, job)
    }

    /// Signs jobs' tokens with `signer` and serves its public `keys` (a JWKS). `issuer` is the claim `iss`; by default
    /// `<url>/oidc`, where discovery and keys are served too.
    pub fn sign_with(&self, signer: Signer, keys: Value, issuer: Option<&str>) {
        let mut state = self.inner.state();
        state.issuer.signer = signer;
        state.issuer.keys = keys;
        state.issuer.url = issuer.map(str::to_owned);
    }

    /// Forgets the requests so far, the invalid ones included.
    pub fn clear_requests(&self) {
        self.inner.traffic.clear_requests();
        self.inner.state().invalid.clear();
    }

    /// What was wrong with requests so far by GitHub's own description: unknown query parameters and properties, wrong
    /// types, missing properties. A test of the product asserts that this is empty.
    #[must_use]
    pub fn invalid_requests(&self) -> Vec<String> {
        self.inner.state().invalid.clone()
    }

    /// Leaves `remaining` requests until the primary limit, which is lifted after `reset_in`.
    pub fn rate_limit(&self, remaining: u32, reset_in: Duration) {
        let mut state = self.inner.state();
        let reset = state.shared.now() + i64::try_from(reset_in.as_secs()).unwrap_or(i64::MAX / 2);
        state.limits.set(remaining, reset);
    }

    /// The next `times` requests meet the secondary limit: `status` (403 or 429), with `retry-after` in seconds or
    /// without, as GitHub sends both.
    pub fn secondary_limit(&self, times: u32, status: u16, retry_after: Option<u32>) {
        self.inner.state().limits.set_secondary(times, status, retry_after);
    }

    /// Moves the stand-in's clock ahead: of dates, of OIDC tokens and of the rate limit's reset.
    pub fn advance(&self, by: Duration) {
        self.inner.state().shared.clock.advance(by);
    }

    /// Moves it back: as if the machine's own clock were ahead.
    pub fn set_back(&self, by: Duration) {
        self.inner.state().shared.clock.set_back(by);
    }
}
