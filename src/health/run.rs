//! The loop of attempts at one place. What is asked is handed in, so that the loop runs on any clock.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use anyhow::Result;

use super::expectation::{Answer, Expectation};
use super::schedule::{Schedule, shorten};
use super::values::Statuses;
use crate::calls::deadline::{Deadline, Ended};
use crate::net::failure::Class;
use crate::net::failure::Fault;
use crate::net::retry_after::retry_after;
use crate::text::human_duration;

/// One place and how it is asked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The place, as it is named in the log.
    pub(super) place: String,
    /// When it is asked.
    pub(super) schedule: Schedule,
    /// Good answers in a row that are enough.
    pub(super) threshold: u32,
    /// How long one attempt may take.
    pub(super) limit: Duration,
    /// The time kept for an attempt before the deadline.
    pub(super) kept: Duration,
    /// What an answer must be.
    pub(super) expectation: Expectation,
    /// Statuses that end the check early, and how many of them in a row.
    pub(super) hopeless: (Statuses, u32),
}

/// What asking once brought: an answer, to be judged, or none, and why.
pub(super) type Attempt = Result<Answer, Fault>;

/// Why the attempts ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is healthy.
    Healthy,
    /// All attempts were made.
    Exhausted,
    /// It failed the same way several times, and it is one that does not pass by itself.
    Hopeless,
    /// It may not be asked.
    Forbidden,
    /// There was no time for another attempt.
    Deadline,
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Why the attempts ended.
    pub(super) end: End,
    /// How many were made.
    pub(super) attempts: u32,
    /// The last answer, if the last attempt brought one.
    pub(super) answer: Option<Answer>,
    /// The version the last answer reported.
    pub(super) version: Option<String>,
    /// What was wrong with the last attempt.
    pub(super) fault: Option<Fault>,
}

impl Found {
    /// The last answer in a few words, or what was wrong with the last attempt; nothing when there was neither.
    pub(super) fn words(&self) -> String {
        match (&self.fault, &self.answer) {
            (Some(fault), _) => format!("{} ({})", fault.problem, fault.class),
            (None, Some(answer)) => in_short(answer, self.version.as_deref()),
            (None, None) => String::new(),
        }
    }
}

/// Asks until the place is healthy, or there is no use or no time in asking again.
///
/// # Errors
/// Whatever `ask` cannot go on after, and a cancellation.
pub(super) async fn attempts(
    deadline: &Deadline,
    plan: &Plan,
    mut ask: impl AsyncFnMut() -> Result<Attempt>,
) -> Result<Found> {
    let mut good = 0;
    let mut hopeless = (None, 0);
    let mut last = false;
    for number in 1.. {
        let found = attempt(deadline, plan, number, &mut ask).await?;
        let pause = if let Some(fault) = &found.fault {
            good = 0;
            let again = if fault.hopeless == hopeless.0 { hopeless.1 } else { 0 };
            hopeless = (fault.hopeless.clone(), again + 1);
            let asked = found.answer.as_ref().and_then(requested_pause);
            plan.schedule.wait_as_asked(number, asked, chance())
        } else {
            good += 1;
            hopeless = (None, 0);
            (number < plan.schedule.attempts).then_some(plan.schedule.base)
        };
        let stuck = hopeless.0.is_some() && plan.hopeless.1 > 0 && hopeless.1 >= plan.hopeless.1;
        let end = match pause {
            _ if good >= plan.threshold => Some(End::Healthy),
            _ if found.fault.as_ref().is_some_and(|fault| fault.forbidden) => Some(End::Forbidden),
            _ if stuck => Some(End::Hopeless),
            _ if last || deadline.remaining().is_zero() => Some(End::Deadline),
            None => Some(End::Exhausted),
            Some(_) => None,
        };
        let (wait, is_last) = shorten(pause.unwrap_or_default(), deadline.remaining(), plan.kept);
        last = is_last;
        say(plan, number, &found, good, end.map_or(Ok(wait), Err));
        if let Some(end) = end {
            return Ok(Found { end, ..found });
        }
        match deadline.sleep(wait).await {
            Err(Ended::Cancelled) => return Err(Ended::Cancelled.into()),
            Err(Ended::Deadline) => return Ok(Found { end: End::Deadline, ..found }),
            Ok(()) => {}
        }
    }
    Err(Ended::Deadline.into())
}

