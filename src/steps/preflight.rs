//! preflight: TODO what it is for, in one line.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{DeployStep, Output};
use crate::action::inputs::{Inputs, Problems, Span};
use crate::context::Context;
use crate::lambda::FunctionName;
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::{AwsPermission, Permissions, Resource};

/// Its inputs. TODO: those of this step.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Preflight {
    /// The function to look at.
    function: FunctionName,
}

impl Inputs for Preflight {
    fn check(&self, problems: &mut Problems) {
        // TODO: what must hold between its inputs, with the fix in the message.
        let _ = problems;
    }
}

impl DeployStep for Preflight {
    const NAME: &'static str = "preflight";
    const ABOUT: &'static str = "TODO what it does, in one sentence.";
    const OUTPUTS: &'static [Output] = &[];
    const PERMISSIONS: Permissions =
        Permissions { aws: &[AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions)], github: &[] };
    const TIMEOUT: Span = Span::minutes(2);

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        // TODO: what this step looks at, and what it makes of it.
        let found = cx.lambda().await?.existing(&self.function, None).await?;
        let (shown, verdict) = if found.is_some() { ("it is there", Verdict::Pass) } else { ("none", Verdict::Fail) };
        cx.report.check(format!("function {}", self.function), shown, "a function", verdict, "lambda:GetFunction");
        Ok(match found {
            Some(_) => Outcome::pass(format!("function {} is there", self.function)),
            None => Outcome::fail(format!("function {} does not exist", self.function))
                .advise("give the name of a function of this account and region"),
        })
    }
}
