//! A site: its bucket, who may read it from pages of their own, and the distribution in front.

use anyhow::{Result, anyhow};
use roxmltree::Document;
use serde::Deserialize;

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::{Flag, texts};
use crate::aws::signed::{Rest, Service, Signed};
use crate::aws::{Aws, buckets};
use crate::outcome::Step;

const NEEDS: &str = "s3:ListBucket";
const CORS: &str = "s3:GetBucketCORS";
const WEBSITE: &str = "s3:GetBucketWebsite";
const DISTRIBUTION: &str = "cloudfront:GetDistribution";

/// What the site is made of.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Its bucket.
    bucket: Option<String>,
    /// Ids of its distributions.
    #[serde(default, deserialize_with = "texts")]
    distributions: Vec<String>,
    /// Origins that must be allowed to read the bucket, `https://shop.example.com`.
    #[serde(default, deserialize_with = "texts")]
    cors: Vec<String>,
    /// Whether static website hosting must be on, or off. Behind a distribution it is off.
    #[serde(default)]
    website: Option<Flag>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    if options.bucket.is_none() && options.distributions.is_empty() {
        return Ok(nothing_named("buckets and distributions", NEEDS, "`bucket` or `distributions`"));
    }
    let aws = match job.cx.aws().await {
        Ok(aws) => aws,
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, "bucket and distributions", NEEDS, error)?]),
    };
    let mut found = Vec::new();
    if let Some(bucket) = &options.bucket {
        found.extend(of_bucket(job, &aws, bucket, options).await?);
    }
    for id in &options.distributions {
        let what = format!("distribution {id}");
        found.push(match distribution(&aws, id).await {
            Ok(distribution) => judge_distribution(what, &distribution, options.bucket.as_deref()),
            Err(error) => Finding::unanswered(job.cx, what, DISTRIBUTION, error)?,
        });
    }
    Ok(found)
}

async fn of_bucket(job: &Job<'_>, aws: &Aws, bucket: &str, options: &Options) -> Step<Vec<Finding>> {
    let what = |of: &str| format!("bucket {bucket}{of}");
    let mut found = match buckets::exists(aws, bucket).await {
        Ok(true) => vec![Finding::ok(what(""), NEEDS, "it is there")],
        Ok(false) => {
            let advice = "make it with what makes the others, or correct `bucket`";
            return Ok(vec![Finding::fail(what(""), NEEDS, "there is none of this name", advice)]);
        }
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, what(""), NEEDS, error)?]),
    };
    if !options.cors.is_empty() {
        match buckets::cors_origins(aws, bucket).await {
            Ok(origins) => found.extend(options.cors.iter().map(|wanted| judge_origin(bucket, wanted, &origins))),
            Err(error) => found.push(Finding::unanswered(job.cx, what(", CORS"), CORS, error)?),
        }
    }
    if let Some(Flag(wanted)) = options.website {
        found.push(match buckets::website(aws, bucket).await {
            Ok(page) => {
                let shown = page.as_ref().map_or_else(|| "off".to_owned(), |page| format!("on, begins with {page}"));
                let advice = "switch static website hosting as it is meant: `aws s3 website`, or `aws s3api delete-bucket-website`";
                let required = if wanted { "on" } else { "off" };
                Finding::when(page.is_some() == wanted, what(", website hosting"), WEBSITE, shown, advice).require(required)
            }
            Err(error) => Finding::unanswered(job.cx, what(", website hosting"), WEBSITE, error)?,
        });
    }
    Ok(found)
}

/// An origin is allowed by itself, by `*`, or by a pattern with one star.
fn judge_origin(bucket: &str, wanted: &str, origins: &[String]) -> Finding {
    let fits = |allowed: &String| match allowed.split_once('*') {
        Some((begin, end)) => {
            wanted.len() >= begin.len() + end.len() && wanted.starts_with(begin) && wanted.ends_with(end)
        }
        None => allowed == wanted,
    };
    let shown = if origins.is_empty() { "no CORS rules".to_owned() } else { format!("allows {}", origins.join(", ")) };
    let advice = format!("allow {wanted} in the CORS rules of the bucket");
    Finding::when(origins.iter().any(fits), format!("bucket {bucket}, CORS for {wanted}"), CORS, shown, advice)
        .require("allowed")
}

