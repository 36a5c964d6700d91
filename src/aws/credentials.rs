//! Credentials: those at hand, or roles assumed one after the other, the first by the job's OIDC token. Renewed before they
//! expire, each time with a new token.

mod session;

use std::time::Duration;

use anyhow::{Context as _, Result};
use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use thiserror::Error;
use tokio::time::timeout;

use self::session::{Answered, Kept, Session, remember};
use super::error::{AwsError, Kind};
use super::oidc::{self, Issuer};
use super::settings::AwsSettings;
use crate::action::inputs::RoleArn;
use crate::calls::deadline::Deadline;
use crate::calls::innermost;
use crate::calls::retry::{self, Again, ServiceError, retry};
use crate::text::secrets::Secret;
use crate::text::{human_duration, message, message_str};

/// Looking for credentials ends here even when the step has more time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Credentials were not to be had; the advice says what to do.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct NoCredentials {
    message: String,
    advice: Vec<String>,
    again: Again,
}

impl ServiceError for NoCredentials {
    fn again(&self) -> Again {
        self.again
    }

    fn advice(&self) -> Vec<String> {
        self.advice.clone()
    }
}

/// Credentials that were found.
pub(super) struct Found {
    pub(super) provider: SharedCredentialsProvider,
    /// Whether what was at hand is the access key of a user of IAM: these begin with `AKIA`.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
    pub(super) has_long_lived_key: bool,
}

/// Finds credentials for this step, trying them once, so that what is missing is reported at once and in our words.
pub(super) async fn find(settings: &AwsSettings, step: &Deadline, base: &SdkConfig) -> Result<Found> {
    let deadline = step.at_most(PATIENCE);
    let at_hand = Known(at_hand(settings, base));
    if settings.roles.is_empty() {
        let provider = SharedCredentialsProvider::new(at_hand);
        let found = deadline.read(provider.provide_credentials()).await?.map_err(|error| missing(settings, &error))?;
        return Ok(Found { provider, has_long_lived_key: is_long_lived(&found) });
    }
    let mut has_long_lived_key = false;
    let mut before = match deadline.read(at_hand.provide_credentials()).await? {
        Ok(found) => {
            has_long_lived_key = is_long_lived(&found);
            Some(SharedCredentialsProvider::new(at_hand))
        }
        Err(CredentialsError::CredentialsNotLoaded(_)) => None,
        Err(error) => return Err(missing(settings, &error).into()),
    };
    for role in &settings.roles {
        let source = match before.take() {
            Some(provider) => Source::Credentials(provider),
            None => Source::Token(Issuer::at(settings.token_request.as_ref().ok_or_else(no_token)?)?),
        };
        let assumed = Assumed {
            role: role.clone(),
            session: settings.session_name.clone(),
            duration: i32::try_from(settings.session_duration.as_secs()).unwrap_or(3600),
            sts: aws_sdk_sts::Client::new(&match &source {
                Source::Token(_) => base.clone(),
                Source::Credentials(provider) => base.to_builder().credentials_provider(provider.clone()).build(),
            }),
            source,
            deadline: step.clone(),
            kept: Kept::default(),
        };
        let first = deadline.read(assumed.current(deadline.remaining())).await;
        first.with_context(|| assumed.what())??;
        before = Some(SharedCredentialsProvider::new(assumed));
    }
    let provider = before.context("input `role-to-assume` names no role")?;
    Ok(Found { provider, has_long_lived_key })
}

fn is_long_lived(credentials: &Credentials) -> bool {
    credentials.access_key_id().starts_with("AKIA")
}

/// The standard chain. The machine's own role is in it only when asked for: on a self-hosted runner it would be taken
/// silently.
fn at_hand(settings: &AwsSettings, base: &SdkConfig) -> CredentialsProviderChain {
    let config = ProviderConfig::without_region().with_region(base.region().cloned());
    let config = match base.http_client() {
        Some(http) => config.with_http_client(http),
        None => config,
    };
    let mut chain = CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", ProfileFileCredentialsProvider::builder().configure(&config).build())
        .or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(&config).build())
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&config).build());
    if settings.use_instance_metadata {
        chain = chain.or_else("InstanceMetadata", ImdsCredentialsProvider::builder().configure(&config).build());
    }
    chain
}

fn missing(settings: &AwsSettings, error: &CredentialsError) -> NoCredentials {
    let machine = if settings.use_instance_metadata {
        "the machine's role"
    } else {
        "not the machine's role (`use-instance-metadata` is false)"
    };
    let looked = message!(
        "credentials-looked-at",
        "looked at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the shared profile, AWS_WEB_IDENTITY_TOKEN_FILE, the container's role; {machine}"
    );
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            let mut advice = vec![
                "set the input `role-to-assume` to a role that trusts this repository, or run aws-actions/configure-aws-credentials before this step".to_owned(),
            ];
            if settings.token_request.is_none() {
                advice.push(ID_TOKEN.to_owned());
            }
            NoCredentials {
                message: message!("no-aws-credentials", "no AWS credentials: {looked}"),
                advice,
                again: Again::No,
            }
        }
        other => {
            let message = innermost(other);
            NoCredentials {
                message: message!(
                    "aws-credentials-unusable",
                    "the AWS credentials at hand do not work: {message} ({looked})"
                ),
                advice: vec![
                    "correct the credentials in the job's environment, or remove them and set `role-to-assume`"
                        .to_owned(),
                ],
                again: Again::No,
            }
        }
    }
}

