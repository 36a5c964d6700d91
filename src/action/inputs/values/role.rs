//! An IAM role.

use super::{AccountId, text_value};

text_value!(
    /// An IAM role to assume.
    pub struct RoleArn, "the ARN of a role", "arn:aws:iam::111122223333:role/deploy",
    "must be the ARN of an IAM role, `arn:aws:iam::<account>:role/<name>`",
    |text| match text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "iam", "", account, role] => {
            partition.starts_with("aws")
                && account.parse::<AccountId>().is_ok()
                && role.strip_prefix("role/").is_some_and(|name| !name.is_empty())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || ":/_+=,.@-".contains(c))
        }
        _ => false,
    }
);

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
