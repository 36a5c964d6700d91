"""The expense tracker: GET /health says which commit runs, GET /meals answers the meals."""

import json
import os


def handler(event, context):
    """Answers an event of an HTTP API or a function URL."""
    path = event["rawPath"]
    if path == "/health":
        return answer(200, {"status": "ok", "commit": os.environ["REVISION"]})
    if path == "/meals":
        return answer(200, {"meals": [{"id": 1, "name": "soup", "price": 4.5}]})
    return answer(404, {"status": "not found"})


def answer(status, content):
    """The answer in payload format 2.0."""
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(content)}
