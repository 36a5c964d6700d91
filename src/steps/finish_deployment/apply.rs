//! Gives the records their last statuses, and reads them back.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;

use super::FinishDeployment;
use super::plan::{Change, Observed, Plan, Task};
use crate::calls::error_line;
use crate::calls::poll::{Look, poll_github};
use crate::context::Context;
use crate::github::Status;
use crate::record::status_line::{self, StatusLine};
use crate::record::{self, Standing};
use crate::steps::DeployStep as _;

/// A status that was answered, and that the list does not show yet, is waited for at most so long.
const LAG: Duration = Duration::from_secs(10);

/// Closes the records, and then makes those inactive that they replace. That this cannot be done is said, and changes nothing.
pub(super) async fn apply(asked: &FinishDeployment, cx: &Context, observed: &Observed, plan: &Plan) -> Result<()> {
    let github = cx.github().await?;
    let url = asked.environment_url.as_ref().map(ToString::to_string);
    let took = observed.took.map(|took| ("s".to_owned(), took.as_secs().to_string()));
    let figures: Vec<_> = record::attempt(cx).into_iter().chain(took).collect();
    let (name, key) = (FinishDeployment::NAME, &cx.key);
    let close = async |task: &Task| {
        let (line, url) = match &task.change {
            Change::Replace(_) => return Ok(()),
            Change::Succeed => (status_line::line(name, key, "pass", &figures), url.as_deref()),
            Change::Fail(_, why) => (status_line::closing(name, key, why), url.as_deref()),
            Change::End => (status_line::line(name, key, status_line::ENDED, &[]), None),
        };
        github.add_status(task.id, task.change.state(), &line, url).await?;
        cx.report.note_change();
        anyhow::Ok(())
    };
    join_all(plan.tasks.iter().map(close)).await.into_iter().collect::<Result<()>>()?;
    for task in &plan.tasks {
        if let Change::Replace(newest) = &task.change {
            record::supersede(cx, *newest, &[task.id]).await;
        }
    }
    Ok(())
}

/// What a record says once it was given its last status.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// What it was given.
    AsWritten,
    /// Something else: somebody wrote after it.
    Otherwise,
    /// Not yet what it was given.
    NotYet,
}

/// Reads back what the records say now. That it cannot be read is said: GitHub has answered that it was written.
pub(super) async fn read_back(cx: &Context, plan: &Plan) -> Result<Vec<(u64, Seen)>> {
    let cx = &cx.with_deadline(cx.calls.deadline.at_most(LAG));
    let closed = plan.tasks.iter().filter(|task| !matches!(task.change, Change::Replace(_)));
    let seen = join_all(closed.map(|task| look(cx, task))).await;
    seen.into_iter().collect()
}

async fn look(cx: &Context, task: &Task) -> Result<(u64, Seen)> {
    let github = cx.github().await?;
    let what = format!("the record of deployment {}", task.id);
    let looked = poll_github(&cx.calls.deadline, &what, async || {
        Ok(match seen(&task.change, &github.statuses(task.id).await?) {
            Seen::NotYet => Look::NotYet("its last status is not listed yet".to_owned()),
            seen => Look::Done(seen),
        })
    });
    match looked.await {
        Ok(seen) => Ok((task.id, seen)),
        Err(error) if cx.calls.deadline.is_cancelled() => Err(error),
        Err(error) => {
            tracing::info!("{}", error_line(&error));
            Ok((task.id, Seen::NotYet))
        }
    }
}

/// Compares what was written with the statuses, newest first.
fn seen(change: &Change, statuses: &[Status]) -> Seen {
    let ends = |status: &Status| StatusLine::of(status).is_some_and(|said| said.ends_the_place());
    match (change, Standing::of(statuses)) {
        (Change::End, _) if statuses.first().is_some_and(ends) => Seen::AsWritten,
        (Change::End, _) if statuses.iter().any(ends) => Seen::Otherwise,
        (Change::Succeed, Standing::Succeeded) | (Change::Fail(..), Standing::Failed) => Seen::AsWritten,
        (Change::Succeed, Standing::Failed) => Seen::Otherwise,
        _ => Seen::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github::State;

    type Case<'a> = (Change, &'a [(&'a str, &'a str)], Seen);

    #[test]
    fn what_was_written_is_found_again() {
        let fail = || Change::Fail(State::Failure, String::new());
        let ended = ("inactive", "da1 finish-deployment#3f2a1b ended");
        // Oldest first.
        let table: [Case<'_>; 9] = [
            (Change::Succeed, &[("in_progress", "")], Seen::NotYet),
            (Change::Succeed, &[("in_progress", ""), ("success", "")], Seen::AsWritten),
            (Change::Succeed, &[("success", ""), ("inactive", "")], Seen::AsWritten),
            (Change::Succeed, &[("success", ""), ("failure", "withdrawn: x")], Seen::Otherwise),
            (fail(), &[("success", "")], Seen::NotYet),
            (fail(), &[("success", ""), ("failure", "")], Seen::AsWritten),
            (Change::End, &[("success", "")], Seen::NotYet),
            (Change::End, &[("success", ""), ended], Seen::AsWritten),
            (Change::End, &[ended, ("success", "")], Seen::Otherwise),
        ];
        for (change, statuses, expected) in table {
            assert_eq!(seen(&change, &Status::newest_first(statuses)), expected, "{change:?} {statuses:?}");
        }
    }
}