const ID_TOKEN: &str = "give the job the permission `id-token: write` (with `contents: read`), without which it cannot ask for an OIDC token";

fn no_token() -> NoCredentials {
    NoCredentials {
        message: message_str!("no-oidc-token", "`role-to-assume` needs the job's OIDC token, and this job may not ask for one (no ACTIONS_ID_TOKEN_REQUEST_URL)").to_owned(),
        advice: vec![ID_TOKEN.to_owned()],
        again: Again::No,
    }
}

/// Credentials that are secrets from the moment they are found.
#[derive(Debug)]
struct Known<P>(P);

impl<P: ProvideCredentials> ProvideCredentials for Known<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let found = self.0.provide_credentials().await?;
            remember(&found);
            Ok(found)
        })
    }
}

/// Where the right to assume a role comes from.
#[derive(Debug)]
enum Source {
    Token(Issuer),
    Credentials(SharedCredentialsProvider),
}

/// One assumed role.
#[derive(Debug)]
struct Assumed {
    role: RoleArn,
    session: String,
    duration: i32,
    source: Source,
    /// One client for all calls: it learns how far its clock is from that of AWS.
    sts: aws_sdk_sts::Client,
    deadline: Deadline,
    kept: Kept,
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.current(PATIENCE).await.map_err(CredentialsError::provider_error)
        })
    }
}

impl Assumed {
    fn what(&self) -> String {
        format!("assume the role {}", self.role.as_str().rsplit('/').next().unwrap_or_default())
    }

    async fn current(&self, patience: Duration) -> Result<Credentials, NoCredentials> {
        self.kept.current(patience, async |patience| self.assume(patience).await).await
    }

    /// Not bound to the step's own deadline: what serves is read back after it, and whoever asks for credentials has a limit.
    async fn assume(&self, patience: Duration) -> Result<Session, NoCredentials> {
        let within = self.deadline.renew(patience);
        let what = self.what();
        let assuming = retry(&within, &what, retry::Kind::Repeatable, async || match &self.source {
            Source::Token(issuer) => self.by_token(issuer).await,
            Source::Credentials(_) => self.by_credentials().await,
        });
        let failed = |message: &str| NoCredentials {
            message: format!("{what}: {message}"),
            advice: vec![
                "run the step again, which is safe; check the network of the runner if it stays so".to_owned(),
            ],
            again: Again::No,
        };
        let answer = timeout(patience, assuming).await;
        let session = answer.map_err(|_elapsed| failed(&format!("no answer in {}", human_duration(patience))))??;
        session.ok_or_else(|| failed("STS answered without credentials"))
    }

    async fn by_token(&self, issuer: &Issuer) -> Result<Option<Session>, NoCredentials> {
        let audience =
            if self.role.as_str().starts_with("arn:aws-cn:") { "sts.amazonaws.com.cn" } else { "sts.amazonaws.com" };
        let token = issuer.token(audience).await.map_err(|error| NoCredentials {
            message: error.to_string(),
            advice: vec![
                "check that the job has `id-token: write`; if it has, GitHub's OIDC token service is failing"
                    .to_owned(),
            ],
            again: error.again(),
        })?;
        let answered = Answered::from_now();
        let answer = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(self.role.as_str())
            .role_session_name(&self.session)
            .duration_seconds(self.duration)
            .web_identity_token(token.expose())
            .customize()
            .interceptor(answered.clone())
            .send()
            .await
            .map_err(|error| self.refusal(&AwsError::new("sts:AssumeRoleWithWebIdentity", &error), Some(&token)))?;
        Ok(answer.credentials().map(|given| answered.session(given)))
    }

    async fn by_credentials(&self) -> Result<Option<Session>, NoCredentials> {
        let answered = Answered::from_now();
        let answer = self
            .sts
            .assume_role()
            .role_arn(self.role.as_str())
            .role_session_name(&self.session)
            .duration_seconds(self.duration)
            .customize()
            .interceptor(answered.clone())
            .send()
            .await
            .map_err(|error| self.refusal(&AwsError::new("sts:AssumeRole", &error), None))?;
        Ok(answer.credentials().map(|given| answered.session(given)))
    }

    fn refusal(&self, error: &AwsError, token: Option<&Secret>) -> NoCredentials {
        let idp = error.code == "IDPCommunicationError";
        let mut advice = Vec::new();
        match (error.kind, token) {
            _ if error.message.raw().contains("MaxSessionDuration") => {
                advice.push(message_str!("role-duration-too-long", "shorten the input `role-duration`, or raise the role's maximum session duration").to_owned());
            }
            (Kind::Denied | Kind::Invalid | Kind::Credentials, Some(token)) => {
                advice.extend(oidc::claims(token.expose()).map(|claims| oidc::explain(&claims)).unwrap_or_default());
                if error.message.raw().contains("OpenIDConnect") {
                    advice.push("the account of the role has no OIDC provider for this issuer: create one with the client id sts.amazonaws.com".to_owned());
                }
            }
            (Kind::Credentials | Kind::Clock, None) => advice.extend(error.advice()),
            (Kind::Denied, None) => advice.push(format!(
                "allow sts:AssumeRole on {} to the credentials at hand, and name them in that role's trust policy; a chained session lasts at most 1h",
                self.role
            )),
            _ => {}
        }
        NoCredentials {
            message: message!("role-not-assumed", "the role {} could not be assumed: {error}", self.role),
            advice,
            again: if idp { Again::TurnedAway(None) } else { error.again() },
        }
    }
}
