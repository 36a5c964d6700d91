//! The functions that are to run the image: read first, for their architecture, and asked last whether Lambda takes it there.

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::images::{ForLambda, Images};
use super::inputs::PromoteArtifact;
use super::job::Job;
use super::places::Places;
use super::unready::{self, Problem};
use super::values::PlatformName;
use crate::aws::is_denied;
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{Function, FunctionName, Package};
use crate::oci::EcrRegistry;
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::{ForFunction, LetsIn, Says, lets_in};

/// For what the image is to be ready.
#[derive(Debug)]
pub(super) struct Readers {
    functions: Vec<Function>,
    /// Of the output `lambda-image` first, then of the functions.
    platforms: Vec<PlatformName>,
}

impl Readers {
    /// The functions, as they are, and the platforms that are asked for.
    pub(super) async fn read(step: &PromoteArtifact, cx: &Context) -> Step<Self> {
        let Some(names) = &step.function else {
            let platform = step.platform.clone().unwrap_or_else(PlatformName::linux_amd64);
            return Ok(Self { functions: Vec::new(), platforms: vec![platform] });
        };
        let lambda = &cx.lambda().await?;
        let found = try_join_all(names.iter().map(|name| lambda.existing(name, None))).await?;
        let mut functions = Vec::new();
        for (name, found) in names.iter().zip(found) {
            match found {
                Some(function) if function.package == Package::Zip => return Err(is_zip(cx, name).into()),
                Some(function) => functions.push(function),
                None => return Err(no_function(cx, name).await?.into()),
            }
        }
        let mut platforms: Vec<PlatformName> = step.platform.iter().cloned().collect();
        for function in &functions {
            let platform = PlatformName::of(function.architecture);
            if !platforms.contains(&platform) {
                platforms.push(platform);
            }
        }
        if step.platform.is_none() && platforms.len() > 1 {
            return Err(Outcome::fail(
                "the functions are of several architectures, and `lambda-image` names one image",
            )
            .advise(
                "say with `platform` which one, e.g. `linux/arm64`; the images for the others are checked all the same",
            )
            .into());
        }
        Ok(Self { functions, platforms })
    }

    pub(super) fn platforms(&self) -> &[PlatformName] {
        &self.platforms
    }

    /// Whether Lambda takes the image for each of the functions. All that is wrong is told together.
    ///
    /// # Errors
    /// A refusal.
    pub(super) async fn judge(&self, cx: &Context, jobs: &[Job]) -> Step<()> {
        if self.functions.is_empty() {
            return Ok(());
        }
        let region = cx.aws().await?.region().to_owned();
        let mut problems: Vec<Problem> = Vec::new();
        for function in &self.functions {
            if let Some(job) = jobs.first()
                && let Some(described) = job.observed.description()
            {
                problems.extend(form(cx, function, job, &described.images));
            }
            let own = |job: &&Job| place(&job.places).is_some_and(|registry| registry.region == region);
            let near: Vec<&Job> = jobs.iter().filter(own).collect();
            let names: Vec<String> = jobs.iter().filter_map(|job| Some(place(&job.places)?.region)).collect();
            let verdict = if near.is_empty() { Verdict::Fail } else { Verdict::Pass };
            cx.report.check(
                format!("registry for function {}", function.name),
                names.join(", "),
                &region,
                verdict,
                "plan",
            );
            if near.is_empty() {
                problems.push(unready::other_region(&function.name, &names, &region));
            }
            for job in near {
                problems.extend(access(cx, function, &region, &job.places).await?);
            }
        }
        unready::refuse(problems)
    }
}

/// Where it is in ECR.
fn place(places: &Places) -> Option<EcrRegistry> {
    EcrRegistry::from_host(&places.destination.host)
}

