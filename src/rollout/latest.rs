//! Functions that users call without an alias: whether that is so, and the code that can be put back into `$LATEST`.

use anyhow::{Context as _, Result};

use crate::context::Context;
use crate::lambda::{Alias, Code, CodeId, Function, FunctionName, Lambda, Package};
use crate::outcome::{Outcome, Step, Verdict};

/// Refuses a function that has an alias at a version: whoever calls that alias does not get what is in `$LATEST`. An alias
/// that points to `$LATEST` goes with it.
pub async fn refuse_aliases(cx: &Context, lambda: &Lambda, name: &FunctionName, fix: &str) -> Step<()> {
    let aliases = lambda.aliases(name).await?;
    let elsewhere: Vec<&Alias> =
        aliases.iter().filter(|alias| alias.version.is_some() || !alias.weights.is_empty()).collect();
    let label =
        elsewhere.iter().map(|alias| format!("{} at version {alias}", alias.name)).collect::<Vec<_>>().join(", ");
    let (observed, verdict) =
        if elsewhere.is_empty() { ("none", Verdict::Pass) } else { (label.as_str(), Verdict::Fail) };
    cx.report.check(
        format!("aliases of {name}"),
        observed,
        "none that points to a version",
        verdict,
        "lambda:ListAliases",
    );
    if elsewhere.is_empty() {
        return Ok(());
    }
    Err(Outcome::fail(format!(
        "function {name} has aliases ({label}): users who call one would not get what is put into $LATEST"
    ))
    .advise(fix)
    .advise(format!(
        "if nobody calls them any more, delete them first: `aws lambda delete-alias --function-name {name} --name ..`"
    ))
    .into())
}

/// Refuses a function on managed instances: users who call it without a qualifier get `$LATEST.PUBLISHED`, not `$LATEST`.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html>
pub fn refuse_managed(function: &Function, fix: &str) -> Result<(), Outcome> {
    if !function.managed {
        return Ok(());
    }
    Err(Outcome::fail(format!(
        "function {} runs on managed instances: calls without an alias go to $LATEST.PUBLISHED there, and what is put into $LATEST reaches \
         nobody",
        function.name
    ))
    .advise("have users call an alias")
    .advise(fix))
}

/// The code of a published version, to be put into `$LATEST` again. AWS can publish `$LATEST` as a version, and has no call for the
/// way back: an image is named by its digest, an archive is fetched and sent again, but for one that Lambda runs from a bucket. Whether the image is still in its repository is
/// not asked: AWS refuses one that is gone.
pub async fn code_of(lambda: &Lambda, version: &Function) -> Result<Code> {
    let name = &version.name;
    let number = version.version.with_context(|| format!("{name}: $LATEST is no published version"))?;
    if let Some(object) = &version.storage.object {
        return Ok(Code::S3(object.clone()));
    }
    if version.package == Package::Zip {
        return Ok(Code::Zip(lambda.package(name, number).await?));
    }
    let image = version.image.as_ref().with_context(|| format!("AWS names no image of version {number} of {name}"))?;
    Ok(Code::Image(image.to_string()))
}

/// The command that puts the code of a version into `$LATEST` by hand. Holds no account.
#[must_use]
pub fn by_hand(version: &Function) -> String {
    let name = &version.name;
    let number = version.number();
    let asked =
        format!("aws lambda get-function --function-name {name} --qualifier {number} --output text --query Code");
    let update = format!("aws lambda update-function-code --function-name {name}");
    match &version.package {
        Package::Image(_) => format!("{update} --image-uri \"$({asked}.ResolvedImageUri)\""),
        Package::Zip => {
            format!("curl -fsSo before.zip \"$({asked}.Location)\" && {update} --zip-file fileb://before.zip")
        }
    }
}

/// What identifies the code of a version.
pub fn id_of(version: &Function) -> Result<CodeId> {
    CodeId::of(version).with_context(|| format!("AWS does not say which code {} holds", version.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lambda::Version;

    #[test]
    fn what_is_put_back_by_hand_is_named_by_its_version() {
        let zip = Function { version: Some(Version::number(41)), ..Function::unknown(&"api".parse().unwrap()) };
        let image = Function { package: Package::Image(None), ..zip.clone() };
        let asked = "$(aws lambda get-function --function-name api --qualifier 41 --output text --query Code";
        assert_eq!(
            by_hand(&image),
            format!("aws lambda update-function-code --function-name api --image-uri \"{asked}.ResolvedImageUri)\"")
        );
        assert_eq!(
            by_hand(&zip),
            format!(
                "curl -fsSo before.zip \"{asked}.Location)\" && \
                 aws lambda update-function-code --function-name api --zip-file fileb://before.zip"
            )
        );
    }
}
