//! What there is to do, as a pure function of what was observed.

use std::rc::Rc;

use super::inputs::Callers;
use crate::lambda::{Alias, Code, CodeId, Function, Version};
use crate::rollout::put_back::Before;
use crate::rollout::update_code::must_be_sent;

/// One function, with everything the decision needs.
#[derive(Debug)]
pub(super) struct Observed {
    /// How users reach it.
    pub(super) callers: Callers,
    /// As it is now, with nothing in progress.
    pub(super) function: Function,
    /// The newest of its versions.
    pub(super) newest: Option<Function>,
    /// The alias users call.
    pub(super) alias: Option<Alias>,
    /// What is to be published, by name.
    pub(super) id: CodeId,
    /// The same, to be sent.
    pub(super) code: Rc<Code>,
    /// The permission for want of which the image could not be looked at.
    pub(super) denied: Option<String>,
}

/// One function, and what is to be done with it.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) observed: Observed,
    pub(super) plan: Plan,
    /// With `traffic: latest`, what serves until now; `None` when there is no version of it.
    pub(super) previous: Option<Before>,
}

impl Observed {
    pub(super) fn newest_version(&self) -> Option<Version> {
        self.newest.as_ref().and_then(|newest| newest.version)
    }
}

impl Target {
    /// Whether users get what is in `$LATEST`.
    pub(super) fn is_latest(&self) -> bool {
        self.observed.callers == Callers::Latest
    }

    /// Whether what users get is about to change.
    pub(super) fn switches(&self) -> bool {
        self.plan.update && self.is_latest()
    }

    /// The version that served before this step.
    pub(super) fn previous_version(&self) -> Option<Version> {
        let before = self.previous.as_ref().and_then(|before| before.version.version);
        before.or_else(|| self.observed.alias.as_ref().and_then(Alias::serving))
    }
}

/// What there is to do. A version is published in any case: AWS alone knows what it takes for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether the code has to be put into `$LATEST` first.
    pub(super) update: bool,
    /// What a version of it would be.
    pub(super) version: Expected,
}

/// What is expected of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A new one, for its code differs from the newest version's.
    Code,
    /// A new one, for the configuration differs from the newest version's.
    Configuration,
    /// The newest version again.
    Same,
}

impl Plan {
    /// Whether anything would be different afterwards.
    pub(super) fn changes(self) -> bool {
        self.update || matches!(self.version, Expected::Code | Expected::Configuration)
    }
}

/// The plan for all functions.
pub(super) fn plan(observed: Vec<Observed>) -> Vec<Target> {
    let target = |observed: Observed| {
        let plan = plan_one(&observed.function, &observed.id, observed.newest.as_ref());
        Target { observed, plan, previous: None }
    };
    observed.into_iter().map(target).collect()
}

fn plan_one(function: &Function, code: &CodeId, newest: Option<&Function>) -> Plan {
    let version = match newest.filter(|newest| code.is_in(newest)) {
        None => Expected::Code,
        Some(newest) if !newest.is_configured_as(function) => Expected::Configuration,
        Some(_) => Expected::Same,
    };
    Plan { update: must_be_sent(function, code), version }
}

/// The plan in words.
pub(super) fn label(plan: Plan, function: &Function, code: &CodeId, newest: Option<Version>) -> String {
    let name = &function.name;
    let newest = newest.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let update = if plan.update { format!("put {} into {name}", code.label()) } else { String::new() };
    let holds = format!("{name} holds {} already", code.label());
    let version = match plan.version {
        Expected::Code => "publish a version".to_owned(),
        Expected::Configuration => {
            format!("publish a version: the code of version {newest} with another configuration")
        }
        Expected::Same => format!("version {newest} holds that and the same configuration"),
    };
    let first = if plan.update { update } else { holds };
    let joint = if plan.update && plan.version != Expected::Same { " and " } else { "; " };
    format!("{first}{joint}{version}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::{Configuration, LastUpdate, Package};
    use crate::oci::Digest;

    fn holding(code: &str) -> Function {
        Function { code_sha256: code.to_owned(), ..Function::unknown(&"api".parse().unwrap()) }
    }

    #[test]
    fn code_is_sent_when_it_differs_or_its_update_failed() {
        let ours = CodeId::Zip("new=".to_owned());
        let failed = Function { last_update: LastUpdate::Failed(crate::text::Foreign::default()), ..holding("new=") };
        for (function, sent) in [(holding("old="), true), (holding(""), true), (holding("new="), false), (failed, true)]
        {
            assert_eq!(plan_one(&function, &ours, None).update, sent, "{function:?}");
        }
    }

    #[test]
    fn a_version_is_expected_to_be_new_when_code_or_configuration_differ() {
        let ours = CodeId::Zip("new=".to_owned());
        let other = || Function { configuration: Configuration::named("other"), ..holding("new=") };
        let table = [
            (None, Expected::Code),
            (Some(holding("old=")), Expected::Code),
            (Some(other()), Expected::Configuration),
            (Some(holding("new=")), Expected::Same),
        ];
        for (newest, expected) in table {
            let plan = plan_one(&holding("new="), &ours, newest.as_ref());
            assert_eq!(plan.version, expected, "{newest:?}");
            assert_eq!(plan.changes(), expected != Expected::Same);
        }
    }

    #[test]
    fn a_configuration_that_only_aws_tells_apart_is_another_one() {
        let hashed = |hash: Option<&str>| Function { config_sha256: hash.map(str::to_owned), ..holding("new=") };
        let ours = CodeId::Zip("new=".to_owned());
        let table = [
            (hashed(Some("a")), hashed(Some("b")), Expected::Configuration),
            (hashed(Some("a")), hashed(Some("a")), Expected::Same),
            (hashed(Some("a")), hashed(None), Expected::Same),
        ];
        for (function, newest, expected) in table {
            assert_eq!(plan_one(&function, &ours, Some(&newest)).version, expected, "{newest:?}");
        }
    }

    #[test]
    fn an_image_is_compared_by_its_digest() {
        let digest = Digest::of(b"image");
        let ours = CodeId::Image(digest.clone());
        let resolved = Function { package: Package::Image(Some(digest.clone())), ..holding("") };
        for (function, sent) in [(holding(digest.hex()), false), (resolved, false), (holding(&"0".repeat(64)), true)] {
            assert_eq!(must_be_sent(&function, &ours), sent, "{function:?}");
        }
    }

    #[test]
    fn a_plan_is_put_into_words() {
        let code = CodeId::Zip("new=".to_owned());
        let table = [
            (true, Expected::Code, "put code new= into api and publish a version"),
            (false, Expected::Code, "api holds code new= already; publish a version"),
            (
                false,
                Expected::Configuration,
                "api holds code new= already; publish a version: the code of version 42 with another configuration",
            ),
            (false, Expected::Same, "api holds code new= already; version 42 holds that and the same configuration"),
            (true, Expected::Same, "put code new= into api; version 42 holds that and the same configuration"),
        ];
        for (update, version, words) in table {
            let found = label(Plan { update, version }, &holding("x"), &code, Some(Version::number(42)));
            assert_eq!(found, words);
        }
    }
}
