//! A site goes back: the documents of a release before are put in their places again, from content that lies in the bucket.

mod observe;
mod place;

use std::time::Duration;

use futures_util::future::join;
use url::Url;

use self::observe::{AT_ONCE, Found, observe};
pub(super) use self::place::SitePlace;
use super::Rollback;
use super::conclude::{self, Served};
use super::known_releases::KnownReleases;
use super::place::{Known, Place as _, Revision};
use super::plan::{Plan, Source, plan};
use super::target::waiting_for;
use crate::context::{self, Context};
use crate::explain::failure;
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::Target;
use crate::rollout::sites::{Front, Switch, previous, prove, read_marker, switch, target};
use crate::site::{BucketLabel, Marker, MarkerPath, ReleaseName, Site, SiteBucket};
use crate::text::message;

/// What was written is looked for so long, also after the step's own deadline.
const LOOKING: Duration = Duration::from_secs(5);

/// A site that goes back, with everything the write needs.
#[derive(Debug)]
pub(super) struct Going {
    place: SitePlace,
    to: ReleaseName,
    source: Source,
    found: Found,
}

/// What is gone back to must be what it is said to be, and all of it must be there.
fn going(place: SitePlace, known: Known, source: Source, found: Found) -> Result<Going, Outcome> {
    let Revision::Release(to) = known.point else {
        return Err(Outcome::error(format!(
            "{} is no release of a site: this is a bug, please report it",
            known.point
        )));
    };
    let digest = found.wanted.digest.to_string();
    let other = known.holds.iter().find(|holds| holds.code.as_ref().is_some_and(|code| code.to_string() != digest));
    if let Some(other) = other {
        return Err(Outcome::fail(message!(
            "release-holds-other",
            "release {to} of {place} holds {digest}, and {} says otherwise: nothing was written",
            other.by
        ))
        .advise("name the release that is meant with the input `to`"));
    }
    if let Some(first) = found.lacking.iter().next() {
        return Err(Outcome::fail(message!(
            "release-incomplete",
            "release {to} of {place} is not whole any more: /{first} is gone or was changed ({} in all); nothing was written",
            found.lacking.len()
        ))
        .advise("name another release with the input `to`, or publish that commit again"));
    }
    Ok(Going { place, to, source, found })
}

impl Going {
    /// `shop-site/live goes back from .. to release ..`.
    fn description(&self, did: &str) -> String {
        let Self { place, to, source, .. } = self;
        format!("{place} {did} from {} to release {to} ({})", place.label(), source.word())
    }

    fn point(&self) -> Revision {
        Revision::Release(self.to.clone())
    }

    fn target(&self, releases: &KnownReleases<'_>) -> Target {
        let before = previous(&self.place.found.marker);
        let SitePlace { site, fronts, .. } = &self.place;
        let target = target(&releases.location, site, fronts, &self.found.wanted, before);
        Target { commit: target.commit.clone().or_else(|| releases.commit(&self.place, &self.point())), ..target }
    }
}

/// What serves, where that is what the switch was to bring.
async fn arrived(cx: &Context, site: &Site, one: &Going) -> Option<Marker> {
    let later = cx.with_deadline(cx.calls.deadline.renew(LOOKING));
    let bucket = SiteBucket::of(later.aws().await.ok()?, site).await.ok()?;
    let now = read_marker(&bucket, site).await.ok()?;
    (now.marker.is_at(&one.found.wanted.digest) && now.is_settled()).then_some(now.marker)
}

