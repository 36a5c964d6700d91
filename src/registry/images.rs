//! The images of an artifact: one way to them, for every question that is asked of it.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;

use super::graph::{AT_ONCE, DEEPEST, MOST};
use crate::oci::{Child, Configuration, Digest, MANIFEST_TYPES, Manifest, Platform};

/// Where the parts of an artifact are read.
pub trait Shelf {
    /// A manifest below an index; `None` when it is not there.
    fn manifest(&self, digest: &Digest) -> impl Future<Output = Result<Option<Manifest>>>;

    /// A configuration; `None` when it may not be read.
    fn configuration(&self, digest: &Digest) -> impl Future<Output = Result<Option<Configuration>>>;
}

/// One image of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub digest: Digest,
    /// Where it runs, as its index says, or its configuration where that is silent; `None` where neither can tell.
    pub platform: Option<Platform>,
    /// Its manifest, if it was read.
    pub manifest: Option<Manifest>,
    /// What its configuration says, if it was read.
    pub configuration: Option<Configuration>,
}

/// The images below a manifest, or the one that it is: children of children too, and neither attestations nor other artifacts. An entry
/// that says of itself that it is an image and where it runs is not read.
pub async fn images(parts: &impl Shelf, top: &Digest, manifest: &Manifest) -> Result<Vec<Image>> {
    let mut found = Vec::new();
    let mut walk = Walk::from(top);
    let mut level = vec![Image::of(top.clone(), None, Some(manifest.clone()))];
    while !level.is_empty() {
        let mut entries = Vec::new();
        for image in level {
            match &image.manifest {
                Some(Manifest::Index(children)) => entries.extend(walk.take_unseen(children)),
                Some(manifest) if !manifest.is_image() => {}
                Some(_) | None => found.push(image),
            }
        }
        level = walk.next_level(parts, &entries).await?;
    }
    for some in found.chunks_mut(AT_ONCE) {
        let silent = some.iter_mut().filter(|image| image.platform.is_none());
        try_join_all(silent.map(|image| image.read_configuration(parts))).await?;
    }
    Ok(found)
}

/// Whether a manifest is one of these, or is above one: an image, or an index of images.
pub async fn holds(parts: &impl Shelf, top: &Digest, manifest: &Manifest, digests: &[&Digest]) -> Result<bool> {
    let mut walk = Walk::from(top);
    let mut level = vec![Image::of(top.clone(), None, Some(manifest.clone()))];
    let mut is_here = digests.contains(&top);
    while !is_here && !level.is_empty() {
        let mut entries = Vec::new();
        for image in &level {
            if let Some(Manifest::Index(children)) = &image.manifest {
                entries.extend(walk.take_unseen(children));
            }
        }
        is_here = entries.iter().any(|child| digests.contains(&&child.digest));
        entries.retain(|child| !child.is_image());
        if !is_here {
            level = walk.next_level(parts, &entries).await?;
        }
    }
    Ok(is_here)
}

/// A walk down an artifact, level by level. What is deeper or larger than any artifact that is known is an error, not left out.
struct Walk<'a> {
    top: &'a Digest,
    seen: BTreeSet<Digest>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn from(top: &'a Digest) -> Self {
        Self { top, seen: BTreeSet::from([top.clone()]), depth: 1 }
    }

    /// The entries that may be images or hold some, each once.
    fn take_unseen(&mut self, children: &[Child]) -> Vec<Child> {
        let is_one = |child: &&Child| {
            let kind = child.media_type.as_str();
            !child.attestation && MANIFEST_TYPES.contains(&kind) && self.seen.insert(child.digest.clone())
        };
        children.iter().filter(is_one).cloned().collect()
    }

    /// The next level: what these entries name, read where the entry does not say that it is an image.
    async fn next_level(&mut self, parts: &impl Shelf, entries: &[Child]) -> Result<Vec<Image>> {
        let top = self.top;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        ensure!(self.depth < DEEPEST, "{top} has indexes in indexes, deeper than {DEEPEST}");
        ensure!(self.seen.len() <= MOST, "{top} has more than {MOST} manifests");
        self.depth += 1;
        let mut level = Vec::new();
        for some in entries.chunks(AT_ONCE) {
            level.extend(try_join_all(some.iter().map(|child| entry(parts, top, child))).await?);
        }
        Ok(level)
    }
}

async fn entry(parts: &impl Shelf, top: &Digest, child: &Child) -> Result<Image> {
    let platform = child.platform.clone();
    let manifest = if child.is_image() { None } else { Some(below(parts, top, &child.digest).await?) };
    Ok(Image::of(child.digest.clone(), platform, manifest))
}

async fn below(parts: &impl Shelf, top: &Digest, digest: &Digest) -> Result<Manifest> {
    let manifest = parts.manifest(digest).await?;
    manifest.with_context(|| format!("{top} names the manifest {digest}, which is not there: the image is not whole"))
}

impl Image {
    /// An image of which nothing more is known.
    #[must_use]
    pub fn of(digest: Digest, platform: Option<Platform>, manifest: Option<Manifest>) -> Self {
        Self { digest, platform, manifest, configuration: None }
    }

    /// Reads its manifest, and its configuration too if that is wanted. False if it is no image after all.
    pub async fn look(&mut self, parts: &impl Shelf, configuration: bool) -> Result<bool> {
        if self.manifest.is_none() {
            self.manifest = Some(below(parts, &self.digest, &self.digest).await?);
        }
        if !self.manifest.as_ref().is_some_and(Manifest::is_image) {
            return Ok(false);
        }
        if configuration && self.configuration.is_none() {
            self.read_configuration(parts).await?;
        }
        Ok(true)
    }

