//! What inventory makes of what it saw. Pure.

use super::model::{
    Finding, Known, Level, Live, Observed, Part, Recorded, Role, Row, Runs, Seen, Serves, State, Stored,
};
use crate::aws::s3::S3Url;
use crate::insight::Branch;
use crate::record::{Identity, Target};
use crate::registry::retention::Fate;

/// The rows, in the order in which they were seen.
pub(super) fn judge(observed: &Observed) -> Vec<Row> {
    observed.seen.iter().map(|seen| row(seen, observed.branch.as_ref())).collect()
}

fn row(seen: &Seen, branch: Option<&Branch>) -> Row {
    let (place, known) = (&seen.wanted.place, &seen.known);
    let compared = compare(&seen.live, known);
    let mut findings = compared.findings;
    let recorded = known.serves.as_ref();
    let newest = if compared.state == State::Deploying { known.open.as_ref().or(recorded) } else { recorded };
    let parts = if let Live::Serves { parts, notes } = &seen.live {
        findings.extend(notes.iter().map(|note| Finding { level: Level::Note, text: note.clone() }));
        parts.as_slice()
    } else {
        &[]
    };
    for broken in parts.iter().filter_map(|part| part.broken.as_ref()) {
        findings.push(Finding { level: Level::Bad, text: broken.clone() });
    }
    findings.extend(seen.fates.iter().filter_map(finding));
    let serves: Vec<Serves> = parts.iter().map(|part| serves(part, known)).collect();
    let commit = serves.first().and_then(|serves| serves.commit.as_ref()?.parse().ok());
    let is_recorded = matches!(compared.state, State::AsRecorded | State::Deploying);
    let about = newest.filter(|_| is_recorded);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Row {
        environment: seen.wanted.environment.to_string(),
        component: seen.wanted.component.clone(),
        target: place.identity.to_string(),
        kind: kind(&place.identity),
        region: place.location.region.to_string(),
        account: place.location.account.to_string(),
        state: compared.state,
        behind: commit.and_then(|commit| branch?.behind(&commit)),
        serves,
        recorded: recorded.map(|recorded| shown(&recorded.target)),
        since: about.map(|recorded| recorded.at.clone()),
        deployment: about.map(|recorded| recorded.id),
        run: about.and_then(|recorded| recorded.run),
        actor: about.and_then(|recorded| recorded.actor.clone()),
        release: about.and_then(|recorded| recorded.release.clone()),
        previous: recorded.and_then(previous),
        held: known.held.clone(),
        endangered: protected(&seen.fates) == Some(false) || parts.iter().any(|part| part.broken.is_some()),
        protected: protected(&seen.fates),
        findings,
    }
}

const fn kind(identity: &Identity) -> &'static str {
    match identity {
        Identity::LambdaAlias { .. } => "lambda-alias",
        Identity::LambdaLatest { .. } => "lambda-latest",
        Identity::EcsService { .. } => "ecs-service",
        Identity::EcsTask { .. } => "ecs-task",
        Identity::Site { .. } => "site",
    }
}

/// Whether what is kept outside is safe; nothing where there is nothing, or somebody did not answer.
fn protected(fates: &[(Role, Stored, Fate)]) -> Option<bool> {
    let all: Vec<Option<bool>> = fates.iter().map(|(_, _, fate)| fate.is_safe()).collect();
    if all.contains(&Some(false)) {
        return Some(false);
    }
    (!all.is_empty() && !all.contains(&None)).then_some(true)
}

fn finding((role, stored, fate): &(Role, Stored, Fate)) -> Option<Finding> {
    let level = match fate.is_safe() {
        Some(true) => return None,
        Some(false) => Level::Bad,
        None => Level::Unproved,
    };
    let (what, name) = match stored {
        Stored::Image { repository, digest, .. } => ("image", format!("{repository}@{}", digest.short())),
        Stored::Object { bucket, key, .. } => ("archive", S3Url { bucket: bucket.clone(), key: key.clone() }.label()),
    };
    let role = match role {
        Role::Serves => "that serves",
        Role::RollsBack => "that a rollback goes back to",
    };
    let fate = match (fate, stored) {
        (Fate::Gone, Stored::Object { .. }) => "is no longer in its bucket".to_owned(),
        (Fate::Unknown(why), _) => format!("may be deleted: that is not known, because {why}"),
        _ => fate.to_string(),
    };
    Some(Finding { level, text: format!("the {what} {role} ({name}) {fate}") })
}

struct Compared {
    state: State,
    findings: Vec<Finding>,
}

