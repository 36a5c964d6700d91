//! monitor: watches what was just deployed for a while, and judges it.

mod conclude;
mod inputs;
mod links;
mod observe;
mod plan;
mod refused;
mod report;
mod service;
mod withdraw;

pub use self::inputs::Monitor;
use self::observe::observe;
use super::{DeployStep, Output};
use crate::action::inputs::Span;
use crate::context::{Context, Served};
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::watch::watch;

impl DeployStep for Monitor {
    const NAME: &'static str = "monitor";
    const ABOUT: &'static str = "Watches what was just deployed: errors, logs, alarms, answers; and puts back what served before when it is asked to.";
    const OUTPUTS: &'static [Output] = &[
        Output::text(
            "invocations",
            "Requests that were counted, of the error rate that decided; else of the first one.",
        ),
        Output::text("errors", "How many of them failed."),
        Output::text("error-rate", "Their share, as a percentage; empty without requests."),
        Output::text(
            "p-value",
            "How probable at least so many errors are when the true rate is exactly `fail-above`; empty when it was not decided.",
        ),
        Output::text(
            "failed-checks",
            "The checks that failed, one a line: `init-errors error-rate app-logs alarms url latency probe`.",
        ),
        Output::text("rolled-back", "`true` when what served before was put back."),
        Output::text("logs-url", "The log of the function in the AWS console."),
        Output::text("metrics-url", "Its metrics in the AWS console."),
    ];
    const FIGURES: &'static [Figure] = &[
        Figure::Value("n", "invocations"),
        Figure::Value("errors", "errors"),
        Figure::Value("p", "p-value"),
        Figure::Count("failed", "failed-checks"),
        Figure::Value("rolled-back", "rolled-back"),
    ];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(12);
    const AT_EXPIRY: Verdict = Verdict::Inconclusive;

    fn timeout(&self) -> Span {
        self.longest()
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        report::clear(cx);
        for target in self.targets() {
            cx.read_back_at_end(Served::Function(target.function.clone(), self.alias.clone().into()));
        }
        if let (Some(cluster), Some(service)) = (&self.cluster, &self.service) {
            cx.read_back_at_end(Served::Service(cluster.clone(), service.clone()));
        }
        let observed = observe(self, cx).await?;
        if let Some(place) = observed.put_back() {
            let outcome = refused::put_back(place);
            if self.rolls_back() && !cx.is_dry_run() {
                self.withdraw(cx, &observed, &outcome).await;
            }
            return Ok(outcome);
        }
        let plan = plan::plan(self, &observed)?;
        report::plan(cx, self, &observed, &plan);
        let gate = self.gate(&observed);
        let source = gate.source(cx, observed.clock).await?;
        gate.foresee(cx, &source, &plan.watch).await?;
        if cx.is_dry_run() {
            return Ok(report::not_watched(cx, &plan));
        }
        if self.rolls_back() {
            cx.confirm("watch, and put back what served before if that is due").await?;
        }
        let watched = watch(&source, &cx.calls.deadline, &plan.watch).await;
        gate.stop_samples(cx).await?;
        let watched = watched?;
        gate.report(cx, &watched);
        report::watched(cx, &watched);
        self.conclude(cx, &observed, &watched).await
    }
}
