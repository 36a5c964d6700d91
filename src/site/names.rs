//! Names of what a site is made of, and its keys.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{AccountId, input_value, is_made_of, is_path, text_value};

/// Where the folders of releases are that are pointed to.
const FOLDERS: &str = "r";

fn is_bucket(text: &str) -> bool {
    (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && !text.starts_with(['.', '-'])
}

text_value!(
    /// A bucket by its name alone.
    name pub struct BucketName, "a bucket's name: lower-case letters, digits, `-`, `.`, 3 to 63", "shop-site-prd",
    |text| is_bucket(text)
);

text_value!(
    /// A bucket as records name it: an account in it is left out.
    name pub struct BucketLabel, "a bucket's name", "shop-site-prd",
    |text| is_bucket(&text.replace('*', "0"))
);

text_value!(
    /// A folder of a bucket, without a slash at either end.
    name pub struct Prefix, "a folder of the bucket, without a slash at its ends", "live",
    read |text| {
        let bare = text.trim_matches('/');
        let good = is_path(bare) && bare.len() <= 200 && !bare.starts_with('.') && !bare.contains(['@', '+', ' ']);
        let wrong = || "must be a folder: letters, digits, `.`, `_`, `-` and `/`, at most 200, which does not begin with a dot".to_owned();
        good.then(|| bare.to_owned()).ok_or_else(wrong)
    }
);

text_value!(
    /// A release of a site.
    name pub struct ReleaseName, "a release: letters, digits, `.`, `_`, `-`, at most 100", "v1.4.0",
    |text| is_made_of(text, 100, |c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !text.starts_with('.')
);

text_value!(
    /// A distribution of `CloudFront`.
    name pub struct DistributionId, "a distribution's id", "E2QWRUHAPOMQZL",
    read |text| {
        if text.starts_with("dt_") {
            return Err("must be a distribution's id, and this is a distribution tenant, which this release does not publish to; name the \
                        distribution that it belongs to, or publish without one and give `url`".to_owned());
        }
        let good = is_made_of(text, 32, |c| c.is_ascii_uppercase() || c.is_ascii_digit());
        let wrong = || "must be a distribution's id, such as `E2QWRUHAPOMQZL`: capitals and digits (not its ARN or domain name)".to_owned();
        good.then(|| text.to_owned()).ok_or_else(wrong)
    }
);

text_value!(
    /// Where the marker is, below the site's root.
    name pub struct MarkerPath, "a path of the site, such as `/.release.json`", "/.release.json",
    |text| text.strip_prefix('/').is_some_and(is_path)
);

impl MarkerPath {
    /// Where it is unless an input says otherwise.
    #[must_use]
    pub fn usual() -> Self {
        Self("/.release.json".to_owned())
    }

    /// Below the site's root, without a slash at its beginning.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.trim_start_matches('/')
    }
}

impl BucketName {
    /// As records and people name it: without the account that many buckets have in their name.
    #[must_use]
    pub fn label(&self) -> BucketLabel {
        BucketLabel(masked(&self.0))
    }
}

fn masked(name: &str) -> String {
    let parts: Vec<&str> =
        name.split('-').map(|part| if part.parse::<AccountId>().is_ok() { "*" } else { part }).collect();
    parts.join("-")
}

impl BucketLabel {
    /// The same without an account that somebody wrote.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self(masked(&self.0))
    }

    /// The bucket that is meant in this account.
    #[must_use]
    pub fn in_account(&self, account: &AccountId) -> BucketName {
        BucketName(self.0.replace('*', account.as_str()))
    }
}