/// What serves, against what the records say of the place.
fn compare(live: &Live, known: &Known) -> Compared {
    let of = |state, level, text: String| Compared { state, findings: vec![Finding { level, text }] };
    let parts = match live {
        Live::Unreadable(why) => return of(State::Unknown, Level::Unproved, format!("it could not be read: {why}")),
        Live::Elsewhere => {
            let text = "it is in another account or region than the credentials of this job: run inventory there too"
                .to_owned();
            return of(State::Elsewhere, Level::Note, text);
        }
        Live::Missing(why) => return of(State::Missing, Level::Bad, why.clone()),
        Live::Serves { parts, .. } => parts,
    };
    let Some(first) = parts.first() else {
        return of(State::Missing, Level::Bad, "no task of it runs".to_owned());
    };
    let is_open = |part: &Part| known.open.as_ref().is_some_and(|open| is_at(part, &open.target) == Some(true));
    if parts.iter().any(is_open) {
        let text = "a deployment is under way".to_owned();
        return of(State::Deploying, Level::Note, text);
    }
    let Some(recorded) = &known.serves else {
        let text = "no deployment that succeeded is recorded here: there is nothing to compare with".to_owned();
        return of(State::NotRecorded, Level::Note, text);
    };
    if parts.len() > 1 {
        let shares: Vec<String> = parts.iter().map(|part| format!("{}% {}", part.share, name(&part.runs))).collect();
        let text = format!(
            "the traffic is shared ({}), and no deployment is under way: a canary was left there",
            shares.join(", ")
        );
        return of(State::Drift, Level::Bad, text);
    }
    match is_at(first, &recorded.target) {
        Some(true) => Compared { state: State::AsRecorded, findings: Vec::new() },
        Some(false) => {
            let (serves, said) = (name(&first.runs), shown(&recorded.target));
            let text = format!(
                "{serves} serves, and deployment {} recorded {said}: something else has changed it",
                recorded.id
            );
            of(State::Drift, Level::Bad, text)
        }
        None => {
            let text =
                format!("whether it is what deployment {} recorded is not known: AWS names no digest", recorded.id);
            of(State::Unknown, Level::Unproved, text)
        }
    }
}

/// Whether what answers is what a record put there; nothing where either does not say enough.
fn is_at(part: &Part, target: &Target) -> Option<bool> {
    match &part.runs {
        Runs::Version(Some(version), code) => {
            let same_code = target.code().zip(code.as_ref()).is_none_or(|(recorded, serves)| recorded == *serves);
            Some(target.version? == *version && same_code)
        }
        Runs::Version(None, code) => Some(target.code()? == *code.as_ref()?),
        Runs::Release(_, digest) => Some(target.digest.as_ref()? == digest),
        Runs::Revision(revision, digests) => {
            if target.images.is_empty() || digests.is_empty() {
                return Some(target.task_definition.as_ref()? == revision);
            }
            let pairs = target.images.iter().map(|(container, digest)| Some(digests.get(container)? == digest));
            {
                let each: Option<Vec<bool>> = pairs.collect();
                Some(each?.into_iter().all(|same| same))
            }
        }
    }
}

fn serves(part: &Part, known: &Known) -> Serves {
    let records = [known.open.as_ref(), known.serves.as_ref()].into_iter().flatten();
    let mut by_record = records.filter(|recorded| is_at(part, &recorded.target) == Some(true));
    let by_record = by_record.find_map(|recorded| recorded.commit.clone());
    let code = match &part.runs {
        Runs::Version(_, code) => code.iter().map(ToString::to_string).collect(),
        Runs::Release(_, digest) => vec![digest.to_string()],
        Runs::Revision(_, digests) => {
            digests.iter().map(|(container, digest)| format!("{container} {digest}")).collect()
        }
    };
    let commit = part.commit.clone().or(by_record).map(|commit| commit.to_string());
    Serves { name: name(&part.runs), share: part.share, commit, code }
}

fn name(runs: &Runs) -> String {
    match runs {
        Runs::Version(Some(version), _) => format!("version {version}"),
        Runs::Version(None, _) => "$LATEST".to_owned(),
        Runs::Release(release, _) => format!("release {release}"),
        Runs::Revision(revision, _) => revision.to_string(),
    }
}

/// What a record put there: `version 42`, `shop-api:42`, `code sha256:..`.
fn shown(target: &Target) -> String {
    let version = target.version.map(|version| format!("version {version}"));
    version
        .or_else(|| target.task_definition.as_ref().map(ToString::to_string))
        .or_else(|| target.release.as_ref().map(|release| format!("release {release}")))
        .or_else(|| target.code().map(|code| code.label()))
        .unwrap_or_else(|| "something it does not name".to_owned())
}

