//! What preflight looks at besides: APIs, databases, secrets.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::account::{Account, send};

impl Account {
    /// Calls API Gateway: `api_gateway("POST", "/v2/apis", &body)`.
    ///
    /// # Errors
    ///
    /// API Gateway refuses.
    pub async fn api_gateway(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let request = self.request("apigateway", method, path)?.header("content-type", "application/json");
        let answer = send(request.body(body.to_string())).await?;
        Ok(answer.ok().with_context(|| format!("{method} {path}"))?.json())
    }

    /// An HTTP API behind a host, whose one integration calls this ARN; its id.
    ///
    /// # Errors
    ///
    /// API Gateway refuses.
    pub async fn create_api(&self, host: &str, target: &str) -> Result<String> {
        let api = self.api_gateway("POST", "/v2/apis", &json!({"name": host, "protocolType": "HTTP"})).await?;
        let id = api["apiId"].as_str().context("no id of an API")?.to_owned();
        let integration =
            json!({"integrationType": "AWS_PROXY", "integrationUri": target, "payloadFormatVersion": "2.0"});
        self.api_gateway("POST", &format!("/v2/apis/{id}/integrations"), &integration).await?;
        self.api_gateway("POST", &format!("/v2/apis/{id}/stages"), &json!({"stageName": "$default"})).await?;
        let certificate = format!("arn:aws:acm:{}:{}:certificate/1", self.region(), self.id);
        let named = json!({"domainName": host, "domainNameConfigurations": [{"certificateArn": certificate}]});
        self.api_gateway("POST", "/v2/domainnames", &named).await?;
        let mapping = json!({"apiId": id, "stage": "$default"});
        self.api_gateway("POST", &format!("/v2/domainnames/{host}/apimappings"), &mapping).await?;
        Ok(id)
    }

    /// A database of RDS, that is protected against deletion or not, with backups for so many days.
    ///
    /// # Errors
    ///
    /// RDS refuses.
    pub async fn create_database(&self, name: &str, is_protected: bool, days: u32) -> Result<()> {
        let (is_protected, days) = (is_protected.to_string(), days.to_string());
        let parameters = [
            ("DBInstanceIdentifier", name),
            ("DBInstanceClass", "db.t4g.micro"),
            ("Engine", "postgres"),
            ("AllocatedStorage", "20"),
            ("MasterUsername", "shop"),
            ("MasterUserPassword", "not-a-secret-here"),
            ("DeletionProtection", &is_protected),
            ("BackupRetentionPeriod", &days),
        ];
        self.query("rds", "CreateDBInstance", &parameters).await?.ok().with_context(|| format!("database {name}"))?;
        Ok(())
    }

    /// A secret of Secrets Manager, with a value or without; its ARN.
    ///
    /// # Errors
    ///
    /// Secrets Manager refuses.
    pub async fn create_secret(&self, name: &str, value: Option<&str>) -> Result<String> {
        let body = match value {
            Some(value) => json!({"Name": name, "SecretString": value}),
            None => json!({"Name": name}),
        };
        let made = self.json_service("secretsmanager", "secretsmanager.CreateSecret", &body).await?.ok()?.json();
        Ok(made["ARN"].as_str().unwrap_or_default().to_owned())
    }
}
