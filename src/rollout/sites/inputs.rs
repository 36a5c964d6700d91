//! The inputs that the steps share which change a site.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::Found;
use super::changes::Changes;
use super::edge::Front;
use super::planned::Switch;
use super::prune::Keep;
use super::runtime::Runtime;
use super::switch::switch;
use crate::action::inputs::{Flag, HttpUrl, Lines, Number, Problems, Yaml, input_value, is_path};
use crate::context::Context;
use crate::outcome::Step;
use crate::permissions::{AwsPermission, Resource, When};
use crate::rollout::age::Age;
use crate::site::{
    BucketName, DistributionId, KeyName, Manifest, Marker, MarkerPath, Pointer, Prefix, Site, SiteBucket, StoreName,
};

/// What a step must be allowed at AWS that changes a site.
pub const AWS_PERMISSIONS: &[AwsPermission] = &[
    AwsPermission::reads("s3:GetObject", Resource::SiteObjects),
    AwsPermission::writes("s3:PutObject", Resource::SiteObjects),
    AwsPermission::reads("s3:ListBucket", Resource::SiteBucket),
    AwsPermission::writes("s3:DeleteObject", Resource::SiteObjects)
        .optional("releases that are kept no longer are taken away"),
    AwsPermission::reads("s3:GetBucketTagging", Resource::SiteBucket).when(When::ExpectedTags),
    AwsPermission::reads("cloudfront:GetDistribution", Resource::Distribution).when(When::OfDistribution),
    AwsPermission::reads("cloudfront:DescribeFunction", Resource::EdgeFunction).when(When::EdgeFunction),
    AwsPermission::reads("cloudfront:GetFunction", Resource::EdgeFunction)
        .when(When::PointerInStore)
        .optional("releases that are kept no longer are taken away, but for what the function names"),
    AwsPermission::writes("cloudfront:CreateInvalidation", Resource::Distribution).when(When::OfDistribution),
    AwsPermission::reads("cloudfront:GetInvalidation", Resource::Distribution)
        .when(When::OfDistribution)
        .optional("whether an invalidation has reached all edges"),
    AwsPermission::reads("cloudfront:DescribeKeyValueStore", Resource::KeyValueStore).when(When::PointerInStore),
    AwsPermission::reads("cloudfront-keyvaluestore:DescribeKeyValueStore", Resource::KeyValueStore)
        .when(When::PointerInStore),
    AwsPermission::reads("cloudfront-keyvaluestore:GetKey", Resource::KeyValueStore).when(When::PointerInStore),
    AwsPermission::writes("cloudfront-keyvaluestore:UpdateKeys", Resource::KeyValueStore).when(When::PointerInStore),
    AwsPermission::reads("cloudfront:GetDistributionConfig", Resource::Distribution).when(When::PointerIsOriginPath),
    AwsPermission::writes("cloudfront:UpdateDistribution", Resource::Distribution).when(When::PointerIsOriginPath),
];

/// Which site.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SiteInputs {
    /// The bucket of the site, which belongs to the account of the credentials.
    pub bucket: BucketName,
    /// The folder of the bucket that is the site: the path of the origin in the distribution. Without it, the whole bucket.
    pub prefix: Option<Prefix>,
    /// Where the site says which release serves.
    #[serde(default = "MarkerPath::usual")]
    pub marker: MarkerPath,
    /// What says which release serves. `none`: documents are replaced in their places. `kvs:<store>` or `kvs:<store>/<key>`: each release has a
    /// folder, and a key (`release` unless named) of a key value store of CloudFront says which one; a function in front of the distribution reads
    /// it. `origin-path`: the same, and the path of the distribution's origin says it.
    #[serde(default)]
    pub pointer: PointerInput,
}

impl SiteInputs {
    /// The site, with the distributions in front of it.
    #[must_use]
    pub fn site(&self, distributions: &[DistributionId]) -> Site {
        Site {
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            marker: self.marker.clone(),
            pointer: self.pointer.pointer(distributions),
        }
    }
}

