"""Hooks of a deployment's life: functions that judge, and pauses that wait for ContinueServiceDeployment.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html
"""

import uuid

from .. import corrections, settings
from ..scope import get_account_id
from . import guards

STAGES = (
    "RECONCILE_SERVICE",
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
)
_NO_PAUSE = ("TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT")


def refusal(configuration: dict) -> str | None:
    """What is wrong with the hooks of a deployment configuration."""
    for hook in configuration.get("lifecycleHooks") or []:
        for stage in hook.get("lifecycleStages") or []:
            if stage not in STAGES:
                return f"Invalid lifecycle stage: {stage}."
            if hook.get("targetType") == "PAUSE" and stage in _NO_PAUSE:
                return f"A PAUSE lifecycle hook is not supported at the lifecycle stage {stage}."
    return None


def run(world, service, deployment, stage: str):
    """Runs the hooks of a stage, one after the other."""
    if not corrections.on("ecs-lifecycle-hooks"):
        return
    for hook in deployment.configuration.get("lifecycleHooks") or []:
        if stage in (hook.get("lifecycleStages") or []):
            pauses = hook.get("targetType") == "PAUSE"
            yield from (_pause if pauses else _function)(world, service, deployment, hook)


def act(deployment, identifier: str, action: str) -> bool:
    """What ContinueServiceDeployment asks for; whether there is such a hook that waits."""
    for detail in deployment.hooks:
        if detail["hookId"] == identifier and detail["status"] == "AWAITING_ACTION":
            detail["_action"] = action
            return True
    return False


def _begin(world, deployment, hook: dict, status: str, minutes: float) -> dict:
    timeout = hook.get("timeoutConfiguration") or {}
    detail = {
        "hookId": str(uuid.uuid4()),
        "targetType": hook.get("targetType", "AWS_LAMBDA"),
        "targetArn": hook.get("hookTargetArn"),
        "status": status,
        "expiresAt": world.time + minutes * settings.value(get_account_id(), "ecs_minute"),
        "timeoutAction": timeout.get("action", "ROLLBACK"),
    }
    deployment.hooks.append(detail)
    deployment.updated = world.time
    return detail


def _pause(world, service, deployment, hook):
    minutes = (hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes", 1440)
    detail = _begin(world, deployment, hook, "AWAITING_ACTION", minutes)
    acted = yield from guards.hold(service, deployment, lambda: "_action" in detail, minutes=minutes)
    deployment.updated = world.time
    if not acted:
        detail["status"] = "TIMED_OUT"
        if detail["timeoutAction"] == "CONTINUE":
            return
        raise _failed("a lifecycle hook timed out")
    detail["status"] = "SUCCEEDED" if detail["_action"] == "CONTINUE" else "FAILED"
    if detail["_action"] == "ROLLBACK":
        raise _failed("a rollback was requested at a paused lifecycle hook")


def _function(world, service, deployment, hook):
    detail = _begin(world, deployment, hook, "IN_PROGRESS", 1440)
    told = deployment.script.get("hooks") or {}
    name = hook.get("hookTargetArn", "").rsplit(":", 1)[-1]
    if told.get(name) == "hold":
        yield from guards.hold(service, deployment, lambda: told.get(name) != "hold")
    yield from guards.hold(service, deployment, delays=1)
    detail["status"] = "FAILED" if told.get(name) == "FAILED" else "SUCCEEDED"
    deployment.updated = world.time
    if detail["status"] == "FAILED":
        raise _failed(f"the lifecycle hook {name} failed")


def _failed(why: str) -> guards.Failed:
    return guards.Failed("hook", f"Service deployment rolled back because {why}.", why, True)
