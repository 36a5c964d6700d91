//! Services of ECS go back: what is on its way by ECS itself, what is finished by a deployment of what was there before.

mod apply;
mod families;
mod observe;
mod plan;
mod report;

use futures_util::future::{join, join_all};

use self::apply::{Sent, follow_back, send};
use self::families::Families;
use self::observe::observe;
use self::plan::{Going, WAY, going};
use super::Rollback;
use super::conclude::{self, Served};
use super::known_releases::KnownReleases;
use super::place::{Revision, ServicePlace};
use super::plan::{Plan, plan};
use crate::context::{self, Context};
use crate::ecs::ClusterName;
use crate::explain::failure;
use crate::outcome::{Outcome, Step};
use crate::rollout::services::at_most;
use crate::text::human_duration;

impl Rollback {
    /// The step, for services.
    pub(super) async fn put_services_back(&self, cx: &Context, cluster: &ClusterName) -> Step<Outcome> {
        for service in self.service.iter().flatten() {
            cx.read_back_at_end(context::Served::Service(cluster.clone(), service.clone()));
        }
        let (plan, mut releases) = loop {
            let (observed, releases) = observe(self, cx, cluster).await?;
            let plan = plan(observed, self.scope(), going)?;
            if plan.going.is_empty() || !self.has_waited(cx, &releases).await? {
                break (plan, releases);
            }
        };
        report::plan(cx, &plan);
        if plan.going.is_empty() {
            let families = families::left(cx, &mut releases, &plan.staying).await;
            return Ok(families.conclude(self.nothing_to_do(cx, releases, &plan.staying).await));
        }
        let points: Vec<(&ServicePlace, Revision)> = plan.going.iter().map(|one| (&one.place, one.point())).collect();
        self.check_floor(cx, points.iter().map(|(place, point)| (*place, point)), &releases)?;
        if cx.is_dry_run() {
            let back = plan.going.iter().map(|one| (one.place.clone(), one.point()));
            let back = conclude::places_back(back, &plan.staying);
            families::announce(&families::moved(cx, &releases, &back).await);
            return Ok(report::not_applied(cx, &plan.going));
        }
        cx.confirm(&report::description(&plan.going, "goes back")).await?;
        let cx = &with_time(cx, &plan.going);
        let sent = send(cx, &plan.going).await;
        self.conclude_services(cx, releases, &plan, sent).await
    }

    /// Follows what was sent, with the record beside it, and judges what runs then.
    async fn conclude_services(
        &self,
        cx: &Context,
        mut releases: KnownReleases<'_>,
        plan: &Plan<Going, ServicePlace>,
        sent: Vec<Step<Sent>>,
    ) -> Step<Outcome> {
        let mut under_way = Vec::new();
        let mut failures = Vec::new();
        let failed = |one: &Going, stop| {
            let by_hand = format!("by hand: {}", report::by_hand(one));
            failure(&cx.calls.deadline, stop).map(|outcome| outcome.advise(by_hand))
        };
        for (one, sent) in plan.going.iter().zip(sent) {
            match sent {
                Ok(sent) => under_way.push((one, sent)),
                Err(stop) => failures.push(failed(one, stop)?),
            }
        }
        report::set_outputs(cx, &under_way);
        let given: Vec<_> = under_way.iter().map(|(one, sent)| (*one, sent.revision.clone())).collect();
        let places = given.iter().map(|(one, _)| (one.place.clone(), one.point()));
        let places = conclude::places_back(places, &plan.staying);
        let recorded = Box::pin(async {
            if given.is_empty() {
                return (Ok(None), Families::default());
            }
            conclude::read_record(&conclude::recording(cx), &mut releases).await;
            let mut targets: Vec<_> =
                given.iter().map(|(one, revision)| report::target(&releases, one, revision)).collect();
            let commit = plan.going.iter().find_map(|one| one.commit(&releases));
            // Before the records that name them are withdrawn: an attempt that is killed here finds them again.
            let families = families::put_back(cx, &releases, &places, commit.as_ref()).await;
            targets.extend(families.targets.clone());
            (self.make_record(cx, &releases, targets, commit, &places).await, families)
        });
        let followed = join_all(under_way.into_iter().map(async |(one, sent)| (one, follow_back(cx, one, sent).await)));
        let ((recorded, families), followed) = join(recorded, Box::pin(followed)).await;
        let mut back = Vec::new();
        for (one, arrived) in followed {
            match arrived {
                Ok(arrived) => back.push((one, arrived)),
                Err(stop) => failures.push(failed(one, stop)?),
            }
        }
        let ended = families.conclude(report::judge(cx, back, failures));
        let reason = ended.reason.clone();
        let served = if ended.ending.verdict().is_good() {
            self.health_of(cx, &[]).await.map(Served::Now)
        } else {
            Ok(Served::NotYet(ended))
        };
        self.judge(cx, &releases, reason, recorded, served).await
    }
}

/// The step's time, counted by what the services' own configurations wait for, unless it was given.
fn with_time(cx: &Context, going: &[Going]) -> Context {
    if cx.common.timeout.is_some() {
        return cx.clone();
    }
    let each = going.iter().map(|one| at_most(&one.place.service.deployment_configuration, WAY));
    let most = each.max().unwrap_or_default();
    tracing::info!(
        "waits at most {} for what was there before, by the configuration of the service",
        human_duration(most)
    );
    cx.with_deadline(cx.calls.deadline.renew(most))
}
