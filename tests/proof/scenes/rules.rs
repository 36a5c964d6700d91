//! What no world may ever be like, whatever happened to the run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::state::State;

/// The rules that this world breaks, a sentence each.
pub(crate) fn broken(state: &State) -> Vec<String> {
    let mut broken = Vec::new();
    aliases(state, &mut broken);
    sites(state, &mut broken);
    images(state, &mut broken);
    records(state, &mut broken);
    news(state, &mut broken);
    drafts(state, &mut broken);
    tasks(state, &mut broken);
    broken
}

/// One open issue for an environment and component; a run says one thing once.
fn news(state: &State, broken: &mut Vec<String>) {
    let issues: Vec<&Value> = state.news["issues"].as_array().into_iter().flatten().collect();
    let about = |issue: &Value| {
        issue["text"].as_str().and_then(|text| text.split(" run=").next()).unwrap_or_default().to_owned()
    };
    let open: Vec<String> = issues.iter().filter(|issue| issue["open"] == true).map(|issue| about(issue)).collect();
    for issue in issues {
        if open.iter().filter(|other| **other == about(issue)).count() > 1 {
            broken.push(format!("two open issues: {}", about(issue)));
        }
        let comments: Vec<&Value> = issue["comments"].as_array().into_iter().flatten().collect();
        if let Some((place, twice)) = comments.iter().enumerate().find(|(place, one)| comments[..*place].contains(one))
        {
            broken.push(format!("comment {place} says it twice: {twice}"));
        }
    }
}

/// An alias points to one published version, and nothing but that version gets traffic.
fn aliases(state: &State, broken: &mut Vec<String>) {
    for (function, found) in object(&state.functions) {
        for (alias, serves) in object(&found["aliases"]) {
            let version = serves["version"].as_str().unwrap_or_default();
            if found["versions"].get(version).is_none() {
                broken.push(format!("{function}:{alias} points to {version:?}, which is no published version"));
            }
            if object(&serves["weights"]).next().is_some() {
                broken.push(format!("{function}:{alias} has weights left: {}", serves["weights"]));
            }
        }
    }
}

/// No page that users get names a file that is not there.
fn sites(state: &State, broken: &mut Vec<String>) {
    for (site, found) in object(&state.sites) {
        if found["lacks"].as_array().is_some_and(|lacks| !lacks.is_empty()) {
            broken.push(format!("the first page of {site} names what is not there: {}", found["lacks"]));
        }
    }
}

/// What has a name is whole.
fn images(state: &State, broken: &mut Vec<String>) {
    for (repository, tags) in object(&state.images) {
        for (tag, image) in object(tags) {
            if image["complete"] != true {
                broken.push(format!("{repository}:{tag} is an incomplete image"));
            }
        }
    }
}

/// No tag has two drafts, or one beside its release.
fn drafts(state: &State, broken: &mut Vec<String>) {
    for (tag, drafts) in object(&state.drafts) {
        let published = usize::from(state.releases.get(tag).is_some());
        if drafts.as_u64().is_some_and(|drafts| drafts > 1) || published > 0 {
            broken.push(format!("{tag} has {drafts} drafts and {published} releases"));
        }
    }
}

/// Never two tasks at once, and no more than there were runs.
fn tasks(state: &State, broken: &mut Vec<String>) {
    let mut all = state.tasks.clone();
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    if all.len() > 2 {
        broken.push(format!("two runs have started {} tasks", all.len()));
    }
    if let Some(pair) = all.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        broken.push(format!("a task was started while another one went on: {pair:?}"));
    }
}

/// No run has two open records of one kind for a target, and no run goes back twice. While a rollback is under way its own record
/// is open beside the one it undoes.
fn records(state: &State, broken: &mut Vec<String>) {
    let mut open: BTreeMap<String, usize> = BTreeMap::new();
    for record in state.records.as_array().into_iter().flatten().filter(|record| record["standing"] == "open") {
        for target in record["targets"].as_array().into_iter().flatten() {
            let (run, place) = (&record["run"], State::place(record, target));
            *open.entry(format!("{} {place} by run {run}", record["task"])).or_default() += 1;
        }
    }
    broken.extend(
        open.iter().filter(|(_, count)| **count > 1).map(|(what, count)| format!("{what}: {count} open records")),
    );
    let good = |record: &&Value| record["task"] == "deploy:rollback" && record["standing"] != "failed";
    let back: Vec<&Value> = state.records.as_array().into_iter().flatten().filter(good).collect();
    for (place, record) in back.iter().enumerate() {
        let same = |other: &&&Value| other["run"] == record["run"] && other["targets"] == record["targets"];
        if back[..place].iter().any(|other| same(&other)) {
            broken.push(format!("run {} went back twice", record["run"]));
        }
    }
}

/// Targets that serve something else than what succeeded last by the records, while no record is open: the next rollback would
/// go by a lie.
pub(crate) fn untold(state: &State) -> Vec<String> {
    let mut untold = Vec::new();
    for record in state.records.as_array().into_iter().flatten() {
        for target in record["targets"].as_array().into_iter().flatten() {
            let serves = state.serves(target);
            let place = State::place(record, target);
            let (succeeded, open) = &state.told()[&place];
            let lies = succeeded.as_ref().is_some_and(|told| *told != serves);
            let text = format!("{place} serves {serves}, and the record says {succeeded:?} succeeded last");
            if !serves.is_null() && lies && open.is_empty() && !untold.contains(&text) {
                untold.push(text);
            }
        }
    }
    untold
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
