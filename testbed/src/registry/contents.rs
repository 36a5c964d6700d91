//! What is in a registry, as a test puts it there and reads it.

use std::collections::BTreeMap;

use hyper::body::Bytes;

use super::blob::{Blob, digest};
use super::image::{self, Manifest};
use super::local::Registry;
use super::spec::ImageSpec;

/// What [`Registry::put_image`] has put.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The digest of the image, or of the index.
    pub digest: String,
    /// The image, or the index.
    pub manifest: Manifest,
    /// The images of the index and their attestations, in its order; empty if it is none.
    pub children: Vec<Manifest>,
    /// The manifests that refer to it.
    pub referrers: Vec<Manifest>,
    /// The manifests that belong to it by their tag.
    pub tagged: Vec<(String, Manifest)>,
    /// Digest and size of every blob.
    pub blobs: Vec<(String, u64)>,
}

#[expect(clippy::must_use_candidate, reason = "most of these are called for what they do")]
impl Registry {
    /// Makes an empty repository.
    pub fn create_repository(&self, name: &str) {
        self.inner.state().repository(name);
    }

    /// Puts an image in, as if it had been pushed. Where there is no API for referrers, they are listed under the tag
    /// `sha256-<hex>`, as clients do.
    pub fn put_image(&self, spec: &ImageSpec) -> Pushed {
        let graph = image::graph(spec);
        let mut state = self.inner.state();
        let fallback = (!state.options.referrers && !graph.referrers.is_empty())
            .then(|| image::fallback(&graph.top, &graph.referrers));
        let repository = state.repository(&spec.repository);
        let sizes = graph.blobs.iter().map(|(digest, blob)| (digest.clone(), blob.size())).collect();
        repository.blobs.extend(graph.blobs);
        let tagged = graph.tagged.iter().chain(&fallback);
        repository.tags.extend(tagged.clone().map(|(tag, manifest)| (tag.clone(), manifest.digest.clone())));
        repository.tags.extend(spec.tags.iter().map(|tag| (tag.clone(), graph.top.digest.clone())));
        let all = graph.children.iter().chain([&graph.top]).chain(&graph.referrers);
        for manifest in all.chain(tagged.map(|(_, manifest)| manifest)) {
            repository.manifests.insert(manifest.digest.clone(), (manifest.media_type.clone(), manifest.bytes.clone()));
        }
        Pushed {
            digest: graph.top.digest.clone(),
            manifest: graph.top,
            children: graph.children,
            referrers: graph.referrers,
            tagged: graph.tagged,
            blobs: sizes,
        }
    }

    /// Puts any manifest in, unchecked, under its digest and this tag, and answers its digest.
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let mut state = self.inner.state();
        let repository = state.repository(repository);
        repository.manifests.insert(digest.clone(), (media_type.to_owned(), Bytes::copy_from_slice(bytes)));
        repository.tags.extend(tag.map(|tag| (tag.to_owned(), digest.clone())));
        digest
    }

    /// Puts a blob in and answers its digest.
    pub fn put_blob(&self, repository: &str, blob: Blob) -> String {
        let digest = blob.digest();
        self.inner.state().repository(repository).blobs.insert(digest.clone(), blob);
        digest
    }

    /// The names of all repositories.
    #[must_use]
    pub fn repositories(&self) -> Vec<String> {
        self.inner.state().repositories.keys().cloned().collect()
    }

    /// A manifest by tag or digest.
    #[must_use]
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Manifest> {
        self.inner.state().repositories.get(repository)?.manifest(reference)
    }

    /// The digests of all manifests.
    #[must_use]
    pub fn manifests(&self, repository: &str) -> Vec<String> {
        let state = self.inner.state();
        state.repositories.get(repository).map(|found| found.manifests.keys().cloned().collect()).unwrap_or_default()
    }

    /// The tags and the digests they stand for.
    #[must_use]
    pub fn tags(&self, repository: &str) -> BTreeMap<String, String> {
        self.inner.state().repositories.get(repository).map(|found| found.tags.clone()).unwrap_or_default()
    }

    /// Digest and size of all blobs.
    #[must_use]
    pub fn blobs(&self, repository: &str) -> BTreeMap<String, u64> {
        let state = self.inner.state();
        let found = state.repositories.get(repository);
        found.into_iter().flat_map(|found| &found.blobs).map(|(digest, blob)| (digest.clone(), blob.size())).collect()
    }

    /// A blob's content.
    #[must_use]
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Blob> {
        self.inner.state().repositories.get(repository)?.blobs.get(digest).cloned()
    }

    /// How many uploads are begun and not ended.
    #[must_use]
    pub fn open_uploads(&self, repository: &str) -> usize {
        self.inner.state().repositories.get(repository).map_or(0, |found| found.uploads.len())
    }

    /// Takes a tag away; whether it was there.
    pub fn delete_tag(&self, repository: &str, tag: &str) -> bool {
        self.inner.state().repository(repository).tags.remove(tag).is_some()
    }

    /// Takes a manifest away, with its tags.
    pub fn delete_manifest(&self, repository: &str, digest: &str) {
        let mut state = self.inner.state();
        let repository = state.repository(repository);
        repository.manifests.remove(digest);
        repository.tags.retain(|_, found| found != digest);
    }

    /// Takes a blob away.
    pub fn delete_blob(&self, repository: &str, digest: &str) {
        self.inner.state().repository(repository).blobs.remove(digest);
    }

    /// Lets a tag stand for this digest, whatever rules there are.
    pub fn retag(&self, repository: &str, tag: &str, digest: &str) {
        self.inner.state().repository(repository).tags.insert(tag.to_owned(), digest.to_owned());
    }
}
