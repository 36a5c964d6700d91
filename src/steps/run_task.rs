//! run-task: runs a task once, on ECS, Lambda or CodeBuild, and tells how it ended. Never two at once for one purpose: what an earlier
//! attempt has started is found again by its name.

mod backend;
mod build;
mod follow;
mod function;
mod inputs;
mod judge;
mod log;
mod plan;
mod rehearse;
mod report;
mod said;
mod seen;
mod task;
mod values;

use self::backend::Backend;
use self::build::BuildRun;
use self::follow::read_back;
pub use self::inputs::RunTask;
use self::inputs::Where;
use self::plan::{Known, Label, Plan, plan};
use self::task::TaskRun;
use super::{DeployStep, Output};
use crate::action::inputs::Problems;
use crate::action::inputs::Span;
use crate::action::inputs::common::CommonInputs;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{OnConcurrent, component};
use crate::rollout::guard;

impl DeployStep for RunTask {
    const NAME: &'static str = "run-task";
    const ABOUT: &'static str = "Runs a task once, on ECS, Lambda or CodeBuild, with its log, and tells how it ended: migrations, tests in a VPC. Or rehearses migrations.";
    const OUTPUTS: &'static [Output] = &[
        Output::text(
            "exit-code",
            "What the container that decides ended with; empty where it has none. Of a build, what its command exited with.",
        ),
        Output::text("task", "What was run: `cluster/id`, `function:version`, or the id of the build."),
        Output::text(
            "ended-as",
            "`exited failed never-started out-of-memory interrupted stopped timed-out unknown`, or `rehearsed`; empty while it goes on.",
        ),
        Output::value(
            "last-json",
            "The last line of the log that is JSON, or what the function answered, or what a rehearsal found.",
        ),
        Output::value(
            "applied",
            "Versions of migrations that the task says it has applied, one a line; empty after a rehearsal: what deploy-service takes as `migrations`.",
        ),
        Output::value("schema-version", "The version of the schema at the end, as the task says it."),
        Output::text("log-url", "Its log in the AWS console."),
    ];
    const FIGURES: &'static [Figure] =
        &[Figure::Value("exit", "exit-code"), Figure::Value("schema", "schema-version"), Figure::Elapsed];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(15);
    const AT_EXPIRY: Verdict = Verdict::Fail;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.rehearsal.check_with(common, problems);
        problems.add_if(
            common.expected_tags.is_some() && self.service.is_none() && self.function.is_none(),
            "input `expected-tags` is compared with the tags of `service` or `function`, and neither is given",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        for output in Self::OUTPUTS {
            cx.report.output(output.name, "");
        }
        if let Some(asked) = self.rehearsal.asked() {
            return rehearse::run(&asked, cx).await;
        }
        if let (Some(Where::Function(function)), Some(version)) = (self.place(), &self.version) {
            return function::run(self, cx, function, version).await;
        }
        let label = self.label(cx);
        let backend = self.observe(cx, &label).await?;
        let plan = self.plan(cx, &backend, &label).await?;
        if let Plan::Other(other) = &plan {
            return Err(report::goes_on_elsewhere(cx, self, &backend, other).into());
        }
        if cx.is_dry_run() {
            return Ok(not_run(cx, &backend, &plan));
        }
        cx.confirm(&format!("run {}", backend.what())).await?;
        let (id, is_new) = apply(cx, &backend, &label, plan).await?;
        let followed = read_back(self, cx, &backend, id, is_new).await?;
        report::conclude(self, cx, &backend, &followed).await
    }
}

impl RunTask {
    fn label(&self, cx: &Context) -> Label {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let run = cx.runner.run_id().map_or_else(|| "local".to_owned(), |run| run.to_string());
        let environment = cx.common.environment.as_ref().map(ToString::to_string).unwrap_or_default();
        let (repository, job, action) =
            (text(&cx.runner.github_repository), text(&cx.runner.github_job), text(&cx.runner.github_action));
        let step = [repository.as_str(), job.as_str(), action.as_str(), &self.asked()];
        Label::new(&self.purpose.to_string(), &component(cx), &environment, &run, &step)
    }

    /// Reads what is run on ECS or `CodeBuild`.
    async fn observe(&self, cx: &Context, label: &Label) -> Step<Backend> {
        match self.place() {
            Some(Where::Cluster(cluster)) => {
                Ok(Backend::Task(Box::new(TaskRun::observe(self, cx, cluster, label).await?)))
            }
            Some(Where::Project(project)) => {
                guard::check(cx, &[]).await?;
                Ok(Backend::Build(BuildRun::new(self, project, label)))
            }
            Some(Where::Function(_)) | None => {
                Err(Outcome::bad_input("give `cluster`, `function` or `project`").into())
            }
        }
    }

    /// Looks which tasks of the scope go on; where it is asked to, waits for those of others.
    async fn plan(&self, cx: &Context, backend: &Backend, label: &Label) -> Step<Plan> {
        let ignores = self.on_concurrent == Some(OnConcurrent::Ignore);
        let look = async || {
            let known = backend.known(cx, label).await?;
            anyhow::Ok(plan(label, &known, ignores))
        };
        let first = look().await?;
        let Plan::Other(Known { id, .. }) = &first else { return Ok(first) };
        if self.on_concurrent != Some(OnConcurrent::Wait) {
            return Ok(first);
        }
        let what = format!("{} {} of another run to end", backend.noun(), backend.name(id));
        let waited = poll(&cx.calls.deadline, &what, async || {
            Ok(match look().await? {
                Plan::Other(other) => Look::NotYet(format!("{} goes on", backend.name(&other.id))),
                plan => Look::Done(plan),
            })
        });
        Ok(waited.await?)
    }
}

/// Starts a task, or takes the one that an earlier attempt has started; with whether it is new.
async fn apply(cx: &Context, backend: &Backend, label: &Label, plan: Plan) -> Step<(String, bool)> {
    let (id, is_new) = match plan {
        Plan::Start(before) => (backend.start(cx, label, before).await?, true),
        Plan::Join(going) | Plan::Other(going) => {
            cx.report.note_change();
            tracing::info!(
                "{} {} was started by an earlier attempt, and goes on: it is followed",
                backend.noun(),
                backend.name(&going.id)
            );
            (going.id, false)
        }
    };
    let (noun, name) = (backend.noun(), backend.name(&id));
    cx.report.output("task", name.as_str());
    tracing::info!("{noun} {name}: {}; `{}` stops it", backend.what(), backend.stopping(&id));
    Ok((id, is_new))
}

fn not_run(cx: &Context, backend: &Backend, plan: &Plan) -> Outcome {
    let what = backend.what();
    cx.report.note_change();
    if let Plan::Join(going) = plan {
        let name = backend.name(&going.id);
        cx.report.check(&name, "not followed: dry run", "ends with 0", Verdict::Skipped, "plan");
        return Outcome::pass(format!(
            "dry run: would follow {} {name}, which an earlier attempt has started",
            backend.noun()
        ));
    }
    cx.report.check(&what, "not run: dry run", "ends with 0", Verdict::Skipped, "plan");
    Outcome::pass(format!("dry run: would run {what}"))
}
