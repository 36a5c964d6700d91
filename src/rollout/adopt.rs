//! `adopt`: records what another tool (Terraform, SAM, CDK, Serverless) has put there, so that promotion, detect-changes and rollback
//! know of it. Nothing is written to AWS.

use super::state::hand_over;
use crate::action::inputs::Problems;
use crate::action::inputs::common::CommonInputs;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::status_line::Figure;
use crate::record::{
    self, Concurrency, History, Kind, Mode, OnConcurrent, Previous, Record, RecordInputs, Release, Target,
};

/// What the records say of what was found.
#[derive(Debug)]
pub struct Adoption {
    /// What is recorded, each with what the newest record of its place says served before; nothing where that is not known.
    pub targets: Vec<Target>,
    /// Whether a record says already that all this serves.
    pub is_recorded: bool,
    history: History,
}

impl Adoption {
    /// What these records say of what was found.
    ///
    /// # Errors
    /// The records cannot be read.
    pub async fn of(cx: &Context, history: History, found: Vec<Target>) -> anyhow::Result<Self> {
        let mut targets = Vec::new();
        let mut is_recorded = true;
        for target in found {
            let recorded = history.serving_at(cx, &target.place).await?;
            let recorded = recorded.and_then(|entry| entry.payload.target(&target.place));
            is_recorded &= recorded.is_some_and(|recorded| recorded.leads_where(&target));
            let previous = recorded.map(|recorded| Previous {
                version: recorded.version,
                digest: recorded.digest.clone(),
                code_sha256: recorded.code_sha256.clone(),
                task_definition: recorded.task_definition.clone(),
                images: recorded.images.clone(),
                release: recorded.release.clone(),
                ..Previous::default()
            });
            targets.push(Target { previous, ..target });
        }
        Ok(Self { targets, is_recorded, history })
    }
}

/// What must hold between the inputs: a record is all that is written.
pub fn check_with(inputs: &RecordInputs, common: &CommonInputs, problems: &mut Problems) {
    problems.add_if(inputs.record == Mode::Off, "`adopt` writes nothing but the record, and `record: off` keeps none");
    problems.add_if(common.environment.is_none(), "input `environment` is required: `adopt` keeps a record in it");
}

/// Looks up what the records say of these places; `None` when another run was waited for, and everything is to be read again.
///
/// # Errors
/// Another run is at the same targets, the commit is held there, or the records cannot be read.
pub async fn look_up(cx: &Context, inputs: &RecordInputs, found: Vec<Target>) -> Step<Option<Adoption>> {
    let history = match record::look_for_others(cx, inputs, OnConcurrent::Fail, &found).await? {
        Concurrency::Waited => return Ok(None),
        Concurrency::Clear(history) => history.ok_or_else(unrecorded)?,
    };
    Ok(Some(Adoption::of(cx, history, found).await?))
}

/// Says what `adopt` leaves alone, and records what was found.
///
/// # Errors
/// No record can be kept.
pub async fn adopt(
    cx: &Context,
    inputs: &RecordInputs,
    adoption: Adoption,
    label: &str,
    named: (&str, &[Figure]),
    proof: Option<bool>,
) -> Step<Outcome> {
    cx.report.section(
        "Adopted",
        ["nothing was written to AWS: another tool deploys here. After a rollback its next apply brings this version back, unless its \
          configuration was taken back too"
            .to_owned()],
    );
    record_found(cx, inputs, adoption, label, named, proof).await?.ok_or_else(|| unrecorded().into())
}

/// Hands over what served before, and makes the record unless it is there; `None` where none can be kept. `label` says what serves; `named`
/// is the step with its figures.
///
/// # Errors
/// A record is required, or `state` would have to be cut.
pub async fn record_found(
    cx: &Context,
    inputs: &RecordInputs,
    adoption: Adoption,
    label: &str,
    (step, figures): (&str, &[Figure]),
    proof: Option<bool>,
) -> Step<Option<Outcome>> {
    let Adoption { targets, is_recorded, history } = adoption;
    hand_over(cx, targets.clone(), inputs.floor_above(Some(&history), &targets))?;
    if is_recorded {
        return Ok(Some(Outcome::skipped(format!("nothing to record: {label}, and the record says so"))));
    }
    if cx.is_dry_run() {
        cx.report.note_change();
        return Ok(Some(Outcome::pass(format!("dry run, nothing was recorded: {label}"))));
    }
    cx.confirm(&format!("record that {label}")).await?;
    let release = Release {
        kind: Kind::Deploy,
        commit: targets.iter().find_map(|target| target.commit.clone()),
        proof,
        description: step,
        undone: Vec::new(),
        history: Some(history),
    };
    let Some(record) = Record::open(cx, inputs, release, targets.clone(), &targets).await? else { return Ok(None) };
    record.succeed(cx, step, figures).await;
    Ok(Some(Outcome::pass(format!("{label}, and is recorded; nothing was written to AWS"))))
}

fn unrecorded() -> Outcome {
    Outcome::error("no record can be kept, and `adopt` does nothing else")
        .advise("allow `deployments: write` to the job, and hand over its token")
}
