//! promote-artifact: makes one image available under an immutable name in the next environment, and proves that it is the same.

mod apply;
mod content;
mod find;
mod images;
mod inputs;
mod places;
mod plan;
mod promotion;
mod refused;
mod release;
mod report;
mod revision;
mod search;
mod wait;

use anyhow::Result;
use futures_util::future::try_join_all;

use self::images::{ForLambda, Images, Looking, Parts};
pub use self::inputs::PromoteArtifact;
use self::inputs::VerifyRevision;
use self::plan::{Naming, Present};
use self::promotion::Promotion;
use self::search::{Artifact, Match};
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, EnvironmentName, Problems, Span};
use crate::changes::Trees;
use crate::context::Context;
use crate::oci::{Digest, Selector};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step, Stop};
use crate::permissions::Permissions;
use crate::record;
use crate::registry::{Graph, Kind, Reference, Stored, obstacles, registry_refusal};
use crate::rollout::guard;
use crate::rollout::tag_format::{Placeholder, Tag, Values, committed_at};

impl DeployStep for PromoteArtifact {
    const NAME: &'static str = "promote-artifact";
    const ABOUT: &'static str =
        "Brings an image to the next environment's registry under its own tag, the same to the last byte.";
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
            "`enforced` if the registry itself keeps the tag where it is, else `not-enforced`.",
        ),
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
        let places = places::find(cx, self).await?;
        let promotion = Promotion { cx, inputs: self, places: &places };
        match promotion.run().await {
            Err(Stop::Error(error)) if registry_refusal(&error).is_some() => Ok(refused::refused(&error, &places)),
            ended => ended,
        }
    }
}

