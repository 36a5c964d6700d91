//! What there is to do, as a pure function of what was observed.

use super::artifact::CodeId;
use crate::lambda::{Function, LastUpdate, Version};

/// What there is to do. A version is published in any case: only AWS can tell whether the configuration has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Whether the code has to be put into `$LATEST` first.
    pub(super) update: bool,
    /// Whether the newest version holds other code, so that there will be a new one.
    pub(super) code_changes: bool,
}

/// The plan for one function.
pub(super) fn plan(function: &Function, code: &CodeId, newest: Option<&Function>) -> Plan {
    // After a failed update, the code before it runs on, whatever `CodeSha256` says.
    let failed = matches!(function.last_update, LastUpdate::Failed(_));
    Plan { update: failed || !code.is_in(function), code_changes: newest.is_none_or(|newest| !code.is_in(newest)) }
}

/// The plan in words.
pub(super) fn shown(plan: Plan, function: &Function, code: &CodeId, newest: Option<Version>) -> String {
    let name = &function.name;
    let newest = newest.map(|version| version.to_string()).unwrap_or_default();
    match plan {
        Plan { update: true, code_changes: true } => {
            format!("put {} into {name} and publish a version", code.shown())
        }
        Plan { update: false, code_changes: true } => {
            format!("publish a version of {name}, which holds {} already", code.shown())
        }
        Plan { update: true, code_changes: false } => format!(
            "put {} into {name}; version {newest} holds it, and is answered again unless the configuration has changed since",
            code.shown()
        ),
        Plan { update: false, code_changes: false } => format!(
            "nothing, if the configuration of {name} is that of version {newest}, which holds {}; else publish a version",
            code.shown()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::Package;
    use crate::registry::Digest;

    fn holding(code: &str) -> Function {
        Function { code_sha256: code.to_owned(), ..Function::unknown(&"api".parse().unwrap()) }
    }

    #[test]
    fn code_is_sent_when_it_differs_or_its_update_failed() {
        let ours = CodeId::Zip("new=".to_owned());
        let failed = |code| Function { last_update: LastUpdate::Failed(String::new()), ..holding(code) };
        let table = [
            // what $LATEST holds, what the newest version holds, whether to update, whether the code of a version changes
            (holding("old="), Some(holding("old=")), true, true),
            (holding("old="), None, true, true),
            (holding("new="), Some(holding("old=")), false, true),
            (holding("new="), None, false, true),
            (holding("new="), Some(holding("new=")), false, false),
            (holding("old="), Some(holding("new=")), true, false),
            (failed("new="), Some(holding("old=")), true, true),
            (failed("new="), Some(holding("new=")), true, false),
        ];
        for (function, newest, update, code_changes) in table {
            let planned = plan(&function, &ours, newest.as_ref());
            assert_eq!(planned, Plan { update, code_changes }, "{function:?} {newest:?}");
        }
    }

    #[test]
    fn an_image_is_compared_by_its_digest() {
        let digest = Digest::of(b"image");
        let ours = CodeId::Image(digest.clone());
        let resolved = Function { package: Package::Image(Some(digest.clone())), ..holding("") };
        for (function, update) in [(holding(digest.hex()), false), (resolved, false), (holding(&"0".repeat(64)), true)]
        {
            assert_eq!(plan(&function, &ours, None).update, update, "{function:?}");
        }
    }

    #[test]
    fn a_plan_is_told_in_words() {
        let code = CodeId::Zip("new=".to_owned());
        let said = |update, code_changes| {
            shown(Plan { update, code_changes }, &holding("x"), &code, Some(Version::number(42)))
        };
        assert_eq!(said(true, true), "put code new= into api and publish a version");
        assert_eq!(said(false, true), "publish a version of api, which holds code new= already");
        assert!(said(true, false).starts_with("put code new= into api; version 42 holds it"));
        assert!(said(false, false).starts_with("nothing, if the configuration of api is that of version 42"));
    }
}
