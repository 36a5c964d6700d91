"""The registry wants the token of GetAuthorizationToken, which is different every time and ends after twelve hours.

MiniStack's registry is open to everyone. A token also says whose registry is meant, for clients that cannot send
ECR's host name.
"""

import base64
import time
import uuid

from ministack.services import ecr

from .. import settings
from ..scope import body_of, get_account_id, get_region, json_response
from ..wrapping import around
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html"
ROWS = [
    "ecr: GetAuthorizationToken is another one every time",
    "ecr: Docker v2 without a token (AWS: 401)",
    "ecr: Docker v2 with a made-up token (AWS: 401 or 403)",
]

# Account, region and end of a token, and the access key of who asked for it.
_tokens: dict[str, tuple[str, str, float, str]] = {}


def scope_of(authorization: str) -> tuple[str, str] | None:
    """Account and region that a Basic authorization is for, while it is good."""
    account, region, end, _ = _told(authorization)
    return (account, region) if end > time.time() else None


def owner_of(authorization: str) -> tuple[str, str]:
    """Whose token a Basic authorization is: access key and account."""
    account, _, _, key = _told(authorization)
    return key, account


def _told(authorization: str) -> tuple[str, str, float, str]:
    nobody = ("", "", 0.0, "")
    kind, _, value = authorization.partition(" ")
    if kind.lower() != "basic":
        return nobody
    try:
        user, _, token = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return nobody
    return _tokens.get(token, nobody) if user == "AWS" else nobody


def install():
    @around(ecr, "_get_authorization_token", "(data)", "92111f2ea183")
    def token(inner, data):
        answer = body_of(inner(data))
        for entry in answer["authorizationData"]:
            lifetime = settings.value(get_account_id(), "ecr_token_lifetime")
            if lifetime is not None:
                entry["expiresAt"] = time.time() + lifetime
            value = uuid.uuid4().hex + uuid.uuid4().hex
            _tokens[value] = (get_account_id(), get_region(), entry["expiresAt"], iam_enforcement.caller())
            entry["authorizationToken"] = base64.b64encode(f"AWS:{value}".encode()).decode()
        return json_response(answer)

    @around(ecr, "handle_registry_request", "(method, path, headers, body, query_params)", "8d092cb90854")
    async def registry(inner, method, path, headers, body, query_params):
        headers = {name.lower(): value for name, value in headers.items()}
        scope = scope_of(headers.get("authorization", ""))
        if scope is None:
            return _denied(headers)
        if ecr._registry_scope_hint(headers.get("host")) is None:
            headers["host"] = f"{scope[0]}.dkr.ecr.{scope[1]}.amazonaws.com"
        return await inner(method, path, headers, body, query_params)


def _denied(headers: dict):
    if headers.get("authorization"):
        return (
            403,
            {"content-type": "text/plain", "docker-distribution-api-version": "registry/2.0"},
            (b"Your Authorization Token has expired. Please run 'aws ecr get-login-password' to fetch a new one.\n"),
        )
    return (
        401,
        {
            "content-type": "text/plain",
            "docker-distribution-api-version": "registry/2.0",
            "www-authenticate": 'Basic realm="https://ecr.amazonaws.com/",service="ecr.amazonaws.com"',
        },
        b"Not Authorized\n",
    )