impl Promotion<'_> {
    async fn run(&self) -> Step<Outcome> {
        guard::check_registry(self.cx, &self.places.destination.host)?;
        let artifact = self.artifact().await?;
        let tags = self.tags().await?;
        let (named, enforced) = tokio::join!(self.named(&tags), self.places.protects(self.cx, &tags));
        let named = named?;
        self.tell_protection(enforced);
        let missing = match plan::naming(&named, &artifact.digest) {
            Naming::Conflict(tag, there) => return Ok(report::conflict(self.places, tag, there, &artifact.digest)),
            Naming::AllThere(stored) => return self.there_already(&artifact, stored, &tags).await,
            Naming::Missing(missing) => missing,
        };
        let (graph, lambda) = self.graph(&artifact).await?;
        guard::check(self.cx, &[]).await?;
        let present = self.present(&graph).await?;
        let plan = plan::plan(&graph, &present, missing);
        report::announce(self.places, &plan);
        if self.cx.is_dry_run() {
            self.cx.report.changed();
            return Ok(report::dry_run(self.places, &plan, &artifact));
        }
        let ended = self.apply(&graph, &plan, &artifact).await?;
        if ended.ending.verdict() == Verdict::Pass {
            self.outputs(&artifact.digest, &tags, lambda.as_ref());
        }
        Ok(ended)
    }

    /// What is to be promoted.
    async fn artifact(&self) -> Step<Artifact> {
        let source = &self.places.source;
        if let Some(environment) = &self.inputs.from_environment {
            let trees = Trees::default();
            let look = async |purpose| find::from_environment(self, environment, &trees, purpose).await;
            return self.awaited(wait::Pace::Rarely, look).await;
        }
        match self.inputs.source.as_ref().and_then(|source| source.selector.as_ref()) {
            Some(Selector::Digest(digest)) => Ok(Artifact::explicit(digest.clone(), None)),
            Some(Selector::Tag(tag)) => {
                let stored = self.there(Reference::Tag(tag)).await?;
                tracing::info!(
                    "the tag {tag} of {} is {} now: this is promoted, wherever the tag goes",
                    source.label(),
                    stored.digest
                );
                Ok(Artifact::explicit(stored.digest.clone(), Some(stored)))
            }
            None => Err(anyhow::anyhow!("no image is named").into()),
        }
    }

    /// The tags it gets.
    async fn tags(&self) -> Step<Vec<Tag>> {
        if let Some(tags) = &self.inputs.tag {
            return Ok(tags.0.clone());
        }
        let Some(commit) = self.cx.commit() else {
            return Err(Outcome::error("no commit is known for the tag")
                .advise("give the input `sha`, or `tag`")
                .into());
        };
        let version = self.cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
        let committed_at = committed_at(self.cx, &self.inputs.tag_format, &commit).await?;
        let values = Values {
            environment: self.cx.common.environment.as_ref().map(EnvironmentName::as_str),
            component: &record::component(self.cx),
            commit: &commit,
            version: version.unwrap_or(commit.short()),
            committed_at: committed_at.as_deref(),
        };
        let filled = self.inputs.tag_format.fill(&values);
        let tag = filled.map_err(|why| Outcome::error(why).advise("correct `tag-format`, or give `tag`"))?;
        Ok(vec![tag])
    }

    /// What the tags name at the destination now.
    async fn named<'t>(&self, tags: &'t [Tag]) -> Step<Vec<(&'t Tag, Option<Stored>)>> {
        let destination = &self.places.destination;
        let reads =
            tags.iter().map(async |tag| anyhow::Ok((tag, destination.manifest(Reference::Tag(tag.as_str())).await?)));
        match try_join_all(reads).await {
            Err(error) if registry_refusal(&error).is_some_and(|refusal| refusal.kind == Kind::NoRepository) => {
                Err(report::no_repository(destination).into())
            }
            named => Ok(named?),
        }
    }

    /// Tells whether the registry itself keeps the tags where they are.
    fn tell_protection(&self, enforced: bool) {
        self.cx.report.output("tag-protection", if enforced { "enforced" } else { "not-enforced" });
        if !enforced {
            tracing::info!(
                "tag-protection: not-enforced: the registry would let anybody move the tag; it is looked at just before it is put, and \
                 read back after it"
            );
        }
    }

    /// Names the image at the destination: only once it is there.
    fn outputs(&self, digest: &Digest, tags: &[Tag], lambda: Option<&Digest>) {
        let destination = &self.places.destination;
        let report = &self.cx.report;
        report.output("repository", destination.label());
        report.output("image", format!("{}@{digest}", destination.label()));
        report.output("image-uri", format!("{}/{}@{digest}", destination.host, destination.name));
        report.output("tag", tags.iter().map(Tag::as_str).collect::<Vec<_>>().join("\n"));
        if let Some(lambda) = lambda {
            report.output("lambda-image", format!("{}@{lambda}", destination.label()));
            report.output("lambda-digest", lambda.as_str());
        }
    }

    /// Everything was done before: nothing is written, and little is read.
    async fn there_already(&self, artifact: &Artifact, stored: &Stored, tags: &[Tag]) -> Step<Outcome> {
        let parts = Parts::of(&self.places.destination);
        let lambda = self.describe(artifact, parts, stored, Looking::AtTheOne).await?;
        self.outputs(&artifact.digest, tags, lambda.as_ref());
        for counted in ["bytes-copied", "blobs-copied", "blobs-present"] {
            self.cx.report.output(counted, "0");
        }
        report::check_tags(self.cx, self.places, tags, &stored.digest);
        Ok(report::there_already(self.places, tags, &stored.digest))
    }

    /// The whole image as it is at the source; a refusal when it cannot be moved as it is.
    async fn graph(&self, artifact: &Artifact) -> Step<(Graph, Option<Digest>)> {
        let source = &self.places.source;
        let top = match &artifact.stored {
            Some(stored) => stored.clone(),
            None => self.there(Reference::Digest(&artifact.digest)).await?,
        };
        let graph = Graph::read(source, top).await?;
        let obstacles = obstacles(&graph, self.places.destination_is_ecr());
        if !obstacles.is_empty() {
            let alone = self.portable_alone(&graph).await?;
            let alone = alone.as_ref().map(|image| (&self.inputs.platform, image));
            return Err(report::not_portable(self.places, &artifact.digest, &obstacles, alone).into());
        }
        let lambda = self.describe(artifact, Parts::known(&graph, source), graph.top()?, Looking::AtAll).await?;
        Ok((graph, lambda))
    }

    /// The image for the platform, if it can be moved without the rest.
    async fn portable_alone(&self, graph: &Graph) -> Result<Option<Digest>> {
        let (parts, platform) = (Parts::known(graph, &self.places.source), &self.inputs.platform);
        let (verify, looking) = (VerifyRevision::Off, Looking::AtTheOne);
        let images = Images::find(parts, graph.top()?, platform, verify, looking).await?;
        let (ForLambda::Runs(digest) | ForLambda::DoesNot(digest, _)) = images.lambda() else { return Ok(None) };
        let of_it = graph.manifests.iter().filter(|stored| stored.digest == *digest).cloned().collect();
        let alone = Graph { manifests: of_it, depth: 1 };
        let is_portable = obstacles(&alone, self.places.destination_is_ecr()).is_empty();
        Ok((is_portable && *digest != graph.top()?.digest).then(|| digest.clone()))
    }

    /// Says what Lambda can run of it and which commit it holds, and answers the first; a refusal when the commit is another one than it
    /// must be.
    async fn describe(
        &self,
        artifact: &Artifact,
        parts: Parts<'_>,
        top: &Stored,
        looking: Looking,
    ) -> Step<Option<Digest>> {
        let report = &self.cx.report;
        let Self { inputs, .. } = self;
        report.output("digest", artifact.digest.as_str());
        report.output("match", artifact.matched.word());
        let images = Images::find(parts, top, &inputs.platform, inputs.verify_revision, looking).await?;
        let lambda = match images.lambda() {
            ForLambda::Runs(digest) => Some(digest.clone()),
            other => {
                report.warn(report::not_for_lambda(&artifact.digest, &inputs.platform, &images, &other));
                None
            }
        };
        let revisions = images.revisions();
        let revision = revisions.first().and_then(|(_, revision)| revision.clone()).unwrap_or_default();
        let says = revision.parse::<CommitSha>().ok().filter(|_| artifact.matched == Match::Explicit);
        let commit = artifact.commit.clone().or(says);
        report.output("source-sha", commit.map(|commit| commit.to_string()).unwrap_or_default());
        report.output("revision", revision);
        match revision::judge(self.cx, inputs.verify_revision, artifact.commit.as_ref(), &revisions).await? {
            Some(refusal) => Err(refusal.into()),
            None => Ok(lambda),
        }
    }

    /// What the destination has of it.
    async fn present(&self, graph: &Graph) -> Result<Present> {
        let destination = &self.places.destination;
        let top = &graph.top()?.digest;
        // ECR takes no manifest without what it points to; other registries take indexes with gaps.
        let whole = self.places.destination_is_ecr();
        if whole && destination.has_manifest(top).await? {
            return Ok(Present::everything(graph));
        }
        let manifests = graph.manifests.iter().map(|stored| &stored.digest);
        let unknown: Vec<_> = manifests.filter(|digest| !whole || *digest != top).collect();
        let manifests = self.those_there(&unknown, async |digest| destination.has_manifest(digest).await).await?;
        let blobs = graph.blobs(|stored| !manifests.contains(&stored.digest));
        let blobs: Vec<_> = blobs.iter().map(|blob| &blob.digest).collect();
        let blobs = self.those_there(&blobs, async |digest| destination.has_blob(digest).await).await?;
        Ok(Present { manifests, blobs })
    }
}
