//! The name of an image: `[host/]repository@sha256:..` or `[host/]repository:tag`, without an account where it can be left out.

use std::fmt;
use std::str::FromStr;

use super::digest::Digest;
use crate::action::inputs::{AccountId, Region, input_value, is_host_name};

/// An image as it is given. Without a host it is in ECR, in the account and region of the credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageReference {
    /// The registry's host, when it was given.
    pub host: Option<String>,
    /// The repository, e.g. `shop/api`.
    pub repository: String,
    /// Which image of the repository.
    pub selector: Selector,
}

/// Which image of a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// The one with this content.
    Digest(Digest),
    /// The one this tag names now.
    Tag(String),
}

impl FromStr for ImageReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, rest) = split_host(text)?;
        let (named, digest) = match rest.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse::<Digest>()?)),
            None => (rest, None),
        };
        // With both a tag and a digest, the digest says which image it is.
        let (repository, tag) = named.split_once(':').map_or((named, None), |(name, tag)| (name, Some(tag)));
        if !is_repository(repository) || tag.is_some_and(|tag| !is_tag(tag)) {
            return Err("must be an image, `repository@sha256:..` or `repository:tag`".to_owned());
        }
        let selector = match (digest, tag) {
            (Some(digest), _) => Selector::Digest(digest),
            (None, Some(tag)) => Selector::Tag(tag.to_owned()),
            (None, None) => return Err("must name one image: add `@sha256:..` (or `:tag`)".to_owned()),
        };
        Ok(Self { host: host.map(str::to_owned), repository: repository.to_owned(), selector })
    }
}

impl ImageReference {
    /// `repository@sha256:..` or `repository:tag`: without the host, which may hold an account.
    #[must_use]
    pub fn without_host(&self) -> String {
        Self { host: None, ..self.clone() }.to_string()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        match &self.selector {
            Selector::Digest(digest) => write!(f, "{}@{digest}", self.repository),
            Selector::Tag(tag) => write!(f, "{}:{tag}", self.repository),
        }
    }
}

input_value!(
    ImageReference,
    "an image, `repository@sha256:..`",
    "shop/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
);

/// A repository as it is given. Without a host it is in ECR, in the account and region of the credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryReference {
    /// The registry's host, when it was given.
    pub host: Option<String>,
    /// The repository, e.g. `shop/api`.
    pub repository: String,
}

impl FromStr for RepositoryReference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, repository) = split_host(text)?;
        if !is_repository(repository) {
            return Err("must be a repository, `repository` or `host/repository`, without a tag".to_owned());
        }
        Ok(Self { host: host.map(str::to_owned), repository: repository.to_owned() })
    }
}

impl fmt::Display for RepositoryReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        f.write_str(&self.repository)
    }
}

input_value!(RepositoryReference, "a repository, with the registry's host before it where it is not ECR", "shop/api");

/// The host before a repository, when there is one.
fn split_host(text: &str) -> Result<(Option<&str>, &str), String> {
    match text.split_once('/') {
        Some((first, rest)) if is_host(first) => {
            if is_host_name(first) {
                Ok((Some(first), rest))
            } else {
                Err("names a registry whose host has characters that no host has".to_owned())
            }
        }
        _ => Ok((None, text)),
    }
}

/// The rule of every registry client: the first part is a host if it cannot be a repository's.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost"
}

/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>
fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        let ends = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        ends(part.bytes().next())
            && ends(part.bytes().next_back())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    name.len() <= 255 && name.split('/').all(is_part)
}

/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128 && tag.bytes().next().is_some_and(word) && tag.bytes().all(|b| word(b) || b".-".contains(&b))
}

/// Another registry than that of the credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryName {
    /// ECR in this account, in the region in use.
    Account(AccountId),
    /// This host.
    Host(String),
}

impl FromStr for RegistryName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(account) = text.parse() {
            return Ok(Self::Account(account));
        }
        if is_host(text) && is_host_name(text) {
            return Ok(Self::Host(text.to_owned()));
        }
        Err("must be a registry: an account id of 12 digits, or a host".to_owned())
    }
}

impl fmt::Display for RegistryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(account) => account.fmt(f),
            Self::Host(host) => f.write_str(host),
        }
    }
}

input_value!(RegistryName, "an account id, or a registry's host", "111122223333");

