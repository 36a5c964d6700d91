//! new-step: TODO what it is for, in one line.

mod apply;
mod plan;
mod report;

use schemars::JsonSchema;
use serde::Deserialize;

use self::apply::{apply, read_back};
use self::plan::{Observed, Plan, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Inputs, Problems, Span};
use crate::context::Context;
use crate::lambda::{AliasName, FunctionName, VersionRef};
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When};
use crate::record::{self, Concurrency, Kind, OnConcurrent, Record, RecordInputs, Release};
use crate::rollout::guard;

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
        cx.read_back_at_end(&self.function, self.alias.clone());
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
        report::announce(cx, &observed, to);
        if cx.is_dry_run() {
            cx.report.note_change();
            return Ok(report::not_applied(&observed, to));
        }
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
                Ok(report::done(cx, &now, to))
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
        report::nothing_to_do(observed)
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
    Ok(Observed { function: step.function.clone(), name: step.alias.clone(), wanted, alias, location })
}
