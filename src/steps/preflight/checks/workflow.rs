//! The workflow of this run: what would cancel a deployment in its middle, or end it by a missing permission.

use serde::Deserialize;

use super::super::finding::Finding;
use super::super::job::Job;
use super::super::workflow_file::WorkflowFile;
use crate::action::inputs::Yaml;
use crate::outcome::Step;

const NEEDS: &str = "contents: read";

/// It takes nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {}

/// What a job of this action needs, by the word in it: `step: <word>`, or `<word>:`.
pub const GRANTS: &[(&str, &str)] = &[
    ("role-to-assume", "id-token: write"),
    ("swap-alias", "deployments: write"),
    ("deploy-service", "deployments: write"),
    ("publish-site", "deployments: write"),
    ("promote-site", "deployments: write"),
    ("rollback", "deployments: write"),
    ("finish-deployment", "deployments: write"),
    ("create-release", "contents: write"),
];

pub(super) async fn ask(job: &Job<'_>, _options: &Options) -> Step<Vec<Finding>> {
    if job.cx.runner.github_workflow_ref.is_none() {
        return Ok(vec![Finding::skip("workflow of this run", NEEDS, "this is no run of a workflow")]);
    }
    match job.workflow().await {
        Ok(file) => Ok(judge(file)),
        Err(error) => Ok(vec![Finding::unanswered(job.cx, "workflow of this run", NEEDS, error)?]),
    }
}

fn judge(file: &WorkflowFile) -> Vec<Finding> {
    let mut found = vec![cancels("the workflow", &file.yaml)];
    for (id, job) in file.jobs() {
        if job.get("concurrency").is_some() {
            found.push(cancels(&format!("job {id}"), job));
        }
        found.extend(matrix(id, job));
        found.extend(grants(id, job, &file.yaml));
    }
    found
}

/// <https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency>
fn cancels(what: &str, yaml: &Yaml) -> Finding {
    let setting = yaml.get("concurrency").and_then(|concurrency| concurrency.get("cancel-in-progress"));
    let setting = setting.and_then(Yaml::text).unwrap_or("false");
    Finding::when(
        setting == "false",
        format!("{what}, cancel-in-progress"),
        NEEDS,
        setting,
        "write `cancel-in-progress: false`: a newer run would cancel a deployment in its middle",
    )
    .require("false")
}

/// A matrix over environments: where one fails, GitHub cancels the others in their middle.
fn matrix(id: &str, job: &Yaml) -> Option<Finding> {
    let strategy = job.get("strategy")?;
    let Some(Yaml::Mapping(axes)) = strategy.get("matrix") else { return None };
    let is_environment = |name: &str| ["env", "stage", "region", "account"].iter().any(|word| name.contains(word));
    let (name, _) = axes.iter().find(|(name, _)| is_environment(&name.to_lowercase()))?;
    let setting = strategy.get("fail-fast").and_then(Yaml::text).unwrap_or("true, by default");
    let advice =
        "write `fail-fast: false` into `strategy`: a failure in one place would cancel the deployments in the others";
    let what = format!("job {id}, matrix of {name}, fail-fast");
    Some(Finding::when(setting == "false", what, NEEDS, setting, advice).require("false"))
}

/// Where permissions are written, those that are not written are none.
fn grants(id: &str, job: &Yaml, workflow: &Yaml) -> Vec<Finding> {
    let Some(permissions) = job.get("permissions").or_else(|| workflow.get("permissions")) else { return Vec::new() };
    let text = job.to_string();
    let needed = GRANTS
        .iter()
        .filter(|(word, _)| text.contains(&format!("\"step\":\"{word}\"")) || text.contains(&format!("\"{word}\":")));
    let mut needed: Vec<&str> = needed.map(|(_, grant)| *grant).collect();
    needed.dedup();
    let finding = |grant: &str| {
        let (name, _) = grant.split_once(": ").unwrap_or((grant, ""));
        let granted = match permissions {
            Yaml::Text(all) => all.as_str(),
            other => other.get(name).and_then(Yaml::text).unwrap_or("none"),
        };
        let what = format!("job {id}, permission {name}");
        let advice = format!("write `{grant}` into `permissions` of job {id}");
        Finding::when(granted == "write" || granted == "write-all", what, NEEDS, granted, advice).require("write")
    };
    needed.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;

    fn bad(text: &str) -> Vec<String> {
        let found = judge(&WorkflowFile::read("w.yml", text).unwrap());
        found.into_iter().filter(|one| one.state == State::Fail).map(|one| one.what).collect()
    }

    #[test]
    fn what_cancels_a_deployment_in_its_middle_and_a_missing_permission_are_named() {
        let table: [(&str, &[&str]); 9] = [
            ("{concurrency: deploy, jobs: {}}", &[]),
            ("{concurrency: {group: a, cancel-in-progress: true}, jobs: {}}", &["the workflow, cancel-in-progress"]),
            (
                "{concurrency: {group: a, cancel-in-progress: '${{ x }}'}, jobs: {}}",
                &["the workflow, cancel-in-progress"],
            ),
            ("{jobs: {a: {concurrency: {group: a, cancel-in-progress: true}}}}", &["job a, cancel-in-progress"]),
            ("{jobs: {a: {strategy: {matrix: {environment: [x]}}}}}", &["job a, matrix of environment, fail-fast"]),
            ("{jobs: {a: {strategy: {fail-fast: false, matrix: {environment: [x]}}}}}", &[]),
            ("{jobs: {a: {strategy: {matrix: {python: [x]}}}}}", &[]),
            (
                "{permissions: {contents: read}, jobs: {a: {steps: [{with: {step: swap-alias, role-to-assume: x}}]}}}",
                &["job a, permission id-token", "job a, permission deployments"],
            ),
            ("{permissions: write-all, jobs: {a: {steps: [{with: {step: swap-alias}}]}}}", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(bad(text), expected, "{text}");
        }
    }
}