    async fn read_configuration(&mut self, parts: &impl Shelf) -> Result<()> {
        if let Some(Manifest::Image { config, .. }) = &self.manifest {
            self.configuration = parts.configuration(config).await?;
            let named = self.configuration.as_ref().and_then(|read| read.platform.clone());
            self.platform = self.platform.take().or(named);
        }
        Ok(())
    }

    /// For people: `linux/amd64`.
    #[must_use]
    pub fn built_for(&self) -> String {
        self.platform.as_ref().map_or_else(|| "a platform that it does not name".to_owned(), ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// Manifests and configurations by their digests, and what of them was read.
    #[derive(Default)]
    struct Fixed {
        all: BTreeMap<Digest, Value>,
        read: RefCell<Vec<Digest>>,
    }

    impl Fixed {
        fn put(&mut self, content: Value) -> Digest {
            let digest = Digest::of(content.to_string().as_bytes());
            self.all.insert(digest.clone(), content);
            digest
        }

        fn image(&mut self, os: &str, architecture: &str) -> Digest {
            let config = self.put(json!({"os": os, "architecture": architecture}));
            self.put(json!({"layers": [], "config":
                {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.as_str(), "size": 1}}))
        }

        fn index(&mut self, entries: &[(&Digest, usize, Option<&str>)]) -> Digest {
            let entry = |(digest, kind, architecture): &(&Digest, usize, Option<&str>)| {
                let platform = architecture.map(|architecture| json!({"os": "linux", "architecture": architecture}));
                json!({"mediaType": MANIFEST_TYPES[*kind], "digest": digest.as_str(), "size": 1, "platform": platform})
            };
            let entries: Vec<Value> = entries.iter().map(entry).collect();
            self.put(json!({"manifests": entries}))
        }

        fn get(&self, digest: &Digest) -> Option<Manifest> {
            self.all.get(digest).map(|content| Manifest::parse(content.to_string()).unwrap())
        }

        /// The images below this, each with its platform.
        async fn images(&self, top: &Digest) -> Result<Vec<(Digest, String)>> {
            let found = images(self, top, &self.get(top).unwrap()).await?;
            Ok(found.into_iter().map(|image| (image.digest.clone(), image.built_for())).collect())
        }
    }

    impl Shelf for Fixed {
        async fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>> {
            self.read.borrow_mut().push(digest.clone());
            Ok(self.get(digest))
        }

        async fn configuration(&self, digest: &Digest) -> Result<Option<Configuration>> {
            self.read.borrow_mut().push(digest.clone());
            self.all.get(digest).map(|content| Configuration::parse(content.to_string().as_bytes())).transpose()
        }
    }

    const IMAGE: usize = 0;
    const INDEX: usize = 2;

    #[tokio::test]
    async fn images_are_found_below_indexes_of_indexes() {
        let mut shelf = Fixed::default();
        let (amd, arm) = (shelf.image("linux", "amd64"), shelf.image("linux", "arm64"));
        let attestation = shelf.image("unknown", "unknown");
        let inner = shelf.index(&[(&arm, IMAGE, Some("arm64")), (&attestation, IMAGE, Some("unknown"))]);
        // An index in an index may name a platform.
        let top = shelf.index(&[(&inner, INDEX, Some("amd64")), (&amd, IMAGE, Some("amd64")), (&amd, IMAGE, None)]);
        let found = shelf.images(&top).await.unwrap();
        assert_eq!(found, [(amd.clone(), "linux/amd64".to_owned()), (arm.clone(), "linux/arm64".to_owned())]);
        assert_eq!(shelf.read.borrow()[..], *std::slice::from_ref(&inner), "what tells of itself is not read");
        let manifest = shelf.get(&top).unwrap();
        for (digest, is_there) in [(&top, true), (&inner, true), (&arm, true), (&amd, true), (&attestation, false)] {
            assert_eq!(holds(&shelf, &top, &manifest, &[digest]).await.unwrap(), is_there, "{digest}");
        }
        let single = shelf.get(&amd).unwrap();
        assert!(holds(&shelf, &amd, &single, &[&top, &amd]).await.unwrap());
        assert!(!holds(&shelf, &amd, &single, &[&top]).await.unwrap());
    }

    #[tokio::test]
    async fn where_the_index_is_silent_the_configuration_tells() {
        let mut shelf = Fixed::default();
        let (amd, nowhere) = (shelf.image("linux", "amd64"), shelf.image("", ""));
        let chart = json!({"layers": [], "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": amd.as_str()}});
        let chart = shelf.put(chart);
        let top = shelf.index(&[(&amd, IMAGE, None), (&nowhere, IMAGE, None), (&chart, IMAGE, None)]);
        let named = [(amd.clone(), "linux/amd64".to_owned()), (nowhere, "a platform that it does not name".to_owned())];
        assert_eq!(shelf.images(&top).await.unwrap(), named);
        assert_eq!(shelf.images(&amd).await.unwrap(), named[..1]);
        assert_eq!(shelf.images(&chart).await.unwrap(), []);
    }

    #[tokio::test]
    async fn the_way_down_is_bounded_and_nothing_may_be_missing() {
        let mut shelf = Fixed::default();
        let mut top = shelf.image("linux", "amd64");
        let mut kind = IMAGE;
        for depth in 2..=DEEPEST + 1 {
            top = shelf.index(&[(&top, kind, None)]);
            kind = INDEX;
            let found = shelf.images(&top).await;
            assert_eq!(found.is_ok(), depth <= DEEPEST, "{depth}: {found:?}");
        }
        let gone = Digest::of(b"gone");
        let top = shelf.index(&[(&gone, INDEX, None)]);
        let named = shelf.images(&top).await.unwrap_err().to_string();
        assert!(named.contains(gone.as_str()) && named.contains("not whole"), "{named}");
    }
}
