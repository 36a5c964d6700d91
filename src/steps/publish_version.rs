//! publish-version: puts an artifact into `$LATEST` and publishes a version of it.

mod apply;
mod artifact;
mod checks;
mod inputs;
mod latest_traffic;
mod plan;
mod report;
mod target;

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use futures_util::future::{join_all, try_join, try_join_all};
use schemars::JsonSchema;
use serde::Deserialize;

use self::apply::{Deployment, Ended, Published};
use self::artifact::Artifact;
use self::checks::{Judged, judge};
use self::inputs::{PerFunction, Traffic, ZipSource};
use self::plan::plan;
use self::target::Target;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Inputs, Lines, Problems, Span, Text};
use crate::context::Context;
use crate::explain::error_outcome;
use crate::lambda::{AliasName, Code, CodeId, Function, FunctionName, Lambda, Qualifier, serving};
use crate::oci::{EcrRegistry, ImageReference, RegistryName};
use crate::outcome::{Outcome, Step, Stop};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{Concurrency, RecordInputs};
use crate::rollout::update_code::{Refused, is_busy, settled};
use crate::rollout::{guard, latest};
use crate::text::truncated;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PublishVersion {
    /// The functions, one a line. Everything is checked for all of them before anything is written to one.
    function: Lines<FunctionName>,
    /// The image: `repository@sha256:..` in ECR, in the account and region of the credentials, or with the registry's host
    /// before it. A tag is resolved once.
    image: Option<PerFunction<ImageReference>>,
    /// Another registry for `image`: an account id, or a host.
    registry: Option<RegistryName>,
    /// The zip archive: a path in the workspace (at most 50 MB), or `s3://bucket/key`.
    zip: Option<PerFunction<ZipSource>>,
    /// How users reach the function: through an alias, so that they notice nothing, or without one (`latest`), so that this step
    /// changes what they get. With `latest` what serves is published and recorded first, and put back when the update fails.
    #[serde(default)]
    traffic: Traffic,
    /// The alias users call: only to report what it serves, and to warn when there is none. Not used with `traffic: latest`.
    #[serde(default = "AliasName::live")]
    alias: AliasName,
    /// What the version's description says after the commit.
    description: Option<Text>,
    #[serde(flatten)]
    record: RecordInputs,
}

impl Inputs for PublishVersion {
    fn check(&self, problems: &mut Problems) {
        let functions = &self.function.0;
        for (place, function) in functions.iter().enumerate() {
            problems.add_if(functions[..place].contains(function), format!("input `function` names {function} twice"));
        }
        match (&self.image, &self.zip) {
            (Some(image), None) => image.check("image", functions, problems),
            (None, Some(zip)) => zip.check("zip", functions, problems),
            (None, None) => problems.add("give `image` or `zip`: what is to be published"),
            (Some(_), Some(_)) => problems.add("give either `image` or `zip`, not both"),
        }
        self.check_registry(problems);
        problems.add_if(
            self.traffic == Traffic::Alias && self.record.is_given(),
            "`record`, `serves`, `migrations`, `environment-url` and `production-environment` belong to `traffic: latest`: with an \
             alias nothing that serves changes here, and swap-alias keeps the record",
        );
    }
}

impl PublishVersion {
    /// Lambda takes images from ECR only (<https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>).
    fn check_registry(&self, problems: &mut Problems) {
        let images = self.image.iter().flat_map(PerFunction::values);
        let hosts: Vec<&str> = images.filter_map(|image| image.host.as_deref()).collect();
        let named = match &self.registry {
            Some(RegistryName::Host(host)) => Some(host.as_str()),
            _ => None,
        };
        for host in hosts.iter().copied().chain(named).filter(|host| EcrRegistry::from_host(host).is_none()) {
            problems.add(format!(
                "{host} is no registry Lambda takes images from: those of ECR, `<account>.dkr.ecr.<region>.amazonaws.com`, and not their \
                 FIPS endpoints; run promote-artifact into one first"
            ));
        }
        if self.registry.is_some() {
            problems.add_if(self.image.is_none(), "input `registry` belongs to `image`, which is not given");
            problems.add_if(!hosts.is_empty(), "give the registry either in `registry` or in `image`, not in both");
        }
    }
}

impl DeployStep for PublishVersion {
    const NAME: &'static str = "publish-version";
    const ABOUT: &'static str = "Puts an artifact into a function and publishes a version of it; no traffic reaches it until an alias is moved.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("version", "The version that holds the artifact, for one function."),
        Output::value("versions", "The versions that hold the artifact, `function=version` lines."),
        Output::value(
            "code-sha256",
            "The hash of the code as Lambda tells it; `function=hash` lines for several functions.",
        ),
        Output::value(
            "digest",
            "The digest of the image; `function=digest` lines for several functions. Empty for zip archives.",
        ),
        Output::text("code-changed", "`true` if a new version holds other code than the version before it."),
        Output::text(
            "configuration-changed",
            "`true` if there is a new version of the same code: its configuration has changed.",
        ),
        Output::value(
            "previous-version",
            "The version the alias points to, or with `traffic: latest` the one that holds what served before; empty if none. \
             `function=version` lines for several functions.",
        ),
        Output::value(
            "state",
            "With `traffic: latest` what was replaced, to hand to rollback, also in another job. Holds no account.",
        ),
        Output::value(
            "deployment-id",
            "With `traffic: latest` the GitHub deployment that records this step; empty when none is kept.",
        ),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Lines("versions"), Figure::Changed];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(10);

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        if self.traffic == Traffic::Latest {
            self.record.check_with(common, problems);
            problems.add_if(
                common.deployment_id.is_some(),
                "input `deployment-id` is not used with `traffic: latest`: this step makes the record, and gives its number as the \
                 output `deployment-id`",
            );
        }
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for function in &self.function {
            cx.read_back_at_end(function, self.place());
        }
        let lambda = cx.lambda().await?;
        let (targets, history) = loop {
            let targets = self.observe(cx, &lambda).await?;
            match self.beside(cx, &targets).await? {
                Concurrency::Clear(history) => break (targets, history),
                Concurrency::Waited => {}
            }
        };
        if cx.is_dry_run() {
            return Ok(report::dry_run(cx, &targets, &self.place()));
        }
        if self.traffic == Traffic::Latest {
            return self.switch(cx, &lambda, targets, history).await;
        }
        let ended = self.deploy(cx, &lambda, &targets).await;
        self.read_back(cx, &lambda).await;
        report::outputs(cx, &targets, &ended);
        Ok(report::outcome(&targets, &ended, &self.place()))
    }
}

