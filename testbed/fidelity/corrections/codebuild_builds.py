"""A build is in progress when it was started, goes through its phases, and may end otherwise than well; what StartBuild overrides holds for it.

In MiniStack every build has succeeded when it was started, and nothing of the project can be overridden but the source version.
"""

from ministack.services import codebuild

from ..codebuild import builds, overrides
from ..scope import body_of, error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Build.html"
ROWS = [
    "codebuild: StartBuild answers a build in progress",
    "codebuild: StartBuild with overrides",
    "codebuild: StartBuild with a time-out of 3 minutes",
    "codebuild: a build goes through its phases",
    "codebuild: a build has no log group before PROVISIONING",
    "codebuild: a build names its own log stream",
    "codebuild: a build logs where its project says",
    "codebuild: a build resolves its source version",
    "codebuild: a build that fails in BUILD is FAILED, and POST_BUILD and UPLOAD_ARTIFACTS are attempted",
    "codebuild: a build that fails in DOWNLOAD_SOURCE is FAILED",
    "codebuild: a build that faults is FAULT",
    "codebuild: a build that takes too long is TIMED_OUT",
    "codebuild: a build that stays in the queue too long is TIMED_OUT",
    "codebuild: a status that nobody knows",
    "codebuild: BatchGetBuilds of no build",
]


def install():
    @around(codebuild, "_start_build", "(data)", "661025bbce1e")
    def start(inner, data):
        name = data.get("projectName", "")
        if name not in codebuild._projects:
            return error("ResourceNotFoundException", f"Project cannot be found: {codebuild._project_arn(name)}")
        wrong = overrides.refusal(data)
        if wrong:
            return error("InvalidInputException", wrong)
        identifier = body_of(inner(data))["build"]["id"]
        return json_response({"build": builds.start(identifier, codebuild._projects[name], data).record})

    @around(codebuild, "_batch_get_builds", "(data)", "6b9632cd9c98")
    def get(inner, data):
        if not 1 <= len(data.get("ids", [])) <= 100:
            return error("InvalidInputException", "Invalid build IDs: from 1 to 100 are needed")
        return inner(data)
