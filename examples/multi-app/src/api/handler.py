"""The REST API of the Telegram Mini App."""

import json
import os

from src.agent import report


def handler(event, context):
    """Answers an event of an HTTP API: GET /health, GET /reports/<ticker>."""
    path = event["rawPath"]
    if path == "/health":
        return answer(200, {"status": "ok", "commit": os.environ["REVISION"]})
    return answer(200, {"report": report(path.rsplit("/", 1)[-1])})


def answer(status, content):
    """The answer in payload format 2.0."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}
