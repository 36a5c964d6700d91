//! Downloads of blobs, also from the blob store.

use super::answer::{Reply, refusal};
use super::blob::{Blob, Part};
use super::inner::Inner;
use crate::wire::{Answer, Request};

pub(super) fn get(inner: &Inner, request: &Request, name: &str, digest: &str) -> Reply {
    let state = inner.state();
    let blob = state.repositories.get(name).and_then(|repository| repository.blobs.get(digest));
    let Some(blob) = blob else {
        return Err(refusal(404, "BLOB_UNKNOWN", "blob unknown to registry"));
    };
    if request.method == "GET" && state.options.redirects {
        let url = format!("http://{}/store/{name}/{digest}?X-Amz-Signature={}", inner.store_host, inner.signature);
        return Ok(Answer::empty(307).header("location", url));
    }
    let answer = send(request, blob, state.options.ranges);
    Ok(if state.options.digest_header { answer.header("docker-content-digest", digest) } else { answer })
}

/// The blob store: a presigned URL says all, and a second way to sign is refused, as S3 does.
pub(super) fn download(inner: &Inner, request: &Request) -> Reply {
    if request.header("authorization").is_some() {
        return Err(xml(400, "InvalidArgument", "Only one auth mechanism allowed"));
    }
    if request.query("X-Amz-Signature").as_ref() != Some(&inner.signature) {
        return Err(xml(403, "AccessDenied", "Access Denied"));
    }
    let found = request.path().strip_prefix("/store/").and_then(|rest| rest.rsplit_once('/'));
    let state = inner.state();
    let blob = found.and_then(|(name, digest)| state.repositories.get(name).and_then(|known| known.blobs.get(digest)));
    match blob {
        Some(blob) if matches!(request.method.as_str(), "GET" | "HEAD") => {
            Ok(send(request, blob, state.options.ranges))
        }
        Some(_) => Err(xml(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")),
        None => Err(xml(404, "NoSuchKey", "The specified key does not exist.")),
    }
}

fn xml(status: u16, code: &str, message: &str) -> Answer {
    let body = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Answer::text(status, body).header("content-type", "application/xml")
}

fn send(request: &Request, blob: &Blob, ranges: bool) -> Answer {
    let size = blob.size();
    let asked = request.header("range").filter(|_| ranges && request.method == "GET");
    let answer = match asked.and_then(|text| range(text, size)) {
        None => Answer::new(200, blob.clone()),
        Some(None) => return Answer::empty(416).header("content-range", format!("bytes */{size}")),
        Some(Some((start, end))) => Answer::new(206, Part { blob: blob.clone(), start, length: end - start + 1 })
            .header("content-range", format!("bytes {start}-{end}/{size}")),
    };
    let answer = answer.header("content-type", "application/octet-stream");
    if ranges { answer.header("accept-ranges", "bytes") } else { answer }
}

/// The first and the last byte asked for: none if the header cannot be read, and then none if there are no such bytes.
#[expect(clippy::option_option, reason = "an unreadable range is ignored, an impossible one refused")]
fn range(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (start, end) {
        ("", last) => (size.saturating_sub(last.parse().ok()?), size.saturating_sub(1)),
        (start, "") => (start.parse().ok()?, size.saturating_sub(1)),
        (start, end) => (start.parse().ok()?, end.parse::<u64>().ok()?.min(size.saturating_sub(1))),
    };
    Some((start <= end && start < size).then_some((start, end)))
}
