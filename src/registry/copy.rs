//! One blob from one repository to others: read once, verified, and written in one go, in bounded memory and never on disk.

use std::cell::Cell;
use std::pin::pin;

use anyhow::Result;
use futures_util::future::join_all;
use http::{HeaderValue, Method};
use reqwest::Response;
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::client::Repository;
use super::connection::{Call, Connection};
use super::endpoint::Place;
use super::error::{Kind, RegistryError};
use super::incoming::{Incoming, Part, Progress, Watch};
use super::pump::{STALLED, pump};
use crate::calls;
use crate::oci::{Descriptor, Digest};
use crate::text::message;

/// How a blob came to where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// Its bytes were transferred.
    Copied,
    /// The registry had it in another repository.
    Mounted,
}

/// What an upload was begun with.
enum Begun {
    /// Nothing more is to be sent.
    Mounted,
    /// It goes on here.
    Session(Url),
}

/// Copies a blob to each of these repositories, and answers how it came there. It is read once for all of them; one that must begin again
/// reads it by itself.
pub async fn copy_blob(
    source: &Repository,
    destinations: &[&Repository],
    blob: &Descriptor,
    progress: &Progress,
) -> Result<Vec<Moved>> {
    let (takers, parts): (Vec<_>, Vec<_>) = destinations.iter().map(|_| channel(1)).unzip();
    let wanted = Notify::new();
    let copy = Copy { source, blob, wanted: &wanted, progress };
    let uploads = pin!(join_all(destinations.iter().zip(parts).map(|(to, parts)| to.take_blob(&copy, parts))));
    let feed = pin!(async {
        wanted.notified().await;
        pump(source, blob, takers).await;
    });
    beside(uploads, feed).await.into_iter().collect()
}

/// Waits for the work while the feed runs beside it, and no longer.
async fn beside<T>(mut work: std::pin::Pin<&mut impl Future<Output = T>>, feed: impl Future<Output = ()>) -> T {
    tokio::select! {
        biased;
        done = &mut work => done,
        () = feed => work.await,
    }
}

/// One blob to be copied.
struct Copy<'c> {
    source: &'c Repository,
    blob: &'c Descriptor,
    /// Woken as soon as somebody has to have its bytes.
    wanted: &'c Notify,
    progress: &'c Progress,
}

impl Repository {
    /// The same repository, with blobs of this one mounted where one registry and one login have both.
    #[must_use]
    pub fn mounting_from(mut self, source: &Repository) -> Self {
        if std::rc::Rc::ptr_eq(&self.registry, &source.registry) && self.name != source.name {
            self.mounts_from = Some(source.name.clone());
            self.scope = format!("{} repository:{}:pull", self.scope, source.name);
        }
        self
    }

    /// Whether blobs may be mounted here from where they are.
    #[must_use]
    pub fn may_mount(&self) -> bool {
        self.mounts_from.is_some()
    }

    /// Takes a blob in. Repeatable: each try begins a new session, because ECR refuses a second beginning in one
    /// (<https://github.com/apple/container/issues/1895>), and writes it by one `PUT`, because ECR loses data of several
    /// `PATCH`es (<https://github.com/aws/containers-roadmap/issues/2831>).
    async fn take_blob(&self, copy: &Copy<'_>, parts: Receiver<Part>) -> Result<Moved> {
        let blob = copy.blob;
        let what = format!("copy the blob {} ({} bytes) to {}", blob.digest.short(), blob.size, self.label());
        let (first, mount) = (Cell::new(Some(parts)), Cell::new(self.mounts_from.as_deref()));
        self.writing(&what, calls::Kind::Repeatable, async |authorization| {
            let from = mount.take();
            if from.is_none() {
                // The first byte may come while the session is begun.
                copy.wanted.notify_one();
            }
            let session = match self.begin(&blob.digest, from, authorization).await? {
                Begun::Mounted => return Ok(Moved::Mounted),
                Begun::Session(session) => session,
            };
            if let Some(parts) = first.take() {
                copy.wanted.notify_one();
                self.upload(&session, parts, copy, authorization).await?;
            } else {
                let (taker, parts) = channel(1);
                let upload = pin!(self.upload(&session, parts, copy, authorization));
                beside(upload, pump(copy.source, blob, vec![taker])).await?;
            }
            Ok(Moved::Copied)
        })
        .await
    }

    /// Begins an upload, or has the blob mounted: what a registry does not mount it takes in the session that it begins instead.
    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository>
    async fn begin(
        &self,
        digest: &Digest,
        from: Option<&str>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Begun, RegistryError> {
        let connection = &self.registry.connection;
        let post = async |from: Option<&str>| {
            let mut place = self.place("blobs", "uploads/");
            if let (Place::Own(url), Some(from)) = (&mut place, from) {
                url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from);
            }
            let call = Call { method: Method::POST, ..Call::get(place, authorization) };
            connection.expect_status(connection.send(&call).await?, &[201, 202]).await
        };
        let answer = match post(from).await {
            // It does not mount at all, or not this.
            Err(refusal) if from.is_some() && refusal.is_about_the_request() => post(None).await?,
            answer => answer?,
        };
        if from.is_some() && answer.status().as_u16() == 201 {
            return Ok(Begun::Mounted);
        }
        session(connection, &answer, digest).map(Begun::Session)
    }

    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put>
    async fn upload(
        &self,
        session: &Url,
        parts: Receiver<Part>,
        copy: &Copy<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<(), RegistryError> {
        let connection = &self.registry.connection;
        let (body, watch) = Incoming::new(parts, copy.blob.size, copy.progress);
        let sent = connection.upload(session, authorization, copy.blob.size, reqwest::Body::wrap(body)).send();
        let answer = tokio::select! {
            answer = sent => answer.map_err(|error| connection.broken(error)),
            () = until_stalled(&watch) => {
                let message = format!("nothing has moved for {}s", STALLED.as_secs());
                Err(RegistryError::new(Kind::Broken, connection.host(), message))
            }
        };
        // When the source is to blame, the upload breaks as well: what the source did is the reason.
        if let Some(why) = watch.stop_reason() {
            return Err(why);
        }
        connection.expect_status(answer?, &[201, 204]).await?;
        Ok(())
    }
}

/// Where the upload goes on: on the same host only, or a registry could have the blob and our credentials sent anywhere
/// (GHSA-jxpm-75mh-9fp7).
fn session(connection: &Connection, begun: &Response, digest: &Digest) -> Result<Url, RegistryError> {
    match connection.location(begun)? {
        Place::Own(mut url) => {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
            Ok(url)
        }
        Place::Elsewhere(url) => {
            let host = url.host_str().unwrap_or_default().to_owned();
            Err(connection.untrusted(&message!(
                "upload-sent-elsewhere",
                "the registry wants an upload to go on at another host, {host}"
            )))
        }
    }
}

/// Ends when nothing has passed for too long.
async fn until_stalled(watch: &Watch) {
    loop {
        let end = watch.last_progress() + STALLED;
        if end <= Instant::now() {
            return;
        }
        sleep_until(end).await;
    }
}
