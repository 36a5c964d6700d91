"""A request to CodeBuild is judged on the project that its builds are of.

MiniStack judges it on everything where it names builds, or projects by a list. Of several AWS judges each, and this only the first.
"""

import json

from ministack.core import iam_actions

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-permissions-reference.html"
ROWS = [
    "iam: BatchGetBuilds is codebuild:BatchGetBuilds on the project",
    "iam: StopBuild is codebuild:StopBuild on the project",
    "iam: BatchGetProjects is codebuild:BatchGetProjects on the project",
]


def install():
    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, headers, body, query_params, region, account_id):
        name = _project(json.loads(body or b"{}")) if service == "codebuild" else None
        if name:
            return f"arn:aws:codebuild:{region}:{account_id}:project/{name}"
        return inner(service, method, path, headers, body, query_params, region, account_id)


def _project(data: dict) -> str | None:
    build = data.get("id") or next(iter(data.get("ids", [])), "")
    name = (
        data.get("projectName") or data.get("name") or next(iter(data.get("names", [])), "") or build.partition(":")[0]
    )
    return name.rsplit("/", 1)[-1] or None
