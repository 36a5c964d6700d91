//! Whether an image can be moved as it is. What cannot is refused before the first byte, because nothing is ever rewritten.

use std::collections::BTreeSet;

use super::client::LARGEST_MANIFEST;
use super::graph::Graph;
use crate::oci::{Descriptor, MANIFEST_TYPES};

/// ECR's largest layer (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>).
const LARGEST_ECR_LAYER: u64 = 52_000 * 1024 * 1024;

/// Everything that stands in the way, in words; `ecr` is whether it goes there.
#[must_use]
pub fn obstacles(graph: &Graph, ecr: bool) -> Vec<String> {
    let mut all = Vec::new();
    for stored in &graph.manifests {
        let name = stored.digest.short();
        if stored.bytes.len() > LARGEST_MANIFEST {
            all.push(format!("the manifest {name} is larger than {LARGEST_MANIFEST} bytes, the most registries take"));
        }
        for child in &stored.parts.manifests {
            if !MANIFEST_TYPES.contains(&child.media_type.as_str()) {
                let (digest, kind) = (child.digest.short(), &child.media_type);
                all.push(format!("{digest} in the index {name} is {kind}, neither an image nor an index"));
            }
        }
        // Not each blob once: one may be described in several ways.
        all.extend(stored.parts.blobs.iter().filter_map(|blob| of_blob(blob, ecr)));
    }
    let mut seen = BTreeSet::new();
    all.retain(|obstacle| seen.insert(obstacle.clone()));
    all
}

fn of_blob(blob: &Descriptor, ecr: bool) -> Option<String> {
    let name = blob.digest.short();
    if blob.foreign {
        return Some(format!("the layer {name} is foreign: it lies outside of registries ({})", blob.media_type));
    }
    if !ecr {
        return None;
    }
    if blob.media_type.contains(';') {
        // https://github.com/sigstore/sigstore-js/issues/1058
        return Some(format!("ECR takes no media types with parameters, and the blob {name} is {}", blob.media_type));
    }
    if blob.size == 0 {
        // https://github.com/oras-project/oras-py/issues/54
        return Some(format!("ECR takes no empty blobs, and {name} ({}) is empty", blob.media_type));
    }
    (blob.size > LARGEST_ECR_LAYER).then(|| format!("the layer {name} is larger than ECR takes: {} bytes", blob.size))
}

#[cfg(test)]
mod tests {
    use super::super::graph::tests::{graph, image, index};
    use super::*;

    type Change = fn(&mut Descriptor);

    #[test]
    fn what_ecr_does_not_take_is_told_before_it_is_sent() {
        let fine = image(&[("a", 10)]);
        let table: [(&str, Change, bool, bool); 5] = [
            ("as it is", |_| {}, false, false),
            ("takes no media types with", |blob| blob.media_type.push_str("; version=0.2"), true, false),
            ("takes no empty blobs", |blob| blob.size = 0, true, false),
            ("is larger than ECR takes", |blob| blob.size = LARGEST_ECR_LAYER + 1, true, false),
            ("is foreign", |blob| blob.foreign = true, true, true),
        ];
        for (words, change, at_ecr, elsewhere) in table {
            let mut stored = fine.clone();
            change(&mut stored.parts.blobs[1]);
            let top = index(&[("amd64", &stored)]);
            for (ecr, refused) in [(true, at_ecr), (false, elsewhere)] {
                let found = obstacles(&graph(&[&stored, &top]), ecr);
                assert_eq!(found.len(), usize::from(refused), "{words}: {found:?}");
                assert!(found.iter().all(|line| line.contains(words)), "{words}: {found:?}");
            }
        }
    }

    #[test]
    fn an_entry_that_is_no_manifest_is_told() {
        let one = image(&[("a", 10)]);
        let mut top = index(&[("amd64", &one)]);
        "application/vnd.oci.artifact.manifest.v1+json".clone_into(&mut top.parts.manifests[0].media_type);
        let found = obstacles(&graph(&[&one, &top]), false);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("neither an image nor an index"), "{found:?}");
    }
}
