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
        let is_known = LEVELS.iter().any(|(level, _)| text == format!("level{level}")) || BOXES.iter().any(|one| one.id == text);
        if is_known {
            return Ok(text.to_owned());
        }
        let boxes: Vec<&str> = BOXES.iter().map(|one| one.id).collect();
        Err(format!("must be `level0` to `level4`, or one of {}", boxes.join(", ")))
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
        let is_job = !job.is_empty() && job.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !is_job {
            return Err(wrong());
        }
        Ok(Self { job: job.to_owned(), span: span.trim().parse().map_err(|_other| wrong())? })
    }
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
        let _ = problems;
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
