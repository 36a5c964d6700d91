//! swap-alias: moves an alias to a published version.

mod plan;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::plan::{Asked, Change, Observed};
use super::common::Common;
use super::moving::{Moved, by_hand, move_alias};
use super::proof::Proof;
use super::state::Captured;
use super::targets::{ExpectedCurrent, VersionTargets, lines};
use super::{Outcome, Output, Step, guard};
use crate::action::inputs::{CommitSha, Flag, Inputs, Problems, Span, input_value};
use crate::context::Context;
use crate::explain::{explain, told};
use crate::github::Ancestry;
use crate::lambda::{Alias, AliasName, Function, FunctionVersion, Lambda, Serving, serving};
use crate::record::{self, Kind, Previous, Record, RecordInputs, Release, Target};
use crate::verdict::Verdict;

/// Putting things back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_secs(60);

/// How the traffic moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strategy;

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all-at-once" => Ok(Self),
            _ => Err("must be `all-at-once`: canary and linear are not in this release".to_owned()),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("all-at-once")
    }
}

input_value!(Strategy, "`all-at-once`", "all-at-once");

/// What is done when a swap would leave nothing to roll back to.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnNothingToRollBackTo {
    /// It is said.
    #[default]
    Warn,
    /// The swap is refused.
    Fail,
}

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SwapAlias {
    #[serde(flatten)]
    targets: VersionTargets,
    /// The alias users call.
    #[serde(default = "AliasName::live")]
    alias: AliasName,
    /// Refuse if the alias is anywhere else than at this version.
    expected_current: Option<ExpectedCurrent>,
    /// Refuse if the version holds any other commit.
    expected_commit: Option<CommitSha>,
    /// Make the alias when there is none.
    #[serde(default)]
    create_alias: Flag,
    /// The proof that the version was smoke-tested: the output of smoke-test.
    proof: Option<Proof>,
    /// Refuse without a proof.
    #[serde(default)]
    require_proof: Flag,
    /// What to do when there would be nothing to roll back to.
    #[serde(default)]
    require_rollback_target: OnNothingToRollBackTo,
    /// How the traffic moves. In this release all at once.
    #[serde(default)]
    strategy: Strategy,
    /// Let an older commit replace a newer one.
    #[serde(default)]
    allow_downgrade: Flag,
    #[serde(flatten)]
    record: RecordInputs,
}

impl Inputs for SwapAlias {
    fn check(&self, problems: &mut Problems) {
        self.targets.check(problems);
    }
}

