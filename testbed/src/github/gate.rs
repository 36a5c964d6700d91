//! What every request passes: prefix, credentials, limits, route, repository, permission, body.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answer::{Answer, Body, Reply};
use super::call::{Call, Urls, decode};
use super::clock::http_date;
use super::contract;
use super::objects::hex;
use super::permissions::{Access, Permission, Token};
use super::routes::{self, RATE_LIMIT, Route};
use super::shapes;
use super::state::State;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) method: String,
    /// As asked, percent-encoded, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    /// `http://127.0.0.1:4000`.
    pub(crate) origin: String,
}

/// API versions GitHub serves.
const VERSIONS: &[&str] = &["2022-11-28", "2026-03-10"];

impl Incoming {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The token, under any of the schemes GitHub takes.
    pub(crate) fn token(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        ["bearer", "token"].contains(&scheme.to_lowercase().as_str()).then(|| token.trim())
    }

    pub(crate) fn query(&self) -> BTreeMap<String, String> {
        self.query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decode(name, true), decode(value, true)))
            .collect()
    }

    /// Path and query as asked.
    pub(crate) fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The body as JSON; null when it is empty or none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The base path, and the path below it.
    fn split(&self) -> (&'static str, &str) {
        for (prefix, api) in [("/api/v3", "/api/v3"), ("/api/uploads", "/api/v3"), ("/uploads", "")] {
            if let Some(rest) = self.path.strip_prefix(prefix) {
                return (api, rest);
            }
        }
        ("", &self.path)
    }
}

/// Carries a request out and answers it.
pub(crate) fn perform(state: &mut State, request: &Incoming) -> Answer {
    let answer = pass(state, request).unwrap_or_else(|refusal| refusal);
    let answer = with_etag(state, request, answer).header("date", http_date(state.shared.now()));
    state.limits.headers().into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
}

fn pass(state: &mut State, request: &Incoming) -> Reply {
    if request.header("user-agent").is_none_or(str::is_empty) {
        return Err(Answer::text(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        ));
    }
    let version = request.header("x-github-api-version").unwrap_or(VERSIONS[0]);
    if !VERSIONS.contains(&version) {
        return Err(Answer::error(400, format!("Version {version} is not supported.")));
    }
    let token = match request.token() {
        None => None,
        Some(text) => match state.tokens.get(text) {
            Some(token) => Some(token.clone()),
            None => return Err(Answer::error(401, "Bad credentials")),
        },
    };
    let (base, path) = request.split();
    if request.method == "GET" && path == RATE_LIMIT {
        return Ok(Answer::ok(state.limits.overview()));
    }
    if let Some(refusal) = state.limits.refuse(state.shared.now()) {
        return Err(refusal);
    }
    let (full_name, rest) = routes::in_repository(path).ok_or_else(Answer::not_found)?;
    let Some(repository) = state.repositories.get_mut(&full_name.to_lowercase()) else {
        return Err(Answer::not_found());
    };
    if repository.private && !token.as_ref().is_some_and(|token| token.sees(&full_name)) {
        return Err(Answer::not_found());
    }
    let (route, parameters) = routes::find(&request.method, rest).ok_or_else(Answer::not_found)?;
    permitted(route, token.as_ref(), &full_name, repository.private)?;
    let upload = route.path.ends_with("/assets") && request.method == "POST";
    let body = if upload { Value::Null } else { json(request)? };
    let query = request.query();
    if !upload {
        state.invalid.extend(contract::violations(route, &query, &body));
    }
    let writer = token.as_ref().is_some_and(|token| token.allows(&full_name, Permission::Contents.write()));
    let mut call = Call {
        shared: &mut state.shared,
        repository,
        parameters,
        query,
        body,
        bytes: request.body.clone(),
        content_type: request.header("content-type").unwrap_or("application/octet-stream").to_owned(),
        actor: token.map_or_else(String::new, |token| token.actor),
        sees_drafts: writer,
        urls: Urls { api: format!("{}{base}", request.origin), html: request.origin.clone() },
        path: request.path.clone(),
        api_version: version.to_owned(),
    };
    (route.handler)(&mut call)
}

/// A public repository is read by everyone; all else needs the permission, which the refusal names in a header.
fn permitted(route: &Route, token: Option<&Token>, full_name: &str, private: bool) -> Result<(), Answer> {
    if !private && route.needs.access == Access::Read {
        return Ok(());
    }
    let Some(token) = token else {
        return Err(Answer::error(401, "Requires authentication"));
    };
    if token.allows(full_name, route.needs) {
        return Ok(());
    }
    Err(Answer::error(403, "Resource not accessible by integration")
        .header("x-accepted-github-permissions", route.needs.accepted()))
}

fn json(request: &Incoming) -> Result<Value, Answer> {
    if request.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&request.body).ok().ok_or_else(|| Answer::error(400, "Problems parsing JSON"))
}

/// Marks a good answer with its `ETag`; an unchanged one is 304 and costs nothing.
fn with_etag(state: &mut State, request: &Incoming, answer: Answer) -> Answer {
    let Body::Json(body) = &answer.body else {
        return answer;
    };
    if request.method != "GET" || answer.status != 200 || request.path.ends_with(RATE_LIMIT) {
        return answer;
    }
    let etag = format!("W/\"{}\"", hex(&Sha256::digest(body.to_string())));
    let known = request.header("if-none-match").unwrap_or_default();
    let unchanged = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag.trim_start_matches("W/"));
    if !unchanged {
        return answer.header("etag", etag);
    }
    state.limits.give_back();
    Answer { status: 304, headers: Vec::new(), body: Body::Empty }.header("etag", etag)
}

/// `GET /repos/{owner}/{repo}`.
pub(crate) fn repository(call: &Call<'_>) -> Answer {
    Answer::ok(shapes::full_repository(&call.urls, call.repository))
}
