"""RunTask: what is refused, what a client token means, and the tasks it starts.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ECS_Idempotency.html
"""

import json
import re

from ministack.services import ecs

from .. import settings
from ..scope import error, get_account_id, get_region, json_response
from . import deployments, scheduler, services, tasks

_TOKEN = re.compile(r"[!-~]{1,64}")
_OVERRIDES = 8192
_made: dict[tuple, tuple[str, list[str]]] = {}


def run(world, data: dict):
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    refusal = _refusal(cluster, data)
    if refusal:
        return refusal
    definition = deployments.definition_of(data["taskDefinition"])
    token = data.get("clientToken")
    key = (get_account_id(), get_region(), cluster, token)
    request = json.dumps({name: value for name, value in data.items() if name != "clientToken"}, sort_keys=True)
    if token and key in _made:
        before, arns = _made[key]
        if before != request:
            return _conflict(arns)
        return json_response({"tasks": [_shown(ecs._tasks[arn]) for arn in arns if arn in ecs._tasks], "failures": []})
    failure = _failure()
    if failure:
        instance = f"arn:aws:ecs:{get_region()}:{get_account_id()}:container-instance/{cluster}/{'0' * 32}"
        return json_response({"tasks": [], "failures": [{"arn": instance, "reason": failure}]})
    launch_type, strategy, refusal = ecs._launch_choice(data, ecs._clusters[cluster])
    if refusal:
        return refusal
    launch = {"launchType": launch_type, "capacityProviderStrategy": strategy}
    made = [
        tasks.start(
            world,
            cluster,
            definition,
            data.get("group") or f"family:{definition['family']}",
            overrides=data.get("overrides"),
            started_by=data.get("startedBy"),
            network=data.get("networkConfiguration"),
            launch=scheduler.launch_of(launch),
            tags=_tags(data, definition),
            exec=data.get("enableExecuteCommand"),
        )
        for _ in range(data.get("count", 1))
    ]
    if token:
        _made[key] = (request, [task["taskArn"] for task in made])
    return json_response({"tasks": [_shown(task) for task in made], "failures": []})


def _refusal(cluster, data):
    if cluster is None or cluster not in ecs._clusters:
        return error("ClusterNotFoundException", "Cluster not found.")
    refusal = services.definition_refusal(data.get("taskDefinition", ""))
    if refusal:
        return refusal
    definition = deployments.definition_of(data["taskDefinition"])
    refusal = services.network_refusal(definition, data.get("networkConfiguration"))
    if refusal:
        return refusal
    invalid = lambda message: error("InvalidParameterException", message)
    if not 1 <= data.get("count", 1) <= 10:
        return invalid("Tasks count must be between 1 and 10.")
    if "clientToken" in data and not _TOKEN.fullmatch(data["clientToken"]):
        return invalid("clientToken must be 1 to 64 ASCII characters between 33 and 126.")
    if len(data.get("startedBy") or "") > 128:
        return invalid("startedBy must be at most 128 characters.")
    overrides = (data.get("overrides") or {}).get("containerOverrides") or []
    if len(json.dumps(data.get("overrides") or {})) > _OVERRIDES:
        return invalid("Container Overrides length must be at most 8192.")
    names = [one["name"] for one in definition["containerDefinitions"]]
    unknown = [one.get("name") for one in overrides if one.get("name") not in names]
    if unknown:
        return invalid(f"Override for container named {unknown[0]} is not a container in the TaskDefinition.")
    return None


def _conflict(arns: list[str]):
    message = "The clientToken was used before with other parameters."
    return json_response({"__type": "ConflictException", "message": message, "resourceIds": arns}, 400)


def _failure() -> str | None:
    """The next reason for which nothing starts, as the setting `ecs_run_failures` says."""
    reasons = settings.value(get_account_id(), "ecs_run_failures") or []
    if reasons:
        settings.change(get_account_id(), {"ecs_run_failures": reasons[1:]})
        return reasons[0]
    return None


def _tags(data: dict, definition: dict) -> list[dict]:
    own = list(data.get("tags") or [])
    if data.get("propagateTags") == "TASK_DEFINITION":
        own = [*own, *(ecs._tags.get(definition["taskDefinitionArn"]) or [])]
    return own


def _shown(task: dict) -> dict:
    return ecs._sanitize(task)
