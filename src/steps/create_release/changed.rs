//! What changed in one component since the release before it: the commits that touch its files. GitHub's own notes know no paths.

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::action::inputs::CommitSha;
use crate::changes::{ComponentsInput, Scope, Trees, wrong_components};
use crate::context::Context;
use crate::github::{Change, End, Github, TagName};
use crate::outcome::{Outcome, Step};
use crate::text::{Foreign, number_of};

/// Commits that are looked at, one request each: a job's token has a thousand an hour. Of more, the newest.
const MOST: usize = 250;
/// Asked at once.
const AT_ONCE: usize = 8;
/// The most bytes of a commit's title.
const TITLE: usize = 400;

/// The notes of a component; or an outcome that needs no more.
pub(super) async fn notes(
    cx: &Context,
    input: &ComponentsInput,
    component: &str,
    since: &TagName,
    commit: &CommitSha,
) -> Step<String> {
    let components = Trees::default().components(cx, input, commit).await?;
    components.must_contain(component).map_err(|why| wrong_components(&why))?;
    let github = &cx.github().await?;
    let Some(End::Commit(base)) = github.tag(since.as_str()).await?.map(|tag| tag.end) else {
        return Err(Outcome::fail(format!("the tag before, {since}, points at no commit"))
            .advise("correct the input `previous-tag`")
            .into());
    };
    let (mut newest, total) = github.commits_since(&base, commit, MOST).await?;
    let beyond = total.saturating_sub(newest.len());
    // What a merge brought stands in the commits that it merged.
    newest.retain(|change| change.parents.len() < 2);
    let concerned = filter_concerned(github, &components.scope(component), newest).await?;
    tracing::info!("about {component} since {since}: {}", number_of(concerned.len(), "commit"));
    Ok(text(component, since, &concerned, beyond))
}

/// Those that touch a file of the component or of what it depends on, in their order.
async fn filter_concerned(github: &Github, scope: &Scope<'_>, changes: Vec<Change>) -> Result<Vec<Change>> {
    let looked = stream::iter(changes).map(async |change| {
        let files = github.changed_files(&change.sha).await?;
        // GitHub does not say here what is a submodule, so each is asked about as one too.
        let concerns = |file: &String| scope.owner(file).is_some() || scope.owner(&format!("{file}/")).is_some();
        anyhow::Ok(files.iter().any(concerns).then_some(change))
    });
    let looked: Vec<Option<Change>> = looked.buffered(AT_ONCE).try_collect().await?;
    Ok(looked.into_iter().flatten().collect())
}

/// Titles are foreign text: they are shown as they are, mention nobody, and lead nowhere.
fn text(component: &str, since: &TagName, concerned: &[Change], beyond: usize) -> String {
    // `@scope/..` would mention a team.
    let since = Foreign::new(since.as_str()).for_markdown(TITLE);
    let mut lines = vec![format!("## What changed in {component}\n")];
    let line = |change: &Change| format!("- {} ({})", Foreign::new(change.title()).for_markdown(TITLE), change.sha);
    lines.extend(concerned.iter().rev().map(line));
    if concerned.is_empty() {
        lines.push(format!("None of its files since {since}."));
    }
    if beyond > 0 {
        lines.push(format!("\n{beyond} older commits since {since} were not looked at."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(sha: &str, message: &str) -> Change {
        Change { sha: sha.repeat(40).parse().unwrap(), message: message.to_owned(), parents: Vec::new() }
    }

    #[test]
    fn the_newest_commit_stands_first_and_titles_are_no_more_than_text() {
        let since = "v-line-1.0.0".parse().unwrap();
        let notes = text("line", &since, &[change("a", "First\n\nMore"), change("b", "@everyone [x](https://x)")], 0);
        let lines: Vec<&str> = notes.lines().collect();
        assert_eq!(lines[0], "## What changed in line");
        assert!(lines[2].ends_with(&format!("({})", "b".repeat(40))) && !lines[2].contains("](http"), "{notes}");
        assert!(lines[2].contains("`@everyone`"), "{notes}");
        assert_eq!(lines[3], format!("- First ({})", "a".repeat(40)));
    }

    #[test]
    fn what_is_not_there_and_what_was_not_looked_at_is_said() {
        let since = "v-line-1.0.0".parse().unwrap();
        assert!(text("line", &since, &[], 0).ends_with("None of its files since v-line-1.0.0."));
        assert!(
            text("line", &since, &[change("a", "First")], 7)
                .ends_with("\n7 older commits since v-line-1.0.0 were not looked at.")
        );
    }
}
