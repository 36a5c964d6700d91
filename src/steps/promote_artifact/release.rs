//! Whether a release has succeeded at every place that the component has in an environment: the jobs of a matrix count together.

use anyhow::Result;

use super::content::Content;
use super::search::{SameFiles, Search};
use crate::record::{Entry, Place, Standing};

/// Records of one place that are looked at for those of the release, newest first.
const LOOKED_AT: usize = 10;

/// Which commits belong to the release.
pub(super) enum Likeness<'a> {
    /// The one being deployed.
    Commit,
    /// Those with the same files.
    Tree(&'a SameFiles),
    /// Those that differ in files of others only.
    Component(&'a Content<'a>),
}

/// A release, at each place.
pub(super) type Release<'e> = Vec<(Place, AtPlace<'e>)>;

/// What became of a release at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum AtPlace<'e> {
    /// It succeeded.
    Succeeded(&'e Entry),
    /// It failed, or was taken back.
    Failed(&'e Entry),
    /// Nobody has judged it yet.
    Open(&'e Entry),
    /// It never came there.
    Nothing,
}

impl Search<'_> {
    /// How the release of a record stands at every place that the component had when that was made.
    pub(super) async fn everywhere(&self, newest: &Entry, likeness: &Likeness<'_>) -> Result<Release<'_>> {
        let mut release = Vec::new();
        for place in self.history.places(self.cx, &self.component).await? {
            let began = self.history.at(&place).last().map(|first| first.id);
            if began.is_some_and(|first| first > newest.id) {
                continue;
            }
            let found = self.at(&place, likeness).await?;
            release.push((place, found));
        }
        Ok(release)
    }

    /// By the newest record of the release at a place that was judged.
    async fn at(&self, place: &Place, likeness: &Likeness<'_>) -> Result<AtPlace<'_>> {
        let mut open = None;
        let entries = self.history.entries.iter().filter(|entry| entry.payload.target(place).is_some());
        for entry in entries.take(LOOKED_AT) {
            let Some(commit) = entry.payload.commit_at(place) else { continue };
            let is_of = match likeness {
                Likeness::Commit => commit == self.commit,
                Likeness::Tree(same) => same.same(commit.as_str()),
                Likeness::Component(content) => {
                    content.compare(commit.as_str()).await?.is_some_and(|compared| compared.concerned.is_empty())
                }
            };
            if !is_of {
                continue;
            }
            match self.history.standing(self.cx, entry).await? {
                Standing::Succeeded => return Ok(AtPlace::Succeeded(entry)),
                Standing::Failed => return Ok(AtPlace::Failed(entry)),
                Standing::Open => open = Some(entry),
            }
        }
        Ok(open.map_or(AtPlace::Nothing, AtPlace::Open))
    }

    /// Why a record's commit is held at its places, in words; empty where it is not.
    pub(super) async fn holds_on(&self, entry: &Entry) -> Result<Vec<String>> {
        let mut held = Vec::new();
        for target in &entry.payload.targets {
            let here = self.history.holds_at(self.cx, &target.place).await?;
            held.extend(here.iter().filter(|held| entry.payload.brought(&held.commit)).map(ToString::to_string));
        }
        Ok(held)
    }
}
