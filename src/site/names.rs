//! Names of what a site is made of, and its keys.

use std::fmt;

use crate::action::inputs::{AccountId, is_made_of, is_path, text_value};

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

/// A site by its names: where its files are, and what says which release serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The bucket.
    pub bucket: BucketName,
    /// The folder of its public files; none where it is the whole bucket.
    pub prefix: Option<Prefix>,
    /// Which release serves.
    pub marker: MarkerPath,
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

    /// The path of its origin in a distribution.
    #[must_use]
    pub fn origin_path(&self) -> String {
        self.prefix.as_ref().map(|prefix| format!("/{prefix}")).unwrap_or_default()
    }
}

impl fmt::Display for Site {
    /// `shop-site-prd/live`, without an account.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.bucket.label(), self.origin_path())
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
}
