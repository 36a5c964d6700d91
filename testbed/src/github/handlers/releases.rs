//! Releases and their assets.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::github::answer::{Answer, Reply};
use crate::github::call::Call;
use crate::github::clock::rfc3339;
use crate::github::objects::hex;
use crate::github::records::{Asset, Release};
use crate::github::shapes::{node, user};

/// The most characters of a body.
const LONGEST: usize = 125_000;

fn check_body(call: &Call<'_>) -> Result<(), Answer> {
    if call.text("body").is_some_and(|body| body.chars().count() > LONGEST) {
        return Err(Answer::invalid_because("Release", "body", "body is too long (maximum is 125000 characters)"));
    }
    Ok(())
}

/// Releases, newest first; drafts for those who may write.
pub(crate) fn list(call: &mut Call<'_>) -> Reply {
    let mut all = call.repository.releases.clone();
    all.retain(|release| !release.draft || call.sees_drafts);
    all.reverse();
    let shapes: Vec<_> = all.iter().map(|release| shape(call, release)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

pub(crate) fn get(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    if call.repository.releases[at].draft && !call.sees_drafts {
        return Err(Answer::not_found());
    }
    answer(call, 200, at)
}

/// The published release of a tag; a draft is not found.
pub(crate) fn by_tag(call: &mut Call<'_>) -> Reply {
    let tag = call.parameter("tag");
    let releases = &call.repository.releases;
    let at = releases.iter().position(|release| !release.draft && release.tag_name == tag);
    answer(call, 200, at.ok_or_else(Answer::not_found)?)
}

/// The newest full release; `make_latest` names it outright.
pub(crate) fn latest(call: &mut Call<'_>) -> Reply {
    let full = |release: &&(usize, &Release)| !release.1.draft && !release.1.prerelease;
    let candidates: Vec<_> = call.repository.releases.iter().enumerate().collect();
    let newest = candidates
        .iter()
        .filter(full)
        .filter(|(_, release)| release.make_latest != "false")
        .max_by_key(|(_, release)| (release.published_at, release.id));
    let at = newest.map(|(at, _)| *at).ok_or_else(Answer::not_found)?;
    answer(call, 200, at)
}

pub(crate) fn create(call: &mut Call<'_>) -> Reply {
    let tag_name = call.required("Release", "tag_name")?;
    check_body(call)?;
    if call.repository.releases.iter().any(|release| !release.draft && release.tag_name == tag_name) {
        return Err(Answer::invalid("Release", "tag_name", "already_exists"));
    }
    let now = call.shared.now();
    let given = call.text("body").map(str::to_owned);
    let body = match (call.flag("generate_release_notes"), given) {
        (Some(true), None) => Some(notes(call, &tag_name, None)),
        (Some(true), Some(given)) => Some(format!("{given}\n\n{}", notes(call, &tag_name, None))),
        (_, given) => given,
    };
    let default = call.repository.default_branch.clone();
    let mut release = Release {
        id: call.shared.next_id(),
        name: call.text("name").map(str::to_owned),
        target_commitish: call.text("target_commitish").unwrap_or(&default).to_owned(),
        body,
        draft: call.flag("draft").unwrap_or(false),
        prerelease: call.flag("prerelease").unwrap_or(false),
        make_latest: call.text("make_latest").unwrap_or("true").to_owned(),
        immutable: false,
        author: call.actor.clone(),
        created_at: now,
        published_at: None,
        assets: Vec::new(),
        tag_name,
    };
    if !release.draft {
        publish(call, &mut release)?;
    }
    call.repository.releases.push(release);
    answer(call, 201, call.repository.releases.len() - 1)
}

pub(crate) fn update(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    check_body(call)?;
    let mut release = call.repository.releases[at].clone();
    if release.immutable && (call.text("tag_name").is_some() || call.text("target_commitish").is_some()) {
        return Err(Answer::invalid_because(
            "Release",
            "tag_name",
            "tag_name cannot be changed: the release is immutable",
        ));
    }
    for (name, field) in [("tag_name", &mut release.tag_name), ("target_commitish", &mut release.target_commitish)] {
        if let Some(text) = call.text(name) {
            text.clone_into(field);
        }
    }
    for (name, field) in [("name", &mut release.name), ("body", &mut release.body)] {
        if let Some(text) = call.text(name) {
            *field = Some(text.to_owned());
        }
    }
    release.prerelease = call.flag("prerelease").unwrap_or(release.prerelease);
    if let Some(latest) = call.text("make_latest") {
        latest.clone_into(&mut release.make_latest);
    }
    if release.draft && call.flag("draft") == Some(false) {
        release.draft = false;
        let taken = |other: &Release| !other.draft && other.tag_name == release.tag_name;
        if call.repository.releases.iter().any(taken) {
            return Err(Answer::invalid("Release", "tag_name", "already_exists"));
        }
        publish(call, &mut release)?;
    }
    call.repository.releases[at] = release;
    answer(call, 200, at)
}

pub(crate) fn delete(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let gone = call.repository.releases.remove(at);
    if gone.immutable {
        call.repository.used_up.push(gone.tag_name);
    }
    Ok(Answer::no_content())
}

pub(crate) fn generate_notes(call: &mut Call<'_>) -> Reply {
    let tag = call.required("Release", "tag_name")?;
    let body = notes(call, &tag, call.text("previous_tag_name"));
    Ok(Answer::ok(json!({"name": tag, "body": body})))
}

pub(crate) fn list_assets(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let assets = call.repository.releases[at].assets.clone();
    let tag = call.repository.releases[at].tag_name.clone();
    let shapes: Vec<_> = assets.iter().map(|asset| asset_shape(call, &tag, asset)).collect();
    Ok(call.paged(&shapes, Clone::clone))
}

/// An upload; GitHub's other host serves this route, here the prefixes `/uploads` and `/api/uploads`.
pub(crate) fn upload_asset(call: &mut Call<'_>) -> Reply {
    let at = position(call)?;
    let name = call.query("name").unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Answer::invalid("ReleaseAsset", "name", "missing_field"));
    }
    let release = &call.repository.releases[at];
    if release.assets.iter().any(|asset| asset.name == name) {
        return Err(Answer::invalid("ReleaseAsset", "name", "already_exists"));
    }
    if call.bytes.is_empty() {
        return Err(Answer::error(400, "Bad Content-Length"));
    }
    if release.immutable {
        return Err(Answer::error(422, "Cannot upload assets to an immutable release."));
    }
    let tag = release.tag_name.clone();
    let asset = Asset {
        id: call.shared.next_id(),
        name,
        label: call.query("label").map(str::to_owned),
        content_type: call.content_type.clone(),
        content: call.bytes.clone(),
        state: "uploaded".to_owned(),
        uploader: call.actor.clone(),
        created_at: call.shared.now(),
    };
    call.repository.releases[at].assets.push(asset.clone());
    Ok(Answer::created(asset_shape(call, &tag, &asset)))
}

