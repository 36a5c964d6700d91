//! What ECR has found in an image: by basic or by enhanced scanning, of one image at a time.

use anyhow::{Context as _, Result};
use aws_sdk_ecr::types::{FindingSeverity, ImageIdentifier, ImageScanStatus, ScanStatus};

use super::ecr::Ecr;
use crate::aws::refusal;
use crate::calls::UnknownValue;
use crate::oci::Digest;

/// How the scan of an image stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scan {
    /// It is over, or goes on and has looked at it: this was found.
    Done(Vec<Finding>),
    /// It is not over, in ECR's word.
    NotYet(String),
    /// There will be none, in ECR's words: never the same as nothing found.
    Never(String),
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// E.g. `CVE-2026-0001`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nobody has said.
    Undefined,
    /// Good to know.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// As people write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// By ECR's word, or Inspector's.
    fn of(word: &str) -> Result<Self, UnknownValue> {
        Ok(match word {
            "UNDEFINED" | "UNTRIAGED" => Self::Undefined,
            "INFORMATIONAL" => Self::Informational,
            "LOW" => Self::Low,
            "MEDIUM" => Self::Medium,
            "HIGH" => Self::High,
            "CRITICAL" => Self::Critical,
            other => return Err(UnknownValue::new("severity of a finding of ECR", other)),
        })
    }
}

impl Ecr {
    /// How the scan of an image stands, with everything it has found. The summary that `DescribeImages` gives is not looked at: the
    /// present scanner does not fill it.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html>
    pub async fn scan(&self, repository: &str, digest: &Digest) -> Result<Scan> {
        let image = ImageIdentifier::builder().image_digest(digest.as_str()).build();
        let what = || format!("read what the scan of {repository}@{} has found", digest.short());
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let call = self.client.describe_image_scan_findings().registry_id(&self.registry.account);
            let call = call.repository_name(repository).image_id(image.clone()).set_next_token(token);
            let answer = self.calls.aws("ecr:DescribeImageScanFindings", || call.clone().send()).await;
            let answer = match answer.with_context(what) {
                Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "ScanNotFoundException") => {
                    return Ok(Scan::NotYet("it has not been scanned".to_owned()));
                }
                answer => answer?,
            };
            if let Some(other) = not_done(answer.image_scan_status())? {
                return Ok(other);
            }
            let Some(findings) = answer.image_scan_findings() else {
                return Ok(Scan::NotYet("no findings are told yet".to_owned()));
            };
            for one in findings.findings() {
                let severity = one.severity().map_or("UNDEFINED", FindingSeverity::as_str);
                let name = one.name().unwrap_or("a finding without a name").to_owned();
                found.push(Finding { name, severity: Severity::of(severity)? });
            }
            for one in findings.enhanced_findings() {
                let details = one.package_vulnerability_details();
                let name = details.and_then(|details| details.vulnerability_id()).or(one.title());
                let name = name.unwrap_or("a finding without a name").to_owned();
                found.push(Finding { name, severity: Severity::of(one.severity().unwrap_or("UNDEFINED"))? });
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(Scan::Done(found));
            }
        }
    }
}

/// How a scan stands that is not done; nothing for one that is.
fn not_done(status: Option<&ImageScanStatus>) -> Result<Option<Scan>, UnknownValue> {
    let description = status.and_then(ImageScanStatus::description).filter(|text| !text.is_empty());
    let told = |word: &str| description.map_or_else(|| word.to_owned(), |text| format!("{word}: {text}"));
    Ok(match status.and_then(ImageScanStatus::status) {
        Some(ScanStatus::Complete | ScanStatus::Active) => None,
        Some(word @ (ScanStatus::InProgress | ScanStatus::Pending)) => Some(Scan::NotYet(told(word.as_str()))),
        Some(
            word @ (ScanStatus::Failed
            | ScanStatus::FindingsUnavailable
            | ScanStatus::ImageArchived
            | ScanStatus::LimitExceeded
            | ScanStatus::ScanEligibilityExpired
            | ScanStatus::UnsupportedImage),
        ) => Some(Scan::Never(told(word.as_str()))),
        Some(other) => return Err(UnknownValue::new("status of a scan of ECR", other.as_str())),
        None => Some(Scan::NotYet("ECR does not say how it stands".to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_done_is_never_nothing_found() {
        let of = |word: &str| {
            let status = ImageScanStatus::builder().status(ScanStatus::from(word)).description("why").build();
            not_done(Some(&status)).map_err(|_unknown| "unknown")
        };
        for done in ["COMPLETE", "ACTIVE"] {
            assert_eq!(of(done), Ok(None));
        }
        for waits in ["IN_PROGRESS", "PENDING"] {
            assert_eq!(of(waits), Ok(Some(Scan::NotYet(format!("{waits}: why")))));
        }
        for never in [
            "FAILED",
            "UNSUPPORTED_IMAGE",
            "SCAN_ELIGIBILITY_EXPIRED",
            "FINDINGS_UNAVAILABLE",
            "LIMIT_EXCEEDED",
            "IMAGE_ARCHIVED",
        ] {
            assert_eq!(of(never), Ok(Some(Scan::Never(format!("{never}: why")))));
        }
        assert_eq!(of("DANCING"), Err("unknown"));
        assert!(matches!(not_done(None), Ok(Some(Scan::NotYet(_)))));
        assert!(Severity::of("DREADFUL").is_err() && Severity::Critical > Severity::High);
    }
}