text_value!(
    /// A key value store of `CloudFront`.
    name pub struct StoreName, "a key value store's name: letters, digits, `-`, `_`, at most 64", "shop-site-prd",
    |text| is_made_of(text, 64, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
);

text_value!(
    /// A key of a store.
    name pub struct KeyName, "a key: letters, digits, `.`, `_`, `-` and `/`, at most 200", "release",
    |text| is_made_of(text, 200, |c| c.is_ascii_alphanumeric() || "._-/".contains(c))
);

impl KeyName {
    /// What it is called unless an input says otherwise.
    #[must_use]
    pub fn usual() -> Self {
        Self("release".to_owned())
    }
}

/// What says which release of a site serves, where that is not the marker among its files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pointer {
    /// A key of a store that a function at the edge reads.
    Key(StoreName, KeyName),
    /// The path of the bucket's origin in a distribution.
    OriginPath(DistributionId),
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("kvs", rest)) => {
                let (store, key) = match rest.split_once('/') {
                    Some((store, key)) => (store, key.parse()?),
                    None => (rest, KeyName::usual()),
                };
                Ok(Self::Key(store.parse()?, key))
            }
            Some(("origin-path", id)) => Ok(Self::OriginPath(id.parse()?)),
            _ => Err("must be `kvs:<store>`, `kvs:<store>/<key>` or `origin-path:<distribution>`".to_owned()),
        }
    }
}

impl fmt::Display for Pointer {
    /// `kvs:shop-site-prd/release`, `origin-path:E2QWRUHAPOMQZL`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(store, key) => write!(f, "kvs:{store}/{key}"),
            Self::OriginPath(id) => write!(f, "origin-path:{id}"),
        }
    }
}

input_value!(name Pointer, "a pointer: `kvs:<store>/<key>` or `origin-path:<distribution>`", "kvs:shop-site-prd/release");

/// A site by its names: where its files are, and what says which release serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The bucket.
    pub bucket: BucketName,
    /// The folder of its public files; none where it is the whole bucket.
    pub prefix: Option<Prefix>,
    /// Which release serves; with a pointer, what a release is.
    pub marker: MarkerPath,
    /// What says which release serves, where that is not the marker.
    pub pointer: Option<Pointer>,
}

impl Site {
    /// The key of a public file.
    #[must_use]
    pub fn key(&self, path: &str) -> String {
        self.prefix.as_ref().map_or_else(|| path.to_owned(), |prefix| format!("{prefix}/{path}"))
    }

    /// The key of the marker.
    #[must_use]
    pub fn marker_key(&self) -> String {
        self.key(self.marker.path())
    }

    /// What belongs to the site beside its public files. No prefix has these brackets.
    #[must_use]
    pub fn beside(&self, kind: &str) -> String {
        let own = self.prefix.as_ref().map_or("(root)", Prefix::as_str);
        format!(".deploy-action/{own}/({kind})/")
    }

    /// The key of a release's manifest.
    #[must_use]
    pub fn manifest_key(&self, release: &ReleaseName) -> String {
        format!("{}{release}.json", self.beside("releases"))
    }

    /// The key of the content of a document by its hash, in hexadecimal digits.
    #[must_use]
    pub fn content_key(&self, sha256: &str) -> String {
        format!("{}{sha256}", self.beside("content"))
    }

    /// The key of what belonged to the environment when a release was served last.
    #[must_use]
    pub fn runtime_key(&self, release: &ReleaseName) -> String {
        format!("{}{release}.json", self.beside("runtime"))
    }

    /// The key of a file that is kept and not served.
    #[must_use]
    pub fn private_key(&self, release: &ReleaseName, path: &str) -> String {
        format!("{}{release}/{path}", self.beside("private"))
    }

    /// The key of a document of a release that is pointed to.
    #[must_use]
    pub fn folder_key(&self, folder: &str, path: &str) -> String {
        self.key(&format!("{FOLDERS}/{folder}/{path}"))
    }

    /// What the keys of all folders begin with whose names begin so.
    #[must_use]
    pub fn folders_key(&self, begin: &str) -> String {
        self.key(&format!("{FOLDERS}/{begin}"))
    }

