//! The OIDC provider: a job's token, signed by whom the test says.

use serde_json::{Value, json};

use crate::github::answer::Answer;
use crate::github::inner::Inner;
use crate::github::records::Job;
use crate::github::state::State;
use crate::wire::{Request, encode};

/// The claims GitHub makes for this job.
fn claims(job: &Job, state: &mut State, issuer: &str, audience: Option<&str>) -> Value {
    let (shared, repository) = state.repository(&job.repository);
    let (id, owner_id) = (repository.id, repository.owner_id);
    let (owner, name) = (repository.owner.clone(), repository.name.clone());
    let visibility = if repository.private { "private" } else { "public" };
    let actor_id = shared.account(&job.actor);
    let now = shared.now();
    let token = shared.next_id();
    let subject = if job.immutable_subject {
        format!("repo:{owner}@{owner_id}/{name}@{id}")
    } else {
        format!("repo:{owner}/{name}")
    };
    let context = match &job.environment {
        Some(environment) => format!("environment:{}", environment.replace(':', "%3A")),
        None if job.event_name == "pull_request" => "pull_request".to_owned(),
        None => format!("ref:{}", job.git_ref),
    };
    let file = format!("{owner}/{name}/.github/workflows/{}@{}", job.workflow_file, job.git_ref);
    let mut claims = json!({
        "jti": format!("00000000-0000-4000-8000-{token:012x}"),
        "iss": issuer,
        "aud": audience.map_or_else(|| format!("https://github.com/{owner}"), str::to_owned),
        "sub": format!("{subject}:{context}"),
        "iat": now,
        "nbf": now - 300,
        "exp": now + 300,
        "ref": job.git_ref,
        "ref_type": if job.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" },
        "ref_protected": "false",
        "sha": job.sha,
        "repository": format!("{owner}/{name}"),
        "repository_id": id.to_string(),
        "repository_owner": owner,
        "repository_owner_id": owner_id.to_string(),
        "repository_visibility": visibility,
        "run_id": job.run_id.to_string(),
        "run_number": "1",
        "run_attempt": job.run_attempt.to_string(),
        "actor": job.actor,
        "actor_id": actor_id.to_string(),
        "workflow": job.workflow,
        "workflow_ref": file,
        "workflow_sha": job.sha,
        "job_workflow_ref": job.job_workflow_ref.as_deref().unwrap_or(&file),
        "job_workflow_sha": job.sha,
        "head_ref": "",
        "base_ref": "",
        "event_name": job.event_name,
        "runner_environment": "github-hosted",
    });
    if let Some(members) = claims.as_object_mut() {
        if let Some(environment) = &job.environment {
            members.insert("environment".to_owned(), environment.clone().into());
        }
        members.extend(job.claims.clone());
    }
    claims
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
pub(crate) async fn answer(inner: &Inner, request: &Request) -> Option<Answer> {
    let route = request.path().strip_prefix("/oidc")?;
    if request.method != "GET" {
        return Some(Answer::not_found());
    }
    let own = format!("http://{}/oidc", request.host);
    let issuer = inner.state().issuer.url.clone().unwrap_or(own);
    Some(match route {
        "/token" => token(inner, request, &issuer).await,
        "/.well-known/openid-configuration" => Answer::ok(discovery(&issuer)),
        "/.well-known/jwks" => Answer::ok(inner.state().issuer.keys.clone()),
        _ => Answer::not_found(),
    })
}

async fn token(inner: &Inner, request: &Request, issuer: &str) -> Answer {
    let (claims, signer) = {
        let mut state = inner.state();
        let job = request.token().and_then(|token| state.issuer.jobs.get(&token).cloned());
        let Some(job) = job else {
            return Answer::json(401, &json!({"message": "Unauthorized", "typeKey": "UnauthorizedException"}));
        };
        let claims = claims(&job, &mut state, issuer, request.query("audience").as_deref());
        (claims, state.issuer.signer.clone())
    };
    match signer.sign(claims).await {
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
