//! Which boxes are ticked. Pure.

use serde::Serialize;

use super::boxes::{BOXES, By, CheckBox};
use super::evidence::Evidence;
use crate::action::inputs::Span;
use crate::outcome::Verdict;
use crate::text::human_duration;

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mark {
    /// `[x]`
    Verified,
    /// `[ ]`
    NotVerified,
    /// `[!]`
    Failed,
}

impl Mark {
    /// As it is written.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Verified => "[x]",
            Self::NotVerified => "[ ]",
            Self::Failed => "[!]",
        }
    }
}

/// A box, judged.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Judged {
    pub(super) level: u8,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) mark: Mark,
    pub(super) required: bool,
    /// What was observed, or why it is not verified.
    pub(super) reason: String,
    pub(super) sources: Vec<Source>,
}

/// Where that was seen.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Source {
    pub(super) step: String,
    pub(super) job: String,
    pub(super) at: String,
    pub(super) file: String,
}

/// One thing that some evidence says about a box.
struct Said<'e> {
    evidence: &'e Evidence,
    verdict: Verdict,
    words: String,
}

/// All boxes, by their levels, and those of the budgets on level 1. Nothing is required where everything is: an empty list.
pub(super) fn judge(files: &[Evidence], budgets: &[(&str, Span)], required: &[&str]) -> Vec<Judged> {
    let is_required = |level: u8, id: &str| {
        required.is_empty() || required.iter().any(|one| *one == id || *one == format!("level{level}"))
    };
    let mut all: Vec<Judged> = BOXES.iter().map(|one| judge_box(one, files, is_required(one.level, one.id))).collect();
    all.extend(budgets.iter().map(|(job, most)| budget(job, *most, files, is_required(1, &format!("budget-{job}")))));
    all.sort_by_key(|one| std::cmp::Reverse(one.level));
    all
}

fn judge_box(one: &CheckBox, files: &[Evidence], required: bool) -> Judged {
    let mut said: Vec<Said<'_>> = one.by.iter().flat_map(|by| said_by(by, files)).collect();
    if one.id == "deploy" {
        // What was put back does not serve any more.
        let back = files.iter().filter(|file| file.step == "rollback" && file.verdict == Verdict::Pass);
        said.extend(back.map(|evidence| Said {
            evidence,
            verdict: Verdict::Fail,
            words: format!("it was rolled back: {}", evidence.reason),
        }));
    }
    let (mark, reason) = mark(one, &said);
    let sources = said.iter().map(|said| source(said.evidence)).collect();
    Judged { level: one.level, id: one.id.to_owned(), title: one.title.to_owned(), mark, required, reason, sources }
}

/// What evidence says of what verifies a box.
fn said_by<'e>(by: &By, files: &'e [Evidence]) -> Vec<Said<'e>> {
    match by {
        By::Step(step) => {
            let of_step = files.iter().filter(|file| file.step == *step);
            of_step
                .map(|evidence| Said { evidence, verdict: evidence.verdict, words: evidence.reason.clone() })
                .collect()
        }
        By::Preflight(kind) => {
            let is_kind = |name: &str| name.split([' ', ':']).next() == Some(kind);
            let of_preflight = files.iter().filter(|file| file.step == "preflight");
            let checks = of_preflight.flat_map(|file| file.checks.iter().map(move |check| (file, check)));
            let checks = checks.filter(|(_, check)| is_kind(&check.name));
            checks
                .map(|(evidence, check)| Said {
                    evidence,
                    verdict: check.verdict,
                    words: format!("{}: {}", check.name, check.observed),
                })
                .collect()
        }
    }
}

fn mark(one: &CheckBox, said: &[Said<'_>]) -> (Mark, String) {
    let words = |said: &Said<'_>| said.words.clone();
    if let Some(bad) = said.iter().find(|said| said.verdict == Verdict::Fail) {
        return (Mark::Failed, words(bad));
    }
    if let Some(unsure) = said.iter().find(|said| !matches!(said.verdict, Verdict::Pass | Verdict::Skipped)) {
        return (Mark::NotVerified, format!("{}: {}", unsure.verdict, unsure.words));
    }
    if let Some(good) = said.iter().rfind(|said| said.verdict == Verdict::Pass) {
        return (Mark::Verified, words(good));
    }
    if let Some(skipped) = said.first() {
        return (Mark::NotVerified, format!("skipped: {}", skipped.words));
    }
    let steps: Vec<String> = one.by.iter().map(By::label).collect();
    (Mark::NotVerified, format!("no evidence of {}", steps.join(" or ")))
}

/// How long a job took, from the beginning of its first step of this action to the end of its last.
fn budget(job: &str, most: Span, files: &[Evidence], required: bool) -> Judged {
    let mine: Vec<&Evidence> = files.iter().filter(|file| file.run.job.as_deref() == Some(job)).collect();
    let begin = mine.iter().filter_map(|file| file.began()).min();
    let seconds = |seconds: u64| time::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX));
    let end = mine.iter().filter_map(|file| file.began()?.checked_add(seconds(file.duration_seconds))).max();
    let took = begin.zip(end).and_then(|(begin, end)| std::time::Duration::try_from(end - begin).ok());
    let (mark, reason) = match took {
        None => (Mark::NotVerified, format!("no evidence of a job {job}")),
        Some(took) if took > most.0 => (Mark::Failed, format!("it took {}", human_duration(took))),
        Some(took) => (Mark::Verified, format!("it took {}", human_duration(took))),
    };
    Judged {
        level: 1,
        id: format!("budget-{job}"),
        title: format!("Job {job} takes at most {most}"),
        mark,
        required,
        reason,
        sources: mine.last().map(|file| source(file)).into_iter().collect(),
    }
}

