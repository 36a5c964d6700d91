//! The local GitHub: a stateful stand-in for the parts of the REST API that deploying needs.
//!
//! A test fills a repository, gives the program a token and the addresses, and afterwards reads what happened:
//!
//! ```
//! # use testbed::github::{Job, LocalGithub, Permission};
//! # async fn example() -> anyhow::Result<()> {
//! let github = LocalGithub::start().await?;
//! let app = github.repository("org/app");
//! let commit = app.push("main", &[("src/main.py", "print(1)")], "First");
//! let token = app.token(&[Permission::Contents.read(), Permission::Deployments.write()]);
//! let variables = github.environment(&Job::new("org/app", &commit).environment("dev"));
//! // .. run the program ..
//! assert_eq!(app.deployments()[0].states(), ["in_progress", "success"]);
//! # drop((token, variables)); Ok(()) }
//! ```
//!
//! The same routes stand at `/` and, as on GitHub Enterprise Server, at `/api/v3`. Answers are checked against GitHub's
//! OpenAPI description (`github-openapi/`); what that leaves open is commented where it is decided.

#![expect(clippy::unnecessary_wraps, reason = "the handlers of all routes have one type")]

mod answer;
mod call;
mod checks;
mod clock;
mod commits;
mod compare;
mod contract;
mod deployments;
mod environments;
mod faults;
mod gate;
mod handle;
mod issues;
mod labels;
mod limits;
mod merges;
mod objects;
mod oidc;
mod permissions;
mod refs;
mod releases;
mod requests;
mod routes;
mod rulesets;
mod runs;
mod server;
mod shapes;
mod state;
mod statuses;
mod workflows;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use regex::Regex;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

pub use checks::CheckRun;
pub use deployments::{Deployment, DeploymentStatus};
pub use faults::{Cut, Fault};
pub use handle::Repository;
pub use issues::{Comment, Issue};
pub use oidc::{Job, Signer};
pub use permissions::{ALL, Access, Grant, Permission};
pub use releases::{Asset, Release};
pub use requests::Request;
pub use routes::routes;
pub use rulesets::Ruleset;
pub use runs::{RunJob, RunState, Workflow, WorkflowRun};
pub use statuses::CommitStatus;

use crate::hold::Holds;
use permissions::Token;
use state::State;

/// What the server and its handles share.
#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    arrival: Notify,
    holds: Holds,
}

impl Inner {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issue_token(&self, repositories: &[(&str, &[Grant])]) -> String {
        let mut state = self.state();
        for (repository, _) in repositories {
            state.repository(repository);
        }
        let mut token = Token { actor: "github-actions[bot]".to_owned(), repositories: BTreeMap::new() };
        for (repository, grants) in repositories {
            token.grant(repository, grants);
        }
        let text = format!("ghs_localtoken{:022}", state.shared.next_id());
        state.tokens.insert(text.clone(), token);
        text
    }
}

/// A running stand-in. It ends, with all its connections, when this is dropped or the runtime it was started in ends.
#[derive(Debug)]
pub struct LocalGithub {
    inner: Arc<Inner>,
    origin: String,
    server: JoinHandle<()>,
}

impl Drop for LocalGithub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl LocalGithub {
    /// Starts one on a free port of 127.0.0.1.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port for the local GitHub")?;
        let address = listener.local_addr()?;
        let inner =
            Arc::new(Inner { state: Mutex::new(State::new()), arrival: Notify::new(), holds: Holds::default() });
        Ok(Self {
            server: tokio::spawn(server::serve(listener, address, Arc::clone(&inner))),
            origin: format!("http://{address}"),
            inner,
        })
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

    /// Adds a fault; rules are tried in the order they were added.
    pub fn fault(&self, fault: Fault) {
        self.inner.state().faults.push(fault);
    }

    /// Removes all faults; the connections of requests that are held are reset.
    pub fn clear_faults(&self) {
        self.inner.state().faults.clear();
        self.inner.holds.release(false);
    }

    /// Waits until a fault holds a request: the moment to kill the program.
    pub async fn held(&self) {
        self.inner.holds.held().await;
    }

    /// Carries out what is held, late and unheard of. [`LocalGithub::clear_faults`] ends a hold without.
    pub fn release(&self) {
        self.inner.holds.release(true);
    }

    /// All requests so far, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.inner.state().requests.clone()
    }

    /// Waits for a request of this method whose path matches the regular expression, and returns it; one that is in the
    /// log already counts. It may not be answered yet: with a delaying fault, this is the moment to kill the program.
    pub async fn arrived(&self, method: &str, path: &str) -> anyhow::Result<Request> {
        let path = Regex::new(path)?;
        loop {
            let next = self.inner.arrival.notified();
            let mut log = self.requests().into_iter();
            if let Some(found) = log.find(|request| request.method == method && path.is_match(&request.path)) {
                return Ok(found);
            }
            next.await;
        }
    }

    /// Forgets the requests so far, the invalid ones included.
    pub fn clear_requests(&self) {
        let mut state = self.inner.state();
        state.requests.clear();
        state.invalid.clear();
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
}
