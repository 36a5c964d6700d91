//! promote-artifact: makes one artifact available under an immutable name in the next environment, and proves that it is the same.

mod allowed;
mod apply;
mod artifacts;
mod content;
mod find;
mod following;
mod functions;
mod gates;
mod images;
mod inputs;
mod job;
mod observe;
mod places;
mod plan;
mod progress;
mod promotion;
mod refused;
mod release;
mod report;
mod revision;
mod scan;
mod search;
mod stored;
mod tags;
mod unproved;
mod unready;
mod values;
mod wait;
mod zip;

use self::apply::{apply, read_back};
use self::functions::Readers;
pub use self::inputs::PromoteArtifact;
use self::job::Job;
use self::observe::observe;
use self::places::Registries;
use self::plan::{Plan, plan};
use self::values::Destination;
use futures_util::future::try_join_all;

use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Stop};
use crate::permissions::Permissions;
use crate::rollout::tag_format::Placeholder;

impl DeployStep for PromoteArtifact {
    const NAME: &'static str = "promote-artifact";
    const ABOUT: &'static str = "Brings an image to the next environment's registry, or a zip to S3, under its own tag, the same to the last byte.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("digest", "The digest of what was promoted: of the index, if it is one."),
        Output::value(
            "image",
            "The image by its digest, `repository@sha256:..`: without host where that is ECR; one a line for several destinations.",
        ),
        Output::value(
            "image-uri",
            "The image by its digest, with the registry's host; one a line for several destinations.",
        ),
        Output::value(
            "images",
            "With `artifacts`: JSON, each name with its image at its first destination, for `services` of deploy-service.",
        ),
        Output::value(
            "release",
            "With `artifacts`: what the set is called, 16 digits that follow from the names and digests in it.",
        ),
        Output::value("repository", "The repository it is in now; one a line if there are several."),
        Output::value("tag", "Its tag; one a line if there are several."),
        Output::value(
            "lambda-image",
            "What Lambda can run of it, `repository@sha256:..`: the image for `platform`. Empty if there is none.",
        ),
        Output::value("lambda-digest", "The digest of `lambda-image`."),
        Output::value(
            "source-sha",
            "The commit whose record named it; of an explicit source, the commit it says it was built from.",
        ),
        Output::text(
            "match",
            "How it was found: `explicit`, `commit`, `tree` for another commit with the same files, or `component` for one that differs \
             in other files only.",
        ),
        Output::text(
            "revision",
            "The commit it says it was built from: its label `org.opencontainers.image.revision`.",
        ),
        Output::text("bytes-copied", "How much was transferred."),
        Output::text("blobs-copied", "How many configurations and layers were transferred."),
        Output::text("blobs-mounted", "How many the registry took over from another repository of its own."),
        Output::text("blobs-present", "How many were there already."),
        Output::text(
            "tag-protection",
            "`enforced` if the registry itself keeps the tag where it is, else `not-enforced`. Empty where no tag is to be put, and for a zip.",
        ),
        Output::text(
            "scan-status",
            "With `scan`: `complete`; `pending` or `not-scanned` where nobody knows what is in it.",
        ),
        Output::text("scan-findings", "With `scan`: JSON, how many findings there are of each severity."),
        Output::value(
            "object",
            "Where the zip is, `s3://bucket/key`, for `zip` of publish-version; one a line if it has several tags.",
        ),
        Output::text("code-sha256", "The SHA-256 of the zip in base64, as Lambda calls its code."),
    ];
    const PERMISSIONS: Permissions = allowed::PERMISSIONS;
    const TIMEOUT: Span = Span::minutes(30);

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.tag.is_none() && self.tag_format.has(Placeholder::Environment) && common.environment.is_none(),
            "input `environment` is required, because `tag-format` names it (or give `tag`)",
        );
        let timeout = common.timeout.unwrap_or(Self::TIMEOUT);
        problems.add_if(
            self.wait_for_source >= timeout,
            format!("input `wait-for-source` must be shorter than `timeout`, {timeout}: raise that too"),
        );
        if let (Some(expected), Some(Destination::Folder(to))) =
            (&common.expected_account_id, self.destination.as_ref().and_then(|to| to.iter().next()))
        {
            problems.add_if(
                to.owner.as_ref().is_some_and(|owner| owner != expected),
                "`owner=..` of `destination` names another account than `expected-account-id`: correct one of them",
            );
        }
        problems.add_if(
            common.expected_tags.is_some(),
            "input `expected-tags` is not compared by promote-artifact: give `expected-account-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        if let Some(Destination::Folder(to)) = self.destination.as_ref().and_then(|to| to.iter().next()) {
            return zip::promote(self, cx, to).await;
        }
        let readers = &Readers::read(self, cx).await?;
        let registries = &Registries::new(cx, self);
        let observed = self.asked().map(async |asked| {
            let places = registries.places(&asked).await?;
            let observed = observe(self, cx, &places, readers.platforms()).await?;
            Ok::<_, Stop>(places.into_iter().zip(observed))
        });
        let observed = try_join_all(observed).await?.into_iter().flatten();
        let mut jobs: Vec<Job> =
            observed.map(|(places, observed)| Job { places, observed, plan: Plan::default() }).collect();
        report::observation(cx, self, &jobs);
        for job in &mut jobs {
            job.plan = plan(&job.observed, self, &job.places)?;
        }
        readers.judge(cx, &jobs).await?;
        report::references(cx, &jobs);
        if jobs.iter().all(|job| job.plan.is_empty()) {
            scan::gate(self, cx, &jobs).await?;
            return report::nothing_to_do(cx, &jobs);
        }
        report::plan(&jobs);
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, &jobs));
        }
        cx.confirm(&report::label(&jobs)).await?;
        let carried = apply(self, cx, &jobs).await?;
        let tags = read_back(&jobs).await?;
        report::done(cx, &jobs, &tags, &carried)
    }
}
