//! The tags that what is promoted gets, and what they name now.

use futures_util::future::try_join_all;

use super::inputs::PromoteArtifact;
use super::places::Places;
use super::refused;
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record;
use crate::registry::{Kind, Reference, Stored, registry_refusal};
use crate::rollout::tag_format::{Tag, Values, committed_at};

/// Those that are given, or what `tag-format` makes.
pub(super) async fn tags(inputs: &PromoteArtifact, cx: &Context) -> Step<Vec<Tag>> {
    if let Some(tags) = &inputs.tag {
        return Ok(tags.0.clone());
    }
    let Some(commit) = cx.commit() else {
        return Err(Outcome::error("no commit is known for the tag").advise("give the input `sha`, or `tag`").into());
    };
    let version = cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
    let committed_at = committed_at(cx, &inputs.tag_format, &commit).await?;
    let values = Values {
        environment: cx.common.environment.as_ref().map(EnvironmentName::as_str),
        component: &record::component(cx),
        commit: &commit,
        version: version.unwrap_or(commit.short()),
        committed_at: committed_at.as_deref(),
    };
    let filled = inputs.tag_format.fill(&values);
    Ok(vec![filled.map_err(|why| Outcome::error(why).advise("correct `tag-format`, or give `tag`"))?])
}

impl Places {
    /// What tags name at the destination now.
    pub(super) async fn read_tags(&self, tags: &[Tag]) -> Step<Vec<(Tag, Option<Stored>)>> {
        let destination = &self.destination;
        let reads = tags
            .iter()
            .map(async |tag| anyhow::Ok((tag.clone(), destination.manifest(Reference::Tag(tag.as_str())).await?)));
        match try_join_all(reads).await {
            Err(error) if registry_refusal(&error).is_some_and(|refusal| refusal.kind == Kind::NoRepository) => {
                Err(refused::no_repository(destination).into())
            }
            tags => Ok(tags?),
        }
    }
}
