"""The shop's API: GET /health says which commit runs, GET /orders answers the orders."""

import json
import os


def handler(event, context):
    """Answers an event of an HTTP API or a function URL."""
    path = event["rawPath"]
    if path == "/health":
        return answer(200, {"status": "ok", "commit": os.environ["REVISION"]})
    if path == "/orders":
        return answer(200, {"orders": [{"id": 1, "item": "tea"}]})
    return answer(404, {"status": "not found"})


def answer(status, content):
    """The answer in payload format 2.0."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}