impl Step for SwapAlias {
    const NAME: &'static str = "swap-alias";
    const ABOUT: &'static str = "Moves an alias, and with it the users, to a published version.";
    const OUTPUTS: &'static [Output] = &[
        ("version", "The version that serves now, for one function."),
        ("previous-version", "The version that served before, for one function; empty if there was none."),
        ("versions", "The versions that serve now, `function=version` lines."),
        ("previous-versions", "The versions that served before, `function=version` lines."),
        ("state", "What was replaced, to hand to rollback, also in another job. Holds no account."),
        ("deployment-id", "The GitHub deployment that records this swap; empty when none is kept."),
        ("strategy-steps", "How many increments the traffic moved in."),
    ];
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &Common, problems: &mut Problems) {
        self.record.check_with(common, problems);
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by swap-alias: it makes the record, and gives its number as the output `deployment-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Result<Outcome> {
        let lambda = cx.lambda().await?;
        let targets = self.targets.list();
        for target in &targets {
            cx.watch(&target.function, &self.alias);
        }
        let observed = try_join_all(targets.iter().map(|target| self.observe(cx, &lambda, target))).await?;
        if let Some(refusal) = guard::named(cx, targets.iter().map(|target| &target.function)).await? {
            return Ok(refusal);
        }
        let changes = match self.plan(cx, &observed) {
            Ok(changes) => changes,
            Err(refusal) => return Ok(refusal),
        };
        self.announce(cx, &observed, &changes);
        if changes.iter().all(|change| *change == Change::Nothing) {
            self.report(cx, &observed);
            return Ok(Outcome::skipped(format!("nothing to do: {}", self.now(&observed))));
        }
        if cx.is_dry_run() {
            cx.report.changed();
            cx.report.serving(serving::line(observed.iter().filter_map(serving_of)));
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {}", planned(&observed, &changes))));
        }
        self.apply(cx, &lambda, &observed, &changes).await
    }
}

impl SwapAlias {
    async fn observe(&self, cx: &Context, lambda: &Lambda<'_>, asked: &FunctionVersion) -> Result<Observed> {
        let function = &asked.function;
        let (wanted, alias) =
            tokio::try_join!(lambda.resolve(function, &asked.version), lambda.alias(function, &self.alias))?;
        let serves = alias.as_ref().and_then(|alias| alias.version);
        let version = async |version| match version {
            Some(version) => lambda.existing(function, Some(version)).await,
            None => Ok(None),
        };
        let other = serves.filter(|version| Some(*version) != wanted);
        let (target, current) = tokio::try_join!(version(wanted), version(other))?;
        let current = if serves == wanted { target.clone() } else { current };
        let ancestry = self.ancestry(cx, target.as_ref(), current.as_ref()).await?;
        Ok(Observed { function: function.clone(), wanted, target, alias, current, ancestry })
    }

    /// Where the new commit stands to the one that serves. Asked only where the answer can forbid the swap.
    async fn ancestry(&self, cx: &Context, new: Option<&Function>, old: Option<&Function>) -> Result<Option<Ancestry>> {
        let (Some(new), Some(old)) = (new.and_then(Function::commit), old.and_then(Function::commit)) else {
            return Ok(None);
        };
        if self.allow_downgrade.0 || new == old {
            return Ok(None);
        }
        let asked = match cx.github().await {
            Ok(github) => github.ancestry(cx, &old, &new).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(ancestry) => Ok(Some(ancestry)),
            Err(error) if record::unreadable(&error) => {
                cx.report.warn(format!(
                    "whether commit {} is older than what serves could not be told: {}",
                    new.short(),
                    told(&error)
                ));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn plan(&self, cx: &Context, observed: &[Observed]) -> Result<Vec<Change>, Outcome> {
        let changes = observed.iter().map(|one| {
            let asked = Asked {
                alias: &self.alias,
                expected_current: self.expected_current.as_ref().and_then(|expected| expected.of(&one.function)),
                expected_commit: self.expected_commit.as_ref(),
                create_alias: self.create_alias.0,
                proof: self.proof.as_ref(),
                require_proof: self.require_proof.0,
                allow_downgrade: self.allow_downgrade.0,
                rollback_target_required: self.require_rollback_target == OnNothingToRollBackTo::Fail,
            };
            plan::plan(std::slice::from_ref(one), &asked).map(|mut changes| changes.swap_remove(0))
        });
        let changes: Result<Vec<Change>, Outcome> = changes.collect();
        for one in observed {
            let found = one.alias.as_ref().map_or_else(|| "no alias".to_owned(), |alias| format!("version {alias}"));
            let required = one.wanted.map_or_else(|| "a version".to_owned(), |version| format!("version {version}"));
            let verdict = if changes.is_ok() { Verdict::Pass } else { Verdict::Fail };
            cx.report.check(
                format!("{}:{} before the swap", one.function, self.alias),
                found,
                format!("to become {required}"),
                verdict,
                "lambda:GetAlias",
            );
        }
        changes
    }

    /// Says what will happen, what would be put back, and how to do that by hand.
    fn announce(&self, cx: &Context, observed: &[Observed], changes: &[Change]) {
        for (one, change) in observed.iter().zip(changes) {
            match (change, &one.alias) {
                (Change::Move(to), Some(alias)) => {
                    tracing::info!("{}: {} moves from version {alias} to {to}, {}", one.function, self.alias, self.strategy);
                    tracing::info!("  to put back by hand: {}", by_hand(alias, alias.version));
                    cx.report.section("To put back by hand", [by_hand(alias, alias.version)]);
                    if !alias.weights.is_empty() {
                        cx.report.warn(format!(
                            "alias {} of {} had routing weights left over ({alias}): a full swap clears them",
                            self.alias, one.function
                        ));
                    }
                    if alias.version.is_none() {
                        cx.report.warn(format!(
                            "alias {} of {} pointed to $LATEST: there is no version to roll back to",
                            self.alias, one.function
                        ));
                    }
                }
                (Change::Create(to), _) => {
                    tracing::info!("{}: {} is made, at version {to}", one.function, self.alias);
                    cx.report.warn(format!("alias {} of {} is new: there is nothing to roll back to", self.alias, one.function));
                }
                _ => tracing::info!("{}: {} is there already", one.function, self.alias),
            }
        }
        if self.proof.is_none() {
            cx.report.section("Proof", ["not smoke-tested by this action".to_owned()]);
        }
    }

    /// Moves all aliases or none: after a failure those already moved are put back, each by its own revision.
    async fn apply(&self, cx: &Context, lambda: &Lambda<'_>, observed: &[Observed], changes: &[Change]) -> Result<Outcome> {
        let record = Record::open(cx, &self.record, self.release(observed), self.recorded(observed, changes)).await?;
        let mut moved: Vec<(&Observed, Alias)> = Vec::new();
        let mut ended = None;
        for (one, change) in observed.iter().zip(changes) {
            match self.swap(lambda, one, change).await {
                Ok(Some(Moved::Done(alias))) => moved.push((one, alias)),
                Ok(None) => {}
                Ok(Some(Moved::Superseded(now))) => {
                    let found = now.map_or_else(|| "gone".to_owned(), |alias| format!("at version {alias}"));
                    let reason = format!(
                        "alias {} of {} was changed by somebody else between the reading and the write: it is {found}",
                        self.alias, one.function
                    );
                    ended = Some(Outcome::superseded(reason).advise("look at what serves; deploy again if this version is still wanted"));
                }
                Err(error) if cx.deadline.is_cancelled() => return Err(error),
                Err(error) => {
                    let explained = explain(&error);
                    ended = Some(Outcome { advice: explained.advice, ..Outcome::error(explained.reason) });
                }
            }
            if ended.is_some() {
                break;
            }
        }
        let Some(ended) = ended else {
            return self.done(cx, lambda, observed, &moved, record).await;
        };
        let cx = &cx.with_deadline(cx.deadline.renewed(PUTTING_BACK));
        let ended = self.put_back(cx, moved, ended).await?;
        if let Some(record) = record {
            record.fail(cx, Self::NAME, &ended.reason).await;
        }
        Ok(ended)
    }

    async fn swap(&self, lambda: &Lambda<'_>, one: &Observed, change: &Change) -> Result<Option<Moved>> {
        match (change, &one.alias) {
            (Change::Move(to), Some(alias)) => move_alias(lambda, alias, *to).await.map(Some),
            (Change::Create(to), _) => {
                let made = lambda.create_alias(&one.function, &self.alias, *to).await;
                match lambda.alias(&one.function, &self.alias).await? {
                    Some(alias) if alias.serves_only(*to) => Ok(Some(Moved::Done(alias))),
                    now => made.map(|_| Some(Moved::Superseded(now))),
                }
            }
            _ => Ok(None),
        }
    }

    async fn done(
        &self,
        cx: &Context,
        lambda: &Lambda<'_>,
        observed: &[Observed],
        moved: &[(&Observed, Alias)],
        record: Option<Record>,
    ) -> Result<Outcome> {
        for (one, alias) in moved {
            cx.report.check(
                format!("{}:{} after the swap", one.function, self.alias),
                format!("version {alias}"),
                format!("version {}", one.wanted.map(|version| version.to_string()).unwrap_or_default()),
                Verdict::Pass,
                "lambda:GetAlias",
            );
            self.provisioned(cx, lambda, one).await;
        }
        self.report(cx, observed);
        if let Some(record) = record {
            record.succeed(cx, Self::NAME, &lines(observed.iter().filter_map(version_of)).replace('\n', " ")).await;
        }
        Ok(Outcome::pass(self.now(observed)))
    }

    /// Provisioned concurrency follows the alias by itself, in minutes: that is said.
    async fn provisioned(&self, cx: &Context, lambda: &Lambda<'_>, one: &Observed) {
        if let Ok(Some(config)) = lambda.provisioned_concurrency(&one.function, &self.alias).await
            && config.status != "READY"
        {
            cx.report.warn(format!(
                "provisioned concurrency of {}:{} is {} ({} of {} ready): until it is ready, calls beyond it start cold",
                one.function, self.alias, config.status, config.available, config.requested
            ));
        }
    }

    /// Puts back what was moved before `ended` came up.
    async fn put_back(&self, cx: &Context, moved: Vec<(&Observed, Alias)>, mut ended: Outcome) -> Result<Outcome> {
        let lambda = cx.lambda().await?;
        let mut left = Vec::new();
        for (one, now) in moved.into_iter().rev() {
            let Some(before) = &one.alias else {
                left.push(format!("{} keeps its new alias {now}", one.function));
                continue;
            };
            match lambda.restore_alias(&now, before).await {
                Ok(_) => {
                    cx.report.check(
                        format!("{}:{} put back", one.function, self.alias),
                        format!("version {before}"),
                        format!("version {before}"),
                        Verdict::Pass,
                        "lambda:UpdateAlias",
                    );
                    ended.reason.push_str(&format!("; {} was put back to version {before}", one.function));
                }
                Err(error) => left.push(format!("{} could not be put back to version {before}: {}", one.function, told(&error))),
            }
            if let Some(version) = before.version {
                ended.advice.push(format!("to put back by hand: {}", by_hand(before, Some(version))));
            }
        }
        if left.is_empty() {
            return Ok(ended);
        }
        let mut bad = Outcome::bad_version_serves(format!("{}; {}", ended.reason, left.join("; ")));
        bad.advice = ended.advice;
        Ok(bad)
    }

    fn release(&self, observed: &[Observed]) -> Release<'_> {
        Release {
            kind: Kind::Deploy,
            commit: observed.iter().find_map(|one| one.target.as_ref()?.commit()),
            proof: self.proof.as_ref().map(|_| true),
            description: "swap-alias",
        }
    }

    /// What goes into the record and into `state`: where each alias goes, and what it leaves.
    fn recorded(&self, observed: &[Observed], changes: &[Change]) -> Vec<Target> {
        observed
            .iter()
            .zip(changes)
            .filter(|(_, change)| **change != Change::Nothing)
            .filter_map(|(one, _)| {
                Some(Target {
                    function: one.function.clone(),
                    alias: self.alias.clone(),
                    version: one.wanted?,
                    digest: one.target.as_ref().and_then(Function::digest).cloned(),
                    previous: one.alias.as_ref().map(|alias| Previous {
                        version: alias.version,
                        weights: alias.weights.iter().map(|(version, weight)| (version.to_string(), *weight)).collect(),
                        digest: one.current.as_ref().and_then(Function::digest).cloned(),
                    }),
                })
            })
            .collect()
    }

    /// The outputs, and what serves.
    fn report(&self, cx: &Context, observed: &[Observed]) {
        let previous = |one: &Observed| Some((one.function.clone(), one.alias.as_ref()?.version?));
        if let [one] = observed {
            cx.report.output("version", one.wanted.map(|version| version.to_string()).unwrap_or_default());
            cx.report.output("previous-version", previous(one).map(|(_, version)| version.to_string()).unwrap_or_default());
        }
        cx.report.output("versions", lines(observed.iter().filter_map(version_of)));
        cx.report.output("previous-versions", lines(observed.iter().filter_map(previous)));
        let changes: Vec<Change> = observed
            .iter()
            .map(|one| match (&one.alias, one.wanted) {
                (Some(alias), Some(wanted)) if alias.serves_only(wanted) => Change::Nothing,
                (_, Some(wanted)) => Change::Move(wanted),
                _ => Change::Nothing,
            })
            .collect();
        let state = Captured::new(record::this_run(cx), self.recorded(observed, &changes));
        cx.report.output("state", state.to_string());
        cx.report.output("strategy-steps", "1");
        cx.report.serving(serving::line(observed.iter().filter_map(|one| self.serving_now(one))));
    }

    fn serving_now(&self, one: &Observed) -> Option<Serving> {
        let target = one.target.as_ref()?;
        let now = Alias {
            function: one.function.clone(),
            name: self.alias.clone(),
            version: one.wanted,
            weights: [].into(),
            revision: crate::lambda::AliasRevision::default(),
        };
        Some(Serving::of(&now, Some(target)))
    }

    fn now(&self, observed: &[Observed]) -> String {
        let each = observed.iter().map(|one| {
            let version = one.wanted.map(|version| version.to_string()).unwrap_or_default();
            let before = match &one.alias {
                Some(alias) if one.wanted.is_some_and(|wanted| alias.serves_only(wanted)) => String::new(),
                Some(alias) => format!(", before it {alias}"),
                None => ", which is new".to_owned(),
            };
            format!("{}:{} serves version {version}{before}", one.function, self.alias)
        });
        each.collect::<Vec<_>>().join("; ")
    }
}

fn version_of(one: &Observed) -> Option<(crate::lambda::FunctionName, crate::lambda::Version)> {
    Some((one.function.clone(), one.wanted?))
}

fn serving_of(one: &Observed) -> Option<Serving> {
    Some(Serving::of(one.alias.as_ref()?, one.current.as_ref()))
}

fn planned(observed: &[Observed], changes: &[Change]) -> String {
    let each = observed.iter().zip(changes).map(|(one, change)| match (change, &one.alias) {
        (Change::Move(to), Some(alias)) => format!("{} would move from version {alias} to {to}", one.function),
        (Change::Create(to), _) => format!("{} would get an alias at version {to}", one.function),
        _ => format!("{} would stay", one.function),
    });
    each.collect::<Vec<_>>().join("; ")
}
