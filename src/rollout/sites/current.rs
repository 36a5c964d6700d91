//! The end of a step where the release serves already: what users get was read again, and the record says what was found.

use super::put_back::Switched;
use super::record::{RECORDING, target};
use crate::calls::log_not_determined;
use crate::context::Context;
use crate::explain::failure;
use crate::outcome::{Outcome, Step, Stop, Verdict};
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, Kind, OnConcurrent, Record, RecordInputs, Target};
use crate::rollout::adopt::{Adoption, record_found};
use crate::rollout::state::hand_over;

/// Ends the record that an attempt of this run left open when it was killed after its last write. Where no record says that this release
/// succeeded here, as after a first publication that was judged bad and had nothing to be put back to, one does from now on. `proved` is what
/// came of reading the site where users read it. `None`: another run was waited for, and everything is to be read again.
///
/// # Errors
/// Another run is at the same site, or the commit is held; the account cannot be asked for, or `state` would have to be cut.
pub(super) async fn nothing_to_do(
    cx: &Context,
    switched: &Switched<'_>,
    proved: Step<()>,
    inputs: &RecordInputs,
    (step, figures): (&'static str, &[Figure]),
) -> Step<Option<Outcome>> {
    let Switched { site, fronts, wanted, found, .. } = switched;
    let label = format!("{site} has {}", found.marker.label());
    let end = |replaced: Vec<Target>| {
        let floor = inputs.floor_above(None, &replaced);
        hand_over(cx, replaced, floor)?;
        Ok(Some(Outcome::skipped(format!("nothing to do: {label}"))))
    };
    let later = &cx.with_deadline(cx.calls.deadline.renew(RECORDING));
    let found = match inputs.kept_in(cx) {
        Some(_) => vec![target(&cx.aws().await?.location().await?, site, fronts, wanted, None)],
        None => Vec::new(),
    };
    if let Err(stop) = proved {
        return still_bad(cx, later, stop, inputs, step, &found).await.map(Some);
    }
    if found.is_empty() {
        return end(Vec::new());
    }
    if !cx.is_dry_run() {
        let (left_open, history) = Record::left_open(later, inputs, Kind::Deploy, &found).await;
        if let Some(record) = left_open {
            record.succeed(later, step, figures).await;
            return end(record.targets().to_vec());
        }
        // Who cannot read the records cannot say that one is missing.
        let Some(history) = history else { return end(Vec::new()) };
        match Adoption::of(later, history, found.clone()).await {
            Ok(said) if !said.is_recorded => {}
            Ok(_) => return end(Vec::new()),
            Err(error) => {
                log_not_determined("whether a record says that this release succeeded", &error);
                return end(Vec::new());
            }
        }
    }
    let history = match record::look_for_others(cx, inputs, OnConcurrent::Fail, &found).await? {
        Concurrency::Waited => return Ok(None),
        Concurrency::Clear(None) => return end(Vec::new()),
        Concurrency::Clear(Some(history)) => history,
    };
    let adoption = Adoption::of(cx, history, found).await?;
    if adoption.is_recorded {
        return end(Vec::new());
    }
    let said = format!("{label} already, which no record said; users get it");
    match record_found(cx, inputs, adoption, &said, (step, figures), None).await? {
        Some(recorded) => Ok(Some(recorded)),
        None => end(Vec::new()),
    }
}

/// It was judged bad again, or nobody can tell. A record that this run left open ends with what was judged.
async fn still_bad(
    cx: &Context,
    later: &Context,
    failed: Stop,
    inputs: &RecordInputs,
    step: &'static str,
    found: &[Target],
) -> Step<Outcome> {
    let ended = failure(&cx.calls.deadline, failed)?;
    let ended = Outcome { reason: format!("{}; it was there already, and nothing was written", ended.reason), ..ended };
    if ended.ending.verdict() == Verdict::Fail && !cx.is_dry_run() && !found.is_empty() {
        let (left_open, _) = Record::left_open(later, inputs, Kind::Deploy, found).await;
        if let Some(record) = left_open {
            record.fail(later, step, &ended).await;
        }
    }
    Ok(ended)
}
