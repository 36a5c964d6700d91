//! An IAM role.

use std::fmt;
use std::str::FromStr;

use super::{AccountId, input_value};

/// An IAM role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn(String);

impl RoleArn {
    /// The ARN as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let good = match parts.as_slice() {
            ["arn", partition, "iam", "", account, role] => {
                partition.starts_with("aws")
                    && account.parse::<AccountId>().is_ok()
                    && role.strip_prefix("role/").is_some_and(|name| !name.is_empty())
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || ":/_+=,.@-".contains(c))
            }
            _ => false,
        };
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`".to_owned())
        }
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(RoleArn, "the ARN of a role", "arn:aws:iam::111122223333:role/deploy");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["arn:aws:iam::111122223333:role/deploy", "arn:aws-cn:iam::111122223333:role/a/b"]),
        ) {
            reads_plainly::<RoleArn>(&text);
        }
    }
}
