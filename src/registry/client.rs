//! The client of one repository: manifests as raw bytes, blobs as they are. What is read is hashed here and compared with the
//! digest it was asked for by; nothing is ever written another way than it was read.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use reqwest::Response;

use super::connection::{Call, Connection};
use super::ecr::Ecr;
use super::endpoint::{Endpoint, Place, repository_at};
use super::error::{Access, Kind, RegistryError, registry_refusal};
use super::layers::Tagging;
use super::login::{Account, Login};
use crate::action::inputs::{Lines, RegistryEndpoint};
use crate::calls::{self, Answer, Calls};
use crate::oci::{Descriptor, Digest, EcrRegistry, MANIFEST_TYPES, Manifest, Parts};
use crate::text::message;

/// Registries and clients agree on this bound (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests>).
pub(super) const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;
/// A configuration larger than this is no image's.
pub const LARGEST_CONFIGURATION: usize = 8 * 1024 * 1024;

/// A registry, and how to log in to it.
#[derive(Debug)]
pub struct Registry {
    pub(super) connection: Connection,
    login: Login,
    ecr: Option<EcrRegistry>,
}

impl Registry {
    /// Prepares the client; nothing is sent. `endpoints` say where hosts are reached.
    pub fn new(host: &str, endpoints: Option<&Lines<RegistryEndpoint>>, account: Account) -> Result<Self> {
        let endpoint = Endpoint::of(host, endpoints)?;
        let ecr = EcrRegistry::from_host(host);
        Ok(Self { connection: Connection::new(endpoint)?, login: Login::new(account), ecr })
    }

    /// ECR's own API, where this is ECR and entered as such.
    pub(super) fn api(&self) -> Option<&Ecr> {
        self.login.ecr()
    }

    /// The registry of ECR that this is.
    #[must_use]
    pub fn ecr(&self) -> Option<&EcrRegistry> {
        self.ecr.as_ref()
    }
}

/// One repository of a registry.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) calls: Calls,
    pub(super) registry: Rc<Registry>,
    /// The host, as images name it; account included where it is ECR's.
    pub host: String,
    /// The name in its registry.
    pub name: String,
    access: Access,
    pub(super) scope: String,
    /// A repository of the same registry from which blobs may be mounted.
    pub(super) mounts_from: Option<String>,
}

/// A manifest as the registry keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What its bytes hash to.
    pub digest: Digest,
    /// Of the manifest itself.
    pub media_type: String,
    /// The bytes, unchanged.
    pub bytes: Bytes,
    /// What it describes.
    pub manifest: Manifest,
    /// What it points to.
    pub parts: Parts,
}

/// A manifest by its content, or by a name that may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'r> {
    /// By content.
    Digest(&'r Digest),
    /// By tag.
    Tag(&'r str),
}

impl<'r> Reference<'r> {
    fn text(self) -> &'r str {
        match self {
            Self::Digest(digest) => digest.as_str(),
            Self::Tag(tag) => tag,
        }
    }
}

impl std::fmt::Display for Reference<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Digest(digest) => write!(f, "@{}", digest.short()),
            Self::Tag(tag) => write!(f, ":{tag}"),
        }
    }
}

impl Repository {
    /// A repository of a registry.
    #[must_use]
    pub fn new(calls: Calls, registry: Rc<Registry>, host: &str, name: &str, access: Access) -> Self {
        let name = repository_at(host, name).into_owned();
        let actions = if access == Access::Push { "pull,push" } else { "pull" };
        let scope = format!("repository:{name}:{actions}");
        Self { calls, registry, host: host.to_owned(), name, access, scope, mounts_from: None }
    }

    /// The same repository with writes of its own, for [`correct`](Self::correct).
    #[must_use]
    pub fn separate(&self) -> Self {
        Self { calls: self.calls.separate(), ..self.clone() }
    }

    /// Notes what became of the write that was sent last, when a look shows it.
    pub fn correct(&self, answer: Answer) {
        self.calls.correct(answer);
    }

    /// For people: with its host, but without an account.
    #[must_use]
    pub fn label(&self) -> String {
        if self.registry.ecr.is_some() { self.name.clone() } else { format!("{}/{}", self.host, self.name) }
    }

    /// A manifest, byte for byte; `None` when there is none of that name. A missing repository of ECR is an error.
    pub async fn manifest(&self, reference: Reference<'_>) -> Result<Option<Stored>> {
        self.manifest_as(reference, "").await
    }

