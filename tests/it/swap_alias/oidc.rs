//! swap-alias with a role assumed by the job's OIDC token.

use serde_json::{Value, json};
use testbed::github::{Job, Signer};

use super::table::one;
use crate::proof::scenes::{ENVIRONMENT, Stage};
use crate::world::RUN;

/// The issuer of tokens, as roles name it.
const HOST: &str = "token.actions.githubusercontent.com";
/// The role that the job assumes.
const ROLE: &str = "deploy";

pub(super) async fn oidc() -> Stage {
    let stage = one().await;
    let issuer = format!("https://{HOST}");
    let key = stage.aws.oidc_key().await.unwrap();
    stage.aws.publish_issuer_keys(&issuer, &key.jwks).await.unwrap();
    stage.aws.create_oidc_provider(&issuer).await.unwrap();
    let (account, kid) = (stage.aws.clone(), key.kid.clone());
    let signer = Signer::new(move |claims: Value| {
        let (account, kid) = (account.clone(), kid.clone());
        async move { account.sign_token(&kid, &claims).await }
    });
    stage.github.sign_with(signer, key.jwks, Some(&issuer));

    let subject = format!("repo:org/shop:environment:{ENVIRONMENT}");
    let trust = stage.aws.web_identity_trust(HOST, &[("aud", "sts.amazonaws.com"), ("sub", &subject)]);
    let role = stage.aws.create_role_with_trust(ROLE, &trust).await.unwrap();
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    stage.aws.put_role_policy(ROLE, "may", &all).await.unwrap();

    let mut job = Job::new("org/shop", &stage.commits[4]).environment(ENVIRONMENT);
    job.run_id = RUN;
    let variables = stage.github.environment(&job);
    let stage = stage.without_env(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]).input("role-to-assume", role);
    let tokens = variables.iter().filter(|(name, _)| name.starts_with("ACTIONS_ID_TOKEN"));
    tokens.fold(stage, |stage, (name, value)| stage.env(name, value))
}
