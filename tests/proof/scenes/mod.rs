//! The normal run of every step, in a world of its own that can be looked at from outside.
//!
//! The scenes of a step stand in its table ([`StepUnderTest`](super::StepUnderTest)). What a scene's world is made of is up to the
//! step; what stands in it (functions, images, records) is found by [`Stage::state`], whatever it is.

pub(crate) mod request;
pub(crate) mod rules;
mod siblings;
mod stage;
mod state;

use std::pin::Pin;

pub(crate) use request::{Request, Target};
pub(crate) use stage::{ENVIRONMENT, FUNCTION, REPOSITORY, Stage};
pub(crate) use state::State;

/// The commands of one step's normal run, and the world it meets.
#[expect(clippy::struct_excessive_bools, reason = "each says of what else the scene is about")]
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    /// What the matrix calls it: the step, and what is special about this run of it after a `:`.
    pub(crate) name: &'static str,
    /// The fewest rounds of requests that the step could do with, and what more of them buy.
    pub(crate) floor: Option<Floor>,
    /// Whether it differs from others in what it must be allowed only.
    for_permissions: bool,
    /// How it ends when nothing happens to its requests: the verdict and the exit code.
    pub(crate) ends: (&'static str, i32),
    /// Whether the matrix leaves it out.
    is_unplayed: bool,
    /// Whether the matrix kills it at its own writes, and plays all else only where it plays all.
    is_killed: bool,
    /// Whether it is about all places of the component: then no other job has one.
    is_about_all_places: bool,
    /// Whether users meet two versions on purpose.
    pub(crate) splits_traffic: bool,
    prepare: fn() -> Preparing,
}

/// The fewest rounds, and how many more are there for which reason.
#[derive(Clone, Copy)]
pub(crate) struct Floor {
    pub(crate) rounds: usize,
    pub(crate) above: &'static [(usize, &'static str)],
}

type Preparing = Pin<Box<dyn Future<Output = Stage> + Send>>;

impl Scene {
    pub(crate) const fn new(name: &'static str, prepare: fn() -> Preparing) -> Self {
        Self {
            name,
            floor: None,
            for_permissions: false,
            ends: ("pass", 0),
            is_unplayed: false,
            is_killed: false,
            is_about_all_places: false,
            splits_traffic: false,
            prepare,
        }
    }

    /// The fewest rounds that keep the rules of `docs/performance.md`, and what each of those above them buys.
    pub(crate) const fn floor(self, rounds: usize, above: &'static [(usize, &'static str)]) -> Self {
        Self { floor: Some(Floor { rounds, above }), ..self }
    }

    /// A scene that differs from others in what it must be allowed only.
    pub(crate) const fn for_permissions(self) -> Self {
        Self { for_permissions: true, ..self }
    }

    /// A scene in which what is judged is bad, and is put back.
    pub(crate) const fn puts_back(self) -> Self {
        Self { ends: ("fail", 1), ..self }
    }

    /// A scene that differs from others in what it must be allowed only, and that ends badly with nothing changed: there is nothing to converge to.
    pub(crate) const fn for_permissions_of_a_failure(self) -> Self {
        self.for_permissions().without_the_matrix()
    }

    /// A scene that the matrix leaves out: what its second run finds is told by a record or a commit of the first alone, and the matrix compares
    /// worlds in which that was taken away.
    pub(crate) const fn without_the_matrix(self) -> Self {
        Self { is_unplayed: true, ..self }
    }

    /// A scene that differs from others of its step in some writes, and that would cost as much as they do: it is killed at those.
    pub(crate) const fn killed_at_its_own_writes(self) -> Self {
        Self { is_killed: true, ..self.for_permissions() }
    }

    /// A scene in which users meet two versions on purpose: only a run that was killed leaves them.
    pub(crate) const fn splits_traffic(self) -> Self {
        Self { splits_traffic: true, ..self }
    }

    /// Whether the matrix plays it.
    pub(crate) const fn is_played(&self) -> bool {
        !self.is_unplayed
    }

    /// Whether the matrix kills it at its own writes, unless it plays all.
    pub(crate) const fn is_killed_only(&self) -> bool {
        self.is_killed
    }

    /// A scene about all places of the component: no other job of the run has one.
    pub(crate) const fn about_all_places(self) -> Self {
        Self { is_about_all_places: true, ..self }
    }

    /// Whether its requests are counted, and kept as a snapshot.
    pub(crate) fn is_counted(&self) -> bool {
        !self.for_permissions
    }

    /// The step, which is the name up to the first `:`.
    pub(crate) fn step(&self) -> &'static str {
        self.name.split(':').next().unwrap_or(self.name)
    }

    /// The snapshot of its requests.
    pub(crate) fn snapshot(&self) -> String {
        format!("tests/proof/requests/{}.txt", self.name.replace(':', "."))
    }

    /// A fresh world, as the normal run finds it. No two stages share anything but the processes that serve them.
    pub(crate) async fn prepare(&self) -> Stage {
        let mut stage = (self.prepare)().await;
        stage.begin(self.step()).await;
        stage
    }

    /// The same, beside jobs of the run for another region and another account.
    pub(crate) async fn prepare_among_siblings(&self) -> Stage {
        let mut stage = (self.prepare)().await;
        if !self.is_about_all_places {
            stage.add_siblings().await;
        }
        stage.begin(self.step()).await;
        stage
    }
}

/// Every scene but [`more_scenes`], step by step.
pub(crate) fn scenes() -> Vec<Scene> {
    all().filter(|scene| !scene.for_permissions).collect()
}

/// Those that differ from others in what they must be allowed only.
pub(crate) fn more_scenes() -> Vec<Scene> {
    all().filter(|scene| scene.for_permissions).collect()
}

fn all() -> impl Iterator<Item = Scene> {
    crate::steps_under_test().into_iter().flat_map(|step| step.scenes.iter().copied())
}

/// The normal run does what the step is for, and done again it finds nothing left to do.
#[tokio::test]
async fn every_scene_runs_well_and_again() {
    for scene in scenes() {
        let stage = scene.prepare().await;
        let before = stage.state().await;
        let report = stage.runner().run().await;
        let (verdict, code) = scene.ends;
        report.assert_verdict(verdict, code).assert_runner_safe();
        assert!(scene.step() != "notify" || report.annotations.is_empty(), "{}: {report}", scene.name);
        let after = stage.state().await;
        let asks = !stage.requests().await.is_empty();
        assert!(asks || scene.step() == "report", "{} asks for nothing", scene.name);
        assert_eq!(stage.violations().await, Vec::<String>::new(), "{}\n{report}", scene.name);
        assert!(report.output("changed") == "true" || !before.changed(&after), "{}\n{before}\n{after}", scene.name);
        let again = stage.runner().run().await;
        assert_eq!(again.succeeded(), code == 0, "{} again\n{again}", scene.name);
        assert!(stage.state().await.is_as(&after), "{} again: {after}\n{}", scene.name, stage.state().await);
        assert_eq!(stage.violations().await, Vec::<String>::new(), "{} again\n{again}", scene.name);
    }
}
