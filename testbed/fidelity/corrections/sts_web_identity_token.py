"""The token must be a JWT of a provider of the account, for its audience, in time, and signed by the issuer's key.

MiniStack believes every token. The issuer's keys come from the test (`POST /_testbed/oidc/issuers`).
"""

import time

from ministack.services import iam, sts

from .. import oidc
from ..wrapping import around
from .sts_assume_role_trust import form

AWS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
ROWS = [
    "sts: wrong aud (AWS InvalidIdentityToken)",
    "sts: wrong issuer (AWS InvalidIdentityToken)",
    "sts: expired token (AWS ExpiredTokenException)",
    "sts: signature by other key (AWS InvalidIdentityToken)",
    "sts: garbage token (AWS InvalidIdentityToken)",
    "sts: OIDC provider deleted (AWS InvalidIdentityToken No OpenIDConnect provider found)",
]


def install():
    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        asked = form(body)
        if asked.get("Action") == "AssumeRoleWithWebIdentity":
            refused = _refusal(asked)
            if refused:
                return sts._error(400, refused[0], refused[1], ns="sts")
        return await inner(method, path, headers, body, query_params)


def _refusal(asked: dict) -> tuple[str, str] | None:
    arn = asked.get("RoleArn", "")
    if sts._assumed_role_arn(arn, "session")[1]:
        return None
    token = asked.get("WebIdentityToken", "")
    try:
        header, claims = oidc.read(token)
    except ValueError:
        return (
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    account = arn.split(":")[4]
    issuer = str(claims.get("iss", ""))
    name = f"arn:aws:iam::{account}:oidc-provider/{oidc.host_of(issuer)}"
    provider = iam._oidc_providers.get_scoped(account, None, name)
    if not provider:
        return "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}"
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    if not set(audiences) & set(provider["ClientIDList"]):
        return "InvalidIdentityToken", "Incorrect token audience"
    try:
        oidc.verify(token, header, issuer)
    except oidc.Untrusted as problem:
        return "InvalidIdentityToken", str(problem)
    now = int(time.time())
    if claims.get("exp", 0) < now:
        return (
            "ExpiredTokenException",
            f"Token expired: current date/time {now} must be before the expiration date/time{claims.get('exp')}",
        )
    if claims.get("nbf", 0) > now + 300:
        return "InvalidIdentityToken", "Token is not yet valid"
    return None
