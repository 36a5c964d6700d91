//! Tables of what is decided, and the bounds: by exact computation over all courses of a watch, and by simulation.

mod bounds;
mod page;
mod plot;
mod simulation;

use super::binomial::{at_least, at_most, evidence, exactly, fisher, upper_bound};
use super::*;

/// The rule with the defaults of the inputs.
const EXACT: Rule = Rule { statistic: Statistic::Exact, threshold: 0.05, min_samples: 20 };
const ANYTIME: Rule = Rule { statistic: Statistic::Anytime, ..EXACT };
const NAIVE: Rule = Rule { statistic: Statistic::Naive, ..EXACT };

/// The default `alpha`, in five looks.
const fn division(gates: u32) -> Division {
    Division { alpha: 0.05, gates, functions: 1, sources: 1, looks: MOST_LOOKS }
}

/// A watch of five minutes in which this was counted by the end of each look. The verdict of the first that fails, else of the last.
fn watch(rule: Rule, looks: &[(u64, u64)], previous: Option<(u64, u64)>) -> Verdict {
    let looks_of = u32::try_from(looks.len()).unwrap();
    let mut gate = Gate::new(rule, Division { looks: looks_of, ..division(1) });
    let mut verdict = Verdict::NotYet;
    for (requests, errors) in looks {
        let previous = previous.map(|(requests, errors)| Sample::new(requests, errors));
        verdict = gate.look(Sample::new(*requests, *errors), previous).verdict;
        if verdict == Verdict::Fail {
            break;
        }
    }
    verdict
}

/// The same counts at the end of a minute, and after it.
fn from_minute(minute: usize, requests: u64, errors: u64) -> Vec<(u64, u64)> {
    (1..=5).map(|now| if now < minute { (0, 0) } else { (requests, errors) }).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3), "{found}, not {expected}");
}

#[test]
fn probabilities_are_those_of_the_textbooks() {
    assert_near(at_least(1, 1, 0.05), 0.05);
    assert_near(at_least(3, 2, 0.05), 0.00725);
    assert_near(at_least(10, 3, 0.05), 0.011_503_557_379_296_9);
    assert_near(at_most(59, 0, 0.05), 0.95_f64.powi(59));
    assert_near(upper_bound(59, 0, 0.05), 1.0 - 0.05_f64.powf(1.0 / 59.0));
    // Three cups of four with milk first, of which a lady names three.
    assert_near(fisher((4, 3), (4, 1)), 17.0 / 70.0);
    assert_near(fisher((10, 10), (10, 0)), 1.0 / 184_756.0);
    for (requests, errors, rate, least, most) in
        [(9, 0, 0.05, 1.0, 0.95_f64.powi(9)), (9, 9, 0.0, 0.0, 1.0), (0, 0, 0.05, 1.0, 1.0), (9, 3, 1.0, 1.0, 0.0)]
    {
        assert_near(at_least(requests, errors, rate), least);
        assert_near(at_most(requests, errors, rate), most);
    }
}

#[test]
fn a_probability_and_its_opposite_add_up_to_one() {
    for requests in [1, 15, 16, 17, 100, 1000, 1_000_000] {
        for rate in [0.001, 0.05, 0.25, 0.9] {
            for errors in [1, requests / 20, requests / 20 + 5, requests / 2, requests] {
                let errors = errors.clamp(1, requests);
                let sum = at_least(requests, errors, rate) + at_most(requests, errors - 1, rate);
                assert!((sum - 1.0).abs() < 1e-9, "{errors} of {requests} at {rate}: {sum}");
            }
        }
    }
}

#[test]
fn small_counts_agree_with_adding_up_all_terms() {
    for requests in [5, 20, 60] {
        for errors in 0..=requests {
            let all: f64 = (errors..=requests).map(|count| exactly(requests, count, 0.05)).sum();
            assert_near(at_least(requests, errors, 0.05), all);
        }
    }
}

#[test]
fn a_hundred_million_requests_are_judged_as_by_the_normal_curve() {
    // Two standard deviations above the mean: 2.275 %.
    let probability = at_least(100_000_000, 5_000_000 + 4_359, 0.05);
    assert!((probability - 0.02275).abs() < 0.0002, "{probability}");
}

