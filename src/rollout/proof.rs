//! The proof that a version was smoke-tested: made by smoke-test, asked for by swap-alias.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::action::inputs::input_value;
use crate::lambda::{FunctionName, Version};

/// One function's part of a proof.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proved {
    /// The function.
    pub function: FunctionName,
    /// The version that was invoked.
    pub version: Version,
    /// The hash of its code, as Lambda reports it.
    pub code_sha256: String,
    /// AWS's hash of its configuration, where it reports one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_sha256: Option<String>,
    /// The version of the managed runtime that it ran on; images have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// How many cases passed.
    pub cases: u32,
    /// The run that did it.
    pub run: String,
}

/// The output `proof`: one object, or a list for several functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof(pub Vec<Proved>);

impl Proof {
    /// The part for a function.
    #[must_use]
    pub fn of(&self, function: &FunctionName) -> Option<&Proved> {
        self.0.iter().find(|proved| proved.function == *function)
    }
}

impl FromStr for Proof {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let several = serde_json::from_str::<Vec<Proved>>(text);
        let proved = several.or_else(|_| serde_json::from_str::<Proved>(text).map(|one| vec![one]));
        match proved {
            Ok(proved) if !proved.is_empty() => Ok(Self(proved)),
            _ => Err("must be the output `proof` of smoke-test".to_owned()),
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = match self.0.as_slice() {
            [one] => serde_json::to_string(one),
            several => serde_json::to_string(several),
        };
        f.write_str(&json.map_err(|_unwritable| fmt::Error)?)
    }
}

input_value!(
    Proof,
    "the output `proof` of smoke-test",
    r#"{"function":"shop-api-prd","version":"42","code-sha256":"x","cases":1,"run":"1"}"#
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn a_proof_is_read_as_it_was_written() {
        let proved = |name: &str| Proved {
            function: name.parse().unwrap(),
            version: Version::number(42),
            code_sha256: "abc=".to_owned(),
            config_sha256: (name == "api").then(|| "def=".to_owned()),
            runtime_version: (name == "api").then(|| "0cdc".to_owned()),
            cases: 2,
            run: "7".to_owned(),
        };
        for proof in [Proof(vec![proved("api")]), Proof(vec![proved("api"), proved("web")])] {
            assert_eq!(proof.to_string().parse(), Ok(proof));
        }
        for wrong in ["[]", "{}", "true", "{\"function\":\"api\"}"] {
            assert!(wrong.parse::<Proof>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&[r#"{"function":"a","version":"42","code-sha256":"x","cases":1,"run":"1"}"#, "[]"]),
        ) {
            reads::<Proof>(&text);
        }
    }
}
