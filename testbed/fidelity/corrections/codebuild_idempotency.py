"""StartBuild with a token that was used within five minutes answers the build that was started then, or refuses other parameters.

MiniStack starts another build.
"""

import json

from ministack.services import codebuild

from .. import watch
from ..scope import error, get_account_id, here, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html#CodeBuild-StartBuild-request-idempotencyToken"
ROWS = [
    "codebuild: StartBuild again with the same token",
    "codebuild: StartBuild with the same token and other parameters",
    "codebuild: StartBuild with the same token after five minutes",
]
SECONDS = 300

_used: dict[tuple, tuple[float, str, str]] = {}


def install():
    @around(codebuild, "_start_build", "(data)", "661025bbce1e")
    def start(inner, data):
        token, now = data.get("idempotencyToken"), watch.reached(get_account_id())
        if not token:
            return inner(data)
        asked = json.dumps(data, sort_keys=True)
        until, before, identifier = _used.get(here(token), (0, "", ""))
        if now <= until and identifier in codebuild._builds:
            if before != asked:
                return error(
                    "InvalidInputException", "Parameter mismatch: the idempotency token was used with other parameters"
                )
            return json_response({"build": codebuild._builds[identifier]})
        response = inner(data)
        if response[0] < 300:
            _used[here(token)] = (now + SECONDS, asked, json.loads(response[2])["build"]["id"])
        return response
