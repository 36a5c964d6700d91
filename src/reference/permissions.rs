//! The permissions of the steps in words, and as one policy for each step.

use super::table::table;
use crate::permissions::{AwsPermission, GithubPermission, Resource, When};
use crate::steps::Definition;

/// A line of JSON is broken when it would be longer.
const WIDTH: usize = 120;

/// What the role needs, step by step.
pub(super) fn table_of_role(steps: &[Definition]) -> String {
    let rows = steps.iter().map(|step| {
        let needed =
            |writes| step.permissions.aws.iter().filter(move |one| one.writes == writes && one.optional.is_none());
        vec![
            format!("[`{0}`](steps/{0}.md)", step.name),
            or_none(listed(needed(false).map(aws))),
            or_none(listed(needed(true).map(aws))),
            optional(step.permissions.aws.iter().map(|one| (aws(one), one.optional))),
        ]
    });
    table(&["step", "reads", "writes", "optional, and what it is for"], rows)
}

/// What the job's token needs, step by step.
pub(super) fn table_of_job(steps: &[Definition]) -> String {
    let rows = steps.iter().map(|step| {
        let all = step.permissions.github;
        vec![
            format!("[`{0}`](steps/{0}.md)", step.name),
            or_none(listed(all.iter().filter(|one| one.optional.is_none()).map(github))),
            optional(all.iter().map(|one| (github(one), one.optional))),
        ]
    });
    table(&["step", "needs", "optional, and what it is for"], rows)
}

/// One policy for each step that asks AWS for anything.
pub(super) fn policies(steps: &[Definition]) -> String {
    let asking = steps.iter().filter(|step| !step.permissions.aws.is_empty());
    let sections = asking.map(|step| format!("#### {}\n\n```json\n{}\n```", step.name, policy(step.permissions.aws)));
    sections.collect::<Vec<_>>().join("\n\n")
}

/// What holds where one function of an image is brought from ghcr.io to ECR, or from one tag there to another, and moved by its alias, by a
/// canary too, and watched.
const AN_IMAGE: [When; 13] = [
    When::Always,
    When::FromOrToEcr,
    When::FromEcr,
    When::ToEcr,
    When::Image,
    When::Function,
    When::Idle,
    When::ImageVersion,
    When::HealthOfFunction,
    When::OfFunctions,
    When::Measured,
    When::Canary,
    When::Samples,
];

/// The command that writes the policy of all steps of `examples/lambda` into a file, with the names as variables of the shell.
pub(super) fn policy_of_an_image(steps: &[Definition]) -> String {
    let mut allowed: Vec<(Resource, Vec<&str>)> = Vec::new();
    let of_functions = |step: &&Definition| !step.permissions.aws.iter().any(|one| one.action.starts_with("ecs:"));
    let all = steps.iter().filter(of_functions).flat_map(|step| step.permissions.aws);
    for one in all.filter(|one| AN_IMAGE.contains(&one.when)) {
        // One repository holds the images of all environments.
        let on = if one.on == Resource::Source { Resource::Repository } else { one.on };
        match allowed.iter_mut().find(|(known, _)| *known == on) {
            Some((_, actions)) if actions.contains(&one.action) => {}
            Some((_, actions)) => actions.push(one.action),
            None => allowed.push((on, vec![one.action])),
        }
    }
    let statements = allowed.iter().map(|(on, actions)| statement("", actions, on.arns()));
    let names = [
        ("shop-api-prd", "$APP-$ENVIRONMENT"),
        ("repository/shop-api", "repository/$APP"),
        ("111122223333", "$ACCOUNT"),
        ("eu-west-1", "$REGION"),
    ];
    let policy = document(statements);
    let policy = names.into_iter().fold(policy, |policy, (name, variable)| policy.replace(name, variable));
    format!("```console\n$ cat > policy.json <<JSON\n{policy}\nJSON\n```")
}

/// The same of one step, for its own page.
pub(super) fn of_step(step: &Definition) -> String {
    let (role, job) = (step.permissions.aws, step.permissions.github);
    let mut lines = Vec::new();
    let needed = or_none(listed(role.iter().filter(|one| one.optional.is_none()).map(aws)));
    lines.push(format!("- The role: {needed}."));
    let extra = optional(role.iter().map(|one| (aws(one), one.optional)));
    if !extra.is_empty() {
        lines.push(format!("- The role, optional: {extra}."));
    }
    lines.push(format!("- The job: {}.", or_none(listed(job.iter().filter(|one| one.optional.is_none()).map(github)))));
    let extra = optional(job.iter().map(|one| (github(one), one.optional)));
    if !extra.is_empty() {
        lines.push(format!("- The job, optional: {extra}."));
    }
    if !role.is_empty() {
        lines.push(format!("\nAs a [policy](../permissions.md#{}).", step.name));
    }
    lines.join("\n")
}