#[test]
fn a_comparison_tells_worse_from_better_and_from_the_same() {
    assert_near(fisher((1000, 0), (1000, 500)), 1.0);
    assert!(fisher((100_000, 10), (100_000, 60_000)) > 0.999);
    assert!(fisher((100_000, 60_000), (100_000, 10)) < 1e-9);
    assert!(fisher((60, 18), (600, 180)) > 0.4);
    assert_near(fisher((0, 0), (5, 2)), 1.0);
    assert_near(fisher((5, 0), (0, 0)), 1.0);
}

#[test]
fn evidence_is_the_integral_of_likelihood_ratios() {
    for (requests, errors) in [(4, 2), (20, 5), (60, 9), (300, 30)] {
        let steps = 5_000_u32;
        let ratio = |rate: f64| {
            let likelihood = |rate: f64| exactly(requests, errors, rate);
            likelihood(rate) / likelihood(0.05)
        };
        let middle = |step: u32| 0.05 + 0.95 * (f64::from(step) + 0.5) / f64::from(steps);
        let integral: f64 = (0..steps).map(|step| ratio(middle(step))).sum::<f64>() / f64::from(steps);
        let found = evidence(requests, errors, 0.05);
        assert!((found / integral - 1.0).abs() < 1e-5, "{errors} of {requests}: {found}, not {integral}");
    }
    assert_near(evidence(10_000_000, 0, 0.05), 1.0);
    assert!(evidence(10_000_000, 9_000_000, 0.05).is_infinite());
}

/// delivery's table: the fewest errors that fail, in one look.
#[test]
fn one_look_fails_from_the_errors_of_the_table() {
    let requests = [1, 2, 3, 5, 10, 20, 30, 50, 59, 100, 200, 500, 1000];
    let naive = [1, 1, 1, 1, 1, 2, 2, 3, 3, 6, 11, 26, 51];
    let at_5 = [0, 2, 2, 2, 3, 4, 5, 6, 7, 10, 16, 34, 63];
    let at_1 = [0, 2, 2, 3, 4, 5, 6, 8, 8, 12, 19, 38, 68];
    let fails_from = |rule: Rule, alpha: f64, requests: u64| {
        let mut gate = Gate::new(rule, Division { alpha, looks: 1, ..division(1) });
        gate.look(Sample::new(requests, 0), None).fails_from.unwrap_or(0)
    };
    for (place, requests) in requests.into_iter().enumerate() {
        assert_eq!(fails_from(Rule { min_samples: 0, ..NAIVE }, 0.05, requests), naive[place], "naive, {requests}");
        assert_eq!(fails_from(EXACT, 0.05, requests), at_5[place], "5 %, {requests}");
        assert_eq!(fails_from(EXACT, 0.01, requests), at_1[place], "1 %, {requests}");
    }
}

#[test]
fn a_rate_is_proved_with_no_more_errors_than_the_table_allows() {
    let allowed = [(59, 0), (100, 1), (200, 4), (500, 16), (1000, 38)];
    for (requests, errors) in allowed {
        let end = |errors: u64| EXACT.at_the_end(Sample::new(requests, errors), 0.05);
        assert_eq!(end(errors), Verdict::Proved, "{errors} of {requests}");
        assert_ne!(end(errors + 1), Verdict::Proved, "{} of {requests}", errors + 1);
    }
    assert_ne!(EXACT.at_the_end(Sample::new(58, 0), 0.05), Verdict::Proved);
}

