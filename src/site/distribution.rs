//! `CloudFront`, as a site needs it: by signed requests of our own.

use anyhow::{Context as _, Result, anyhow};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use roxmltree::{Document, Node};

use super::names::{BucketName, DistributionId};
use crate::aws::signed::{Rest, Service, Signed};
use crate::aws::{Aws, Kind, refusal};
use crate::calls::{self, Answer, UnknownValue};
use crate::text::escape::markup;

const GET: &str = "cloudfront:GetDistribution";
const DESCRIBE: &str = "cloudfront:DescribeFunction";
const CODE: &str = "cloudfront:GetFunction";
const INVALIDATE: &str = "cloudfront:CreateInvalidation";
const CONFIGURATION: &str = "cloudfront:GetDistributionConfig";
const UPDATE: &str = "cloudfront:UpdateDistribution";
const LOOK: &str = "cloudfront:GetInvalidation";
const VERSION: &str = "2020-05-31";

/// What stays as it is in a path: `CloudFront` decodes none of them.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A path of a site, as viewers ask for it.
#[must_use]
pub(super) fn url_path(path: &str) -> String {
    format!("/{}", utf8_percent_encode(path, PATH))
}

/// A path of a site, encoded as an invalidation names it. A tilde must be encoded there, and then it is not the one that viewers ask with
/// (<https://github.com/aws/aws-sdk/issues/525>): all that begins so is named.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html>
#[must_use]
pub fn invalidation_path(path: &str) -> String {
    match path.split_once('~') {
        Some((begin, _)) => format!("{}*", url_path(begin)),
        None => url_path(path),
    }
}

/// A distribution in front of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Its own domain name.
    pub domain: String,
    /// The domain names that users know.
    pub aliases: Vec<String>,
    /// Whether it answers.
    pub is_enabled: bool,
    /// Its origins: domain names, and the paths before all keys.
    pub origins: Vec<(String, String)>,
    /// The ARNs of the functions in front of it.
    pub functions: Vec<String>,
}

/// A function in front of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdgeFunction {
    /// What its code is, where that can be told: its `ETag` on the stage that serves.
    pub etag: String,
    /// The ARNs of the key value stores that it reads.
    pub stores: Vec<String>,
}

/// The configuration of a distribution as it was read: it is sent back as it came, but for what is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Its `ETag`.
    pub etag: String,
    xml: String,
}

/// The client.
#[derive(Clone, Debug)]
pub struct Cdn {
    aws: Aws,
    api: Signed,
}

impl Cdn {
    /// The client.
    ///
    /// # Errors
    /// HTTP cannot be set up.
    pub fn new(aws: Aws) -> Result<Self> {
        let service = Service { name: "cloudfront", id: "CloudFront" };
        Ok(Self { api: Signed::global(&aws, service, "cloudfront.amazonaws.com", "us-east-1")?, aws })
    }

    async fn get(&self, action: &'static str, path: &str) -> Result<(Option<String>, String)> {
        let call = || self.api.xml(action, Rest { method: "GET", path, guard: None, body: String::new() });
        self.aws.calls().read(action, call).await
    }

    /// Reads a distribution.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetDistribution.html>
    ///
    /// # Errors
    /// There is none, or `CloudFront` refuses.
    pub async fn distribution(&self, id: &DistributionId) -> Result<Distribution> {
        let read = self.get(GET, &format!("{VERSION}/distribution/{id}")).await;
        let (_, answer) = read.with_context(|| format!("read distribution {id}"))?;
        read_distribution(&answer)
    }

    /// Looks at a function.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DescribeFunction.html>
    ///
    /// # Errors
    /// `CloudFront` refuses.
    pub async fn function(&self, arn: &str) -> Result<EdgeFunction> {
        let Some(name) = function_name(arn) else {
            return Ok(EdgeFunction { etag: arn.to_owned(), stores: Vec::new() });
        };
        let read = self.get(DESCRIBE, &format!("{VERSION}/function/{name}/describe?Stage=LIVE")).await;
        let (etag, answer) = read.with_context(|| format!("look at function {name}"))?;
        let document = parse(&answer)?;
        let stores = document.descendants().filter(|node| node.tag_name().name() == "KeyValueStoreARN");
        let stores = stores.filter_map(|node| node.text().map(str::to_owned)).collect();
        Ok(EdgeFunction { etag: etag.unwrap_or_default(), stores })
    }