impl PublishVersion {
    /// Updates and publishes all functions at the same time, and how each ended.
    async fn deploy(&self, cx: &Context, lambda: &Lambda, targets: &[Target]) -> Vec<Ended> {
        let description = self.version_description(cx);
        let work = targets.iter().map(|target| {
            let deployment = Deployment { cx, lambda: lambda.separate(), target, description: &description };
            async move { ended(&deployment.target.function.name, targets.len(), deployment.deploy().await) }
        });
        join_all(work).await
    }

    /// Where users reach what serves.
    fn place(&self) -> Qualifier {
        match self.traffic {
            Traffic::Alias => Qualifier::Alias(self.alias.clone()),
            Traffic::Latest => Qualifier::Latest,
        }
    }

    /// Reads everything, for all functions; a refusal when something does not fit.
    async fn observe(&self, cx: &Context, lambda: &Lambda) -> Step<Vec<Target>> {
        let found = try_join_all(self.function.iter().map(|name| lambda.existing(name, None))).await?;
        let mut functions = Vec::new();
        for (name, found) in self.function.iter().zip(found) {
            match found {
                Some(function) => functions.push(function),
                None => return Err(report::no_function(cx, name).await?.into()),
            }
        }
        guard::check(cx, &functions.iter().collect::<Vec<_>>()).await?;
        if self.traffic == Traffic::Latest {
            const FIX: &str = "leave `traffic` out and move the alias with swap-alias once the version is published";
            functions.iter().try_for_each(|function| latest::not_managed(function, FIX))?;
            try_join_all(self.function.iter().map(|name| latest::without_alias(cx, lambda, name, FIX))).await?;
        }
        let artifacts = self.artifacts(cx).await?;
        self.judge(cx, &functions, &artifacts).await?;
        let targets = functions.into_iter().map(|function| {
            let artifact = self.artifact_of(&function.name, &artifacts);
            async move { self.target(cx, lambda, function, artifact?).await }
        });
        Ok(try_join_all(targets).await?)
    }

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

    /// Judges every function's artifact, and tells everything that is wrong.
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
    async fn target(&self, cx: &Context, lambda: &Lambda, function: Function, artifact: &Artifact) -> Result<Target> {
        let name = &function.name.clone();
        let mut function = if is_busy(&function) { settled(cx, lambda, name).await? } else { function };
        let (id, code) = loop {
            match identified(lambda, &function, artifact).await {
                Err(error) if Refused::of(&error).passes() => tracing::info!("{name} is being changed: looking again"),
                identified => break identified?,
            }
            function = settled(cx, lambda, name).await?;
        };
        let alias = async {
            match self.traffic {
                Traffic::Alias => lambda.alias(name, &self.alias).await,
                Traffic::Latest => Ok(None),
            }
        };
        let (alias, versions) = try_join(alias, lambda.versions(name)).await?;
        let newest = match versions.last() {
            Some(version) => lambda.existing(name, Some(*version)).await?,
            None => None,
        };
        let plan = plan(&function, &id, newest.as_ref());
        let denied = artifact.denied().map(str::to_owned);
        let target = Target { function, newest, alias, id, code, denied, plan, previous: None };
        if plan.update {
            report::warn_copied(cx, &target);
        }
        if self.traffic == Traffic::Alias {
            report::warn_unqualified(cx, &target, &self.alias);
        }
        tracing::info!("plan: {}", report::planned(&target));
        Ok(target)
    }

    /// Starts with the commit, so that everybody who reads the version knows what it holds.
    fn version_description(&self, cx: &Context) -> String {
        let commit = cx.commit().map(|commit| commit.to_string());
        let own = self.description.as_ref().map(|text| text.0.split_whitespace().collect::<Vec<_>>().join(" "));
        let whole = commit.into_iter().chain(own).collect::<Vec<_>>().join(" ");
        truncated(&whole, LONGEST_DESCRIPTION)
    }

    async fn read_back(&self, cx: &Context, lambda: &Lambda) {
        let place = self.place();
        let reads = self.function.iter().map(|function| lambda.serving(function, &place));
        // What cannot be read here is tried once more, and said, at the end of every step.
        if let Ok(found) = try_join_all(reads).await {
            cx.report.serving(serving::line(found));
        }
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html>
const LONGEST_DESCRIPTION: usize = 256;

/// What an artifact is called by Lambda. Of an archive in S3 only Lambda can tell without a download.
async fn identified(lambda: &Lambda, function: &Function, artifact: &Artifact) -> Result<(CodeId, Rc<Code>)> {
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

/// How it ended for one function. A refusal names its function; an error does where it is one of several.
fn ended(name: &FunctionName, functions: usize, ended: Step<Published>) -> Ended {
    ended.map_err(|stop| match stop {
        Stop::Ended(outcome) => outcome,
        Stop::Error(error) if functions > 1 => error_outcome(&error.context(name.clone())),
        Stop::Error(error) => error_outcome(&error),
    })
}