/// What says which release serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PointerInput {
    /// The marker among the files.
    #[default]
    None,
    /// A key of a store.
    Key(StoreName, KeyName),
    /// The path of the distribution's origin.
    OriginPath,
}

impl PointerInput {
    /// The pointer that is meant.
    #[must_use]
    pub fn pointer(&self, distributions: &[DistributionId]) -> Option<Pointer> {
        match self {
            Self::None => None,
            Self::Key(store, key) => Some(Pointer::Key(store.clone(), key.clone())),
            Self::OriginPath => distributions.first().map(|id| Pointer::OriginPath(id.clone())),
        }
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self != Self::None
    }

    /// What belongs to that of a source.
    pub fn check_source(&self, has_distribution: bool, problems: &mut Problems) {
        problems.add_if(
            (*self == Self::OriginPath) != has_distribution,
            "inputs `source-pointer: origin-path` and `source-distribution` belong together: the path of its origin is the pointer",
        );
    }

    /// What belongs to it.
    pub fn check(&self, distributions: usize, problems: &mut Problems) {
        problems.add_if(
            *self == Self::OriginPath && distributions != 1,
            "input `pointer: origin-path` needs one `distribution`: the path of its origin is the pointer",
        );
    }
}

impl FromStr for PointerInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "origin-path" => Ok(Self::OriginPath),
            kvs if kvs.starts_with("kvs:") => match kvs.parse()? {
                Pointer::Key(store, key) => Ok(Self::Key(store, key)),
                Pointer::OriginPath(_) => Err("must be `kvs:<store>`".to_owned()),
            },
            _ => Err("must be `none`, `kvs:<store>`, `kvs:<store>/<key>` or `origin-path`".to_owned()),
        }
    }
}

impl fmt::Display for PointerInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Key(store, key) => write!(f, "kvs:{store}/{key}"),
            Self::OriginPath => f.write_str("origin-path"),
        }
    }
}

input_value!(name PointerInput, "`none`, `kvs:<store>`, `kvs:<store>/<key>` or `origin-path`", "kvs:shop-site-prd");

/// What is in front of the site, and how it is proved.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct EdgeInputs {
    /// The distributions of CloudFront in front of the site, one a line: what changed is invalidated at each.
    pub distribution: Option<Lines<DistributionId>>,
    /// Where the site is read back, one a line. Without it, at the first alias of each distribution, else at its domain name; a site without a
    /// distribution needs it.
    pub url: Option<Lines<HttpUrl>>,
    /// Wait until an invalidation has reached all edges.
    #[serde(default = "yes")]
    pub wait_invalidation: Flag,
    /// Fail where a file that is not there is answered with a page, which breaks tabs that are open. Else that is a warning.
    #[serde(rename = "require-404", default)]
    pub require_404: Flag,
    /// What belongs to the environment and not to the release, as YAML: path and content. It is no part of the release's digest, so that one
    /// build serves all environments. A mapping becomes JSON.
    pub runtime_config: Option<RuntimeConfig>,
    /// How many requests go to S3 at once.
    #[serde(default = "parallel")]
    pub max_parallel: Number<1, 64>,
}

fn yes() -> Flag {
    Flag(true)
}

fn parallel() -> Number<1, 64> {
    Number(32)
}

impl EdgeInputs {
    /// Switches the site to what was planned, as these inputs say; with the marker that serves.
    ///
    /// # Errors
    /// As [`switch`].
    pub async fn switch(
        &self,
        cx: &Context,
        (site, bucket): (&Site, &SiteBucket),
        (found, wanted, changes): (&Found, &Manifest, &Changes),
        (fronts, edge): (&[Front], Option<&String>),
    ) -> Step<Marker> {
        let planned = Switch {
            site,
            bucket,
            found,
            wanted,
            changes,
            runtime: self.runtime_config.as_ref().map(|config| config.0.as_slice()),
            fronts,
            edge: edge.cloned(),
            waits: self.wait_invalidation.0,
            at_once: self.max_parallel.0,
        };
        let (marker, paths) = switch(cx, &planned).await?;
        cx.report.output("invalidated-paths", paths.to_string());
        Ok(marker)
    }

