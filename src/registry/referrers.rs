//! What refers to an image: signatures, lists of components, provenance. A registry lists them, or a tag stands in for that list:
//! `sha256-<hex>` for what refers to `sha256:<hex>`.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers>

use std::cell::Cell;
use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use http::header::LINK;
use reqwest::Response;
use serde_json::{Value, json};

use super::client::{LARGEST_MANIFEST, Reference, Repository, Stored};
use super::connection::Call;
use super::endpoint::Place;
use super::error::{Kind, RegistryError, registry_refusal};
use super::graph::{AT_ONCE, DEEPEST, Graph, MOST};
use crate::calls;
use crate::oci::{Descriptor, Digest, MANIFEST_TYPES, Manifest, Parts};

/// Pages of one list that are read.
const PAGES: usize = 50;
/// How often a list in a tag is written again because somebody else wrote it at the same time.
const MERGES: usize = 3;
const INDEX: &str = MANIFEST_TYPES[2];

/// Whether a registry lists referrers: asked once.
#[derive(Debug, Default)]
pub struct Lists(Cell<Option<bool>>);

/// What refers to an image, to its parts, and to what refers to them: each after what it refers to.
///
/// # Errors
/// It cannot be read, or there is more than any image has.
pub async fn referrers(source: &Repository, graph: &Graph) -> Result<Vec<Stored>> {
    let lists = Lists::default();
    let mut seen: BTreeSet<Digest> = graph.manifests.iter().map(|stored| stored.digest.clone()).collect();
    let mut found = Vec::new();
    // The whole first: it tells whether there is a list at all.
    let top = graph.top()?.digest.clone();
    let below = graph.manifests.iter().filter(|stored| stored.digest != top && !stored.is_attestation());
    let mut levels = vec![below.map(|stored| stored.digest.clone()).collect(), vec![top]];
    for depth in 0.. {
        let mut next = Vec::new();
        while let Some(level) = levels.pop() {
            for some in level.chunks(AT_ONCE) {
                for of_one in try_join_all(some.iter().map(|digest| source.referring_to(digest, &lists))).await? {
                    next.extend(of_one.into_iter().filter(|stored| seen.insert(stored.digest.clone())));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        ensure!(depth < DEEPEST, "{}: what refers to it is referred to, deeper than {DEEPEST}", source.label());
        ensure!(seen.len() <= MOST, "{}: more than {MOST} manifests belong to it", source.label());
        levels.push(next.iter().map(|stored| stored.digest.clone()).collect());
        for stored in next {
            match stored.manifest {
                Manifest::Index(_) => found.extend(Graph::read(source, stored).await?.manifests),
                Manifest::Image { .. } => found.push(stored),
            }
        }
    }
    Ok(found)
}

impl Stored {
    /// True for what `BuildKit` puts into an index beside an image, to say how that was made.
    #[must_use]
    pub fn is_attestation(&self) -> bool {
        !self.manifest.is_image() && matches!(self.manifest, Manifest::Image { .. }) && self.parts.subject.is_none()
    }
}

impl Repository {
    /// The manifests whose subject this is. What a list says of them is not believed before they have been read.
    async fn referring_to(&self, subject: &Digest, lists: &Lists) -> Result<Vec<Stored>> {
        let described = self.listed_referrers(subject, lists).await?;
        let mut found = Vec::new();
        for one in described {
            if !MANIFEST_TYPES.contains(&one.media_type.as_str()) {
                bail!(
                    "{} is referred to by {}, which is {}: no manifest of today",
                    subject,
                    one.digest,
                    one.media_type
                );
            }
            match self.child(&one).await? {
                Some(stored) if stored.parts.subject.as_ref() == Some(subject) => found.push(stored),
                // https://github.com/oras-project/oras/issues/2148
                Some(_) => {
                    tracing::info!("{} does not refer to {}, though it is listed so", one.digest, subject.short());
                }
                None => {
                    tracing::info!("{} is listed as referring to {}, and is not there", one.digest, subject.short());
                }
            }
        }
        Ok(found)
    }

    /// What the registry, or the tag that stands in for its list, says refers to this.
    pub async fn listed_referrers(&self, subject: &Digest, lists: &Lists) -> Result<Vec<Descriptor>> {
        if lists.0.get() != Some(false) {
            if let Some(found) = self.list(subject).await? {
                lists.0.set(Some(true));
                return Ok(found);
            }
            lists.0.set(Some(false));
        }
        Ok(match self.manifest(Reference::Tag(&stand_in(subject))).await? {
            Some(stored) if stored.digest != *subject && matches!(stored.manifest, Manifest::Index(_)) => {
                stored.parts.manifests
            }
            Some(_) | None => Vec::new(),
        })
    }

    /// The registry's own list; nothing where it keeps none.
    async fn list(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>> {
        let what = format!("list what refers to {}@{}", self.label(), subject.short());
        let (mut place, mut found) = (self.place("referrers", subject.as_str()), Vec::new());
        for _page in 0..PAGES {
            let read = self.reading(&what, async |authorization| {
                let connection = &self.registry.connection;
                let call = Call { accept: Some(INDEX), ..Call::get(place.clone(), authorization) };
                let answer = connection.expect_status(connection.send(&call).await?, &[200]).await?;
                let next = self.next_page(&answer)?;
                Ok((next, connection.bytes(answer, LARGEST_MANIFEST).await?))
            });
            let (next, bytes) = match read.await {
                Ok(page) => page,
                Err(error) if registry_refusal(&error).is_some_and(is_no_list) => return Ok(None),
                Err(error) => return Err(error),
            };
            match Parts::parse(&bytes) {
                Ok(parts) => found.extend(parts.manifests),
                Err(_no_index) if found.is_empty() => return Ok(None),
                Err(error) => return Err(error.context(what)),
            }
            match next {
                Some(next) => place = next,
                None => return Ok(Some(found)),
            }
        }
        bail!("{what}: there are more than {PAGES} pages")
    }

    /// Where the list goes on.
    fn next_page(&self, answer: &Response) -> Result<Option<Place>, RegistryError> {
        let link = answer.headers().get(LINK).and_then(|value| value.to_str().ok());
        let next = link.filter(|link| link.contains("rel=\"next\"") || link.contains("rel=next"));
        let Some(target) = next.and_then(|link| link.split_once('<')?.1.split_once('>')) else { return Ok(None) };
        let connection = &self.registry.connection;
        match connection.endpoint.follow(answer.url(), target.0) {
            Ok(own @ Place::Own(_)) => Ok(Some(own)),
            Ok(Place::Elsewhere(_)) => Err(connection.untrusted("a list goes on at another host")),
            Err(why) => Err(connection.astray(why)),
        }
    }

    /// Puts what refers to a manifest, which is there: under its digest, and into the tag that stands in for a list where the registry
    /// keeps none.
    pub async fn put_referrer(&self, stored: &Stored) -> Result<()> {
        let is_listed = self.put_by_digest(stored).await?;
        match &stored.parts.subject {
            Some(subject) if !is_listed => self.add_to_tag(subject, stored).await,
            _ => Ok(()),
        }
    }

    /// Adds to the list in a tag: read, written, and read again, because nothing keeps two writers apart.
    async fn add_to_tag(&self, subject: &Digest, stored: &Stored) -> Result<()> {
        let tag = stand_in(subject);
        for _try in 0..=MERGES {
            let now = self.manifest(Reference::Tag(&tag)).await?;
            let has = |there: &Stored| there.parts.manifests.iter().any(|one| one.digest == stored.digest);
            if now.as_ref().is_some_and(has) {
                return Ok(());
            }
            let list = with(now.as_ref(), stored)?;
            let what = format!("list {} in the tag {tag} of {}", stored.digest.short(), self.label());
            self.put(&what, calls::Kind::Repeatable, Reference::Tag(&tag), &list).await?;
        }
        bail!("the tag {tag} of {} is written by somebody else at the same time", self.label())
    }
}

/// A list in a tag, with this one too.
fn with(list: Option<&Stored>, stored: &Stored) -> Result<Stored> {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).context("read the manifest");
    let is_index = |stored: &&Stored| matches!(stored.manifest, Manifest::Index(_));
    let mut index = match list.filter(is_index) {
        Some(list) => read(&list.bytes)?,
        None => json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}),
    };
    let mut entry = json!({
        "mediaType": stored.media_type, "digest": stored.digest.as_str(), "size": stored.bytes.len(),
        "artifactType": stored.parts.artifact_type,
    });
    let annotations = read(&stored.bytes)?["annotations"].take();
    if annotations.is_object() {
        entry["annotations"] = annotations;
    }
    index["manifests"].as_array_mut().context("read the list: it is none")?.push(entry);
    Stored::read([INDEX, ""], index.to_string().into())
}

/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema>
fn stand_in(subject: &Digest) -> String {
    format!("sha256-{}", subject.hex())
}

fn is_no_list(refusal: &RegistryError) -> bool {
    matches!(refusal.kind, Kind::NotFound | Kind::NoRepository | Kind::Unsupported | Kind::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::samples::{image, index};

    #[test]
    fn a_list_in_a_tag_keeps_what_it_has() {
        let (one, two) = (image(&[("a", 1)]), image(&[("b", 2)]));
        let first = with(None, &one).unwrap();
        let both = with(Some(&first), &two).unwrap();
        let names = |list: &Stored| list.parts.manifests.iter().map(|one| one.digest.clone()).collect::<Vec<_>>();
        assert_eq!(names(&first)[..], *std::slice::from_ref(&one.digest));
        assert_eq!(names(&both), [one.digest.clone(), two.digest.clone()]);
        assert_eq!(both.parts.manifests[1].size, two.bytes.len() as u64);
        // A tag that is on something else than a list is not added to.
        assert_eq!(names(&with(Some(&one), &two).unwrap())[..], *std::slice::from_ref(&two.digest));
        assert!(!index(&[("amd64", &one)]).is_attestation() && !one.is_attestation());
    }
}
