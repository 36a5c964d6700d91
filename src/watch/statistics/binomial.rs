//! Probabilities of counts: pure functions of counts and rates, exact up to the rounding of `f64`.
//!
//! Counts are `u64`. Every sum is taken on the side away from the middle, where its terms shrink, so that small results keep their
//! digits and a count of a hundred million costs some ten thousand additions.

/// A count as a number to compute with. Counts of requests are far below the 2^53 that `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "no watch sees 2^53 requests")]
pub(crate) const fn real(count: u64) -> f64 {
    count as f64
}

/// The probability that `requests` requests bring at least `errors` errors, when each fails with probability `rate` (0 to 1) for itself.
pub(crate) fn at_least(requests: u64, errors: u64, rate: f64) -> f64 {
    if errors == 0 {
        1.0
    } else if errors > requests || rate <= 0.0 {
        0.0
    } else if rate >= 1.0 {
        1.0
    } else if real(errors) > real(requests) * rate {
        upwards(requests, errors, rate)
    } else {
        1.0 - downwards(requests, errors - 1, rate)
    }
}

/// The probability that `requests` requests bring at most `errors` errors.
pub(crate) fn at_most(requests: u64, errors: u64, rate: f64) -> f64 {
    if errors >= requests || rate <= 0.0 {
        1.0
    } else if rate >= 1.0 {
        0.0
    } else if real(errors) < real(requests) * rate {
        downwards(requests, errors, rate)
    } else {
        1.0 - upwards(requests, errors + 1, rate)
    }
}

/// The probability of exactly `errors` errors, for a rate between 0 and 1.
pub(crate) fn exactly(requests: u64, errors: u64, rate: f64) -> f64 {
    if rate <= 0.0 || rate >= 1.0 {
        let certain = if rate <= 0.0 { 0 } else { requests };
        return if errors == certain { 1.0 } else { 0.0 };
    }
    (ln_choose(requests, errors) + real(errors) * rate.ln() + real(requests - errors) * (-rate).ln_1p()).exp()
}

/// The highest error rate that `errors` of `requests` are compatible with: were it higher, so few errors would come with a probability of
/// less than `alpha` (Clopper and Pearson 1934, one-sided).
pub(crate) fn upper_bound(requests: u64, errors: u64, alpha: f64) -> f64 {
    if errors >= requests {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most(requests, errors, middle) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// Fisher's exact test, one-sided: given all the errors of two versions, the probability that chance alone puts at least as many of
/// them on the new version (Fisher 1935). Each pair is requests and errors.
pub(crate) fn fisher(new: (u64, u64), old: (u64, u64)) -> f64 {
    let ((requests, errors), all) = (new, new.1 + old.1);
    let exactly =
        |here: u64| (ln_choose(requests, here) + ln_choose(old.0, all - here) - ln_choose(requests + old.0, all)).exp();
    // From one count on the new version to the next: one error more there, one less on the old one.
    let ratio = |here: u64| real(requests - here) * real(all - here) / (real(here + 1) * real(old.0 + here + 1 - all));
    if real(errors) * real(requests + old.0) > real(all) * real(requests) {
        return shrinking_sum(exactly(errors), (errors..all.min(requests)).map(ratio));
    }
    let least = all.saturating_sub(old.0);
    if errors == least {
        return 1.0;
    }
    1.0 - shrinking_sum(exactly(errors - 1), (least..errors - 1).rev().map(|here| 1.0 / ratio(here)))
}

/// How much more likely the counts are when the error rate lies anywhere above `rate`, all rates alike, than when it is `rate`: a mixture
/// of likelihood ratios, whose mean never grows while the true rate is at most `rate` (Ville 1939; Robbins 1970). At or below `rate` no
/// higher rate is likelier, and the answer is 1, its bound.
///
/// The integral of `(q/rate)^errors * ((1-q)/(1-rate))^(requests-errors)` over `q` from `rate` to 1, divided by `1 - rate`, is
/// `at_most(requests + 1, errors, rate) / ((requests + 1) * exactly(requests, errors, rate) * (1 - rate))`.
pub(crate) fn evidence(requests: u64, errors: u64, rate: f64) -> f64 {
    if real(errors) <= real(requests) * rate {
        return 1.0;
    }
    let expected = real(requests + 1) * exactly(requests, errors, rate) * (1.0 - rate);
    if expected > 0.0 { at_most(requests + 1, errors, rate) / expected } else { f64::INFINITY }
}

/// The terms from `errors` upwards, which shrink: `errors` lies above the middle.
fn upwards(requests: u64, errors: u64, rate: f64) -> f64 {
    let odds = rate / (1.0 - rate);
    let ratio = |count: u64| odds * real(requests - count) / real(count + 1);
    shrinking_sum(exactly(requests, errors, rate), (errors..requests).map(ratio))
}

/// The terms from `errors` downwards, which shrink: `errors` lies below the middle.
fn downwards(requests: u64, errors: u64, rate: f64) -> f64 {
    let odds = (1.0 - rate) / rate;
    let ratio = |count: u64| odds * real(count) / real(requests - count + 1);
    shrinking_sum(exactly(requests, errors, rate), (1..=errors).rev().map(ratio))
}

/// A sum of terms, each the one before times a ratio, until they no longer matter.
fn shrinking_sum(first: f64, ratios: impl Iterator<Item = f64>) -> f64 {
    let (mut term, mut sum) = (first, first);
    for ratio in ratios {
        term *= ratio;
        sum += term;
        if term <= sum * 1e-16 {
            break;
        }
    }
    sum.min(1.0)
}

fn ln_choose(of: u64, chosen: u64) -> f64 {
    ln_factorial(of) - ln_factorial(chosen) - ln_factorial(of - chosen)
}

/// The logarithm of `count!`: multiplied out when small, else Stirling's series, whose error is below 1e-11 from 16 on.
fn ln_factorial(count: u64) -> f64 {
    if count < 16 {
        return real((2..=count).product()).ln();
    }
    let x = real(count);
    let inverse = 1.0 / x;
    let series = inverse * (1.0 / 12.0 - inverse.powi(2) * (1.0 / 360.0 - inverse.powi(2) / 1260.0));
    (x + 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series
}
