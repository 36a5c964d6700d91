"""Publish=true answers the version with its versioned ARN, and the same code is not published twice.

MiniStack answers the unqualified ARN, stores it in the version too, and makes a new version every time.
"""

import contextvars

from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"
ROWS = [
    "lambda: UpdateFunctionCode Publish=True twice same code + PublishVersion",
    "lambda: UpdateFunctionCode Publish=True answers the versioned ARN",
    "lambda: CreateFunction Publish=True answers the versioned ARN",
]

_publishing = contextvars.ContextVar("testbed_publishing", default=False)


def within_update() -> bool:
    """Whether a version is being published by the update that is in progress."""
    return _publishing.get()


def install():
    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        data = dict(data)
        wanted = data.pop("Publish", False)
        response = inner(name, data)
        return _published(name) if wanted and response[0] < 300 and not data.get("DryRun") else response

    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        data = dict(data)
        wanted = data.pop("Publish", False)
        response = inner(data)
        return _published(data["FunctionName"], 201) if wanted and response[0] < 300 else response


def _published(name: str, status: int = 200):
    token = _publishing.set(True)
    try:
        return json_response(body_of(lambda_svc._publish_version(name, {})), status)
    finally:
        _publishing.reset(token)
