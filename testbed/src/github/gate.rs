//! What every request passes: prefix, credentials, limits, route, repository, permission, body.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::answer::{Answer, Reply};
use super::call::{Call, Urls};
use super::clock::http_date;
use super::contract;
use super::handlers::issues;
use super::objects::hex;
use super::permissions::{Access, Grant, Permission, Token};
use super::routes::{self, RATE_LIMIT, USER};
use super::shapes;
use super::state::State;
use crate::wire::Request;

/// API versions GitHub serves.
const VERSIONS: &[&str] = &["2022-11-28", "2026-03-10"];

/// The base path, and the path below it.
fn split(path: &str) -> (&'static str, &str) {
    for (prefix, api) in [("/api/v3", "/api/v3"), ("/api/uploads", "/api/v3"), ("/uploads", "")] {
        if let Some(rest) = path.strip_prefix(prefix) {
            return (api, rest);
        }
    }
    ("", path)
}

/// Carries a request out and answers it.
pub(crate) fn perform(state: &mut State, request: &Request) -> Answer {
    let answer = pass(state, request).unwrap_or_else(|refusal| refusal);
    let answer = with_etag(state, request, answer).header("date", http_date(state.shared.now()));
    state.limits.headers().into_iter().fold(answer, |answer, (name, value)| answer.header(name, value))
}

fn pass(state: &mut State, request: &Request) -> Reply {
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
        Some(text) => match state.tokens.get(&text) {
            Some(token) => Some(token.clone()),
            None => return Err(Answer::error(401, "Bad credentials")),
        },
    };
    let (base, path) = split(request.path());
    if request.method == "GET" && path == RATE_LIMIT {
        return Ok(Answer::ok(state.limits.overview()));
    }
    if let Some(refusal) = state.limits.refuse(state.shared.now()) {
        return Err(refusal);
    }
    if request.method == "GET" && path == USER {
        // The token of a job belongs to an app, which is no user.
        let Some(token) = token else { return Err(Answer::error(401, "Requires authentication")) };
        if token.actor.ends_with("[bot]") {
            return Err(Answer::error(403, "Resource not accessible by integration"));
        }
        let origin = format!("http://{}", request.host);
        let urls = Urls { api: format!("{origin}{base}"), html: origin };
        return Ok(Answer::ok(shapes::public_user(&mut state.shared, &urls, &token.actor)));
    }
    let (full_name, rest) = by_id(state, path).or_else(|| routes::in_repository(path)).ok_or_else(Answer::not_found)?;
    if let Some(moved) = moved(state, request, base, (&full_name, rest)) {
        return Err(moved);
    }
    let Some(repository) = state.repositories.get_mut(&full_name.to_lowercase()) else {
        return Err(Answer::not_found());
    };
    if repository.private && !token.as_ref().is_some_and(|token| token.sees(&full_name)) {
        return Err(Answer::not_found());
    }
    let (route, parameters) = routes::find(&request.method, rest).ok_or_else(Answer::not_found)?;
    let mut needs = vec![route.needs];
    if route.needs.permission == Permission::Issues && issues::is_about_pull_request(repository, &parameters) {
        // https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        needs.push(Grant { permission: Permission::PullRequests, ..route.needs });
    }
    permitted(&needs, token.as_ref(), &full_name, repository.private)?;
    let upload = route.path.ends_with("/assets") && request.method == "POST";
    let body = if upload { Value::Null } else { json(request)? };
    let query = request.parameters().collect();
    if !upload {
        state.invalid.extend(contract::violations(route, &query, &body));
    }
    let writer = token.as_ref().is_some_and(|token| token.allows(&full_name, Permission::Contents.write()));
    let origin = format!("http://{}", request.host);
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
        urls: Urls { api: format!("{origin}{base}"), html: origin },
        path: request.path().to_owned(),
        api_version: version.to_owned(),
    };
    (route.handler)(&mut call)
}

/// `/repositories/{id}`, where renamed repositories are led on to: the repository's name, and the rest.
fn by_id<'p>(state: &State, path: &'p str) -> Option<(String, &'p str)> {
    let rest = path.strip_prefix("/repositories/")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let id: u64 = rest[..end].parse().ok()?;
    let found = state.repositories.values().find(|repository| repository.id == id)?;
    Some((found.full_name(), &rest[end..]))
}

/// The answer of a former name: 301 to GET, and 307 to all else, so that the method is kept.
/// <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects>
fn moved(state: &State, request: &Request, base: &str, (name, rest): (&str, &str)) -> Option<Answer> {
    let now = state.renamed.get(&name.to_lowercase())?;
    let id = state.repositories.get(&now.to_lowercase())?.id;
    let query = request.target.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    let to = format!("http://{}{base}/repositories/{id}{rest}{query}", request.host);
    let status = if request.method == "GET" { 301 } else { 307 };
    let message = if status == 301 { "Moved Permanently" } else { "Temporary Redirect" };
    Some(Answer::error(status, message).header("location", to))
}

/// A public repository is read by everyone; all else needs one of these permissions, which the refusal names in a header.
fn permitted(needs: &[Grant], token: Option<&Token>, full_name: &str, private: bool) -> Result<(), Answer> {
    if !private && needs.iter().any(|grant| grant.access == Access::Read) {
        return Ok(());
    }
    let Some(token) = token else {
        return Err(Answer::error(401, "Requires authentication"));
    };
    if needs.iter().any(|grant| token.allows(full_name, *grant)) {
        return Ok(());
    }
    Err(Answer::error(403, "Resource not accessible by integration").header(
        "x-accepted-github-permissions",
        needs.iter().map(|grant| grant.accepted()).collect::<Vec<_>>().join("; "),
    ))
}

fn json(request: &Request) -> Result<Value, Answer> {
    if request.body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&request.body).ok().ok_or_else(|| Answer::error(400, "Problems parsing JSON"))
}

/// Marks a good answer with its `ETag`; an unchanged one is 304 and costs nothing.
fn with_etag(state: &mut State, request: &Request, answer: Answer) -> Answer {
    if request.method != "GET" || answer.status != 200 || request.path().ends_with(RATE_LIMIT) {
        return answer;
    }
    let body = answer.content.chunk(0, u64::MAX).unwrap_or_default();
    let etag = format!("W/\"{}\"", hex(&Sha256::digest(body)));
    let known = request.header("if-none-match").unwrap_or_default();
    let unchanged = known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag.trim_start_matches("W/"));
    if !unchanged {
        return answer.header("etag", etag);
    }
    state.limits.give_back();
    Answer::empty(304).header("etag", etag)
}
