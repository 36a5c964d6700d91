//! Alarms.

use time::OffsetDateTime;

use super::script::*;
use crate::aws::cloudwatch::{Alarm, AlarmKind, AlarmState, Evaluation};
use crate::outcome::Verdict;
use crate::watch::{Check, PreRed, Watch};

fn script(alarms: &[(u64, Alarm)]) -> Script {
    let mut script = Script::new();
    script.alarms = alarms.to_vec();
    script
}

fn watched() -> Watch {
    of_alarms(5, &["errors"])
}

#[tokio::test(start_paused = true)]
async fn a19_a_composite_alarm_is_found_and_one_that_is_not_there_is_an_error_at_once() {
    let composite = Alarm { kind: AlarmKind::Composite, ..alarm("errors", AlarmState::Alarm, 60) };
    let found = script(&[(0, alarm("errors", AlarmState::Ok, -60)), (60, composite)]).run(&watched()).await;
    assert_says(&found, Verdict::Fail, "composite alarm errors: ALARM since 10:01:00 UTC");
    let missing = script(&[(0, alarm("errors", AlarmState::Ok, -60))]);
    let seen = missing.run(&of_alarms(5, &["errors", "Latency"])).await;
    assert_says(&seen, Verdict::Error, "alarm Latency does not exist");
    assert!(seen.is_early && missing.now_is_before(5));
}

#[tokio::test(start_paused = true)]
async fn a20_an_alarm_that_was_red_before_is_reported_and_one_that_turns_red_fails() {
    let red = script(&[(0, alarm("errors", AlarmState::Alarm, -600))]).run(&watched()).await;
    assert_says(&red, Verdict::Skipped, "was red before the release and stayed red");
    let turns = script(&[(0, alarm("errors", AlarmState::Ok, -600)), (100, alarm("errors", AlarmState::Alarm, 95))]);
    let turns = turns.run(&watched()).await;
    assert_says(&turns, Verdict::Fail, "ALARM since 10:01:35 UTC: Threshold Crossed");
    assert!(turns.is_early && turns.rolls_back());
    let strict = Watch { pre_red: PreRed::Fail, ..watched() };
    let red = script(&[(0, alarm("errors", AlarmState::Alarm, -600))]).run(&strict).await;
    assert_says(&red, Verdict::Fail, "ALARM already before the release");
}

#[tokio::test(start_paused = true)]
async fn a20_a_red_alarm_that_recovers_and_turns_red_again_fails() {
    let again = script(&[
        (0, alarm("errors", AlarmState::Alarm, -600)),
        (60, alarm("errors", AlarmState::Ok, 55)),
        (120, alarm("errors", AlarmState::Alarm, 115)),
    ]);
    assert_says(&again.run(&watched()).await, Verdict::Fail, "ALARM since 10:01:55 UTC");
    // Turned red between the release and the first look.
    let at_once = script(&[(0, alarm("errors", AlarmState::Alarm, 2))]).run(&watched()).await;
    assert_says(&at_once, Verdict::Fail, "ALARM since 10:00:02 UTC");
}

#[tokio::test(start_paused = true)]
async fn a21_no_data_through_the_whole_window_is_inconclusive() {
    let none = script(&[(0, alarm("errors", AlarmState::InsufficientData, -600))]).run(&watched()).await;
    assert_says(&none, Verdict::Inconclusive, "INSUFFICIENT_DATA through the whole window");
    let seldom =
        script(&[(0, alarm("errors", AlarmState::Ok, -600)), (60, alarm("errors", AlarmState::InsufficientData, 55))]);
    assert_says(&seldom.run(&watched()).await, Verdict::Pass, "INSUFFICIENT_DATA");
}

#[tokio::test(start_paused = true)]
async fn mo09_an_alarm_that_was_changed_in_the_window_is_inconclusive() {
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(SINCE + seconds).ok();
    let changed = Alarm { configured: at(60), warms_up: true, ..alarm("errors", AlarmState::InsufficientData, 60) };
    let seen = script(&[(0, alarm("errors", AlarmState::Ok, -600)), (60, changed.clone())]).run(&watched()).await;
    assert_says(&seen, Verdict::Inconclusive, "its setting was changed at 10:01:00 UTC");
    let red = Alarm { state: AlarmState::Alarm, transitioned: at(90), ..changed };
    let seen = script(&[(0, alarm("errors", AlarmState::Ok, -600)), (60, red)]).run(&watched()).await;
    assert_eq!(seen.verdict(), Verdict::Inconclusive);
}

#[tokio::test(start_paused = true)]
async fn mo10_a_muted_alarm_still_fails_and_the_mute_is_told() {
    let mut script =
        script(&[(0, alarm("errors", AlarmState::Ok, -600)), (60, alarm("errors", AlarmState::Alarm, 60))]);
    script.mutes = vec!["night-work".to_owned()];
    assert_says(&script.run(&watched()).await, Verdict::Fail, "it is muted by night-work");
}

#[tokio::test(start_paused = true)]
async fn mo11_contributors_of_a_log_alarm_are_named() {
    let red = Alarm { kind: AlarmKind::Log, ..alarm("errors", AlarmState::Alarm, 60) };
    let mut script = script(&[(60, red.clone()), (0, alarm("errors", AlarmState::Ok, -600)), (60, red)]);
    script.alarms.remove(0);
    script.contributors = vec!["route=/cart".to_owned(), "route=/pay".to_owned()];
    assert_says(&script.run(&watched()).await, Verdict::Fail, "by route=/cart; route=/pay");
}

#[tokio::test(start_paused = true)]
async fn mo12_an_update_without_a_transition_is_none() {
    // The time of the update is not even read: only the state's own transition is.
    let partial = Alarm { evaluation: Some(Evaluation::Partial), ..alarm("errors", AlarmState::Alarm, -600) };
    let script = script(&[(0, alarm("errors", AlarmState::Alarm, -600)), (60, partial)]);
    let seen = script.run(&watched()).await;
    assert_eq!(found(&seen, Check::Alarms).verdict, Verdict::Skipped);
}

#[tokio::test(start_paused = true)]
async fn an_alarm_that_is_not_evaluated_is_inconclusive() {
    for evaluation in [Evaluation::Partial, Evaluation::Error, Evaluation::Failure] {
        let bad = Alarm { evaluation: Some(evaluation), ..alarm("errors", AlarmState::Ok, -600) };
        assert_says(&script(&[(0, bad)]).run(&watched()).await, Verdict::Inconclusive, evaluation.word());
    }
}

#[tokio::test(start_paused = true)]
async fn a28_throttled_reads_of_alarms_change_no_verdict() {
    let script = script(&[(0, alarm("errors", AlarmState::Ok, -600))]);
    script.faults.borrow_mut().insert("alarms", throttled(5));
    assert_says(&script.run(&watched()).await, Verdict::Pass, "OK");
}
