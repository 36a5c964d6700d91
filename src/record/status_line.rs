//! What a step leaves of itself in a record: the description of a status, `da1 <step>#<key> <verdict> <name>=<value> ..`. The key
//! distinguishes one check from another of the same step.

use sha2::{Digest as _, Sha256};

use crate::action::report::Account;
use crate::github::Status;
use crate::outcome::{Ending, Outcome, Verdict};

/// The mark of our descriptions, and their version.
const MARK: &str = "da1";
/// GitHub refuses longer descriptions of statuses, counted in characters.
const LONGEST: usize = 140;
/// The longest value that is taken for a figure.
const LONGEST_VALUE: usize = 110;

/// The figure of a step that ended badly and could not put back what served before.
pub const LEFT: &str = "left";
/// Its value.
pub const BAD: &str = "bad";
/// The figure with the attempt of the run in which a release succeeded.
pub const ATTEMPT: &str = "attempt";
/// The word after the verdict of a step that took a commit back because it was judged bad.
const HELD: &str = "held";
/// The verdict of a place that was given up.
pub const ENDED: &str = "ended";
/// What stands before the reason of a step that undid a record.
const WITHDRAWN: &str = "withdrawn:";
/// The hexadecimal digits of a key.
const KEY: usize = 6;

/// Tells a check from others of the same step: a short hash of the job, the step's place in it, and what was checked. A repeat has
/// the same.
#[must_use]
pub fn key(job: &str, action: &str, checked: &str) -> String {
    let hash = Sha256::digest([job, action, checked].join("\0"));
    format!("{hash:x}")[..KEY].to_owned()
}

/// One line of a step about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusLine {
    /// The step.
    pub step: String,
    /// Which of its checks; empty where that is unknown.
    pub key: String,
    /// Its verdict.
    pub verdict: String,
    /// Whether the commit is held since: it was taken back after it was judged bad.
    pub held: bool,
    /// What it measured, by name.
    pub figures: Vec<(String, String)>,
    /// What it says besides, for people.
    pub words: String,
}

impl StatusLine {
    /// Reads a description; `None` for one that is not ours.
    #[must_use]
    pub fn read(description: &str) -> Option<Self> {
        let mut words = description.split_whitespace().peekable();
        let (MARK, step, verdict) = (words.next()?, words.next()?, words.next()?) else { return None };
        let (step, key) = step.split_once('#').unwrap_or((step, ""));
        let held = verdict == Verdict::Fail.word() && words.next_if_eq(&HELD).is_some();
        let mut figures = Vec::new();
        while let Some((name, value)) = words.peek().and_then(|word| word.trim_end_matches('…').split_once('=')) {
            figures.push((name.to_owned(), value.to_owned()));
            words.next();
        }
        Some(Self {
            step: step.to_owned(),
            key: key.to_owned(),
            verdict: verdict.to_owned(),
            held,
            figures,
            words: words.collect::<Vec<_>>().join(" "),
        })
    }

    /// Reads the description of a status.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        Self::read(status.description.as_deref()?)
    }

    /// The check, for people: the step, its key, and what it looked at, where that is known.
    #[must_use]
    pub fn check(&self) -> String {
        let key = if self.key.is_empty() { String::new() } else { format!("#{}", self.key) };
        let looked_at = if self.words.is_empty() { String::new() } else { format!(" ({})", self.words) };
        format!("{}{key}{looked_at}", self.step)
    }

    /// Why a record was undone, for people.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.words.strip_prefix(WITHDRAWN).unwrap_or(&self.words).trim()
    }

    /// True when the place was given up.
    #[must_use]
    pub fn ends_the_place(&self) -> bool {
        self.verdict == ENDED
    }

    /// A figure by its name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&str> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The line of a step. A figure that finds no room is left out whole: half a number is another number.
#[must_use]
pub fn line(step: &str, key: &str, verdict: &str, figures: &[(String, String)]) -> String {
    let mut line = format!("{MARK} {step}#{key} {verdict}");
    for (name, value) in figures {
        let figure = format!(" {name}={value}");
        if line.chars().count() + figure.chars().count() <= LONGEST {
            line.push_str(&figure);
        }
    }
    line
}

