//! How objects and folders in S3 are named.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::AccountId;
use crate::text;

/// An object as it is given: `s3://bucket/key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct S3Url {
    /// The bucket.
    pub bucket: String,
    /// The object's key, without a slash at its beginning.
    pub key: String,
}

impl FromStr for S3Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be an object, `s3://bucket/key`".to_owned();
        let (bucket, key) = text.strip_prefix("s3://").and_then(|rest| rest.split_once('/')).ok_or_else(wrong)?;
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b));
        let is_key = !key.is_empty() && key.len() <= 1024 && !key.ends_with('/') && text::is_plain(key);
        if is_bucket && is_key { Ok(Self { bucket: bucket.to_owned(), key: key.to_owned() }) } else { Err(wrong()) }
    }
}

impl fmt::Display for S3Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

impl S3Url {
    /// For people: without the account that many buckets have in their name.
    #[must_use]
    pub fn label(&self) -> String {
        let parts: Vec<&str> =
            self.bucket.split('-').map(|part| if part.parse::<AccountId>().is_ok() { "*" } else { part }).collect();
        format!("s3://{}/{}", parts.join("-"), self.key)
    }
}

/// A folder as it is given: `s3://bucket/prefix`, or the bucket alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Folder {
    /// The bucket.
    pub bucket: String,
    /// What the keys begin with: empty, or with a slash at its end and none at its beginning.
    prefix: String,
}

impl S3Folder {
    /// The object of this name in it.
    #[must_use]
    pub fn object(&self, name: &str) -> S3Url {
        S3Url { bucket: self.bucket.clone(), key: format!("{}{name}", self.prefix) }
    }
}

impl FromStr for S3Folder {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be a folder in S3, `s3://bucket/prefix`".to_owned();
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let folder = Self { bucket: bucket.to_owned(), prefix };
        // A name is at most 132 characters, a tag and its ending: it must find room in a key.
        let longest = folder.object(&"x".repeat(132)).to_string();
        let is_url =
            longest.parse::<S3Url>().is_ok() && !folder.prefix.starts_with('/') && !folder.prefix.contains("//");
        if is_url { Ok(folder) } else { Err(wrong()) }
    }
}

impl fmt::Display for S3Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn objects_are_read_and_shown() {
        for text in ["s3://bucket/key", "s3://my.bucket-1/a/b=c/d.zip"] {
            assert_eq!(text.parse::<S3Url>().unwrap().to_string(), text);
        }
        for wrong in
            ["s3://bucket", "s3://bucket/", "s3://Bucket/k", "s3://b/k", "s3:///k", "bucket/key", "s3://bucket/a/"]
        {
            assert!(wrong.parse::<S3Url>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_makes_keys() {
        for (text, key) in [("s3://bucket", "a.zip"), ("s3://bucket/x/y/", "x/y/a.zip"), ("s3://bucket/x", "x/a.zip")] {
            assert_eq!(text.parse::<S3Folder>().unwrap().object("a.zip").key, key);
        }
        let long = format!("s3://bucket/{}", "x".repeat(900));
        for wrong in ["bucket/x", "s3://", "s3://B/x", "s3://bucket//x", "s3://bucket/x//", "s3://bucket/a//b", &long] {
            assert!(wrong.parse::<S3Folder>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_in_a_buckets_name_is_not_shown() {
        let label = |text: &str| text.parse::<S3Url>().unwrap().label();
        assert_eq!(label("s3://shop-111122223333-eu-west-1/a.zip"), "s3://shop-*-eu-west-1/a.zip");
        assert_eq!(label("s3://shop-20260101/a.zip"), "s3://shop-20260101/a.zip");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["s3://bucket/key", "s3://artifacts-111122223333/a/b.zip"])) {
            reads_plainly::<S3Url>(&text);
            reads_plainly::<S3Folder>(&text);
        }
    }
}
