//! What the figures are of records that are known.

use serde_json::json;

use super::*;
use crate::github::Status;
use crate::insight::branch::tests::{branch, sha};
use crate::insight::releases::releases;
use crate::insight::releases::tests::{entry, minute, statuses};
use crate::record::Entry;

const HOUR: i64 = 60;

fn window() -> Window {
    Window { since: minute(-1), now: minute(14 * 24 * HOUR) }
}

fn figures(records: &[(Entry, Vec<Status>)], branch: Option<&Branch>) -> Figures {
    let all = records.iter().map(|(entry, statuses)| ("prd", entry, statuses.as_slice()));
    Figures::of(&releases(all, window().now), branch, window())
}

/// A deployment of its own run, made in this minute, that ended a minute later.
fn ended(made: i64, state: &str) -> (Entry, Vec<Status>) {
    let words = if state == "error" { "da1 swap-alias#1 error x" } else { "" };
    (entry(made, u64::try_from(made).unwrap() + 1, &json!({})), statuses(&[(made + 1, state, words)]))
}

fn shown(figures: &Figures, name: &str) -> (String, usize) {
    let figure = figures.get(name).unwrap();
    (figure.shown(), figure.n)
}

#[test]
fn without_deployments_nothing_is_known() {
    let all = figures(&[], Some(&branch(&[])));
    assert_eq!(all.deployments, 0);
    for figure in &all.figures {
        assert_eq!((figure.shown().as_str(), figure.output().as_str(), figure.n), ("n/a", "n/a", 0), "{}", figure.name);
    }
}

/// F03.
#[test]
fn failures_in_a_row_are_recovered_from_once() {
    let all = figures(&[ended(0, "failure"), ended(10, "failure"), ended(30, "success")], None);
    assert_eq!(shown(&all, "success-rate"), ("33.3%".to_owned(), 3));
    assert_eq!(shown(&all, "change-fail-rate"), ("66.7%".to_owned(), 3));
    assert_eq!(shown(&all, "recovery-median"), ("31m00s".to_owned(), 1));
    assert_eq!(all.get("deployment-frequency").unwrap().weeks, [Some(1.0), Some(0.0)]);
}

/// F08: an abandoned one is no failure, and what ended without a judgement does not count for changes that fail.
#[test]
fn what_nobody_judged_is_no_failed_change() {
    let (gone, _) = ended(5, "success");
    let all = figures(&[ended(0, "error"), (gone, Vec::new()), ended(10, "success")], None);
    assert_eq!(shown(&all, "change-fail-rate"), ("0%".to_owned(), 1));
    assert_eq!(shown(&all, "success-rate"), ("50%".to_owned(), 2));
    assert!(all.get("success-rate").unwrap().note.as_ref().unwrap().contains("1 abandoned"));
}

/// F04, and ME03: none known is not none.
#[test]
fn a_rollback_is_known_by_its_record_or_by_an_older_commit() {
    let at = |made, commit| {
        let (_, said) = ended(made, "success");
        (entry(made, u64::try_from(made).unwrap() + 1, &json!({"commit": sha(commit).to_string()})), said)
    };
    let line = branch(&[('c', &['b']), ('b', &['a']), ('a', &[])]);
    assert_eq!(shown(&figures(&[at(0, 'a'), at(10, 'b')], Some(&line)), "rollback-rate"), ("n/a".to_owned(), 2));
    assert_eq!(shown(&figures(&[at(0, 'b'), at(10, 'a')], Some(&line)), "rollback-rate"), ("50%".to_owned(), 2));
    let back = (entry(20, 9, &json!({"kind": "rollback"})), statuses(&[(21, "success", "")]));
    assert_eq!(shown(&figures(&[at(0, 'a'), at(10, 'b'), back], None), "rollback-rate"), ("50%".to_owned(), 2));
}

/// F11.
#[test]
fn times_are_the_median_and_those_that_clocks_spoil_are_told() {
    let took = |made: i64, minutes: i64| {
        (entry(made, u64::try_from(made).unwrap() + 1, &json!({})), statuses(&[(made + minutes, "success", "")]))
    };
    let all = figures(&[took(10, 1), took(20, 2), took(30, 9)], None);
    assert_eq!(shown(&all, "median-duration"), ("2m00s".to_owned(), 3));
    assert_eq!(shown(&all, "p95-duration"), ("9m00s".to_owned(), 3));
    let all = figures(&[took(10, 1), took(20, 3), took(30, 9), took(40, 4), took(50, -5)], None);
    assert_eq!(shown(&all, "median-duration"), ("3m30s".to_owned(), 4));
    assert!(all.get("median-duration").unwrap().note.as_ref().unwrap().contains("clocks differ"));
}

#[test]
fn a_commit_waits_for_the_deployment_that_brings_it() {
    // The branch's commits are an hour apart, the oldest in 1970: the figure is what lies between.
    let line = branch(&[('c', &['b']), ('b', &['a']), ('a', &[])]);
    let at = |made, commit| {
        let more = json!({"commit": sha(commit).to_string()});
        (entry(made, u64::try_from(made).unwrap() + 1, &more), statuses(&[(made + 1, "success", "")]))
    };
    let all = figures(&[at(0, 'a'), at(10, 'c')], Some(&line));
    let lead = all.get("lead-time-median").unwrap();
    let ended = (minute(11) - OffsetDateTime::UNIX_EPOCH).as_seconds_f64();
    assert_eq!((lead.value, lead.n), (Some(ended - 1.5 * 3600.0), 2));
}