/// The partitions of AWS other than the largest: how their regions begin, what the hosts of ECR end with, and the dual-stack ones.
/// Exactly: whoever owns `amazonaws.evil.com` gets no token for ECR. The SDK keeps its own table to itself; a test compares them.
const PARTITIONS: [(&str, &str, Option<&str>); 6] = [
    ("cn-", "amazonaws.com.cn", Some("on.amazonwebservices.com.cn")),
    ("eusc-", "amazonaws.eu", Some("on.amazonwebservices.eu")),
    ("us-iso-", "c2s.ic.gov", None),
    ("us-isob-", "sc2s.sgov.gov", None),
    ("us-isof-", "csp.hci.ic.gov", None),
    ("eu-isoe-", "cloud.adc-e.uk", None),
];

/// What the hosts of ECR in a region end with, and the dual-stack ones.
fn ecr_suffixes(region: &str) -> (&'static str, Option<&'static str>) {
    let known = PARTITIONS.iter().find(|(begin, ..)| region.starts_with(begin));
    known.map_or(("amazonaws.com", Some("on.aws")), |(_, suffix, dual)| (*suffix, *dual))
}

/// A registry of ECR, by its account and region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EcrRegistry {
    /// The host, as image URIs name it.
    pub host: String,
    /// The account's twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
}

impl EcrRegistry {
    /// The registry of an account in a region.
    #[must_use]
    pub fn of(account: &AccountId, region: &str) -> Self {
        let (suffix, _) = ecr_suffixes(region);
        Self {
            host: format!("{account}.dkr.ecr.{region}.{suffix}"),
            account: account.to_string(),
            region: region.to_owned(),
        }
    }