    /// The site is read back somewhere, and its pointer has what belongs to it.
    pub fn check(&self, pointer: &PointerInput, problems: &mut Problems) {
        pointer.check(self.ids().len(), problems);
        problems.add_if(
            self.distribution.is_none() && self.url.is_none(),
            "give `distribution`, or `url` for a site without one: what was published is read back there",
        );
    }

    /// The ids of the distributions.
    #[must_use]
    pub fn ids(&self) -> Vec<DistributionId> {
        self.distribution.iter().flatten().cloned().collect()
    }

    /// Where the site is read back.
    #[must_use]
    pub fn urls(&self, fronts: &[Front]) -> Vec<Url> {
        match &self.url {
            Some(urls) => urls.iter().map(|url| url.0.clone()).collect(),
            None => fronts.iter().filter_map(|front| front.url().parse().ok()).collect(),
        }
    }
}

/// Which releases are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct KeepInputs {
    /// Releases that were replaced no longer ago are kept, with all their files.
    #[serde(default = "month")]
    pub prune_after: Age,
    /// So many of the newest releases are kept, whatever their age.
    #[serde(default = "ten")]
    pub keep_releases: Number<1, 1000>,
}

fn month() -> Age {
    Age::days(30)
}

fn ten() -> Number<1, 1000> {
    Number(10)
}

impl KeepInputs {
    /// Which releases are kept.
    #[must_use]
    pub const fn keep(&self) -> Keep {
        Keep { count: self.keep_releases.0 as usize, age: self.prune_after.0 }
    }
}

/// Documents of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeConfig(pub Vec<Runtime>);

impl FromStr for RuntimeConfig {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = "must be a YAML map of paths and their content";
        let Yaml::Mapping(members) = Yaml::read(text).map_err(|error| format!("{shape} ({error})"))? else {
            return Err(shape.to_owned());
        };
        let each = members.into_iter().map(|(path, value)| {
            let bare = path.trim_start_matches('/').to_owned();
            if !is_path(&bare) {
                return Err("has a path that is none: letters, digits, `._-+@`, spaces and `/`".to_owned());
            }
            let content = match &value {
                Yaml::Mapping(_) | Yaml::List(_) => value.json().to_string(),
                other => other.text().map(str::to_owned).unwrap_or_default(),
            };
            Ok(Runtime::new(&bare, content))
        });
        let all: Vec<Runtime> = each.collect::<Result<_, _>>()?;
        if all.is_empty() { Err(shape.to_owned()) } else { Ok(Self(all)) }
    }
}

impl fmt::Display for RuntimeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.0.iter().map(|one| (one.path.clone(), serde_json::Value::String(one.content.clone())));
        write!(f, "{}", serde_json::Value::Object(each.collect()))
    }
}

input_value!(RuntimeConfig, "a YAML map `path: content`", r#"{"config.json": {"api": "https://api.example.com"}}"#);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_config_is_read_by_path() {
        let read: RuntimeConfig = "/config.json: {api: 'https://a'}\nenv.js: |\n  window.env = 1\n".parse().unwrap();
        let all: Vec<(&str, &str)> = read.0.iter().map(|one| (one.path.as_str(), one.content.as_str())).collect();
        assert_eq!(all, [("config.json", r#"{"api":"https://a"}"#), ("env.js", "window.env = 1\n")]);
        assert_eq!(read.to_string().parse::<RuntimeConfig>().unwrap().0[1].content, "window.env = 1\n");
        for wrong in ["", "text", "{}", "../x: a", "a//b: c"] {
            assert!(wrong.parse::<RuntimeConfig>().is_err(), "{wrong}");
        }
    }
}
