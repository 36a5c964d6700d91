//! What is to be done about what was observed: pure, and tested as a table.

use crate::aws::Location;
use crate::lambda::{Alias, AliasName, FunctionName, Version};
use crate::outcome::Outcome;
use crate::record::{Place, Previous, Target};

/// What was observed.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) function: FunctionName,
    pub(super) name: AliasName,
    /// The version that is asked for, if it is there.
    pub(super) wanted: Option<Version>,
    pub(super) alias: Option<Alias>,
    pub(super) location: Location,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is done already.
    Nothing,
    /// The alias moves to this version.
    Move(Version),
}

/// Decides.
///
/// # Errors
/// A refusal, with its fix.
pub(super) fn plan(observed: &Observed) -> Result<Plan, Outcome> {
    // TODO: the rules of this step.
    let function = &observed.function;
    let wanted = observed.wanted.ok_or_else(|| {
        Outcome::fail(format!("{function} has no such version")).advise("publish it first (publish-version)")
    })?;
    let alias = observed.alias.as_ref().ok_or_else(|| {
        Outcome::fail(format!("{function} has no such alias")).advise("make it first: swap-alias with `create-alias`")
    })?;
    Ok(if alias.serves_only(wanted) { Plan::Nothing } else { Plan::Move(wanted) })
}

impl Observed {
    /// What goes into the record: where the alias goes, and what it leaves.
    pub(super) fn target(&self, to: Version) -> Target {
        Target {
            place: Place::of(&self.location, &self.function, &self.name.clone().into()),
            version: Some(to),
            digest: None,
            code_sha256: None,
            commit: None,
            previous: self.alias.as_ref().map(|alias| Previous::of(alias, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::AliasRevision;

    fn observed(wanted: Option<u64>, serves: Option<u64>) -> Observed {
        let version = |number: u64| number.to_string().parse::<Version>().unwrap();
        let function: FunctionName = "shop-api".parse().unwrap();
        let alias = serves.map(|number| Alias {
            function: function.clone(),
            name: AliasName::live(),
            version: Some(version(number)),
            weights: [].into(),
            revision: AliasRevision::default(),
        });
        let location = Location { region: "eu-west-1".parse().unwrap(), account: "0f1e2d3c4b5a".parse().unwrap() };
        Observed { function, name: AliasName::live(), wanted: wanted.map(version), alias, location }
    }

    #[test]
    fn it_moves_what_is_elsewhere_and_nothing_else() {
        let two: Version = "2".parse().unwrap();
        // TODO: a row for each rule.
        for (wanted, serves, expected) in [
            (Some(2), Some(1), Ok(Plan::Move(two))),
            (Some(2), Some(2), Ok(Plan::Nothing)),
            (None, Some(1), Err("shop-api has no such version")),
            (Some(2), None, Err("shop-api has no such alias")),
        ] {
            let decided = plan(&observed(wanted, serves)).map_err(|refusal| refusal.reason);
            assert_eq!(decided, expected.map_err(str::to_owned), "{wanted:?} {serves:?}");
        }
    }
}
