"""Values that a container gets from Secrets Manager or Parameter Store.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
"""

import json

from ministack.services import secretsmanager, ssm

# arn:aws:secretsmanager:<region>:<account>:secret:<name>, then `<json key>:<stage>:<version>`.
_PARTS = 7


def values(told: list[dict]) -> tuple[dict, str]:
    """The variables, and why the task does not start if one has no value."""
    found = {}
    for one in told:
        value = _value(one["valueFrom"])
        if value is None:
            return found, (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
                f"unable to retrieve secret from asm: {one['valueFrom']}: ResourceNotFoundException"
            )
        found[one["name"]] = value
    return found, ""


def _value(reference: str) -> str | None:
    if ":secretsmanager:" not in reference:
        parameter = ssm._lookup_parameter(reference)[1]
        return parameter and parameter["Value"]
    parts = reference.split(":")
    secret = secretsmanager._resolve(":".join(parts[:_PARTS]))[1]
    version = secret and secretsmanager._find_stage_version(secret, "AWSCURRENT")[1]
    text = version and version.get("SecretString")
    key = parts[_PARTS] if len(parts) > _PARTS else ""
    return str(json.loads(text)[key]) if text and key else text