    /// The same, of an entry of an index, which says what it is where neither the manifest nor the registry does.
    pub(super) async fn child(&self, child: &Descriptor) -> Result<Option<Stored>> {
        self.manifest_as(Reference::Digest(&child.digest), &child.media_type).await
    }

    async fn manifest_as(&self, reference: Reference<'_>, described: &str) -> Result<Option<Stored>> {
        let what = format!("read the manifest {}{reference}", self.label());
        let read = self
            .reading(&what, async |authorization| {
                let call = Call {
                    accept: Some(&accept()),
                    ..Call::get(self.place("manifests", reference.text()), authorization)
                };
                let connection = &self.registry.connection;
                let answer = connection.expect_status(connection.send(&call).await?, &[200]).await?;
                let named = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
                let (named, content_type) = (named.map(str::to_owned), media_type_of(&answer));
                let bytes = connection.bytes(answer, LARGEST_MANIFEST).await?;
                self.verify(reference, named.as_deref(), &bytes)?;
                Ok((content_type, bytes))
            })
            .await;
        let Some((content_type, bytes)) = self.absent_is_none(read)? else { return Ok(None) };
        Stored::read([&content_type, described], bytes).context(what).map(Some)
    }

    /// What a manifest hashes to is what it was asked for by, and what the registry calls it.
    fn verify(&self, reference: Reference<'_>, named: Option<&str>, bytes: &[u8]) -> Result<(), RegistryError> {
        let found = Digest::of(bytes);
        let asked = match reference {
            Reference::Digest(digest) => Some(digest.as_str()),
            Reference::Tag(_) => None,
        };
        // Another algorithm than ours cannot be compared, and names the same bytes all the same.
        let named = named.filter(|digest| digest.starts_with("sha256:"));
        match asked.into_iter().chain(named).find(|digest| *digest != found.as_str()) {
            None => Ok(()),
            Some(digest) => Err(self
                .registry
                .connection
                .corrupt(&message!("corrupt-manifest", "the manifest {digest} was sent as {found}"))),
        }
    }

    /// Only in ECR is a repository made before it is used; elsewhere there is none before the first push.
    pub(super) fn absent_is_none<T>(&self, answer: Result<T>) -> Result<Option<T>> {
        let kind = answer.as_ref().err().and_then(registry_refusal).map(|refusal| &refusal.kind);
        match kind {
            Some(Kind::NotFound) => Ok(None),
            Some(Kind::NoRepository) if self.registry.ecr.is_none() => Ok(None),
            _ => answer.map(Some),
        }
    }

    /// A small blob, whole.
    pub async fn blob(&self, digest: &Digest, largest: usize) -> Result<Bytes> {
        let what = format!("read the blob {}@{}", self.label(), digest.short());
        self.reading(&what, async |authorization| {
            let answer = self.open_blob(digest, authorization).await?;
            let bytes = self.registry.connection.bytes(answer, largest).await?;
            let found = Digest::of(&bytes);
            if found == *digest {
                Ok(bytes)
            } else {
                Err(self
                    .registry
                    .connection
                    .corrupt(&message!("corrupt-blob", "the blob {digest} was sent as {found}")))
            }
        })
        .await
        .context(what)
    }

    /// The answer that holds a blob, not yet read.
    pub(super) async fn open_blob(
        &self,
        digest: &Digest,
        authorization: Option<&HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let connection = &self.registry.connection;
        let call = Call::get(self.place("blobs", digest.as_str()), authorization);
        self.with_access(async { connection.expect_status(connection.send(&call).await?, &[200]).await }).await
    }

    /// Puts a manifest under its digest. Repeatable: the same bytes under their own name. True where the registry keeps a list of what
    /// refers to its subject (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests-with-subject>).
    pub async fn put_by_digest(&self, stored: &Stored) -> Result<bool> {
        let what = format!("put the manifest {}@{}", self.label(), stored.digest.short());
        self.put(&what, calls::Kind::Repeatable, Reference::Digest(&stored.digest), stored).await
    }

    /// Puts a tag on a manifest. Not sent again when its answer is lost: somebody else may have put it somewhere since. ECR is asked
    /// by its own API, which compares the digest.
    pub async fn put_tag(&self, tag: &str, stored: &Stored) -> Result<()> {
        let what = self.tagging(tag, stored);
        match self.registry.api() {
            Some(ecr) => {
                let Stored { digest, media_type, bytes, .. } = stored;
                let image = Tagging { repository: &self.name, tag, digest, media_type, bytes };
                ecr.put_tag(&self.calls, &what, image).await
            }
            None => self.put(&what, calls::Kind::Once, Reference::Tag(tag), stored).await.map(|_| ()),
        }
    }

