//! The bounds of the error rate's judgement, by exact computation. What is computed with are the limits of [`Gate`] itself.

use super::{ANYTIME, EXACT, at_least, division};
use crate::watch::statistics::{Division, Gate, Outcome, Rule, Statistic};

/// How requests come over five looks: in parts of twentieths.
const SHAPES: [[u64; 5]; 6] =
    [[4, 4, 4, 4, 4], [20, 0, 0, 0, 0], [0, 0, 0, 0, 20], [10, 5, 3, 1, 1], [1, 1, 3, 5, 10], [0, 10, 0, 10, 0]];

fn shaped(requests: u64, shape: [u64; 5]) -> Vec<u64> {
    let mut twentieths = 0;
    let mut seen = 0;
    let arriving = |part: u64| {
        twentieths += part;
        let now = requests * twentieths / 20 - seen;
        seen += now;
        now
    };
    shape.into_iter().map(arriving).collect()
}

/// How often a step fails in which this many gates see the same.
fn step(rule: Rule, division: Division, arriving: &[u64], rate: f64) -> f64 {
    let judged = division.gates * division.functions * division.sources;
    let fails = Outcome::of(rule, division, arriving, rate).fail;
    1.0 - (1.0 - fails).powi(i32::try_from(judged).unwrap())
}

/// A bound of it that costs nothing for any traffic: the probabilities of all looks of all gates, added up.
fn union(division: Division, arriving: &[u64], rate: f64) -> f64 {
    let mut gate = Gate::new(EXACT, division);
    let mut seen = 0;
    let mut sum = 0.0;
    for requests in arriving {
        seen += requests;
        if let Some(errors) = gate.next_limit(seen).fails_from {
            sum += at_least(seen, errors, rate);
        }
    }
    sum * f64::from(division.gates * division.functions * division.sources)
}

#[test]
fn a_release_exactly_at_the_threshold_is_failed_in_at_most_alpha() {
    for gates in 1..=5 {
        for requests in [5, 10, 20, 30, 60, 100, 200, 500, 1000] {
            for shape in SHAPES {
                let fails = step(EXACT, division(gates), &shaped(requests, shape), 0.05);
                assert!(fails <= 0.05, "{gates} gates, {requests} requests as {shape:?}: {fails}");
            }
        }
    }
}

#[test]
fn functions_and_sources_share_alpha_like_gates() {
    let divided = Division { functions: 3, sources: 2, ..division(2) };
    for requests in [20, 60, 200] {
        let fails = step(EXACT, divided, &shaped(requests, SHAPES[0]), 0.05);
        assert!(fails <= 0.05, "{requests} requests: {fails}");
    }
}

/// At any traffic, any number of looks, any threshold: the sum of all looks' probabilities is the proof.
#[test]
fn the_probabilities_of_all_looks_add_up_to_no_more_than_alpha() {
    for gates in 1..=5 {
        for requests in [1, 2, 7, 34, 61, 999, 10_000, 1_000_000] {
            for shape in SHAPES {
                let bound = union(division(gates), &shaped(requests, shape), 0.05);
                assert!(bound <= 0.05, "{gates} gates, {requests} requests as {shape:?}: {bound}");
            }
        }
    }
    for looks in 1..=30 {
        let arriving = vec![2; usize::try_from(looks).unwrap()];
        let bound = union(Division { looks, ..division(1) }, &arriving, 0.05); // MO01
        assert!(bound <= 0.05, "{looks} looks: {bound}");
    }
    for threshold in [0.001, 0.01, 0.2] {
        let rule = Rule { threshold, ..EXACT };
        for requests in [20, 200] {
            let fails = step(rule, division(2), &shaped(requests, SHAPES[0]), threshold);
            assert!(fails <= 0.05, "{threshold}, {requests} requests: {fails}");
        }
    }
}

#[test]
fn a_healthy_release_is_failed_in_less_than_one_percent_at_any_traffic() {
    let traffic = (1..=150).chain([200, 300, 500, 1000, 10_000, 1_000_000, 10_000_000]);
    for requests in traffic {
        for gates in [1, 2, 3, 5] {
            for shape in SHAPES {
                let bound = union(division(gates), &shaped(requests, shape), 0.01);
                assert!(bound < 0.01, "{gates} gates, {requests} requests as {shape:?}: {bound}");
            }
        }
    }
}

#[test]
fn a_release_with_a_quarter_of_errors_is_caught_within_the_promised_requests() {
    for (gates, requests) in [(1, 60), (2, 65), (3, 70), (5, 75)] {
        for shape in SHAPES {
            let fails = Outcome::of(EXACT, division(gates), &shaped(requests, shape), 0.25).fail;
            assert!(fails > 0.99, "{gates} gates, {requests} requests as {shape:?}: {fails}");
        }
    }
}

/// Why there are few looks, and what four gates more cost.
#[test]
fn more_looks_or_more_gates_need_more_requests() {
    let ten_looks = Outcome::of(EXACT, Division { looks: 10, ..division(1) }, &[6; 10], 0.25).fail;
    assert!(ten_looks < 0.99, "{ten_looks}");
    let five_gates = Outcome::of(EXACT, division(5), &[12; 5], 0.25).fail;
    assert!(five_gates < 0.99, "{five_gates}");
}

#[test]
fn the_three_shares_of_an_outcome_add_up_to_one() {
    for statistic in [Statistic::Exact, Statistic::Anytime, Statistic::Naive] {
        for rate in [0.0, 0.01, 0.05, 0.5, 1.0] {
            let outcome = Outcome::of(Rule { statistic, ..EXACT }, division(1), &[12; 5], rate);
            let sum = outcome.fail + outcome.pass + outcome.inconclusive;
            assert!((sum - 1.0).abs() < 1e-9 && outcome.time_to_fail <= 1.0, "{statistic:?} at {rate}: {outcome:?}");
        }
    }
}

#[test]
fn anytime_keeps_alpha_with_a_look_every_minute() {
    for (gates, minutes, a_minute) in [(1, 30, 2), (1, 30, 20), (3, 60, 4)] {
        let divided = Division { looks: minutes, ..division(gates) };
        let arriving = vec![a_minute; usize::try_from(minutes).unwrap()];
        let fails = step(ANYTIME, divided, &arriving, 0.05);
        assert!(fails > 0.0 && fails <= 0.05, "{gates} gates, {minutes} minutes: {fails}");
    }
    let caught = Outcome::of(ANYTIME, Division { looks: 30, ..division(1) }, &[4; 30], 0.25).fail;
    assert!(caught > 0.99, "{caught}");
}
