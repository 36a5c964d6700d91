//! The text of a release: what GitHub wrote and people gave, and our part between two marks, which is found again and renewed.
//! No I/O.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::action::inputs::{CommitSha, Component, EnvironmentName};
use crate::ecs::{ContainerName, Revision};
use crate::oci::Digest;
use crate::record::{Identity, Previous, Target};
use crate::rollout::services;
use crate::site::{BucketLabel, Pointer, Prefix, ReleaseName};

/// The most characters of a release's text (GitHub answers 422, "body is too long").
pub(super) const LARGEST: usize = 125_000;
const END: &str = "<!-- /deploy-action -->";
const CUT: &str = "\n\n(The text here was longer than GitHub takes.)";

/// What was deployed with the release, by the record.
#[derive(Debug)]
pub(super) struct Deployed {
    pub environment: EnvironmentName,
    /// The component, where one was named.
    pub component: Option<Component>,
    pub targets: Vec<Target>,
}

/// Our part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    begin: String,
    text: String,
}

impl Section {
    /// What is written of a release. Everything in it is a name or a number of a kind that holds no Markdown.
    pub(super) fn of(tag: &str, commit: &CommitSha, deployed: Option<&Deployed>) -> Self {
        let begin = begin(tag);
        let mut text = format!("{begin}\n### Deployment\n\nCommit `{commit}`");
        if let Some(deployed) = deployed {
            let _ = write!(text, " in `{}`", deployed.environment);
            table(&mut text, &deployed.targets);
            back(&mut text, tag, deployed);
        }
        let _ = write!(text, "\n\n{END}");
        Self { begin, text }
    }

    /// The text of a new release.
    pub(super) fn with(&self, text: &str) -> String {
        let room = LARGEST.saturating_sub(self.text.chars().count() + 2);
        let text = text.trim_end();
        let kept = if text.chars().count() <= room {
            text.to_owned()
        } else {
            let room = room.saturating_sub(CUT.chars().count());
            format!("{}{CUT}", text.chars().take(room).collect::<String>())
        };
        if kept.is_empty() { self.text.clone() } else { format!("{kept}\n\n{}", self.text) }
    }

    /// The text of a release that is there, with our part renewed, or added. All else stays.
    pub(super) fn renewed_in(&self, body: &str) -> String {
        // GitHub's editor ends lines with both characters.
        let body = body.replace("\r\n", "\n");
        let place = body.find(&self.begin).and_then(|from| Some((from, body[from..].find(END)? + from + END.len())));
        match place {
            Some((from, to)) => format!("{}{}{}", &body[..from], self.text, &body[to..]),
            None => self.with(&body),
        }
    }
}

/// How our part begins: by it a draft is known as ours.
pub(super) fn begin(tag: &str) -> String {
    format!("<!-- deploy-action {tag} -->")
}

fn table(text: &mut String, targets: &[Target]) {
    text.push_str("\n\n| serves | version | image | before it |\n|---|---|---|---|");
    for target in targets {
        let version = target.version.map(|version| version.to_string());
        let version = version.or_else(|| given(target.task_definition.as_ref(), target.release.as_ref()));
        let image = match &target.digest {
            Some(digest) => format!("`{digest}`"),
            None if target.images.is_empty() => "-".to_owned(),
            None => images(&target.images),
        };
        let before = target.previous.as_ref().map_or_else(|| "nothing".to_owned(), was_before);
        let version = version.as_deref().unwrap_or("-");
        let _ = write!(text, "\n| `{}` | {version} | {image} | {before} |", target.place.identity);
    }
}

/// What the containers of a service run.
fn images(images: &BTreeMap<ContainerName, Digest>) -> String {
    images.iter().map(|(container, digest)| format!("{container} `{digest}`")).collect::<Vec<_>>().join("<br>")
}

fn was_before(previous: &Previous) -> String {
    let version = previous.version.map(|version| version.to_string());
    let given = || given(previous.task_definition.as_ref(), previous.release.as_ref());
    version.or_else(given).unwrap_or_else(|| "`$LATEST`".to_owned())
}

/// What a service or a site was given.
fn given(definition: Option<&Revision>, release: Option<&ReleaseName>) -> Option<String> {
    definition.map(ToString::to_string).or_else(|| release.map(ToString::to_string))
}

