//! The rules that say which event goes where: one a line, the first that matches wins. No I/O.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use semver::Version;

use crate::action::inputs::{EnvironmentName, input_value, word};

/// A version as <https://semver.org> has it.
const VERSION: &str =
    r"(?P<version>(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)";
/// A component, as short as it can be, so that what follows it is found.
const COMPONENT: &str = "(?P<component>[A-Za-z0-9._-]{1,100}?)";
/// Longest pattern.
const LONGEST: usize = 255;

/// One rule: which events, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Pushes to a branch that fits, and schedules that run on it.
    Branch(Pattern, EnvironmentName),
    /// Pushes of a tag that fits.
    Tag(Pattern, EnvironmentName),
    /// Published releases.
    Release(EnvironmentName),
    /// Pre-releases, by their tag's version or by the release's own mark: somewhere, or nowhere.
    Prerelease(Option<EnvironmentName>),
    /// Runs of another workflow for a commit of a branch that fits. Those for a tag are matched as the tag is.
    WorkflowRun(Pattern, EnvironmentName),
    /// Runs that were asked for: to an environment, or to the one that was asked for.
    Dispatch(Option<EnvironmentName>),
    /// Pull requests: each to an environment of its own.
    PullRequest(Preview),
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("must be {SHAPE}");
        let (event, target) = text.split_once("->").ok_or_else(wrong)?;
        let target = target.trim();
        let words: Vec<&str> = event.split_whitespace().collect();
        let environment = || {
            target.parse::<EnvironmentName>().map_err(|why| {
                let target = word(target).map_or_else(|| "its end".to_owned(), |target| format!("\"{target}\""));
                format!("must lead somewhere: {target} {why}")
            })
        };
        match words.as_slice() {
            ["branch", pattern] => Ok(Self::Branch(Pattern::of_branch(pattern)?, environment()?)),
            ["tag", pattern] => Ok(Self::Tag(Pattern::of_tag(pattern)?, environment()?)),
            ["workflow-run", pattern] => Ok(Self::WorkflowRun(Pattern::of_branch(pattern)?, environment()?)),
            ["release"] => Ok(Self::Release(environment()?)),
            ["prerelease"] if target == "none" => Ok(Self::Prerelease(None)),
            ["prerelease"] => Ok(Self::Prerelease(Some(environment()?))),
            ["dispatch"] if target == "input" => Ok(Self::Dispatch(None)),
            ["dispatch"] => Ok(Self::Dispatch(Some(environment()?))),
            ["pull-request"] => Ok(Self::PullRequest(target.parse()?)),
            _ => Err(wrong()),
        }
    }
}

/// What a rule looks like, for errors and the table of inputs.
const SHAPE: &str = "`branch <pattern> -> <environment>`, `tag <pattern> -> ..`, `workflow-run <branch> -> ..`, `release -> ..`, \
                     `prerelease -> <environment> or none`, `dispatch -> <environment> or input`, \
                     `pull-request -> pr-{number}`";

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(pattern, to) => write!(f, "branch {pattern} -> {to}"),
            Self::Tag(pattern, to) => write!(f, "tag {pattern} -> {to}"),
            Self::Release(to) => write!(f, "release -> {to}"),
            Self::Prerelease(Some(to)) => write!(f, "prerelease -> {to}"),
            Self::Prerelease(None) => f.write_str("prerelease -> none"),
            Self::WorkflowRun(pattern, to) => write!(f, "workflow-run {pattern} -> {to}"),
            Self::Dispatch(Some(to)) => write!(f, "dispatch -> {to}"),
            Self::Dispatch(None) => f.write_str("dispatch -> input"),
            Self::PullRequest(preview) => write!(f, "pull-request -> {preview}"),
        }
    }
}

input_value!(Rule, "a rule, e.g. `branch main -> stg`", "branch main -> stg");

/// The environment of a pull request: a name with `{number}` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Preview(String);

impl Preview {
    const NUMBER: &str = "{number}";
    /// The largest number there is: a name that takes it takes any.
    const LARGEST: u64 = u64::MAX;

    /// The environment of this pull request.
    pub(super) fn of(&self, number: u64) -> Result<EnvironmentName, String> {
        self.0.replace(Self::NUMBER, &number.to_string()).parse()
    }
}

