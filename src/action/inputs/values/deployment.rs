//! A deployment of GitHub, by its number.

use std::fmt;
use std::str::FromStr;

use super::input_value;

/// The number of a GitHub deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentId(pub u64);

impl FromStr for DeploymentId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(id) if id > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(id)),
            _ => Err("must be the number of a GitHub deployment, the output `deployment-id`".to_owned()),
        }
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

input_value!(name DeploymentId, "the number of a deployment", "1234567890");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["1234567890", "0"])) {
            reads_plainly::<DeploymentId>(&text);
        }
    }
}
