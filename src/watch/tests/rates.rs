//! Error rates and latency.

use std::time::Duration;

use super::script::*;
use crate::aws::Kind;
use crate::aws::cloudwatch::{Metric, SeriesStatus};
use crate::outcome::Verdict;
use crate::watch::statistics::Rule;
use crate::watch::{Check, Latency, LatencyLimit, Rate, RateRules, Watch};

#[tokio::test(start_paused = true)]
async fn a01_no_point_of_errors_beside_invocations_is_a_rate_of_0() {
    let script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Pass, "0 of 120 requests failed (0%): proved");
}

#[tokio::test(start_paused = true)]
async fn a02_no_invocation_is_inconclusive_and_no_pass() {
    let watched = Script::new().run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Inconclusive, "no requests");
}

#[tokio::test(start_paused = true)]
async fn a03_one_error_of_ten_is_inconclusive() {
    let script = Script::new().traffic(&rate(), &[(2, 0), (2, 1), (2, 0), (2, 0), (2, 0)], 90);
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Inconclusive, "1 of 10 requests failed (10%): too few");
}

#[tokio::test(start_paused = true)]
async fn a04_three_errors_of_ten_fail() {
    let script = Script::new().traffic(&rate(), &[(10, 3)], 90);
    let watched = script.run(&of_rate(1, rate())).await;
    assert_says(&watched, Verdict::Fail, "3 of 10 requests failed (30%)");
    assert!(watched.rolls_back());
    assert_eq!(watched.rate.unwrap().0.errors(), 3);
}

#[tokio::test(start_paused = true)]
async fn a05_59_requests_without_an_error_prove_it() {
    let script = Script::new().traffic(&rate(), &[(59, 0)], 90);
    assert_says(&script.run(&of_rate(5, rate())).await, Verdict::Pass, "proved");
    let script = Script::new().traffic(&rate(), &[(58, 0)], 90);
    assert_says(&script.run(&of_rate(5, rate())).await, Verdict::Pass, "not proved");
}

#[tokio::test(start_paused = true)]
async fn a06_points_that_come_150_seconds_late_are_counted() {
    let script = Script::new().traffic(&rate(), &[(20, 10)], 210);
    let watched = script.run(&of_rate(1, rate())).await;
    assert_says(&watched, Verdict::Fail, "10 of 20");
}

#[tokio::test(start_paused = true)]
async fn a07_errors_of_the_old_version_in_the_first_minute_do_not_count() {
    let mut script = Script::new().traffic(&rate(), &[(100, 0); 5], 90);
    script.since += Duration::from_secs(40);
    script.add(&metric("Invocations", 41), &metric("Errors", 41), &[(50, 50)], 90, 0);
    let unversioned = |name| Metric { dimensions: vec![("FunctionName", "api".to_owned())], ..metric(name, 42) };
    script.add(&unversioned("Invocations"), &unversioned("Errors"), &[(150, 50)], 90, 0);
    let mut plan = of_rate(5, rate());
    plan.since = script.since;
    let watched = script.run(&plan).await;
    assert_eq!(watched.verdict(), Verdict::Pass, "{watched:?}");
    let of_version = |metric: &Metric| metric.dimensions.contains(&("ExecutedVersion", "42".to_owned()));
    assert!(script.queried.borrow().iter().all(of_version));
}

#[tokio::test(start_paused = true)]
async fn a07_a_metric_without_versions_begins_with_the_first_whole_minute() {
    let of = |name| Metric { namespace: "AWS/ApiGateway", name, dimensions: Vec::new(), statistic: "Sum".to_owned() };
    let rate = Rate { requests: of("Count"), errors: of("5XXError"), per_version: false, ..rate() };
    let mut script = Script::new();
    script.since += Duration::from_secs(30);
    script.add(&rate.requests, &rate.errors, &[(50, 50)], 90, -30);
    script.add(&rate.requests, &rate.errors, &[(60, 0); 5], 90, 30);
    let plan = Watch { since: script.since, ..of_rate(5, rate) };
    assert_says(&script.run(&plan).await, Verdict::Pass, "0 of 300");
}

