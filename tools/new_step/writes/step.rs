//! new-step: TODO what it is for, in one line.
//!
//! When it grows, its plan, its writes and its report become files of their own, as those of swap-alias (`swap_alias/`).

use anyhow::Result;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Inputs, Problems, Span};
use crate::aws::Location;
use crate::context::{Context, Served};
use crate::explain::failure;
use crate::lambda::{Alias, AliasName, Function, FunctionName, Serving, Version, VersionRef, serving};
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::{AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When};
use crate::record::{self, Concurrency, Kind, OnConcurrent, Place, Previous, Record, RecordInputs, Release, Target};
use crate::rollout::guard;
use crate::rollout::move_alias::{self, Moved, Written, found_at, move_alias, put_back_by_hand};

/// Its inputs. TODO: those of this step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct NewStep {
    /// The function.
    function: FunctionName,
    /// The alias users call.
    #[serde(default = "AliasName::live")]
    alias: AliasName,
    /// Its published version: a number, or `alias:<name>` for the one that alias points to when the step begins.
    version: VersionRef,
    /// The record.
    #[serde(flatten)]
    record: RecordInputs,
}

impl Inputs for NewStep {
    fn check(&self, problems: &mut Problems) {
        // TODO: what must hold between its inputs, with the fix in the message.
        let _ = problems;
    }
}

impl DeployStep for NewStep {
    const NAME: &'static str = "new-step";
    const ABOUT: &'static str = "TODO what it does, in one sentence.";
    const OUTPUTS: &'static [Output] =
        &[Output::value("deployment-id", "The GitHub deployment that records it; empty when none is kept.")];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetAlias", Resource::Function),
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
            AwsPermission::writes("lambda:UpdateAlias", Resource::Function),
            AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
        ],
        github: &[
            GithubPermission::needs("deployments: write").when(When::RecordRequired),
            GithubPermission::needs("deployments: write").optional("the record"),
            OTHER_RUNS,
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    // It writes the record itself.
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        // However the step ends, this is read and reported at its end.
        cx.read_back_at_end(Served::Function(self.function.clone(), self.alias.clone().into()));
        let (observed, to, history) = loop {
            let observed = observe(self, cx).await?;
            let plan = plan(&observed)?;
            let Plan::Move(to) = plan else { return Ok(self.nothing_to_do(cx, &observed).await) };
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &[observed.target(to)]).await? {
                Concurrency::Clear(history) => break (observed, to, history),
                // Another run has ended: what was observed before may have changed.
                Concurrency::Waited => {}
            }
        };
        announce(cx, &observed, to);
        if cx.is_dry_run() {
            cx.report.note_change();
            return Ok(not_applied(&observed, to));
        }
        cx.confirm(&format!("move the alias to version {to}")).await?;
        let target = observed.target(to);
        let release = Release {
            kind: Kind::Deploy,
            commit: target.commit.clone(),
            proof: None,
            description: Self::NAME,
            undone: Vec::new(),
            history,
        };
        let record = Record::open(cx, &self.record, release, vec![target.clone()], &[target]).await?;
        let applied = apply(cx, &observed, to).await;
        let serving = read_back(cx, &observed, applied).await?;
        match serving {
            Ok(now) => {
                if let Some(record) = record {
                    record.succeed(cx, Self::NAME, Self::FIGURES).await;
                }
                Ok(done(cx, &observed, &now, to))
            }
            Err(ended) => {
                if let Some(record) = record {
                    record.fail(cx, Self::NAME, &ended).await;
                }
                Ok(ended)
            }
        }
    }
}

impl NewStep {
    /// Also where an attempt of this run was killed after its write: its record is closed.
    async fn nothing_to_do(&self, cx: &Context, observed: &Observed) -> Outcome {
        let serving: Vec<_> = observed.wanted.iter().map(|version| observed.target(*version)).collect();
        if !cx.is_dry_run() {
            Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
        }
        nothing_to_do(observed)
    }
}

/// All that the decision needs.
async fn observe(step: &NewStep, cx: &Context) -> Step<Observed> {
    let lambda = cx.lambda().await?;
    guard::check_names(cx, [&step.function]).await?;
    let aws = cx.aws().await?;
    let (wanted, alias, location) = tokio::try_join!(
        lambda.resolve(&step.function, &step.version),
        lambda.alias(&step.function, &step.alias),
        aws.location()
    )?;
    let found = match wanted {
        Some(version) => lambda.existing(&step.function, Some(version)).await?,
        None => None,
    };
    let wanted = wanted.filter(|_| found.is_some());
    Ok(Observed { function: step.function.clone(), name: step.alias.clone(), wanted, found, alias, location })
}

/// What was observed.
#[derive(Clone, Debug)]
struct Observed {
    function: FunctionName,
    name: AliasName,
    /// The version that is asked for, if it is there.
    wanted: Option<Version>,
    found: Option<Function>,
    alias: Option<Alias>,
    location: Location,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// It is done already.
    Nothing,
    /// The alias moves to this version.
    Move(Version),
}

