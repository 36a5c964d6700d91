//! Whether ECR keeps an image: what its lifecycle policy would do to it now, and whether it is in the archive, from where nobody can pull it.
//!
//! A lifecycle policy does not look at what is in use
//! (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html>). An image of an index goes when its index goes: it is
//! judged by itself here, so name the index where one is deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context as _, Result};
use aws_sdk_ecr::types::{
    DescribeImagesFilter, ImageActionType, ImageFailureCode, ImageIdentifier, ImageStatus, ImageStatusFilter,
    LifecyclePolicyPreviewResult, LifecyclePolicyPreviewStatus,
};

use super::ecr::Ecr;
use crate::aws::{AwsError, Kind, is_denied, refusal};
use crate::calls::poll::{Look, poll_begun};
use crate::calls::{UnknownValue, error_line};
use crate::oci::Digest;

/// The most images that one call may name (<https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>).
const AT_ONCE: usize = 100;

/// What becomes of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It can be pulled, and no rule is about to touch it.
    Kept,
    /// The rule of this priority is about to delete it.
    Expires(i32),
    /// The rule of this priority is about to archive it.
    Archives(i32),
    /// It is in the archive.
    Archived,
    /// It is on its way out of the archive, and cannot be pulled yet.
    Activating,
    /// It is not in the repository.
    Gone,
    /// Nobody can tell, and why.
    Unknown(String),
}

