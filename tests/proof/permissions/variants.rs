//! The runs in which permissions are tried: a scene, and what is special about it.

use std::pin::Pin;

use deploy_action::permissions::When;
use testbed::runner::{Report, Runner};

use super::arranged as a;
use crate::proof::scenes::{Scene, Stage, more_scenes, scenes};

/// One run of a step.
#[derive(Clone, Copy)]
pub(crate) struct Variant {
    scene: &'static str,
    /// What is special about it, in the table.
    what: &'static str,
    /// The conditions of permissions that hold in it.
    pub(super) when: &'static [When],
    /// The actions that are tried, by name or statement and name; empty: all that apply.
    tries: &'static [&'static str],
    /// Those among them that this run does not come to: another one does.
    not_met: &'static [&'static str],
    /// Optional actions that this run cannot do without.
    pub(super) cannot_without: &'static [&'static str],
    /// How it ends with all permissions, if not well.
    pub(super) ends: Option<(&'static str, i32)>,
    /// The names of the documentation, and those of the scene.
    pub(super) names: &'static [(&'static str, &'static str)],
    arrange: Arrange,
}

pub(crate) type Arrange = for<'a> fn(&'a Stage, Runner) -> Arranging<'a>;
pub(crate) type Arranging<'a> = Pin<Box<dyn Future<Output = Runner> + Send + 'a>>;

const FUNCTION: &[(&str, &str)] = &[
    ("function:shop-api-prd", "function:shop-api"),
    ("log-group:/aws/lambda/shop-api-prd", "log-group:/aws/lambda/shop-api"),
    ("repository/shop-api", "repository/shop/api"),
    ("service/shop-prd/shop-api", "service/main/web"),
    ("service-deployment/shop-prd/shop-api/*", "service-deployment/main/web/*"),
    ("service-revision/shop-prd/shop-api/*", "service-revision/main/web/*"),
    ("task-definition/shop-api", "task-definition/web"),
    ("task/shop-prd/*", "task/main/*"),
    ("role/shop-api-task", "role/web-task"),
];
/// What durable functions take beside their invocation.
pub(crate) const EXECUTIONS: &[&str] = &["lambda:ListDurableExecutionsByFunction", "lambda:StopDurableExecution"];

impl Variant {
    /// The scene as it is: all that applies is tried.
    pub(crate) const fn whole(scene: &'static str, when: &'static [When], not_met: &'static [&'static str]) -> Self {
        Self {
            scene,
            what: "",
            when,
            tries: &[],
            not_met,
            cannot_without: &[],
            ends: None,
            names: FUNCTION,
            arrange: a::as_it_is,
        }
    }

    /// The same arranged otherwise: what is new in it is tried.
    pub(crate) const fn special(
        scene: &'static str,
        what: &'static str,
        arrange: Arrange,
        when: &'static [When],
        tries: &'static [&'static str],
    ) -> Self {
        Self { what, tries, arrange, ..Self::whole(scene, when, &[]) }
    }

    /// How it ends with all permissions.
    pub(crate) const fn ends(self, verdict: &'static str, code: i32) -> Self {
        Self { ends: Some((verdict, code)), ..self }
    }

    /// Optional actions that it cannot do without.
    pub(crate) const fn cannot_without(self, cannot_without: &'static [&'static str]) -> Self {
        Self { cannot_without, ..self }
    }

    /// Actions among those to be tried that it does not come to: another run does.
    pub(crate) const fn not_met(self, not_met: &'static [&'static str]) -> Self {
        Self { not_met, ..self }
    }

    /// The names of the documentation, and those of the scene.
    pub(crate) const fn names(self, names: &'static [(&'static str, &'static str)]) -> Self {
        Self { names, ..self }
    }

    pub(crate) fn step(&self) -> &'static str {
        self.scene().step()
    }

    /// The name in the table.
    pub(super) fn shown(&self) -> String {
        if self.what.is_empty() { self.scene.to_owned() } else { format!("{}, {}", self.scene, self.what) }
    }

    /// Whether this run is the one to try an action in.
    pub(super) fn tries(&self, sid: &str, action: &str) -> bool {
        let both = format!("{sid} {action}");
        let named = |list: &[&str]| list.contains(&action) || list.contains(&both.as_str());
        (self.tries.is_empty() || named(self.tries)) && !named(self.not_met)
    }

    /// Whether the run with all permissions ended as it should.
    pub(super) fn is_good(&self, report: &Report) -> bool {
        self.ends.map_or(report.succeeded(), |ends| ends == (report.output("verdict"), report.exit_code))
    }

    fn scene(&self) -> Scene {
        let all = scenes().into_iter().chain(more_scenes());
        all.into_iter().find(|scene| scene.name == self.scene).unwrap()
    }

    /// A world of its own, and the run about to happen in it.
    pub(super) async fn prepare(&self) -> (Stage, Runner) {
        let stage = self.scene().prepare().await;
        let runner = (self.arrange)(&stage, stage.runner()).await;
        (stage, runner)
    }
}

/// Every run in which the permissions of the role are tried.
pub(super) fn of_role() -> Vec<Variant> {
    crate::steps_under_test().iter().flat_map(|step| step.role).copied().collect()
}

/// The runs in which the permissions of the job's token are tried.
pub(super) fn of_token() -> Vec<Variant> {
    crate::steps_under_test().iter().flat_map(|step| step.token).copied().collect()
}
