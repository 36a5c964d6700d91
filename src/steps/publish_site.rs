//! publish-site: puts a built site beside what serves, and then makes it current.

mod apply;
mod inputs;
mod observe;
mod plan;
mod remove;
mod report;
mod source;
mod values;

use self::apply::apply;
pub use self::inputs::PublishSite;
use self::observe::observe;
use self::plan::{Plan, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::{Context, Served};
use crate::explain::failure;
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, OnConcurrent};
use crate::rollout::sites::{self, Applied, Switched, check_claim, prove, prune, put_back};
use crate::site::{Marker, Site, SiteBucket};

impl DeployStep for PublishSite {
    const NAME: &'static str = "publish-site";
    const ABOUT: &'static str =
        "Puts a built site beside what serves, then makes it current, and proves what users get.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("release", "The release that serves now."),
        Output::value("digest", "What tells it from all others, over all that is served: `sha256:..`."),
        Output::text("uploaded", "How many files were sent."),
        Output::text("unchanged", "How many were there already."),
        Output::text("bytes", "How much was sent."),
        Output::text("invalidated-paths", "How many paths the distributions were told to forget."),
        Output::value("previous-release", "The release that served before; empty if there was none."),
        Output::value("state", "What was replaced, to hand to rollback, also in another job. Holds no account."),
        Output::value("deployment-id", "The GitHub deployment that records this; empty when none is kept."),
        Output::text("site-url", "Where it was read back."),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Value("release", "release"), Figure::Value("uploaded", "uploaded")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(15);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by publish-site: it makes the record, and gives its number as the output `deployment-id`",
        );
        problems.add_if(
            self.remove.0 && common.environment.is_none(),
            "input `environment` is required with `remove: true`, because the record of it says whether this is a preview",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let site = &self.site.site(&self.edge.ids());
        cx.read_back_at_end(Served::site(site));
        let source = source::read(self, cx)?;
        let bucket = &SiteBucket::of(cx.aws().await?, site).await?;
        if self.remove.0 {
            return remove::run(cx, site, bucket, &self.edge.ids()).await;
        }
        let location = cx.aws().await?.location().await?;
        let (plan, history) = loop {
            let observed = observe(self, cx, (site, bucket), &source).await?;
            let plan = plan(self, site, observed)?;
            if plan.is_current() {
                return self.nothing_to_do(cx, site, &plan).await;
            }
            let targets = [report::target(&location, site, &plan)];
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &targets).await? {
                Concurrency::Clear(history) => break (plan, history),
                Concurrency::Waited => {}
            }
        };
        check_claim(cx, site, &plan.found, history.is_some())?;
        report::announce(cx, site, &source, &plan);
        report::set_outputs(cx, &plan)?;
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, site, &plan));
        }
        cx.confirm(&format!("publish release {} to {site}", plan.wanted.release)).await?;
        let target = report::target(&location, site, &plan);
        let record = sites::open_record(cx, &self.record, Self::NAME, target, history).await?;
        let switched = Switched {
            site,
            bucket,
            wanted: &plan.wanted,
            before: plan.serving.as_ref(),
            found: &plan.found,
            fronts: &plan.fronts,
            edge: plan.edge.as_ref(),
        };
        let applied = match apply(self, cx, (site, bucket), &source, &plan).await {
            Ok(marker) => match self.read_back(cx, site, &plan, &marker).await {
                Ok(()) => Applied::Done(marker),
                Err(stop) => put_back(cx, &switched, stop).await?,
            },
            Err(stop) => Applied::Failed(failure(&cx.calls.deadline, stop)?, false),
        };
        if matches!(applied, Applied::Done(_)) {
            prune(cx, bucket, site, &plan.wanted, self.keep.keep()).await;
        }
        Ok(sites::conclude(cx, site, applied, record, (Self::NAME, Self::FIGURES)).await)
    }
}

impl PublishSite {
    /// Reads what users get.
    async fn read_back(&self, cx: &Context, site: &Site, plan: &Plan, marker: &Marker) -> Step<()> {
        cx.report.serving(format!("{site}: {}", marker.label()));
        prove(cx, site, &plan.urls, (&plan.wanted, marker), self.edge.require_404.0).await
    }

    /// Also where an attempt of this run was killed after its last write: what users get is proved, and the record is closed.
    async fn nothing_to_do(&self, cx: &Context, site: &Site, plan: &Plan) -> Step<Outcome> {
        report::set_outputs(cx, plan)?;
        cx.report.output("uploaded", "0");
        self.read_back(cx, site, plan, &plan.found.marker).await?;
        sites::nothing_to_do(cx, site, (&plan.wanted, &plan.found.marker), &self.record, (Self::NAME, Self::FIGURES))
            .await
    }
}