/// A name and when it is asked for.
type Named = (&'static str, When);

fn aws(one: &AwsPermission) -> Named {
    (one.action, one.when)
}

fn github(one: &GithubPermission) -> Named {
    (one.grant, one.when)
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}

/// `` `a`, `b`; with `image`: `c` ``.
fn listed(all: impl Iterator<Item = Named>) -> String {
    let mut said: Vec<(When, Vec<String>)> = Vec::new();
    for (name, when) in all {
        let name = format!("`{name}`");
        match said.iter_mut().find(|(known, _)| *known == when) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => said.push((when, vec![name])),
        }
    }
    let parts = said.iter().map(|(when, names)| match when {
        When::Always => names.join(", "),
        when => format!("{when}: {}", names.join(", ")),
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// `` with `image`: `a`, `b` (what it is for) ``.
fn optional(all: impl Iterator<Item = (Named, Option<&'static str>)>) -> String {
    let mut said: Vec<(&str, Vec<Named>)> = Vec::new();
    for (name, gives) in all {
        let Some(gives) = gives else { continue };
        match said.iter_mut().find(|(known, names)| *known == gives && names[0].1 == name.1) {
            Some((_, names)) => names.push(name),
            None => said.push((gives, vec![name])),
        }
    }
    let parts = said.iter().map(|(gives, names)| format!("{} ({gives})", listed(names.iter().copied())));
    parts.collect::<Vec<_>>().join("; ")
}

/// A policy with one statement for what belongs together.
fn policy(all: &[AwsPermission]) -> String {
    let mut statements: Vec<(String, &AwsPermission, Vec<&str>)> = Vec::new();
    for one in all {
        let sid = one.sid();
        match statements.iter_mut().find(|(known, ..)| *known == sid) {
            Some((.., actions)) => actions.push(one.action),
            None => statements.push((sid, one, vec![one.action])),
        }
    }
    let named = |sid: &str| format!("      \"Sid\": \"{sid}\",\n");
    document(statements.iter().map(|(sid, one, actions)| statement(&named(sid), actions, one.on.arns())))
}

fn statement(begin: &str, actions: &[&str], resources: &[&str]) -> String {
    // Roles are passed to tasks only, whoever else would take them.
    let condition = if actions == ["iam:PassRole"] {
        ",\n      \"Condition\": { \"StringEquals\": { \"iam:PassedToService\": \"ecs-tasks.amazonaws.com\" } }"
    } else {
        ""
    };
    let (actions, resources) = (array("Action", actions), array("Resource", resources));
    format!("    {{\n{begin}      \"Effect\": \"Allow\",\n{actions},\n{resources}{condition}\n    }}")
}

fn document(statements: impl Iterator<Item = String>) -> String {
    let statements = statements.collect::<Vec<_>>().join(",\n");
    format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n{statements}\n  ]\n}}")
}

fn array(name: &str, values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    let flat = match quoted.as_slice() {
        [one] => format!("      \"{name}\": {one}"),
        all => format!("      \"{name}\": [{}]", all.join(", ")),
    };
    if flat.len() <= WIDTH {
        return flat;
    }
    format!("      \"{name}\": [\n        {}\n      ]", quoted.join(",\n        "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::Resource;

    #[test]
    fn what_belongs_together_is_one_statement() {
        let all = [
            AwsPermission::reads("lambda:GetAlias", Resource::Function),
            AwsPermission::writes("lambda:UpdateAlias", Resource::Function),
            AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function),
        ];
        let policy: serde_json::Value = serde_json::from_str(&policy(&all)).unwrap();
        assert_eq!(
            policy["Statement"][0]["Action"],
            serde_json::json!(["lambda:GetAlias", "lambda:ListVersionsByFunction"])
        );
        assert_eq!(policy["Statement"][1]["Action"], "lambda:UpdateAlias");
    }

    #[test]
    fn names_are_listed_by_their_condition() {
        let all = [("a:B", When::Always), ("a:C", When::Image), ("a:D", When::Always), ("a:E", When::Image)];
        assert_eq!(listed(all.into_iter()), "`a:B`, `a:D`; with `image`: `a:C`, `a:E`");
    }
}
