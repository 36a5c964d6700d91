"""ListBuildsForProject answers by build number, the newest first, in pages of 100.

MiniStack sorts by the second in which builds were started, and has no pages.
"""

from ministack.services import codebuild

from ..pages import page
from ..scope import error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListBuildsForProject.html"
ROWS = ["codebuild: ListBuildsForProject answers the newest first, in pages"]
SIZE = 100


def install():
    @around(codebuild, "_list_builds_for_project", "(data)", "c5c5354cc7c4")
    def list_builds(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        builds = [build for build in codebuild._builds.values() if build["projectName"] == data["projectName"]]
        builds.sort(key=lambda build: build["buildNumber"], reverse=data.get("sortOrder") != "ASCENDING")
        found = page([build["id"] for build in builds], SIZE, data.get("nextToken"))
        if found is None:
            return error("InvalidInputException", "Invalid nextToken")
        return json_response({"ids": found[0], **({"nextToken": found[1]} if found[1] else {})})
