//! What refers to an image, signatures and the like: found at the source, compared with the destination.

use std::collections::BTreeSet;

use anyhow::Result;

use super::promotion::Promotion;
use super::values::Referrers;
use crate::calls::error_line;
use crate::oci::Digest;
use crate::registry::{Graph, Lists, Stored, obstacles, referrers};

/// What refers to the image, at the source.
#[derive(Debug, Default)]
pub(super) struct Referring {
    found: Vec<Stored>,
    /// Why nobody can tell.
    unknown: Option<String>,
    looked: bool,
}

/// What refers to the image, for one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Following {
    /// To be put there, each after what it refers to.
    pub(super) missing: Vec<Stored>,
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
        match referrers(&self.places.source, graph).await {
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
        for stored in &referring.found {
            let alone = Graph { manifests: vec![stored.clone()], depth: 1 };
            let obstacle = obstacles(&alone, ecr).into_iter().next();
            let without_subject = stored.parts.subject.as_ref().filter(|subject| left.contains(subject));
            let why = obstacle.or_else(|| without_subject.map(|subject| format!("{} stays behind", subject.short())));
            let name = label(stored);
            match why {
                Some(why) => {
                    left.insert(&stored.digest);
                    following.left.push(format!("{name} cannot be brought along: {why}"));
                }
                None if listed.contains(&stored.digest) => following.present.push(name),
                None => following.missing.push(stored.clone()),
            }
        }
        Ok(following)
    }

    /// Those that the destination lists. What refers to what is not there is not there either.
    async fn listed(&self, referring: &Referring, there: &BTreeSet<Digest>) -> Result<BTreeSet<Digest>> {
        let destination = &self.places.destination;
        if self.is_within_one_repository() {
            return Ok(referring.found.iter().map(|stored| stored.digest.clone()).collect());
        }
        let (lists, mut listed) = (Lists::default(), BTreeSet::new());
        let mut asked: BTreeSet<&Digest> = BTreeSet::new();
        for stored in &referring.found {
            let Some(subject) = &stored.parts.subject else { continue };
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

/// What it is, and its digest.
pub(super) fn label(stored: &Stored) -> String {
    let kind = stored.parts.artifact_type.as_deref().unwrap_or("an artifact of no type");
    format!("{kind} {}", stored.digest.short())
}
