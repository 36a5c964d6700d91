//! What publish-version reads before it decides: the functions, the artifacts, and whether the ones take the others.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use futures_util::future::{try_join, try_join_all};

use super::artifact::{self, Artifact};
use super::checks::{Judged, judge};
use super::inputs::{Callers, PerFunction, PublishVersion};
use super::plan::Observed;
use super::report;
use crate::context::Context;
use crate::lambda::{Code, CodeId, Function, FunctionName, Lambda};
use crate::outcome::Step;
use crate::rollout::update_code::{Refused, is_busy, wait_until_settled};
use crate::rollout::{guard, latest};

/// Reads everything, for all functions.
///
/// # Errors
/// A refusal when something does not match.
pub(super) async fn observe(step: &PublishVersion, cx: &Context) -> Step<Vec<Observed>> {
    let lambda = &cx.lambda().await?;
    let functions = functions(step, cx).await?;
    let artifacts = step.artifacts(cx).await?;
    step.judge(cx, &functions, &artifacts).await?;
    let observed = functions.into_iter().map(|function| {
        let artifact = step.artifact_of(&function.name, &artifacts);
        async move { step.observe_one(cx, lambda, function, artifact?).await }
    });
    Ok(try_join_all(observed).await?)
}

/// The functions, which must be those that are meant. Those of `traffic: latest` are reached by `$LATEST`, and not by an alias.
pub(super) async fn functions(step: &PublishVersion, cx: &Context) -> Step<Vec<Function>> {
    const FIX: &str = "leave `traffic` out and move the alias with swap-alias once the version is published";
    let lambda = &cx.lambda().await?;
    let found = try_join_all(step.function.iter().map(|name| lambda.existing(name, None))).await?;
    let mut all = Vec::new();
    for (name, found) in step.function.iter().zip(found) {
        match found {
            Some(function) => all.push(function),
            None => return Err(report::no_function(cx, name).await?.into()),
        }
    }
    guard::check(cx, &all.iter().collect::<Vec<_>>()).await?;
    let unqualified = || all.iter().filter(|function| step.callers(&function.name) == Callers::Latest);
    unqualified().try_for_each(|function| latest::refuse_managed(function, FIX))?;
    try_join_all(unqualified().map(|function| latest::refuse_aliases(cx, lambda, &function.name, FIX))).await?;
    Ok(all)
}

impl PublishVersion {
    /// Every artifact, looked for once, by its name.
    async fn artifacts(&self, cx: &Context) -> Result<BTreeMap<String, Artifact>> {
        let images = self.image.iter().flat_map(PerFunction::values).map(|image| (image.to_string(), image));
        let zips = self.zip.iter().flat_map(PerFunction::values).map(|zip| (zip.to_string(), zip));
        let mut artifacts = BTreeMap::new();
        for (name, image) in images.collect::<BTreeMap<_, _>>() {
            artifacts.insert(name, artifact::image(cx, image, self.registry.as_ref()).await?);
        }
        for (name, zip) in zips.collect::<BTreeMap<_, _>>() {
            artifacts.insert(name, artifact::zip(cx, zip).await?);
        }
        Ok(artifacts)
    }

    fn artifact_of<'a>(&self, name: &FunctionName, artifacts: &'a BTreeMap<String, Artifact>) -> Result<&'a Artifact> {
        let image = self.image.as_ref().and_then(|image| image.of(name)).map(ToString::to_string);
        let zip = self.zip.as_ref().and_then(|zip| zip.of(name)).map(ToString::to_string);
        image.or(zip).and_then(|key| artifacts.get(&key)).with_context(|| format!("no artifact for function {name}"))
    }

    /// Judges every function's artifact, and reports everything that is wrong.
    async fn judge(&self, cx: &Context, functions: &[Function], artifacts: &BTreeMap<String, Artifact>) -> Step<()> {
        let region = cx.aws().await?.region().to_owned();
        let mut problems: Vec<(String, String)> = Vec::new();
        for function in functions {
            for finding in judge(function, self.artifact_of(&function.name, artifacts)?, &region) {
                cx.report.check(&finding.name, &finding.observed, &finding.required, finding.verdict(), finding.source);
                match finding.judged {
                    Judged::Good => {}
                    Judged::Unknown(warning) => cx.report.warn(warning),
                    Judged::Bad(problem, fix) => {
                        if !problems.iter().any(|(known, _)| *known == problem) {
                            problems.push((problem, fix));
                        }
                    }
                }
            }
        }
        report::refuse(problems)
    }

    /// Everything else about one function that the plan needs, read when nothing is in progress on it.
    async fn observe_one(
        &self,
        cx: &Context,
        lambda: &Lambda,
        function: Function,
        artifact: &Artifact,
    ) -> Result<Observed> {
        let name = &function.name.clone();
        let callers = self.callers(name);
        let mut function = if is_busy(&function) { wait_until_settled(cx, lambda, name).await? } else { function };
        let (id, code) = loop {
            match identify(lambda, &function, artifact).await {
                Err(error) if Refused::of(&error).passes() => tracing::info!("{name} is being changed: looking again"),
                identity => break identity?,
            }
            function = wait_until_settled(cx, lambda, name).await?;
        };
        let alias = async {
            match &callers {
                Callers::Alias(alias) => lambda.alias(name, alias).await,
                Callers::Latest | Callers::Version => Ok(None),
            }
        };
        let (alias, versions) = try_join(alias, lambda.versions(name)).await?;
        let newest = match versions.last() {
            Some(version) => lambda.existing(name, Some(*version)).await?,
            None => None,
        };
        Ok(Observed {
            callers,
            function,
            newest,
            alias,
            id,
            code,
            denied: artifact.missing_permission().map(str::to_owned),
        })
    }
}

/// What an artifact is called by Lambda. Of an archive in S3 only Lambda knows it without a download.
async fn identify(lambda: &Lambda, function: &Function, artifact: &Artifact) -> Result<(CodeId, Rc<Code>)> {
    match artifact {
        Artifact::Image(image) => Ok((CodeId::Image(image.digest.clone()), Rc::new(Code::Image(image.uri.clone())))),
        Artifact::Zip(zip) => {
            let code = zip.code.clone().context("the zip archive is too large")?;
            let sha256 = match &zip.sha256 {
                Some(sha256) => sha256.clone(),
                None => lambda.try_code(function, &code).await?.code_sha256,
            };
            Ok((CodeId::Zip(sha256), code))
        }
        Artifact::Absent(absent) => anyhow::bail!("{} does not exist", absent.name),
    }
}