/// The line of a step that ended badly, with why, in words. Nothing is held by that: what could not be put in place was not judged.
#[must_use]
pub fn failure(step: &str, key: &str, ended: &Outcome) -> String {
    let left = if ended.ending == Ending::BadVersionServes { format!(" {LEFT}={BAD}") } else { String::new() };
    format!("{MARK} {step}#{key} {}{left} {}", ended.ending.verdict(), ended.reason)
}

/// The line of a step that closes a record because a check, or the job, did not pass. Nothing was taken back by that.
#[must_use]
pub fn closing(step: &str, key: &str, reason: &str) -> String {
    format!("{MARK} {step}#{key} {} {reason}", Verdict::Fail)
}

/// The line of a step that undoes a record because what it brought was judged bad.
#[must_use]
pub fn taken_back(step: &str, key: &str, reason: &str) -> String {
    format!("{MARK} {step}#{key} {} {HELD} {WITHDRAWN} {reason}", Verdict::Fail)
}

/// The same where nobody judged it: nothing is held.
#[must_use]
pub fn withdrawn(reason: &str) -> String {
    format!("{WITHDRAWN} {reason}")
}

/// True when a description says that a record was undone.
#[must_use]
pub fn is_withdrawn(description: &str) -> bool {
    description.starts_with(WITHDRAWN)
        || StatusLine::read(description).is_some_and(|line| line.words.starts_with(WITHDRAWN))
}

/// The last status of each check, from statuses, newest first.
pub fn last_words(statuses: &[Status]) -> Vec<StatusLine> {
    let mut last: Vec<StatusLine> = Vec::new();
    for line in statuses.iter().filter_map(StatusLine::of) {
        if !last.iter().any(|known| (&known.step, &known.key) == (&line.step, &line.key)) {
            last.push(line);
        }
    }
    last
}

/// A figure that a step keeps in the record, taken from its own account.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// Its name, and the output it is the value of.
    Value(&'static str, &'static str),
    /// Its name, and the output whose lines are counted.
    Count(&'static str, &'static str),
    /// The output whose lines are figures themselves, `function=version`.
    Lines(&'static str),
    /// Whether something was changed.
    Changed,
    /// How long the step took, in milliseconds.
    Elapsed,
}

