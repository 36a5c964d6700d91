//! Which request means what.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::answer::{Reply, refusal};
use super::inner::{Inner, Place};
use super::options::Login;
use super::state::{Access, State};
use super::{blobs, login, manifests, uploads};
use crate::wire::{Answer, Call, decode};

static ROUTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^/v2/(?<name>.+?)/(?<kind>manifests|blobs/uploads|blobs|tags|referrers)(?:/(?<rest>[^/]*))?$").ok()
});

/// Carries a request out.
pub(super) async fn perform(inner: &Inner, call: &mut Call) -> Answer {
    let done = match inner.place(&call.request) {
        Place::Tokens => login::token(inner, &call.request),
        Place::Store => blobs::download(inner, &call.request),
        Place::Registry => registry(inner, call).await,
    };
    done.unwrap_or_else(|refused| refused)
}

async fn registry(inner: &Inner, call: &mut Call) -> Reply {
    let (method, path) = (call.request.method.clone(), call.request.path().to_owned());
    if path == "/v2/" || path == "/v2" {
        login::check(inner, &inner.state(), &call.request, "", Access::Pull)?;
        return Ok(Answer::json(200, &json!({})));
    }
    if path == "/token" && inner.state().options.own_tokens {
        return login::token(inner, &call.request);
    }
    let Some(found) = ROUTE.as_ref().and_then(|route| route.captures(&path)) else {
        return Err(refusal(404, "NOT_FOUND", "page not found"));
    };
    let name = decode(&found["name"]);
    let rest = found.name("rest").map(|rest| decode(rest.as_str())).unwrap_or_default();
    let writes = !matches!(method.as_str(), "GET" | "HEAD");
    {
        let state = inner.state();
        login::check(inner, &state, &call.request, &name, if writes { Access::Push } else { Access::Pull })?;
        known(&state, &name, writes)?;
    }
    match (method.as_str(), &found["kind"]) {
        ("GET" | "HEAD", "manifests") => manifests::get(inner, &call.request, &name, &rest),
        ("PUT", "manifests") => manifests::put(inner, call, &name, &rest).await,
        ("GET", "tags") if rest == "list" => manifests::tags(inner, &call.request, &name),
        ("GET", "referrers") => manifests::referrers(inner, &call.request, &name, &rest),
        ("GET" | "HEAD", "blobs") => blobs::get(inner, &call.request, &name, &rest),
        ("POST", "blobs/uploads") if rest.is_empty() => uploads::begin(inner, call, &name).await,
        ("PATCH", "blobs/uploads") => uploads::patch(inner, call, &name, &rest).await,
        ("PUT", "blobs/uploads") => uploads::put(inner, call, &name, &rest).await,
        ("GET", "blobs/uploads") => uploads::state(inner, &call.request, &name, &rest),
        _ => Err(refusal(405, "UNSUPPORTED", "The operation is unsupported.")),
    }
}

/// Whether there is such a repository; a push may make it.
fn known(state: &State, name: &str, writes: bool) -> Result<(), Answer> {
    if state.repositories.contains_key(name) || (writes && !state.options.known_repositories) {
        return Ok(());
    }
    let message = match state.options.login {
        Login::Basic => {
            format!("The repository with name '{name}' does not exist in the registry with id '123456789012'")
        }
        _ => "repository name not known to registry".to_owned(),
    };
    Err(refusal(404, "NAME_UNKNOWN", message))
}