/// What a distribution is.
#[derive(Debug, Default)]
struct Distribution {
    status: String,
    is_enabled: bool,
    origins: Vec<String>,
}

/// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetDistribution.html>
async fn distribution(aws: &Aws, id: &str) -> Result<Distribution> {
    let service = Service { name: "cloudfront", id: "CloudFront" };
    let api = Signed::global(aws, service, "cloudfront.amazonaws.com", "us-east-1")?;
    let id = percent_encoding::utf8_percent_encode(id, crate::text::escape::RESERVED);
    let path = format!("2020-05-31/distribution/{id}");
    let call = || api.xml(DISTRIBUTION, Rest { method: "GET", path: &path, guard: None, body: String::new() });
    let (_, answer) = aws.calls().read(DISTRIBUTION, call).await?;
    let document =
        Document::parse(&answer).map_err(|error| anyhow!("the answer of CloudFront could not be read: {error}"))?;
    let texts = |name: &str| {
        let found = document.descendants().filter(|node| node.tag_name().name() == name);
        found.filter_map(|node| node.text()).map(str::to_owned).collect::<Vec<_>>()
    };
    let root = document.root_element();
    let child = |parent: roxmltree::Node<'_, '_>, name: &str| {
        let found = parent.children().find(|node| node.tag_name().name() == name);
        found.and_then(|node| node.text()).map(str::to_owned)
    };
    let config = root.children().find(|node| node.tag_name().name() == "DistributionConfig");
    Ok(Distribution {
        status: child(root, "Status").unwrap_or_default(),
        is_enabled: config.and_then(|config| child(config, "Enabled")).as_deref() == Some("true"),
        origins: texts("DomainName"),
    })
}

fn judge_distribution(what: String, found: &Distribution, bucket: Option<&str>) -> Finding {
    let of_bucket =
        bucket.is_none_or(|bucket| found.origins.iter().any(|host| host.starts_with(&format!("{bucket}.s3"))));
    let shown = match (found.is_enabled, of_bucket) {
        (false, _) => "disabled: it answers nobody".to_owned(),
        (true, false) => "enabled, and has another bucket behind it".to_owned(),
        (true, true) => format!("enabled, {}", found.status),
    };
    let advice = "enable the distribution, and let its origin be the bucket; or correct `distributions` or `bucket`";
    Finding::when(found.is_enabled && of_bucket, what, DISTRIBUTION, shown, advice)
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State::{Fail, Ok};
    use super::*;

    #[test]
    fn an_origin_and_a_distribution_are_judged_by_what_they_lead_to() {
        let origins = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
        let wanted = "https://shop.example.com";
        for (allowed, state) in [
            (origins(&[wanted]), Ok),
            (origins(&["*"]), Ok),
            (origins(&["https://*.example.com"]), Ok),
            (origins(&["https://*.example.org"]), Fail),
            (origins(&[]), Fail),
        ] {
            assert_eq!(judge_origin("site", wanted, &allowed).state, state, "{allowed:?}");
        }
        let of = |is_enabled, origin: &str| {
            let found = Distribution { status: "Deployed".to_owned(), is_enabled, origins: origins(&[origin]) };
            judge_distribution("d".to_owned(), &found, Some("site")).state
        };
        assert_eq!(of(true, "site.s3.eu-west-1.amazonaws.com"), Ok);
        assert_eq!(of(false, "site.s3.eu-west-1.amazonaws.com"), Fail);
        assert_eq!(of(true, "site-two.s3.eu-west-1.amazonaws.com"), Fail);
    }
}
