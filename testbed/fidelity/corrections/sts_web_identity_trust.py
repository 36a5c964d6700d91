"""AssumeRoleWithWebIdentity asks the role's trust policy, with the claims that AWS knows of GitHub's tokens.

MiniStack hands out any role to any token; with AUTH it knows `aud`, `sub` and `amr` only. The session policy of the
request, which MiniStack drops, narrows the session.
"""

import re

from ministack.services import cognito, sts

from .. import oidc
from ..wrapping import around
from . import iam_enforcement
from .sts_assume_role_trust import form

AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"
ROWS = [
    "sts: wrong sub (AWS AccessDenied)",
    "sts: role missing (AWS AccessDenied)",
    "sts: trust on repository_id, wrong (AWS AccessDenied)",
    "sts: trust on job_workflow_ref, absent claim (AWS AccessDenied)",
    "sts: inline session policy narrows the session",
]

# "Available keys for AWS OIDC federation", GitHub, since January 2026.
CLAIMS = (
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "workflow",
)


def install():
    @around(sts, "_web_identity_principal", "(token, provider_id, role_arn)", "4b20206e7981")
    def principal(inner, token, provider_id, role_arn):
        name, keys = inner(token, provider_id, role_arn)
        try:
            claims = cognito._decode_id_token_unverified(token)
        except (ValueError, TypeError):
            return name, keys
        host = oidc.host_of(str(claims.get("iss", "")))
        # A stand-in for GitHub may have an issuer of its own, as GitHub Enterprise has.
        keys |= {f"{host}:{claim}": str(claims[claim]) for claim in CLAIMS if claim in claims}
        return name, keys

    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        asked = form(body)
        if asked.get("Action") != "AssumeRoleWithWebIdentity":
            return await inner(method, path, headers, body, query_params)
        with iam_enforcement.forced():
            response = await inner(method, path, headers, body, query_params)
        policies, refused = sts._session_policies(
            {name: [value] for name, value in asked.items()}, asked.get("RoleArn", ":::::").split(":")[4]
        )
        if refused:
            return refused
        key = re.search(rb"<AccessKeyId>(.*?)<", response[2])
        if key and any(policies.values()):
            sts._sessions[key.group(1).decode()]["SessionPolicies"] = policies
        return response
