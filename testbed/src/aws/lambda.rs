//! Functions, versions and aliases, as the account's root makes them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Account;

const FUNCTIONS: &str = "/2015-03-31/functions";

/// What a function runs.
#[derive(Clone, Debug)]
pub enum Code {
    /// A deployment package.
    Zip(Vec<u8>),
    /// An image in ECR.
    Image(String),
}

/// A function to be made.
#[derive(Clone, Debug)]
pub struct FunctionSpec {
    /// Its name.
    pub name: String,
    /// `python3.12` unless set; none for images.
    pub runtime: String,
    /// `index.handler` unless set; none for images.
    pub handler: String,
    /// What it runs.
    pub code: Code,
    /// Its variables.
    pub environment: BTreeMap<String, String>,
    /// `x86_64` (unless set) or `arm64`.
    pub architecture: String,
    /// Seconds, 10 unless set.
    pub timeout: u32,
}

impl FunctionSpec {
    /// A Python function.
    #[must_use]
    pub fn zip(name: &str, package: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            runtime: "python3.12".to_owned(),
            handler: "index.handler".to_owned(),
            code: Code::Zip(package),
            environment: BTreeMap::new(),
            architecture: "x86_64".to_owned(),
            timeout: 10,
        }
    }

    /// A function from an image.
    #[must_use]
    pub fn image(name: &str, uri: &str) -> Self {
        Self { code: Code::Image(uri.to_owned()), ..Self::zip(name, Vec::new()) }
    }

    /// With another runtime and handler, such as `provided.al2023` and `bootstrap`.
    #[must_use]
    pub fn runtime(self, runtime: &str, handler: &str) -> Self {
        Self { runtime: runtime.to_owned(), handler: handler.to_owned(), ..self }
    }

    /// With a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// For another architecture.
    #[must_use]
    pub fn architecture(self, architecture: &str) -> Self {
        Self { architecture: architecture.to_owned(), ..self }
    }

    /// With another timeout, in seconds.
    #[must_use]
    pub fn timeout(self, timeout: u32) -> Self {
        Self { timeout, ..self }
    }
}

/// Where an alias points.
#[derive(Clone, Debug, PartialEq)]
pub struct AliasState {
    /// The version that gets what the weights leave.
    pub version: String,
    /// Shares of other versions, from 0 to 1.
    pub weights: BTreeMap<String, f64>,
    /// Changes with every change of the alias.
    pub revision_id: String,
    /// The alias's description.
    pub description: String,
}

/// What an invocation gave.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The answer, or the error as the runtime tells it.
    pub payload: Value,
    /// `Unhandled` if the function failed.
    pub function_error: Option<String>,
    /// The version that ran.
    pub executed_version: String,
    /// The end of its log.
    pub log: String,
}

