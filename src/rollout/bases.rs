//! What each component is compared with: the commit that is deployed, or the one that was asked for.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use futures_util::future::{join_all, try_join_all};

use crate::action::inputs::{CommitSha, Component, EnvironmentName};
use crate::calls::error_line;
use crate::changes::{Base, Components, Since, Trees, Trunk, before, differing, trunk};
use crate::context::Context;
use crate::github::{BranchName, End, Files};
use crate::record::{self, Entry, History, Place, Standing};
use crate::text::message;

/// Records of one component whose standing is asked for, newest first.
const LOOKED_AT: usize = 10;

/// What each component is compared with, and how that was found.
#[derive(Debug)]
pub struct Bases {
    of: BTreeMap<Component, Found>,
    /// What was asked for and is not available, in words.
    pub fall_backs: Vec<String>,
}

/// The commits to compare with; or why there are none.
type Found = Result<Vec<Point>, String>;

/// A commit to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Point {
    commit: CommitSha,
    /// What it is, for people.
    told: String,
    /// Whether it is the base. Else it is one that did not succeed after it, and may serve all the same.
    is_base: bool,
}

/// Finds what these components are compared with.
pub async fn find(
    cx: &Context,
    trees: &Trees,
    base: &Base,
    head: &CommitSha,
    components: &Components,
    names: &[&Component],
) -> Result<Bases> {
    let mut search = Search { cx, trees, head, components, names, instead: String::new(), fall_backs: Vec::new() };
    let point = match base {
        Base::LastDeployed => None,
        Base::Before => search.or_else("before", search.before().await?),
        Base::Parted => match search.or_else("merge-base", search.merge_base().await?) {
            None => search.or_else("before", search.before().await?),
            found => found,
        },
        Base::Named(name) => search.or_else(name, search.named(name).await?),
    };
    let of = match (point, &cx.common.environment) {
        (Some(point), _) => search.everywhere(&Ok(vec![point])),
        (None, Some(environment)) => search.deployed(environment).await?,
        (None, None) => search.everywhere(&Err(search.instead.clone())),
    };
    Ok(Bases { of, fall_backs: search.fall_backs })
}

impl Bases {
    /// The commits that are the bases, each once, in the order of the components' names.
    #[must_use]
    pub fn commits(&self) -> Vec<&CommitSha> {
        let mut commits: Vec<&CommitSha> = Vec::new();
        for point in self.of.values().flatten().flatten().filter(|point| point.is_base) {
            if !commits.contains(&&point.commit) {
                commits.push(&point.commit);
            }
        }
        commits
    }

    /// The commits that are the bases of the only component, with what each is, in words; or why there are none.
    ///
    /// # Errors
    /// Why there is nothing to compare with.
    pub fn only(&self) -> Result<Vec<(&CommitSha, &str)>, &str> {
        let points = match self.of.values().next() {
            Some(Ok(points)) => points,
            Some(Err(why)) => return Err(why),
            None => return Ok(Vec::new()),
        };
        Ok(points.iter().filter(|point| point.is_base).map(|point| (&point.commit, point.told.as_str())).collect())
    }

    /// What differs from each of them. A base that GitHub no longer has is none.
    pub async fn compared(
        &mut self,
        cx: &Context,
        trees: &Trees,
        files: &Files,
    ) -> Result<BTreeMap<Component, Vec<Since>>> {
        let mut points: Vec<&Point> = Vec::new();
        for point in self.of.values().flatten().flatten() {
            if !points.iter().any(|known| known.commit == point.commit) {
                points.push(point);
            }
        }
        let read = try_join_all(
            points.iter().map(async |point| anyhow::Ok((&point.commit, trees.of(cx, &point.commit).await?))),
        )
        .await?;
        let differing: BTreeMap<String, Compared> =
            read.iter().map(|(commit, base)| (commit.to_string(), Compared::of(base.as_deref(), files))).collect();
        let compared = |point: &Point| differing.get(point.commit.as_str()).unwrap_or(&Compared::Gone);
        for found in self.of.values_mut() {
            let mut bases = found.iter().flatten().filter(|point| point.is_base);
            if let Some(gone) = bases.find(|point| matches!(compared(point), Compared::Gone)) {
                *found = Err(gone.gone());
            }
        }
        let since = |point: &Point| match compared(point) {
            Compared::Files(files) => Since::Files(point.told.clone(), Rc::clone(files)),
            Compared::Cut => Since::Unknown(point.cut()),
            Compared::Gone => Since::Unknown(point.gone()),
        };
        let of = |found: &Found| match found {
            Ok(points) => points.iter().map(since).collect(),
            Err(why) => vec![Since::Nothing(why.clone())],
        };
        Ok(self.of.iter().map(|(name, found)| (name.clone(), of(found))).collect())
    }
}

/// What came of a comparison.
enum Compared {
    /// These files differ.
    Files(Rc<Vec<String>>),
    /// GitHub gave not all files.
    Cut,
    /// GitHub no longer has the commit.
    Gone,
}

