//! promote-artifact: makes one artifact available under an immutable name in the next environment, and proves that it is the same.

mod apply;
mod content;
mod find;
mod gates;
mod images;
mod inputs;
mod observe;
mod places;
mod plan;
mod promotion;
mod refused;
mod release;
mod report;
mod revision;
mod search;
mod tags;
mod wait;
mod zip;

use self::apply::{apply, read_back};
pub use self::inputs::PromoteArtifact;
use self::inputs::{Destination, Source};
use self::observe::observe;
use self::plan::plan;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Problems, Span};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;
use crate::rollout::tag_format::Placeholder;

impl DeployStep for PromoteArtifact {
    const NAME: &'static str = "promote-artifact";
    const ABOUT: &'static str = "Brings an image to the next environment's registry, or a zip to S3, under its own tag, the same to the last byte.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("digest", "The digest of what was promoted: of the index, if it is one."),
        Output::value("image", "The image by its digest, `repository@sha256:..`: without host where that is ECR."),
        Output::value("image-uri", "The image by its digest, with the registry's host."),
        Output::value("repository", "The repository it is in now."),
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
        Output::text("blobs-present", "How many were there already."),
        Output::text(
            "tag-protection",
            "`enforced` if the registry itself keeps the tag where it is, else `not-enforced`. Empty for a zip.",
        ),
        Output::value(
            "object",
            "Where the zip is, `s3://bucket/key`, for `zip` of publish-version; one a line if it has several tags.",
        ),
        Output::text("code-sha256", "The SHA-256 of the zip in base64, as Lambda calls its code."),
    ];
    const PERMISSIONS: Permissions = inputs::PERMISSIONS;
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
        problems.add_if(
            common.expected_tags.is_some(),
            "input `expected-tags` is not compared by promote-artifact: give `expected-account-id`",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let to = match (&self.destination, &self.source) {
            (Destination::Repository(to), _) => to,
            (Destination::Folder(to), Some(Source::Zip(path))) => return zip::promote(self, cx, path, to).await,
            (Destination::Folder(_), _) => return Err(anyhow::anyhow!("no zip archive is named").into()),
        };
        let places = &places::find(cx, self, to).await?;
        let advise = |stop| refused::advise(stop, places);
        let observed = observe(self, cx, places).await.map_err(advise)?;
        report::observation(cx, self, &observed);
        let plan = plan(&observed, self, places)?;
        if plan.is_empty() {
            return Ok(report::nothing_to_do(cx, places, &observed));
        }
        report::plan(places, &plan);
        if cx.is_dry_run() {
            return Ok(report::not_applied(cx, places, &plan, &observed));
        }
        cx.confirm(&report::label(places, &plan)).await?;
        apply(self, cx, places, &observed, &plan).await.map_err(advise)?;
        let tags = read_back(self, cx, places, &plan).await.map_err(advise)?;
        Ok(report::done(cx, places, &observed, &plan, &tags))
    }
}
