//! The OIDC provider: a job's token, signed by whom the test says.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::Inner;
use super::answer::Answer;
use super::call::encode;
use super::gate::Incoming;
use super::state::State;

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

    /// The claims GitHub makes for this job.
    fn claims(&self, state: &mut State, issuer: &str, audience: Option<&str>) -> Value {
        let (shared, repository) = state.repository(&self.repository);
        let (id, owner_id) = (repository.id, repository.owner_id);
        let (owner, name) = (repository.owner.clone(), repository.name.clone());
        let visibility = if repository.private { "private" } else { "public" };
        let actor_id = shared.account(&self.actor);
        let now = shared.now();
        let token = shared.next_id();
        let subject = if self.immutable_subject {
            format!("repo:{owner}@{owner_id}/{name}@{id}")
        } else {
            format!("repo:{owner}/{name}")
        };
        let context = match &self.environment {
            Some(environment) => format!("environment:{}", environment.replace(':', "%3A")),
            None if self.event_name == "pull_request" => "pull_request".to_owned(),
            None => format!("ref:{}", self.git_ref),
        };
        let file = format!("{owner}/{name}/.github/workflows/{}@{}", self.workflow_file, self.git_ref);
        let mut claims = json!({
            "jti": format!("00000000-0000-4000-8000-{token:012x}"),
            "iss": issuer,
            "aud": audience.map_or_else(|| format!("https://github.com/{owner}"), str::to_owned),
            "sub": format!("{subject}:{context}"),
            "iat": now,
            "nbf": now - 300,
            "exp": now + 300,
            "ref": self.git_ref,
            "ref_type": if self.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" },
            "ref_protected": "false",
            "sha": self.sha,
            "repository": format!("{owner}/{name}"),
            "repository_id": id.to_string(),
            "repository_owner": owner,
            "repository_owner_id": owner_id.to_string(),
            "repository_visibility": visibility,
            "run_id": self.run_id.to_string(),
            "run_number": "1",
            "run_attempt": self.run_attempt.to_string(),
            "actor": self.actor,
            "actor_id": actor_id.to_string(),
            "workflow": self.workflow,
            "workflow_ref": file,
            "workflow_sha": self.sha,
            "job_workflow_ref": self.job_workflow_ref.as_deref().unwrap_or(&file),
            "job_workflow_sha": self.sha,
            "head_ref": "",
            "base_ref": "",
            "event_name": self.event_name,
            "runner_environment": "github-hosted",
        });
        if let Some(members) = claims.as_object_mut() {
            if let Some(environment) = &self.environment {
                members.insert("environment".to_owned(), environment.clone().into());
            }
            members.extend(self.claims.clone());
        }
        claims
    }
}

/// Registers the job and gives its variables: where GitHub is, and with `id-token: write` where its token is.
pub(crate) fn environment(state: &mut State, origin: &str, job: &Job) -> Vec<(String, String)> {
    let (api, graphql) = if job.enterprise {
        (format!("{origin}/api/v3"), format!("{origin}/api/graphql"))
    } else {
        (origin.to_owned(), format!("{origin}/graphql"))
    };
    let mut variables = vec![
        ("GITHUB_API_URL".to_owned(), api),
        ("GITHUB_SERVER_URL".to_owned(), origin.to_owned()),
        ("GITHUB_GRAPHQL_URL".to_owned(), graphql),
    ];
    if job.id_token {
        let token = format!("request-token-{}", state.shared.next_id());
        let url = format!("{origin}/oidc/token?api-version=2.0&job={}", encode(&job.run_id.to_string()));
        state.issuer.jobs.insert(token.clone(), job.clone());
        variables.push(("ACTIONS_ID_TOKEN_REQUEST_URL".to_owned(), url));
        variables.push(("ACTIONS_ID_TOKEN_REQUEST_TOKEN".to_owned(), token));
    }
    variables
}

/// The issuer's own routes; `None` for all others.
pub(crate) async fn answer(inner: &Inner, request: &Incoming) -> Option<Answer> {
    let route = request.path.strip_prefix("/oidc")?;
    if request.method != "GET" {
        return Some(Answer::not_found());
    }
    let own = format!("{}/oidc", request.origin);
    let issuer = inner.state().issuer.url.clone().unwrap_or(own);
    Some(match route {
        "/token" => token(inner, request, &issuer).await,
        "/.well-known/openid-configuration" => Answer::ok(discovery(&issuer)),
        "/.well-known/jwks" => Answer::ok(inner.state().issuer.keys.clone()),
        _ => Answer::not_found(),
    })
}

async fn token(inner: &Inner, request: &Incoming, issuer: &str) -> Answer {
    let query = request.query();
    let (claims, signer) = {
        let mut state = inner.state();
        let job = request.token().and_then(|token| state.issuer.jobs.get(token).cloned());
        let Some(job) = job else {
            return Answer::json(401, json!({"message": "Unauthorized", "typeKey": "UnauthorizedException"}));
        };
        let claims = job.claims(&mut state, issuer, query.get("audience").map(String::as_str));
        (claims, state.issuer.signer.clone())
    };
    match signer.0(claims).await {
        Ok(token) => Answer::ok(json!({"count": token.len(), "value": token})),
        Err(error) => Answer::error(500, format!("the signer failed: {error:#}")),
    }
}

fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks"),
        "subject_types_supported": ["public", "pairwise"],
        "response_types_supported": ["id_token"],
        "claims_supported": [
            "sub", "aud", "exp", "iat", "iss", "jti", "nbf", "ref", "sha", "repository", "repository_id",
            "repository_owner", "repository_owner_id", "repository_visibility", "run_id", "run_number", "run_attempt",
            "actor", "actor_id", "workflow", "workflow_ref", "workflow_sha", "head_ref", "base_ref", "event_name",
            "ref_type", "ref_protected", "environment", "job_workflow_ref", "job_workflow_sha", "runner_environment",
        ],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid"],
    })
}