#[tokio::test(start_paused = true)]
async fn a08_partial_data_is_read_again_and_makes_one_verdict() {
    let script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    script.statuses.borrow_mut().extend([SeriesStatus::PartialData; 20]);
    assert_says(&script.run(&of_rate(5, rate())).await, Verdict::Pass, "0 of 120");
    let script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    script.statuses.borrow_mut().extend([SeriesStatus::PartialData; 1000]);
    assert_says(&script.run(&of_rate(5, rate())).await, Verdict::Error, "CloudWatch answered PartialData");
}

#[tokio::test(start_paused = true)]
async fn a08_forbidden_is_an_error_that_names_the_permission_and_no_rollback() {
    let script = Script::new().traffic(&rate(), &[(24, 24); 5], 90);
    script.statuses.borrow_mut().extend([SeriesStatus::Forbidden]);
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Error, "Forbidden");
    assert!(found(&watched, Check::ErrorRate).advice.as_ref().unwrap().contains("cloudwatch:GetMetricData"));
    assert!(!watched.rolls_back());
}

#[tokio::test(start_paused = true)]
async fn a09_of_two_versions_behind_the_alias_only_ours_is_judged_and_both_are_shown() {
    let mut both = compared(false);
    both.previous.as_mut().unwrap().is_compared = false;
    let mut script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    script.add(&metric("Invocations", 41), &metric("Errors", 41), &[(20, 20); 5], 90, 0);
    script.aliases = vec![(0, Some(alias(42, &[(41, 0.5)])))];
    let mut plan = of_rate(5, both);
    plan.functions[0].alias = alias(42, &[(41, 0.5)]);
    let watched = script.run(&plan).await;
    assert_says(&watched, Verdict::Pass, "the previous version in the same minutes: 100 of 100");
}

#[tokio::test(start_paused = true)]
async fn a28_throttling_changes_no_verdict() {
    let script = Script::new().traffic(&rate(), &[(24, 0); 5], 90);
    for of in ["metrics", "alias"] {
        script.faults.borrow_mut().insert(of, throttled(5));
    }
    assert_says(&script.run(&of_rate(5, rate())).await, Verdict::Pass, "0 of 120");
}

#[tokio::test(start_paused = true)]
async fn a31_credentials_that_expire_are_an_error_and_no_failure() {
    let script = Script::new().traffic(&rate(), &[(24, 24); 5], 90);
    script.faults.borrow_mut().insert("metrics", [error(Kind::Credentials, "ExpiredToken")].into());
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Error, "ExpiredToken");
    assert!(found(&watched, Check::ErrorRate).advice.as_ref().unwrap().contains("role-to-assume"));
}

#[tokio::test(start_paused = true)]
async fn mo02_a_window_of_30_minutes_is_looked_at_five_times() {
    let script = Script::new().traffic(&rate(), &[(60, 2); 30], 90);
    let watched = script.run(&of_rate(30, rate())).await;
    assert_eq!(watched.evidence[0]["looks"].as_array().unwrap().len(), 5);
    assert_eq!(watched.verdict(), Verdict::Pass);
    assert!(watched.evidence[0]["alpha"].as_str().unwrap().contains("5 looks"));
}

#[tokio::test(start_paused = true)]
async fn mo05_both_versions_bad_is_inconclusive_and_no_rollback() {
    for is_before in [false, true] {
        let mut script = Script::new().traffic(&rate(), &[(20, 6); 5], 90);
        let first = if is_before { -300 } else { 0 };
        script.add(&metric("Invocations", 41), &metric("Errors", 41), &[(20, 6); 5], 90, first);
        let watched = script.run(&of_rate(5, compared(is_before))).await;
        assert_says(&watched, Verdict::Inconclusive, "it is not this release");
        assert!(!watched.rolls_back());
    }
}