impl Compared {
    fn of(base: Option<&Files>, files: &Files) -> Self {
        match base.map(|base| differing(base, files)) {
            Some(Some(files)) => Self::Files(Rc::new(files)),
            Some(None) => Self::Cut,
            None => Self::Gone,
        }
    }
}

impl Point {
    fn gone(&self) -> String {
        format!("GitHub no longer has {}", self.told)
    }

    fn cut(&self) -> String {
        format!(
            "not all files could be compared with {}: there are more than GitHub lists (100,000, or 7 MB of names)",
            self.told
        )
    }
}

/// What came of looking for one base.
enum Looked {
    /// It is there.
    Found(Point),
    /// It is not, and why.
    Missing(String),
}

/// The search for what is compared with.
struct Search<'a> {
    cx: &'a Context,
    trees: &'a Trees,
    head: &'a CommitSha,
    components: &'a Components,
    names: &'a [&'a Component],
    /// Why what was asked for is not available, if it could not.
    instead: String,
    fall_backs: Vec<String>,
}

impl Search<'_> {
    /// What was found, or nothing, having said why.
    fn or_else(&mut self, asked_for: &str, looked: Looked) -> Option<Point> {
        match looked {
            Looked::Found(point) => Some(point),
            Looked::Missing(why) => {
                self.fall_backs.push(message!("base-not-available", "`base: {asked_for}` is not available: {why}"));
                self.instead = why;
                None
            }
        }
    }

    fn everywhere(&self, found: &Found) -> BTreeMap<Component, Found> {
        self.names.iter().map(|name| ((*name).clone(), found.clone())).collect()
    }

    fn point(&self, commit: CommitSha, is: &str) -> Point {
        let instead = if self.instead.is_empty() { String::new() } else { format!(" (because {})", self.instead) };
        Point { told: format!("commit {}, {is}{instead}", commit.short()), commit, is_base: true }
    }

    async fn before(&self) -> Result<Looked> {
        let runner = &self.cx.runner;
        let event = runner.github_event_name.as_deref().unwrap_or_default();
        match before(event, &runner.event()?) {
            Ok(commit) => self.there(commit, "the one before the push").await,
            Err(why) => Ok(Looked::Missing(why)),
        }
    }

    async fn merge_base(&self) -> Result<Looked> {
        let github = &self.cx.github().await?;
        let (trunk, name) = match trunk(&self.cx.runner.event()?) {
            Ok(Trunk::Commit(commit)) => (Some(commit), "the base of the pull request".to_owned()),
            Ok(Trunk::Branch(name)) => {
                let branch = name.parse::<BranchName>().map_err(anyhow::Error::msg)?;
                (github.branch_tip(&branch).await?, name)
            }
            Err(why) => return Ok(Looked::Missing(why)),
        };
        let Some(trunk) = trunk else { return Ok(Looked::Missing(format!("there is no branch {name}"))) };
        Ok(match github.merge_base(&trunk, self.head).await? {
            Some(commit) if commit == *self.head => {
                Looked::Missing(format!("commit {} is on {name} itself", commit.short()))
            }
            Some(commit) => Looked::Found(self.point(commit, &format!("where it parted from {name}"))),
            None => Looked::Missing(format!("commit {} and {name} have no commit in common", self.head.short())),
        })
    }

    /// A commit by its name, a branch, or a tag.
    async fn named(&self, name: &str) -> Result<Looked> {
        if let Ok(commit) = name.parse::<CommitSha>() {
            return self.there(commit, "the one that was named").await;
        }
        let github = &self.cx.github().await?;
        let branch = match name.parse::<BranchName>() {
            Ok(branch) if !name.starts_with("refs/tags/") => github.branch_tip(&branch).await?,
            _ => None,
        };
        let tag = match name.strip_prefix("refs/tags/").unwrap_or(name) {
            tag if tag.starts_with("refs/") => None,
            tag => github.tag(tag).await?,
        };
        let tag = tag.and_then(|tag| if let End::Commit(commit) = tag.end { Some(commit) } else { None });
        Ok(match (branch, tag) {
            (Some(branch), Some(tag)) if branch != tag => {
                Looked::Missing(format!("{name} is a branch and a tag: write refs/heads/{name} or refs/tags/{name}"))
            }
            (Some(commit), _) | (None, Some(commit)) => {
                Looked::Found(self.point(commit, &format!("to which {name} points")))
            }
            (None, None) => Looked::Missing(format!("there is no branch, tag or commit {name}")),
        })
    }

    /// A commit, if GitHub still has it: after a force-push it may be gone.
    async fn there(&self, commit: CommitSha, is: &str) -> Result<Looked> {
        let found = self.trees.of(self.cx, &commit).await?.is_some();
        Ok(if found {
            Looked::Found(self.point(commit, is))
        } else {
            Looked::Missing(format!("GitHub no longer has commit {}, {is}", commit.short()))
        })
    }

    /// What the record says is deployed of each component.
    async fn deployed(&self, environment: &EnvironmentName) -> Result<BTreeMap<Component, Found>> {
        let named = self.cx.common.component.as_ref().map(Component::as_str);
        let whole = named.filter(|name| !self.components.contains(name));
        // What others depend on is rarely deployed by itself.
        let is_wanted = |name: &&str| named.is_some() || self.components.dependents(name).is_empty();
        let asked = self.names.iter().map(|name| name.as_str());
        let wanted: Vec<&str> = whole.map_or_else(|| asked.filter(is_wanted).collect(), |name| vec![name]);
        let history = match History::of_components(self.cx, environment, &wanted).await {
            Ok(history) => history,
            Err(error) if record::unreadable(&error) => {
                let error = error.context(format!("what is deployed to {environment} could not be read"));
                return Ok(self.everywhere(&Err(error_line(&error))));
            }
            Err(error) => return Err(error).with_context(|| format!("read what is deployed to {environment}")),
        };
        let record = Record { cx: self.cx, environment, history, search: self };
        if let Some(name) = whole {
            return Ok(self.everywhere(&record.of(name).await?.unwrap_or_else(|| record.nothing())));
        }
        let own = join_all(self.names.iter().map(|name| record.of(name.as_str()))).await;
        let own: Vec<Option<Found>> = own.into_iter().collect::<Result<_>>()?;
        if named.is_none() && own.iter().all(Option::is_none) {
            // Nothing is recorded by these names: they are parts of what is deployed as one.
            let one = record.of(&record::component(self.cx)).await?;
            return Ok(self.everywhere(&one.unwrap_or_else(|| record.nothing())));
        }
        let own: BTreeMap<&Component, Found> =
            self.names.iter().copied().zip(own).filter_map(|(name, found)| Some((name, found?))).collect();
        let of = |name: &Component| own.get(name).cloned().or_else(|| self.by_dependents(name, &own));
        Ok(self.names.iter().map(|name| ((*name).clone(), of(name).unwrap_or_else(|| record.nothing()))).collect())
    }

    /// What is not deployed by itself is where those are that depend on it.
    fn by_dependents(&self, name: &Component, own: &BTreeMap<&Component, Found>) -> Option<Found> {
        let mut points: Vec<Point> = Vec::new();
        let dependents = self.components.dependents(name.as_str());
        add(&mut points, dependents.iter().filter_map(|name| own.get(name)).flatten().flatten().cloned());
        (!points.is_empty()).then_some(Ok(points))
    }
}