fn source(evidence: &Evidence) -> Source {
    Source {
        step: evidence.step.clone(),
        job: evidence.job().to_owned(),
        at: evidence.started_at.clone(),
        file: evidence.file.clone(),
    }
}

/// How many boxes stand between this and complete.
pub(super) fn delta(all: &[Judged]) -> usize {
    all.iter().filter(|one| one.mark == Mark::Failed || one.required && one.mark == Mark::NotVerified).count()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn evidence(step: &str, verdict: &str, more: &Value) -> Evidence {
        let mut whole = json!({"step": step, "verdict": verdict, "reason": format!("{step} said so"), "started-at": "2026-01-13T12:00:00Z", "duration-seconds": 60, "run": {"id": 7, "attempt": 1, "job": "deploy"}});
        for (name, value) in more.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    fn marks(files: &[Evidence], id: &str) -> (Mark, String) {
        let all = judge(files, &[], &[]);
        let one = all.iter().find(|one| one.id == id).unwrap();
        (one.mark, one.reason.clone())
    }

    #[test]
    fn a_box_is_ticked_by_what_passed_and_by_nothing_else() {
        let table = [
            (vec![("smoke-test", "pass")], Mark::Verified),
            (vec![("smoke-test", "pass"), ("smoke-test", "fail")], Mark::Failed),
            (vec![("smoke-test", "pass"), ("smoke-test", "inconclusive")], Mark::NotVerified),
            (vec![("smoke-test", "error")], Mark::NotVerified),
            (vec![("smoke-test", "skipped")], Mark::NotVerified),
            (vec![("swap-alias", "pass")], Mark::NotVerified),
            (vec![], Mark::NotVerified),
        ];
        for (said, mark) in table {
            let files: Vec<Evidence> = said.iter().map(|(step, verdict)| evidence(step, verdict, &json!({}))).collect();
            assert_eq!(marks(&files, "smoke-test").0, mark, "{said:?}");
        }
        let back = [evidence("swap-alias", "pass", &json!({})), evidence("rollback", "pass", &json!({}))];
        assert_eq!(marks(&back, "deploy").0, Mark::Failed, "it was rolled back");
    }

    /// RP01.
    #[test]
    fn a_check_that_could_not_be_carried_out_leaves_its_box_open() {
        let check = |name: &str, verdict: &str| json!({"name": name, "observed": "administration: read is missing", "verdict": verdict});
        let checks = json!({"checks": [check("branch-protection main", "skipped"), check("github secrets", "pass")]});
        let files = [evidence("preflight", "pass", &checks)];
        assert_eq!(marks(&files, "secrets").0, Mark::Verified);
        let (mark, why) = marks(&files, "protection");
        assert_eq!(mark, Mark::NotVerified);
        assert!(why.contains("administration: read is missing"), "{why}");
        let of = |required: &[&str]| delta(&judge(&files, &[], required));
        assert_eq!(of(&["secrets"]), 0);
        assert_eq!(of(&["secrets", "protection"]), 1);
        assert_eq!(of(&[]), BOXES.len() - 1, "everything counts");
    }

    #[test]
    fn a_job_is_held_against_its_budget() {
        let later = evidence("monitor", "pass", &json!({"started-at": "2026-01-13T12:04:00Z", "duration-seconds": 90}));
        let files = [evidence("swap-alias", "pass", &json!({})), later];
        let of = |job: &str, minutes| {
            let all = judge(&files, &[(job, Span::minutes(minutes))], &[]);
            all.iter().find(|one| one.id == format!("budget-{job}")).map(|one| (one.mark, one.reason.clone())).unwrap()
        };
        assert_eq!(of("deploy", 5), (Mark::Failed, "it took 5m30s".to_owned()));
        assert_eq!(of("deploy", 6).0, Mark::Verified);
        assert_eq!(of("build", 5).0, Mark::NotVerified);
    }
}
