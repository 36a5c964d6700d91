"""StopBuild ends the phase at hand, and changes nothing of a build that has ended.

MiniStack leaves the phases as they are, and makes a build that has ended into one that was stopped. That AWS answers a build that has ended
as it is, is an assumption.
"""

from ministack.services import codebuild

from ..codebuild import builds
from ..scope import json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopBuild.html"
ROWS = [
    "codebuild: StopBuild stops the phase at hand",
    "codebuild: StopBuild that takes its time",
    "codebuild: StopBuild of a build that has ended",
]


def install():
    @around(codebuild, "_stop_build", "(data)", "80f60ae7794a")
    def stop(inner, data):
        build = builds.find(data.get("id", ""))
        if build is None:
            return inner(data)
        build.stop()
        return json_response({"build": build.record})
