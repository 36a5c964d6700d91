//! A workflow as it is written: what a deployment would break by.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use regex::Regex;

use crate::action::inputs::Yaml;

/// A workflow that was read.
#[derive(Debug)]
pub(super) struct WorkflowFile {
    pub(super) yaml: Yaml,
    /// Names of the secrets that it uses, but for the token of the job.
    pub(super) secrets: BTreeSet<String>,
    /// Names of the variables that it uses.
    pub(super) variables: BTreeSet<String>,
}

impl WorkflowFile {
    pub(super) fn read(path: &str, text: &str) -> Result<Self> {
        let yaml = Yaml::read(text).map_err(|error| anyhow!("{path} is no YAML: {error}"))?;
        let mut secrets = names(text, "secrets");
        secrets.remove("GITHUB_TOKEN");
        Ok(Self { yaml, secrets, variables: names(text, "vars") })
    }

    /// The jobs by their ids.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&str, &Yaml)> {
        let jobs = match self.yaml.get("jobs") {
            Some(Yaml::Mapping(jobs)) => jobs.as_slice(),
            _ => &[],
        };
        jobs.iter().map(|(id, job)| (id.as_str(), job))
    }
}

/// The names that expressions take from a context. Names have no case.
fn names(text: &str, context: &str) -> BTreeSet<String> {
    let Ok(pattern) = Regex::new(&format!(r"(?:^|[^.\w-]){context}\.([A-Za-z_][A-Za-z0-9_]*)")) else {
        return BTreeSet::new();
    };
    // A comment uses nothing.
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let lines: Vec<&str> = lines.filter(|line| line.contains("${{") || line.trim_start().starts_with("if:")).collect();
    let found = lines.iter().flat_map(|line| pattern.captures_iter(line));
    found.filter_map(|found| found.get(1)).map(|name| name.as_str().to_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_and_variables_are_those_of_expressions() {
        let text = "on: push\njobs:\n  a:\n    steps:\n      - run: echo ${{ secrets.One }} ${{ vars.REGION }}\n      # ${{ secrets.OLD }}\n      \
                    - run: echo ${{ secrets.GITHUB_TOKEN }} secrets.nothing ${{ steps.vars.outputs.tag }}\n";
        let file = WorkflowFile::read("w.yml", text).unwrap();
        assert_eq!(file.secrets.iter().map(String::as_str).collect::<Vec<_>>(), ["NOTHING", "ONE"]);
        assert_eq!(file.variables.iter().map(String::as_str).collect::<Vec<_>>(), ["REGION"]);
        assert_eq!(file.jobs().map(|(id, _)| id).collect::<Vec<_>>(), ["a"]);
        assert!(WorkflowFile::read("w.yml", "a: [").is_err());
    }
}
