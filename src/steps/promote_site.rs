//! promote-site: makes a release current that was proved elsewhere in the bucket, byte for byte.

mod apply;
mod inputs;
mod observe;
mod plan;
mod report;

use self::apply::apply;
pub use self::inputs::PromoteSite;
use self::observe::observe;
use self::plan::{Plan, plan};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::{Context, Served};
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, OnConcurrent};
use crate::rollout::sites::{self, Ending, Switched, check_claim};
use crate::site::{Site, SiteBucket};

impl DeployStep for PromoteSite {
    const NAME: &'static str = "promote-site";
    const ABOUT: &'static str = "Makes a release of a site current that was proved elsewhere, byte for byte.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("release", "The release that serves now."),
        Output::value("digest", "What tells it from all others, over all that is served: `sha256:..`."),
        Output::text("copied", "How many files were copied."),
        Output::text("unchanged", "How many were there already."),
        Output::text("invalidated-paths", "How many paths the distributions were told to forget."),
        Output::value("previous-release", "The release that served before; empty if there was none."),
        Output::value("state", "What was replaced, to hand to rollback, also in another job. Holds no account."),
        Output::value("deployment-id", "The GitHub deployment that records this; empty when none is kept."),
        Output::text("site-url", "Where it was read back."),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Value("release", "release"), Figure::Value("copied", "copied")];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(15);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        self.record.check_with(common, problems);
        problems.add_if(
            common.deployment_id.is_some(),
            "input `deployment-id` is not used by promote-site: it makes the record, and gives its number as the output `deployment-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let site = &self.target();
        cx.read_back_at_end(Served::site(site));
        let bucket = &SiteBucket::of(cx.aws().await?, site).await?;
        let location = cx.aws().await?.location().await?;
        let (plan, history) = loop {
            let observed = observe(self, cx, (site, bucket)).await?;
            let plan = plan(self, site, observed)?;
            if plan.is_current() {
                report::set_outputs(cx, &plan)?;
                let ending = self.ending((site, bucket), &plan);
                let ended = ending.nothing_to_do(cx, &self.record, (Self::NAME, Self::FIGURES)).await?;
                let Some(ended) = ended else { continue };
                return Ok(ended);
            }
            let targets = [report::target(&location, site, &plan)];
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &targets).await? {
                Concurrency::Clear(history) => break (plan, history),
                Concurrency::Waited => {}
            }
        };
        check_claim(cx, site, &plan.found, history.is_some())?;
        report::announce(cx, site, &plan);
        report::set_outputs(cx, &plan)?;
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, site, &plan));
        }
        cx.confirm(&format!("promote release {} to {site}", plan.wanted.release)).await?;
        let target = report::target(&location, site, &plan);
        let record = sites::open_record(cx, &self.record, Self::NAME, target, history).await?;
        let applied = apply(self, cx, (site, bucket), &plan).await;
        let ending = self.ending((site, bucket), &plan);
        let applied = ending.read_back(cx, applied).await?;
        Ok(ending.conclude(cx, applied, record, (Self::NAME, Self::FIGURES)).await)
    }
}

impl PromoteSite {
    fn ending<'a>(&'a self, (site, bucket): (&'a Site, &'a SiteBucket), plan: &'a Plan) -> Ending<'a> {
        let Plan { wanted, serving, found, fronts, edge, urls, .. } = plan;
        let (before, edge) = (serving.as_ref(), edge.as_ref());
        let switched = Switched { site, bucket, wanted, before, found, fronts, edge };
        Ending { switched, edge: &self.edge, urls, keep: self.keep.keep() }
    }
}
