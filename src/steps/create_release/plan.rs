//! What create-release decides from what it found. No I/O.

use super::notes::Section;
use crate::github::{Asset, AssetFile, Release, ReleaseChange};
use crate::text::message;

/// What is wanted.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The title, where one was given.
    pub name: Option<&'a str>,
    /// Our part of the text.
    pub section: &'a Section,
    pub prerelease: bool,
    /// Whether that was given, not read from the version.
    pub prerelease_given: bool,
    /// Left as a draft.
    pub draft: bool,
    pub make_latest: &'static str,
    pub assets: &'a [AssetFile],
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// There is none: a draft, its assets, then publish it.
    Create,
    /// Complete this one: assets first.
    Complete { assets: Vec<Todo>, change: ReleaseChange },
    /// It is as wanted.
    Keep,
}

/// What is to be done with one asset.
#[derive(Debug, PartialEq)]
pub(super) enum Todo {
    /// Upload this file.
    Upload(AssetFile),
    /// The same, once what stands there under its name is gone.
    Replace(Asset, AssetFile),
}

impl Wanted<'_> {
    /// The change that publishes a draft.
    pub(super) fn publishing(&self) -> ReleaseChange {
        ReleaseChange { draft: Some(false), make_latest: Some(self.make_latest), ..ReleaseChange::default() }
    }
}

/// The release of the tag that is gone on with: the published one; of drafts, one of ours. And the drafts that are left.
pub(super) fn choose(
    published: Option<Release>,
    mut drafts: Vec<Release>,
    mark: &str,
) -> (Option<Release>, Vec<Release>) {
    let ours = |release: &Release| release.body.as_ref().is_some_and(|body| body.contains(mark));
    let place = drafts.iter().position(ours).unwrap_or_default();
    let chosen = published.or_else(|| (place < drafts.len()).then(|| drafts.remove(place)));
    (chosen, drafts)
}

/// Decides.
///
/// # Errors
/// It is published, and differs in this, which nobody may change any more.
pub(super) fn plan(found: Option<&Release>, wanted: &Wanted<'_>) -> Result<Plan, Vec<String>> {
    let Some(found) = found else { return Ok(Plan::Create) };
    let (mut todo, mut refused) = (Vec::new(), Vec::new());
    for file in wanted.assets {
        match found.assets.iter().find(|asset| asset.name == file.name) {
            Some(asset) if file.is(asset) => {}
            Some(asset) if found.draft => todo.push(Todo::Replace(asset.clone(), file.clone())),
            Some(_) => refused.push(message!("asset-differs", "its asset {} is another file", file.name)),
            None if found.immutable => refused.push(format!("it has no asset {}", file.name)),
            None => todo.push(Todo::Upload(file.clone())),
        }
    }
    let change = change(found, wanted);
    if found.immutable {
        refused.extend(differences(&change));
    }
    match (refused.is_empty(), todo.is_empty() && change == ReleaseChange::default()) {
        (false, _) => Err(refused),
        (true, true) => Ok(Plan::Keep),
        (true, false) => Ok(Plan::Complete { assets: todo, change }),
    }
}

/// What differs. What people set in a published release stays, unless it was asked for.
fn change(found: &Release, wanted: &Wanted<'_>) -> ReleaseChange {
    let body = found.body.as_deref().unwrap_or_default();
    let renewed = wanted.section.renewed_in(body);
    let name = wanted.name.filter(|name| found.name.as_deref() != Some(*name));
    let prerelease = found.prerelease != wanted.prerelease && (found.draft || wanted.prerelease_given);
    let rest = if found.draft && !wanted.draft { wanted.publishing() } else { ReleaseChange::default() };
    ReleaseChange {
        name: name.map(str::to_owned),
        body: (renewed != body.replace("\r\n", "\n")).then_some(renewed),
        prerelease: prerelease.then_some(wanted.prerelease),
        ..rest
    }
}

