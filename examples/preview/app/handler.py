"""The smallest application: GET /health answers, and says which commit it is."""

import json
import pathlib


def handler(event, context):
    if event.get("rawPath") != "/health":
        return {"statusCode": 404, "body": "not found"}
    commit = pathlib.Path(__file__).with_name("commit").read_text().strip()
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"commit": commit})}
