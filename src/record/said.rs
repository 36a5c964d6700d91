//! What a step leaves of itself in a record: the description of a status, `da1 <step> <verdict> <key>=<value> ..`.

use crate::action::report::Account;

/// The mark of our descriptions, and their version.
const MARK: &str = "da1";
/// GitHub refuses longer descriptions of statuses, counted in characters.
const LONGEST: usize = 140;
/// The longest value that is taken for a figure.
const LONGEST_VALUE: usize = 110;

/// The figure with the numbers of the records that a release replaces, which the step that made its record found.
pub const EARLIER: &str = "earlier";
/// The figure with the number of the deployment that GitHub made for the job.
pub const OF_JOB: &str = "job";
/// The figure with what serves by the record, `function:alias=version,..`.
pub const SERVES: &str = "serves";
/// The figure of a step that ended badly and could not put back what served before.
pub const LEFT: &str = "left";
/// Its value.
pub const BAD: &str = "bad";
/// No numbers.
const NONE: &str = "none";

/// Numbers of deployments as a figure's value.
#[must_use]
pub fn numbers(ids: &[u64]) -> String {
    if ids.is_empty() {
        return NONE.to_owned();
    }
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The numbers that [`numbers`] wrote; nothing when it is something else.
#[must_use]
pub fn read_numbers(value: &str) -> Option<Vec<u64>> {
    if value == NONE {
        return Some(Vec::new());
    }
    value.split(',').map(|number| number.parse().ok()).collect()
}

/// One line of a step about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The step.
    pub step: String,
    /// Its verdict.
    pub verdict: String,
    /// What it measured, by name.
    pub figures: Vec<(String, String)>,
}

impl Said {
    /// Reads a description; `None` for one that is not ours.
    #[must_use]
    pub fn read(description: &str) -> Option<Self> {
        let mut words = description.split_whitespace();
        let (MARK, step, verdict) = (words.next()?, words.next()?, words.next()?) else { return None };
        let figure = |word: &str| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Self {
            step: step.to_owned(),
            verdict: verdict.to_owned(),
            figures: words.map_while(|word| figure(word.trim_end_matches('…'))).collect(),
        })
    }

    /// A figure by its name.
    #[must_use]
    pub fn figure(&self, name: &str) -> Option<&str> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The line of a step. A figure that finds no room is left out whole: half a number is another number.
#[must_use]
pub fn line(step: &str, verdict: &str, figures: &[(String, String)]) -> String {
    let mut line = format!("{MARK} {step} {verdict}");
    for (name, value) in figures {
        let figure = format!(" {name}={value}");
        if line.chars().count() + figure.chars().count() <= LONGEST {
            line.push_str(&figure);
        }
    }
    line
}

/// The line of a step that ended badly: whether what it moved could not be put back, and why, in words.
#[must_use]
pub fn failed(step: &str, leaves_a_bad_version: bool, reason: &str) -> String {
    let left = if leaves_a_bad_version { format!(" {LEFT}={BAD}") } else { String::new() };
    format!("{MARK} {step} fail{left} {reason}")
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
        let line = line("health-check-with-backoff", "pass", &figures);
        assert_eq!(line, "da1 health-check-with-backoff pass attempts=3 ms=412");
        let said = Said::read(&line).unwrap();
        assert_eq!((said.step.as_str(), said.verdict.as_str()), ("health-check-with-backoff", "pass"));
        assert_eq!((said.figure("ms"), said.figure("class")), (Some("412"), None));
    }

    #[test]
    fn what_finds_no_room_is_left_out_whole() {
        let long = "7".repeat(100);
        let line = line("swap-alias", "pass", &pairs(&[("a", &long), ("b", &long), ("c", "1")]));
        assert!(line.chars().count() <= LONGEST && line.ends_with(" c=1") && !line.contains(" b="), "{line}");
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for ids in [vec![], vec![601], vec![601, 600]] {
            assert_eq!(read_numbers(&numbers(&ids)), Some(ids));
        }
        assert_eq!((read_numbers(""), read_numbers("601,x")), (None, None));
        let ten: Vec<u64> = (0..10).map(|place| 4_999_999_999 - place).collect();
        let line = line("swap-alias", "pass", &[(EARLIER.to_owned(), numbers(&ten))]);
        assert_eq!(Said::read(&line).and_then(|said| read_numbers(said.figure(EARLIER)?)), Some(ten));
    }

    #[test]
    fn only_our_own_lines_are_read() {
        for other in ["", "da1", "da1 swap-alias", "da2 swap-alias pass", "withdrawn: da1 a b c=d", "Deploying.."] {
            assert_eq!(Said::read(other), None, "{other:?}");
        }
        let words = Said::read("da1 swap-alias fail the alias a=b was moved").unwrap();
        assert!(words.figures.is_empty(), "{words:?}");
        let [left, back] =
            [true, false].map(|bad| Said::read(&failed("swap-alias", bad, "api=42 was refused")).unwrap());
        assert_eq!((left.verdict.as_str(), left.figure(LEFT), back.figure(LEFT)), ("fail", Some(BAD), None));
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
            let line = line("step", "pass", &[("key".to_owned(), value), ("ms".to_owned(), "1".to_owned())]);
            prop_assert!(line.chars().count() <= LONGEST);
            let _ = Said::read(&text);
        }
    }
}