/// Adds commits, each once; one that serves anywhere is a base.
fn add(points: &mut Vec<Point>, more: impl IntoIterator<Item = Point>) {
    for point in more {
        match points.iter_mut().find(|known| known.commit == point.commit) {
            Some(known) if point.is_base && !known.is_base => *known = point,
            Some(_) => {}
            None => points.push(point),
        }
    }
}

/// What was deployed to an environment.
struct Record<'a> {
    cx: &'a Context,
    environment: &'a EnvironmentName,
    history: History,
    search: &'a Search<'a>,
}

impl Record<'_> {
    fn nothing(&self) -> Found {
        Err(message!("nothing-deployed-yet", "nothing is known to be deployed to {} yet", self.environment))
    }

    /// What may serve of a component, at all its places; nothing if there is no record of it at all.
    async fn of(&self, component: &str) -> Result<Option<Found>> {
        let mut points: Vec<Point> = Vec::new();
        let places = self.history.places(self.cx, component).await?;
        for place in &places {
            match self.at(component, place).await? {
                Ok(found) => add(&mut points, found),
                Err(why) => return Ok(Some(Err(why))),
            }
        }
        Ok((!places.is_empty()).then_some(Ok(points)))
    }

    /// The newest commit that succeeded at a place, and those after it that did not, any of which may serve.
    async fn at(&self, component: &str, place: &Place) -> Result<Found> {
        let entries = self.history.at(place).filter(|entry| entry.payload.component == component);
        let mut points = Vec::new();
        let mut looked_at = 0;
        for entry in entries.take(LOOKED_AT) {
            looked_at += 1;
            let succeeded = self.history.standing(self.cx, entry).await? == Standing::Succeeded;
            match (entry.payload.commit_at(place), succeeded) {
                (Some(commit), true) => {
                    points.insert(0, self.point(entry, commit, true));
                    return Ok(Found::Ok(points));
                }
                (Some(commit), false) => points.push(self.point(entry, commit, false)),
                (None, true) => {
                    return Ok(Found::Err(format!(
                        "deployment {} to {} does not say which commit it brought",
                        entry.id, self.environment
                    )));
                }
                (None, false) => {}
            }
        }
        let at = if self.history.places(self.cx, component).await?.len() > 1 {
            format!(" at {place}")
        } else {
            String::new()
        };
        Ok(Found::Err(format!(
            "none of the newest {looked_at} deployments of {component} to {}{at} has succeeded",
            self.environment
        )))
    }

    fn point(&self, entry: &Entry, commit: CommitSha, is_base: bool) -> Point {
        let what = if is_base { "which serves in" } else { "which did not succeed and may serve all the same in" };
        Point {
            is_base,
            ..self.search.point(commit, &format!("{what} {} (deployment {})", self.environment, entry.id))
        }
    }
}
