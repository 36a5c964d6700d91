//! What ECR has found in what is promoted, before it gets its tag. What nobody could scan is never the same as nothing found.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::inputs::PromoteArtifact;
use super::job::Job;
use super::values::{FindingName, ScanGate};
use crate::calls::deadline::Ended;
use crate::calls::poll::{Look, poll};
use crate::context::Context;
use crate::oci::Digest;
use crate::outcome::{Outcome, Step, Verdict};
use crate::registry::ecr::Ecr;
use crate::registry::{Finding, Scan, Severity};
use crate::text::{human_duration, message};

const SOURCE: &str = "ecr:DescribeImageScanFindings";
/// Findings that a message names.
const NAMED: usize = 10;

/// What was found, of all images together.
#[derive(Default)]
struct Found {
    statuses: BTreeSet<&'static str>,
    counts: BTreeMap<&'static str, usize>,
    refusal: Option<Outcome>,
}

/// Waits for the scans of all images, and judges them.
///
/// # Errors
/// With `scan: require`: a finding counts, or an image was not scanned.
pub(super) async fn gate(step: &PromoteArtifact, cx: &Context, jobs: &[Job]) -> Step<()> {
    if step.scan == ScanGate::Off {
        return Ok(());
    }
    let mut found = Found::default();
    for job in jobs {
        let Some(ecr) = job.places.ecr(cx).await? else { continue };
        let images: BTreeSet<Digest> = job
            .observed
            .description()
            .map(|described| described.images.digests().cloned().collect())
            .unwrap_or_default();
        if images.is_empty() {
            found.lacking(step, cx, "it holds no image that could be scanned", "not-scanned");
        }
        for digest in images {
            look(step, cx, &ecr, &job.places.destination.name, &digest, &mut found).await?;
        }
    }
    let counts: BTreeMap<&str, usize> = found.counts;
    let statuses: Vec<&str> = found.statuses.into_iter().collect();
    cx.report.output("scan-status", statuses.join(", "));
    cx.report.output("scan-findings", serde_json::to_string(&counts).map_err(anyhow::Error::from)?);
    match found.refusal {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

async fn look(
    step: &PromoteArtifact,
    cx: &Context,
    ecr: &Ecr,
    repository: &str,
    digest: &Digest,
    found: &mut Found,
) -> Step<()> {
    let name = format!("{repository}@{}", digest.short());
    let findings = match scanned(step, cx, ecr, repository, digest).await? {
        Scan::Done(findings) => findings,
        Scan::NotYet(state) => {
            let limit = human_duration(step.scan_timeout.0);
            let why = format!("the scan of {name} is not over after {limit}: {state}");
            found.lacking(step, cx, &why, "pending");
            return Ok(());
        }
        Scan::Never(state) => {
            found.lacking(step, cx, &format!("{name} was not scanned: {state}"), "not-scanned");
            return Ok(());
        }
    };
    found.statuses.insert("complete");
    for one in &findings {
        *found.counts.entry(one.severity.word()).or_default() += 1;
    }
    let ignored: Vec<&str> = step.scan_ignore.iter().flatten().map(FindingName::as_str).collect();
    let counts = counting(&findings, step.scan_severity.least(), &ignored);
    let (least, all) = (step.scan_severity.least().word(), findings.len());
    let verdict = match (counts.is_empty(), step.scan) {
        (true, _) => Verdict::Pass,
        (false, ScanGate::Require) => Verdict::Fail,
        (false, _) => Verdict::Inconclusive,
    };
    let observed = format!("{} of {all} findings count", counts.len());
    cx.report.check(
        format!("scan of {name}"),
        observed,
        format!("no finding that is {least} or worse"),
        verdict,
        SOURCE,
    );
    if counts.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = counts.iter().take(NAMED).map(|one| one.name.as_str()).collect();
    let text = message!(
        "scan-found",
        "the scan of {name} has found what is {least} or worse: {}{}",
        names.join(", "),
        if counts.len() > NAMED { format!(" and {} more", counts.len() - NAMED) } else { String::new() }
    );
    if step.scan == ScanGate::Require {
        let refusal = Outcome::fail(format!("{text}; it gets no tag"))
            .advise("build the image with what mends them, or put those that do not concern you into `scan-ignore`, with the reason beside them");
        found.refusal.get_or_insert(refusal);
    } else {
        cx.report.warn(text);
    }
    Ok(())
}

impl Found {
    /// An image of which nobody knows what is in it.
    fn lacking(&mut self, step: &PromoteArtifact, cx: &Context, why: &str, status: &'static str) {
        self.statuses.insert(status);
        let verdict = if step.scan == ScanGate::Require { Verdict::Fail } else { Verdict::Inconclusive };
        cx.report.check("scan", why, "a scan that is over", verdict, SOURCE);
        let text = message!("not-scanned", "{why}: what is in it is unknown");
        if step.scan == ScanGate::Require {
            let refusal = Outcome::fail(format!("{text}; it gets no tag"))
                .advise("turn scanning on push on for the repository, or enhanced scanning for the registry; give it time by `scan-timeout`")
                .advise("or give `scan: report`, where an image of this kind cannot be scanned");
            self.refusal.get_or_insert(refusal);
        } else {
            cx.report.warn(text);
        }
    }
}

/// How the scan stands, as soon as it is over, or after `scan-timeout`.
async fn scanned(step: &PromoteArtifact, cx: &Context, ecr: &Ecr, repository: &str, digest: &Digest) -> Result<Scan> {
    let deadline = cx.calls.deadline.at_most(step.scan_timeout.0);
    let what = format!("the scan of {repository}@{}", digest.short());
    let looked = poll(&deadline, &what, async || {
        Ok(match ecr.scan(repository, digest).await? {
            Scan::NotYet(state) => Look::NotYet(state),
            done @ (Scan::Done(_) | Scan::Never(_)) => Look::Done(done),
        })
    });
    match looked.await {
        Err(error) if error.downcast_ref() == Some(&Ended::Deadline) && cx.calls.deadline.check().is_ok() => {
            ecr.scan(repository, digest).await
        }
        looked => looked,
    }
}

/// The findings that count, the worst first.
fn counting<'f>(findings: &'f [Finding], least: Severity, ignored: &[&str]) -> Vec<&'f Finding> {
    let counts = |one: &&Finding| one.severity >= least && !ignored.contains(&one.name.as_str());
    let mut all: Vec<&Finding> = findings.iter().filter(counts).collect();
    all.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.name.cmp(&other.name)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_count_from_a_severity_on_unless_they_are_ignored() {
        let finding = |name: &str, severity| Finding { name: name.to_owned(), severity };
        let all = [finding("a", Severity::High), finding("b", Severity::Critical), finding("c", Severity::Undefined)];
        let names = |least, ignored: &[&str]| {
            counting(&all, least, ignored).iter().map(|one| one.name.as_str()).collect::<String>()
        };
        assert_eq!(names(Severity::Critical, &[]), "b");
        assert_eq!(names(Severity::High, &[]), "ba");
        assert_eq!(names(Severity::High, &["b"]), "a");
        assert_eq!(names(Severity::Informational, &[]), "ba");
    }
}
