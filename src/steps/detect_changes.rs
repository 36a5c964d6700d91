//! detect-changes: which components of the repository changed since what is deployed. Reads GitHub only; needs no checkout.

mod report;

use std::collections::BTreeMap;

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, Component, Inputs, Lines, Problems, Span};
use crate::changes::{Base, Components, ComponentsInput, Request, Selection, Since, Trees, select, wrong_components};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::rollout::bases::{self, Bases};

/// In `force`, every component.
const EVERY: &str = "all";

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DetectChanges {
    /// Which files belong to which component, and what depends on what: for each component its `paths`, what of them it is to
    /// `ignore`, and `depends-on`. As YAML, or the path of a file of the commit, which needs no checkout.
    components: ComponentsInput,
    /// What the commit is compared with: `last-deployed` in `environment`, by the record; `before`, the commit before the push;
    /// `merge-base`, where the branch parted from the default branch, or from the base of the pull request; or a branch, a tag
    /// or a commit.
    #[serde(default)]
    base: Base,
    /// What to do where there is nothing to compare with.
    #[serde(default)]
    no_base: NoBase,
    /// What a changed file means that no pattern of any component is about.
    #[serde(default)]
    unmatched: Unmatched,
    /// Components that are selected in any case, one a line; `all` for every one.
    force: Option<Lines<Component>>,
}

/// What to do where there is nothing to compare with.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum NoBase {
    /// What has no base is selected.
    #[default]
    All,
    /// The step fails.
    Fail,
}

/// What a changed file means that no pattern is about.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum Unmatched {
    /// Everything is selected.
    #[default]
    All,
    /// Nothing.
    Ignore,
    /// The step fails.
    Fail,
}

impl Inputs for DetectChanges {
    fn check(&self, problems: &mut Problems) {
        if let ComponentsInput::Inline(_, components) = &self.components
            && let Err(why) = self.forced(components)
        {
            problems.add(why);
        }
    }
}

impl DeployStep for DetectChanges {
    const NAME: &'static str = "detect-changes";
    const ABOUT: &'static str = "Tells which components of the repository changed since what is deployed.";
    const OUTPUTS: &'static [Output] = &[
        Output::value(
            "selected",
            "The components that changed, a JSON list, what others depend on first: fit for a matrix",
        ),
        Output::value(
            "selection",
            "Each component that was judged, `true` or `false`, a JSON object: `fromJSON(..).telegram`",
        ),
        Output::value("any", "`true` if any was selected"),
        Output::value(
            "base-sha",
            "The commit it was compared with; one a line where components are deployed from different ones; empty where there is none",
        ),
        Output::value("reasons", "Why each component was selected or not, a JSON object of texts"),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: read"),
            GithubPermission::needs("deployments: read").when(When::LastDeployed).optional(
                "what is deployed; without it everything is selected, or with `no-base: fail` the step fails",
            ),
        ],
    };
    const TIMEOUT: Span = Span::minutes(1);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.base == Base::LastDeployed && common.environment.is_none(),
            "input `environment` is required, because `base: last-deployed` asks what is deployed there (or give another `base`, e.g. \
             `before`)",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for (name, nothing) in [("selected", "[]"), ("selection", "{}"), ("any", "false"), ("reasons", "{}")] {
            cx.report.output(name, nothing);
        }
        let head = cx.commit().ok_or_else(|| Outcome::error("no commit is known").advise("give the input `sha`"))?;
        let trees = Trees::default();
        let components = trees.components(cx, &self.components, &head).await?;
        let forced = self.forced(&components).map_err(|why| wrong_components(&why))?;
        let asked = Request {
            names: asked(cx, &components),
            forced: forced.into_iter().collect(),
            unmatched_selects: self.unmatched == Unmatched::All,
        };
        let (files, mut bases) = tokio::try_join!(
            trees.of(cx, &head),
            bases::find(cx, &trees, &self.base, &head, &components, &asked.names)
        )?;
        let Some(files) = files else { return Ok(report::no_commit(&head)) };
        report::patterns(cx, &components, &files)?;
        let since = bases.compared(cx, &trees, &files).await?;
        let selection = select(&components, &asked, &since);
        Ok(self.conclude(cx, &head, &bases, &asked, &since, &selection))
    }
}

impl DetectChanges {
    /// The components of `force`; an error for one that is unknown.
    fn forced<'c>(&self, components: &'c Components) -> Result<Vec<&'c Component>, String> {
        let named = |name: &str| self.force.iter().flatten().any(|one| one.as_str() == name);
        for name in self.force.iter().flatten().filter(|name| name.as_str() != EVERY) {
            components.must_contain(name.as_str()).map_err(|why| format!("input `force`: {why}"))?;
        }
        Ok(components.names().filter(|name| named(EVERY) || named(name.as_str())).collect())
    }

    fn conclude(
        &self,
        cx: &Context,
        head: &CommitSha,
        bases: &Bases,
        asked: &Request<'_>,
        since: &BTreeMap<Component, Vec<Since>>,
        selection: &Selection,
    ) -> Outcome {
        let not_forced = since.iter().filter(|(name, _)| !asked.forced.contains(name));
        let without_base =
            not_forced.flat_map(|(name, since)| since.iter().filter_map(move |since| Some((name, since.nothing()?))));
        let without_base: Vec<_> = without_base.collect();
        if self.no_base == NoBase::Fail && !without_base.is_empty() {
            return report::no_base(&without_base);
        }
        report::fall_backs(cx, bases, &without_base);
        match self.unmatched {
            Unmatched::Fail if !selection.unmatched.is_empty() => report::unmatched(&selection.unmatched),
            _ => report::selection(cx, head, bases, selection).unwrap_or_else(|refusal| refusal),
        }
    }
}

/// What is judged: the component that is named, with `component`, if it is one of them; else all.
fn asked<'c>(cx: &Context, components: &'c Components) -> Vec<&'c Component> {
    let named = cx.common.component.as_ref().filter(|name| components.contains(name.as_str()));
    components.names().filter(|name| named.is_none_or(|named| named == *name)).collect()
}
