//! What there is to do, as pure functions of what was observed.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::following::{Following, Referrer};
use super::images::Images;
use super::inputs::PromoteArtifact;
use super::places::Places;
use super::refused;
use super::revision::{self, Revision};
use super::search::Artifact;
use crate::oci::{Descriptor, Digest};
use crate::outcome::Outcome;
use crate::registry::ecr::Mutability;
use crate::registry::{Graph, Stored};
use crate::rollout::tag_format::Tag;

/// What the decision needs, of one image and one destination.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) artifact: Rc<Artifact>,
    /// The tags it is to get, and what each names now.
    pub(super) tags: Vec<(Tag, Option<Stored>)>,
    /// The tags that are put on it last, whatever they name now.
    pub(super) moving: Vec<(Tag, Option<Stored>)>,
    /// Whether tags are to be put.
    pub(super) writes: bool,
    /// What ECR says of its tags, where some are to be put there.
    pub(super) mutability: Option<Mutability>,
    pub(super) found: Found,
    /// What it says of itself, where it was read.
    pub(super) described: Option<Rc<Description>>,
}

/// What was found of the image.
#[derive(Debug)]
pub(super) enum Found {
    /// A tag is on another image, here or at another destination: nothing more was read.
    Conflict,
    /// All tags are on it at the destination.
    InPlace,
    /// It cannot be moved as it is, for these reasons; its image for the platform, if that can be moved alone.
    Immovable { obstacles: Vec<String>, alone: Option<(String, Digest)> },
    /// It is at the source as a whole, and this of it at the destination.
    AtSource { graph: Rc<Graph>, present: Present, following: Following },
}

/// What an artifact says of itself.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) images: Images,
    pub(super) revisions: Vec<Revision>,
}

impl Observed {
    /// What it says of itself, where it was read.
    pub(super) fn description(&self) -> Option<&Description> {
        self.described.as_deref()
    }

    /// What refers to it, where that was looked for.
    pub(super) fn following(&self) -> Option<&Following> {
        match &self.found {
            Found::AtSource { following, .. } => Some(following),
            Found::InPlace | Found::Conflict | Found::Immovable { .. } => None,
        }
    }

    /// Whether the registry itself keeps all its tags where they are.
    pub(super) fn is_protected(&self) -> bool {
        let protects = |mutability: &Mutability| self.tags.iter().all(|(tag, _)| mutability.protects(tag.as_str()));
        self.mutability.as_ref().is_some_and(protects)
    }

    /// How the image itself is stored: as its tags name it, or as it is at the source.
    pub(super) fn top(&self) -> Option<&Stored> {
        let digest = &self.artifact.digest;
        let tagged = self.tags.iter().filter_map(|(_, stored)| stored.as_ref()).find(|stored| stored.digest == *digest);
        match &self.found {
            Found::AtSource { graph, .. } => graph.manifests.last(),
            Found::InPlace | Found::Conflict | Found::Immovable { .. } => tagged,
        }
    }
}

/// What the tags say about the image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Naming<'n> {
    /// All tags are on it already; this is how it is there.
    AllThere(&'n Stored),
    /// These tags are to be put; the others are on it.
    Missing(Vec<Tag>),
    /// This tag is on another image, and stays there.
    Conflict(&'n Tag, &'n Digest),
}

/// Compares what the tags name with the image. One tag elsewhere forbids all of them.
pub(super) fn compare_tags<'n>(named: &'n [(Tag, Option<Stored>)], wanted: &Digest) -> Naming<'n> {
    let mut missing = Vec::new();
    let mut there = None;
    for (tag, stored) in named {
        match stored {
            None => missing.push(tag.clone()),
            Some(stored) if stored.digest == *wanted => there = Some(stored),
            Some(other) => return Naming::Conflict(tag, &other.digest),
        }
    }
    match there {
        Some(stored) if missing.is_empty() => Naming::AllThere(stored),
        _ => Naming::Missing(missing),
    }
}

/// What the destination has of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) manifests: BTreeSet<Digest>,
    /// Of the manifests that are not there, and of what refers to them; the others have theirs.
    pub(super) blobs: BTreeSet<Digest>,
}

/// What is to be written, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The largest first.
    pub(super) blobs: Vec<Descriptor>,
    /// By digest, each after those it points to.
    pub(super) manifests: Vec<Stored>,
    /// By digest, each after what it refers to.
    pub(super) referrers: Vec<Referrer>,
    /// After all that.
    pub(super) tags: Vec<Tag>,
    /// Last of all, over what they name now.
    pub(super) moving: Vec<Tag>,
    /// Blobs that are there already.
    pub(super) blobs_present: usize,
}

impl Plan {
    pub(super) fn bytes(&self) -> u64 {
        self.blobs.iter().map(|blob| blob.size).sum()
    }

    /// True when everything is there already.
    pub(super) fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.moving.is_empty() && self.referrers.is_empty() && self.manifests.is_empty()
    }
}

