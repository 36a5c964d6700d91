//! References: branches, tags, and the tag objects behind annotated ones.

use serde_json::{Value, json};

use super::commits;
use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::shapes::node;

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let name = call.parameter("ref");
    match call.repository.refs.get(name) {
        Some(sha) => Ok(Answer::ok(shape(call, name, sha))),
        None => Err(Answer::not_found()),
    }
}

/// All references that start with the asked text, in name order.
pub(crate) fn matching(call: &mut Call<'_>) -> Reply {
    let prefix = call.parameter("ref");
    let found: Vec<_> = call
        .repository
        .refs
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, sha)| shape(call, name, sha))
        .collect();
    Ok(Answer::ok(found.into()))
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let full = call.required("Reference", "ref")?;
    let sha = call.required("Reference", "sha")?;
    let Some(name) = full.strip_prefix("refs/").filter(|name| name.contains('/')) else {
        return Err(Answer::error(422, "Reference name must start with 'refs/' and contain at least two slashes."));
    };
    if call.repository.objects.peel(&sha).is_none() {
        return Err(Answer::error(422, "Object does not exist"));
    }
    if call.repository.refs.contains_key(name) {
        return Err(Answer::error(422, "Reference already exists"));
    }
    call.repository.refs.insert(name.to_owned(), sha.clone());
    Ok(Answer::created(shape(call, name, &sha)))
}

pub(crate) fn tag_object(call: &mut Call<'_>) -> Reply {
    let objects = &call.repository.objects;
    let tag = objects.tags.get(call.parameter("tag_sha")).ok_or_else(Answer::not_found)?;
    let url = call.url();
    let kind = objects.kind(&tag.object);
    Ok(Answer::ok(json!({
        "node_id": node("TA", &tag.sha),
        "tag": tag.name,
        "sha": tag.sha,
        "url": format!("{url}/git/tags/{}", tag.sha),
        "message": tag.message,
        "tagger": {
            "name": commits::AUTHOR.0, "email": commits::AUTHOR.1, "date": rfc3339(tag.date),
        },
        "object": {"sha": tag.object, "type": kind, "url": format!("{url}/git/{kind}s/{}", tag.object)},
        "verification": commits::verification(tag.verified, tag.date),
    })))
}

/// Tags with the commit each one ends at, newest name first as GitHub sorts them.
pub(crate) fn tags(call: &mut Call<'_>) -> Reply {
    let mut tags: Vec<_> = with_prefix(call, "tags/");
    tags.reverse();
    Ok(call.paged(&tags, |(name, sha)| {
        let commit = call.repository.objects.peel(sha).map_or("", |commit| commit.sha.as_str());
        let url = call.url();
        json!({
            "name": name,
            "commit": {"sha": commit, "url": format!("{url}/commits/{commit}")},
            "zipball_url": format!("{url}/zipball/refs/tags/{name}"),
            "tarball_url": format!("{url}/tarball/refs/tags/{name}"),
            "node_id": node("REF", name),
        })
    }))
}

pub(crate) fn branches(call: &mut Call<'_>) -> Reply {
    let branches = with_prefix(call, "heads/");
    Ok(call.paged(&branches, |(name, sha)| {
        json!({
            "name": name,
            "commit": {"sha": sha, "url": format!("{}/commits/{sha}", call.url())},
            "protected": is_protected(call, name),
        })
    }))
}

pub(crate) fn branch(call: &mut Call<'_>) -> Reply {
    let name = call.parameter("branch").to_owned();
    let sha = call.repository.refs.get(&format!("heads/{name}")).cloned();
    let commit = sha.and_then(|sha| call.repository.objects.commit(&sha).cloned());
    let Some(commit) = commit else {
        return Err(Answer::error(404, "Branch not found"));
    };
    let url = format!("{}/branches/{name}", call.url());
    let protection = match call.repository.protected.get(&name) {
        Some(checks) => json!({
            "enabled": true,
            "required_status_checks": {
                "enforcement_level": "non_admins",
                "contexts": checks,
                "checks": checks.iter().map(|context| json!({"context": context, "app_id": null})).collect::<Vec<_>>(),
            },
        }),
        None => json!({"enabled": false}),
    };
    let html = format!("{}/tree/{name}", call.urls.page(call.repository));
    Ok(Answer::ok(json!({
        "name": name,
        "commit": commits::shape(call, &commit),
        "_links": {"self": url, "html": html},
        "protected": is_protected(call, &name),
        "protection": protection,
        "protection_url": format!("{url}/protection"),
    })))
}

fn is_protected(call: &Call<'_>, branch: &str) -> bool {
    call.repository.protected.contains_key(branch)
        || super::rulesets::of_branch(call.repository, branch).next().is_some()
}

fn with_prefix(call: &Call<'_>, prefix: &str) -> Vec<(String, String)> {
    call.repository
        .refs
        .iter()
        .filter_map(|(name, sha)| Some((name.strip_prefix(prefix)?.to_owned(), sha.clone())))
        .collect()
}

pub(super) fn shape(call: &Call<'_>, name: &str, sha: &str) -> Value {
    let url = call.url();
    let kind = call.repository.objects.kind(sha);
    json!({
        "ref": format!("refs/{name}"),
        "node_id": node("REF", name),
        "url": format!("{url}/git/refs/{name}"),
        "object": {"type": kind, "sha": sha, "url": format!("{url}/git/{kind}s/{sha}")},
    })
}
