//! Everything that belongs to one image: the manifests below an index and the blobs of them all, each once, in an order in which
//! they can be written.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;

use super::client::{Repository, Stored};
use crate::oci::{Descriptor, Digest, MANIFEST_TYPES};

/// Indexes of indexes are followed so far.
pub(super) const DEEPEST: usize = 4;
/// Manifests of one image at the most: a thousand platforms and their attestations are a mistake.
pub(super) const MOST: usize = 1000;
/// Manifests read at the same time.
pub const AT_ONCE: usize = 16;

/// An image with all its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Every manifest after those it points to: the last is the one everything belongs to.
    pub manifests: Vec<Stored>,
    /// How deep indexes lie in indexes: 1 for a single image.
    pub depth: usize,
}

impl Graph {
    /// Reads every manifest below this one.
    pub async fn read(source: &Repository, top: Stored) -> Result<Self> {
        let name = top.digest.clone();
        let mut found = BTreeMap::from([(name.clone(), top)]);
        let mut level = vec![name.clone()];
        let mut depth = 1;
        loop {
            let below = level.iter().filter_map(|digest| found.get(digest)).flat_map(|stored| &stored.parts.manifests);
            // What is no manifest cannot be read as one; `obstacles` tells of it.
            let new = |one: &Descriptor| {
                !found.contains_key(&one.digest) && MANIFEST_TYPES.contains(&one.media_type.as_str())
            };
            let next: Vec<Descriptor> = unique(below).into_iter().filter(new).collect();
            if next.is_empty() {
                break;
            }
            depth += 1;
            ensure!(depth <= DEEPEST, "{name} has indexes in indexes, deeper than {DEEPEST}");
            ensure!(found.len() + next.len() <= MOST, "{name} has more than {MOST} manifests");
            for some in next.chunks(AT_ONCE) {
                for stored in try_join_all(some.iter().map(|child| read(source, &name, child))).await? {
                    found.insert(stored.digest.clone(), stored);
                }
            }
            level = next.into_iter().map(|one| one.digest).collect();
        }
        let mut manifests = Vec::new();
        put_in_order(&name, &mut found, &mut manifests);
        Ok(Self { manifests, depth })
    }

    /// The manifest everything belongs to.
    pub fn top(&self) -> Result<&Stored> {
        self.manifests.last().context("an image has a manifest")
    }

    /// The blobs of these manifests, each once, the largest first: it takes longest, and everything else fits beside it.
    #[must_use]
    pub fn blobs(&self, of: impl Fn(&Stored) -> bool) -> Vec<Descriptor> {
        let mut blobs =
            unique(self.manifests.iter().filter(|stored| of(stored)).flat_map(|stored| &stored.parts.blobs));
        blobs.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.digest.cmp(&other.digest)));
        blobs
    }
}

async fn read(source: &Repository, top: &Digest, child: &Descriptor) -> Result<Stored> {
    let Some(stored) = source.child(child).await? else {
        bail!(
            "{}@{top} names the manifest {}, which is not there: the image is not whole",
            source.label(),
            child.digest
        );
    };
    ensure!(
        stored.is_as(child),
        "{}@{top} says that {} has {} bytes, and it has {}",
        source.label(),
        child.digest,
        child.size,
        stored.bytes.len()
    );
    Ok(stored)
}

/// Takes a manifest out of what was found, after those below it. No manifest can be below itself: it would hold its own hash.
fn put_in_order(name: &Digest, found: &mut BTreeMap<Digest, Stored>, ordered: &mut Vec<Stored>) {
    let Some(stored) = found.remove(name) else { return };
    for child in &stored.parts.manifests {
        put_in_order(&child.digest, found, ordered);
    }
    ordered.push(stored);
}

fn unique<'d>(descriptors: impl IntoIterator<Item = &'d Descriptor>) -> Vec<Descriptor> {
    let mut seen = BTreeSet::new();
    descriptors.into_iter().filter(|one| seen.insert(&one.digest)).cloned().collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
    const INDEX: &str = "application/vnd.oci.image.index.v1+json";

    fn described(media_type: &str, content: &str, size: u64) -> serde_json::Value {
        json!({"mediaType": media_type, "digest": Digest::of(content.as_bytes()).as_str(), "size": size})
    }

    fn stored(media_type: &str, manifest: &serde_json::Value) -> Stored {
        let bytes = bytes::Bytes::from(manifest.to_string());
        Stored {
            digest: Digest::of(&bytes),
            media_type: media_type.to_owned(),
            manifest: crate::oci::Manifest::parse(&bytes).unwrap(),
            parts: crate::oci::Parts::parse(&bytes).unwrap(),
            bytes,
        }
    }

    /// An image with layers of these names and sizes, and a configuration of 7 bytes.
    pub(crate) fn image(layers: &[(&str, u64)]) -> Stored {
        let layer = "application/vnd.oci.image.layer.v1.tar+gzip";
        let layers: Vec<_> = layers.iter().map(|(name, size)| described(layer, name, *size)).collect();
        let config = described("application/vnd.oci.image.config.v1+json", "config", 7);
        stored(IMAGE, &json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers}))
    }

    /// An index of these, for platforms `linux/<name>`.
    pub(crate) fn index(children: &[(&str, &Stored)]) -> Stored {
        let child = |(platform, stored): &(&str, &Stored)| {
            let platform = json!({"os": "linux", "architecture": platform});
            json!({"mediaType": stored.media_type, "digest": stored.digest.as_str(), "size": stored.bytes.len(), "platform": platform})
        };
        let children: Vec<_> = children.iter().map(child).collect();
        stored(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}))
    }

    pub(crate) fn graph(manifests: &[&Stored]) -> Graph {
        let top = manifests.last().unwrap().digest.clone();
        let mut found = manifests.iter().map(|&stored| (stored.digest.clone(), stored.clone())).collect();
        let mut ordered = Vec::new();
        put_in_order(&top, &mut found, &mut ordered);
        Graph { manifests: ordered, depth: 2 }
    }

    #[test]
    fn a_manifest_comes_after_everything_below_it() {
        let (one, two) = (image(&[("a", 1)]), image(&[("b", 2)]));
        let inner = index(&[("arm64", &two)]);
        // `one` is named at two depths.
        let middle = index(&[("amd64", &one), ("arm64", &two)]);
        let top = index(&[("amd64", &one), ("s390x", &inner), ("ppc64", &middle)]);
        let graph = graph(&[&one, &two, &inner, &middle, &top]);
        let place = |of: &Stored| graph.manifests.iter().position(|stored| stored.digest == of.digest).unwrap();
        assert_eq!(graph.manifests.len(), 5);
        assert!(place(&two) < place(&inner) && place(&one) < place(&middle) && place(&two) < place(&middle));
        assert_eq!(graph.top().unwrap().digest, top.digest);
    }

    #[test]
    fn blobs_come_once_each_and_the_largest_first() {
        let (one, two) = (image(&[("base", 50), ("a", 3)]), image(&[("base", 50), ("b", 900)]));
        let top = index(&[("amd64", &one), ("arm64", &two)]);
        let graph = graph(&[&one, &two, &top]);
        let sizes = |of: &dyn Fn(&Stored) -> bool| graph.blobs(of).iter().map(|blob| blob.size).collect::<Vec<_>>();
        assert_eq!(sizes(&|_| true), [900, 50, 7, 3]);
        assert_eq!(sizes(&|stored| stored.digest == one.digest), [50, 7, 3]);
    }
}
