//! Uploads of blobs.

use super::answer::{Reply, refusal};
use super::blob::Sink;
use super::inner::Inner;
use super::login;
use super::options::{Location, Mount};
use super::secret::secret;
use super::state::{Access, Repository};
use crate::wire::{Answer, Call, Request};

/// `POST uploads/`: mounts, takes a whole blob, or begins a session.
pub(super) async fn begin(inner: &Inner, call: &mut Call, name: &str) -> Reply {
    if let (Some(digest), Some(from)) = (call.request.query("mount"), call.request.query("from"))
        && mount(inner, &call.request, name, &digest, &from)
    {
        return Ok(stored(name, &digest, inner.state().options.digest_header));
    }
    let id = secret("");
    let digest = call.request.query("digest");
    let discards = inner.state().options.discards;
    inner.state().repository(name).uploads.insert(id.clone(), Sink::new(digest.as_deref(), discards));
    match digest {
        Some(_) => put(inner, call, name, &id).await,
        None => Ok(session(inner, &call.request, 202, name, &id, 0)),
    }
}

fn mount(inner: &Inner, request: &Request, name: &str, digest: &str, from: &str) -> bool {
    let mut state = inner.state();
    let readable = login::check(inner, &state, request, from, Access::Pull).is_ok();
    let source = state.repositories.get(from).filter(|source| {
        readable
            && match state.options.mount {
                Mount::Granted => true,
                Mount::OfReferenced => source.referenced().contains(digest),
                Mount::Refused => false,
            }
    });
    let Some(blob) = source.and_then(|source| source.blobs.get(digest)).cloned() else { return false };
    state.repository(name).blobs.insert(digest.to_owned(), blob);
    true
}

/// `PATCH`: the next piece.
pub(super) async fn patch(inner: &Inner, call: &mut Call, name: &str, id: &str) -> Reply {
    let sink = in_order(inner, call, name, id)?;
    let sink = receive(inner, call, name, id, sink).await?;
    let size = sink.size();
    let status = inner.state().options.patch_status;
    inner.state().repository(name).uploads.insert(id.to_owned(), sink);
    Ok(session(inner, &call.request, status, name, id, size))
}

/// `PUT ?digest=`: the rest, or all of it.
pub(super) async fn put(inner: &Inner, call: &mut Call, name: &str, id: &str) -> Reply {
    let Some(digest) = call.request.query("digest") else {
        return Err(refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content"));
    };
    let mut sink = in_order(inner, call, name, id)?;
    let options = inner.state().options.clone();
    let has_body = call.request.header("content-length").is_some_and(|length| length != "0");
    if options.refuses_restart && sink.size() > 0 && has_body {
        let message = format!("The first byte of the layer part is 0 instead of {}", sink.size());
        inner.state().repository(name).uploads.insert(id.to_owned(), sink);
        return Err(refusal(416, "BLOB_UPLOAD_INVALID", message));
    }
    sink.announce(&digest);
    let sink = receive(inner, call, name, id, sink).await?;
    if sink.size() == 0 && !options.empty_blobs {
        return Err(refusal(400, "BLOB_UPLOAD_INVALID", "The upload is empty."));
    }
    match sink.finish(&digest) {
        Ok(blob) => {
            inner.state().repository(name).blobs.insert(digest.clone(), blob);
            Ok(stored(name, &digest, options.digest_header))
        }
        Err(found) => {
            let message = format!("provided digest did not match uploaded content: {found}");
            Err(refusal(400, "DIGEST_INVALID", message))
        }
    }
}

/// `GET`: how far it is.
pub(super) fn state(inner: &Inner, request: &Request, name: &str, id: &str) -> Reply {
    let size = inner.state().repository(name).uploads.get(id).map(Sink::size).ok_or_else(unknown)?;
    Ok(session(inner, request, 204, name, id, size))
}

/// The session, if the next piece goes on where it is.
fn in_order(inner: &Inner, call: &Call, name: &str, id: &str) -> Result<Sink, Answer> {
    let sink = take(inner, name, id)?;
    let start = call.request.header("content-range").and_then(|range| range.split('-').next()?.parse::<u64>().ok());
    if start.is_some_and(|start| start != sink.size()) {
        let size = sink.size();
        inner.state().repository(name).uploads.insert(id.to_owned(), sink);
        return Err(session(inner, &call.request, 416, name, id, size));
    }
    Ok(sink)
}

fn take(inner: &Inner, name: &str, id: &str) -> Result<Sink, Answer> {
    inner
        .state()
        .repositories
        .get_mut(name)
        .and_then(|known: &mut Repository| known.uploads.remove(id))
        .ok_or_else(unknown)
}

fn unknown() -> Answer {
    refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
}

/// Reads the body into the sink. If it breaks off, what has arrived stays in the session.
async fn receive(inner: &Inner, call: &mut Call, name: &str, id: &str, mut sink: Sink) -> Result<Sink, Answer> {
    loop {
        let problem = match call.next().await {
            Ok(None) => return Ok(sink),
            Ok(Some(bytes)) => match sink.write(&bytes) {
                Ok(()) => continue,
                Err(problem) => problem,
            },
            Err(problem) => problem,
        };
        inner.state().repository(name).uploads.insert(id.to_owned(), sink);
        return Err(refusal(499, "BLOB_UPLOAD_INVALID", problem.to_string()));
    }
}

fn session(inner: &Inner, request: &Request, status: u16, name: &str, id: &str, size: u64) -> Answer {
    let path = format!("/v2/{name}/blobs/uploads/{id}?_state=a%2Fb%3D");
    let location = match &inner.state().options.location {
        Location::Relative => Some(path),
        Location::Absolute => Some(format!("{}{path}", inner.origin(request))),
        Location::OtherHost(host) => Some(format!("http://{host}{path}")),
        Location::Missing => None,
    };
    let answer =
        Answer::empty(status).header("docker-upload-uuid", id).header("range", format!("0-{}", size.saturating_sub(1)));
    match location {
        Some(location) => answer.header("location", location),
        None => answer,
    }
}

fn stored(name: &str, digest: &str, header: bool) -> Answer {
    let answer = Answer::empty(201).header("location", format!("/v2/{name}/blobs/{digest}"));
    if header { answer.header("docker-content-digest", digest) } else { answer }
}
