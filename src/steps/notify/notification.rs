//! What is to be told, as facts: every message is made from these and nothing else.

use serde::Serialize;

use super::status::{Aftermath, RollbackResult, Status};
use crate::record::Run;
use crate::text::Foreign;

/// The most bytes of a name that somebody else chose, and of a line that the workflow adds.
const NAME: usize = 60;
const TEXT: usize = 300;
/// The most lines beside the facts.
const LINES: usize = 20;

/// What one step found, out of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Detail {
    pub(super) step: String,
    pub(super) verdict: String,
    pub(super) reason: String,
}

/// One of several places, and how it was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct AtPlace {
    /// `shop-api:live in eu-west-1`.
    pub(super) place: String,
    /// `v42 serves`.
    pub(super) outcome: String,
}

/// Where more is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: &'static str,
    /// What it leads to, in our words.
    pub(super) words: String,
    pub(super) url: String,
}

/// Everything a message may say.
#[derive(Clone, Debug)]
pub(super) struct Notification {
    /// `owner/name`.
    pub(super) repository: String,
    pub(super) environment: String,
    /// The input, else the name of the repository.
    pub(super) component: String,
    /// Whether the input was given.
    pub(super) is_part: bool,
    pub(super) status: Status,
    /// What was deployed, for people: `v42`.
    pub(super) version: Option<String>,
    pub(super) commit: String,
    /// How it was left; of no meaning after a success, or before the end.
    pub(super) aftermath: Aftermath,
    /// The places, where this run was at several.
    pub(super) places: Vec<AtPlace>,
    /// The commits that are held since.
    pub(super) held: Vec<String>,
    pub(super) run: Option<Run>,
    pub(super) run_url: Option<String>,
    pub(super) actor: Option<String>,
    /// The line that the workflow adds.
    pub(super) text: Option<String>,
    pub(super) details: Vec<Detail>,
    /// The page of what came between what served and this.
    pub(super) changes_url: Option<String>,
    /// Where what was deployed is reached, by its record.
    pub(super) address: Option<String>,
    /// Who is mentioned in the issue.
    pub(super) mention: Vec<String>,
    /// Whether the time before ended otherwise, or is not known.
    pub(super) changed: bool,
    /// The number of the issue, and its page, once it is known.
    pub(super) issue: Option<(u64, String)>,
}

impl Notification {
    /// What was deployed, for people.
    fn deployed(&self) -> String {
        self.version.clone().unwrap_or_else(|| self.commit.chars().take(7).collect())
    }

    /// In a few words: `v42 serves`, `failed; rolled back to v41`, `deploying v42`.
    pub(super) fn outcome(&self) -> String {
        let version = self.deployed();
        match self.status {
            Status::Success => format!("{version} serves"),
            Status::Started => format!("deploying {version}"),
            Status::Waiting => format!("{version} waits for approval"),
            Status::Cancelled => format!("cancelled; {}", self.aftermath.words(&version)),
            Status::Failure | Status::Skipped => format!("failed; {}", self.aftermath.words(&version)),
        }
    }

    /// The environment, and what of it: `prd`, `prd/orders`.
    pub(super) fn place(&self) -> String {
        if self.is_part { format!("{}/{}", self.environment, self.component) } else { self.environment.clone() }
    }

    /// One line for people: `prd: v42 serves`.
    pub(super) fn headline(&self) -> String {
        let place = if self.is_part { self.place() } else { format!("{} {}", self.component, self.environment) };
        format!("{place}: {}", self.outcome())
    }

    /// The sign before it.
    pub(super) fn sign(&self) -> &'static str {
        match self.status {
            Status::Success => "✅",
            Status::Started => "🚀",
            Status::Waiting => "⏳",
            _ if self.aftermath.is_alarm() => "🚨",
            Status::Cancelled => "✋",
            Status::Failure | Status::Skipped => "❌",
        }
    }

    /// Whether it is one for an issue: a failure, or a cancellation that left something behind.
    pub(super) fn is_failure(&self) -> bool {
        self.status == Status::Failure || self.status == Status::Cancelled && self.aftermath.is_alarm()
    }

    /// What became of going back.
    pub(super) fn rollback(&self) -> Option<RollbackResult> {
        self.aftermath.rollback().filter(|_| self.status.is_bad())
    }

    /// What is told as pairs of a name and a value, in this order.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let rollback = self.rollback().map(|word| match word {
            RollbackResult::Succeeded => "succeeded",
            RollbackResult::Failed => "NOT DONE, or failed",
            RollbackResult::NotAttempted => "not needed",
        });
        [
            ("Environment", Some(self.environment.clone())),
            ("Component", Some(self.component.clone())),
            ("Version", self.version.clone()),
            ("Commit", Some(self.commit.chars().take(12).collect())),
            ("Rollback", rollback.map(str::to_owned)),
            ("Held", Some(self.held.join(", "))),
            ("By", self.actor.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
    }

    /// What more there is to say: the line of the workflow, the places, and what the steps found that did not pass.
    pub(super) fn remarks(&self) -> Vec<String> {
        let places = self.places.iter().map(|at| format!("{}: {}", at.place, at.outcome));
        let bad = self.details.iter().filter(|detail| !["pass", "skipped"].contains(&detail.verdict.as_str()));
        let bad = bad.map(|detail| format!("{}: {}: {}", detail.step, detail.verdict, detail.reason));
        let mut lines: Vec<String> = self.text.iter().cloned().chain(places).chain(bad).collect();
        if lines.len() > LINES {
            let more = lines.split_off(LINES).len();
            lines.push(format!("and {more} more"));
        }
        lines
    }

    /// Where more is told: what was deployed, what changed, the run, and the issue.
    pub(super) fn links(&self) -> Vec<Link> {
        let run = self.run.unwrap_or_default();
        let run = format!("run {}, attempt {}", run.id, run.attempt);
        let all = [
            ("Address", "open", self.address.as_ref()),
            ("Changes", "what changed", self.changes_url.as_ref()),
            ("Run", &run, self.run_url.as_ref()),
            ("Issue", "about the failure", self.issue.as_ref().map(|(_, url)| url)),
        ];
        let link = |(name, words, url): (_, &str, Option<&String>)| {
            Some(Link { name, words: words.to_owned(), url: url?.clone() })
        };
        all.into_iter().filter_map(link).collect()
    }
}

