"""The shop's API: GET /health says what runs, GET /orders answers the orders.

What it is comes from `release.txt` beside it, and whether it is broken from `behaviour.txt`.
"""

import json
import os
from pathlib import Path

HERE = Path(__file__).parent


def read(name):
    """The `name: value` lines of a file."""
    lines = (HERE / name).read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


RELEASE = read("release.txt")
BEHAVIOUR = read("behaviour.txt")
STAGE = os.environ.get("STAGE", "")
answers = 0


def handler(event, context):
    """Answers an API Gateway event, format 2.0 or 1.0."""
    global answers
    path = event.get("rawPath") or event.get("path") or "/health"
    if broken(path):
        print(f"ERROR {path}: the database does not answer")
        return answer(500, {"status": "error", "error": "the database does not answer"})
    answers += 1
    print(f"{path} answered")
    if path == "/health":
        return answer(200, {"status": "ok"})
    if path == "/orders":
        return answer(200, {"orders": [{"id": 1, "item": "tea"}, {"id": 2, "item": "biscuits"}]})
    return answer(404, {"status": "not found"})


def broken(path):
    """Whether this release fails here and now."""
    return (
        BEHAVIOUR.get("fails") == "yes"
        and BEHAVIOUR.get("stage", STAGE) == STAGE
        and BEHAVIOUR.get("path", path) == path
        and answers >= int(BEHAVIOUR.get("after", "0"))
    )


def answer(status, content):
    """The answer, with the release that gave it."""
    told = {"commit": RELEASE["commit"], "version": RELEASE["version"], "stage": STAGE}
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content | told),
    }
