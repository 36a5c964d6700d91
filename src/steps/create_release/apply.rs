//! Carrying the plan out: a draft, its assets, then the release. Each write is looked for before it is sent again.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::future::join;

use super::notes::begin;
use super::observe::Observed;
use super::plan::{Plan, Todo, Wanted, choose, plan};
use crate::action::inputs::CommitSha;
use crate::calls::poll::{Look, poll_github};
use crate::calls::{Answer, Ended, error_line};
use crate::context::Context;
use crate::github::{AssetFile, End, Github, GithubError, Kind, NewDraft, Release, ReleaseChange, TagName};
use crate::outcome::Step;
use crate::text::Foreign;

/// What was written is looked for so long.
const LOOKING: Duration = Duration::from_secs(20);
/// Sends of one file, those of uploads that broke off included.
const UPLOADS: usize = 3;

/// The work at one release.
pub(super) struct Work<'a> {
    pub cx: &'a Context,
    pub github: &'a Github,
    pub tag: &'a TagName,
    pub wanted: &'a Wanted<'a>,
}

/// What was found once the writes were read back.
pub(super) struct Seen {
    pub release: Release,
    /// What the tag names now.
    pub tag: Option<End>,
}

/// Writes: each write is looked for before it is sent again.
pub(super) async fn apply(work: &Work<'_>, observed: &Observed, plan: Plan) -> Step<Release> {
    Ok(match (plan, &observed.release) {
        (Plan::Complete { assets, change }, Some(release)) => work.complete(release.clone(), assets, &change).await?,
        _ => work.create(&observed.commit, &observed.text).await?,
    })
}

/// Reads back the release with its assets, and whether the tag is where it was.
pub(super) async fn read_back(work: &Work<'_>, release: &Release) -> Step<Seen> {
    let (release, tag) = join(work.wait_for(release), work.github.tag(work.tag.as_str())).await;
    Ok(Seen { release: release?, tag: tag?.map(|tag| tag.end) })
}

impl Work<'_> {
    /// Makes a release: a draft, that is completed. One whose answer was lost is looked for, and not made twice.
    async fn create(&self, commit: &CommitSha, text: &str) -> Result<Release> {
        let (tag, wanted) = (self.tag.as_str(), self.wanted);
        let what = format!("make a draft of the release {tag}");
        let body = Foreign::new(wanted.section.with(text)).without_secrets();
        let draft = NewDraft {
            tag_name: tag,
            target_commitish: commit.as_str(),
            name: wanted.name.unwrap_or(tag),
            body: &body,
            prerelease: wanted.prerelease,
            draft: true,
        };
        let made = match self.github.create_draft(&what, &draft).await {
            Err(error) if GithubError::is_unanswered(&error) => {
                tracing::info!("{}; looking for it before anything is sent again", error_line(&error));
                let found = self.find_draft().await?.ok_or(error)?;
                self.github.correct(Answer::Applied);
                found
            }
            made => made?,
        };
        tracing::info!("draft {} of {tag}", made.id);
        match plan(Some(&made), wanted) {
            Ok(Plan::Complete { assets, change }) => {
                let page = made.html_url.clone();
                self.complete(made, assets, &change).await.with_context(|| format!("complete the draft {page}"))
            }
            Ok(Plan::Create | Plan::Keep) => Ok(made),
            Err(why) => bail!("the draft that was just made differs: {}", why.join(", ")),
        }
    }

    /// Looks for a draft whose answer was lost, for a while: a list may not show at once what was just made, and who does not see it
    /// would make a second one.
    async fn find_draft(&self) -> Result<Option<Release>> {
        let (until, mark) = (self.cx.calls.deadline.at_most(LOOKING), begin(self.tag.as_str()));
        let looked = poll_github(&until, "the draft to be seen", async || {
            let (found, _) = choose(None, self.github.drafts_of(self.tag.as_str()).await?, &mark);
            Ok(found.map_or_else(|| Look::NotYet("not seen yet".to_owned()), Look::Done))
        });
        match looked.await {
            Ok(found) => Ok(Some(found)),
            Err(error) if Ended::by_deadline(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A release that was written just now, as it is: GitHub may answer from where it is not known yet.
    async fn wait_for(&self, release: &Release) -> Result<Release> {
        let until = self.cx.calls.deadline.at_most(LOOKING);
        poll_github(&until, &format!("release {}", release.id), async || match self.github.release(release.id).await {
            Err(error) if GithubError::is(&error, &Kind::NotFound) => Ok(Look::NotYet("not seen yet".to_owned())),
            seen => seen.map(Look::Done),
        })
        .await
    }

    /// Completes a release: assets first, for a published one may be immutable.
    async fn complete(&self, mut release: Release, assets: Vec<Todo>, change: &ReleaseChange) -> Result<Release> {
        for todo in assets {
            let file = match todo {
                Todo::Upload(file) => file,
                Todo::Replace(asset, file) => {
                    self.github.delete_asset(&asset).await?;
                    file
                }
            };
            self.upload(&release, &file).await?;
        }
        if *change != ReleaseChange::default() {
            let what = if change.draft == Some(false) { "publish the release" } else { "change the release" };
            let what = format!("{what} {}", release.tag_name);
            release = self.github.update_release(&what, release.id, change).await?;
        }
        Ok(release)
    }

    async fn upload(&self, release: &Release, file: &AssetFile) -> Result<()> {
        let what = format!("upload the asset {}", file.name);
        let mut last = None;
        for _ in 0..UPLOADS {
            match self.github.upload_asset(&what, release, file).await {
                Ok(asset) if file.is(&asset) => return Ok(()),
                Ok(_) => {}
                // Refused, because something of that name is there already.
                Err(error) if GithubError::is_unanswered(&error) || GithubError::is(&error, &Kind::Invalid) => {
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
            let now = self.wait_for(release).await?;
            match now.assets.iter().find(|asset| asset.name == file.name) {
                Some(asset) if file.is(asset) => {
                    self.github.correct(Answer::Applied);
                    return Ok(());
                }
                Some(broken) => {
                    tracing::info!("the asset {} did not arrive as it was sent: it is uploaded again", file.name);
                    self.github.delete_asset(broken).await?;
                }
                None => tracing::info!("the asset {} did not arrive: it is uploaded again", file.name),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("it arrives as another file"))).context(what)
    }
}
