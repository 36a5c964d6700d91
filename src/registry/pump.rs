//! A blob read once for all that want it: hashed as it passes, gone on with where the source broke off, and never given out whole
//! unless it is what its digest says. At most one part of it is held for each taker.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, RANGE};
use reqwest::Response;
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use super::client::Repository;
use super::connection::Call;
use super::error::{Kind, RegistryError, registry_refusal};
use super::incoming::Part;
use crate::calls::{Budget, error_line, pause_after, spread};
use crate::oci::{Descriptor, Digest, Hasher};
use crate::text::human_duration;

/// A transfer in which nothing has moved for so long is begun again. ECR takes its time to check a layer of gigabytes.
pub(super) const STALLED: Duration = Duration::from_mins(2);
/// How often a source may break off without a byte between.
const BREAKS: u32 = 5;

/// Reads a blob for these takers, until it was given out or none of them wants any more. Why it could not be read, each of them is told.
pub(super) async fn pump(source: &Repository, blob: &Descriptor, takers: Vec<Sender<Part>>) {
    let mut feed = Feed { blob, takers, hasher: Hasher::default(), passed: 0 };
    if let Err(why) = source.feed(&mut feed).await {
        // It was asked for again here, as often as that makes sense.
        let why = why.settled();
        for taker in feed.takers {
            let _gone = taker.send(Err(why.clone())).await;
        }
    }
}

/// A blob that is given out.
struct Feed<'b> {
    blob: &'b Descriptor,
    takers: Vec<Sender<Part>>,
    hasher: Hasher,
    /// Bytes that were given out.
    passed: u64,
}

impl Feed<'_> {
    fn is_over(&self) -> bool {
        self.takers.is_empty() || self.passed == self.blob.size
    }

    /// Looks at the next part, and gives it out; the last one only if the whole is right.
    async fn give(&mut self, part: Bytes) -> Result<(), String> {
        self.hasher.update(&part);
        self.passed += part.len() as u64;
        if self.passed > self.blob.size {
            return Err("is longer than its descriptor says".to_owned());
        }
        if self.passed == self.blob.size {
            let found = self.hasher.clone().digest();
            if found != self.blob.digest {
                return Err(format!("has the digest {found}"));
            }
        }
        let mut staying = Vec::new();
        for taker in self.takers.drain(..) {
            if taker.send(Ok(part.clone())).await.is_ok() {
                staying.push(taker);
            }
        }
        self.takers = staying;
        Ok(())
    }
}

impl Repository {
    async fn feed(&self, feed: &mut Feed<'_>) -> Result<(), RegistryError> {
        let connection = &self.registry.connection;
        let blob = feed.blob;
        // Nothing of an empty blob passes the hasher.
        if blob.size == 0 && blob.digest != Digest::of(b"") {
            return Err(connection.corrupt(&format!("the blob {} is empty", blob.digest)));
        }
        let mut breaks = 0;
        while !feed.is_over() {
            let before = feed.passed;
            let Some(broken) = self.read_from(feed).await? else { continue };
            breaks = if feed.passed > before { 1 } else { breaks + 1 };
            let may_go_on = breaks <= BREAKS && self.calls.budget().is_none_or(Budget::take);
            let pause = spread(pause_after(breaks));
            if !may_go_on || self.calls.deadline.sleep(pause).await.is_err() {
                return Err(broken);
            }
            tracing::info!(
                "read the blob {}: {broken}; went on at byte {} after {}",
                blob.digest.short(),
                feed.passed,
                human_duration(pause)
            );
        }
        Ok(())
    }

