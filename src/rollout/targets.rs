//! Which versions of which functions: the short form for one, lines for several.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::{Lines, Problems, input_value};
use crate::lambda::{FunctionName, FunctionVersion, Version, VersionRef};

/// `function` with `version`, or `versions`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct VersionTargets {
    /// The function. With `version`, the short form for one function.
    pub function: Option<FunctionName>,
    /// Its published version. A number, or `alias:<name>` for the one that alias points to when the step begins.
    pub version: Option<VersionRef>,
    /// Several functions with their versions, `function=version` a line. It is the output of publish-version.
    pub versions: Option<Lines<FunctionVersion>>,
}

impl VersionTargets {
    /// The short form or the long one, never both, never half of one.
    pub fn check(&self, problems: &mut Problems) {
        match (&self.function, &self.version, &self.versions) {
            (Some(_), Some(_), None) => {}
            (None, None, Some(lines)) => {
                let mut seen = std::collections::BTreeSet::new();
                for line in lines {
                    problems.add_if(
                        !seen.insert(&line.function),
                        format!("input `versions` names function {} twice", line.function),
                    );
                }
            }
            (None, None, None) => problems.add("give `function` and `version`, or `versions`"),
            (_, _, Some(_)) => problems.add("give either `versions`, or `function` and `version`, not both"),
            (Some(_), None, None) => problems.add("input `version` is required with `function`"),
            (None, Some(_), None) => problems.add("input `function` is required with `version`"),
        }
    }

    /// The functions and their versions, in the order given.
    #[must_use]
    pub fn list(&self) -> Vec<FunctionVersion> {
        match (&self.function, &self.version, &self.versions) {
            (_, _, Some(lines)) => lines.0.clone(),
            (Some(function), Some(version), None) => {
                vec![FunctionVersion { function: function.clone(), version: version.clone() }]
            }
            _ => Vec::new(),
        }
    }
}

/// Several versions in the form of the output and the input `versions`.
pub fn lines<V: fmt::Display>(versions: impl IntoIterator<Item = (FunctionName, V)>) -> String {
    versions.into_iter().map(|(function, version)| format!("{function}={version}")).collect::<Vec<_>>().join("\n")
}

/// Where an alias is expected to be: one version for the one function, or `function=version` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedCurrent(Vec<(Option<FunctionName>, Version)>);

impl ExpectedCurrent {
    /// What is expected of a function.
    #[must_use]
    pub fn of(&self, function: &FunctionName) -> Option<Version> {
        let fits = |named: &Option<FunctionName>| named.as_ref().is_none_or(|name| name == function);
        self.0.iter().find(|(named, _)| fits(named)).map(|(_, version)| *version)
    }
}

impl FromStr for ExpectedCurrent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(version) = text.parse() {
            return Ok(Self(vec![(None, version)]));
        }
        let lines: Lines<FunctionVersion> = text.parse()?;
        let each = lines.0.into_iter().map(|line| match line.version {
            VersionRef::Number(version) => Ok((Some(line.function), version)),
            VersionRef::Alias(_) => Err("must be a version's number, or lines `function=number`".to_owned()),
        });
        each.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for ExpectedCurrent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|(function, version)| match function {
            Some(function) => format!("{function}={version}"),
            None => version.to_string(),
        });
        f.write_str(&each.collect::<Vec<_>>().join("\n"))
    }
}

input_value!(ExpectedCurrent, "a version's number, or lines `function=version`", "41");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["41", "a=1\nb=2", "# note\na=alias:live"])) {
            reads::<ExpectedCurrent>(&text);
            reads::<Lines<FunctionVersion>>(&text);
        }
    }
}
