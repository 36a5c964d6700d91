//! The same bounds by simulation: 10,000 runs each, with a fixed seed, so that they are the same in every run.

use std::collections::HashMap;

use super::{EXACT, division};
use crate::watch::statistics::{Division, Gate, Outcome};

const RUNS: u32 = 10_000;

/// `SplitMix64` (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True once in `in_how_many` times.
    fn one_in(&mut self, in_how_many: u64) -> bool {
        self.next().is_multiple_of(in_how_many)
    }
}

/// The limits of a gate for requests that it saw, computed once for each course of them.
#[derive(Default)]
struct Limits(HashMap<Vec<u64>, Vec<u64>>);

impl Limits {
    fn of(&mut self, division: Division, seen: &[u64]) -> &[u64] {
        self.0.entry(seen.to_vec()).or_insert_with(|| {
            let mut gate = Gate::new(EXACT, division);
            seen.iter().map(|requests| gate.next_limit(*requests).fails_from.unwrap_or(u64::MAX)).collect()
        })
    }
}

/// How often a step fails whose first `bad` gates see one error in so many requests, and whose traffic wavers: of 10,000 runs.
fn share_that_fails(gates: u32, bad: u32, a_look: u64, in_how_many: u64, wavers: bool) -> f64 {
    let (mut random, mut limits) = (Random(u64::from(gates)), Limits::default());
    let mut failed = 0;
    for _ in 0..RUNS {
        let any = (0..bad).any(|_| {
            let mut seen = Vec::new();
            let mut errors = Vec::new();
            let (mut requests, mut wrong) = (0, 0);
            for _ in 0..5 {
                let now = if wavers && random.one_in(2) { a_look / 2 } else { a_look };
                requests += now;
                wrong += (0..now).map(|_| u64::from(random.one_in(in_how_many))).sum::<u64>();
                seen.push(requests);
                errors.push(wrong);
            }
            limits.of(division(gates), &seen).iter().zip(&errors).any(|(limit, errors)| errors >= limit)
        });
        failed += u32::from(any);
    }
    f64::from(failed) / f64::from(RUNS)
}

#[test]
fn mo01_at_the_threshold_at_most_alpha_of_ten_thousand_runs_fail() {
    for gates in 1..=5 {
        let failed = share_that_fails(gates, gates, 12, 20, true);
        assert!(failed > 0.0 && failed <= 0.05, "{gates} gates: {failed}");
    }
}

#[test]
fn a_healthy_release_fails_in_less_than_one_percent_of_ten_thousand_runs() {
    for (gates, a_look) in [(1, 1), (1, 4), (1, 12), (5, 2)] {
        let failed = share_that_fails(gates, gates, a_look, 100, true);
        assert!(failed < 0.01, "{gates} gates, {a_look} a look: {failed}");
    }
}

#[test]
fn a_quarter_of_errors_fails_in_more_than_99_percent_of_ten_thousand_runs() {
    for (gates, a_look) in [(1, 12), (2, 13), (3, 14), (5, 15)] {
        let failed = share_that_fails(gates, 1, a_look, 4, false);
        assert!(failed > 0.99, "{gates} gates: {failed}");
    }
}

#[test]
fn ten_thousand_runs_agree_with_the_computation() {
    for in_how_many in [4_u32, 10, 20] {
        let rate = f64::from(in_how_many).recip();
        let computed = Outcome::of(EXACT, division(1), &[12; 5], rate).fail;
        let failed = share_that_fails(1, 1, 12, u64::from(in_how_many), false);
        let deviation = (computed * (1.0 - computed) / f64::from(RUNS)).sqrt();
        assert!((failed - computed).abs() < 3.0 * deviation, "{rate}: {failed}, not {computed}");
    }
}
