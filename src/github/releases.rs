//! Releases and their assets.

use anyhow::{Context as _, Result};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Github, read_answer};
use super::tags::{absent_is_none, encode};
use crate::calls::retry::Kind;

/// A release, published or a draft.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Release {
    /// Its number.
    pub id: u64,
    /// Its tag. That of a draft need not exist.
    pub tag_name: String,
    /// Its title.
    pub name: Option<String>,
    /// Its notes, Markdown.
    pub body: Option<String>,
    /// Whether only those who may write see it.
    pub draft: bool,
    /// Whether it is marked as not ready for production.
    pub prerelease: bool,
    /// Whether GitHub lets nobody change its tag and assets any more.
    #[serde(default)]
    pub immutable: bool,
    /// Its page.
    pub html_url: String,
    /// Where its assets are uploaded, a template that ends in `{?name,label}`.
    pub upload_url: String,
    /// Its files.
    #[serde(default)]
    pub assets: Vec<Asset>,
}

/// A file of a release.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `uploaded`, or `open` for one whose upload broke off.
    pub state: String,
    /// Bytes.
    pub size: u64,
    /// `sha256:..`. Missing on older servers, and for files that were uploaded before June 2025.
    #[serde(default)]
    pub digest: Option<String>,
}

/// A draft to be made.
#[derive(Debug, Serialize)]
pub struct NewDraft<'a> {
    /// The tag, which exists.
    pub tag_name: &'a str,
    /// The commit of the tag. GitHub would tag this one if the tag were deleted meanwhile; without it, the default branch.
    pub target_commitish: &'a str,
    /// The title.
    pub name: &'a str,
    /// The notes.
    pub body: &'a str,
    /// Whether it is marked as a pre-release.
    pub prerelease: bool,
    /// Always true.
    pub draft: bool,
}

/// What is changed of a release; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReleaseChange {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// False publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// Whether it is marked as a pre-release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prerelease: Option<bool>,
    /// `true`, `false`, or `legacy`: GitHub decides by date and version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub make_latest: Option<&'static str>,
}

impl Github {
    /// The published release of a tag.
    /// <https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name>
    pub async fn release_of(&self, tag: &str) -> Result<Option<Release>> {
        let what = format!("read the release of {tag}");
        absent_is_none(self.get(&what, &format!("releases/tags/{}", encode(tag))).await)
    }

    /// All drafts for a tag. GitHub shows drafts in the list only, and only to those who may write; there may be several, on any of
    /// its pages.
    /// <https://docs.github.com/en/rest/releases/releases#list-releases>
    pub async fn drafts_of(&self, tag: &str) -> Result<Vec<Release>> {
        let is_draft = |release: &Release| release.draft && release.tag_name == tag;
        let all: Vec<Release> = self.list("list the releases", "releases", |_| false).await?;
        Ok(all.into_iter().filter(is_draft).collect())
    }

    /// One release, published or a draft.
    /// <https://docs.github.com/en/rest/releases/releases#get-a-release>
    pub async fn release(&self, id: u64) -> Result<Release> {
        self.get(&format!("read release {id}"), &format!("releases/{id}")).await
    }

    /// The notes GitHub writes for a tag, since another. Saves nothing.
    /// <https://docs.github.com/en/rest/releases/releases#generate-release-notes-content-for-a-release>
    pub async fn generated_notes(&self, tag: &str, commit: &str, since: Option<&str>) -> Result<String> {
        #[derive(Deserialize)]
        struct Notes {
            body: String,
        }
        let what = format!("have GitHub write the notes of {tag}");
        let mut body = json!({"tag_name": tag, "target_commitish": commit});
        if let Some(since) = since {
            body["previous_tag_name"] = since.into();
        }
        let sent = async || self.send(&what, Method::POST, "releases/generate-notes", Some(&body)).await;
        let notes: Notes = read_answer(&what, self.calls.read(&what, sent).await?)?;
        Ok(notes.body)
    }

    /// Makes a draft. Sent once: whoever gets no answer looks for it before making another.
    /// <https://docs.github.com/en/rest/releases/releases#create-a-release>
    pub async fn create_draft(&self, what: &str, draft: &NewDraft<'_>) -> Result<Release> {
        self.change(what, Kind::Once, (Method::POST, "releases"), draft).await
    }

    /// Changes a release, or publishes it. Twice is the same as once.
    /// <https://docs.github.com/en/rest/releases/releases#update-a-release>
    pub async fn update_release(&self, what: &str, id: u64, change: &ReleaseChange) -> Result<Release> {
        self.change(what, Kind::Repeatable, (Method::PATCH, &format!("releases/{id}")), change).await
    }

    /// Deletes an asset; one that is gone is deleted.
    /// <https://docs.github.com/en/rest/releases/assets#delete-a-release-asset>
    pub async fn delete_asset(&self, asset: &Asset) -> Result<()> {
        let what = format!("delete the asset {}", asset.name);
        let route = format!("releases/assets/{}", asset.id);
        let deleted = self.change::<Value>(&what, Kind::Repeatable, (Method::DELETE, &route), &()).await;
        absent_is_none(deleted).map(|_| ()).context(what)
    }
}