/// Decides.
///
/// # Errors
/// A refusal, with its fix.
fn plan(observed: &Observed) -> Result<Plan, Outcome> {
    // TODO: the rules of this step.
    let function = &observed.function;
    let wanted = observed.wanted.ok_or_else(|| {
        Outcome::fail(format!("{function} has no such version")).advise("publish it first (publish-version)")
    })?;
    let alias = observed.alias.as_ref().ok_or_else(|| {
        Outcome::fail(format!("{function} has no such alias")).advise("make it first: swap-alias with `create-alias`")
    })?;
    Ok(if alias.serves_only(wanted) { Plan::Nothing } else { Plan::Move(wanted) })
}

impl Observed {
    /// What goes into the record: where the alias goes, and what it leaves.
    fn target(&self, to: Version) -> Target {
        let place = Place::of(&self.location, &self.function, &self.name.clone().into());
        let previous = self.alias.as_ref().map(|alias| Previous::of(alias, None));
        Target { previous, ..Target::new(place, Some(to), None) }
    }
}

/// Writes.
async fn apply(cx: &Context, observed: &Observed, to: Version) -> Result<Written> {
    match &observed.alias {
        Some(alias) => move_alias(cx, &cx.lambda().await?, alias, to).await,
        None => Ok(Written::Superseded(None)),
    }
}

/// Reads back what serves now; or how the step ends otherwise.
async fn read_back(cx: &Context, observed: &Observed, applied: Result<Written>) -> Step<Result<Alias, Outcome>> {
    let moved = match applied {
        Ok(written) => move_alias::read_back(cx, written).await,
        Err(error) => Err(error),
    };
    // TODO: what was written before a failure is put back, as in swap-alias (`rollout/put_back.rs`).
    match moved {
        Ok(Moved::Done(now)) => Ok(Ok(now)),
        Ok(Moved::Superseded(found)) => Ok(Err(superseded(observed, found.as_ref()))),
        Err(error) => Ok(Err(failure(&cx.calls.deadline, error)?)),
    }
}

/// What will happen, and how to undo it by hand.
fn announce(cx: &Context, observed: &Observed, to: Version) {
    let Some(alias) = &observed.alias else { return };
    tracing::info!("{}: {} moves from version {alias} to {to}", observed.function, alias.name);
    cx.report.section("To put back by hand", [put_back_by_hand(alias)]);
}

fn nothing_to_do(observed: &Observed) -> Outcome {
    Outcome::skipped(format!("nothing to do: {} serves it already", observed.function))
}

/// A dry run.
fn not_applied(observed: &Observed, to: Version) -> Outcome {
    Outcome::pass(format!("dry run, nothing was changed: {} would move to version {to}", observed.function))
}

/// What serves was read back: it is not read again at the end.
fn done(cx: &Context, observed: &Observed, now: &Alias, to: Version) -> Outcome {
    let (what, shown) = (format!("{}:{} afterwards", now.function, now.name), format!("version {now}"));
    cx.report.check(what, shown, format!("version {to}"), Verdict::Pass, "lambda:GetAlias");
    cx.report.serving(serving::line([Serving::of(now, observed.found.as_ref())]));
    Outcome::pass(format!("{}:{} serves version {now}", now.function, now.name))
}

fn superseded(observed: &Observed, found: Option<&Alias>) -> Outcome {
    let (name, function) = (&observed.name, &observed.function);
    Outcome::superseded(format!("alias {name} of {function} was changed by somebody else: it {}", found_at(found)))
        .advise("look at what serves; run the step again if this version is still wanted")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::AliasRevision;

    fn observed(wanted: Option<u64>, serves: Option<u64>) -> Observed {
        let version = |number: u64| number.to_string().parse::<Version>().unwrap();
        let function: FunctionName = "shop-api".parse().unwrap();
        let alias = serves.map(|number| Alias {
            function: function.clone(),
            name: AliasName::live(),
            version: Some(version(number)),
            weights: [].into(),
            revision: AliasRevision::default(),
        });
        let location = Location { region: "eu-west-1".parse().unwrap(), account: "0f1e2d3c4b5a".parse().unwrap() };
        Observed { function, name: AliasName::live(), wanted: wanted.map(version), found: None, alias, location }
    }

    #[test]
    fn it_moves_what_is_elsewhere_and_nothing_else() {
        let two: Version = "2".parse().unwrap();
        // TODO: a row for each rule.
        for (wanted, serves, expected) in [
            (Some(2), Some(1), Ok(Plan::Move(two))),
            (Some(2), Some(2), Ok(Plan::Nothing)),
            (None, Some(1), Err("shop-api has no such version")),
            (Some(2), None, Err("shop-api has no such alias")),
        ] {
            let decided = plan(&observed(wanted, serves)).map_err(|refusal| refusal.reason);
            assert_eq!(decided, expected.map_err(str::to_owned), "{wanted:?} {serves:?}");
        }
    }
}