/// What is to be done.
///
/// # Errors
/// A refusal: a tag is on another image, the image cannot be moved as it is, or it is of another commit than it must be.
pub(super) fn plan(observed: &Observed, inputs: &PromoteArtifact, places: &Places) -> Result<Plan, Outcome> {
    let digest = &observed.artifact.digest;
    let tags = match compare_tags(&observed.tags, digest) {
        Naming::Conflict(tag, there) => return Err(refused::conflict(places, tag, there, digest)),
        Naming::AllThere(_) => Vec::new(),
        Naming::Missing(missing) => missing,
    };
    if let Some(described) = observed.description() {
        revision::judge(inputs.verify_revision, &described.revisions)?;
    }
    let is_elsewhere = |stored: &Option<Stored>| stored.as_ref().is_none_or(|stored| stored.digest != *digest);
    let moving = observed.moving.iter().filter(|(_, stored)| is_elsewhere(stored)).map(|(tag, _)| tag.clone());
    let moving: Vec<Tag> = moving.collect();
    let stays = |tag: &&Tag| observed.mutability.as_ref().is_some_and(|mutability| mutability.protects(tag.as_str()));
    if let Some(tag) = moving.iter().find(stays) {
        return Err(refused::cannot_move(places, tag));
    }
    let plan = match &observed.found {
        Found::Immovable { obstacles, alone } => {
            return Err(refused::not_portable(places, digest, obstacles, alone.as_ref()));
        }
        Found::AtSource { graph, present, following } => {
            refused::judge_following(inputs.referrers, places, digest, following)?;
            writes(graph, present, &following.missing)
        }
        Found::InPlace | Found::Conflict => Plan::default(),
    };
    Ok(Plan { tags, moving, ..plan })
}

/// What is missing is written, children before the index, then what refers to it.
fn writes(graph: &Graph, present: &Present, referrers: &[Referrer]) -> Plan {
    let missing = |stored: &Stored| !present.manifests.contains(&stored.digest);
    let needed = blobs_of(graph, missing, referrers);
    let all = blobs_of(graph, |_| true, referrers).len();
    let blobs: Vec<Descriptor> = needed.into_iter().filter(|blob| !present.blobs.contains(&blob.digest)).collect();
    Plan {
        manifests: graph.manifests.iter().filter(|stored| missing(stored)).cloned().collect(),
        blobs_present: all - blobs.len(),
        blobs,
        referrers: referrers.to_vec(),
        tags: Vec::new(),
        moving: Vec::new(),
    }
}

/// The blobs of some of an image's manifests and of what refers to it, each once, the largest first.
pub(super) fn blobs_of(graph: &Graph, of: impl Fn(&Stored) -> bool, referrers: &[Referrer]) -> Vec<Descriptor> {
    let referrers = referrers.iter().map(|one| &one.stored);
    let manifests = graph.manifests.iter().filter(|stored| of(stored)).chain(referrers).cloned().collect();
    Graph { manifests, depth: graph.depth }.blobs(|_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::samples::{graph, image, index};

    fn tag(name: &str) -> Tag {
        name.parse().unwrap()
    }

    #[test]
    fn tags_are_put_where_there_is_none_and_never_moved() {
        let (ours, other) = (image(&[("a", 1)]), image(&[("b", 1)]));
        let (one, two) = (tag("prd-1"), tag("prd-2"));
        let on = |first: Option<&Stored>, second: Option<&Stored>| {
            [(one.clone(), first.cloned()), (two.clone(), second.cloned())]
        };
        let table = [
            (on(None, None), Naming::Missing(vec![one.clone(), two.clone()])),
            (on(Some(&ours), None), Naming::Missing(vec![two.clone()])),
            (on(Some(&ours), Some(&ours)), Naming::AllThere(&ours)),
            (on(None, Some(&other)), Naming::Conflict(&two, &other.digest)),
            (on(Some(&ours), Some(&other)), Naming::Conflict(&two, &other.digest)),
            (on(Some(&other), None), Naming::Conflict(&one, &other.digest)),
        ];
        for (named, expected) in table {
            assert_eq!(compare_tags(&named, &ours.digest), expected);
        }
    }

    #[test]
    fn only_what_is_missing_is_written_and_the_index_after_its_children() {
        let (amd, arm) = (image(&[("base", 50), ("a", 3)]), image(&[("base", 50), ("b", 900)]));
        let top = index(&[("amd64", &amd), ("arm64", &arm)]);
        let graph = graph(&[&amd, &arm, &top]);
        let sizes_and_digests = |manifests: &[&Stored], blobs: &[&str]| {
            let manifests = manifests.iter().map(|stored| stored.digest.clone()).collect();
            let blobs = blobs.iter().map(|name| Digest::of(name.as_bytes())).collect();
            let plan = writes(&graph, &Present { manifests, blobs }, &[]);
            let sizes: Vec<u64> = plan.blobs.iter().map(|blob| blob.size).collect();
            let digests: Vec<Digest> = plan.manifests.iter().map(|stored| stored.digest.clone()).collect();
            (sizes, plan.blobs_present, digests)
        };
        let digests = |all: &[&Stored]| all.iter().map(|stored| stored.digest.clone()).collect::<Vec<_>>();
        assert_eq!(sizes_and_digests(&[], &[]), (vec![900, 50, 7, 3], 0, digests(&[&amd, &arm, &top])));
        assert_eq!(sizes_and_digests(&[], &["base", "config"]), (vec![900, 3], 2, digests(&[&amd, &arm, &top])));
        assert_eq!(sizes_and_digests(&[&amd], &["base", "config"]), (vec![900], 3, digests(&[&arm, &top])));
        assert_eq!(sizes_and_digests(&[&amd, &arm], &[]), (vec![], 4, digests(&[&top])));
        assert_eq!(sizes_and_digests(&[&amd, &arm, &top], &[]), (vec![], 4, vec![]));
        let signature = Referrer { tag: None, stored: image(&[("signature", 1)]) };
        let signed = writes(&graph, &Present::default(), std::slice::from_ref(&signature));
        assert_eq!((signed.blobs.len(), signed.manifests.len(), signed.referrers.len()), (5, 3, 1));
    }
}