/// What a rollback of a record goes back to.
fn previous(recorded: &Recorded) -> Option<String> {
    let previous = recorded.target.previous.as_ref()?;
    let version = previous.version.map(|version| format!("version {version}"));
    version
        .or_else(|| previous.task_definition.as_ref().map(ToString::to_string))
        .or_else(|| previous.release.as_ref().map(|release| format!("release {release}")))
        .or_else(|| previous.code().map(|code| code.label()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::lambda::{CodeId, Version};
    use crate::oci::Digest;

    fn part(version: Option<u64>, code: &str, share: f64) -> Part {
        Part {
            runs: Runs::Version(version.map(Version::number), Some(CodeId::Image(Digest::of(code.as_bytes())))),
            share,
            commit: None,
            stored: Vec::new(),
            broken: None,
        }
    }

    fn recorded(id: u64, target: &Value) -> Recorded {
        let mut whole = json!({"kind": "lambda-alias", "function": "api", "alias": "live", "region": "eu-west-1", "account": "0f1e2d3c4b5a"});
        for (name, value) in target.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let target = serde_json::from_value(whole).unwrap();
        Recorded { id, target, commit: None, at: String::new(), run: None, actor: None, release: None }
    }

    fn serving(parts: Vec<Part>) -> Live {
        Live::Serves { parts, notes: Vec::new() }
    }

    #[test]
    fn what_serves_is_compared_with_what_was_recorded() {
        let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
        let seven = json!({"version": "7", "digest": digest("a")});
        let known = |serves: Option<&Value>, open: Option<&Value>| Known {
            serves: serves.map(|target| recorded(1, target)),
            open: open.map(|target| recorded(2, target)),
            held: Vec::new(),
        };
        let eight = json!({"version": "8"});
        let latest = json!({"kind": "lambda-latest", "alias": null, "digest": digest("a")});
        let table = vec![
            (serving(vec![part(Some(7), "a", 100.0)]), known(Some(&seven), None), State::AsRecorded),
            (serving(vec![part(Some(6), "a", 100.0)]), known(Some(&seven), None), State::Drift),
            (serving(vec![part(Some(7), "b", 100.0)]), known(Some(&seven), None), State::Drift),
            (serving(vec![part(Some(7), "a", 100.0)]), known(Some(&seven), Some(&eight)), State::AsRecorded),
            (
                serving(vec![part(Some(7), "a", 90.0), part(Some(8), "b", 10.0)]),
                known(Some(&seven), Some(&eight)),
                State::Deploying,
            ),
            (
                serving(vec![part(Some(7), "a", 90.0), part(Some(8), "b", 10.0)]),
                known(Some(&seven), None),
                State::Drift,
            ),
            (serving(vec![part(Some(7), "a", 100.0)]), known(None, None), State::NotRecorded),
            (serving(vec![part(None, "a", 100.0)]), known(Some(&latest), None), State::AsRecorded),
            (serving(vec![part(None, "b", 100.0)]), known(Some(&latest), None), State::Drift),
            (serving(Vec::new()), known(Some(&seven), None), State::Missing),
            (Live::Missing("there is no alias".to_owned()), known(None, None), State::Missing),
            (Live::Unreadable("denied".to_owned()), known(Some(&seven), None), State::Unknown),
            (Live::Elsewhere, known(Some(&seven), None), State::Elsewhere),
        ];
        for (live, known, state) in table {
            let compared = compare(&live, &known);
            assert_eq!(compared.state, state, "{live:?}\n{known:?}");
            assert_eq!(compared.findings.is_empty(), state == State::AsRecorded);
        }
    }

    #[test]
    fn services_are_compared_by_what_their_containers_run() {
        let digests = |digest: &str| [("app".parse().unwrap(), Digest::of(digest.as_bytes()))].into();
        let runs = |digest: &str| Part {
            runs: Runs::Revision("api:4".parse().unwrap(), digests(digest)),
            ..part(None, "", 100.0)
        };
        let target = |fields: Value| recorded(1, &fields).target;
        let images = target(json!({"images": {"app": Digest::of(b"a").to_string()}, "task-definition": "api:3"}));
        assert_eq!(is_at(&runs("a"), &images), Some(true), "another revision with the same image is the same");
        assert_eq!(is_at(&runs("b"), &images), Some(false));
        let more = target(json!({"images": {"log": Digest::of(b"a").to_string()}}));
        assert_eq!(is_at(&runs("a"), &more), None, "ECS says nothing of that container");
        let bare = target(json!({"task-definition": "api:3"}));
        assert_eq!(is_at(&runs("a"), &bare), Some(false));
    }

    #[test]
    fn what_is_about_to_be_deleted_is_told_with_its_rule() {
        let stored = Stored::Object { bucket: "b".to_owned(), key: "k".to_owned(), version: None };
        let of = |fate| finding(&(Role::RollsBack, stored.clone(), fate));
        assert_eq!(of(Fate::Kept), None);
        let bad = of(Fate::Expires(3)).unwrap();
        assert_eq!(bad.level, Level::Bad);
        assert!(bad.text.ends_with("would be deleted by rule 3 of the lifecycle policy"), "{}", bad.text);
        assert_eq!(of(Fate::Unknown("x".to_owned())).unwrap().level, Level::Unproved);
        let fates = |fates: &[Fate]| {
            protected(&fates.iter().map(|fate| (Role::Serves, stored.clone(), fate.clone())).collect::<Vec<_>>())
        };
        assert_eq!(fates(&[]), None);
        assert_eq!(fates(&[Fate::Kept]), Some(true));
        assert_eq!(fates(&[Fate::Kept, Fate::Unknown(String::new())]), None);
        assert_eq!(fates(&[Fate::Archived, Fate::Unknown(String::new())]), Some(false));
    }
}
