//! Buckets of S3, as a site needs them. SDK types do not leave this module.

use anyhow::{Context as _, Result};
use aws_sdk_s3::Client;

use super::{Aws, absent_is_none, refusal};

/// Whether a bucket is there.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
pub async fn exists(aws: &Aws, bucket: &str) -> Result<bool> {
    let call = Client::new(aws.config()).head_bucket().bucket(bucket);
    let found = aws.calls().aws("s3:ListBucket", || call.clone().send()).await;
    Ok(absent_is_none(found.with_context(|| format!("look for bucket {bucket}")))?.is_some())
}

/// The origins that may read a bucket from a page of their own.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html>
pub async fn cors_origins(aws: &Aws, bucket: &str) -> Result<Vec<String>> {
    let call = Client::new(aws.config()).get_bucket_cors().bucket(bucket);
    let found = aws.calls().aws("s3:GetBucketCORS", || call.clone().send()).await;
    let found = unset_is_none(found.with_context(|| format!("read the CORS rules of bucket {bucket}")))?;
    let rules = found.iter().flat_map(aws_sdk_s3::operation::get_bucket_cors::GetBucketCorsOutput::cors_rules);
    Ok(rules.flat_map(|rule| rule.allowed_origins().to_vec()).collect())
}

/// The page that static website hosting begins with; `None` where it is off.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketWebsite.html>
pub async fn website(aws: &Aws, bucket: &str) -> Result<Option<String>> {
    let call = Client::new(aws.config()).get_bucket_website().bucket(bucket);
    let found = aws.calls().aws("s3:GetBucketWebsite", || call.clone().send()).await;
    let found = unset_is_none(found.with_context(|| format!("read the website settings of bucket {bucket}")))?;
    Ok(found.map(|found| found.index_document().map(|page| page.suffix().to_owned()).unwrap_or_default()))
}

/// S3 has a word of its own for each setting that is not there.
fn unset_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error)
            if refusal(&error).is_some_and(|refusal| {
                refusal.code.starts_with("NoSuch") && refusal.code.ends_with("Configuration")
            }) =>
        {
            Ok(None)
        }
        answer => answer.map(Some),
    }
}
