//! Manifests, tags and referrers.

use serde_json::json;

use super::answer::{Reply, refusal};
use super::blob::digest;
use super::image::INDEX;
use super::inner::Inner;
use super::options::Login;
use super::state::{Repository, State, parts};
use crate::wire::{Answer, Call, Request};

/// The largest manifest that is taken.
const MOST: usize = 4 * 1024 * 1024;

pub(super) fn get(inner: &Inner, request: &Request, name: &str, reference: &str) -> Reply {
    let state = inner.state();
    let found = state.repositories.get(name).and_then(|repository| repository.manifest(reference));
    let Some(found) = found else {
        return Err(refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"));
    };
    // Docker names each media type in a line of its own.
    let lines = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("accept"));
    let accepted = lines.into_iter().any(|(_, types)| types.contains("*/*") || types.contains(&found.media_type));
    if state.options.strict_accept && !accepted {
        let message = format!("{} found, but Accept header does not support it", found.media_type);
        return Err(refusal(404, "MANIFEST_UNKNOWN", message));
    }
    let answer = Answer::new(200, found.bytes).header("content-type", found.media_type);
    Ok(if state.options.digest_header { answer.header("docker-content-digest", found.digest) } else { answer })
}

pub(super) async fn put(inner: &Inner, call: &mut Call, name: &str, reference: &str) -> Reply {
    let Some(bytes) = call.all(MOST).await else {
        return Err(refusal(413, "MANIFEST_INVALID", "manifest too large, or not all of it"));
    };
    let media_type = call.request.header("content-type").unwrap_or_default().to_owned();
    let found = digest(&bytes);
    let mut state = inner.state();
    let by_digest = reference.contains(':');
    if by_digest && reference != found {
        return Err(refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content"));
    }
    valid(&state, name, &media_type, &bytes)?;
    let State { options, repositories, .. } = &mut *state;
    let repository = repositories.entry(name.to_owned()).or_default();
    if !by_digest {
        if options.immutable && repository.tags.contains_key(reference) {
            return Err(immutable(name, reference));
        }
        repository.tags.insert(reference.to_owned(), found.clone());
    }
    let subject = parts(&bytes).subject;
    repository.manifests.insert(found.clone(), (media_type, bytes.into()));
    let mut answer = Answer::empty(201);
    if options.digest_header {
        answer = answer.header("docker-content-digest", found.clone());
    }
    if options.manifest_location {
        answer = answer.header("location", format!("/v2/{name}/manifests/{found}"));
    }
    if let Some(subject) = subject.filter(|_| options.referrers) {
        answer = answer.header("oci-subject", subject);
    }
    Ok(answer)
}

fn immutable(name: &str, tag: &str) -> Answer {
    let message = format!(
        "The image tag '{tag}' already exists in the '{name}' repository and cannot be overwritten because the \
         repository is immutable."
    );
    refusal(400, "TAG_INVALID", message)
}

/// Refuses a manifest that cannot be stored here.
fn valid(state: &State, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Answer> {
    let content: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    if content["schemaVersion"] != 2 || media_type.is_empty() {
        return Err(refusal(400, "MANIFEST_INVALID", "manifest invalid"));
    }
    if content["mediaType"].as_str().is_some_and(|named| named != media_type) {
        return Err(refusal(400, "MANIFEST_INVALID", "Content-Type is not the manifest's mediaType"));
    }
    let parts = parts(bytes);
    if !state.options.media_type_parameters && parts.media_types.iter().any(|named| named.contains(';')) {
        return Err(refusal(
            405,
            "UNSUPPORTED",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        ));
    }
    if !state.options.validates {
        return Ok(());
    }
    let nothing = Repository::default();
    let repository = state.repositories.get(name).unwrap_or(&nothing);
    let absent = |names: Vec<String>, known: &dyn Fn(&str) -> bool| -> Vec<String> {
        names.into_iter().filter(|digest| !known(digest)).collect()
    };
    let blobs = absent(parts.blobs, &|digest| repository.blobs.contains_key(digest));
    let children = absent(parts.manifests, &|digest| repository.manifests.contains_key(digest));
    for (kind, missing) in [("Layers", blobs), ("Images", children)] {
        if !missing.is_empty() {
            let message = match state.options.login {
                Login::Basic => format!(
                    "{kind} with digests '[{}]' required for pushing image into repository with name '{name}' in the \
                     registry with id '123456789012' do not exist",
                    missing.join(", ")
                ),
                _ => format!("blob unknown to registry: {}", missing.join(", ")),
            };
            return Err(refusal(400, "MANIFEST_BLOB_UNKNOWN", message));
        }
    }
    Ok(())
}

pub(super) fn tags(inner: &Inner, request: &Request, name: &str) -> Reply {
    let state = inner.state();
    let most = state.options.page;
    let asked = match request.query("n").map(|number| number.parse::<usize>()) {
        None => most,
        Some(Ok(number)) if number <= most || state.options.login != Login::Basic => number.min(most),
        Some(_) => return Err(refusal(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")),
    };
    let last = request.query("last").unwrap_or_default();
    let all = state.repositories.get(name).map(|repository| &repository.tags);
    let mut left = all.into_iter().flatten().map(|(tag, _)| tag.as_str()).filter(|tag| *tag > last.as_str());
    let shown: Vec<&str> = left.by_ref().take(asked).collect();
    let answer = Answer::json(200, &json!({"name": name, "tags": shown}));
    Ok(match shown.last() {
        Some(last) if left.next().is_some() => {
            answer.header("link", format!("</v2/{name}/tags/list?last={last}&n={asked}>; rel=\"next\""))
        }
        _ => answer,
    })
}

pub(super) fn referrers(inner: &Inner, request: &Request, name: &str, subject: &str) -> Reply {
    let state = inner.state();
    if !state.options.referrers {
        return Err(Answer::text(404, "404 page not found\n"));
    }
    let mut found = state.repositories.get(name).map(|repository| repository.referrers(subject)).unwrap_or_default();
    let wanted = request.query("artifactType");
    found.retain(|descriptor| wanted.as_ref().is_none_or(|wanted| descriptor["artifactType"] == wanted.as_str()));
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": found});
    let answer = Answer::text(200, index.to_string()).header("content-type", INDEX);
    Ok(if wanted.is_some() { answer.header("oci-filters-applied", "artifactType") } else { answer })
}
