//! The tree, the counts, and how it ends.

use serde_json::{Value, json};

use super::finding::{Finding, State};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::text::{self, Foreign, LONGEST, message};

/// Fixes that the annotation holds; the tree has all.
const SHOWN: usize = 6;

/// Reports all that was found, by check.
pub(super) fn tell(cx: &Context, found: &[(&'static str, Vec<Finding>)]) -> Step<Outcome> {
    let mut tree = Vec::new();
    for (check, findings) in found {
        for one in findings {
            let name = format!("{check}: {}", one.what);
            cx.report.check(&name, &one.observed, &one.required, one.state.verdict(), one.needs);
            if one.warns {
                cx.report.warn(format!("{name}: {}", one.observed));
            }
            tree.push(json!({
                "check": check, "what": one.what, "state": one.state, "observed": one.observed,
                "required": one.required, "needs": one.needs,
            }));
        }
        cx.report.section("Preflight", lines(check, findings));
    }
    let all: Vec<&Finding> = found.iter().flat_map(|(_, findings)| findings).collect();
    let count = |state: State| all.iter().filter(|one| one.state == state).count();
    let (passed, failed, errors) = (count(State::Ok), count(State::Fail), count(State::Error));
    let skipped = count(State::Skip) + errors;
    for (name, number) in [("passed", passed), ("failed", failed), ("skipped", skipped)] {
        cx.report.output(name, number.to_string());
    }
    let tree = text::each_text(Value::from(tree), &|text| Foreign::new(text).for_record(LONGEST));
    cx.report.value("tree", text::json(&tree))?;
    Ok(conclude(found, (passed, failed, skipped, errors)))
}

/// The lines of a check in the tree.
fn lines(check: &str, findings: &[Finding]) -> Vec<String> {
    let of_one = |one: &Finding| {
        let required = if one.state == State::Fail { format!(" (required: {})", one.required) } else { String::new() };
        format!("{} {}: {}{required} ({})", one.state.sign(), one.what, one.observed, one.needs)
    };
    std::iter::once(check.to_owned()).chain(findings.iter().map(|one| format!("- {}", of_one(one)))).collect()
}

fn conclude(found: &[(&'static str, Vec<Finding>)], counts: (usize, usize, usize, usize)) -> Outcome {
    let (passed, failed, skipped, errors) = counts;
    let of = |state: State| {
        let all = found.iter().flat_map(|(check, findings)| findings.iter().map(move |one| (*check, one)));
        all.filter(move |(_, one)| one.state == state)
    };
    let label = |(check, one): (&str, &Finding)| format!("{check}: {}: {}", one.what, one.observed);
    let first = |state: State| of(state).map(label).next().unwrap_or_default();
    let advice = |outcome: Outcome, state: State| {
        let advice = of(state).flat_map(|(_, one)| one.advice.iter().cloned()).take(SHOWN);
        outcome.advise_all(advice.collect::<Vec<_>>())
    };
    let checks = |number: usize| if number == 1 { "1 check".to_owned() } else { format!("{number} checks") };
    if errors > 0 {
        let reason =
            message!("preflight-broken", "{} could not be carried out: {}", checks(errors), first(State::Error));
        return advice(Outcome::error(reason), State::Error);
    }
    if failed > 0 {
        let reason =
            message!("preflight-failed", "{} of {} failed: {}", failed, checks(passed + failed), first(State::Fail));
        return advice(Outcome::fail(reason), State::Fail);
    }
    if passed == 0 {
        let reason =
            message!("preflight-skipped", "no check was carried out, {} skipped: {}", skipped, first(State::Skip));
        return Outcome::new(crate::outcome::Verdict::Inconclusive, reason)
            .advise("give the permissions that the tree names, or name what is to be checked in `checks`");
    }
    let skipped = if skipped > 0 { format!(", {skipped} skipped: see the tree") } else { String::new() };
    Outcome::pass(format!("{} passed{skipped}", checks(passed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Ending, Verdict};

    /// PF03, and the order of the verdicts.
    #[test]
    fn nothing_passes_that_was_not_carried_out() {
        let (ok, skip) = (Finding::ok("a", "x:Y", "1"), Finding::skip("b", "x:Y", "not allowed"));
        let fail = Finding::fail("c", "x:Y", "2", "mend it");
        let error = Finding { state: State::Error, ..skip.clone() };
        let table = [
            (vec![&skip], Verdict::Inconclusive),
            (vec![], Verdict::Inconclusive),
            (vec![&ok, &skip], Verdict::Pass),
            (vec![&ok, &skip, &fail], Verdict::Fail),
            (vec![&ok, &fail, &error], Verdict::Error),
        ];
        for (findings, verdict) in table {
            let findings: Vec<Finding> = findings.into_iter().cloned().collect();
            let count = |state| findings.iter().filter(|one| one.state == state).count();
            let errors = count(State::Error);
            let counts = (count(State::Ok), count(State::Fail), count(State::Skip) + errors, errors);
            let outcome = conclude(&[("check", findings)], counts);
            assert_eq!(outcome.ending, Ending::Judged(verdict), "{outcome:?}");
        }
        assert_eq!(lines("x", &[skip])[1], "- [SKIP] b: not allowed (x:Y)");
    }
}
