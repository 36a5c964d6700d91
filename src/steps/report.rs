//! report: whether a deployment is complete, box by box, from the evidence of the jobs. Reads files only; asks nobody.

mod boxes;
mod evidence;
mod judge;
mod render;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use self::boxes::{BOXES, LEVELS};
use super::{DeployStep, Output};
use crate::action::inputs::{Inputs, Lines, Problems, Span, input_value, is_path, text_value};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::permissions::Permissions;

text_value!(
    /// A folder of the workspace.
    struct Folder, "a folder of the workspace", "deploy-evidence",
    "must be a folder of the workspace, or `.`: letters, digits, `._-+@`, without `..`",
    |path| path == "." || is_path(path)
);

text_value!(
    /// A level, or one box.
    name struct Required, "a level, `level0` to `level4`, or the name of a box", "level1",
    read |text| {
        let is_known = LEVELS.iter().any(|(level, _)| text == format!("level{level}"))
            || BOXES.iter().any(|one| one.id == text)
            || text.strip_prefix("budget-").is_some_and(is_job);
        if is_known {
            return Ok(text.to_owned());
        }
        let boxes: Vec<&str> = BOXES.iter().map(|one| one.id).collect();
        Err(format!("must be `level0` to `level4`, `budget-<job>`, or one of {}", boxes.join(", ")))
    }
);

/// How long a job may take.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Budget {
    job: String,
    span: Span,
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be `job=duration`, e.g. `deploy=5m`".to_owned();
        let (job, span) = text.split_once('=').ok_or_else(wrong)?;
        let job = job.trim();
        if !is_job(job) {
            return Err(wrong());
        }
        Ok(Self { job: job.to_owned(), span: span.trim().parse().map_err(|_other| wrong())? })
    }
}

fn is_job(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.job, self.span)
    }
}

input_value!(Budget, "`job=duration`", "deploy=5m");

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// Folders of the workspace with the evidence of the jobs, downloaded, one a line; what lies in folders within is read too. Without
    /// it `deploy-evidence`, where the steps of this job have put theirs.
    folders: Option<Lines<Folder>>,
    /// What must be verified, one a line: a level, `level0` to `level4`, or the name of a box. The step fails when it is not. Without it,
    /// everything counts for `delta`, and what is not verified leaves the step `inconclusive`.
    require: Option<Lines<Required>>,
    /// How long jobs may take, `job=duration` a line, from their first step of this action to the end of their last.
    budgets: Option<Lines<Budget>>,
}

impl Inputs for Report {
    fn check(&self, problems: &mut Problems) {
        let has = |job: &str| self.budgets.iter().flatten().any(|one| one.job == job);
        let mut asked = self.require.iter().flatten().filter_map(|one| one.as_str().strip_prefix("budget-"));
        problems.add_if(asked.any(|job| !has(job)), "input `require` names a job of which `budgets` says nothing");
    }
}

impl DeployStep for Report {
    const NAME: &'static str = "report";
    const ABOUT: &'static str = "Tells whether a deployment is complete, box by box, from the evidence of its jobs.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("delta", "How many boxes failed, and how many that are required are not verified: 0 is complete"),
        Output::text("markdown", "\"Deployment complete\": every box with its source and time"),
        Output::value("json", "The same, a JSON object"),
    ];
    const PERMISSIONS: Permissions = Permissions { aws: &[], github: &[] };
    const TIMEOUT: Span = Span::minutes(2);
    const ATTACHES: bool = false;

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let found = evidence::read(cx, &self.folders())?;
        let budgets: Vec<(&str, Span)> = self.budgets.iter().flatten().map(|one| (&*one.job, one.span)).collect();
        let required: Vec<&str> = self.require.iter().flatten().map(Required::as_str).collect();
        let judged = judge::judge(&found.files, &budgets, &required);
        render::report(cx, &found, &judged, self.require.is_some())
    }
}

impl Report {
    fn folders(&self) -> Vec<String> {
        match &self.folders {
            Some(folders) => folders.iter().map(|folder| folder.as_str().to_owned()).collect(),
            None => vec!["deploy-evidence".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::inputs::RawInputs;

    #[test]
    fn a_budget_can_be_required_where_there_is_one() {
        let read = |budgets: &str| {
            let mut problems = Problems::default();
            let given = [("require", "budget-deploy"), ("budgets", budgets)];
            RawInputs::from_pairs(given).read::<Report>(&mut problems).is_some()
        };
        assert!(read("deploy=5m") && !read("build=5m"));
    }
}