/// A name somebody else chose, in one short line, without secrets and account ids.
pub(super) fn name(text: &str) -> String {
    Foreign::new(text).for_record(NAME)
}

/// The line that the workflow adds.
pub(super) fn own_line(text: &str) -> String {
    Foreign::new(text).for_record(TEXT)
}

/// A version for people: a number is `v42`; lines become one.
pub(super) fn version(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [number] if number.bytes().all(|byte| byte.is_ascii_digit()) => name(&format!("v{number}")),
        lines => name(&lines.join(", ")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A failure in production that was rolled back.
    pub(in crate::steps::notify) fn failure() -> Notification {
        Notification {
            repository: "org/shop".to_owned(),
            environment: "prd".to_owned(),
            component: "shop".to_owned(),
            is_part: false,
            status: Status::Failure,
            version: Some("v42".to_owned()),
            commit: "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".to_owned(),
            aftermath: Aftermath::RolledBack(Some("v41".to_owned())),
            places: Vec::new(),
            held: Vec::new(),
            run: Some(Run { id: 700, attempt: 1 }),
            run_url: Some("https://github.example.com/org/shop/actions/runs/700/attempts/1".to_owned()),
            actor: Some("octocat".to_owned()),
            text: None,
            details: vec![Detail {
                step: "health-check-with-backoff".to_owned(),
                verdict: "fail".to_owned(),
                reason: "https://shop.example.com/health answered 500 in 15 attempts".to_owned(),
            }],
            changes_url: None,
            address: None,
            mention: vec!["@org/on-call".to_owned()],
            changed: true,
            issue: Some((7, "https://github.example.com/org/shop/issues/7".to_owned())),
        }
    }

    /// The success after it.
    pub(in crate::steps::notify) fn success() -> Notification {
        Notification { status: Status::Success, version: Some("v43".to_owned()), details: Vec::new(), ..failure() }
    }

    /// With text that somebody else chose wherever there is such text.
    pub(in crate::steps::notify) fn hostile(text: &str) -> Notification {
        let text = &text[..text.floor_char_boundary(20_000)];
        let detail = Detail { step: text.to_owned(), verdict: text.to_owned(), reason: text.to_owned() };
        let place = AtPlace { place: name(text), outcome: version(text) };
        Notification {
            version: Some(version(text)),
            actor: Some(name(text)),
            text: Some(own_line(text)),
            places: vec![place; 2],
            details: vec![detail; 4],
            aftermath: Aftermath::StillServes(Some(version(text))),
            ..failure()
        }
    }

    #[test]
    fn the_outcome_is_told_in_a_few_words() {
        use Aftermath::{RolledBack, StillServes, Unknown, Untouched};
        use Status::{Cancelled, Failure, Started, Success, Waiting};
        let v41 = || Some("v41".to_owned());
        // The words, whether it takes an issue, and the sign.
        let table = [
            (Success, Unknown, "v42 serves", false, "✅"),
            (Failure, RolledBack(v41()), "failed; rolled back to v41", true, "❌"),
            (Failure, RolledBack(None), "failed; rolled back", true, "❌"),
            (Failure, StillServes(Some("v42".to_owned())), "failed; v42 STILL SERVES", true, "🚨"),
            (Failure, StillServes(None), "failed; v42 STILL SERVES", true, "🚨"),
            (Failure, Untouched(v41()), "failed; v41 serves", true, "❌"),
            (Failure, Untouched(None), "failed; nothing was changed", true, "❌"),
            (Failure, Unknown, "failed; what serves is NOT KNOWN", true, "🚨"),
            (Cancelled, Untouched(v41()), "cancelled; v41 serves", false, "✋"),
            (Cancelled, RolledBack(v41()), "cancelled; rolled back to v41", false, "✋"),
            (Cancelled, StillServes(None), "cancelled; v42 STILL SERVES", true, "🚨"),
            (Cancelled, Unknown, "cancelled; what serves is NOT KNOWN", true, "🚨"),
            (Started, Unknown, "deploying v42", false, "🚀"),
            (Waiting, Unknown, "v42 waits for approval", false, "⏳"),
        ];
        for (status, aftermath, words, issue, sign) in table {
            let news = Notification { status, aftermath, ..failure() };
            assert_eq!((news.outcome().as_str(), news.is_failure(), news.sign()), (words, issue, sign));
            assert_eq!(news.headline(), format!("shop prd: {words}"));
        }
        let part = Notification { is_part: true, component: "orders".to_owned(), version: None, ..success() };
        assert_eq!(part.headline(), "prd/orders: 8f3c1b2 serves");
    }

    #[test]
    fn versions_are_shown_as_people_name_them() {
        let table = [
            ("42", "v42"),
            ("v1.2.3", "v1.2.3"),
            ("api=42\nworker=7\n", "api=42, worker=7"),
            ("a\n::error::b", "a, ::error::b"),
        ];
        for (given, label) in table {
            assert_eq!(version(given).replace('\u{200b}', ""), label);
        }
        assert!(version(&"x".repeat(100_000)).len() <= NAME);
    }
}
