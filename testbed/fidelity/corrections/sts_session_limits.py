"""A session has a valid name, and lasts at least 15 minutes and at most as long as its role allows.

MiniStack accepts any name and any duration.
"""

import re

from ministack.services import iam, sts

from ..wrapping import around
from .sts_assume_role_trust import form

AWS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
ROWS = [
    "sts: duration > MaxSessionDuration (AWS ValidationError)",
    "sts: duration below 900 (AWS ValidationError)",
    "sts: session name with space (AWS ValidationError)",
]


def install():
    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        asked = form(body)
        if asked.get("Action") in ("AssumeRole", "AssumeRoleWithWebIdentity"):
            problem = _problem(asked)
            if problem:
                return sts._error(400, "ValidationError", problem, ns="sts")
        return await inner(method, path, headers, body, query_params)


def _problem(asked: dict) -> str | None:
    name = asked.get("RoleSessionName", "")
    if not re.fullmatch(r"[\w+=,.@-]*", name, re.ASCII):
        return (
            "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must "
            r"satisfy regular expression pattern: [\w+=,.@-]*"
        )
    if not 2 <= len(name) <= 64:
        bound = "greater than or equal to 2" if len(name) < 2 else "less than or equal to 64"
        return (
            "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must "
            f"have length {bound}"
        )
    duration = int(asked.get("DurationSeconds", "3600"))
    if duration < 900:
        return (
            f"1 validation error detected: Value '{duration}' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900"
        )
    parts = asked.get("RoleArn", "").split(":")
    role = iam._roles.get_scoped(parts[4], None, parts[5].rsplit("/", 1)[-1]) if len(parts) == 6 else None
    if role and "DurationSeconds" in asked and duration > int(role.get("MaxSessionDuration", 3600)):
        return "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    return None