    /// Reads a host: `<account>.dkr.ecr.<region>.amazonaws.com`, or the dual-stack `<account>.dkr-ecr.<region>.on.aws`.
    /// `None` for every other registry, and for ECR's FIPS endpoints, from which Lambda takes no images
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>).
    #[must_use]
    pub fn from_host(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        let rest = rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr-ecr."))?;
        let (region, suffix) = rest.split_once('.')?;
        let account = account.parse::<AccountId>().ok()?.to_string();
        let (own, dual) = ecr_suffixes(region);
        let known = (suffix == own || Some(suffix) == dual) && region.parse::<Region>().is_ok();
        known.then(|| Self { host: host.to_owned(), account, region: region.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn an_image_is_read_with_and_without_its_host() {
        let table = [
            (format!("api@{DIGEST}"), None, "api"),
            (format!("shop/api@{DIGEST}"), None, "shop/api"),
            (format!("ghcr.io/shop/api@{DIGEST}"), Some("ghcr.io"), "shop/api"),
            (format!("localhost/api@{DIGEST}"), Some("localhost"), "api"),
            (format!("registry:5000/a_b/c-d.e@{DIGEST}"), Some("registry:5000"), "a_b/c-d.e"),
            ("shop/api:v1.2.3".to_owned(), None, "shop/api"),
        ];
        for (text, host, repository) in table {
            let image: ImageReference = text.parse().unwrap();
            assert_eq!((image.host.as_deref(), image.repository.as_str()), (host, repository), "{text}");
            assert_eq!(image.to_string(), text);
        }
    }

    #[test]
    fn a_repository_has_no_tag() {
        let read = |text: &str| text.parse::<RepositoryReference>().map(|read| (read.host, read.repository));
        assert_eq!(read("shop/api"), Ok((None, "shop/api".to_owned())));
        assert_eq!(read("ghcr.io/shop/api"), Ok((Some("ghcr.io".to_owned()), "shop/api".to_owned())));
        for wrong in ["", "api:v1", "Api", "ghcr.io/", "a/b@c", "s3://bucket/key", "gh cr.io/a"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_digest_counts_when_a_tag_is_given_too() {
        let image: ImageReference = format!("api:v1@{DIGEST}").parse().unwrap();
        assert_eq!(image.selector, Selector::Digest(DIGEST.parse().unwrap()));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for wrong in [
            "",
            "api",
            "shop/api",
            "API@sha256:1",
            "api@sha256:12",
            "api:",
            "api:-x",
            "a//b:v1",
            "/api:v1",
            "api/:v1",
            "-a:v1",
            "s3://bucket/key",
            "https://ghcr.io/a:v1",
            "gh cr.io/a:v1",
            "api:v1 ",
            "ghcr.io/a:\nv1",
        ] {
            assert!(wrong.parse::<ImageReference>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_hosts_of_ecr_are_known() {
        let registry = EcrRegistry::from_host("111122223333.dkr.ecr.eu-west-1.amazonaws.com").unwrap();
        assert_eq!((registry.account.as_str(), registry.region.as_str()), ("111122223333", "eu-west-1"));
        assert_eq!(EcrRegistry::of(&"111122223333".parse().unwrap(), "eu-west-1"), registry);
        let china = EcrRegistry::of(&"111122223333".parse().unwrap(), "cn-north-1");
        assert_eq!(EcrRegistry::from_host(&china.host), Some(china));
        for ours in [
            "111122223333.dkr-ecr.eu-west-1.on.aws",
            "111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            "111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu",
        ] {
            assert!(EcrRegistry::from_host(ours).is_some(), "{ours}");
        }
        for other in [
            "ghcr.io",
            "111122223333.dkr.ecr-fips.us-east-1.amazonaws.com",
            "1111.dkr.ecr.eu-west-1.amazonaws.com",
            "111122223333.dkr.ecr.eu-west-1.evil.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.evil.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com.",
            "111122223333.dkr.ecr.eu-west-1.on.aws.evil.com",
            "111122223333.dkr.ecr.eu-west-1.amazonaws.com:8443",
            "111122223333.dkr.ecr.evil:443.amazonaws.com",
            "public.ecr.aws",
        ] {
            assert_eq!(EcrRegistry::from_host(other), None, "{other}");
        }
    }

    #[test]
    fn a_registry_is_an_account_or_a_host() {
        assert!(matches!("111122223333".parse(), Ok(RegistryName::Account(_))));
        assert!(matches!("ghcr.io".parse(), Ok(RegistryName::Host(_))));
        for wrong in ["", "1111", "prd", "a/b.c", "https://ghcr.io"] {
            assert!(wrong.parse::<RegistryName>().is_err(), "{wrong}");
        }
    }

    const NAMES: [&str; 6] = [
        "shop/api:v1",
        "ghcr.io/org/api@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "111122223333.dkr.ecr.eu-west-1.amazonaws.com",
        "111122223333.dkr-ecr.eu-west-1.on.aws/api:v1",
        "localhost:5000/a:b",
        "111122223333",
    ];

    #[test]
    fn a_host_of_ecr_names_a_region() {
        for host in ["111122223333.dkr.ecr..amazonaws.com", "111122223333.dkr.ecr.a/b.amazonaws.com"] {
            assert_eq!(EcrRegistry::from_host(host), None, "{host}");
        }
    }

    #[test]
    fn the_hosts_of_every_partition_are_those_of_the_sdk() {
        use aws_sdk_ecr::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
        use futures_util::FutureExt as _;

        let account: AccountId = "111122223333".parse().unwrap();
        let regions = ["eu-west-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1"];
        for region in regions.into_iter().chain(["us-isof-south-1", "eu-isoe-west-1"]) {
            let params = Params::builder().region(region).build().unwrap();
            let endpoint = DefaultResolver::new().resolve_endpoint(&params).now_or_never().unwrap().unwrap();
            let suffix = endpoint.url().strip_prefix(&format!("https://api.ecr.{region}.")).unwrap();
            let registry = EcrRegistry::of(&account, region);
            assert_eq!(registry.host, format!("111122223333.dkr.ecr.{region}.{suffix}"));
            assert_eq!(EcrRegistry::from_host(&registry.host), Some(registry));
        }
        assert_eq!(EcrRegistry::from_host("111122223333.dkr.ecr.eusc-de-east-1.amazonaws.com"), None);
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&NAMES)) {
            reads_plainly::<ImageReference>(&text);
            reads_plainly::<RepositoryReference>(&text);
            reads_plainly::<RegistryName>(&text);
            if let Some(registry) = EcrRegistry::from_host(&text) {
                prop_assert!(registry.region.parse::<Region>().is_ok(), "{:?}", registry);
                prop_assert!(registry.host.starts_with(&registry.account), "{:?}", registry);
            }
        }
    }
}
