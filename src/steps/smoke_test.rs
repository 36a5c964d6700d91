//! smoke-test: invokes a published version itself, before an alias brings it to anyone.

use anyhow::Context as _;
use futures_util::future::try_join_all;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DeployStep, Output};
use crate::action::inputs::{Inputs, Problems, Span};
use crate::context::{Context, Served};
use crate::health::event::EventKind;
use crate::health::stop_executions;
use crate::lambda::{Function, FunctionName, Lambda, TenantId, Version, VersionRef};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, FIND_EXECUTIONS, Permissions, Resource, STOP_EXECUTIONS, When};
use crate::record::status_line::Figure;
use crate::rollout::proof::{Proof, Proved};
use crate::rollout::targets::VersionTargets;
use crate::smoke::{Case, Cases, Failure, Readiness, Tested, readiness, tested};
use crate::text::{message, number_of};

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct SmokeTest {
    /// The versions to invoke.
    #[serde(flatten)]
    pub targets: VersionTargets,
    /// What kind of event the functions expect, where a case does not say.
    #[serde(default)]
    pub event: EventKind,
    /// What they are invoked with and must answer, as a YAML list: `name`, `function`, `event`, `path`, `method`, `headers`,
    /// `body` or a raw `payload`, and `expect` with `status`, `json`, `body-matches`, `max-latency`. Without it, one case:
    /// `GET /health` answers 200.
    pub cases: Option<Cases>,
    /// The tenant to invoke functions with tenant isolation for.
    pub tenant_id: Option<TenantId>,
}

impl Inputs for SmokeTest {
    fn check(&self, problems: &mut Problems) {
        self.targets.check(problems);
        problems.add_if(
            self.event == EventKind::Raw && self.cases.is_none(),
            "with `event: raw`, give `cases` with a `payload` each: there is no request to make up",
        );
        let functions: Vec<FunctionName> = self.targets.list().into_iter().map(|target| target.function).collect();
        let cases = self.cases();
        for named in cases.iter().filter_map(|case| case.function.as_ref()) {
            problems.add_if(
                !functions.contains(named),
                format!("input `cases` names function {named}, which is none of those to test"),
            );
        }
        for function in &functions {
            problems.add_if(
                !cases.iter().any(|case| case.is_for(function)),
                format!("input `cases` holds no case for function {function}"),
            );
        }
    }
}

impl DeployStep for SmokeTest {
    const NAME: &'static str = "smoke-test";
    const ABOUT: &'static str =
        "Invokes a published version itself, before it receives traffic, and judges its answers.";
    const OUTPUTS: &'static [Output] = &[
        Output::text("cases", "How many cases were run."),
        Output::text("failed-cases", "Names of the cases that failed, one a line; empty when all passed."),
        Output::text(
            "init-error",
            "Why the function does not start: `import process timeout extension snapstart runtime`, or the family of what failed \
             before the handler; empty when it starts, and when nothing says that it does not.",
        ),
        Output::text(
            "init-duration-ms",
            "How long the initialisation took, in milliseconds; of several functions the longest.",
        ),
        Output::value(
            "proof",
            "JSON that swap-alias takes: function, version, code-sha256, config-sha256, runtime-version, cases and run; a list for \
             several functions. Only when all cases passed.",
        ),
    ];
    const FIGURES: &'static [Figure] = &[
        Figure::Value("cases", "cases"),
        Figure::Count("failed", "failed-cases"),
        Figure::Value("init-ms", "init-duration-ms"),
        Figure::Elapsed,
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[
            AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
            AwsPermission::reads("lambda:GetAlias", Resource::Function).when(When::VersionByAlias),
            AwsPermission::writes("lambda:InvokeFunction", Resource::Versions),
            FIND_EXECUTIONS,
            STOP_EXECUTIONS,
        ],
        github: &[],
    };
    const TIMEOUT: Span = Span::minutes(5);
    const AT_EXPIRY: Verdict = Verdict::Fail;

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for output in Self::OUTPUTS {
            cx.report.output(output.name, "");
        }
        let lambda = cx.lambda().await?;
        let mut targets = Vec::new();
        for target in self.targets.list() {
            let version = resolved(cx, &lambda, &target.function, &target.version).await?;
            targets.push((target.function, version));
        }
        let cases = self.cases();
        if cx.is_dry_run() {
            return Ok(planned(cx, &targets, &cases));
        }
        let ready = targets.iter().map(|(function, version)| readiness(&lambda, function, *version));
        let ready = try_join_all(ready).await?;
        self.check_tenant(&ready)?;
        let each = targets.iter().zip(ready).map(async |((function, version), ready)| {
            let own: Vec<&Case> = cases.iter().filter(|case| case.is_for(function)).collect();
            let how = (self.event, self.tenant_id.as_ref());
            tested(&cx.report, &lambda, (function, *version), ready, &own, how).await
        });
        let tested = try_join_all(each).await;
        // Also of those that an error of another function broke off.
        for (function, version) in &targets {
            let by = format!("the test of version {version} of {function}");
            stop_executions(&cx.report, &lambda, function, &by).await;
        }
        let tested = tested?;
        set_outputs(cx, &tested)?;
        Ok(judged(&tested))
    }
}

