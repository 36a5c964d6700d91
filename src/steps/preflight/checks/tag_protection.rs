//! Release tags: who has pushed one cannot move it.

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::github::Ruleset;
use crate::outcome::Step;

/// Every token has it.
const NEEDS: &str = "metadata: read";

/// Which tags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Tags as they are made; without them, `v1.0.0`, or that of the component.
    #[serde(default, deserialize_with = "texts")]
    tags: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let component = job.cx.common.component.as_ref();
    let usual = component.map_or_else(|| "v1.0.0".to_owned(), |component| format!("v-{component}-1.0.0"));
    let tags = if options.tags.is_empty() { vec![usual] } else { options.tags.clone() };
    let read = match job.cx.github().await {
        Ok(github) => github.tag_rulesets().await,
        Err(error) => Err(error),
    };
    match read {
        Ok(rulesets) => Ok(tags.iter().map(|tag| judge(tag, &rulesets)).collect()),
        Err(error) => Ok(vec![Finding::unanswered(job.cx, "tags", NEEDS, error)?]),
    }
}

fn judge(tag: &str, rulesets: &[Ruleset]) -> Finding {
    let holding = rulesets.iter().filter(|ruleset| ruleset.holds_for(&format!("refs/tags/{tag}")));
    let forbids = |what: &str| holding.clone().any(|ruleset| ruleset.forbids(what));
    let (moving, deleting) = (forbids("update"), forbids("deletion"));
    let shown = match (moving, deleting) {
        (true, true) => "it may be neither moved nor deleted",
        (true, false) => "it may be deleted, and made again elsewhere",
        (false, _) => "it may be moved",
    };
    let advice = "add a ruleset for tags `v*` that restricts updates and deletions";
    Finding::when(moving && deleting, format!("tags such as {tag}"), NEEDS, shown, advice)
}