impl Fate {
    /// Whether it serves, or can be gone back to, today and tomorrow; nothing where that is unknown.
    #[must_use]
    pub const fn is_safe(&self) -> Option<bool> {
        match self {
            Self::Kept => Some(true),
            Self::Unknown(_) => None,
            Self::Expires(_) | Self::Archives(_) | Self::Archived | Self::Activating | Self::Gone => Some(false),
        }
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::Expires(rule) => write!(f, "would be deleted by rule {rule} of the lifecycle policy"),
            Self::Archives(rule) => write!(f, "would be archived by rule {rule} of the lifecycle policy"),
            Self::Archived => f.write_str("is in ECR's archive, from where nobody can pull it"),
            Self::Activating => f.write_str("is on its way out of ECR's archive, and cannot be pulled yet"),
            Self::Gone => f.write_str("is no longer in its repository"),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// What was begun to see what the policy would do.
enum Preview {
    /// There is no policy.
    NoPolicy,
    /// There is no repository.
    NoRepository,
    /// It was begun.
    Begun,
    /// It cannot be known now.
    Skipped(String),
}

impl Ecr {
    /// What becomes of images of a repository. Three requests for a hundred images. While somebody else's preview runs, there is none of
    /// ours: what that one answers may be about another policy.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartLifecyclePolicyPreview.html>
    ///
    /// # Errors
    /// ECR gives no usable answer, or the deadline passes. A missing permission is no error: what it would have told is unknown.
    pub async fn fates(&self, repository: &str, images: &BTreeSet<Digest>) -> Result<BTreeMap<Digest, Fate>> {
        let all = |fate: &Fate| images.iter().map(|digest| (digest.clone(), fate.clone())).collect();
        let preview = self.begin_preview(repository).await?;
        if matches!(preview, Preview::NoRepository) {
            return Ok(all(&Fate::Gone));
        }
        let mut fates = BTreeMap::new();
        let images: Vec<&Digest> = images.iter().collect();
        for some in images.chunks(AT_ONCE) {
            match self.storage(repository, some).await {
                Ok(found) => fates.extend(found),
                Err(error) if is_denied(&error) => return Ok(all(&Fate::Unknown(error_line(&error)))),
                Err(error) => return Err(error),
            }
        }
        let kept: Vec<Digest> =
            fates.iter().filter(|(_, fate)| **fate == Fate::Kept).map(|(digest, _)| digest.clone()).collect();
        match preview {
            Preview::NoPolicy | Preview::NoRepository => {}
            Preview::Skipped(why) => {
                fates.extend(kept.into_iter().map(|digest| (digest, Fate::Unknown(why.clone()))));
            }
            Preview::Begun => {
                for some in kept.chunks(AT_ONCE) {
                    match self.read_preview(repository, some).await {
                        Ok(touched) => fates.extend(touched),
                        Err(error) if is_denied(&error) => {
                            let why = Fate::Unknown(error_line(&error));
                            fates.extend(some.iter().map(|digest| (digest.clone(), why.clone())));
                        }
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(fates)
    }

    async fn begin_preview(&self, repository: &str) -> Result<Preview> {
        let call = self.client.start_lifecycle_policy_preview();
        let call = call.registry_id(&self.registry.account).repository_name(repository);
        let begun = self.calls.aws("ecr:StartLifecyclePolicyPreview", || call.clone().send()).await;
        let begun =
            begun.with_context(|| format!("ask what the lifecycle policy of repository {repository} would delete"));
        let Err(error) = begun else { return Ok(Preview::Begun) };
        Ok(match refusal(&error).map(|refusal| (refusal.code.as_str(), refusal.kind)) {
            Some(("LifecyclePolicyNotFoundException", _)) => Preview::NoPolicy,
            Some(("RepositoryNotFoundException", _)) => Preview::NoRepository,
            Some(("LifecyclePolicyPreviewInProgressException", _)) => Preview::Skipped(format!(
                "another preview of the lifecycle policy of repository {repository} is running"
            )),
            Some((_, Kind::Denied)) => Preview::Skipped(error_line(&error)),
            _ => return Err(error),
        })
    }

    /// What would happen to these images, of those to which anything would.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetLifecyclePolicyPreview.html>
    async fn read_preview(&self, repository: &str, images: &[Digest]) -> Result<BTreeMap<Digest, Fate>> {
        let call = self.client.get_lifecycle_policy_preview();
        let call = call.registry_id(&self.registry.account).repository_name(repository);
        let call = call.set_image_ids(Some(images.iter().map(identifier).collect()));
        let what = format!("what the lifecycle policy of repository {repository} would delete");
        poll_begun(&self.calls.deadline, &what, async || {
            let answer = self.calls.aws("ecr:GetLifecyclePolicyPreview", || call.clone().send()).await;
            let answer = answer.with_context(|| format!("read {what}"))?;
            let skipped = |why: &str| {
                let why = Fate::Unknown(format!("the preview of the lifecycle policy of {repository} {why}"));
                Ok(Look::Done(images.iter().map(|digest| (digest.clone(), why.clone())).collect()))
            };
            match answer.status() {
                Some(LifecyclePolicyPreviewStatus::Complete) => {
                    let touched = answer.preview_results().iter().filter_map(|one| touched(one).transpose());
                    Ok(Look::Done(touched.collect::<Result<_>>()?))
                }
                Some(LifecyclePolicyPreviewStatus::InProgress) => Ok(Look::NotYet("in progress".to_owned())),
                Some(LifecyclePolicyPreviewStatus::Expired) => skipped("has expired"),
                Some(LifecyclePolicyPreviewStatus::Failed) => skipped("failed"),
                other => {
                    let other = other.map_or("", LifecyclePolicyPreviewStatus::as_str);
                    Err(UnknownValue::new("status of a preview of a lifecycle policy", other).into())
                }
            }
        })
        .await
    }

    /// Which images are there, and which are in the archive.
    async fn storage(&self, repository: &str, images: &[&Digest]) -> Result<BTreeMap<Digest, Fate>> {
        let Some(found) = self.describe_stored(repository, images).await? else {
            // One that is missing spoils the answer for all.
            let there = self.find_stored(repository, images).await?;
            let known: Vec<&Digest> = images.iter().copied().filter(|digest| there.contains(*digest)).collect();
            let gone = images.iter().filter(|digest| !there.contains(**digest));
            let mut fates: BTreeMap<Digest, Fate> = gone.map(|digest| ((*digest).clone(), Fate::Gone)).collect();
            if !known.is_empty() {
                let found = self.describe_stored(repository, &known).await?;
                fates.extend(found.with_context(|| format!("look for images of {repository}: they come and go"))?);
            }
            return Ok(fates);
        };
        Ok(found)
    }

    /// The images by their status; nothing when one of them is not there.
    async fn describe_stored(&self, repository: &str, images: &[&Digest]) -> Result<Option<BTreeMap<Digest, Fate>>> {
        let any = DescribeImagesFilter::builder().image_status(ImageStatusFilter::Any).build();
        let call = self.client.describe_images().registry_id(&self.registry.account).repository_name(repository);
        let call = call.set_image_ids(Some(images.iter().map(|digest| identifier(digest)).collect())).filter(any);
        let answer = self.calls.aws("ecr:DescribeImages", || call.clone().send()).await;
        let answer = match answer.with_context(|| format!("look for images in repository {repository}")) {
            Err(error) if refused(&error, "ImageNotFoundException") => return Ok(None),
            answer => answer?,
        };
        let mut found = BTreeMap::new();
        for image in answer.image_details() {
            let Some(digest) = image.image_digest().and_then(|digest| digest.parse::<Digest>().ok()) else { continue };
            let fate = match image.image_status() {
                None | Some(ImageStatus::Active) => Fate::Kept,
                Some(ImageStatus::Archived) => Fate::Archived,
                Some(ImageStatus::Activating) => Fate::Activating,
                Some(other) => return Err(UnknownValue::new("imageStatus of an image", other.as_str()).into()),
            };
            found.insert(digest, fate);
        }
        let missing = images.iter().filter(|digest| !found.contains_key(**digest)).map(|digest| (*digest).clone());
        let missing: Vec<Digest> = missing.collect();
        found.extend(missing.into_iter().map(|digest| (digest, Fate::Gone)));
        Ok(Some(found))
    }

    /// Those that are there, in the archive too.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    async fn find_stored(&self, repository: &str, images: &[&Digest]) -> Result<BTreeSet<Digest>> {
        let call = self.client.batch_get_image().registry_id(&self.registry.account).repository_name(repository);
        let call = call.set_image_ids(Some(images.iter().map(|digest| identifier(digest)).collect()));
        let answer = self.calls.aws("ecr:BatchGetImage", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("look for images in repository {repository}"))?;
        let gone = answer.failures().iter().filter(|one| one.failure_code() == Some(&ImageFailureCode::ImageNotFound));
        let gone: BTreeSet<&str> = gone.filter_map(|one| one.image_id()?.image_digest()).collect();
        Ok(images.iter().filter(|digest| !gone.contains(digest.as_str())).map(|digest| (*digest).clone()).collect())
    }
}

/// The image that a rule is about to touch, and how.
fn touched(result: &LifecyclePolicyPreviewResult) -> Result<Option<(Digest, Fate)>> {
    let Some(digest) = result.image_digest().and_then(|digest| digest.parse().ok()) else { return Ok(None) };
    let rule = result.applied_rule_priority().unwrap_or_default();
    let fate = match result.action().and_then(|action| action.r#type()) {
        Some(ImageActionType::Expire) | None => Fate::Expires(rule),
        Some(ImageActionType::Transition) => Fate::Archives(rule),
        Some(other) => return Err(UnknownValue::new("type of a lifecycle rule's action", other.as_str()).into()),
    };
    Ok(Some((digest, fate)))
}

fn identifier(digest: &Digest) -> ImageIdentifier {
    ImageIdentifier::builder().image_digest(digest.as_str()).build()
}

fn refused(error: &anyhow::Error, code: &str) -> bool {
    refusal(error).is_some_and(|refusal: &AwsError| refusal.code == code)
}
