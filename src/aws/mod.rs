//! AWS: one HTTP client, one set of credentials, one place where refusals are read.

mod credentials;
mod error;
mod oidc;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::OnceCell;

pub use credentials::NoCredentials;
pub use error::{AwsError, Kind};

use crate::action::Runner;
use crate::action::inputs::AccountId;
use crate::context::Context;
use crate::net;
use crate::steps::common::Common;

/// The connection to AWS: region and credentials are settled.
#[derive(Debug)]
pub struct Aws {
    config: SdkConfig,
    account: OnceCell<AccountId>,
}

impl Aws {
    /// Settles the region and finds credentials. The first call to AWS or to GitHub's OIDC endpoint happens here, if one is
    /// needed for credentials.
    pub async fn connect(cx: &Context) -> Result<Self> {
        let region = region(&cx.common, &cx.runner)?;
        let base = base(net::aws()?, region).await;
        let provider = credentials::find(cx, &base).await?;
        // Sessions of roles are kept and renewed where they are made.
        let cache = match cx.common.role_to_assume {
            Some(_) => IdentityCache::no_cache(),
            None => IdentityCache::lazy().load_timeout(Duration::from_mins(1)).build(),
        };
        let config = base.into_builder().credentials_provider(provider).identity_cache(cache).build();
        Ok(Self { config, account: OnceCell::new() })
    }

    /// The settled configuration, for the clients of the services.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region in use.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }

    /// The account of the credentials in use.
    pub async fn account(&self, cx: &Context) -> Result<&AccountId> {
        self.account
            .get_or_try_init(async || {
                let sts = aws_sdk_sts::Client::new(&self.config);
                let identity = cx
                    .read("sts:GetCallerIdentity", async || {
                        let answer = sts.get_caller_identity().send().await;
                        answer.map_err(|error| AwsError::new("sts:GetCallerIdentity", &error))
                    })
                    .await
                    .context("ask AWS whose credentials these are")?;
                let account = identity.account().unwrap_or_default();
                account.parse().map_err(|_malformed| anyhow::anyhow!("AWS named no account for these credentials"))
            })
            .await
    }
}

/// The region of the input, else of the environment.
fn region(common: &Common, runner: &Runner) -> Result<Region> {
    let named = common.aws_region.as_ref().map(ToString::to_string);
    match named.or_else(|| runner.aws_region.clone()).or_else(|| runner.aws_default_region.clone()) {
        Some(region) => Ok(Region::new(region)),
        None => bail!("no AWS region: set the input `aws-region`, or AWS_REGION in the job's environment"),
    }
}

/// Everything but credentials. The SDK neither retries nor waits by itself: [`crate::retry`] does, within the step's deadline.
async fn base(http: SharedHttpClient, region: Region) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(net::CONNECT)
                .operation_attempt_timeout(Duration::from_secs(30))
                .build(),
        )
        .no_credentials()
        .load()
        .await
}