    /// Reads on from where it was: why it broke off, or nothing when it is over.
    ///
    /// # Errors
    /// It cannot be read, or is not what it must be.
    async fn read_from(&self, feed: &mut Feed<'_>) -> Result<Option<RegistryError>, RegistryError> {
        let (connection, blob) = (&self.registry.connection, feed.blob);
        let (mut answer, mut known) = self.open_blob_at(blob, feed.passed).await?;
        let broken = |why: String| {
            Ok(Some(RegistryError::new(Kind::Broken, connection.host(), format!("the source broke off: {why}"))))
        };
        loop {
            let mut part = match timeout(STALLED, answer.chunk()).await {
                Err(_late) => return broken(format!("nothing has come for {}s", STALLED.as_secs())),
                Ok(Err(error)) => return broken(RegistryError::broken(connection.host(), error).to_string()),
                Ok(Ok(None)) => return broken(format!("{} bytes are missing", blob.size - feed.passed)),
                Ok(Ok(Some(part))) => part,
            };
            // What has been given out already, from a source that begins at the beginning.
            let skipped = known.min(part.len() as u64);
            known -= skipped;
            let part = part.split_off(usize::try_from(skipped).unwrap_or(part.len()));
            if part.is_empty() {
                continue;
            }
            let given = feed.give(part).await;
            given
                .map_err(|why| connection.corrupt(&format!("what the source sent: the blob {} {why}", blob.digest)))?;
            if feed.is_over() {
                return Ok(None);
            }
        }
    }

    /// The answer that holds a blob from this byte on, and how much of it comes that was not asked for.
    async fn open_blob_at(&self, blob: &Descriptor, start: u64) -> Result<(Response, u64), RegistryError> {
        let what = format!("read the blob {}@{}", self.label(), blob.digest.short());
        let opened = self.reading(&what, async |authorization| {
            let connection = &self.registry.connection;
            let range = format!("bytes={start}-");
            let call = Call {
                field: (start > 0).then_some((RANGE, range.as_str())),
                ..Call::get(self.place("blobs", blob.digest.as_str()), authorization)
            };
            let answer = connection.expect_status(connection.send(&call).await?, &[200, 206]).await?;
            let named = answer.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
            let begins = named.is_some_and(|range| range.starts_with(&format!("bytes {start}-")));
            let known = if answer.status().as_u16() == 206 && begins { 0 } else { start };
            if answer.status().as_u16() == 206 && !begins {
                let message = format!("{} sent another part of a blob than it was asked for", connection.label());
                return Err(RegistryError::new(Kind::Invalid, connection.host(), message));
            }
            self.check_size(&answer, blob, blob.size - start + known)?;
            Ok((answer, known))
        });
        opened.await.map_err(|error| match registry_refusal(&error) {
            Some(refusal) => refusal.clone(),
            None => RegistryError::new(Kind::Broken, self.registry.connection.host(), error_line(&error)),
        })
    }

    /// What the source says of the size is what the manifest says.
    fn check_size(&self, answer: &Response, blob: &Descriptor, expected: u64) -> Result<(), RegistryError> {
        match answer.content_length() {
            Some(length) if length != expected => {
                let message = format!(
                    "the blob {} has {} bytes, and its manifest says {}",
                    blob.digest,
                    (length + blob.size).saturating_sub(expected),
                    blob.size
                );
                Err(self.registry.connection.corrupt(&message))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc::channel;

    /// What two takers get of a blob whose content is `hello world`, given in these parts, and the complaint.
    async fn passed(parts: &[&'static str], size: u64) -> (String, Option<String>) {
        let digest = Digest::of(b"hello world");
        let blob = Descriptor { media_type: String::new(), digest, size, foreign: false };
        let (one, mut first) = channel(8);
        let (two, second) = channel(8);
        drop(second);
        let mut feed = Feed { blob: &blob, takers: vec![one, two], hasher: Hasher::default(), passed: 0 };
        let mut complaint = None;
        for part in parts {
            complaint = feed.give(Bytes::from_static(part.as_bytes())).await.err();
        }
        assert_eq!(feed.takers.len(), 1, "who is gone is not waited for");
        drop(feed);
        let mut text = String::new();
        while let Some(Ok(part)) = first.recv().await {
            text.push_str(std::str::from_utf8(&part).unwrap());
        }
        (text, complaint)
    }

    #[tokio::test]
    async fn a_blob_is_never_given_out_whole_unless_it_is_right() {
        assert_eq!(passed(&["hello ", "world"], 11).await, ("hello world".to_owned(), None));
        let wrong = Digest::of(b"hello World");
        assert_eq!(
            passed(&["hello ", "World"], 11).await,
            ("hello ".to_owned(), Some(format!("has the digest {wrong}")))
        );
        let longer = Some("is longer than its descriptor says".to_owned());
        assert_eq!(passed(&["hello ", "world!"], 11).await, ("hello ".to_owned(), longer));
    }
}
