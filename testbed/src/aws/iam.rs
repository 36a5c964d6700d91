//! Roles, policies and identity providers.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Account;

/// The name of the role that functions of an account run as.
const LAMBDA_ROLE: &str = "lambda-role";

impl Account {
    /// The ARN of the role that functions run as, made when it is first asked for.
    ///
    /// # Errors
    ///
    /// IAM refuses.
    pub async fn lambda_role(&self) -> Result<String> {
        let make = || async {
            let trust = json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }],
            });
            self.create_role_with_trust(LAMBDA_ROLE, &trust).await
        };
        Ok(self.role.get_or_try_init(make).await?.clone())
    }

    /// The ARN of a role of this account.
    #[must_use]
    pub fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.id)
    }

    /// Makes a role and answers its ARN.
    ///
    /// # Errors
    ///
    /// IAM refuses.
    pub async fn create_role_with_trust(&self, name: &str, trust: &Value) -> Result<String> {
        let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", &trust.to_string())];
        self.query("iam", "CreateRole", &parameters).await?.ok().with_context(|| format!("create role {name}"))?;
        Ok(self.role_arn(name))
    }

    /// A trust policy for the tokens of an issuer: these condition keys, without the issuer's name, must equal these.
    ///
    /// `web_identity_trust("token.actions.githubusercontent.com", &[("aud", "sts.amazonaws.com"), ("sub", "...")])`
    #[must_use]
    pub fn web_identity_trust(&self, host: &str, conditions: &[(&str, &str)]) -> Value {
        let equals: serde_json::Map<String, Value> =
            conditions.iter().map(|(claim, value)| (format!("{host}:{claim}"), json!(value))).collect();
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Federated": format!("arn:aws:iam::{}:oidc-provider/{host}", self.id)},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": equals},
            }],
        })
    }

    /// Gives a role an inline policy.
    ///
    /// # Errors
    ///
    /// IAM refuses.
    pub async fn put_role_policy(&self, role: &str, name: &str, policy: &Value) -> Result<()> {
        let policy = policy.to_string();
        let parameters = [("RoleName", role), ("PolicyName", name), ("PolicyDocument", policy.as_str())];
        self.query("iam", "PutRolePolicy", &parameters).await?.ok().with_context(|| format!("policy of {role}"))?;
        Ok(())
    }

    /// A session of a new role that may do this and nothing else: the variables that make an AWS SDK its user.
    ///
    /// # Errors
    ///
    /// IAM or STS refuses.
    pub async fn session(&self, role: &str, policy: &Value) -> Result<Vec<(String, String)>> {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": self.id}, "Action": "sts:AssumeRole"}],
        });
        let arn = self.create_role_with_trust(role, &trust).await?;
        self.put_role_policy(role, "may", policy).await?;
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "testbed")];
        let answer = self.query("sts", "AssumeRole", &parameters).await?.ok()?.text();
        let element = |name: &str| {
            let rest = answer.split_once(&format!("<{name}>"))?.1;
            Some(rest.split('<').next()?.to_owned())
        };
        let mut variables = self.environment();
        for (variable, name) in [
            ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
            ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
            ("AWS_SESSION_TOKEN", "SessionToken"),
        ] {
            variables.retain(|(known, _)| known != variable);
            variables.push((variable.to_owned(), element(name).with_context(|| format!("no {name} in the answer"))?));
        }
        Ok(variables)
    }

    /// Trusts an issuer's tokens for the audience `sts.amazonaws.com`, and answers the provider's ARN.
    ///
    /// The issuer's keys are made known by [`Account::publish_issuer_keys`].
    ///
    /// # Errors
    ///
    /// IAM refuses.
    pub async fn create_oidc_provider(&self, issuer: &str) -> Result<String> {
        let thumbprint = "a".repeat(40);
        let parameters = [
            ("Url", issuer),
            ("ClientIDList.member.1", "sts.amazonaws.com"),
            ("ThumbprintList.member.1", thumbprint.as_str()),
        ];
        let answer = self.query("iam", "CreateOpenIDConnectProvider", &parameters).await?;
        answer.ok().with_context(|| format!("create provider {issuer}"))?;
        let host = issuer.split_once("://").map_or(issuer, |(_, host)| host).trim_end_matches('/');
        Ok(format!("arn:aws:iam::{}:oidc-provider/{host}", self.id))
    }
}