pub(crate) fn delete_asset(call: &mut Call<'_>) -> Reply {
    let id = call.id("asset_id")?;
    for release in &mut call.repository.releases {
        if let Some(at) = release.assets.iter().position(|asset| asset.id == id) {
            release.assets.remove(at);
            return Ok(Answer::no_content());
        }
    }
    Err(Answer::not_found())
}

/// Whether releases of this repository become immutable.
pub(crate) fn immutable(call: &mut Call<'_>) -> Reply {
    if !call.repository.immutable_releases {
        return Err(Answer::not_found());
    }
    Ok(Answer::ok(json!({"enabled": true, "enforced_by_owner": false})))
}

/// Publishing makes the tag when there is none. A tag that an immutable release had is used up for ever
/// (<https://docs.github.com/en/code-security/concepts/supply-chain-security/immutable-releases>).
fn publish(call: &mut Call<'_>, release: &mut Release) -> Result<(), Answer> {
    if call.repository.used_up.contains(&release.tag_name) {
        return Err(Answer::invalid_because("Release", "tag_name", "tag_name was used by an immutable release"));
    }
    let name = format!("tags/{}", release.tag_name);
    if !call.repository.refs.contains_key(&name) {
        let Some(sha) = call.repository.resolve(&release.target_commitish) else {
            return Err(Answer::invalid("Release", "target_commitish", "invalid"));
        };
        call.repository.refs.insert(name, sha);
    }
    release.published_at = Some(call.shared.now());
    release.immutable = call.repository.immutable_releases;
    Ok(())
}

fn notes(call: &Call<'_>, tag: &str, previous: Option<&str>) -> String {
    let page = call.urls.page(call.repository);
    match previous {
        Some(previous) => format!("**Full Changelog**: {page}/compare/{previous}...{tag}"),
        None => format!("**Full Changelog**: {page}/commits/{tag}"),
    }
}

fn position(call: &Call<'_>) -> Result<usize, Answer> {
    let id = call.id("release_id")?;
    let releases = &call.repository.releases;
    releases.iter().position(|release| release.id == id).ok_or_else(Answer::not_found)
}

fn answer(call: &mut Call<'_>, status: u16, at: usize) -> Reply {
    let release = call.repository.releases[at].clone();
    Ok(Answer::json(status, &shape(call, &release)))
}

pub(crate) fn shape(call: &mut Call<'_>, release: &Release) -> Value {
    let url = format!("{}/releases/{}", call.url(), release.id);
    let page = call.urls.page(call.repository);
    let tag = &release.tag_name;
    let assets: Vec<_> = release.assets.iter().map(|asset| asset_shape(call, tag, asset)).collect();
    let uploads = url.replacen(&call.urls.api, &format!("{}/uploads", call.urls.api.trim_end_matches("/v3")), 1);
    let html_url = if release.draft {
        format!("{page}/releases/tag/untagged-{}", release.id)
    } else {
        format!("{page}/releases/tag/{tag}")
    };
    json!({
        "url": url,
        "assets_url": format!("{url}/assets"),
        "upload_url": format!("{uploads}/assets{{?name,label}}"),
        "html_url": html_url,
        "id": release.id,
        "node_id": node("RE", release.id),
        "author": user(call.shared, &call.urls, &release.author),
        "tag_name": tag,
        "target_commitish": release.target_commitish,
        "name": release.name,
        "body": release.body,
        "draft": release.draft,
        "prerelease": release.prerelease,
        "immutable": release.immutable,
        "created_at": rfc3339(release.created_at),
        "published_at": release.published_at.map(rfc3339),
        "tarball_url": format!("{}/tarball/{tag}", call.url()),
        "zipball_url": format!("{}/zipball/{tag}", call.url()),
        "assets": assets,
    })
}

fn asset_shape(call: &mut Call<'_>, tag: &str, asset: &Asset) -> Value {
    json!({
        "url": format!("{}/releases/assets/{}", call.url(), asset.id),
        "browser_download_url": format!(
            "{}/releases/download/{tag}/{}", call.urls.page(call.repository), asset.name,
        ),
        "id": asset.id,
        "node_id": node("RA", asset.id),
        "name": asset.name,
        "label": asset.label,
        "state": asset.state,
        "content_type": asset.content_type,
        "size": asset.content.len(),
        "digest": format!("sha256:{}", hex(&Sha256::digest(&asset.content))),
        "download_count": 0,
        "created_at": rfc3339(asset.created_at),
        "updated_at": rfc3339(asset.created_at),
        "uploader": user(call.shared, &call.urls, &asset.uploader),
    })
}
