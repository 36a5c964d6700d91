//! The default branch, as far as its newest commits tell: how far behind a commit is, and which came between two.

use std::collections::BTreeMap;

use crate::action::inputs::CommitSha;
use crate::calls::log_not_determined;
use crate::context::Context;
use crate::github::Landed;

/// The newest commits of the default branch, newest first.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    commits: Vec<Landed>,
    places: BTreeMap<String, usize>,
}

impl Branch {
    /// Reads it: one request. Nothing where GitHub gives no usable answer; the log says why.
    pub async fn read(cx: &Context) -> Option<Self> {
        let read = async { anyhow::Ok(Self::of(cx.github().await?.newest_commits().await?)) };
        read.await.inspect_err(|error| log_not_determined("which commits the default branch has", error)).ok()
    }

    /// From what GitHub lists.
    #[must_use]
    pub fn of(commits: Vec<Landed>) -> Self {
        let places = commits.iter().enumerate().map(|(place, commit)| (commit.sha.to_string(), place)).collect();
        Self { commits, places }
    }

    /// The newest commit; nothing of an empty branch.
    #[must_use]
    pub fn head(&self) -> Option<&CommitSha> {
        self.commits.first().map(|commit| &commit.sha)
    }

    /// How many commits of the branch a commit does not hold; nothing where it is not among the newest, or on another branch.
    #[must_use]
    pub fn behind(&self, commit: &CommitSha) -> Option<usize> {
        let held = self.reach(commit)?;
        Some(held.iter().filter(|held| !**held).count())
    }

    /// The commits that came after one, up to another; nothing where either is not among the newest.
    #[must_use]
    pub fn between(&self, before: &CommitSha, after: &CommitSha) -> Option<Vec<&Landed>> {
        let (before, after) = (self.reach(before)?, self.reach(after)?);
        let new = self.commits.iter().zip(before.iter().zip(&after));
        Some(new.filter(|(_, (before, after))| **after && !**before).map(|(commit, _)| commit).collect())
    }

    /// Whether a commit is an ancestor of another, and not the same; nothing where either is not among the newest.
    #[must_use]
    pub fn is_older(&self, commit: &CommitSha, than: &CommitSha) -> Option<bool> {
        let place = *self.places.get(&commit.to_string())?;
        Some(commit != than && *self.reach(than)?.get(place)?)
    }

    /// Which of the commits one holds: itself, and all that it came from.
    fn reach(&self, commit: &CommitSha) -> Option<Vec<bool>> {
        let first = *self.places.get(&commit.to_string())?;
        let mut held = vec![false; self.commits.len()];
        let mut next = vec![first];
        while let Some(place) = next.pop() {
            if std::mem::replace(&mut held[place], true) {
                continue;
            }
            next.extend(self.commits[place].parents.iter().filter_map(|parent| self.places.get(parent)));
        }
        Some(held)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use time::OffsetDateTime;

    use super::*;

    pub(crate) fn sha(name: char) -> CommitSha {
        name.to_string().repeat(40).parse().unwrap()
    }

    /// Commits with their parents, newest first, an hour apart: the oldest at 0.
    pub(crate) fn branch(commits: &[(char, &[char])]) -> Branch {
        let hours = (0..i64::try_from(commits.len()).unwrap()).rev();
        let landed = commits.iter().zip(hours).map(|((name, parents), hour)| Landed {
            sha: sha(*name),
            parents: parents.iter().map(|parent| sha(*parent).to_string()).collect(),
            at: OffsetDateTime::from_unix_timestamp(hour * 3600).ok(),
        });
        Branch::of(landed.collect())
    }

    #[test]
    fn a_commit_is_behind_by_what_it_does_not_hold() {
        // e merges d, which came from b, beside c.
        let branch = branch(&[('e', &['c', 'd']), ('d', &['b']), ('c', &['b']), ('b', &['a'])]);
        for (commit, behind) in [('e', Some(0)), ('c', Some(2)), ('d', Some(2)), ('b', Some(3)), ('a', None)] {
            assert_eq!(branch.behind(&sha(commit)), behind, "{commit}");
        }
        let names = |commits: Vec<&Landed>| commits.into_iter().map(|one| one.sha.clone()).collect::<Vec<_>>();
        assert_eq!(branch.between(&sha('c'), &sha('e')).map(names), Some(vec![sha('e'), sha('d')]));
        assert_eq!(branch.between(&sha('a'), &sha('e')).map(names), None);
        assert_eq!(branch.is_older(&sha('b'), &sha('e')), Some(true));
        assert_eq!(branch.is_older(&sha('d'), &sha('c')), Some(false));
        assert_eq!(branch.is_older(&sha('e'), &sha('e')), Some(false));
    }
}