/// Whether there is an image in it that the function can run.
fn form(cx: &Context, function: &Function, job: &Job, images: &Images) -> Option<Problem> {
    let platform = PlatformName::of(function.architecture);
    let digest = &job.observed.artifact.digest;
    let found = images.lambda(&platform.to_string());
    let (observed, verdict) = match &found {
        ForLambda::Runs(image) => (image.to_string(), Verdict::Pass),
        ForLambda::DoesNot(image, unfit) => (format!("{}: {}", image.short(), unready::label(unfit)), Verdict::Fail),
        ForLambda::Nothing => (images.platforms(), Verdict::Fail),
    };
    let name = format!("image for function {}", function.name);
    cx.report.check(
        name,
        observed,
        format!("one for {platform}, its layers compressed by gzip"),
        verdict,
        "registry: GET manifest",
    );
    unready::no_image(function, digest, images, &found)
}

/// Whether the function's account and Lambda may pull it. In the account of the function Lambda sees to that itself, by the permissions of
/// who updates the function.
async fn access(cx: &Context, function: &Function, region: &str, places: &Places) -> Result<Option<Problem>> {
    let aws = cx.aws().await?;
    let account = aws.account().await?;
    let (Some(registry), Some(ecr)) = (place(places), places.ecr(cx).await?) else { return Ok(None) };
    let is_own = registry.account == account.as_str();
    let repository = places.destination.label();
    let check = |observed: &str, verdict| {
        let name = format!("policy of {repository} for function {}", function.name);
        let source = "ecr:GetRepositoryPolicy";
        cx.report.check(name, observed, "lets the function's account and Lambda pull", verdict, source);
    };
    let policy = match ecr.repository_policy(&places.destination.name).await {
        Ok(policy) => policy,
        Err(error) if is_denied(&error) && is_own => {
            tracing::info!("whether {repository} lets Lambda pull was not checked: {}", error_line(&error));
            return Ok(None);
        }
        Err(error) if is_denied(&error) => {
            check("not readable", Verdict::Inconclusive);
            cx.report.warn(format!(
                "whether {repository}, which is of another account, lets Lambda pull was not checked: allow ecr:GetRepositoryPolicy on it to \
                 the role of this job"
            ));
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let arn = format!("arn:{}:lambda:{region}:{account}:function:{}", partition(region), function.name);
    let found = match policy {
        Some(policy) => lets_in(&policy, ForFunction { account: account.as_str(), arn: &arn })
            .with_context(|| format!("the repository {repository}"))?,
        None => LetsIn { account: Says::No, lambda: Says::No },
    };
    if is_own {
        if found.lambda == Says::No {
            tracing::info!(
                "the policy of {repository} does not let Lambda in yet: Lambda adds that when the function is updated, by a role that may \
                 ecr:GetRepositoryPolicy and ecr:SetRepositoryPolicy on it"
            );
        }
        return Ok(None);
    }
    Ok(match found.account.min(found.lambda) {
        Says::Yes => {
            check("lets both", Verdict::Pass);
            None
        }
        Says::Unknown => {
            check("has conditions that only AWS can judge", Verdict::Inconclusive);
            cx.report.warn(format!(
                "whether {repository}, which is of another account, lets Lambda pull hangs on conditions of its policy that are not judged here"
            ));
            None
        }
        Says::No => {
            check("does not", Verdict::Fail);
            Some(unready::may_not_pull(function, &repository, found, region, partition(region)))
        }
    })
}

/// The part of AWS that a region is in.
fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

async fn no_function(cx: &Context, name: &FunctionName) -> Result<Outcome> {
    cx.report.check(format!("function {name}"), "absent", "there", Verdict::Fail, "lambda:GetFunction");
    let aws = cx.aws().await?;
    Ok(Outcome::fail(format!(
        "function {name} does not exist in {} of this account: nothing was written",
        aws.region()
    ))
    .advise("check `function`, `aws-region` and `role-to-assume`")
    .advise("where it is made only after this, with this image, leave `function` out and give its `platform`"))
}

fn is_zip(cx: &Context, name: &FunctionName) -> Outcome {
    cx.report.check(format!("package of function {name}"), "Zip", "Image", Verdict::Fail, "lambda:GetFunction");
    Outcome::fail(format!("function {name} is packed as a zip archive and runs no image: nothing was written"))
        .advise("correct `function`: a function never changes its package, so a function for images is another one")
}