impl Rollback {
    /// The step, for a site.
    pub(super) async fn put_site_back(&self, cx: &Context, bucket: &BucketLabel) -> Step<Outcome> {
        let marker = self.marker.clone().unwrap_or_else(MarkerPath::usual);
        let distributions: Vec<_> = self.distribution.iter().flatten().cloned().collect();
        let pointer = self.pointer.pointer(&distributions);
        let (prefix, label) = (self.prefix.clone(), bucket.masked());
        cx.read_back_at_end(context::Served::Site(label, prefix, marker.clone(), pointer.clone()));
        let site = cx.site(bucket, self.prefix.as_ref(), &marker, pointer.as_ref());
        let site = &waiting_for("the account of the credentials", site).await?;
        let (mut plan, releases, bucket) = loop {
            let (observed, releases, bucket) = observe(self, cx, site).await?;
            let plan = plan(observed, self.scope(), going)?;
            if plan.going.is_empty() || !self.has_waited(cx, &releases).await? {
                break (plan, releases, bucket);
            }
        };
        for one in &plan.staying {
            let place = &one.place;
            cx.report.check(place.to_string(), place.label(), "nothing to undo", Verdict::Skipped, "s3:GetObject");
        }
        let Some(one) = plan.going.pop() else {
            return Ok(self.nothing_to_do(cx, releases, &plan.staying).await);
        };
        let required = format!("release {} ({})", one.to, one.source.word());
        cx.report.check(one.place.to_string(), one.place.label(), required, Verdict::Pass, "s3:GetObject");
        tracing::info!("{}", one.description("goes back"));
        let point = one.point();
        self.check_floor(cx, std::iter::once((&one.place, &point)), &releases)?;
        if cx.is_dry_run() {
            cx.report.note_change();
            return Ok(Outcome::pass(format!("dry run, nothing was changed: {}", one.description("would go back"))));
        }
        cx.confirm(&one.description("goes back")).await?;
        let switched = match self.switch_back(cx, site, &bucket, &one).await {
            // An answer may have been lost, or have come too late.
            Err(stop) => arrived(cx, site, &one).await.ok_or(stop),
            switched => switched,
        };
        self.conclude_site(cx, releases, (&plan, &one), switched).await
    }

    async fn switch_back(&self, cx: &Context, site: &Site, bucket: &SiteBucket, one: &Going) -> Step<Marker> {
        let planned = Switch {
            site,
            bucket,
            found: &one.place.found,
            wanted: &one.found.wanted,
            changes: &one.found.changes,
            runtime: one.found.runtime.as_deref(),
            fronts: &one.place.fronts,
            edge: one.place.edge.clone(),
            waits: true,
            at_once: AT_ONCE,
        };
        Ok(switch(cx, &planned).await?.0)
    }

    /// Where the site is read back.
    fn urls(&self, fronts: &[Front]) -> Vec<Url> {
        match &self.health.asking.url {
            Some(urls) => urls.iter().map(|url| url.0.clone()).collect(),
            None => fronts.iter().filter_map(|front| front.url().parse().ok()).collect(),
        }
    }

    /// Records what went back, beside the proof of what users get.
    async fn conclude_site(
        &self,
        cx: &Context,
        mut releases: KnownReleases<'_>,
        (plan, one): (&Plan<Going, SitePlace>, &Going),
        switched: Step<Marker>,
    ) -> Step<Outcome> {
        let marker = match switched {
            Ok(marker) => marker,
            Err(stop) => {
                let ended = failure(&cx.calls.deadline, stop)?.advise(
                    "what this step began is continued by running it again; what users get is each document whole",
                );
                return self.judge(cx, &releases, String::new(), Ok(None), Ok(Served::NotYet(ended))).await;
            }
        };
        cx.report.serving(format!("{}: {}", one.place, marker.label()));
        cx.report.output("release", one.to.to_string());
        let left = one.place.found.marker.release.as_ref();
        cx.report.output("previous-release", left.map(ToString::to_string).unwrap_or_default());
        cx.report.output("digest", one.found.wanted.digest.to_string());
        cx.report.output("target-source", one.source.word());
        let places = conclude::places_back([(one.place.clone(), one.point())], &plan.staying);
        let recorded = Box::pin(async {
            conclude::read_record(&conclude::recording(cx), &mut releases).await;
            let target = one.target(&releases);
            let commit = target.commit.clone();
            self.make_record(cx, &releases, vec![target], commit, &places).await
        });
        let urls = self.urls(&one.place.fronts);
        let proved = Box::pin(async {
            if let Err(stop) = prove(cx, &one.place.site, &urls, (&one.found.wanted, &marker), false).await {
                return Ok(Served::NotYet(failure(&cx.calls.deadline, stop)?));
            }
            self.health_of(cx, &[]).await.map(Served::Now)
        });
        let (recorded, proved) = join(recorded, proved).await;
        self.judge(cx, &releases, one.description("went back"), recorded, proved).await
    }
}