/// The figures of an account, as far as they are known.
#[must_use]
pub fn figures(wanted: &[Figure], account: &Account, elapsed_ms: u128) -> Vec<(String, String)> {
    let output = |name: &str| account.outputs.get(name).map(String::as_str);
    let mut all = Vec::new();
    let mut add = |name: &str, value: &str| {
        let fits = !value.is_empty() && value.len() <= LONGEST_VALUE && !value.contains(char::is_whitespace);
        if fits {
            all.push((name.to_owned(), value.to_owned()));
        }
    };
    for figure in wanted {
        match figure {
            Figure::Value(name, from) => add(name, output(from).unwrap_or_default()),
            Figure::Count(name, of) => {
                if let Some(lines) = output(of) {
                    add(name, &lines.lines().count().to_string());
                }
            }
            Figure::Lines(from) => {
                for (name, value) in output(from).unwrap_or_default().lines().filter_map(|line| line.split_once('=')) {
                    add(name, value);
                }
            }
            Figure::Changed => add("changed", &account.may_have_changed().to_string()),
            Figure::Elapsed => add("ms", &elapsed_ms.to_string()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let figures = pairs(&[("attempts", "3"), ("ms", "412")]);
        let line = line("health-check-with-backoff", "3f2a1b", "pass", &figures);
        assert_eq!(line, "da1 health-check-with-backoff#3f2a1b pass attempts=3 ms=412");
        let said = StatusLine::read(&line).unwrap();
        assert_eq!(said.check(), "health-check-with-backoff#3f2a1b");
        let bad =
            StatusLine::read("da1 health-check-with-backoff#3f2a1b fail attempts=3 health of https://a.example.com/")
                .unwrap();
        assert_eq!(bad.check(), "health-check-with-backoff#3f2a1b (health of https://a.example.com/)");
        assert_eq!((said.step.as_str(), said.verdict.as_str()), ("health-check-with-backoff", "pass"));
        assert_eq!((said.figure("ms"), said.figure("class")), (Some("412"), None));
    }

    #[test]
    fn what_finds_no_room_is_left_out_whole() {
        let long = "7".repeat(100);
        let line = line("swap-alias", "3f2a1b", "pass", &pairs(&[("a", &long), ("b", &long), ("c", "1")]));
        assert!(line.chars().count() <= LONGEST && line.ends_with(" c=1") && !line.contains(" b="), "{line}");
    }

    #[test]
    fn only_our_own_lines_are_read() {
        for other in ["", "da1", "da1 swap-alias", "da2 swap-alias pass", "withdrawn: da1 a b c=d", "Deploying.."] {
            assert_eq!(StatusLine::read(other), None, "{other:?}");
        }
        let words = StatusLine::read("da1 swap-alias fail the alias a=b was moved").unwrap();
        assert!(words.figures.is_empty(), "{words:?}");
    }

    #[test]
    fn only_what_was_taken_back_because_it_was_judged_bad_is_held() {
        let table = [
            (Outcome::fail("it was refused"), "fail", None),
            (Outcome::error("it was refused"), "error", None),
            (Outcome::superseded("it was refused"), "superseded", None),
            (Outcome::bad_version_serves("it was refused"), "fail", Some(BAD)),
        ];
        for (ended, verdict, left) in table {
            let said = StatusLine::read(&failure("swap-alias", "3f2a1b", &ended)).unwrap();
            assert_eq!((said.verdict.as_str(), said.figure(LEFT), said.held), (verdict, left, false));
            assert_eq!(said.words, "it was refused");
        }
        assert!(!StatusLine::read(&closing("finish-deployment", "3f2a1b", "the job failed")).unwrap().held);
        let line = taken_back("rollback", "3f2a1b", "checkout is broken");
        assert_eq!(line, "da1 rollback#3f2a1b fail held withdrawn: checkout is broken");
        let said = StatusLine::read(&line).unwrap();
        assert_eq!((said.held, said.reason()), (true, "checkout is broken"));
        assert!(is_withdrawn(&line) && is_withdrawn(&withdrawn("x")) && !is_withdrawn("da1 swap-alias#1 fail held x"));
    }

    #[test]
    fn a_repeat_of_a_check_has_the_same_key_and_another_check_has_not() {
        let first = key("deploy", "__org_deploy-action", "url=https://a");
        assert_eq!(first.len(), KEY);
        assert_eq!(first, key("deploy", "__org_deploy-action", "url=https://a"));
        for (job, action, checked) in [
            ("deploy-2", "__org_deploy-action", "url=https://a"),
            ("deploy", "__org_deploy-action_2", "url=https://a"),
            ("deploy", "__org_deploy-action", "url=https://b"),
        ] {
            assert_ne!(first, key(job, action, checked));
        }
    }

    #[test]
    fn figures_come_from_the_outputs() {
        let mut account = Account { changed: true, ..Account::default() };
        for (name, value) in [("versions", "api=3\nweb=7"), ("failed", "a\nb c"), ("none", ""), ("words", "two words")]
        {
            account.outputs.insert(name.to_owned(), value.to_owned());
        }
        let wanted = [
            Figure::Lines("versions"),
            Figure::Count("failed", "failed"),
            Figure::Count("none", "none"),
            Figure::Value("empty", "none"),
            Figure::Value("words", "words"),
            Figure::Value("absent", "absent"),
            Figure::Changed,
            Figure::Elapsed,
        ];
        let expected = [("api", "3"), ("web", "7"), ("failed", "2"), ("none", "0"), ("changed", "true"), ("ms", "12")];
        assert_eq!(figures(&wanted, &account, 12), pairs(&expected));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_line_is_short_and_any_description_is_read_or_passed_over(text in foreign(), value in foreign()) {
            let line = line("step", "3f2a1b", "pass", &[("key".to_owned(), value), ("ms".to_owned(), "1".to_owned())]);
            prop_assert!(line.chars().count() <= LONGEST);
            let _ = StatusLine::read(&text);
        }
    }
}
