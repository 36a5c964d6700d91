//! What `act` says of a run, from its log of JSON lines.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// A workflow's run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Whether all jobs went well.
    pub success: bool,
    /// The jobs, those of called workflows too, in the order in which they began or were skipped.
    pub jobs: Vec<Job>,
    /// What does not belong to a job, such as a workflow that cannot be read.
    pub other: Vec<String>,
}

/// A job of a run.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Its id; of a called workflow's job `caller/job`.
    pub id: String,
    /// `success`, `failure` or `skipped`; empty for a job that did not end.
    pub result: String,
    /// Its steps in their order, without those of composite actions.
    pub steps: Vec<Step>,
}

/// A step of a job.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// Its id, else its place in the job, counted from 0.
    pub id: String,
    /// Its name, else what it uses or runs.
    pub name: String,
    /// `success`, `failure` or `skipped`.
    pub result: String,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// What it added to the job's summary.
    pub summary: String,
    /// Its annotations, `error: ..`.
    pub annotations: Vec<String>,
    /// What it printed.
    pub log: Vec<String>,
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[derive(Default)]
struct Line {
    level: String,
    msg: String,
    job: String,
    step: String,
    #[serde(rename = "stepID")]
    step_id: Vec<String>,
    stage: String,
    step_result: String,
    job_result: String,
    command: String,
    name: String,
    arg: String,
    content: String,
    #[serde(rename = "raw_output")]
    raw_output: bool,
}

impl Run {
    pub(super) fn read(log: &str, success: bool) -> Self {
        let mut run = Self { success, ..Self::default() };
        for line in log.lines() {
            match serde_json::from_str::<Line>(line) {
                Ok(line) if line.job.is_empty() => {
                    if line.level != "debug" {
                        run.other.push(line.msg);
                    }
                }
                Ok(line) => run.line(line),
                Err(_) => run.other.push(line.to_owned()),
            }
        }
        run
    }

    fn line(&mut self, line: Line) {
        let path = line.job.trim();
        let id = path.split_once('/').map_or(path, |(_, id)| id);
        if line.level == "debug" && line.job_result.is_empty() && line.step_result.is_empty() {
            return;
        }
        let place = self.jobs.iter().position(|job| job.id == id).unwrap_or_else(|| {
            self.jobs.push(Job { id: id.to_owned(), ..Job::default() });
            self.jobs.len() - 1
        });
        let job = &mut self.jobs[place];
        if !line.job_result.is_empty() {
            job.result = line.job_result;
        } else if line.stage == "Main" && !line.step_id.is_empty() {
            job.line(line);
        }
    }

    /// A job that ran or was skipped.
    ///
    /// # Panics
    ///
    /// There is none with this id.
    #[must_use]
    #[track_caller]
    pub fn job(&self, id: &str) -> &Job {
        self.jobs.iter().find(|job| job.id == id).unwrap_or_else(|| panic!("there is no job {id}:\n{self}"))
    }

    /// A step of any job, by its id.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    #[track_caller]
    pub fn step(&self, id: &str) -> &Step {
        let mut steps = self.jobs.iter().flat_map(|job| &job.steps);
        steps.find(|step| step.id == id).unwrap_or_else(|| panic!("there is no step {id}:\n{self}"))
    }

    /// Asserts that it ended so.
    ///
    /// # Panics
    ///
    /// It did not; the message is the whole run.
    #[track_caller]
    pub fn assert_success(&self, success: bool) -> &Self {
        assert!(self.success == success, "the run {}:\n{self}", if success { "failed" } else { "did not fail" });
        self
    }
}

impl Job {
    fn line(&mut self, line: Line) {
        // Steps of a composite action have the ids of the steps around them first.
        let (outer, nested) = (line.step_id[0].clone(), line.step_id.len() > 1);
        let place = self.steps.iter().position(|step| step.id == outer).unwrap_or_else(|| {
            self.steps.push(Step { id: outer.clone(), name: line.step.clone(), ..Step::default() });
            self.steps.len() - 1
        });
        let step = &mut self.steps[place];
        if !line.step_result.is_empty() && !nested {
            step.result = line.step_result;
        }
        match line.command.as_str() {
            "set-output" if !nested => {
                step.outputs.insert(line.name, line.arg);
            }
            "summary" => step.summary.push_str(&line.content),
            "error" | "warning" | "notice" => step.annotations.push(format!("{}: {}", line.command, line.arg)),
            _ if line.raw_output => step.log.push(line.msg.trim_end().to_owned()),
            _ if line.level == "error" => step.log.push(line.msg),
            _ => {}
        }
    }

    /// A step by its id.
    ///
    /// # Panics
    ///
    /// There is none.
    #[must_use]
    #[track_caller]
    pub fn step(&self, id: &str) -> &Step {
        self.steps.iter().find(|step| step.id == id).unwrap_or_else(|| panic!("there is no step {id} in {self}"))
    }

    /// The steps that ran, in their order.
    #[must_use]
    pub fn ran(&self) -> Vec<&str> {
        self.steps.iter().filter(|step| step.result != "skipped").map(|step| step.id.as_str()).collect()
    }
}

impl Step {
    /// An output; empty if it was not set.
    #[must_use]
    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.jobs.iter().try_for_each(|job| write!(f, "{job}"))?;
        self.other.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "job {}: {}", self.id, self.result)?;
        for step in &self.steps {
            writeln!(f, "  step {} ({}): {}", step.id, step.name, step.result)?;
            for line in step.log.iter().chain(&step.annotations) {
                writeln!(f, "    | {line}")?;
            }
            for (name, value) in &step.outputs {
                writeln!(f, "    {name} = {value}")?;
            }
        }
        Ok(())
    }
}
