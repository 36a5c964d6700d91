//! How long the run has taken so far, without the time in which it waited for an approval.

use anyhow::{Context as _, Result};
use futures_util::future::try_join;
use time::{Duration, OffsetDateTime};

use crate::context::Context;
use crate::github::JobTimes;
use crate::record;

/// The time from the beginning of this attempt of the run. When somebody had to approve, the time in which none of its jobs was
/// at work is not counted: GitHub tells who approved, not when. Needs `actions: read`.
pub(super) async fn so_far(cx: &Context) -> Result<std::time::Duration> {
    let github = &cx.github().await?;
    let run = record::this_run(cx).context("there is no run: `max-duration` is for a job of a workflow")?;
    let (state, approved) = try_join(github.run_if_any(run.id), github.was_approved(run.id)).await?;
    let state = state.with_context(|| format!("run {} is not known to GitHub", run.id))?;
    let began = state.began().context("GitHub does not say when the run began")?;
    let now = OffsetDateTime::now_utc();
    if !approved {
        return Ok((now - began).try_into().unwrap_or_default());
    }
    let jobs = github.jobs(run.id, run.attempt).await?;
    Ok(worked(began, now, &jobs).try_into().unwrap_or_default())
}

/// The time until the first job began, and that in which any was at work.
fn worked(began: OffsetDateTime, now: OffsetDateTime, jobs: &[JobTimes]) -> Duration {
    let mut spans: Vec<(OffsetDateTime, OffsetDateTime)> =
        jobs.iter().filter_map(|job| job.working_time(now)).collect();
    spans.sort_unstable();
    let mut counted_to = spans.first().map_or(began, |(first, _)| began.max(*first));
    let mut sum = counted_to - began;
    for (from, until) in spans {
        let from = from.max(counted_to);
        if until > from {
            sum += until - from;
            counted_to = until;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000 + minute * 60).unwrap()
    }

    fn job(from: i64, until: Option<i64>) -> JobTimes {
        let text = |minute| at(minute).format(&time::format_description::well_known::Rfc3339).unwrap();
        serde_json::from_value(serde_json::json!({
            "started_at": text(from), "completed_at": until.map(text), "conclusion": until.map(|_| "success"),
        }))
        .unwrap()
    }

    #[test]
    fn what_no_job_worked_is_not_counted() {
        let two_days = 2 * 24 * 60;
        let skipped = serde_json::json!({"started_at": "2027-01-15T08:00:00Z", "completed_at": "2027-01-19T08:00:00Z", "conclusion": "skipped"});
        let table: [(&str, Vec<JobTimes>, i64, i64); 5] = [
            ("one job, still at work", vec![job(1, None)], 6, 6),
            ("an approval of two days", vec![job(0, Some(4)), job(two_days, None)], two_days + 3, 7),
            ("jobs at once", vec![job(0, Some(4)), job(1, Some(3)), job(2, Some(6))], 9, 6),
            ("a job that was skipped", vec![job(0, Some(4)), serde_json::from_value(skipped).unwrap()], 9, 4),
            ("nothing is known", vec![], 9, 0),
        ];
        for (case, jobs, now, minutes) in table {
            assert_eq!(worked(at(0), at(now), &jobs), Duration::minutes(minutes), "{case}");
        }
    }
}
