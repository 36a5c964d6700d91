//! Who may do what: challenges, the token endpoint, `Basic`.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;

use super::answer::{Reply, refusal};
use super::inner::Inner;
use super::options::Login;
use super::secret::secret;
use super::state::{Access, State, Token};
use crate::wire::{Answer, Credential, Request};

/// Whether the caller may do this in this repository (empty: whether it is known at all).
pub(super) fn check(
    inner: &Inner,
    state: &State,
    request: &Request,
    repository: &str,
    wanted: Access,
) -> Result<(), Answer> {
    let repository = match &state.options.upstream {
        Some(upstream) if !repository.is_empty() => upstream,
        _ => repository,
    };
    let public = state.options.public && wanted == Access::Pull && !repository.is_empty();
    match (state.options.login, request.credential()) {
        (Login::None, _) => Ok(()),
        (Login::Basic, Some(Credential::Basic(user, password))) => match state.users.get(&user) {
            Some(known) if known.password == password => enough(known.access(repository), wanted),
            // ECR tells a wrong token from none.
            _ => Err(refusal(403, "DENIED", "Your authorization token has expired. Reauthenticate and try again.")),
        },
        (Login::Bearer, Some(Credential::Bearer(token))) => match state.tokens.get(&token) {
            Some(token) if token.expires > Instant::now() => {
                let access = token.access.get(repository).copied().unwrap_or(Access::None);
                if repository.is_empty() { Ok(()) } else { enough(access, wanted) }
            }
            _ => Err(challenge(inner, state, request, repository, wanted)),
        },
        (_, None) if public && state.options.login == Login::Basic => Ok(()),
        _ => Err(challenge(inner, state, request, repository, wanted)),
    }
}

fn enough(access: Access, wanted: Access) -> Result<(), Answer> {
    if access >= wanted {
        return Ok(());
    }
    Err(refusal(403, "DENIED", "requested access to the resource is denied"))
}

fn challenge(inner: &Inner, state: &State, request: &Request, repository: &str, wanted: Access) -> Answer {
    let text = if state.options.login == Login::Basic {
        format!("Basic realm=\"{}/\",service=\"ecr.amazonaws.com\"", inner.origin(request))
    } else {
        let actions = if wanted == Access::Push { "pull,push" } else { "pull" };
        let scope = match repository {
            "" => String::new(),
            name => format!(",scope=\"repository:{name}:{actions}\""),
        };
        let place =
            if state.options.own_tokens { inner.origin(request) } else { format!("http://{}", inner.token_host) };
        format!("Bearer realm=\"{place}/token\",service=\"{}\"{scope}", request.header("host").unwrap_or_default())
    };
    let refused = refusal(401, "UNAUTHORIZED", "authentication required");
    let refused = if state.options.negotiates { refused.header("www-authenticate", "Negotiate") } else { refused };
    refused.and_header("www-authenticate", text)
}

/// The token endpoint: `GET /token?service=..&scope=repository:org/app:pull,push`, scopes repeated or spaced.
pub(super) fn token(inner: &Inner, request: &Request) -> Reply {
    if request.method != "GET" || request.path() != "/token" {
        return Err(refusal(404, "NOT_FOUND", "there is only GET /token"));
    }
    let mut state = inner.state();
    let user = match request.credential() {
        None => None,
        Some(Credential::Basic(user, password)) => match state.users.get(&user) {
            Some(known) if known.password == password => Some(user),
            _ => return Err(refusal(403, "DENIED", "denied")),
        },
        Some(_) => return Err(refusal(401, "UNAUTHORIZED", "authentication required")),
    };
    let mut access = BTreeMap::new();
    let scopes: Vec<String> =
        request.parameters().filter(|(name, _)| name == "scope").map(|(_, value)| value).collect();
    for scope in scopes.iter().flat_map(|value| value.split(' ')) {
        let Some((name, actions)) = scope.strip_prefix("repository:").and_then(|rest| rest.rsplit_once(':')) else {
            continue;
        };
        let asked = if actions.split(',').any(|action| action == "push") { Access::Push } else { Access::Pull };
        let may = match user.as_ref().and_then(|user| state.users.get(user)) {
            Some(user) => user.access(name),
            None if state.options.public => Access::Pull,
            None => Access::None,
        };
        // Nobody learns whether a repository that is not for them exists.
        if may == Access::None && user.is_none() {
            return Err(refusal(401, "UNAUTHORIZED", "authentication required"));
        }
        access.insert(name.to_owned(), asked.min(may));
    }
    let lifetime = state.options.token_lifetime;
    let text = secret("djE6");
    state.tokens.insert(text.clone(), Token { access, expires: Instant::now() + lifetime });
    let mut body = json!({"token": text});
    if state.options.tells_lifetime {
        let seconds = lifetime.as_secs();
        body["expires_in"] = if state.options.lifetime_as_text { json!(seconds.to_string()) } else { json!(seconds) };
    }
    Ok(Answer::json(200, &body))
}