/// One attempt, within its own limit and the deadline.
async fn attempt(
    deadline: &Deadline,
    plan: &Plan,
    number: u32,
    ask: &mut impl AsyncFnMut() -> Result<Attempt>,
) -> Result<Found> {
    let found = Found { end: End::Exhausted, attempts: number, answer: None, version: None, fault: None };
    let asked = match deadline.at_most(plan.limit).read(ask()).await {
        Ok(asked) => asked?,
        Err(Ended::Cancelled) => return Err(Ended::Cancelled.into()),
        Err(Ended::Deadline) if deadline.remaining().is_zero() => {
            Err(Fault::new(Class::Timeout, "no whole answer when the deadline passed"))
        }
        Err(Ended::Deadline) => {
            Err(Fault::new(Class::Timeout, format!("no whole answer in {}", human_duration(plan.limit))))
        }
    };
    let answer = match asked {
        Ok(answer) => answer,
        Err(fault) => return Ok(Found { fault: Some(fault), ..found }),
    };
    let judged = plan.expectation.judge(&answer);
    let fault = judged.fault.map(|(class, problem)| {
        let status = answer.status.filter(|status| class == Class::Status && plan.hopeless.0.contains(*status));
        Fault { hopeless: status.map(|status| status.to_string()), ..Fault::new(class, problem) }
    });
    Ok(Found { answer: Some(answer), version: judged.version, fault, ..found })
}

/// How long the server asked to be left alone.
fn requested_pause(answer: &Answer) -> Option<Duration> {
    retry_after(answer.header("retry-after")?, answer.header("date"))
}

/// One line for each attempt.
fn say(plan: &Plan, number: u32, found: &Found, good: u32, next: Result<Duration, End>) {
    let all = plan.schedule.attempts;
    let streak = match good {
        0 => String::new(),
        _ if plan.threshold == 1 => String::new(),
        good => format!("; {good} of {} good answers in a row", plan.threshold),
    };
    let next = match next {
        Ok(wait) => format!("; next in {}", human_duration(wait)),
        Err(End::Healthy | End::Exhausted | End::Forbidden) => String::new(),
        Err(End::Hopeless) => format!("; {} consecutive times, which rarely resolves by itself", plan.hopeless.1),
        Err(End::Deadline) => "; no time for another".to_owned(),
    };
    tracing::info!("attempt {number} of {all} at {}: {}{streak}{next}", plan.place, found.words());
}

/// An answer in a few words.
pub(super) fn in_short(answer: &Answer, version: Option<&str>) -> String {
    let status = answer.status.map_or_else(|| "answered".to_owned(), |status| format!("status {status}"));
    let version = version.map(|version| format!(", version {version}")).unwrap_or_default();
    format!("{status} in {}ms{version}", answer.took.as_millis())
}