impl Account {
    /// Makes a function, waits until it is Active, and answers its configuration.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn create_function(&self, spec: &FunctionSpec) -> Result<Value> {
        let mut body = json!({
            "FunctionName": spec.name,
            "Role": self.lambda_role().await?,
            "Environment": {"Variables": spec.environment},
            "Architectures": [spec.architecture],
            "Timeout": spec.timeout,
        });
        match &spec.code {
            Code::Zip(package) => {
                body["Runtime"] = json!(spec.runtime);
                body["Handler"] = json!(spec.handler);
                body["Code"] = json!({"ZipFile": BASE64.encode(package)});
            }
            Code::Image(uri) => {
                body["PackageType"] = json!("Image");
                body["Code"] = json!({"ImageUri": uri});
            }
        }
        let made = self.lambda("POST", FUNCTIONS, &body).await?;
        made.ok().with_context(|| format!("create function {}", spec.name))?;
        self.wait_until_updated(&spec.name).await
    }

    /// Gives a function other code and waits until it runs.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or the update fails.
    pub async fn update_code(&self, name: &str, code: &Code) -> Result<Value> {
        let body = match code {
            Code::Zip(package) => json!({"ZipFile": BASE64.encode(package)}),
            Code::Image(uri) => json!({"ImageUri": uri}),
        };
        self.put_code(name, &body).await
    }

    /// Sends an update of a function's code and waits until it runs.
    async fn put_code(&self, name: &str, body: &Value) -> Result<Value> {
        let answer = self.lambda("PUT", &format!("{FUNCTIONS}/{name}/code"), body).await?;
        answer.ok().with_context(|| format!("update code of {name}"))?;
        self.wait_until_updated(name).await
    }

    /// Gives a function a package with more of what `UpdateFunctionCode` takes, such as `SourceKMSKeyArn`, and waits until it runs.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or the update fails.
    pub async fn store_code(&self, name: &str, package: &[u8], more: &Value) -> Result<Value> {
        let mut body = more.clone();
        body["ZipFile"] = json!(BASE64.encode(package));
        self.put_code(name, &body).await
    }

    /// Has Lambda run an object from its bucket, as it is now, without a copy of its own; answers the object's version.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or the update fails.
    pub async fn refer_code(&self, name: &str, bucket: &str, key: &str) -> Result<String> {
        let head = self.s3("HEAD", &format!("/{bucket}/{key}"), Vec::new()).await?.ok()?;
        let version = head.header("x-amz-version-id").context("a version of the object")?.to_owned();
        let body = json!({
            "S3Bucket": bucket, "S3Key": key, "S3ObjectVersion": version, "S3ObjectStorageMode": "REFERENCE",
        });
        self.put_code(name, &body).await?;
        Ok(version)
    }

    /// Has Lambda take only signed code for a function: `testbed/fidelity/corrections/lambda_code_signing.py` says what is signed.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn require_signed_code(&self, name: &str) -> Result<()> {
        let arn = format!("arn:aws:lambda:eu-west-1:{}:code-signing-config:csc-0123456789abcdef0", self.id);
        let path = format!("/2020-06-30/functions/{name}/code-signing-config");
        self.lambda("PUT", &path, &json!({"CodeSigningConfigArn": arn})).await?.ok()?;
        Ok(())
    }

    /// Reserves concurrency for a function; 0 switches it off.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn reserve_concurrency(&self, name: &str, executions: u32) -> Result<()> {
        let path = format!("/2017-10-31/functions/{name}/concurrency");
        self.lambda("PUT", &path, &json!({"ReservedConcurrentExecutions": executions})).await?.ok()?;
        Ok(())
    }

    /// Changes a function's configuration, as `UpdateFunctionConfiguration` takes it, and waits until it holds.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or the update fails.
    pub async fn update_configuration(&self, name: &str, changes: &Value) -> Result<Value> {
        let answer = self.lambda("PUT", &format!("{FUNCTIONS}/{name}/configuration"), changes).await?;
        answer.ok().with_context(|| format!("update configuration of {name}"))?;
        self.wait_until_updated(name).await
    }

    /// Waits until a function is Active and its last update Successful, and answers its configuration.
    ///
    /// # Errors
    ///
    /// The update failed, or takes longer than 30 seconds.
    pub async fn wait_until_updated(&self, name: &str) -> Result<Value> {
        let start = Instant::now();
        loop {
            let found = self.lambda("GET", &format!("{FUNCTIONS}/{name}/configuration"), &Value::Null).await?;
            let configuration = found.ok()?.json();
            if configuration["State"] == "Active" && configuration["LastUpdateStatus"] == "Successful" {
                return Ok(configuration);
            }
            ensure!(configuration["LastUpdateStatus"] != "Failed", "update of {name} failed: {configuration}");
            ensure!(start.elapsed() < Duration::from_secs(30), "{name} stays as it is: {configuration}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Publishes a version and answers its number.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn publish(&self, name: &str, description: &str) -> Result<String> {
        let body = json!({"Description": description});
        let answer = self.lambda("POST", &format!("{FUNCTIONS}/{name}/versions"), &body).await?;
        let version = answer.ok().with_context(|| format!("publish {name}"))?.json();
        Ok(version["Version"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes an alias.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn create_alias(&self, name: &str, alias: &str, version: &str) -> Result<AliasState> {
        let body = json!({"Name": alias, "FunctionVersion": version});
        let answer = self.lambda("POST", &format!("{FUNCTIONS}/{name}/aliases"), &body).await?;
        Ok(state(&answer.ok().with_context(|| format!("create alias {name}:{alias}"))?.json()))
    }

    /// Points an alias to one version, without weights.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn move_alias(&self, name: &str, alias: &str, version: &str) -> Result<AliasState> {
        let body = json!({"FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": {}}});
        self.update_alias(name, alias, &body).await
    }

    /// Gives another version a share of an alias's invocations, from 0 to 1.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn set_weights(&self, name: &str, alias: &str, weights: &[(&str, f64)]) -> Result<AliasState> {
        let weights: BTreeMap<_, _> = weights.iter().copied().collect();
        let body = json!({"RoutingConfig": {"AdditionalVersionWeights": weights}});
        self.update_alias(name, alias, &body).await
    }

    /// Changes an alias, as `UpdateAlias` takes it.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn update_alias(&self, name: &str, alias: &str, body: &Value) -> Result<AliasState> {
        let answer = self.lambda("PUT", &format!("{FUNCTIONS}/{name}/aliases/{alias}"), body).await?;
        Ok(state(&answer.ok().with_context(|| format!("update alias {name}:{alias}"))?.json()))
    }

    /// Gives an alias provisioned concurrency, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or it is not ready within 30 seconds.
    pub async fn provision(&self, name: &str, alias: &str, instances: u32) -> Result<()> {
        let path = format!("/2019-09-30/functions/{name}/provisioned-concurrency?Qualifier={alias}");
        let body = json!({"ProvisionedConcurrentExecutions": instances});
        self.lambda("PUT", &path, &body).await?.ok().with_context(|| format!("provision {name}:{alias}"))?;
        let start = Instant::now();
        while self.provisioned(name, alias).await? != "READY" {
            ensure!(start.elapsed() < Duration::from_secs(30), "{name}:{alias} does not become ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The status of an alias's provisioned concurrency.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or there is none.
    pub async fn provisioned(&self, name: &str, alias: &str) -> Result<String> {
        let path = format!("/2019-09-30/functions/{name}/provisioned-concurrency?Qualifier={alias}");
        let found = self.lambda("GET", &path, &Value::Null).await?.ok()?.json();
        Ok(found["Status"].as_str().unwrap_or_default().to_owned())
    }

    /// Where an alias points.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or there is none.
    pub async fn alias(&self, name: &str, alias: &str) -> Result<AliasState> {
        let answer = self.lambda("GET", &format!("{FUNCTIONS}/{name}/aliases/{alias}"), &Value::Null).await?;
        Ok(state(&answer.ok().with_context(|| format!("get alias {name}:{alias}"))?.json()))
    }

    /// What `GetFunction` answers; the qualifier is `$LATEST`, a version or an alias.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or there is none.
    pub async fn function(&self, name: &str, qualifier: &str) -> Result<Value> {
        let path = format!("{FUNCTIONS}/{name}?Qualifier={}", crate::wire::encode(qualifier));
        Ok(self.lambda("GET", &path, &Value::Null).await?.ok().with_context(|| format!("get {name}"))?.json())
    }

    /// The numbers of a function's published versions, oldest first.
    ///
    /// # Errors
    ///
    /// Lambda refuses, or there is no such function.
    pub async fn versions(&self, name: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut marker = String::new();
        loop {
            let path = format!("{FUNCTIONS}/{name}/versions?MaxItems=50{marker}");
            let page = self.lambda("GET", &path, &Value::Null).await?.ok()?.json();
            let versions = page["Versions"].as_array().cloned().unwrap_or_default();
            found.extend(versions.iter().filter_map(|version| version["Version"].as_str()).map(str::to_owned));
            match page["NextMarker"].as_str() {
                Some(next) if !next.is_empty() => marker = format!("&Marker={}", crate::wire::encode(next)),
                _ => break,
            }
        }
        found.retain(|version| version != "$LATEST");
        Ok(found)
    }

    /// Runs a function; the qualifier is `$LATEST`, a version or an alias.
    ///
    /// # Errors
    ///
    /// Lambda refuses. A function that fails is an answer.
    pub async fn invoke(&self, name: &str, qualifier: &str, payload: &Value) -> Result<Invocation> {
        let path = format!("{FUNCTIONS}/{name}/invocations?Qualifier={}", crate::wire::encode(qualifier));
        let headers = [("x-amz-log-type", "Tail")];
        let answer = self.lambda_with("POST", &path, &headers, serde_json::to_vec(payload)?).await?;
        let answer = answer.ok().with_context(|| format!("invoke {name}:{qualifier}"))?;
        let log = BASE64.decode(answer.header("x-amz-log-result").unwrap_or_default())?;
        Ok(Invocation {
            payload: answer.json(),
            function_error: answer.header("x-amz-function-error").map(str::to_owned),
            executed_version: answer.header("x-amz-executed-version").unwrap_or_default().to_owned(),
            log: String::from_utf8_lossy(&log).into_owned(),
        })
    }

    /// The URL of an alias, or of the function without one, that anyone can call, without a slash at the end. Its events are
    /// those of HTTP APIs.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn function_url(&self, name: &str, alias: Option<&str>) -> Result<String> {
        let qualifier = alias.map(|alias| format!("?Qualifier={alias}")).unwrap_or_default();
        let path = format!("/2021-10-31/functions/{name}/url{qualifier}");
        let made = self.lambda("POST", &path, &json!({"AuthType": "NONE"})).await?.ok()?.json();
        let permission = json!({
            "StatementId": "url",
            "Action": "lambda:InvokeFunctionUrl",
            "Principal": "*",
            "FunctionUrlAuthType": "NONE",
        });
        self.lambda("POST", &format!("{FUNCTIONS}/{name}/policy{qualifier}"), &permission).await?.ok()?;
        let url = made["FunctionUrl"].as_str().unwrap_or_default();
        let id = url.split("://").last().and_then(|host| host.split('.').next()).context("a function URL")?;
        // The host name of the URL does not resolve everywhere.
        Ok(format!("{}/_aws/lambda-url/{id}", self.endpoint))
    }

    /// Deletes a version.
    ///
    /// # Errors
    ///
    /// Lambda refuses, as it does while an alias points to it.
    pub async fn delete_version(&self, name: &str, version: &str) -> Result<()> {
        let path = format!("{FUNCTIONS}/{name}?Qualifier={version}");
        self.lambda("DELETE", &path, &Value::Null).await?.ok()?;
        Ok(())
    }

    /// Deletes an alias.
    ///
    /// # Errors
    ///
    /// Lambda refuses.
    pub async fn delete_alias(&self, name: &str, alias: &str) -> Result<()> {
        self.lambda("DELETE", &format!("{FUNCTIONS}/{name}/aliases/{alias}"), &Value::Null).await?.ok()?;
        Ok(())
    }
}

fn state(alias: &Value) -> AliasState {
    let text = |name: &str| alias[name].as_str().unwrap_or_default().to_owned();
    let weights = alias["RoutingConfig"]["AdditionalVersionWeights"].as_object();
    AliasState {
        version: text("FunctionVersion"),
        weights: weights
            .into_iter()
            .flatten()
            .filter_map(|(version, weight)| Some((version.clone(), weight.as_f64()?)))
            .collect(),
        revision_id: text("RevisionId"),
        description: text("Description"),
    }
}