impl FromStr for Preview {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let preview = Self(text.to_owned());
        let shape = "must lead to an environment of each pull request's own, e.g. `pr-{number}`";
        if !text.contains(Self::NUMBER) {
            return Err(shape.to_owned());
        }
        preview.of(Self::LARGEST).map_err(|why| format!("{shape}; the name {why}"))?;
        Ok(preview)
    }
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The rules when none are given.
pub(super) fn usual() -> Vec<Rule> {
    const USUAL: [&str; 6] = [
        "branch dev -> dev",
        "branch main -> stg",
        "tag v*.*.* -> prd",
        "tag v-{component}-*.*.* -> prd",
        "release -> prd",
        "dispatch -> input",
    ];
    USUAL.iter().filter_map(|rule| rule.parse().ok()).collect()
}

/// Names of branches or tags: `*` is anything but `/`, and `**` anything, as in a workflow; in tags `*.*.*` is a version and
/// `{component}` a component. `+`, which repeats in a workflow, is written `\+`.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Pattern {
    pub(super) fn of_branch(text: &str) -> Result<Self, String> {
        Self::read(text, &[("**", ".*"), ("*", "[^/]*"), ("\\+", "\\+")])
    }

    pub(super) fn of_tag(text: &str) -> Result<Self, String> {
        let own = [("*.*.*", VERSION), ("{component}", COMPONENT), ("**", ".*"), ("*", "[^/]*"), ("\\+", "\\+")];
        Self::read(text, &own)
    }

    /// Each placeholder becomes its expression; what is between them stands for itself.
    fn read(text: &str, placeholders: &[(&str, &str)]) -> Result<Self, String> {
        let mut expression = String::from("^");
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some((placeholder, meaning)) = placeholders.iter().find(|(one, _)| rest.starts_with(one)) {
                expression.push_str(meaning);
                rest = &rest[placeholder.len()..];
            } else if first.is_ascii_alphanumeric() || "._-/@".contains(first) {
                expression.push_str(&regex::escape(first.encode_utf8(&mut [0; 4])));
                rest = &rest[first.len_utf8()..];
            } else {
                return Err(format!(
                    "must be {SHAPE}; a pattern holds letters, digits, `._-/@`, `*`, and `\\+` for a plus"
                ));
            }
        }
        expression.push('$');
        // A placeholder that stands twice would name its group twice.
        let regex = Regex::new(&expression).map_err(|_twice| format!("must be {SHAPE}; each placeholder once"))?;
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("must be {SHAPE}"));
        }
        Ok(Self { text: text.to_owned(), regex })
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        self.regex.is_match(name)
    }

    /// What a tag's name holds; `None` when it does not fit.
    pub(super) fn parts(&self, name: &str) -> Option<Parts> {
        let found = self.regex.captures(name)?;
        let version = match found.name("version") {
            // The expression is wider than the grammar, which knows leading zeros of pre-releases.
            Some(text) => Some(Version::parse(text.as_str()).ok()?),
            None => None,
        };
        Some(Parts { component: found.name("component").map(|text| text.as_str().to_owned()), version })
    }
}

/// What a tag's name holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) component: Option<String>,
    pub(super) version: Option<Version>,
}

impl Parts {
    /// Reads a tag's name by the first rule for tags that it fits, else by the usual ones: a release's tag, and one that was asked
    /// for, hold the same as one that was pushed.
    pub(super) fn of(tag: &str, rules: &[Rule]) -> Self {
        let usual = usual();
        let patterns = rules.iter().chain(&usual).filter_map(|rule| match rule {
            Rule::Tag(pattern, _) => Some(pattern),
            _ => None,
        });
        patterns.into_iter().find_map(|pattern| pattern.parts(tag)).unwrap_or_default()
    }

    pub(super) fn is_prerelease(&self) -> bool {
        self.version.as_ref().is_some_and(|version| !version.pre.is_empty())
    }
}

/// An environment that takes nothing but tags: `prd`, or `prd warn` to be told only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagRequired {
    pub(super) environment: EnvironmentName,
    pub(super) only_warns: bool,
}

