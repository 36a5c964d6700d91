"""A project keeps its log, network and queue configuration.

MiniStack drops them.
"""

from ministack.services import codebuild

from ..scope import json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html"
ROWS = ["codebuild: BatchGetProjects answers logsConfig, vpcConfig and the time-outs"]

_FIELDS = ("logsConfig", "vpcConfig", "queuedTimeoutInMinutes", "concurrentBuildLimit", "cache")


def install():
    @around(codebuild, "_create_project", "(data)", "5f58e8a136f1")
    def create(inner, data):
        return _keep(inner(data), data)

    @around(codebuild, "_update_project", "(data)", "bc9aaf4ef6df")
    def update(inner, data):
        return _keep(inner(data), data)

    @around(codebuild, "_project_shape", "(project)", "23d1733bd7d7")
    def shape(inner, project):
        return inner(project) | {name: project[name] for name in _FIELDS if name in project}


def _keep(response, data: dict):
    if response[0] >= 300:
        return response
    project = codebuild._projects[data["name"]]
    project.setdefault("queuedTimeoutInMinutes", 480)
    project.update({name: data[name] for name in _FIELDS if name in data})
    return json_response({"project": codebuild._project_shape(project)})