fn differences(change: &ReleaseChange) -> Vec<String> {
    let all = [
        (change.name.is_some(), "its name is another"),
        (change.body.is_some(), "its notes do not say what this deployment is"),
        (change.prerelease.is_some(), "`prerelease` is another"),
    ];
    all.iter().filter(|(differs, _)| *differs).map(|(_, problem)| (*problem).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::steps::create_release::notes::begin;

    fn section() -> Section {
        Section::of("v1.2.3", &"4fe2c1a9d4e5f60718293a4b5c6d7e8f9a0b1c2d".parse().unwrap(), None)
    }

    fn file(name: &str) -> AssetFile {
        AssetFile { name: name.to_owned(), path: PathBuf::new(), size: 3, digest: "sha256:abc".to_owned() }
    }

    fn asset(name: &str, digest: &str, state: &str) -> Asset {
        Asset { id: 5, name: name.to_owned(), state: state.to_owned(), size: 3, digest: Some(digest.to_owned()) }
    }

    fn release(draft: bool, immutable: bool, body: &str, assets: &[Asset]) -> Release {
        Release {
            id: 1,
            tag_name: "v1.2.3".to_owned(),
            name: Some("v1.2.3".to_owned()),
            body: Some(body.to_owned()),
            draft,
            prerelease: false,
            immutable,
            html_url: String::new(),
            upload_url: String::new(),
            assets: assets.to_vec(),
        }
    }

    #[test]
    fn what_is_there_is_completed_kept_or_left_alone() {
        let section = section();
        let text = section.with("Notes.");
        let (good, other, half) = (
            asset("a.zip", "sha256:abc", "uploaded"),
            asset("a.zip", "sha256:x", "uploaded"),
            asset("a.zip", "sha256:abc", "open"),
        );
        let files = [file("a.zip")];
        let wanted = Wanted {
            name: None,
            section: &section,
            prerelease: false,
            prerelease_given: false,
            draft: false,
            make_latest: "legacy",
            assets: &files,
        };
        let publish = wanted.publishing();
        let body = ReleaseChange { body: Some(section.with("By hand.")), ..ReleaseChange::default() };
        let upload = || vec![Todo::Upload(file("a.zip"))];
        let refuse = |why: &[&str]| Err(why.iter().map(ToString::to_string).collect::<Vec<_>>());
        let complete = |assets, change| Ok(Plan::Complete { assets, change });
        let table = [
            (None, Ok(Plan::Create)),
            (Some(release(true, false, &text, &[])), complete(upload(), publish.clone())),
            (
                Some(release(true, false, &text, std::slice::from_ref(&half))),
                complete(vec![Todo::Replace(half.clone(), file("a.zip"))], publish.clone()),
            ),
            (Some(release(true, false, &text, std::slice::from_ref(&good))), complete(Vec::new(), publish.clone())),
            (Some(release(false, false, &text, std::slice::from_ref(&good))), Ok(Plan::Keep)),
            (Some(release(false, true, &text, std::slice::from_ref(&good))), Ok(Plan::Keep)),
            (Some(release(false, false, "By hand.", std::slice::from_ref(&good))), complete(Vec::new(), body.clone())),
            (Some(release(false, false, "By hand.", &[])), complete(upload(), body)),
            (
                Some(release(false, false, &text, std::slice::from_ref(&other))),
                refuse(&["its asset a.zip is another file"]),
            ),
            (
                Some(release(false, true, "By hand.", &[])),
                refuse(&["it has no asset a.zip", "its notes do not say what this deployment is"]),
            ),
        ];
        for (found, expected) in table {
            assert_eq!(plan(found.as_ref(), &wanted), expected, "{found:?}");
        }
    }

    #[test]
    fn what_people_set_in_a_published_release_stays_unless_it_was_asked_for() {
        let section = section();
        let found = release(false, false, &section.with(""), &[]);
        let wanted = |name, prerelease_given| Wanted {
            name,
            section: &section,
            prerelease: true,
            prerelease_given,
            draft: false,
            make_latest: "false",
            assets: &[],
        };
        assert_eq!(plan(Some(&found), &wanted(None, false)), Ok(Plan::Keep));
        let change =
            ReleaseChange { name: Some("Spring".to_owned()), prerelease: Some(true), ..ReleaseChange::default() };
        let asked = wanted(Some("Spring"), true);
        assert_eq!(plan(Some(&found), &asked), Ok(Plan::Complete { assets: Vec::new(), change }));
    }

    #[test]
    fn a_published_release_comes_first_then_a_draft_of_ours() {
        let (mark, published) = (begin("v1.2.3"), release(false, false, "", &[]));
        let draft = |id, body: &str| Release { id, ..release(true, false, body, &[]) };
        let drafts = vec![draft(7, "by hand"), draft(8, &mark)];
        assert_eq!(choose(Some(published.clone()), drafts.clone(), &mark), (Some(published), drafts.clone()));
        let ids = |(chosen, left): (Option<Release>, Vec<Release>)| {
            (chosen.map(|draft| draft.id), left.iter().map(|draft| draft.id).collect::<Vec<_>>())
        };
        assert_eq!(ids(choose(None, drafts, &mark)), (Some(8), vec![7]));
        assert_eq!(ids(choose(None, vec![draft(7, "by hand")], &mark)), (Some(7), Vec::new()));
        assert_eq!(choose(None, Vec::new(), &mark), (None, Vec::new()));
    }
}