impl SmokeTest {
    /// Refuses a tenant that is missing, and one that no function takes, before the first invocation.
    fn check_tenant(&self, ready: &[Readiness]) -> Result<(), Outcome> {
        let given = self.tenant_id.as_ref();
        let takes = ready.iter().map(|one| match one {
            Readiness::Ready(function) => Ok(function.tenant(given)?.is_some()),
            Readiness::Never(_) => Ok(true),
        });
        let takes = takes.collect::<Result<Vec<bool>, String>>();
        takes.and_then(|takes| Function::any_takes(given, takes)).map_err(Outcome::bad_input)
    }

    fn cases(&self) -> Cases {
        self.cases.clone().unwrap_or_default()
    }
}

/// The number of a version; an alias is looked up once, and what it serves is read back at the end.
async fn resolved(cx: &Context, lambda: &Lambda, function: &FunctionName, version: &VersionRef) -> Step<Version> {
    if let VersionRef::Alias(alias) = version {
        cx.read_back_at_end(Served::Function(function.clone(), alias.clone().into()));
    }
    let found = lambda.resolve(function, version).await.with_context(|| format!("find {version} of {function}"))?;
    let version = found.ok_or_else(|| {
        Outcome::fail(message!(
            "no-published-version",
            "{version} of {function} is no published version: the alias is missing or points to $LATEST"
        ))
        .advise("publish a version first (publish-version), and test that: $LATEST can change between test and release")
    })?;
    Ok(version)
}

fn planned(cx: &Context, targets: &[(FunctionName, Version)], cases: &Cases) -> Outcome {
    for (function, version) in targets {
        for case in cases.iter().filter(|case| case.is_for(function)) {
            let required = case.expectation().words();
            let name = format!("{}, version {version} of {function}", case.name);
            cx.report.check(name, "not run: dry run", required, Verdict::Skipped, "plan");
        }
    }
    let targets: Vec<String> = targets.iter().map(|(function, version)| format!("{function}:{version}")).collect();
    Outcome::pass(format!("dry run: would invoke {}", targets.join(", ")))
}

fn set_outputs(cx: &Context, tested: &[Tested]) -> Result<(), Outcome> {
    let run: u32 = tested.iter().map(|one| one.passed).sum();
    let failures = || tested.iter().flat_map(|one| one.failures.iter().map(move |failure| (one, failure)));
    let of_cases = failures().filter(|(_, failure)| !failure.case.is_empty());
    let names: Vec<String> = of_cases
        .map(|(one, failure)| match tested.len() {
            1 => failure.case.clone(),
            _ => format!("{}: {}", one.function, failure.case),
        })
        .collect();
    cx.report.output("cases", (run as usize + names.len()).to_string());
    cx.report.output("failed-cases", names.join("\n"));
    let family = failures().find(|(_, failure)| failure.at_init).and_then(|(_, failure)| failure.family);
    cx.report.output("init-error", family.map(|family| family.to_string()).unwrap_or_default());
    let longest = tested.iter().filter_map(|one| one.init_duration).max_by(f64::total_cmp);
    cx.report.output("init-duration-ms", longest.map(|millis| format!("{millis:.0}")).unwrap_or_default());
    if failures().next().is_none() {
        let run = cx.runner.github_run_id.clone().unwrap_or_default();
        let proved = tested.iter().filter_map(|one| {
            let described = one.described.as_ref()?;
            Some(Proved {
                function: one.function.clone(),
                version: one.version,
                code_sha256: described.code_sha256.clone(),
                config_sha256: described.config_sha256.clone(),
                runtime_version: described.runtime_version.clone(),
                cases: one.passed,
                run: run.clone(),
            })
        });
        cx.report.value("proof", Proof(proved.collect()).to_string())?;
    }
    Ok(())
}

fn judged(tested: &[Tested]) -> Outcome {
    let names: Vec<String> = tested.iter().map(|one| format!("version {} of {}", one.version, one.function)).collect();
    let passed: u32 = tested.iter().map(|one| one.passed).sum();
    let failures: Vec<(&Tested, &Failure)> =
        tested.iter().flat_map(|one| one.failures.iter().map(move |failure| (one, failure))).collect();
    let Some((one, first)) = failures.first() else {
        return Outcome::pass(format!("{} passed {}", names.join(", "), number_of(passed as usize, "case")));
    };
    let more = match failures.len() {
        1 => String::new(),
        count => format!(" (the first of {count} failures)"),
    };
    let reason = match first.case.as_str() {
        "" => format!("{}{more}", first.problem),
        case => format!("version {} of {} failed \"{case}\"{more}: {}", one.version, one.function, first.problem),
    };
    Outcome::fail(reason).advise(advice(first))
}

fn advice(failure: &Failure) -> &'static str {
    match failure.family {
        Some(family) => family.advice(),
        None if failure.case.is_empty() => {
            "give the number that publish-version put out; a version that is Failed stays so: see that its image or package \
             still exists, and publish again"
        }
        None => {
            "compare what it returned, shown above, with `expect`; no traffic reaches this version as long as no alias points \
             to it"
        }
    }
}
