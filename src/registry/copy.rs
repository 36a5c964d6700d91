//! One blob from one registry to another: read, verified and written in one go, in bounded memory and never on disk.

use std::time::Duration;

use anyhow::Result;
use http::{HeaderValue, Method};
use reqwest::Response;
use tokio::time::{Instant, sleep_until};
use url::Url;

use super::client::Repository;
use super::connection::{Call, Connection};
use super::endpoint::Place;
use super::error::{Kind, RegistryError};
use super::verified::{Stopped, Verified, Watch};
use crate::calls;
use crate::oci::{Descriptor, Digest};
use crate::text::message;

/// A transfer in which nothing has moved for so long is begun again. ECR takes its time to check a layer of gigabytes.
const STALLED: Duration = Duration::from_mins(2);

impl Repository {
    /// Copies a blob here. Repeatable: each try begins a new session, because ECR refuses a second beginning in one
    /// (<https://github.com/apple/container/issues/1895>), and writes it by one `PUT`, because ECR loses data of several
    /// `PATCH`es (<https://github.com/aws/containers-roadmap/issues/2831>).
    pub async fn copy_blob(&self, source: &Repository, blob: &Descriptor) -> Result<()> {
        let what = format!("copy the blob {} ({} bytes) to {}", blob.digest.short(), blob.size, self.label());
        source
            .logged_in(async |from| {
                self.writing(&what, calls::Kind::Repeatable, async |to| {
                    let body = source.open_blob(&blob.digest, from).await?;
                    source.check_size(&body, blob)?;
                    self.upload(body, blob, source, to).await
                })
                .await
            })
            .await
    }

    /// What the source says of the size is what the manifest says.
    fn check_size(&self, answer: &Response, blob: &Descriptor) -> Result<(), RegistryError> {
        match answer.content_length() {
            Some(length) if length != blob.size => {
                let message =
                    format!("the blob {} has {length} bytes, and its manifest says {}", blob.digest, blob.size);
                Err(self.registry.connection.corrupt(&message))
            }
            // Nothing of an empty blob passes the hasher.
            _ if blob.size == 0 && blob.digest != Digest::of(b"") => {
                Err(self.registry.connection.corrupt(&format!("the blob {} is empty", blob.digest)))
            }
            _ => Ok(()),
        }
    }

    /// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#post-then-put>
    async fn upload(
        &self,
        body: Response,
        blob: &Descriptor,
        source: &Repository,
        authorization: Option<&HeaderValue>,
    ) -> Result<(), RegistryError> {
        let connection = &self.registry.connection;
        let call = Call { method: Method::POST, ..Call::get(self.place("blobs", "uploads/"), authorization) };
        let begun = connection.expect_status(connection.send(&call).await?, &[202]).await?;
        let url = session(connection, &begun, &blob.digest)?;
        let (body, watch) = Verified::new(reqwest::Body::from(body), &blob.digest, blob.size);
        let sent = connection.upload(&url, authorization, blob.size, reqwest::Body::wrap(body)).send();
        let answer = tokio::select! {
            answer = sent => answer.map_err(|error| connection.broken(error)),
            () = until_stalled(&watch) => {
                let message = format!("nothing has moved for {}s", STALLED.as_secs());
                Err(RegistryError::new(Kind::Broken, connection.host(), message))
            }
        };
        // When the source is to blame, the upload breaks as well: what the source did is the reason.
        let from = &source.registry.connection;
        match watch.stop_reason() {
            Some(Stopped::Corrupt(why)) => return Err(from.corrupt(&format!("the blob {} {why}", blob.digest))),
            Some(broken @ Stopped::Broken(_)) => {
                return Err(RegistryError::new(Kind::Broken, from.host(), broken.to_string()));
            }
            None => {}
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
