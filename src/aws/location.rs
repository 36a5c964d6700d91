//! Where in AWS: an account and a region, as it may be written down where everybody reads it.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::action::inputs::{AccountId, Region, text_value};

/// An account and a region of AWS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct Location {
    /// The region.
    pub region: Region,
    /// The account.
    pub account: AccountHash,
}

text_value!(
    /// Tells accounts apart without naming them: the first 12 hexadecimal digits of SHA-256 over `deploy-action:<account id>`. An id
    /// would be masked in what is handed on. It hides the account from nobody who tries all ids.
    pub struct AccountHash, "12 hexadecimal digits", "0f1e2d3c4b5a", |text| text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
);

/// How many digits of it are kept.
const DIGITS: usize = 12;

impl AccountHash {
    /// The one of an account.
    #[must_use]
    pub fn of(account: &AccountId) -> Self {
        let hash = Sha256::digest(format!("deploy-action:{}", account.as_str()));
        Self(format!("{hash:x}")[..DIGITS].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_told_apart_by_a_hash_that_does_not_name_them() {
        let of = |id: &str| AccountHash::of(&id.parse().unwrap());
        assert_eq!(of("111122223333").to_string(), "4088bc323792");
        assert_ne!(of("111122223333"), of("111122223334"));
        assert_eq!(of("111122223333").to_string().parse(), Ok(of("111122223333")));
        for wrong in ["", "0f1e2d3c4b5", "0F1E2D3C4B5A", "111122223333a", "::error::x1"] {
            assert!(wrong.parse::<AccountHash>().is_err(), "{wrong}");
        }
    }
}
