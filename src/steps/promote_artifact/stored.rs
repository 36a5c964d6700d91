//! Archives and folders in S3, as inputs name them: with the account that the bucket must be of.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::AccountId;
use crate::aws::s3::{S3Folder, S3Url};

/// An object or a folder in S3, and whose bucket it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct InS3<T> {
    pub(super) place: T,
    /// Another account than the one in use.
    pub(super) owner: Option<AccountId>,
}

/// An archive in S3.
pub(super) type StoredZip = InS3<S3Url>;
/// A folder in S3.
pub(super) type Folder = InS3<S3Folder>;

impl<T: FromStr<Err = String>> FromStr for InS3<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words = text.rsplit_once(' ').and_then(|(place, word)| Some((place, word.strip_prefix("owner=")?)));
        let Some((place, owner)) = words else { return Ok(Self { place: text.parse()?, owner: None }) };
        let owner = owner.parse().map_err(|why| format!("must name an account after `owner=`: it {why}"))?;
        Ok(Self { place: place.trim_end().parse()?, owner: Some(owner) })
    }
}

impl<T: fmt::Display> fmt::Display for InS3<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)?;
        match &self.owner {
            Some(owner) => write!(f, " owner={owner}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_bucket_may_be_named() {
        for text in ["s3://shop-builds/api/v1.zip", "s3://shop-builds/a b.zip owner=111122223333"] {
            assert_eq!(text.parse::<StoredZip>().unwrap().to_string(), text);
        }
        for text in ["s3://shop-releases/api", "s3://shop-releases/api owner=111122223333"] {
            assert_eq!(text.parse::<Folder>().unwrap().to_string(), text);
        }
        for wrong in ["s3://shop-builds/v1.zip owner=shop", "s3://shop-builds/v1.zip owner=", "owner=111122223333"] {
            assert!(wrong.parse::<StoredZip>().is_err(), "{wrong}");
        }
    }
}
