//! ECR's own API: which images there are, and what they are made of. SDK types do not leave this module.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageFailureCode, ImageIdentifier, ImageTagMutability, Repository};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::aws::{Aws, absent_is_none};
use crate::calls::{Calls, UnknownValue};
use crate::net::download::download;
use crate::oci::{Digest, EcrRegistry, MANIFEST_TYPES, Manifest};
use crate::text::secrets::Secret;

/// A configuration larger than this is no image's.
const LARGEST_CONFIG: u64 = 8 * 1024 * 1024;

/// The client of one registry. Every call is a read.
#[derive(Clone, Debug)]
pub struct Ecr {
    pub(super) calls: Calls,
    pub(super) client: Client,
    pub(super) registry: EcrRegistry,
}

impl Ecr {
    /// The client of a registry, in the region of the registry.
    #[must_use]
    pub fn new(aws: &Aws, registry: EcrRegistry) -> Self {
        let region = aws_sdk_ecr::config::Region::new(registry.region.clone());
        let client = Client::from_conf(aws_sdk_ecr::config::Builder::from(aws.config()).region(region).build());
        Self { calls: aws.calls().clone(), client, registry }
    }

    /// The image a tag names now; `None` when there is no such tag or repository.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
    pub async fn resolve(&self, repository: &str, tag: &str) -> Result<Option<Digest>> {
        let named = ImageIdentifier::builder().image_tag(tag).build();
        let call = self.client.describe_images().registry_id(&self.registry.account);
        let call = call.repository_name(repository).image_ids(named);
        let answer = self.calls.aws("ecr:DescribeImages", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("look for the tag {tag} in repository {repository}"));
        let Some(answer) = absent_is_none(answer)? else { return Ok(None) };
        let digest = answer.image_details().first().and_then(|image| image.image_digest());
        Ok(digest.and_then(|digest| digest.parse().ok()))
    }

    /// The manifest with this digest; `None` when there is no such image or repository.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
    pub async fn manifest(&self, repository: &str, digest: &Digest) -> Result<Option<Manifest>> {
        let named = ImageIdentifier::builder().image_digest(digest.as_str()).build();
        let what = || format!("read the manifest of {repository}@{}", digest.short());
        let call = self.client.batch_get_image().registry_id(&self.registry.account);
        let call = call
            .repository_name(repository)
            .image_ids(named)
            .set_accepted_media_types(Some(MANIFEST_TYPES.map(str::to_owned).to_vec()));
        let answer = self.calls.aws("ecr:BatchGetImage", || call.clone().send()).await.with_context(what);
        let Some(answer) = absent_is_none(answer)? else { return Ok(None) };
        if let Some(manifest) = answer.images().first().and_then(|image| image.image_manifest()) {
            return Manifest::parse(manifest).with_context(what).map(Some);
        }
        match answer.failures().first() {
            Some(failure) if failure.failure_code() != Some(&ImageFailureCode::ImageNotFound) => {
                bail!("{}: {}", what(), failure.failure_reason().unwrap_or("ECR gave no reason"))
            }
            _ => Ok(None),
        }
    }

    /// Whether an image is in its repository.
    pub async fn has(&self, repository: &str, digest: &Digest) -> Result<bool> {
        Ok(self.manifest(repository, digest).await?.is_some())
    }

    /// A configuration: a small part of an image, verified by its digest.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html>
    pub async fn config(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>> {
        let what = || format!("read the configuration {} in repository {repository}", digest.short());
        let call = self.client.get_download_url_for_layer().registry_id(&self.registry.account);
        let call = call.repository_name(repository).layer_digest(digest.as_str());
        let answer = self.calls.aws("ecr:GetDownloadUrlForLayer", || call.clone().send()).await.with_context(what)?;
        let url = answer.download_url().with_context(|| format!("{}: ECR answered without a URL", what()))?;
        let content = download(&self.calls, url, LARGEST_CONFIG, Duration::from_secs(30)).await.with_context(what)?;
        ensure!(Digest::of(&content) == *digest, "{}: what was downloaded has another digest", what());
        Ok(content)
    }
}

/// Who may move the tags of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutability {
    immutable: bool,
    /// Tags that match one of these are the other way round; `*` stands for any characters.
    excluded: Vec<String>,
}

impl Mutability {
    /// Whether ECR itself keeps this tag where it is
    /// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html>).
    #[must_use]
    pub fn protects(&self, tag: &str) -> bool {
        self.immutable != self.excluded.iter().any(|filter| matches(filter, tag))
    }