#[tokio::test(start_paused = true)]
async fn mo06_only_the_new_version_bad_fails() {
    let mut script = Script::new().traffic(&rate(), &[(20, 6); 5], 90);
    script.add(&metric("Invocations", 41), &metric("Errors", 41), &[(20, 0); 5], 90, 0);
    let watched = script.run(&of_rate(5, compared(false))).await;
    assert_says(&watched, Verdict::Fail, "the previous version in the same minutes: 0 of");
    assert!(watched.is_early && watched.rolls_back());
}

#[tokio::test(start_paused = true)]
async fn mo14_points_that_come_after_a_look_are_told_and_reverse_nothing() {
    let mut script = Script::new().traffic(&rate(), &[(100, 0); 10], 90);
    script.points.push((metric("Errors", 42), 60, 30.0, 520));
    let watched = script.run(&of_rate(10, rate())).await;
    let looks = watched.evidence[0]["looks"].as_array().unwrap();
    assert_eq!((&looks[0]["errors"], &looks[0]["decision"]), (&0.into(), &"NotYet".into()));
    assert!(watched.evidence[0]["late"].as_str().unwrap().contains("what was decided stays"), "{watched:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_decided_before_the_window_ends() {
    let script = Script::new().traffic(&rate(), &[(60, 30); 5], 90);
    let watched = script.run(&of_rate(5, rate())).await;
    assert_says(&watched, Verdict::Fail, "30 of 60");
    assert!(watched.is_early);
}

#[tokio::test(start_paused = true)]
async fn what_fails_and_what_rolls_back_are_two_limits() {
    let with = |rollback_above: f64| {
        let mut plan = of_rate(5, rate());
        let rules = plan.rates[0].1;
        plan.rates[0].1 = RateRules { rule: Rule { threshold: 0.0, ..rules.rule }, rollback_above, ..rules };
        plan.goes_on_to_roll_back = true;
        plan
    };
    let one = Script::new().traffic(&rate(), &[(60, 1), (60, 0), (60, 0), (60, 0), (60, 0)], 90);
    let watched = one.run(&with(0.05)).await;
    assert_eq!((watched.verdict(), watched.rolls_back(), watched.is_early), (Verdict::Fail, false, false));
    let many = Script::new().traffic(&rate(), &[(60, 1), (60, 1), (60, 30), (60, 30), (60, 30)], 90);
    let watched = many.run(&with(0.05)).await;
    assert_eq!((watched.verdict(), watched.rolls_back(), watched.is_early), (Verdict::Fail, true, true));
}

fn p95(of: u32) -> Metric {
    Metric { statistic: "p95".to_owned(), ..metric("Duration", of) }
}

fn latency(limit: LatencyLimit) -> Watch {
    let previous = Some((p95(41), true));
    let name = "p95 of api:live, version 42".to_owned();
    Watch { latencies: vec![Latency { name, metric: p95(42), unit: 1.0, limit, previous }], ..nothing(6) }
}

#[tokio::test(start_paused = true)]
async fn three_settled_minutes_in_a_row_above_the_limit_fail() {
    let table = [
        ([900.0, 900.0, 100.0, 900.0, 900.0, 100.0], Verdict::Pass),
        ([100.0, 900.0, 900.0, 900.0, 100.0, 100.0], Verdict::Fail),
    ];
    for limit in [LatencyLimit::Absolute(Duration::from_millis(500)), LatencyLimit::Above(0.2)] {
        for (minutes, verdict) in table {
            let mut script = Script::new();
            for (place, value) in (0_i64..).zip(minutes) {
                script.points.push((p95(42), place * 60, value, u64::try_from(place).unwrap() * 60 + 90));
                script.points.push((p95(41), -360 + place * 60, 100.0, 0));
            }
            let watched = script.run(&latency(limit)).await;
            assert_says(&watched, verdict, "ms by the minute");
        }
    }
    let nothing_before = Script::new().run(&latency(LatencyLimit::Above(0.2))).await;
    assert_says(&nothing_before, Verdict::Inconclusive, "nothing of the previous version");
}
