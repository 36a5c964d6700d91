//! AWS: one HTTP client, one set of credentials, one place where refusals are read.

pub mod buckets;
mod call;
mod clock;
pub mod cloudwatch;
pub mod codebuild;
pub mod console;
mod credentials;
mod error;
mod location;
pub mod logs;
mod oidc;
pub mod s3;
mod settings;
pub(crate) mod signed;
pub mod sns;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::identity::IdentityCache;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::OnceCell;

pub use call::absent_is_none;
pub use credentials::NoCredentials;
pub use error::{AwsError, Kind, denied, is_denied, refusal};
pub use location::{AccountHash, Location};
pub use settings::{AwsSettings, TokenRequest};

use self::clock::Dated;
use self::credentials::Found;
use crate::action::inputs::AccountId;
use crate::calls::Calls;
use crate::net::{self, Clock};
use crate::text::message_str;

/// The connection to AWS: region and credentials are settled. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aws {
    config: SdkConfig,
    account: Rc<OnceCell<AccountId>>,
    clock: Rc<Cell<Option<Clock>>>,
    has_long_lived_key: bool,
    calls: Calls,
}

impl Aws {
    /// Settles the region and finds credentials. The first call to AWS or to GitHub's OIDC endpoint happens here, if one is
    /// needed for credentials.
    pub async fn connect(settings: &AwsSettings, calls: Calls) -> Result<Self> {
        let Some(region) = &settings.region else {
            bail!(message_str!(
                "no-aws-region",
                "no AWS region: set the input `aws-region`, or AWS_REGION in the job's environment"
            ));
        };
        let base = base(net::aws()?, aws_config::Region::new(region.clone())).await;
        let Found { provider, has_long_lived_key } = credentials::find(settings, &calls.deadline, &base).await?;
        // Sessions of roles are kept and renewed where they are made.
        let cache = if settings.roles.is_empty() {
            IdentityCache::lazy().load_timeout(Duration::from_mins(1)).build()
        } else {
            IdentityCache::no_cache()
        };
        let config = base.into_builder().credentials_provider(provider).identity_cache(cache).build();
        Ok(Self { config, account: Rc::default(), clock: Rc::default(), has_long_lived_key, calls })
    }

    /// The same connection with another clock.
    #[must_use]
    pub fn with_calls(&self, calls: Calls) -> Self {
        Self { calls, ..self.clone() }
    }

    /// How its clients call.
    #[must_use]
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Whether the credentials at hand are the access key of a user of IAM, which does not expire.
    #[must_use]
    pub fn has_long_lived_key(&self) -> bool {
        self.has_long_lived_key
    }

    /// The settled configuration, for the clients of the services.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The region in use.
    #[must_use]
    pub fn region(&self) -> &str {
        self.config.region().map_or("", aws_config::Region::as_ref)
    }

    /// Where everything is that is done with this connection. AWS is asked for the account, once.
    pub async fn location(&self) -> Result<Location> {
        let region = self.region().parse().map_err(anyhow::Error::msg).context("read the AWS region")?;
        Ok(Location { region, account: AccountHash::of(self.account().await?) })
    }

    /// The time by AWS's clock, as it was told when the account was asked for.
    pub async fn clock(&self) -> Result<Clock> {
        self.account().await?;
        Ok(self.clock.get().unwrap_or_else(Clock::of_this_machine))
    }

    /// The account of the credentials in use.
    pub async fn account(&self) -> Result<&AccountId> {
        self.account
            .get_or_try_init(async || {
                let sts = aws_sdk_sts::Client::new(&self.config);
                let dated = Dated::default();
                let call = || sts.get_caller_identity().customize().interceptor(dated.clone()).send();
                let identity = self.calls.aws("sts:GetCallerIdentity", call);
                let identity = identity.await.context("ask AWS whose credentials these are")?;
                self.clock.set(dated.clock());
                let account = identity.account().unwrap_or_default();
                account.parse().map_err(|_malformed| anyhow::anyhow!("AWS named no account for these credentials"))
            })
            .await
    }
}

/// Everything but credentials. The SDK neither retries nor waits by itself: [`crate::calls::retry`] does, within the step's deadline.
async fn base(http: SharedHttpClient, region: aws_config::Region) -> SdkConfig {
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
