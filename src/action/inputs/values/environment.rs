//! The name of a deployment environment.

use std::fmt;
use std::str::FromStr;

use super::{input_value, is_word_or_dot};

/// A deployment environment, as GitHub names it. Names are compared without case, as GitHub compares them.
#[derive(Clone, Debug)]
pub struct EnvironmentName(String);

/// The longest name.
const LONGEST: usize = 64;

impl EnvironmentName {
    /// The name as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as records have it, whatever its case.
    #[must_use]
    pub fn in_records(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// True for `prd`, `prod` and `production`, alone or before `-`, `_`, `/` or `.`.
    #[must_use]
    pub fn is_production(&self) -> bool {
        let name = self.in_records();
        let first = name.split(['-', '_', '/', '.']).next();
        first.is_some_and(|first| matches!(first, "prd" | "prod" | "production"))
    }
}

impl PartialEq for EnvironmentName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EnvironmentName {}

impl FromStr for EnvironmentName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || text.split('/');
        if text.len() > LONGEST || !parts().all(|part| !part.is_empty() && part.chars().all(is_word_or_dot)) {
            return Err(format!(
                "must be an environment name: letters, digits, `.`, `_`, `-`, and `/` inside, at most {LONGEST}"
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(EnvironmentName, "an environment name: letters, digits, `.`, `_`, `-`, and `/` inside, at most 64", "prd");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_hold_slashes_inside_and_are_compared_without_case() {
        let name = |text: &str| text.parse::<EnvironmentName>();
        for good in ["prd", "prd/eu", "team-a/prd.eu_1", &"x".repeat(64)] {
            assert!(name(good).is_ok(), "{good}");
        }
        for wrong in ["", "/", "/prd", "prd/", "a//b", "a b", "a&b", "a?b", &"x".repeat(65)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        assert_eq!(name("PRD"), name("prd"));
        assert_eq!(name("Prd/EU").unwrap().in_records(), "prd/eu");
    }

    #[test]
    fn production_is_known_by_its_name() {
        for (text, is_production) in [
            ("prd", true),
            ("PROD", true),
            ("production", true),
            ("prd-eu", true),
            ("prod_eu", true),
            ("production/eu", true),
            ("prd.eu", true),
            ("preprod", false),
            ("eu-prd", false),
            ("products", false),
            ("stg", false),
        ] {
            assert_eq!(text.parse::<EnvironmentName>().unwrap().is_production(), is_production, "{text}");
        }
    }
}
