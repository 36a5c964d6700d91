//! publish-version with `adopt`: another tool put the code into `$LATEST`, which users call. It is looked at, and recorded.

use futures_util::future::try_join_all;

use super::inputs::PublishVersion;
use super::observe::{functions, observe};
use super::report;
use crate::context::Context;
use crate::lambda::{CodeId, Function, LastUpdate, Qualifier, Serving, State, serving};
use crate::outcome::{Outcome, Step};
use crate::record::{Place, Target};
use crate::rollout::adopt::{adopt, look_up};
use crate::rollout::latest::id_of;
use crate::rollout::update_code::wait_until_settled;
use crate::steps::DeployStep as _;
use crate::text::LONGEST;

/// A function, and the code that it is to hold where that was given.
struct Found {
    function: Function,
    wanted: Option<CodeId>,
}

/// Looks at what serves, and records it with what the records say served before.
pub(super) async fn run(step: &PublishVersion, cx: &Context) -> Step<Outcome> {
    let location = cx.aws().await?.location().await?;
    let (found, adoption) = loop {
        let found = observe_adopted(step, cx).await?;
        found.iter().try_for_each(check)?;
        let targets = found.iter().map(|Found { function, .. }| {
            let (place, code) = (Place::of(&location, &function.name, &Qualifier::Latest), id_of(function)?);
            Ok(Target { commit: cx.commit(), ..Target::new(place, None, Some(&code)) })
        });
        if let Some(adoption) = look_up(cx, &step.record, targets.collect::<Step<_>>()?).await? {
            break (found, adoption);
        }
    };
    let all: Vec<Function> = found.into_iter().map(|found| found.function).collect();
    report::set_code(cx, all.iter(), all.len());
    cx.report.serving(serving::line(all.iter().map(|one| Serving::latest(one, None))));
    let label = all.iter().map(|one| Ok(format!("{} holds {}", one.name, id_of(one)?.label())));
    let label = label.collect::<Step<Vec<_>>>()?.join("; ");
    adopt(cx, &step.record, adoption, &label, (PublishVersion::NAME, PublishVersion::FIGURES), None).await
}

async fn observe_adopted(step: &PublishVersion, cx: &Context) -> Step<Vec<Found>> {
    if step.image.is_some() || step.zip.is_some() {
        let observed = observe(step, cx).await?.into_iter();
        return Ok(observed.map(|one| Found { function: one.function, wanted: Some(one.id) }).collect());
    }
    let lambda = &cx.lambda().await?;
    let read = functions(step, cx).await?;
    let settled = try_join_all(read.iter().map(|function| wait_until_settled(cx, lambda, &function.name))).await?;
    Ok(settled.into_iter().map(|function| Found { function, wanted: None }).collect())
}

/// What was put there must be in use, and what was meant.
fn check(found: &Found) -> Result<(), Outcome> {
    let Found { function, wanted } = found;
    let name = &function.name;
    if let LastUpdate::Failed(why) = &function.last_update {
        let why = why.for_message(LONGEST);
        return Err(Outcome::fail(format!("the last update of {name} failed, and is not in use: {why}"))
            .advise("have the tool that deploys put it right, and run this step after it"));
    }
    if let State::Failed(_) | State::NotInvocable = function.state {
        return Err(Outcome::fail(format!("function {name} is {}", function.state))
            .advise("have the tool that deploys put it right"));
    }
    match wanted.as_ref().filter(|wanted| !wanted.is_in(function)) {
        None => Ok(()),
        Some(wanted) => Err(Outcome::fail(format!(
            "function {name} does not hold {}: with `adopt` nothing is put there",
            wanted.label()
        ))
        .advise("run this step when the other tool is done, with what it deployed; without `image` and `zip` it takes what is there")),
    }
}
