//! What is to be told, as facts: every message is made from these and nothing else.

use serde::Serialize;

use super::job_status::{Ended, WentBack};
use crate::record::Run;
use crate::text::{Foreign, message};

/// The most bytes of a name that somebody else chose.
const NAME: usize = 60;

/// How a deployment that did not succeed was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Aftermath {
    /// What served before serves again.
    RolledBack(Option<String>),
    /// What was deployed serves, or was left where it could not be taken away.
    StillServes(Option<String>),
    /// Nothing that serves users was changed by this run; what serves, if it is known.
    Untouched(Option<String>),
    /// Nobody can tell.
    Unknown,
}

impl Aftermath {
    /// How bad it is, of several.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Untouched(_) => 0,
            Self::RolledBack(_) => 1,
            Self::Unknown => 2,
            Self::StillServes(_) => 3,
        }
    }

    /// The word of the input `rollback` for it.
    pub(super) const fn went_back(&self) -> Option<WentBack> {
        match self {
            Self::RolledBack(_) => Some(WentBack::Succeeded),
            Self::StillServes(_) => Some(WentBack::Failed),
            Self::Untouched(_) => Some(WentBack::NotAttempted),
            Self::Unknown => None,
        }
    }
}

/// What one step found, out of its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Detail {
    pub(super) step: String,
    pub(super) verdict: String,
    pub(super) reason: String,
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
    pub(super) ended: Ended,
    /// What was deployed, for people: `v42`.
    pub(super) version: Option<String>,
    pub(super) commit: String,
    /// How it was left; of no meaning after a success.
    pub(super) aftermath: Aftermath,
    /// The commits that are held since.
    pub(super) held: Vec<String>,
    pub(super) run: Run,
    pub(super) run_url: Option<String>,
    pub(super) actor: Option<String>,
    pub(super) details: Vec<Detail>,
    /// Who is mentioned in the issue.
    pub(super) mention: Vec<String>,
    /// Whether the time before ended otherwise, or is not known.
    pub(super) changed: bool,
    /// The page of the issue, once it is known.
    pub(super) issue_url: Option<String>,
}

impl Notification {
    /// In a few words: `v42 serves`, `failed; rolled back to v41`, `failed; v42 STILL SERVES`.
    pub(super) fn outcome(&self) -> String {
        let version = self.version.clone().unwrap_or_else(|| self.commit.chars().take(7).collect());
        if self.ended == Ended::Success {
            return format!("{version} serves");
        }
        let ended = if self.ended == Ended::Cancelled { "cancelled" } else { "failed" };
        match &self.aftermath {
            Aftermath::RolledBack(Some(to)) => format!("{ended}; rolled back to {to}"),
            Aftermath::RolledBack(None) => format!("{ended}; rolled back"),
            Aftermath::StillServes(which) => format!("{ended}; {} STILL SERVES", which.as_ref().unwrap_or(&version)),
            Aftermath::Untouched(Some(serves)) => format!("{ended}; {serves} serves"),
            Aftermath::Untouched(None) => format!("{ended}; nothing was changed"),
            Aftermath::Unknown => message!("serving-not-known", "{ended}; what serves is NOT KNOWN"),
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
        match (self.ended, &self.aftermath) {
            (Ended::Success, _) => "✅",
            (_, Aftermath::StillServes(_) | Aftermath::Unknown) => "🚨",
            (Ended::Cancelled, _) => "✋",
            _ => "❌",
        }
    }

    /// Whether it is one for an issue: a failure, or a cancellation that left something behind.
    pub(super) fn is_failure(&self) -> bool {
        let left = matches!(self.aftermath, Aftermath::StillServes(_) | Aftermath::Unknown);
        self.ended == Ended::Failure || self.ended == Ended::Cancelled && left
    }

    /// What is told as pairs of a name and a value, in this order.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let rollback = self.aftermath.went_back().filter(|_| self.ended != Ended::Success).map(|word| match word {
            WentBack::Succeeded => "succeeded",
            WentBack::Failed => "NOT DONE, or failed",
            WentBack::NotAttempted => "not needed",
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

    /// What the steps that did not pass found, one a line.
    pub(super) fn troubles(&self) -> Vec<String> {
        let bad = self.details.iter().filter(|detail| !["pass", "skipped"].contains(&detail.verdict.as_str()));
        bad.map(|detail| format!("{}: {}: {}", detail.step, detail.verdict, detail.reason)).collect()
    }

    /// Where more is told: the run, and the issue.
    pub(super) fn links(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("Run", &self.run_url), ("Issue", &self.issue_url)];
        all.into_iter().filter_map(|(name, url)| Some((name, url.as_deref()?)))
    }

    /// The run, in words.
    pub(super) fn run_words(&self) -> String {
        format!("run {}, attempt {}", self.run.id, self.run.attempt)
    }
}

/// A name somebody else chose, in one short line, without secrets and account ids.
pub(super) fn name(text: &str) -> String {
    Foreign::new(text).for_record(NAME)
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
            ended: Ended::Failure,
            version: Some("v42".to_owned()),
            commit: "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".to_owned(),
            aftermath: Aftermath::RolledBack(Some("v41".to_owned())),
            held: Vec::new(),
            run: Run { id: 700, attempt: 1 },
            run_url: Some("https://github.example.com/org/shop/actions/runs/700/attempts/1".to_owned()),
            actor: Some("octocat".to_owned()),
            details: vec![Detail {
                step: "health-check-with-backoff".to_owned(),
                verdict: "fail".to_owned(),
                reason: "https://shop.example.com/health answered 500 in 15 attempts".to_owned(),
            }],
            mention: vec!["@org/on-call".to_owned()],
            changed: true,
            issue_url: Some("https://github.example.com/org/shop/issues/7".to_owned()),
        }
    }

    /// The success after it.
    pub(in crate::steps::notify) fn success() -> Notification {
        Notification { ended: Ended::Success, version: Some("v43".to_owned()), details: Vec::new(), ..failure() }
    }

    /// With text that somebody else chose wherever there is such text.
    pub(in crate::steps::notify) fn hostile(text: &str) -> Notification {
        let text = &text[..text.floor_char_boundary(20_000)];
        let detail = Detail { step: text.to_owned(), verdict: text.to_owned(), reason: text.to_owned() };
        Notification {
            version: Some(version(text)),
            actor: Some(name(text)),
            details: vec![detail; 4],
            aftermath: Aftermath::StillServes(Some(version(text))),
            ..failure()
        }
    }

    #[test]
    fn the_outcome_is_told_in_a_few_words() {
        use Aftermath::{RolledBack, StillServes, Unknown, Untouched};
        use Ended::{Cancelled, Failure, Success};
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
        ];
        for (ended, aftermath, words, issue, sign) in table {
            let news = Notification { ended, aftermath, ..failure() };
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
