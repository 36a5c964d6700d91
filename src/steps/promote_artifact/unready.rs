//! What keeps Lambda from running an image for a function that is named, with the fix.

use super::images::{ForLambda, Images};
use crate::lambda::{Function, FunctionName};
use crate::oci::{Digest, Unfit};
use crate::outcome::{Outcome, Step};
use crate::registry::{LetsIn, Says};
use crate::text::message;

/// What is wrong, and the fix.
pub(super) type Problem = (String, String);

/// All of it together.
///
/// # Errors
/// A refusal, if there is any.
pub(super) fn refuse(problems: Vec<Problem>) -> Step<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let reason = problems.iter().map(|(problem, _)| problem.as_str()).collect::<Vec<_>>().join("; ");
    let outcome = Outcome::fail(format!("{reason}: nothing was written"));
    Err(problems.into_iter().fold(outcome, |outcome, (_, fix)| outcome.advise(fix)).into())
}

/// What Lambda does not take of an image.
pub(super) fn label(unfit: &Unfit) -> String {
    match unfit {
        Unfit::Index => "an index".to_owned(),
        Unfit::NoImage(media_type) => format!("no image: {media_type}"),
        Unfit::Layer(media_type) => format!("a layer {media_type}"),
        Unfit::TooLarge(bytes) => format!("{bytes} bytes, compressed"),
    }
}

/// There is no image in it that the function can run.
pub(super) fn no_image(
    function: &Function,
    digest: &Digest,
    images: &Images,
    found: &ForLambda<'_>,
) -> Option<Problem> {
    let (name, architecture) = (&function.name, function.architecture);
    Some(match found {
        ForLambda::Runs(_) => return None,
        ForLambda::Nothing => (
            message!(
                "no-image-for-function",
                "{} has no image for function {name}, which is {architecture}: {}",
                digest.short(),
                images.platforms()
            ),
            format!("build it for linux/{} too, or correct `function`", architecture.oci()),
        ),
        ForLambda::DoesNot(image, Unfit::TooLarge(bytes)) => (
            message!(
                "image-too-large-for-lambda",
                "the image {} for function {name} is larger than Lambda takes: {bytes} bytes even compressed, and the limit is 10 GB unpacked",
                image.short()
            ),
            "build it smaller: leave out what the function does not use, and read large data from S3 or EFS".to_owned(),
        ),
        ForLambda::DoesNot(image, Unfit::Layer(layer)) => (
            message!(
                "layer-not-gzip",
                "the image {} for function {name} has a layer {layer}, and Lambda takes layers compressed by gzip only",
                image.short()
            ),
            "build the image with compression=gzip,force-compression=true (docker buildx `outputs`)".to_owned(),
        ),
        ForLambda::DoesNot(image, unfit) => (
            format!("{} for function {name} is {}", image.short(), label(unfit)),
            "promote the image itself, not an attestation or another artifact".to_owned(),
        ),
    })
}

/// No destination is in the region of the function.
pub(super) fn other_region(function: &FunctionName, regions: &[String], region: &str) -> Problem {
    let regions = regions.join(", ");
    (
        message!(
            "image-of-other-region",
            "what function {function} is to run is in {regions}, and Lambda takes images only from its own region, {region}"
        ),
        format!(
            "promote it into a registry in {region} too: `destination` takes lines, with `region={region}`; or correct `aws-region`"
        ),
    )
}

/// The policy of a repository of another account does not let in who has to pull.
pub(super) fn may_not_pull(
    function: &Function,
    repository: &str,
    found: LetsIn,
    region: &str,
    partition: &str,
) -> Problem {
    let who = match (found.account, found.lambda) {
        (Says::No, Says::No) => "neither the function's account nor Lambda",
        (Says::No, _) => "not the function's account",
        _ => "not Lambda",
    };
    (
        message!(
            "lambda-may-not-pull",
            "the policy of {repository} lets in {who}, and function {} is of another account than it",
            function.name
        ),
        format!(
            "have it allow ecr:BatchGetImage and ecr:GetDownloadUrlForLayer to {{\"AWS\": \"arn:{partition}:iam::<account of the function>:root\"}} \
             and to {{\"Service\": \"lambda.amazonaws.com\"}}, there with {{\"StringLike\": {{\"aws:sourceARN\": \
             \"arn:{partition}:lambda:{region}:<account of the function>:function:*\"}}}} (docs/steps/promote-artifact.md has the whole of it)"
        ),
    )
}