impl FromStr for TagRequired {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (environment, only_warns) = match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [environment] | [environment, "error"] => ((*environment).to_owned(), false),
            [environment, "warn"] => ((*environment).to_owned(), true),
            _ => return Err("must be an environment, alone or followed by `warn` or `error`".to_owned()),
        };
        Ok(Self { environment: environment.parse()?, only_warns })
    }
}

impl fmt::Display for TagRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.environment, if self.only_warns { " warn" } else { "" })
    }
}

input_value!(TagRequired, "an environment, alone or followed by `warn`", "prd");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_back_as_it_is_written() {
        let rules = usual().into_iter().map(|rule| rule.to_string()).chain(
            [
                "workflow-run main -> dev",
                "prerelease -> none",
                "prerelease -> stg",
                "dispatch -> dev",
                "branch release/* -> stg",
            ]
            .map(str::to_owned),
        );
        for text in rules {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!(usual().len(), 6);
        let wrong = [
            "",
            "branch main",
            "branch -> stg",
            "branch main stg -> x",
            "push main -> stg",
            "branch main -> a b",
            "branch main -> /x",
            "release v* -> prd",
            "dispatch main -> input",
            "branch a?b -> x",
            "tag {component}{component} -> x",
            "tag *.*.*-*.*.* -> x",
        ];
        for text in wrong {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }

    #[test]
    fn patterns_fit_whole_names() {
        let branch = |pattern: &str, name: &str| Pattern::of_branch(pattern).unwrap().fits(name);
        assert!(branch("main", "main") && !branch("main", "main2") && !branch("main", "xmain"));
        assert!(branch("release/*", "release/1.x") && !branch("release/*", "release/1/2") && !branch("m.in", "main"));
        assert!(branch("*", "main") && !branch("*", "a/b"));
        assert!(branch("release/**", "release/1/2") && branch("**", "a/b"));
        assert!(branch("c\\+\\+", "c++") && Pattern::of_branch("c++").is_err());
    }

    #[test]
    fn a_tag_is_read_by_its_pattern() {
        let table = [
            ("v*.*.*", "v1.2.3", Some((None, Some("1.2.3")))),
            ("v*.*.*", "v1.2.3-rc.1+b", Some((None, Some("1.2.3-rc.1+b")))),
            // So the second of the usual rules is reached.
            ("v*.*.*", "v-telegram-1.2.3", None),
            ("v*.*.*", "v1.2", None),
            ("v*.*.*", "v01.2.3", None),
            ("v*.*.*", "v1.2.3-01", None),
            ("v-{component}-*.*.*", "v-telegram-1.2.3", Some((Some("telegram"), Some("1.2.3")))),
            ("v-{component}-*.*.*", "v-telegram-bot-2-1.2.3-rc.1", Some((Some("telegram-bot-2"), Some("1.2.3-rc.1")))),
            ("v-{component}-*.*.*", "v--1.2.3", None),
            ("release-*", "release-42", Some((None, None))),
            ("{component}/v*.*.*", "line/v0.1.0", Some((Some("line"), Some("0.1.0")))),
            ("release-*", "release-4/2", None),
            ("{component}@*.*.*", "api@1.2.3", Some((Some("api"), Some("1.2.3")))),
            ("@scope/{component}@*.*.*", "@scope/pkg@1.2.3-rc.1", Some((Some("pkg"), Some("1.2.3-rc.1")))),
        ];
        for (pattern, tag, expected) in table {
            let parts = Pattern::of_tag(pattern).unwrap().parts(tag);
            let expected = expected.map(|(component, version)| Parts {
                component: component.map(str::to_owned),
                version: version.map(|version| version.parse().unwrap()),
            });
            assert_eq!(parts, expected, "{tag} by {pattern}");
        }
    }

    #[test]
    fn an_environment_that_takes_tags_only_may_just_warn() {
        for (text, only_warns) in [("prd", false), ("prd error", false), ("prd  warn", true)] {
            let read: TagRequired = text.parse().unwrap();
            assert_eq!((read.environment.as_str(), read.only_warns), ("prd", only_warns));
        }
        assert!("prd never".parse::<TagRequired>().is_err() && "/b".parse::<TagRequired>().is_err());
    }
}
