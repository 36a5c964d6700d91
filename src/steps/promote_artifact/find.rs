//! What succeeded in an environment for a commit: found in the GitHub record, proved in the registry.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use super::content::{Compared, Content};
use super::images::Parts;
use super::promotion::Promotion;
use super::release::{AtPlace, Likeness};
use super::search::{Artifact, Found, Match, Near, Purpose, SameFiles, Search};
use super::unproved;
use super::values::FromStrategy;
use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::changes::{Components, Trees, list, wrong_components};
use crate::oci::Digest;
use crate::outcome::{Outcome, Step, Stop};
use crate::record::{self, Entry, History, Standing};
use crate::registry::{Reference, holds};
use crate::rollout::tag_format::{Tag, Values, committed_at};

/// Commits whose tree is asked for when their record does not hold it.
const TREES: usize = 20;
/// Commits whose files are held beside those of the commit being deployed.
const COMPARED: usize = 10;
/// Records whose standing is looked up for the nearest candidates.
const CANDIDATES: usize = 10;
/// Candidates named when nothing is found.
const NAMED: usize = 3;

/// Records of one commit, or of commits with the same files.
#[derive(Debug, Default)]
pub(super) struct Candidates<'e> {
    /// The newest that was judged, and how.
    pub(super) newest: Option<(&'e Entry, Standing)>,
    /// Those newer than it that nobody has judged yet.
    pub(super) open: Vec<&'e Entry>,
}

/// Finds what succeeded in each of these environments, or in one of them, as `from-strategy` asks.
pub(super) async fn from_environments(
    promotion: &Promotion<'_>,
    environments: &[EnvironmentName],
    trees: &Trees,
    purpose: Purpose,
) -> Step<Found<Artifact>> {
    let mut first: Option<(&EnvironmentName, Artifact)> = None;
    let mut lacking: Option<Step<Found<Artifact>>> = None;
    for environment in environments {
        let found = from_environment(promotion, environment, trees, purpose).await;
        match (found, promotion.inputs.from_strategy) {
            (Ok(Found::There(artifact)), FromStrategy::Any) => return Ok(Found::There(artifact)),
            (Ok(Found::There(artifact)), FromStrategy::All) => match &first {
                Some((other, known)) if known.digest != artifact.digest => {
                    return Err(unproved::not_the_same((other, &known.digest), (environment, &artifact.digest)).into());
                }
                Some(_) => {}
                None => first = Some((environment, artifact)),
            },
            (found, FromStrategy::All) => return found,
            (Err(Stop::Error(error)), FromStrategy::Any) => return Err(error.into()),
            // What may still come is waited for, rather than told what will not.
            (found @ Ok(_), FromStrategy::Any) => lacking = Some(found),
            (refusal @ Err(_), FromStrategy::Any) => lacking = lacking.or(Some(refusal)),
        }
    }
    match (first, lacking) {
        (Some((_, artifact)), _) => Ok(Found::There(artifact)),
        (None, Some(lacking)) => lacking,
        (None, None) => Err(anyhow::anyhow!("no environment is named").into()),
    }
}

/// Finds what succeeded there for the commit being deployed, or a refusal.
async fn from_environment(
    promotion: &Promotion<'_>,
    environment: &EnvironmentName,
    trees: &Trees,
    purpose: Purpose,
) -> Step<Found<Artifact>> {
    let Promotion { cx, inputs, places, .. } = *promotion;
    let Some(commit) = cx.commit() else {
        return Err(Outcome::error("no commit is known to look for").advise("give the input `sha`").into());
    };
    let component = record::component(cx);
    let history = History::of_component(cx, environment, &component)
        .await
        .with_context(|| format!("read what succeeded in {environment} from the GitHub deployment record"))?;
    let source = &places.source;
    let source_is_given = places.source_is_given;
    Search { cx, environment, component, source, source_is_given, inputs, commit, history, trees, purpose }.run().await
}