#[test]
fn a_watch_of_five_minutes_ends_as_its_counts_say() {
    use Verdict::{Fail, MayBeChance, NoRequests, NotProved, Proved, TooFew};
    let zero = Rule { threshold: 0.0, ..EXACT };
    let table = [
        (EXACT, 0, 0, NoRequests), // A02
        (EXACT, 10, 1, TooFew),    // A03
        (EXACT, 10, 3, Fail),      // A04
        (EXACT, 59, 0, Proved),    // A05
        (EXACT, 120, 0, Proved),   // A01
        (EXACT, 1, 1, TooFew),     // one error never fails
        (EXACT, 2, 2, Fail),
        (EXACT, 19, 0, TooFew),
        (EXACT, 20, 0, NotProved),
        (EXACT, 20, 1, NotProved),
        (EXACT, 20, 2, MayBeChance),
        (EXACT, 30, 10, Fail),
        (zero, 1, 1, Fail), // `fail-above: 0%` fails on one error
        (zero, 1000, 1, Fail),
        (zero, 1000, 0, NotProved),
        (zero, 19, 0, TooFew),
        (ANYTIME, 10, 3, TooFew),
        (ANYTIME, 30, 10, Fail),
        (ANYTIME, 59, 0, Proved),
        (NAIVE, 0, 0, NoRequests),
        (NAIVE, 19, 19, TooFew),
        (NAIVE, 20, 1, NotProved),
        (NAIVE, 20, 2, Fail),
        (NAIVE, 59, 0, NotProved),
    ];
    for (rule, requests, errors, expected) in table {
        for minute in [1, 3] {
            let found = watch(rule, &from_minute(minute, requests, errors), None);
            assert_eq!(found, expected, "{errors} of {requests} from minute {minute}, {rule:?}");
        }
    }
}

#[test]
fn one_error_never_fails_at_the_default_threshold() {
    let almost = 0.05 * (1.0 - 1e-12);
    assert!(!is_below(0.05, 0.05) && !is_below(almost, 0.05) && is_below(0.0499, 0.05));
    for statistic in [Statistic::Exact, Statistic::Anytime] {
        let rule = Rule { statistic, ..EXACT };
        for looks in [1, 5] {
            for requests in 1..=100 {
                let mut gate = Gate::new(rule, Division { looks, ..division(1) });
                let limits = (0..looks).filter_map(|_| gate.next_limit(requests).fails_from);
                assert!(limits.min().is_none_or(|errors| errors >= 2), "{requests} requests, {looks} looks");
            }
        }
    }
}

#[test]
fn what_a_look_cannot_use_is_left_to_the_next_one() {
    let mut gate = Gate::new(EXACT, division(1));
    let mut levels = Vec::new();
    for requests in [2, 4, 6, 8, 10] {
        let reading = gate.look(Sample::new(requests, 0), None);
        levels.push((reading.level.unwrap() * 1e4).round() / 1e4);
    }
    // Two of two have a probability of 0.0025, two of four 0.0140, three of six 0.0022, three of eight 0.0058.
    assert_eq!(levels, [0.01, 0.0175, 0.0135, 0.0213, 0.0255]);
}

#[test]
fn a_look_for_late_data_has_what_is_left_and_never_more() {
    for looks in 5..30 {
        let mut gate = Gate::new(EXACT, division(1));
        let bound: f64 = (0..looks)
            .filter_map(|look| {
                let requests = 7 * (look + 1);
                gate.next_limit(requests).fails_from.map(|errors| at_least(requests, errors, 0.05))
            })
            .sum();
        assert!(bound <= 0.05, "{looks} looks: {bound}");
    }
}

#[test]
fn the_previous_version_excuses_only_what_it_suffers_itself() {
    use Verdict::{Fail, NotThisRelease, Proved};
    let bad = from_minute(1, 60, 18);
    let table = [
        (Some((60, 18)), NotThisRelease), // MO05: an outage hits both
        (Some((60, 0)), Fail),            // MO06
        (Some((6000, 1500)), NotThisRelease),
        (Some((600, 40)), Fail), // bad itself, and the new one is clearly worse
        (Some((600, 30)), Fail), // at the threshold is not above it
        (Some((19, 6)), Fail),   // too few requests for a comparison
        (Some((0, 0)), Fail),
        (None, Fail),
    ];
    for (previous, expected) in table {
        assert_eq!(watch(EXACT, &bad, previous), expected, "{previous:?}");
    }
    assert_eq!(watch(EXACT, &from_minute(1, 120, 0), Some((120, 60))), Proved);
    assert_eq!(watch(NAIVE, &bad, Some((60, 18))), NotThisRelease);
}

