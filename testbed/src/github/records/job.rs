//! Jobs, and who signs their tokens.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

type Signing = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>>;

/// Turns claims into a signed token.
#[derive(Clone)]
pub struct Signer(Arc<dyn Fn(Value) -> Signing + Send + Sync>);

impl Signer {
    /// A signer from an asynchronous function.
    pub fn new<F, S>(sign: F) -> Self
    where
        F: Fn(Value) -> S + Send + Sync + 'static,
        S: Future<Output = anyhow::Result<String>> + Send + 'static,
    {
        Self(Arc::new(move |claims| Box::pin(sign(claims))))
    }

    /// The signed token.
    pub(crate) async fn sign(&self, claims: Value) -> anyhow::Result<String> {
        self.0(claims).await
    }

    /// Signs nothing (`"alg": "none"`): for tests that only read the claims.
    #[must_use]
    pub fn unsigned() -> Self {
        Self::new(|claims: Value| async move {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            Ok(format!("{}.{}.", part(&json!({"alg": "none", "typ": "JWT"})), part(&claims)))
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer")
    }
}

#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) url: Option<String>,
    pub(crate) keys: Value,
    pub(crate) signer: Signer,
    /// Jobs by the token with which they ask for theirs.
    pub(crate) jobs: HashMap<String, Job>,
}

impl Default for Issuer {
    fn default() -> Self {
        Self { url: None, keys: json!({"keys": []}), signer: Signer::unsigned(), jobs: HashMap::new() }
    }
}

/// A job, as far as its tokens tell of it.
#[derive(Debug, Clone)]
pub struct Job {
    /// `owner/name`.
    pub repository: String,
    /// Its `environment:`.
    pub environment: Option<String>,
    /// `refs/heads/main`.
    pub git_ref: String,
    /// The commit.
    pub sha: String,
    /// `push`, ..
    pub event_name: String,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's file.
    pub workflow_file: String,
    /// `owner/name/.github/workflows/x.yml@ref`, when the job is a reusable workflow's.
    pub job_workflow_ref: Option<String>,
    /// The run.
    pub run_id: u64,
    /// Its attempt.
    pub run_attempt: u32,
    /// Who started it.
    pub actor: String,
    /// Whether it has `id-token: write`.
    pub id_token: bool,
    /// Whether `sub` carries ids, as for repositories made since 2026-07-15.
    pub immutable_subject: bool,
    /// Whether the API is reached as on GitHub Enterprise Server, under `/api/v3`.
    pub enterprise: bool,
    /// Claims that replace or join the others.
    pub claims: Map<String, Value>,
}

impl Job {
    /// A job of a push to main, with `id-token: write`.
    #[must_use]
    pub fn new(repository: &str, sha: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            environment: None,
            git_ref: "refs/heads/main".to_owned(),
            sha: sha.to_owned(),
            event_name: "push".to_owned(),
            workflow: "Deploy".to_owned(),
            workflow_file: "deploy.yml".to_owned(),
            job_workflow_ref: None,
            run_id: 4242,
            run_attempt: 1,
            actor: "octocat".to_owned(),
            id_token: true,
            immutable_subject: false,
            enterprise: false,
            claims: Map::new(),
        }
    }

    /// With this `environment:`.
    #[must_use]
    pub fn environment(mut self, name: &str) -> Self {
        self.environment = Some(name.to_owned());
        self
    }
}
