"""Which action and which resource requests to CodeBuild are judged by.

https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html
"""

from .check_codebuild import Builds
from .check_iam import Roles
from .common import REGION, section


@section("iam")
def codebuild(c):
    b, r = Builds(c), Roles(c)
    build = b.start()["id"]
    calls = {
        "StartBuild": lambda client: client.start_build(projectName="app"),
        "BatchGetBuilds": lambda client: client.batch_get_builds(ids=[build]),
        "StopBuild": lambda client: client.stop_build(id=build),
        "ListBuildsForProject": lambda client: client.list_builds_for_project(projectName="app"),
        "BatchGetProjects": lambda client: client.batch_get_projects(names=["app"]),
    }
    for name, act in calls.items():
        told = f"{name} is codebuild:{name} on the project"
        r.row(told, "codebuild", act, f"codebuild:{name}", f"arn:aws:codebuild:{REGION}:{c.account}:project/app")


SECTIONS = [codebuild]
