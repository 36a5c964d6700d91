//! The local AWS behaves as AWS does: its rows are the expected ones, every correction is needed for its rows,
//! faults speak the language of each service, and the server ends with whoever started it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testbed::aws::{Account, Fault, FunctionSpec, Hook, ImageSpec, LocalAws, Settings, python, sample, zips};

type Rows = BTreeMap<String, String>;

#[test]
fn every_row_is_as_expected() -> Result<()> {
    let expected = table(include_str!("../checks/expected.tsv"));
    let found = checks(LocalAws::shared())?;
    let mut wrong: Vec<String> = expected
        .iter()
        .filter(|(row, verdict)| {
            let found = found.get(*row).map(|row| verdict_of(row));
            found != Some(verdict.as_str()) && !(found.is_some() && *verdict == "INFO")
        })
        .map(|(row, verdict)| format!("{row}: want {verdict}, found {:?}", found.get(row)))
        .collect();
    wrong.extend(found.keys().filter(|row| !expected.contains_key(*row)).map(|row| format!("{row}: not expected")));
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn every_correction_is_needed_for_its_rows() -> Result<()> {
    let expected = table(include_str!("../checks/expected.tsv"));
    let server = LocalAws::start_without("all")?;
    let corrections = server.account().control("GET", "corrections", &Value::Null).await?;
    let found = checks(&server)?;
    let mut wrong = Vec::new();
    for correction in corrections.as_array().into_iter().flatten() {
        let name = correction["name"].as_str().unwrap_or_default();
        let rows = correction["rows"].as_array().context("rows of a correction")?;
        let page = correction["aws"].as_str().unwrap_or_default();
        if rows.is_empty() || !page.starts_with("https://docs.aws.amazon.com/") || correction["on"] != false {
            wrong.push(format!("{name} names no row, names no page, or could not be switched off"));
        }
        for row in rows.iter().filter_map(Value::as_str) {
            if expected.get(row).map(String::as_str) != Some("works") {
                wrong.push(format!("{name} names a row that is not expected to work: {row}"));
            }
            if found.get(row).map(|row| verdict_of(row)) == Some("works") {
                wrong.push(format!("without corrections it works all the same: {row} of {name}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_correction_has_a_file_in_the_list() -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fidelity/corrections");
    let list = std::fs::read_to_string(directory.join("__init__.py"))?;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.extension().is_some_and(|extension| extension == "py") && name != "__init__" {
            ensure!(list.contains(&format!("    \"{name}\",\n")), "{name} is not in the list of corrections");
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_correction_can_be_switched_off() -> Result<()> {
    let server = LocalAws::start_without("lambda-alias-version")?;
    let account = server.account();
    account.create_function(&FunctionSpec::zip("app", zips::python("def handler(e, c): return 1"))).await?;
    assert_eq!(account.create_alias("app", "live", "99").await?.version, "99");
    let account = LocalAws::shared().account();
    account.create_function(&FunctionSpec::zip("app", zips::python("def handler(e, c): return 1"))).await?;
    let refused = account.create_alias("app", "live", "99").await.expect_err("there is no version 99");
    assert!(format!("{refused:#}").contains("404"), "{refused:#}");
    Ok(())
}

#[test]
fn the_server_ends_when_its_input_closes() -> Result<()> {
    let server = LocalAws::start()?;
    let process = format!("/proc/{}", server.id());
    assert!(Path::new(&process).exists());
    let start = Instant::now();
    drop(server);
    assert!(!Path::new(&process).exists());
    assert!(start.elapsed() < Duration::from_secs(1), "it ended by itself, not by force");
    Ok(())
}

#[tokio::test]
async fn the_sample_application_fails_where_it_is_told_to() -> Result<()> {
    let account = LocalAws::shared().account();
    let good = sample::sample_zip("1.0.0", "c0ffee", sample::GOOD);
    assert_eq!(good, sample::sample_zip("1.0.0", "c0ffee", sample::GOOD));
    account.create_function(&FunctionSpec::zip("shop", good).env("STAGE", "prd")).await?;
    let answer = account.invoke("shop", "$LATEST", &sample::http_event("/health")).await?;
    assert_eq!(answer.payload["statusCode"], 200);
    let told: Value = serde_json::from_str(answer.payload["body"].as_str().context("a body")?)?;
    assert_eq!(told, json!({"status": "ok", "commit": "c0ffee", "version": "1.0.0", "stage": "prd"}));
    let version = account.publish("shop", "1.0.0").await?;
    account.create_alias("shop", "live", &version).await?;
    let url = account.function_url("shop", Some("live")).await?;
    let served: Value = reqwest::get(format!("{url}/health")).await?.json().await?;
    assert_eq!(served["version"], "1.0.0");
    let bad = sample::sample_zip("1.1.0", "badc0de", sample::FAILS_IN_PRODUCTION);
    account.update_code("shop", &testbed::aws::Code::Zip(bad)).await?;
    let answer = account.invoke("shop", "$LATEST", &sample::http_event("/health")).await?;
    assert_eq!(answer.payload["statusCode"], 500);
    assert!(answer.log.contains("the database does not answer"), "{}", answer.log);
    account.update_configuration("shop", &json!({"Environment": {"Variables": {"STAGE": "stg"}}})).await?;
    let answer = account.invoke("shop", "$LATEST", &sample::http_event("/health")).await?;
    assert_eq!(answer.payload["statusCode"], 200);
    Ok(())
}

#[tokio::test]
async fn image_functions_run_their_label() -> Result<()> {
    let account = LocalAws::shared().account();
    account.create_repository("shop").await?;
    let spec = ImageSpec::new("shop").tag("v1").release("1.0.0", "c0ffee").behaviour("- do: import-error");
    let digest = account.push_image(&spec).await?;
    assert_eq!(account.image_digest("shop", "v1").await?, Some(digest.clone()));
    account.create_function(&FunctionSpec::image("shop", &account.image_uri("shop", &digest))).await?;
    let answer = account.invoke("shop", "$LATEST", &sample::http_event("/health")).await?;
    assert_eq!(answer.function_error.as_deref(), Some("Unhandled"));
    assert_eq!(answer.payload["errorType"], "Runtime.ImportModuleError");
    let index = account.push_image(&spec.clone().tag("multi").attestation()).await?;
    let refused = account.create_function(&FunctionSpec::image("index", &account.image_uri("shop", &index))).await;
    let refused = format!("{:#}", refused.expect_err("an index is refused"));
    assert!(refused.contains("media type for the source image"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn somebody_moves_the_alias_between_read_and_write() -> Result<()> {
    let account = function_with_two_versions().await?;
    let moved = Hook::move_alias("app", "live", "2");
    let rule = Fault { operation: Some("GetAlias".into()), after_answer: vec![moved], ..Fault::default() };
    account.faults(&[rule]).await?;
    account.clear_requests().await?;
    let read = account.alias("app", "live").await?;
    assert_eq!(read.version, "1");
    let body = json!({"FunctionVersion": "1", "RevisionId": read.revision_id});
    let refused = account.update_alias("app", "live", &body).await.expect_err("it has moved");
    assert!(format!("{refused:#}").contains("412"), "{refused:#}");
    assert_eq!(account.alias("app", "live").await?.version, "2");
    assert_eq!(account.operations().await?, ["lambda GetAlias", "lambda UpdateAlias", "lambda GetAlias"]);
    assert_eq!(account.faults_fired().await?, [1]);
    Ok(())
}

#[tokio::test]
async fn an_update_is_applied_and_then_fails() -> Result<()> {
    let account = function_with_two_versions().await?;
    let lost = Fault { operation: Some("UpdateAlias".into()), applied: true, ..Fault::default() };
    account.faults(&[Fault { status: Some(500), ..lost.clone() }, Fault { drop: true, ..lost }]).await?;
    let refused = account.move_alias("app", "live", "2").await.expect_err("the answer is 500");
    assert!(format!("{refused:#}").contains("500"), "{refused:#}");
    assert_eq!(account.alias("app", "live").await?.version, "2");
    let reset = account.move_alias("app", "live", "1").await.expect_err("there is no answer");
    assert!(format!("{reset:?}").contains("reset") || format!("{reset:?}").contains("closed"), "{reset:?}");
    assert_eq!(account.alias("app", "live").await?.version, "1");
    Ok(())
}

#[tokio::test]
async fn an_answer_is_cut_in_the_middle() -> Result<()> {
    let account = function_with_two_versions().await?;
    account.faults(&[Fault { operation: Some("GetAlias".into()), truncate: true, ..Fault::default() }]).await?;
    let cut = account.alias("app", "live").await.expect_err("half an answer");
    assert!(format!("{cut:#}").contains("read the answer"), "{cut:#}");
    assert_eq!(account.alias("app", "live").await?.version, "1");
    Ok(())
}

#[tokio::test]
async fn a_fault_speaks_the_protocol_of_its_service() -> Result<()> {
    let account = LocalAws::shared().account();
    let fault = |service: &str| Fault {
        service: Some(service.to_owned()),
        status: Some(400),
        code: Some("ThrottlingException".to_owned()),
        retry_after: Some(2),
        ..Fault::default()
    };
    account.faults(&["lambda", "ecr", "iam", "s3", "sts"].map(fault)).await?;
    let lambda = account.lambda("GET", "/2015-03-31/functions", &Value::Null).await?;
    assert_eq!(lambda.header("x-amzn-errortype"), Some("ThrottlingException"));
    assert_eq!(lambda.header("retry-after"), Some("2"));
    let target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories";
    let ecr = account.json_service("ecr", target, &json!({})).await?;
    assert_eq!(ecr.json()["__type"], "ThrottlingException");
    for service in ["iam", "sts"] {
        let answer = account.query(service, "GetCallerIdentity", &[]).await?;
        assert!(answer.text().starts_with("<ErrorResponse xmlns=\"https://"), "{}", answer.text());
        assert!(answer.text().contains("<Code>ThrottlingException</Code>"), "{}", answer.text());
    }
    let s3 = account.s3("GET", "/bucket/key", Vec::new()).await?;
    assert!(s3.text().contains("<Error><Code>ThrottlingException</Code>"), "{}", s3.text());
    assert_eq!(account.faults_fired().await?, [1, 1, 1, 1, 1]);
    Ok(())
}

#[tokio::test]
async fn a_fault_in_the_registry_is_an_error_of_the_distribution_specification() -> Result<()> {
    let account = LocalAws::shared().account();
    let fault = Fault { service: Some("registry".into()), status: Some(503), ..Fault::default() };
    account.faults(&[Fault { code: Some("UNAVAILABLE".into()), ..fault }]).await?;
    let answer = reqwest::Client::new()
        .get(format!("{}/v2/shop/manifests/v1", account.endpoint()))
        .header("host", format!("{}.dkr.ecr.{}.amazonaws.com", account.id, account.region()))
        .send()
        .await?;
    assert_eq!(answer.status().as_u16(), 503);
    assert_eq!(answer.json::<Value>().await?["errors"][0]["code"], "UNAVAILABLE");
    let logged = account.requests().await?;
    assert_eq!(logged.iter().map(|request| request.operation.as_str()).collect::<Vec<_>>(), ["GetManifest"]);
    Ok(())
}

#[tokio::test]
async fn rules_count_delay_and_match() -> Result<()> {
    let account = function_with_two_versions().await?;
    let rule = Fault {
        pattern: Some(r"^GET /2015-03-31/functions/app/aliases/live\b".into()),
        after: 1,
        times: 2,
        delay: Some(0.2),
        status: Some(429),
        ..Fault::default()
    };
    account.faults(&[rule]).await?;
    let mut statuses = Vec::new();
    let start = Instant::now();
    for _ in 0..4 {
        let path = "/2015-03-31/functions/app/aliases/live";
        statuses.push(account.lambda("GET", path, &Value::Null).await?.status);
    }
    assert_eq!(statuses, [200, 429, 429, 200]);
    assert!(start.elapsed() >= Duration::from_millis(400));
    Ok(())
}

#[tokio::test]
async fn a_slow_update_and_a_version_that_fails_are_settings() -> Result<()> {
    let account = LocalAws::shared().account();
    account.create_function(&FunctionSpec::zip("app", zips::python("def handler(e, c): return 1"))).await?;
    account.settings(&Settings { update_delay: Some(0.5), ..Settings::default() }).await?;
    let start = Instant::now();
    account.update_configuration("app", &json!({"Timeout": 7})).await?;
    assert!(start.elapsed() >= Duration::from_millis(500));
    let next = json!({"state": "Failed", "reason": "No memory.", "code": "InternalError"});
    account.settings(&Settings { next_version: Some(next), ..Settings::default() }).await?;
    let version = account.publish("app", "broken").await?;
    let found = account.function("app", &version).await?;
    assert_eq!(found["Configuration"]["State"], "Failed");
    assert_eq!(found["Configuration"]["StateReason"], "No memory.");
    Ok(())
}

#[tokio::test]
async fn requests_are_logged_under_the_account_they_are_about() -> Result<()> {
    const HOST: &str = "token.actions.githubusercontent.com";
    let account = LocalAws::shared().account();
    let issuer = format!("https://{HOST}");
    let key = account.oidc_key().await?;
    account.publish_issuer_keys(&issuer, &key.jwks).await?;
    account.create_oidc_provider(&issuer).await?;
    let trust = account.web_identity_trust(HOST, &[("aud", "sts.amazonaws.com"), ("repository_id", "42")]);
    let role = account.create_role_with_trust("deploy", &trust).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = json!({
        "iss": issuer, "aud": "sts.amazonaws.com", "sub": "repo:octo-org/shop:environment:prd",
        "repository_id": "42", "iat": now, "exp": now + 300,
    });
    let token = account.sign_token(&key.kid, &claims).await?;
    account.clear_requests().await?;
    // Nobody has signed it: the token is all there is.
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn={role}&WebIdentityToken={token}"
    );
    let client = reqwest::Client::new();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let answer = client.post(account.endpoint()).header(form.0, form.1).body(body).send().await?;
    let answer = answer.error_for_status()?.text().await?;
    let session = answer.split("<AccessKeyId>").nth(1).and_then(|rest| rest.split('<').next()).context("a key")?;
    let signature =
        format!("AWS4-HMAC-SHA256 Credential={session}/20260101/eu-west-1/lambda/aws4_request, Signature=0");
    let url = format!("{}/2015-03-31/functions", account.endpoint());
    let refused = client.get(url).header("authorization", signature).send().await?;
    assert_eq!(refused.status().as_u16(), 403, "sessions sign their requests");
    let requests = account.requests().await?;
    let seen: Vec<_> =
        requests.iter().map(|request| (request.operation.as_str(), request.access_key.as_str())).collect();
    assert_eq!(seen, [("AssumeRoleWithWebIdentity", ""), ("ListFunctions", session)]);
    assert_eq!(requests[0].params["RoleArn"], role.as_str());
    Ok(())
}

#[tokio::test]
async fn objects_have_versions() -> Result<()> {
    let account = LocalAws::shared().account();
    account.create_bucket("artifacts").await?;
    let first = account.s3_put("artifacts", "shop.zip", b"one".to_vec()).await?;
    let second = account.s3_put("artifacts", "shop.zip", b"two".to_vec()).await?;
    assert_ne!(first, second);
    assert_eq!(account.s3_get("artifacts", "shop.zip").await?, b"two");
    assert_eq!(account.s3_get("artifacts", &format!("shop.zip?versionId={first}")).await?, b"one");
    Ok(())
}

#[tokio::test]
async fn packages_for_provided_run_as_bootstrap() -> Result<()> {
    let account = LocalAws::shared().account();
    let spec = FunctionSpec::zip("app", zips::bootstrap("one")).runtime("provided.al2023", "bootstrap");
    account.create_function(&spec).await?;
    assert_eq!(account.invoke("app", "$LATEST", &json!({})).await?.payload, json!({"bootstrap": "one"}));
    account.update_code("app", &testbed::aws::Code::Zip(zips::elf_stub("arm64"))).await?;
    let failed = account.invoke("app", "$LATEST", &json!({})).await?;
    assert_eq!(failed.payload["errorType"], "Runtime.InvalidEntrypoint", "{}", failed.payload);
    Ok(())
}

#[tokio::test]
async fn metrics_and_logs_are_seen_once_they_are_published() -> Result<()> {
    let account = LocalAws::shared().account();
    let errors =
        json!({"metric": "Errors", "function": "app", "alias": "live", "version": "3", "values": [2], "late": 60});
    account.put_metrics(&json!([errors])).await?;
    account.put_logs(&json!({"function": "app", "version": "3", "lines": ["one"], "late": 60})).await?;
    assert_eq!(errors_and_lines(&account).await?, (json!([]), 0));
    account.advance(61.0).await?;
    assert_eq!(errors_and_lines(&account).await?, (json!([2.0]), 1));
    Ok(())
}

/// The values of Errors of `app:live` in version 3, and the number of events in its log group.
async fn errors_and_lines(account: &Account) -> Result<(Value, usize)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let dimensions = [("FunctionName", "app"), ("Resource", "app:live"), ("ExecutedVersion", "3")];
    let dimensions = dimensions.map(|(name, value)| json!({"Name": name, "Value": value}));
    let metric = json!({"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": dimensions});
    let query = json!({"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}});
    let data = json!({"MetricDataQueries": [query], "StartTime": now - 600, "EndTime": now + 60});
    let data = account.json_service("monitoring", "GraniteServiceVersion20100801.GetMetricData", &data).await?.ok()?;
    let group = json!({"logGroupName": "/aws/lambda/app"});
    let events = account.json_service("logs", "Logs_20140328.FilterLogEvents", &group).await?.ok()?.json();
    let values = data.json()["MetricDataResults"][0]["Values"].clone();
    Ok((values, events["events"].as_array().map_or(0, Vec::len)))
}

async fn function_with_two_versions() -> Result<Account> {
    let account = LocalAws::shared().account();
    let code = |number: u32| zips::python(&format!("def handler(event, context): return {number}"));
    account.create_function(&FunctionSpec::zip("app", code(1))).await?;
    let first = account.publish("app", "one").await?;
    account.update_code("app", &testbed::aws::Code::Zip(code(2))).await?;
    account.publish("app", "two").await?;
    account.create_alias("app", "live", &first).await?;
    assert_eq!(account.versions("app").await?, ["1", "2"]);
    Ok(account)
}

/// Runs the checks and answers verdict and detail of every row.
fn checks(server: &LocalAws) -> Result<Rows> {
    let output = Command::new(python()?)
        .args(["-m", "checks", server.endpoint()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .context("run the checks")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(table(&String::from_utf8(output.stdout)?))
}

fn table(text: &str) -> Rows {
    let rows = text.lines().filter_map(|line| line.split_once('\t'));
    rows.map(|(row, rest)| (row.to_owned(), rest.to_owned())).collect()
}

fn verdict_of(row: &str) -> &str {
    row.split('\t').next().unwrap_or_default()
}