    /// Reads the code of a function, on the stage that serves.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetFunction.html>
    ///
    /// # Errors
    /// `CloudFront` refuses.
    pub async fn code(&self, name: &str) -> Result<String> {
        let read = self.get(CODE, &format!("{VERSION}/function/{name}?Stage=LIVE")).await;
        read.map(|(_, code)| code).with_context(|| format!("read the code of function {name}"))
    }

    /// Reads the configuration of a distribution.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetDistributionConfig.html>
    ///
    /// # Errors
    /// There is none, or `CloudFront` refuses.
    pub async fn configuration(&self, id: &DistributionId) -> Result<Configuration> {
        let read = self.get(CONFIGURATION, &format!("{VERSION}/distribution/{id}/config")).await;
        let (etag, xml) = read.with_context(|| format!("read the configuration of distribution {id}"))?;
        Ok(Configuration { etag: etag.context("CloudFront names no ETag of the configuration")?, xml })
    }

    /// Writes the configuration of a distribution over the one that was read; false where another one is there.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html>
    ///
    /// # Errors
    /// `CloudFront` refuses for any other reason.
    pub async fn configure(&self, id: &DistributionId, wanted: &Configuration) -> Result<bool> {
        let path = format!("{VERSION}/distribution/{id}/config");
        let call = || {
            let (guard, body) = (Some(wanted.etag.as_str()), wanted.xml.clone());
            self.api.xml(UPDATE, Rest { method: "PUT", path: &path, guard, body })
        };
        match self.aws.calls().write(&format!("update distribution {id}"), calls::Kind::Repeatable, call).await {
            Ok(_) => Ok(true),
            Err(error) if refusal(&error).is_some_and(|one| is_guarded(one.kind, &one.code)) => {
                self.aws.calls().correct(Answer::Refused);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Notes of the last write that it was carried out after all: its answer was lost, and sent again it met itself.
    pub(super) fn note_applied(&self) {
        self.aws.calls().correct(Answer::Applied);
    }

    /// Whether the configuration of a distribution has reached all edges.
    ///
    /// # Errors
    /// `CloudFront` refuses, or its status is one that this release does not know.
    pub async fn is_deployed(&self, id: &DistributionId) -> Result<bool> {
        let (_, answer) = self.get(GET, &format!("{VERSION}/distribution/{id}")).await?;
        match text(parse(&answer)?.root_element(), "Status").unwrap_or_default().as_str() {
            "Deployed" => Ok(true),
            "InProgress" => Ok(false),
            other => Err(UnknownValue::new("the status of a distribution", other).into()),
        }
    }

    /// Begins an invalidation, and answers its id; nothing where too many are in progress. The same reference with the same paths is the same
    /// invalidation, however often it is sent.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html>
    ///
    /// # Errors
    /// `CloudFront` refuses.
    pub async fn invalidate(&self, id: &DistributionId, reference: &str, paths: &[String]) -> Result<Option<String>> {
        let items: Vec<String> = paths.iter().map(|path| format!("<Path>{}</Path>", markup(path))).collect();
        let items = items.concat();
        let body = format!(
            "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/{VERSION}/\"><Paths><Quantity>{}</Quantity><Items>{items}</Items>\
             </Paths><CallerReference>{reference}</CallerReference></InvalidationBatch>",
            paths.len()
        );
        let path = format!("{VERSION}/distribution/{id}/invalidation");
        let what = format!("invalidate {} paths of {id}", paths.len());
        let call = || self.api.xml(INVALIDATE, Rest { method: "POST", path: &path, guard: None, body: body.clone() });
        match self.aws.calls().write(&what, calls::Kind::Repeatable, call).await {
            Ok((_, answer)) => {
                let document = parse(&answer)?;
                Ok(Some(text(document.root_element(), "Id").context("CloudFront names no invalidation")?))
            }
            Err(error) if refusal(&error).is_some_and(|one| one.code == "TooManyInvalidationsInProgress") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether an invalidation has reached all edges.
    /// <https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_GetInvalidation.html>
    ///
    /// # Errors
    /// `CloudFront` refuses.
    pub async fn is_invalidated(&self, id: &DistributionId, invalidation: &str) -> Result<bool> {
        let (_, answer) = self.get(LOOK, &format!("{VERSION}/distribution/{id}/invalidation/{invalidation}")).await?;
        Ok(text(parse(&answer)?.root_element(), "Status").as_deref() == Some("Completed"))
    }
}

/// `InvalidIfMatchVersion` is 400.
fn is_guarded(kind: Kind, code: &str) -> bool {
    matches!(kind, Kind::Precondition | Kind::Conflict) || code == "InvalidIfMatchVersion"
}

impl Configuration {
    /// The path of the origin that leads to a bucket and that pages come from; `None` where they come from elsewhere.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn origin_path(&self, bucket: &BucketName) -> Result<Option<String>> {
        let document = parse(&self.xml)?;
        let origin = origin_of(&document, bucket);
        Ok(origin.map(|origin| text(origin, "OriginPath").unwrap_or_default()))
    }

    /// The same with another path of that origin; all else is as it was read.
    ///
    /// # Errors
    /// It cannot be read, or pages come from elsewhere.
    pub fn with_origin_path(&self, bucket: &BucketName, path: &str) -> Result<Self> {
        let document = parse(&self.xml)?;
        let origin = origin_of(&document, bucket).context("the pages of the distribution come from elsewhere")?;
        let place = if let Some(there) = child(origin, "OriginPath") {
            there.range()
        } else {
            let end = child(origin, "DomainName").context("an origin has no domain name")?.range().end;
            end..end
        };
        let mut xml = self.xml.clone();
        xml.replace_range(place, &format!("<OriginPath>{}</OriginPath>", markup(path)));
        Ok(Self { etag: self.etag.clone(), xml })
    }
}

/// The origin of the default behaviour, where it is the bucket.
fn origin_of<'a, 'i>(document: &'a Document<'i>, bucket: &BucketName) -> Option<Node<'a, 'i>> {
    let root = document.root_element();
    let target = text(child(root, "DefaultCacheBehavior")?, "TargetOriginId")?;
    let mut origins = child(root, "Origins")?.descendants().filter(|node| node.tag_name().name() == "Origin");
    let origin = origins.find(|origin| text(*origin, "Id").as_ref() == Some(&target))?;
    is_of_bucket(&text(origin, "DomainName")?, bucket).then_some(origin)
}

/// The name of a function of `CloudFront`; `None` of one of Lambda.
#[must_use]
pub fn function_name(arn: &str) -> Option<&str> {
    arn.split_once(":function/").map(|(_, name)| name)
}

/// Whether the domain name of an origin is that of a bucket.
#[must_use]
pub fn is_of_bucket(host: &str, bucket: &BucketName) -> bool {
    ["s3.", "s3-"].iter().any(|mark| host.starts_with(&format!("{bucket}.{mark}")))
}

fn parse(answer: &str) -> Result<Document<'_>> {
    Document::parse(answer).map_err(|error| anyhow!("the answer of CloudFront could not be read: {error}"))
}

fn child<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    parent.children().find(|node| node.tag_name().name() == name)
}

fn text(parent: Node<'_, '_>, name: &str) -> Option<String> {
    child(parent, name)?.text().map(str::to_owned)
}

fn read_distribution(answer: &str) -> Result<Distribution> {
    let document = parse(answer)?;
    let root = document.root_element();
    let config = child(root, "DistributionConfig").context("CloudFront answered no configuration")?;
    let under = |name: &str| config.descendants().filter(|node| node.tag_name().name() == name).collect::<Vec<_>>();
    let aliases = child(config, "Aliases").into_iter().flat_map(|aliases| aliases.descendants());
    let aliases = aliases.filter(|node| node.tag_name().name() == "CNAME").filter_map(|node| node.text());
    let origins = under("Origin")
        .into_iter()
        .map(|origin| (text(origin, "DomainName").unwrap_or_default(), text(origin, "OriginPath").unwrap_or_default()));
    let mut functions: Vec<String> = ["FunctionARN", "LambdaFunctionARN"]
        .iter()
        .flat_map(|name| under(name))
        .filter_map(|node| node.text().map(str::to_owned))
        .collect();
    functions.sort();
    functions.dedup();
    Ok(Distribution {
        domain: text(root, "DomainName").unwrap_or_default(),
        aliases: aliases.map(str::to_owned).collect(),
        is_enabled: text(config, "Enabled").as_deref() == Some("true"),
        origins: origins.collect(),
        functions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_as_cloudfront_wants_it() {
        for (path, expected) in [
            ("index.html", "/index.html"),
            ("a b/c#d%e.html", "/a%20b/c%23d%25e.html"),
            ("a b/c~d.html", "/a%20b/c*"),
            ("schön.html", "/sch%C3%B6n.html"),
        ] {
            assert_eq!(invalidation_path(path), expected);
        }
    }

    #[test]
    fn a_distribution_is_read() {
        let answer = "<Distribution xmlns='http://cloudfront.amazonaws.com/doc/2020-05-31/'><Id>E1</Id><DomainName>d1.cloudfront.net</DomainName>\
            <DistributionConfig><Aliases><Quantity>1</Quantity><Items><CNAME>shop.example.com</CNAME></Items></Aliases><Origins><Items><Origin>\
            <DomainName>site.s3.eu-west-1.amazonaws.com</DomainName><OriginPath>/live</OriginPath></Origin></Items></Origins>\
            <DefaultCacheBehavior><FunctionAssociations><Items><FunctionAssociation><FunctionARN>arn:aws:cloudfront::1:function/f</FunctionARN>\
            </FunctionAssociation></Items></FunctionAssociations></DefaultCacheBehavior><Enabled>true</Enabled></DistributionConfig></Distribution>";
        let read = read_distribution(answer).unwrap();
        assert_eq!((read.domain.as_str(), read.is_enabled), ("d1.cloudfront.net", true));
        assert_eq!(read.aliases, ["shop.example.com"]);
        assert_eq!(read.origins, [("site.s3.eu-west-1.amazonaws.com".to_owned(), "/live".to_owned())]);
        assert_eq!(read.functions, ["arn:aws:cloudfront::1:function/f"]);
    }

    #[test]
    fn of_a_configuration_only_the_path_of_the_origin_of_pages_is_changed() {
        let xml = "<?xml version=\"1.0\"?>\n<DistributionConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Origins><Items>\
            <Origin><Id>api</Id><DomainName>api.example.com</DomainName><OriginPath>/v1</OriginPath></Origin>\
            <Origin><Id>site</Id><DomainName>shop.s3.eu-west-1.amazonaws.com</DomainName>PATH<New>kept</New></Origin></Items></Origins>\
            <DefaultCacheBehavior><TargetOriginId>site</TargetOriginId></DefaultCacheBehavior></DistributionConfig>";
        let bucket = "shop".parse().unwrap();
        let read = |path: &str| Configuration { etag: "1".to_owned(), xml: xml.replace("PATH", path) };
        let wanted = read("<OriginPath>/r/v2~1</OriginPath>");
        for (path, expected) in [("<OriginPath>/r/v1~0</OriginPath>", "/r/v1~0"), ("<OriginPath/>", ""), ("", "")] {
            let there = read(path);
            assert_eq!(there.origin_path(&bucket).unwrap().as_deref(), Some(expected));
            assert_eq!(there.with_origin_path(&bucket, "/r/v2~1").unwrap(), wanted);
        }
        let other = "other".parse().unwrap();
        assert_eq!(wanted.origin_path(&other).unwrap(), None);
        assert!(wanted.with_origin_path(&other, "/x").is_err());
    }
}
