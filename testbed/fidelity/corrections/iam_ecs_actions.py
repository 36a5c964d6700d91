"""A request to ECS is judged on the service, task or deployment it is about, and passing a role needs iam:PassRole.

MiniStack judges it on the cluster, and does not check who passes a role to a task. AWS judges describing a task definition on
everything, and what load balancers are like too
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html).
"""

import json

from ministack.core import iam_actions
from ministack.services import ecs

from ..request import identify
from ..scope import error, get_account_id, get_region
from ..wrapping import around, around_action
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html"
ROWS = [
    "iam: DescribeServices is ecs:DescribeServices on the service",
    "iam: UpdateService is ecs:UpdateService on the service",
    "iam: ListServiceDeployments is ecs:ListServiceDeployments on the service",
    "iam: DescribeServiceDeployments is on the service deployment",
    "iam: DescribeServiceRevisions is on the service revision",
    "iam: StopServiceDeployment is on the service deployment",
    "iam: ContinueServiceDeployment is on the service deployment",
    "iam: RunTask is ecs:RunTask on the task definition",
    "iam: DescribeTasks is ecs:DescribeTasks on the task",
    "iam: DescribeTargetHealth of a target group only",
    "iam: RegisterTaskDefinition needs iam:PassRole on the roles",
    "iam: RegisterTaskDefinition may pass roles to tasks only",
    "iam: RegisterTaskDefinition with tags needs ecs:TagResource",
    "iam: RunTask needs iam:PassRole on the roles",
]

_OF_SERVICES = ("UpdateService", "CreateService", "DeleteService", "DescribeServices", "ListServiceDeployments")
_OF_TASKS = ("DescribeTasks", "StopTask")
_OF_DEPLOYMENTS = {
    "DescribeServiceDeployments": "serviceDeploymentArns",
    "DescribeServiceRevisions": "serviceRevisionArns",
    "StopServiceDeployment": "serviceDeploymentArn",
    "ContinueServiceDeployment": "serviceDeploymentArn",
}
_OF_ALL = ("DescribeTaskDefinition", "ListTaskDefinitions", "DeregisterTaskDefinition", "ListTasks", "ListClusters")


def install():
    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, headers, body, query_params, region, account_id):
        if service in ("ecs", "elasticloadbalancing"):
            operation = identify(method, path, "", headers, body).operation
            if service == "elasticloadbalancing":
                if operation.startswith("Describe"):
                    return "*"
            else:
                found = _resource(operation, json.loads(body or b"{}"), f"arn:aws:ecs:{region}:{account_id}")
                if found:
                    return found
        return inner(service, method, path, headers, body, query_params, region, account_id)

    @around_action(ecs, "RegisterTaskDefinition", "_register_task_definition", "(data)", "824afe19e6a1")
    def register(inner, data):
        arn = f"arn:aws:ecs:{get_region()}:{get_account_id()}:task-definition/{data.get('family')}:*"
        return _passing(data) or _tagging(data, arn) or inner(data)

    @around_action(ecs, "RunTask", "_run_task", "(data)", "6e96d8f5a5b8")
    def run(inner, data):
        definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", "")) or "") or {}
        overrides = data.get("overrides") or {}
        arn = f"arn:aws:ecs:{get_region()}:{get_account_id()}:task/*"
        return _passing({**definition, **overrides}) or _tagging(data, arn) or inner(data)


def _resource(operation: str, data: dict, prefix: str) -> str | None:
    cluster = str(data.get("cluster") or "default").rsplit("/", 1)[-1]
    if operation in _OF_ALL:
        return "*"
    if operation in _OF_SERVICES:
        name = data.get("service") or data.get("serviceName") or next(iter(data.get("services") or []), "*")
        return f"{prefix}:service/{cluster}/{name.rsplit('/', 1)[-1]}"
    if operation in _OF_TASKS:
        name = data.get("task") or next(iter(data.get("tasks") or []), "*")
        return f"{prefix}:task/{cluster}/{name.rsplit('/', 1)[-1]}"
    if operation in _OF_DEPLOYMENTS:
        named = data.get(_OF_DEPLOYMENTS[operation])
        return named[0] if isinstance(named, list) and named else named or None
    if operation == "RunTask":
        key = ecs._resolve_td_key(data.get("taskDefinition", "")) or ""
        return f"{prefix}:task-definition/{key}"
    if operation == "RegisterTaskDefinition":
        return f"{prefix}:task-definition/{data.get('family')}:*"
    return data.get("resourceArn")


def _passing(data: dict):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_id-based-policy-examples.html"""
    for role in (data.get("executionRoleArn"), data.get("taskRoleArn")):
        context = {"iam:passedtoservice": "ecs-tasks.amazonaws.com"}
        words = iam_enforcement.refused("iam:PassRole", role, context) if role else None
        if words:
            return error("AccessDeniedException", words)
    return None


def _tagging(data: dict, arn: str):
    words = iam_enforcement.refused("ecs:TagResource", arn) if data.get("tags") else None
    return error("AccessDeniedException", words) if words else None
