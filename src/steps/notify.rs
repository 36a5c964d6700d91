//! notify: tells people and programs how a deployment stands, and how it ended.
//!
//! The channels are independent of each other: a failure of one is reported, and does not keep the others from being notified.

mod apply;
mod channels;
mod deliver;
mod details;
mod discord;
mod history;
mod inputs;
mod issue;
mod notification;
mod observe;
mod payload;
mod plan;
mod render;
mod report;
mod slack;
mod status;
mod task;
mod teams;
mod text;

use self::apply::{Clocks, apply, read_back};
pub use self::channels::Channels;
pub use self::inputs::{EvidencePath, Handle, Notify, OnError};
use self::observe::observe;
use self::plan::plan;
use self::status::Status;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};
use crate::text::message_str;

impl DeployStep for Notify {
    const NAME: &'static str = "notify";
    const ABOUT: &'static str = "Tells people and programs how a deployment stands, and how it ended.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("issue-number", "The issue about the failure: opened, commented on, or closed."),
        Output::text("issue-url", "Its page."),
        Output::text("delivered", "Who was notified, one a line: `status`, `issue`, and the channels by their names."),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[AwsPermission::writes("sns:Publish", Resource::Topic).when(When::SnsChannel).optional("that channel")],
        github: &[
            GithubPermission::needs("statuses: write").optional("the status of the commit"),
            GithubPermission::needs("issues: write").when(When::Issue).optional("the issue about failures"),
            GithubPermission::needs("deployments: read")
                .optional("what serves, what changed, and whether it was rolled back"),
            GithubPermission::needs("pull-requests: write").when(When::PullRequestChannel).optional("that comment"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            common.environment.is_none(),
            "input `environment` is required: it is what the notification is about",
        );
        let expected = common.expected_account_id.as_ref();
        let elsewhere = self.recipients().iter().any(|one| {
            one.channel.topic.as_ref().is_some_and(|topic| expected.is_some_and(|account| account != topic.account()))
        });
        problems.add_if(
            elsewhere,
            message_str!(
                "topic-of-other-account",
                "the SNS topic belongs to another account than `expected-account-id` names"
            ),
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        if self.status == Status::Skipped {
            return Ok(Outcome::skipped("nothing was deployed: nobody is notified"));
        }
        // GitHub may have us wait; the channels are told all the same.
        let github = &cx.with_deadline(cx.calls.deadline.at_most(cx.calls.deadline.remaining() / 2));
        let recipients = self.recipients();
        let observed = observe(self, github, &recipients).await?;
        let plan = plan(observed, &recipients);
        tracing::info!("{} {}", plan.news.sign(), plan.news.headline());
        if cx.is_dry_run() {
            return Ok(report::nothing_applied(cx, &plan));
        }
        cx.confirm(&report::plans(&plan).join(", ")).await?;
        let (news, mut deliveries) = apply(self, &Clocks { all: cx, github }, &recipients, plan).await;
        read_back(self, cx, &news, &mut deliveries).await;
        Ok(report::done(self, cx, &news, &deliveries))
    }
}