/// How to take the release back, and how to come back to it, to be pasted.
fn back(text: &mut String, tag: &str, deployed: &Deployed) {
    let groups = groups(&deployed.targets);
    let steps = |reason: &str, to: fn(&Target) -> Option<String>| -> String {
        groups.iter().filter_map(|group| step(deployed, group, reason, to)).collect()
    };
    let taken_back = steps(&format!("take {tag} back"), before);
    if taken_back.is_empty() {
        text.push_str("\n\nNothing served there before it: there is nothing to go back to.");
        return;
    }
    text.push_str("\n\n### Taking it back\n\nA step in a job with the role and the permissions of the deployment:");
    let _ = write!(text, "\n\n```yaml\n{taken_back}```");
    let commands: String = deployed.targets.iter().filter_map(command).collect();
    if !commands.is_empty() {
        let _ = write!(text, "\n\nBy hand, of which the record then knows nothing:\n\n```sh\n{commands}```");
    }
    let again = steps(&format!("back to {tag}"), itself);
    if !again.is_empty() {
        let _ = write!(text, "\n\nTo come back to it later:\n\n```yaml\n{again}```");
    }
}

/// What goes back in one step: the targets of one alias, each function that users call without one, each service, and each site.
fn groups(targets: &[Target]) -> Vec<Vec<&Target>> {
    let mut groups: Vec<Vec<&Target>> = Vec::new();
    for target in targets {
        let alias = |target: &Target| match &target.place.identity {
            Identity::LambdaAlias { alias, .. } => Some(alias.clone()),
            Identity::LambdaLatest { .. }
            | Identity::EcsService { .. }
            | Identity::EcsTask { .. }
            | Identity::Site { .. } => None,
        };
        let own = alias(target);
        let together = |group: &&mut Vec<&Target>| own.is_some() && group.iter().all(|other| alias(other) == own);
        match groups.iter_mut().find(together) {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    groups
}

/// Where rollback has to go for what served before: a version; for code that users call without an alias, its image, else
/// the version that holds it; for a service its task definition; for a site its release.
fn before(target: &Target) -> Option<String> {
    let previous = target.previous.as_ref()?;
    let version = previous.version.map(|version| version.to_string());
    let image = previous.digest.as_ref().filter(|_| is_latest(target));
    let given = || given(previous.task_definition.as_ref(), previous.release.as_ref());
    image.map(ToString::to_string).or(version).or_else(given)
}

/// The same for what was deployed.
fn itself(target: &Target) -> Option<String> {
    let image = target.digest.as_ref().filter(|_| is_latest(target));
    let version = target.version.map(|version| version.to_string());
    let given = || given(target.task_definition.as_ref(), target.release.as_ref());
    image.map(ToString::to_string).or(version).or_else(given)
}

fn is_latest(target: &Target) -> bool {
    matches!(target.place.identity, Identity::LambdaLatest { .. })
}

/// A step `rollback` for the targets of a group that have somewhere to go.
fn step(deployed: &Deployed, group: &[&Target], reason: &str, to: fn(&Target) -> Option<String>) -> Option<String> {
    let known: Vec<(&Target, String)> = group.iter().filter_map(|target| Some((*target, to(target)?))).collect();
    let (first, place) = known.first()?;
    let mut step = format!(
        "- uses: org/deploy-action@v1\n  with:\n    step: rollback\n    environment: {}\n",
        deployed.environment
    );
    if let Some(component) = &deployed.component {
        let _ = writeln!(step, "    component: {component}");
    }
    match &first.place.identity {
        Identity::LambdaAlias { alias, .. } => {
            let _ = write!(step, "    alias: {alias}\n    versions: |\n");
            for (function, version) in known.iter().filter_map(|(target, to)| Some((target.place.function()?, to))) {
                let _ = writeln!(step, "      {function}={version}");
            }
        }
        Identity::LambdaLatest { function } => {
            let _ = write!(step, "    mode: code\n    function: {function}\n    to: \"{place}\"\n");
        }
        Identity::EcsService { cluster, service } => {
            let _ = write!(step, "    cluster: {cluster}\n    service: {service}\n    to: \"{place}\"\n");
        }
        Identity::Site { bucket, prefix, pointer } => {
            site(&mut step, first, (bucket, prefix.as_ref(), pointer.as_ref()), place);
        }
        // The next deployment brings it where the services are.
        Identity::EcsTask { .. } => return None,
    }
    let _ = writeln!(step, "    reason: {reason}");
    Some(step)
}

/// The inputs of a site.
fn site(
    step: &mut String,
    target: &Target,
    (bucket, prefix, pointer): (&BucketLabel, Option<&Prefix>, Option<&Pointer>),
    to: &str,
) {
    let _ = writeln!(step, "    bucket: \"{bucket}\"");
    if let Some(prefix) = prefix {
        let _ = writeln!(step, "    prefix: {prefix}");
    }
    if let Some(marker) = &target.marker {
        let _ = writeln!(step, "    marker: {}", marker.as_str());
    }
    match pointer {
        Some(Pointer::OriginPath(_)) => step.push_str("    pointer: origin-path\n"),
        Some(key @ Pointer::Key(..)) => {
            let _ = writeln!(step, "    pointer: {key}");
        }
        None => {}
    }
    if !target.distributions.is_empty() {
        step.push_str("    distribution: |\n");
        for distribution in &target.distributions {
            let _ = writeln!(step, "      {distribution}");
        }
    }
    let _ = writeln!(step, "    to: \"{to}\"");
}

/// The command that points an alias back by hand, or gives a service what it had.
fn command(target: &Target) -> Option<String> {
    let (previous, region) = (target.previous.as_ref()?, &target.place.location.region);
    match &target.place.identity {
        Identity::LambdaAlias { function, alias } => Some(format!(
            "aws lambda update-alias --function-name {function} --name {alias} --function-version {} \
             --routing-config AdditionalVersionWeights={{}} --region {region}\n",
            previous.version?
        )),
        Identity::EcsService { cluster, service } => {
            let command = services::by_hand(cluster, service, previous.task_definition.as_ref()?);
            Some(format!("{command} --region {region}\n"))
        }
        Identity::LambdaLatest { .. } | Identity::EcsTask { .. } | Identity::Site { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COMMIT: &str = "4fe2c1a9d4e5f60718293a4b5c6d7e8f9a0b1c2d";

    fn deployed(targets: serde_json::Value) -> Deployed {
        Deployed {
            environment: "prd".parse().unwrap(),
            component: None,
            targets: serde_json::from_value(targets).unwrap(),
        }
    }

    /// A target at a place, with more to it.
    fn target(kind: &str, function: &str, more: serde_json::Value) -> serde_json::Value {
        let mut target = json!({"kind": kind, "function": function, "region": "eu-west-1", "account": "0f1e2d3c4b5a"});
        for part in [json!({"alias": "live"}), more] {
            target.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        target
    }

    fn alias(function: &str, more: serde_json::Value) -> serde_json::Value {
        target("lambda-alias", function, more)
    }

    fn section(deployed: Option<&Deployed>) -> Section {
        Section::of("v1.2.3", &COMMIT.parse().unwrap(), deployed)
    }

    #[test]
    fn it_tells_what_serves_and_how_to_take_it_back() {
        let image = format!("sha256:{}", "a".repeat(64));
        let deployed = deployed(json!([
            alias("api", json!({"version": "42", "digest": image, "previous": {"version": "41"}})),
            alias("worker", json!({"version": "8", "previous": {"version": "7"}})),
            alias("new", json!({"version": "1"})),
        ]));
        let text = section(Some(&deployed)).with("What changed.");
        for part in [
            "What changed.\n\n<!-- deploy-action v1.2.3 -->\n### Deployment\n\nCommit `4fe2c1a",
            &format!(
                "| `api:live` | 42 | `{image}` | 41 |\n| `worker:live` | 8 | - | 7 |\n| `new:live` | 1 | - | nothing |"
            ),
            "    step: rollback\n    environment: prd\n    alias: live\n    versions: |\n      api=41\n      worker=7\n    reason: take v1.2.3 back\n```",
            "--function-name api --name live --function-version 41 --routing-config AdditionalVersionWeights={} --region eu-west-1\n",
            "      api=42\n      worker=8\n      new=1\n    reason: back to v1.2.3\n```",
        ] {
            assert!(text.contains(part), "{part}\n---\n{text}");
        }
    }

    #[test]
    fn code_without_an_alias_goes_back_by_its_image_or_the_version_that_holds_it() {
        let image = |c: &str| format!("sha256:{}", c.repeat(64));
        let deployed = deployed(json!([
            target(
                "lambda-latest",
                "a",
                json!({"digest": image("b"), "previous": {"version": "3", "digest": image("a")}})
            ),
            target("lambda-latest", "z", json!({"code_sha256": "x", "previous": {"version": "4", "code_sha256": "y"}})),
        ]));
        let text = section(Some(&deployed)).with("");
        assert!(text.contains(&format!("    mode: code\n    function: a\n    to: \"{}\"\n", image("a"))), "{text}");
        assert!(text.contains("    mode: code\n    function: z\n    to: \"4\"\n"), "{text}");
        assert!(!text.contains("aws lambda"), "{text}");
    }

    #[test]
    fn a_service_goes_back_by_its_task_definition() {
        let image = format!("sha256:{}", "a".repeat(64));
        let place = json!({"kind": "ecs-service", "cluster": "main", "service": "web", "region": "eu-west-1", "account": "0f1e2d3c4b5a"});
        let mut web = place.clone();
        let more = json!({
            "task-definition": "web:2", "images": {"app": image, "proxy": image}, "previous": {"task-definition": "web:1"},
        });
        web.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let text = section(Some(&deployed(json!([web])))).with("");
        for part in [
            format!("| `main/web` | web:2 | app `{image}`<br>proxy `{image}` | web:1 |"),
            "    cluster: main\n    service: web\n    to: \"web:1\"\n    reason: take v1.2.3 back\n".to_owned(),
            "aws ecs update-service --cluster main --service web --task-definition web:1 --region eu-west-1\n"
                .to_owned(),
            "    to: \"web:2\"\n    reason: back to v1.2.3\n".to_owned(),
        ] {
            assert!(text.contains(&part), "{part}\n---\n{text}");
        }
    }

    #[test]
    fn a_site_goes_back_by_its_release() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let site = deployed(json!([{
            "kind": "site", "bucket": "shop-site-*", "prefix": "live", "region": "eu-west-1", "account": "0f1e2d3c4b5a",
            "release": "v2", "digest": digest, "distributions": ["E2QWRUHAPOMQZL"], "marker": "/.which.json",
            "version": null, "previous": {"release": "v1"},
        }]));
        let text = section(Some(&site)).with("");
        for part in [
            format!("| `shop-site-*/live` | v2 | `{digest}` | v1 |"),
            "    step: rollback\n    environment: prd\n    bucket: \"shop-site-*\"\n    prefix: live\n    marker: /.which.json\n    distribution: |\n      \
             E2QWRUHAPOMQZL\n    to: \"v1\"\n    reason: take v1.2.3 back\n"
                .to_owned(),
            "    to: \"v2\"\n    reason: back to v1.2.3\n".to_owned(),
        ] {
            assert!(text.contains(&part), "{part}\n---\n{text}");
        }
        assert!(!text.contains("By hand"), "{text}");
    }

    #[test]
    fn what_was_first_says_so() {
        let first = deployed(json!([alias("api", json!({"version": "1"}))]));
        assert!(section(Some(&first)).with("").contains("Nothing served there before it"));
        assert_eq!(
            section(None).with(" \n"),
            format!("<!-- deploy-action v1.2.3 -->\n### Deployment\n\nCommit `{COMMIT}`\n\n{END}")
        );
    }

    #[test]
    fn only_our_part_is_renewed() {
        let ours = section(None);
        let (begin, end) = (begin("v1.2.3"), END);
        let table = [
            (String::new(), ours.text.clone()),
            ("Theirs.".to_owned(), format!("Theirs.\n\n{}", ours.text)),
            (format!("Theirs.\r\n\r\n{begin}\r\nold\r\n{end}\r\nMore."), format!("Theirs.\n\n{}\nMore.", ours.text)),
            (format!("A {begin} without its end"), format!("A {begin} without its end\n\n{}", ours.text)),
        ];
        for (body, renewed) in table {
            assert_eq!(ours.renewed_in(&body), renewed);
            let again = ours.renewed_in(&renewed);
            assert!(again == renewed || body.starts_with("A "), "{again}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_ours_stays_whole() {
        let text = section(None).with(&"ü".repeat(LARGEST));
        assert_eq!(text.chars().count(), LARGEST);
        assert!(text.ends_with(END) && text.contains(CUT), "{}", &text[text.len() - 300..]);
    }
}
