//! Which request means what.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::Inner;
use super::answer::{Answer, Reply};
use super::call::{Call, Place, decode};
use super::options::Login;
use super::state::{Access, State};
use super::{blobs, login, manifests, uploads};

static ROUTE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^/v2/(?<name>.+?)/(?<kind>manifests|blobs/uploads|blobs|tags|referrers)(?:/(?<rest>[^/]*))?$").ok()
});

/// Carries a request out.
pub(super) async fn perform(inner: &Inner, call: &mut Call) -> Answer {
    let done = match call.place {
        Place::Tokens => login::token(inner, call),
        Place::Store => blobs::download(inner, call),
        Place::Registry => registry(inner, call).await,
    };
    done.unwrap_or_else(|refused| refused).header("docker-distribution-api-version", "registry/2.0")
}

async fn registry(inner: &Inner, call: &mut Call) -> Reply {
    if call.path == "/v2/" || call.path == "/v2" {
        login::check(inner, &inner.state(), call, "", Access::Pull)?;
        return Ok(Answer::json(200, &json!({})));
    }
    if call.path == "/token" && inner.state().options.own_tokens {
        return login::token(inner, call);
    }
    let path = call.path.clone();
    let Some(found) = ROUTE.as_ref().and_then(|route| route.captures(&path)) else {
        return Err(Answer::error(404, "NOT_FOUND", "page not found"));
    };
    let name = decode(&found["name"]);
    let rest = found.name("rest").map(|rest| decode(rest.as_str())).unwrap_or_default();
    let writes = !matches!(call.method.as_str(), "GET" | "HEAD") || &found["kind"] == "blobs/uploads";
    {
        let state = inner.state();
        login::check(inner, &state, call, &name, if writes { Access::Push } else { Access::Pull })?;
        known(&state, &name, writes)?;
    }
    match (call.method.as_str(), &found["kind"]) {
        ("GET" | "HEAD", "manifests") => manifests::get(inner, call, &name, &rest),
        ("PUT", "manifests") => manifests::put(inner, call, &name, &rest).await,
        ("GET", "tags") if rest == "list" => manifests::tags(inner, call, &name),
        ("GET", "referrers") => manifests::referrers(inner, call, &name, &rest),
        ("GET" | "HEAD", "blobs") => blobs::get(inner, call, &name, &rest),
        ("POST", "blobs/uploads") if rest.is_empty() => uploads::begin(inner, call, &name).await,
        ("PATCH", "blobs/uploads") => uploads::patch(inner, call, &name, &rest).await,
        ("PUT", "blobs/uploads") => uploads::put(inner, call, &name, &rest).await,
        ("GET", "blobs/uploads") => uploads::state(inner, call, &name, &rest),
        _ => Err(Answer::error(405, "UNSUPPORTED", "The operation is unsupported.")),
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
    Err(Answer::error(404, "NAME_UNKNOWN", message))
}