    /// The path of an origin that has a release's folder.
    #[must_use]
    pub fn folder_path(&self, folder: &str) -> String {
        format!("{}/{FOLDERS}/{folder}", self.origin_path())
    }

    /// The folder of the release that the path of an origin names; none where it names no folder of this site.
    #[must_use]
    pub fn folder_at<'p>(&self, path: &'p str) -> Option<&'p str> {
        let folder = path.strip_prefix(&self.folder_path(""))?;
        (!folder.is_empty() && !folder.contains('/')).then_some(folder)
    }

    /// The key of what is remembered of a pointer.
    #[must_use]
    pub fn pointer_key(&self, pointer: &Pointer) -> String {
        format!("{}{pointer}", self.beside("pointers"))
    }

    /// The path of its origin in a distribution.
    #[must_use]
    pub fn origin_path(&self) -> String {
        self.prefix.as_ref().map(|prefix| format!("/{prefix}")).unwrap_or_default()
    }
}

impl fmt::Display for Site {
    /// `shop-site-prd/live`, without an account; `shop-site-prd/live by kvs:shop-prd/release`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.bucket.label(), self.origin_path())?;
        self.pointer.as_ref().map_or(Ok(()), |pointer| write!(f, " by {pointer}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_two_sites_of_one_bucket_never_meet() {
        let site = |prefix: Option<&str>| Site {
            bucket: "shop-111122223333".parse().unwrap(),
            prefix: prefix.map(|prefix| prefix.parse().unwrap()),
            marker: MarkerPath::usual(),
            pointer: None,
        };
        let (root, live) = (site(None), site(Some("/live/")));
        assert_eq!(
            (root.marker_key(), live.marker_key()),
            (".release.json".to_owned(), "live/.release.json".to_owned())
        );
        let release = "r1".parse().unwrap();
        assert_eq!(root.manifest_key(&release), ".deploy-action/(root)/(releases)/r1.json");
        assert_eq!(live.manifest_key(&release), ".deploy-action/live/(releases)/r1.json");
        assert_eq!(live.to_string(), "shop-*/live");
        assert_eq!(live.bucket.label().in_account(&"111122223333".parse().unwrap()), live.bucket);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in ["", "/", ".x", "a//b", "a/../b", "a b"] {
            assert!(wrong.parse::<Prefix>().is_err(), "{wrong}");
        }
        let tenant = "dt_2wjDZi3hD1ivOXf6rpZJOSNE1AB".parse::<DistributionId>().unwrap_err();
        assert!(tenant.contains("distribution tenant"), "{tenant}");
        for wrong in ["release.json", "/", "/../x"] {
            assert!(wrong.parse::<MarkerPath>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pointer_is_read_as_it_is_written() {
        for (text, written) in [
            ("kvs:shop-prd", "kvs:shop-prd/release"),
            ("kvs:shop-prd/live/app", "kvs:shop-prd/live/app"),
            ("origin-path:E2QWRUHAPOMQZL", "origin-path:E2QWRUHAPOMQZL"),
        ] {
            assert_eq!(text.parse::<Pointer>().unwrap().to_string(), written);
        }
        for wrong in
            ["", "none", "kvs", "kvs:", "kvs:a b", "kvs:shop/", "origin-path", "origin-path:arn", "kvs:shop/a b"]
        {
            assert!(wrong.parse::<Pointer>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_folder_of_a_release_is_found_in_the_path_of_an_origin() {
        let site = Site {
            bucket: "shop".parse().unwrap(),
            prefix: Some("live".parse().unwrap()),
            marker: MarkerPath::usual(),
            pointer: None,
        };
        assert_eq!(site.folder_key("v1~0", "index.html"), "live/r/v1~0/index.html");
        assert_eq!(site.folder_at(&site.folder_path("v1~0")), Some("v1~0"));
        for other in ["", "/live", "/live/r/", "/r/v1~0", "/live/r/v1~0/x"] {
            assert_eq!(site.folder_at(other), None, "{other}");
        }
    }
}