impl Search<'_> {
    async fn run(&self) -> Step<Found<Artifact>> {
        let entries = || self.history.entries.iter();
        let of_commit = self.newest(entries().filter(|entry| entry.payload.brought(&self.commit))).await?;
        if let Some((entry, standing)) = of_commit.newest {
            return self.settle(entry, standing, Match::Commit, &Likeness::Commit).await;
        }
        let same = self.same_files().await?;
        let of_tree = self.newest(entries().filter(|entry| same.same(&entry.payload.commit))).await?;
        if let Some((entry, standing)) = of_tree.newest {
            return self.settle(entry, standing, Match::Tree, &Likeness::Tree(&same)).await;
        }
        if let Some(error) = same.denied {
            return Err(error.context(format!("look for commits with the files of {}", self.commit.short())).into());
        }
        let components = self.components().await?;
        let of = components.as_ref().map(|components| (components, self.component.as_str()));
        let content = Content::of(self.cx, self.trees, &self.commit, of).await?;
        let mut open = of_commit.open;
        open.extend(of_tree.open);
        if let Some(content) = content.as_ref().filter(|_| components.is_some()) {
            let others = entries().filter(|entry| !open.iter().any(|known| known.id == entry.id)).collect();
            let of_component = self.newest_by_content(others, content).await?;
            if let Some((entry, standing)) = of_component.newest {
                return self.settle(entry, standing, Match::Component, &Likeness::Component(content)).await;
            }
            open.extend(of_component.open);
        }
        Ok(self.nothing(&open, content.as_ref()).await?)
    }

    /// The components, if they are given and what is promoted is one of them.
    async fn components(&self) -> Step<Option<Components>> {
        let Some(input) = &self.inputs.components else { return Ok(None) };
        let components = self.trees.components(self.cx, input, &self.commit).await?;
        components.must_contain(&self.component).map_err(|why| wrong_components(&why))?;
        if let Some(files) = self.trees.of(self.cx, &self.commit).await?.filter(|files| !files.truncated) {
            let files = list(&files);
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            components.must_fit_what_they_name(&files).map_err(|why| wrong_components(&why))?;
        }
        Ok(Some(components))
    }

    /// The newest judged record among these whose commit differs in files of others only.
    async fn newest_by_content<'e>(&self, entries: Vec<&'e Entry>, content: &Content<'_>) -> Result<Candidates<'e>> {
        let mut compared: BTreeMap<&str, Option<Compared>> = BTreeMap::new();
        let mut open = Vec::new();
        for entry in entries {
            let commit = entry.payload.commit.as_str();
            if !compared.contains_key(commit) {
                if compared.len() == COMPARED {
                    break;
                }
                compared.insert(commit, content.compare(commit).await?);
            }
            let Some(Some(as_good)) = compared.get(commit) else { continue };
            if !as_good.concerned.is_empty() {
                continue;
            }
            match self.history.standing(self.cx, entry).await? {
                Standing::Open => open.push(entry),
                standing => {
                    unproved::warn_unmatched(self, entry, &as_good.unmatched);
                    return Ok(Candidates { newest: Some((entry, standing)), open });
                }
            }
        }
        Ok(Candidates { newest: None, open })
    }

    /// The newest judged record among these, which come newest first.
    async fn newest<'e>(&self, entries: impl Iterator<Item = &'e Entry>) -> Result<Candidates<'e>> {
        let mut found = Candidates::default();
        for entry in entries {
            match self.history.standing(self.cx, entry).await? {
                Standing::Open => found.open.push(entry),
                standing => {
                    found.newest = Some((entry, standing));
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Which commits of the record hold the same files as the one being deployed (squash and merge commits).
    async fn same_files(&self) -> Result<SameFiles> {
        let github = &self.cx.github().await?;
        let mut denied = None;
        let own = match github.tree(&self.commit).await {
            Ok(tree) => Some(tree),
            Err(error) if record::is_denied(&error) => {
                denied = Some(error);
                None
            }
            Err(error) if record::unreadable(&error) => {
                tracing::info!(
                    "the files of commit {} could not be compared: GitHub does not show it",
                    self.commit.short()
                );
                None
            }
            Err(error) => return Err(error),
        };
        let mut trees = SameFiles { own, of: BTreeMap::new(), denied };
        let mut asked = 0;
        for entry in self.history.entries.iter().filter(|_| trees.own.is_some()) {
            let commit = &entry.payload.commit;
            if trees.of.contains_key(commit) {
                continue;
            }
            let tree = match (&entry.payload.tree, commit.parse::<CommitSha>()) {
                (Some(tree), _) => Some(tree.clone()),
                (None, Ok(sha)) if asked < TREES => {
                    asked += 1;
                    github.tree(&sha).await.ok()
                }
                _ => None,
            };
            trees.of.insert(commit.clone(), tree);
        }
        Ok(trees)
    }

    /// What a judged record leads to: its image, if its release succeeded at every place and the registry still has the very one
    /// that was served.
    async fn settle(
        &self,
        entry: &Entry,
        standing: Standing,
        matched: Match,
        likeness: &Likeness<'_>,
    ) -> Step<Found<Artifact>> {
        if standing != Standing::Succeeded {
            return Err(unproved::failure_there(self, entry, None, &self.holds_on(entry).await?).into());
        }
        let release = self.everywhere(entry, likeness).await?;
        for (place, found) in &release {
            if let AtPlace::Failed(failed) = found {
                return Err(unproved::failure_there(self, failed, Some(place), &self.holds_on(failed).await?).into());
            }
        }
        let lacking = release.iter().find(|(_, found)| matches!(found, AtPlace::Open(_) | AtPlace::Nothing));
        if let Some((place, found)) = lacking {
            let (state, refusal) = unproved::not_everywhere(self, entry, place, found);
            return Ok(Found::NotYet(state, refusal));
        }
        let succeeded = release.iter().filter_map(|(_, found)| match found {
            AtPlace::Succeeded(entry) => Some(*entry),
            _ => None,
        });
        let proofs: Vec<&Entry> = succeeded.clone().chain([entry]).collect();
        let targets = succeeded.chain([entry]).flat_map(|entry| &entry.payload.targets);
        // A service runs several images: one of them is this artifact.
        let served: Vec<&Digest> =
            targets.flat_map(|target| target.digest.iter().chain(target.images.values())).collect();
        let Some(first) = served.first() else { return Err(unproved::no_image(self, entry).into()) };
        let tag = self.tag(entry).await?;
        let Some(stored) = self.source.manifest(Reference::Tag(tag.as_str())).await? else {
            let state = format!("it succeeded (deployment {}), and its tag {tag} is not there", entry.id);
            return Ok(Found::NotYet(state, unproved::tag_gone(self, entry, &tag)));
        };
        if !holds(&Parts::of(self.source), &stored.digest, &stored.manifest, &served).await? {
            return Err(unproved::rebuilt(self, entry, &tag, &stored.digest, first).into());
        }
        if let Found::NotYet(state, refusal) = self.gates(&proofs).await? {
            return Ok(Found::NotYet(state, refusal));
        }
        tracing::info!(
            "{} succeeded in {} (deployment {}, commit {}: {})",
            stored.digest,
            self.environment,
            entry.id,
            entry.payload.commit,
            matched.meaning()
        );
        let commit = entry.payload.commit.parse().ok();
        Ok(Found::There(Artifact { digest: stored.digest.clone(), matched, commit, stored: Some(stored) }))
    }

    /// The tag that a record's image has in its environment.
    async fn tag(&self, entry: &Entry) -> Step<Tag> {
        let Ok(commit) = entry.payload.commit.parse::<CommitSha>() else {
            return Err(unproved::no_image(self, entry).into());
        };
        let version = entry.payload.version.as_deref();
        self.tag_of(&commit, version).await
    }

    async fn tag_of(&self, commit: &CommitSha, version: Option<&str>) -> Step<Tag> {
        let committed_at = committed_at(self.cx, &self.inputs.tag_format, commit).await?;
        let values = Values {
            environment: Some(self.environment.as_str()),
            component: &self.component,
            commit,
            version: version.unwrap_or(commit.short()),
            committed_at: committed_at.as_deref(),
        };
        let filled = self.inputs.tag_format.fill(&values);
        Ok(filled.map_err(|why| Outcome::error(why).advise("correct `tag-format`, or give `source`"))?)
    }

    /// Nothing was found: where it was looked, what is near, and what is on its way.
    async fn nothing(&self, open: &[&Entry], content: Option<&Content<'_>>) -> Result<Found<Artifact>> {
        let mut near: Vec<Near<'_>> = Vec::new();
        let candidates = if self.purpose == Purpose::Conclude { CANDIDATES } else { 0 };
        for entry in self.history.entries.iter().take(candidates) {
            if near.len() < NAMED && self.history.standing(self.cx, entry).await? == Standing::Succeeded {
                near.push((entry, self.first_difference(entry, content).await));
            }
        }
        let tag = self.tag_of(&self.commit, None).await.ok();
        let tagged = match &tag {
            Some(tag) if candidates > 0 => self.source.manifest(Reference::Tag(tag.as_str())).await.ok().flatten(),
            _ => None,
        };
        let state = match open.first() {
            Some(entry) => format!("deployment {} of {} is not judged yet", entry.id, self.environment),
            None => format!("nothing has succeeded in {} for commit {}", self.environment, self.commit.short()),
        };
        let refusal =
            unproved::nothing_there(self, &near, open, tag.as_ref(), tagged.as_ref().map(|stored| &stored.digest));
        Ok(Found::NotYet(state, refusal))
    }

    /// The first file in which a candidate differs, if GitHub shows it.
    async fn first_difference(&self, entry: &Entry, content: Option<&Content<'_>>) -> Option<String> {
        content?.compare(&entry.payload.commit).await.ok().flatten()?.concerned.into_iter().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_with_the_same_files_are_known_by_their_tree() {
        let trees = |own: Option<&str>| SameFiles {
            own: own.map(str::to_owned),
            of: BTreeMap::from([("a".to_owned(), Some("t1".to_owned())), ("b".to_owned(), None)]),
            denied: None,
        };
        assert!(trees(Some("t1")).same("a"));
        assert!(!trees(Some("t2")).same("a"));
        assert!(!trees(Some("t1")).same("b") && !trees(Some("t1")).same("c"));
        assert!(!trees(None).same("b"));
    }
}
