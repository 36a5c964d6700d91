//! What refers to an image, signatures and the like: found at the source, compared with the destination.

use std::collections::BTreeSet;

use anyhow::Result;

use super::promotion::Promotion;
use super::values::Referrers;
use crate::calls::error_line;
use crate::oci::Digest;
use crate::registry::{Graph, Lists, Reference, Stored, obstacles, referrers, tagged_beside};
use crate::rollout::tag_format::Tag;

/// Something that refers to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Referrer {
    /// The tag by which it refers, as cosign 2 has it; all others name the image as their subject.
    pub(super) tag: Option<Tag>,
    pub(super) stored: Stored,
}

/// What refers to the image, at the source.
#[derive(Debug, Default)]
pub(super) struct Referring {
    found: Vec<Referrer>,
    /// Why nobody can tell.
    unknown: Option<String>,
    looked: bool,
}

/// What refers to the image, for one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Following {
    /// To be put there, each after what it refers to.
    pub(super) missing: Vec<Referrer>,
    /// There already: what each is.
    pub(super) present: Vec<String>,
    /// Cannot be brought along: what, and why.
    pub(super) left: Vec<String>,
    /// Nobody can tell whether there is any, and why.
    pub(super) unknown: Option<String>,
    /// Whether it was looked for.
    pub(super) looked: bool,
}

impl Promotion<'_> {
    /// Finds what refers to an image. Only where that is required is it an error that it cannot be told.
    pub(super) async fn referring(&self, graph: &Graph) -> Result<Referring> {
        let stays = self.is_within_one_repository() && self.inputs.referrers == Referrers::Copy;
        if stays || self.inputs.referrers == Referrers::None {
            return Ok(Referring::default());
        }
        let source = &self.places.source;
        match tokio::try_join!(referrers(source, graph), tagged_beside(source, graph)).and_then(all) {
            Ok(found) => Ok(Referring { found, unknown: None, looked: true }),
            Err(error) if self.cx.calls.deadline.check().is_err() => Err(error),
            Err(error) => Ok(Referring { found: Vec::new(), unknown: Some(error_line(&error)), looked: true }),
        }
    }

    /// Compares it with what the destination has: what is there of the image may be referred to there.
    pub(super) async fn following(&self, referring: &Referring, there: &BTreeSet<Digest>) -> Result<Following> {
        let mut following =
            Following { unknown: referring.unknown.clone(), looked: referring.looked, ..Following::default() };
        let listed = self.listed(referring, there).await?;
        let mut left: BTreeSet<&Digest> = BTreeSet::new();
        let ecr = self.places.destination_is_ecr();
        for referrer in &referring.found {
            let stored = &referrer.stored;
            let alone = Graph { manifests: vec![stored.clone()], depth: 1 };
            let obstacle = obstacles(&alone, ecr).into_iter().next();
            let without_subject = stored.parts.subject.as_ref().filter(|subject| left.contains(subject));
            let why = obstacle.or_else(|| without_subject.map(|subject| format!("{} stays behind", subject.short())));
            let (why, is_there) = match (why, &referrer.tag) {
                (None, Some(tag)) => self.under(tag, &stored.digest).await?,
                (why, _) => (why, listed.contains(&stored.digest)),
            };
            let name = label(referrer);
            match why {
                Some(why) => {
                    left.insert(&stored.digest);
                    following.left.push(format!("{name} cannot be brought along: {why}"));
                }
                None if is_there => following.present.push(name),
                None => following.missing.push(referrer.clone()),
            }
        }
        Ok(following)
    }

    /// Whether it is under its tag at the destination; and why it cannot be, where another one is.
    async fn under(&self, tag: &Tag, digest: &Digest) -> Result<(Option<String>, bool)> {
        if self.is_within_one_repository() {
            return Ok((None, true));
        }
        let there = self.places.destination.manifest(Reference::Tag(tag.as_str())).await?;
        Ok(match there {
            None => (None, false),
            Some(there) if there.digest == *digest => (None, true),
            Some(other) => {
                (Some(format!("its tag is on {} at the destination, and is never moved", other.digest.short())), false)
            }
        })
    }

    /// Those that the destination lists. What refers to what is not there is not there either.
    async fn listed(&self, referring: &Referring, there: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let destination = &self.places.destination;
        if self.is_within_one_repository() {
            return Ok(referring.found.iter().map(|one| one.stored.digest.clone()).collect());
        }
        let (lists, mut listed) = (Lists::default(), BTreeSet::new());
        let mut asked: BTreeSet<&Digest> = BTreeSet::new();
        for referrer in &referring.found {
            let Some(subject) = &referrer.stored.parts.subject else { continue };
            let may_be = there.contains(subject) || listed.contains(subject);
            if may_be && asked.insert(subject) {
                let found = destination.listed_referrers(subject, &lists).await?;
                listed.extend(found.into_iter().map(|one| one.digest));
            }
        }
        Ok(listed)
    }

    fn is_within_one_repository(&self) -> bool {
        let (source, destination) = (&self.places.source, &self.places.destination);
        (&source.host, &source.name) == (&destination.host, &destination.name)
    }
}

/// Those that name a subject, and those under tags.
fn all((naming, tagged): (Vec<Stored>, Vec<(String, Stored)>)) -> Result<Vec<Referrer>> {
    let naming = naming.into_iter().map(|stored| Ok(Referrer { tag: None, stored }));
    let tagged = tagged.into_iter().map(|(tag, stored)| {
        let tag = tag.parse().map_err(anyhow::Error::msg)?;
        Ok(Referrer { tag: Some(tag), stored })
    });
    naming.chain(tagged).collect()
}

/// What it is, and its digest.
pub(super) fn label(referrer: &Referrer) -> String {
    let digest = referrer.stored.digest.short();
    let kind = match &referrer.tag {
        Some(tag) => {
            let what = match tag.as_str().rsplit_once('.') {
                Some((_, "sig")) => "a signature",
                Some((_, "att")) => "an attestation",
                _ => "a list of components",
            };
            format!("{what} of cosign 2 (tag {tag})")
        }
        None => referrer.stored.parts.artifact_type.clone().unwrap_or_else(|| "an artifact of no type".to_owned()),
    };
    format!("{kind} {digest}")
}