    fn of(repository: &Repository) -> Result<Self, UnknownValue> {
        let (immutable, excepted) = match repository.image_tag_mutability() {
            Some(ImageTagMutability::Mutable) | None => (false, false),
            Some(ImageTagMutability::MutableWithExclusion) => (false, true),
            Some(ImageTagMutability::Immutable) => (true, false),
            Some(ImageTagMutability::ImmutableWithExclusion) => (true, true),
            Some(other) => return Err(UnknownValue::new("imageTagMutability of a repository", other.as_str())),
        };
        let filters = repository.image_tag_mutability_exclusion_filters().iter();
        let excluded = filters.filter(|_| excepted).map(|filter| filter.filter().to_owned()).collect();
        Ok(Self { immutable, excluded })
    }
}

/// A filter of ECR, in which `*` stands for any characters.
fn matches(filter: &str, tag: &str) -> bool {
    let pattern = filter.split('*').map(regex::escape).collect::<Vec<_>>().join(".*");
    regex::Regex::new(&format!("^{pattern}$")).is_ok_and(|pattern| pattern.is_match(tag))
}

/// What opens the registry's own door.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// User and password, in base64, as the registry wants them.
    pub(super) basic: Secret,
    /// When it ends; it usually lasts twelve hours.
    pub(super) ends: SystemTime,
}

impl Ecr {
    /// A token for the registry, good for everything the credentials in use may do there.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>
    pub(super) async fn token(&self) -> Result<Token> {
        let answer = self.calls.aws("ecr:GetAuthorizationToken", || self.client.get_authorization_token().send()).await;
        let answer = answer.context("log in to ECR")?;
        let data = answer.authorization_data().first().context("log in to ECR: it answered without a token")?;
        let basic = data.authorization_token().context("log in to ECR: it answered without a token")?;
        let ends = data.expires_at().and_then(|time| SystemTime::try_from(*time).ok());
        let ends = ends.unwrap_or_else(|| SystemTime::now() + Duration::from_hours(1));
        if let Ok(plain) = STANDARD.decode(basic)
            && let Some((_user, password)) = String::from_utf8_lossy(&plain).split_once(':')
        {
            Secret::new(password).remember();
        }
        Ok(Token { basic: Secret::new(basic), ends })
    }

    /// How often the images of a repository are scanned; nothing where that is not at all.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetRepositoryScanningConfiguration.html>
    pub async fn scan_frequency(&self, repository: &str) -> Result<Option<String>> {
        let call = self.client.batch_get_repository_scanning_configuration().repository_names(repository);
        let action = "ecr:BatchGetRepositoryScanningConfiguration";
        let answer = self.calls.aws(action, || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read whether images of repository {repository} are scanned"))?;
        let found = answer.scanning_configurations().first();
        let frequency = found.and_then(|found| match found.scan_frequency() {
            Some(frequency) => Some(frequency.as_str().to_owned()),
            None => found.scan_on_push().then(|| "SCAN_ON_PUSH".to_owned()),
        });
        Ok(frequency.filter(|frequency| frequency != "MANUAL"))
    }

    /// The policy of a repository, as it is written; `None` when it has none.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRepositoryPolicy.html>
    pub async fn repository_policy(&self, repository: &str) -> Result<Option<String>> {
        let call = self.client.get_repository_policy().registry_id(&self.registry.account).repository_name(repository);
        let answer = self.calls.aws("ecr:GetRepositoryPolicy", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read the policy of repository {repository}"));
        Ok(absent_is_none(answer)?.and_then(|answer| answer.policy_text().map(str::to_owned)))
    }

    /// Who may move the tags of a repository; `None` when there is no such repository.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html>
    pub async fn mutability(&self, repository: &str) -> Result<Option<Mutability>> {
        let call = self.client.describe_repositories();
        let call = call.registry_id(&self.registry.account).repository_names(repository);
        let answer = self.calls.aws("ecr:DescribeRepositories", || call.clone().send()).await;
        let answer = answer.with_context(|| format!("read whether tags of repository {repository} may move"));
        let answer = absent_is_none(answer)?;
        let repository = answer.as_ref().and_then(|answer| answer.repositories().first());
        Ok(repository.map(Mutability::of).transpose()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_protected_by_the_mode_and_its_exceptions() {
        let mutability = |immutable, filters: &[&str]| Mutability {
            immutable,
            excluded: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        };
        let table = [
            (mutability(true, &[]), "prd-1", true),
            (mutability(false, &[]), "prd-1", false),
            (mutability(true, &["latest", "dev-*"]), "prd-1", true),
            (mutability(true, &["latest", "dev-*"]), "dev-1", false),
            (mutability(true, &["*-rc*"]), "v1-rc2", false),
            (mutability(true, &["*-rc*"]), "v1", true),
            (mutability(true, &["a*b*c"]), "aXbXbXc", false),
            (mutability(true, &["a*b*c"]), "aXbXc.", true),
            (mutability(false, &["prd-*"]), "prd-1", true),
            (mutability(false, &["prd-*"]), "dev-1", false),
        ];
        for (mutability, tag, protected) in table {
            assert_eq!(mutability.protects(tag), protected, "{mutability:?} {tag}");
        }
    }
}
