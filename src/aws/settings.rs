//! What the connection to AWS has to know.

use std::time::Duration;

use crate::action::inputs::RoleArn;
use crate::text::secrets::Secret;

/// What has to be known to connect.
#[derive(Clone, Debug)]
pub struct AwsSettings {
    /// The region, when one is set.
    pub region: Option<String>,
    /// Roles to assume, each from the one before.
    pub roles: Vec<RoleArn>,
    /// The name of their sessions.
    pub session_name: String,
    /// How long their credentials last before they are renewed.
    pub session_duration: Duration,
    /// Whether credentials of the machine may be used.
    pub use_instance_metadata: bool,
    /// Where the job asks for OIDC tokens, if it may.
    pub token_request: Option<TokenRequest>,
}

/// Where a job asks for its OIDC tokens: what the runner sets with `id-token: write`.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub bearer: Secret,
}