#[test]
fn a_comparison_fails_a_release_no_worse_than_the_previous_one_in_at_most_alpha() {
    // Both at 30 %, 60 requests each: all pairs of counts, at the level of each of five looks.
    let share = division(1).share();
    let probability = |errors: u64| exactly(60, errors, 0.3);
    let worse = |new: u64, old: u64| fisher((60, new), (60, old)) < share;
    let pairs = (0..=60).flat_map(|new| (0..=60).map(move |old| (new, old)));
    let one_look: f64 =
        pairs.filter(|pair| worse(pair.0, pair.1)).map(|pair| probability(pair.0) * probability(pair.1)).sum();
    assert!(one_look > 0.0 && one_look * 5.0 <= 0.05, "{one_look}");
}

#[test]
fn looks_are_fractions_of_the_window_and_at_most_five() {
    let seconds = |statistic: Statistic, window: u64| -> Vec<u64> {
        statistic.looks(Duration::from_secs(window)).iter().map(Duration::as_secs).collect()
    };
    for statistic in [Statistic::Exact, Statistic::Naive] {
        assert_eq!(seconds(statistic, 300), [60, 120, 180, 240, 300]);
        assert_eq!(seconds(statistic, 1800), [360, 720, 1080, 1440, 1800]); // MO02
        assert_eq!(seconds(statistic, 180), [60, 120, 180]);
        assert_eq!(seconds(statistic, 90), [90]);
        assert_eq!(seconds(statistic, 0), [0]);
    }
    assert_eq!(seconds(Statistic::Anytime, 1800).len(), 30);
    assert_eq!(seconds(Statistic::Anytime, 1800)[29], 1800);
}

#[test]
fn the_division_is_a_sentence() {
    assert_eq!(division(1).to_string(), "0.05 / (1 gate × 1 function × 1 source × 5 looks) = 0.01");
    let many = Division { functions: 2, sources: 3, looks: 1, ..division(5) };
    assert_eq!(many.to_string(), "0.05 / (5 gates × 2 functions × 3 sources × 1 look) = 0.00166667");
}

#[test]
fn a_reading_names_every_number() {
    let mut gate = Gate::new(EXACT, division(1));
    let reading = gate.look(Sample::new(12, 2), Some(Sample::new(100, 3)));
    assert_eq!((reading.look, reading.level, reading.fails_from), (1, Some(0.01), Some(4)));
    assert_near(reading.p_value, at_least(12, 2, 0.05));
    assert_near(reading.upper_bound, upper_bound(12, 2, 0.05));
    assert_near(reading.p_value_of_comparison.unwrap(), fisher((12, 2), (100, 3)));
    assert_eq!(reading.verdict, Verdict::NotYet);
    assert_eq!(Sample::new(0, 1), Sample::new(1, 1), "an error is a request");
    assert_eq!((Sample::new(0, 0).rate(), Sample::new(8, 2).rate()), (None, Some(0.25)));
}

#[test]
fn foresight_says_beforehand_what_cannot_be_decided() {
    let few = Foresight::of(EXACT, division(1), 8); // MO04
    assert!(!few.can_pass && !few.decides());
    let thirty = Foresight::of(EXACT, division(1), 30);
    assert!(thirty.can_pass && !thirty.can_prove, "{thirty:?}");
    let enough = Foresight::of(EXACT, division(1), 60);
    assert!(enough.can_prove && enough.decides() && enough.catches > 0.99, "{enough:?}");
    assert_near(enough.bad_rate, 0.25);
    for foresight in [few, thirty, enough] {
        assert!(Foresight::of(EXACT, division(1), foresight.needed).decides(), "{foresight:?}");
    }
    assert!(Foresight::of(EXACT, division(5), 8).needed > few.needed);
    assert!(Foresight::of(EXACT, division(1), 1_000_000_000).decides());
    let strict = Foresight::of(Rule { threshold: 0.0, ..EXACT }, division(1), 100);
    assert!(strict.decides() && strict.bad_rate > 0.0, "{strict:?}");
}

#[test]
fn three_bad_ones_in_a_row_are_bad() {
    assert!(is_bad_in_a_row(&[false, true, true, true, false]));
    assert!(!is_bad_in_a_row(&[true, true, false, true, true]));
    assert!(!is_bad_in_a_row(&[true, true]));
    assert!(!is_bad_in_a_row(&[]));
}
