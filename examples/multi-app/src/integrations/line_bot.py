"""The LINE bot: answers the messages of a webhook."""

import json

from src.agent import report
from src.api.handler import answer


def handler(event, context):
    """Answers an event of an HTTP API: GET /health, and the webhook with a ticker in each message."""
    if event["rawPath"] == "/health":
        return answer(200, {"status": "ok"})
    messages = json.loads(event["body"])["events"]
    return answer(200, {"replies": [report(message["text"]) for message in messages]})
