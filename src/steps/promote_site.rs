//! promote-site: makes a release current that was proved elsewhere in the bucket, byte for byte.

mod apply;
mod inputs;
mod observe;
mod report;

use self::apply::apply;
pub use self::inputs::PromoteSite;
use self::observe::{Observed, observe};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::{Context, Served};
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;
use crate::record::{self, Concurrency, OnConcurrent};
use crate::rollout::sites::{self, check_claim, prove, prune};
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
        let site = &self.site.site();
        cx.read_back_at_end(Served::Site(site.bucket.label(), site.prefix.clone(), site.marker.clone()));
        let bucket = &SiteBucket::of(cx.aws().await?, site).await?;
        let location = cx.aws().await?.location().await?;
        let (observed, history) = loop {
            let observed = observe(self, cx, (site, bucket)).await?;
            if observed.is_current() {
                return self.nothing_to_do(cx, site, &observed).await;
            }
            self.check_current(site, &observed)?;
            let targets = [report::target(&location, site, &observed)];
            match record::look_for_others(cx, &self.record, OnConcurrent::Fail, &targets).await? {
                Concurrency::Clear(history) => break (observed, history),
                Concurrency::Waited => {}
            }
        };
        check_claim(cx, site, &observed.found, history.is_some())?;
        report::announce(cx, site, &observed);
        report::set_outputs(cx, &observed)?;
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, site, &observed));
        }
        cx.confirm(&format!("promote release {} to {site}", observed.wanted.release)).await?;
        let target = report::target(&location, site, &observed);
        let record = sites::open_record(cx, &self.record, Self::NAME, target, history).await?;
        let applied = async {
            let marker = apply(self, cx, (site, bucket), &observed).await?;
            cx.report.serving(format!("{site}: {}", marker.label()));
            prove(cx, site, &observed.urls, (&observed.wanted, &marker), self.edge.require_404.0).await?;
            Ok(marker)
        };
        let applied = applied.await;
        if applied.is_ok() {
            prune(cx, bucket, site, &observed.wanted, self.keep.keep()).await;
        }
        sites::conclude(cx, site, applied, record, (Self::NAME, Self::FIGURES)).await
    }
}

impl PromoteSite {
    async fn nothing_to_do(&self, cx: &Context, site: &Site, observed: &Observed) -> Step<Outcome> {
        report::set_outputs(cx, observed)?;
        let serving = (&observed.wanted, &observed.found.marker);
        prove(cx, site, &observed.urls, serving, self.edge.require_404.0).await?;
        sites::nothing_to_do(cx, site, serving, &self.record, (Self::NAME, Self::FIGURES)).await
    }

    /// Refuses where something else serves than was expected.
    fn check_current(&self, site: &Site, observed: &Observed) -> Result<(), Outcome> {
        let (Some(expected), marker) = (&self.expected_current, &observed.found.marker) else { return Ok(()) };
        if marker.release.as_ref() == Some(expected) {
            return Ok(());
        }
        Err(Outcome::superseded(format!(
            "{site} has {}, not release {expected}, as `expected-current` says: nothing was written",
            marker.label()
        ))
        .advise("look at what serves there; if it is to be replaced, correct `expected-current`"))
    }
}
