//! Builds of CodeBuild, as a test makes and steers them. `testbed/fidelity/codebuild/control.py` lists the fields.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Account;

const TARGET: &str = "CodeBuild_20161006";

impl Account {
    /// Calls CodeBuild, such as `codebuild("StartBuild", &json!({"projectName": "tests"}))`, and answers what it does.
    ///
    /// # Errors
    ///
    /// CodeBuild refuses.
    pub async fn codebuild(&self, action: &str, body: &Value) -> Result<Value> {
        let answer = self.json_service("codebuild", &format!("{TARGET}.{action}"), body).await?;
        Ok(answer.ok().with_context(|| action.to_owned())?.json())
    }

    /// Makes a project of a repository on GitHub. `fields` are others of `CreateProject`, such as `{"timeoutInMinutes": 5}`.
    ///
    /// # Errors
    ///
    /// CodeBuild refuses.
    pub async fn create_project(&self, name: &str, fields: &Value) -> Result<()> {
        let mut project = json!({
            "name": name,
            "source": {"type": "GITHUB", "location": "https://github.com/octo/shop.git"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": format!("arn:aws:iam::{}:role/build", self.id),
        });
        for (field, value) in fields.as_object().into_iter().flatten() {
            project[field] = value.clone();
        }
        self.codebuild("CreateProject", &project).await?;
        Ok(())
    }

    /// What the next build of a project does, such as `{"end": "FAILED", "exit": 3, "log": ["one"]}`, `{"end": "FAULT", "at": "PROVISIONING"}`
    /// or `{"hold": "BUILD"}`; all of them with `{"times": null}`. Without a script builds end well.
    ///
    /// # Errors
    ///
    /// There is no such end or phase.
    pub async fn script_build(&self, project: &str, script: &Value) -> Result<()> {
        let mut script = script.clone();
        script["project"] = json!(project);
        self.steer_builds("POST", "script", &json!([script])).await?;
        Ok(())
    }

    /// Changes the script of a project's newest build, such as `{"hold": null}`, which lets it go on.
    ///
    /// # Errors
    ///
    /// There is no build of the project.
    pub async fn change_build(&self, project: &str, fields: &Value) -> Result<()> {
        self.steer_builds("PATCH", "script", &json!({"project": project, "set": fields})).await?;
        Ok(())
    }

    /// Sets fields of a project's newest build as it is described, whatever is true, such as `{"buildStatus": "PAUSED"}`.
    ///
    /// # Errors
    ///
    /// As [`Account::change_build`].
    pub async fn set_build(&self, project: &str, fields: &Value) -> Result<()> {
        self.steer_builds("PATCH", "build", &json!({"project": project, "set": fields})).await?;
        Ok(())
    }

    async fn steer_builds(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("accounts/{}/codebuild/{path}?region={}", self.id, self.region());
        self.control(method, &path, body).await.context("steer CodeBuild")
    }
}