/// Anything from 0 to 1. The hasher's keys are random, which is as much chance as a wait needs.
fn chance() -> f64 {
    let random = u32::try_from(RandomState::new().build_hasher().finish() >> 32).unwrap_or_default();
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;
    use crate::health::schedule::Jitter;

    fn plan(attempts: u32) -> Plan {
        let seconds = Duration::from_secs;
        Plan {
            place: "https://shop.example.com/health".to_owned(),
            schedule: Schedule { base: seconds(1), most: seconds(60), jitter: Jitter::None, attempts },
            threshold: 1,
            limit: seconds(10),
            kept: seconds(10),
            expectation: Expectation { status: Some(Statuses::of(&[200])), ..Expectation::default() },
            hopeless: (Statuses::of(&[404]), 3),
        }
    }

    fn answer(status: u16, headers: &[(&str, &str)]) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Answer { status: Some(status), headers, ..Answer::default() }
    }

    /// Runs the loop with these answers in turn, the last for ever; when each attempt began, in seconds, and what was found.
    async fn run(plan: &Plan, timeout: u64, answers: &[Answer]) -> (Vec<u64>, Found) {
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(timeout));
        let begin = Instant::now();
        let times = RefCell::new(Vec::new());
        let found = attempts(&deadline, plan, async || {
            let mut times = times.borrow_mut();
            let turn = times.len().min(answers.len() - 1);
            times.push(begin.elapsed().as_secs());
            Ok(Ok(answers[turn].clone()))
        });
        let found = found.await.unwrap();
        (times.into_inner(), found)
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_come_after_1_2_4_8_16_32_and_then_60_seconds() {
        let (times, found) = run(&plan(15), 900, &[answer(503, &[])]).await;
        let waits: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60]);
        assert_eq!((found.end, found.attempts, *times.last().unwrap()), (End::Exhausted, 15, 543));
    }

    #[tokio::test(start_paused = true)]
    async fn five_attempts_end_after_15_seconds() {
        let (times, found) = run(&plan(5), 900, &[answer(503, &[])]).await;
        assert_eq!((times.as_slice(), found.end), ([0, 1, 3, 7, 15].as_slice(), End::Exhausted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_cuts_waits_and_no_attempt_starts_after_it() {
        let (times, found) = run(&plan(15), 20, &[answer(503, &[])]).await;
        assert_eq!((times.as_slice(), found.end), ([0, 1, 3, 7, 13].as_slice(), End::Deadline));
        let (times, found) = run(&plan(15), 20, &[answer(503, &[]), answer(503, &[("retry-after", "3600")])]).await;
        assert_eq!((times.as_slice(), found.end), ([0, 1, 10].as_slice(), End::Deadline));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_hangs_costs_its_limit() {
        let (deadline, _cancel) = Deadline::new(Duration::from_mins(15));
        let begin = Instant::now();
        let found = attempts(&deadline, &plan(3), async || std::future::pending().await).await.unwrap();
        assert_eq!(begin.elapsed(), Duration::from_secs(10 + 1 + 10 + 2 + 10));
        assert_eq!(found.fault, Some(Fault::new(Class::Timeout, "no whole answer in 10s")));
        let (deadline, _cancel) = Deadline::new(Duration::from_secs(4));
        let found = attempts(&deadline, &plan(3), async || std::future::pending().await).await.unwrap();
        assert_eq!((found.end, found.attempts), (End::Deadline, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn three_good_answers_in_a_row_are_counted_anew_after_a_bad_one() {
        let plan = Plan { threshold: 3, ..plan(15) };
        let answers = [200, 200, 503, 200].map(|status| answer(status, &[]));
        let (times, found) = run(&plan, 900, &answers).await;
        assert_eq!((found.end, found.attempts), (End::Healthy, 6));
        assert_eq!(times, [0, 1, 2, 6, 7, 8]);
    }

    #[tokio::test(start_paused = true)]
    async fn more_good_answers_than_attempts_never_come() {
        let plan = Plan { threshold: 3, ..plan(2) };
        let (_, found) = run(&plan, 900, &[answer(200, &[])]).await;
        assert_eq!((found.end, found.attempts), (End::Exhausted, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hopeless_status_ends_the_check_when_it_comes_three_times_in_a_row() {
        let (_, found) = run(&plan(15), 900, &[answer(404, &[])]).await;
        assert_eq!((found.end, found.attempts), (End::Hopeless, 3));
        let (_, found) = run(&plan(15), 900, &[answer(404, &[]), answer(200, &[])]).await;
        assert_eq!((found.end, found.attempts), (End::Healthy, 2));
        let turns = [404, 404, 503, 404, 404, 200].map(|status| answer(status, &[]));
        let (_, found) = run(&plan(15), 900, &turns).await;
        assert_eq!((found.end, found.attempts), (End::Healthy, 6));
        let never = Plan { hopeless: (Statuses::of(&[404]), 0), ..plan(5) };
        let (_, found) = run(&never, 900, &[answer(404, &[])]).await;
        assert_eq!((found.end, found.attempts), (End::Exhausted, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_kept_up_to_the_longest_wait() {
        let date = [("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT")];
        let answers = [answer(503, &[("retry-after", "3600")]), answer(503, &date), answer(200, &[])];
        let (times, _) = run(&plan(15), 900, &answers).await;
        assert_eq!(times, [0, 60, 90]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_resolves_at_the_third_attempt_is_healthy_then() {
        let (deadline, _cancel) = Deadline::new(Duration::from_mins(15));
        let (mut turn, plan) = (0, plan(15));
        let found = attempts(&deadline, &plan, async || {
            turn += 1;
            let failed = Err(Fault::new(Class::Dns, "no such name"));
            Ok(if turn < 3 { failed } else { Ok(answer(200, &[])) })
        });
        let found = found.await.unwrap();
        assert_eq!((found.end, found.attempts), (End::Healthy, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancellation_ends_the_wait() {
        let (deadline, cancel) = Deadline::new(Duration::from_mins(15));
        let plan = plan(15);
        let checking = attempts(&deadline, &plan, async || Ok(Ok(answer(503, &[]))));
        let cancelling = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            cancel.cancel();
        };
        let (found, ()) = tokio::join!(checking, cancelling);
        assert_eq!(found.unwrap_err().downcast_ref::<Ended>(), Some(&Ended::Cancelled));
    }
}