    /// What [`put_tag`](Self::put_tag) does, in words.
    #[must_use]
    pub fn tagging(&self, tag: &str, stored: &Stored) -> String {
        format!("put the tag {tag} of {} on {}", self.label(), stored.digest.short())
    }

    pub(super) async fn put(
        &self,
        what: &str,
        kind: calls::Kind,
        reference: Reference<'_>,
        stored: &Stored,
    ) -> Result<bool> {
        self.writing(what, kind, async |authorization| {
            let call = Call {
                method: Method::PUT,
                content: Some((&stored.media_type, stored.bytes.clone())),
                ..Call::get(self.place("manifests", reference.text()), authorization)
            };
            let connection = &self.registry.connection;
            let answer = connection.expect_status(connection.send(&call).await?, &[200, 201, 202]).await?;
            // ECR has not always sent the digest; when it is there, it is the registry's own word.
            let named = answer.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
            self.verify(Reference::Digest(&stored.digest), named, &stored.bytes)?;
            Ok(answer.headers().contains_key("oci-subject"))
        })
        .await
    }

    /// Where something of this repository lies.
    pub(super) fn place(&self, kind: &str, name: &str) -> Place {
        Place::Own(self.registry.connection.url(&format!("{}/{kind}/{name}", self.name)))
    }

    /// A read, logged in; once more when the registry asks who we are.
    pub(super) async fn reading<T>(
        &self,
        what: &str,
        call: impl AsyncFn(Option<&HeaderValue>) -> Result<T, RegistryError>,
    ) -> Result<T> {
        self.logged_in(async |authorization| {
            self.calls.read(what, async || self.with_access(call(authorization)).await).await
        })
        .await
    }

    /// A write, logged in and noted; once more when the registry asks who we are.
    pub(super) async fn writing<T>(
        &self,
        what: &str,
        kind: calls::Kind,
        call: impl AsyncFn(Option<&HeaderValue>) -> Result<T, RegistryError>,
    ) -> Result<T> {
        self.logged_in(async |authorization| {
            self.calls.write(what, kind, async || self.with_access(call(authorization)).await).await
        })
        .await
    }

    /// A refusal says what was to be done here.
    async fn with_access<T>(&self, answer: impl Future<Output = Result<T, RegistryError>>) -> Result<T, RegistryError> {
        answer.await.map_err(|refusal| refusal.at(self.access))
    }

    pub(super) async fn logged_in<T>(&self, call: impl AsyncFn(Option<&HeaderValue>) -> Result<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            let authorization = self.authorization().await?;
            let error = match call(authorization.as_ref()).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            tries += 1;
            let again = match registry_refusal(&error) {
                // Copying a blob, it may be the other registry that asks who we are.
                Some(refusal) if refusal.is_at(&self.host, self.access) && tries < 3 => {
                    self.registry.login.answer_challenge(&self.scope, refusal).await
                }
                _ => false,
            };
            if !again {
                return Err(error);
            }
        }
    }

    /// What to send to this registry for this repository.
    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>> {
        let Registry { connection, login, .. } = &*self.registry;
        login.authorization(&self.calls, connection, &self.scope, self.access).await
    }
}

impl Stored {
    /// Reads a manifest. It says its media type itself, or one of `others` does: the registry, or the index it is in.
    pub(super) fn read(types: [&str; 2], bytes: Bytes) -> Result<Self> {
        let (manifest, parts) = (Manifest::parse(&bytes)?, Parts::parse(&bytes)?);
        let is_known = |named: &&str| MANIFEST_TYPES.contains(named);
        let media_type = match &parts.media_type {
            Some(own) => own.as_str(),
            None => types.into_iter().find(is_known).unwrap_or(types[0]),
        };
        ensure!(is_known(&media_type), "it is {media_type}, which is neither an image nor an index of images");
        Ok(Self { digest: Digest::of(&bytes), media_type: media_type.to_owned(), manifest, parts, bytes })
    }

    /// How those that point to it describe it.
    #[must_use]
    pub fn is_as(&self, descriptor: &Descriptor) -> bool {
        self.digest == descriptor.digest && self.bytes.len() as u64 == descriptor.size
    }
}

/// Everything we can read: a registry that is not offered the stored type converts, or says there is nothing.
pub(super) fn accept() -> String {
    MANIFEST_TYPES.join(", ")
}

fn media_type_of(answer: &Response) -> String {
    let field = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    field.split(';').next().unwrap_or_default().trim().to_owned()
}
