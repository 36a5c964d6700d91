"""What ends a deployment before its time: the circuit breaker, alarms, a request to stop, a later deployment, a test's script.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
"""

import math

from .. import alarms, corrections
from ..scope import get_account_id
from . import model
from .clock import Wait

SUPERSEDED = "Service deployment was stopped because a newer service deployment was started."


class Failed(Exception):
    """A deployment goes no further: `kind` says why in a word, `reason` in AWS's, `short` as an event does."""

    def __init__(self, kind: str, reason: str, short: str, rollback: bool):
        super().__init__(reason)
        self.kind, self.reason, self.short, self.rollback = kind, reason, short, rollback


def monitors(deployment: model.Deployment) -> tuple[dict | None, dict | None]:
    """The breaker and the alarms of a deployment, as they are described."""
    configuration = deployment.configuration
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    alarm = configuration.get("alarms") or {}
    watched = breaker.get("enable") and deployment.strategy() == "ROLLING" and corrections.on("ecs-circuit-breaker")
    of_breaker = {"status": "MONITORING" if watched else "DISABLED", "failureCount": 0, "threshold": 0}
    of_alarms = {"status": "DISABLED"}
    if alarm.get("enable") and corrections.on("ecs-deployment-alarms"):
        of_alarms = {"status": "MONITORING", "alarmNames": alarm["alarmNames"], "triggeredAlarmNames": []}
    return of_breaker, of_alarms


def threshold(configuration: dict, desired: int) -> int:
    """How many failed tasks trip the breaker: unless told otherwise half of the desired count, between 3 and 200."""
    told = (configuration.get("deploymentCircuitBreaker") or {}).get("thresholdConfiguration") or {}
    value, kind = told.get("value", 50), told.get("type", "BOUNDED_PERCENT")
    if kind == "COUNT":
        return int(value)
    share = math.ceil(desired * value / 100)
    return min(max(share, 3), 200) if kind == "BOUNDED_PERCENT" else max(share, 1)


def end(deployment: model.Deployment) -> None:
    for monitor in (deployment.breaker, deployment.alarms):
        if monitor and monitor["status"] == "MONITORING":
            monitor["status"] = "MONITORING_COMPLETE"


def hold(service: model.Service, deployment: model.Deployment, holds=None, **time):
    """Waits as `Wait` does, and fails when the deployment is to end. Whether it held, not just the time came."""
    found = []

    def ends():
        found[:] = [trouble(service, deployment)]
        return found[0] is not None or bool(holds and holds())

    done = yield Wait(ends, **time)
    if found and found[0] is not None:
        raise found[0]
    return done


def trouble(service: model.Service, deployment: model.Deployment) -> Failed | None:
    """Why a deployment goes no further."""
    if deployment.stop:
        kind, reason, _ = deployment.stop
        return Failed(kind, reason or SUPERSEDED, "it was stopped", kind == "stop")
    broken = deployment.script.get("failed")
    if broken:
        return Failed("script", broken, "failed", True)
    return _breaker(service, deployment) or _alarm(deployment)


def _breaker(service, deployment) -> Failed | None:
    breaker = deployment.breaker
    if not breaker or breaker["status"] != "MONITORING":
        return None
    breaker["threshold"] = threshold(deployment.configuration, service.desired)
    breaker["failureCount"] = deployment.target.failed
    if deployment.target.failed < breaker["threshold"]:
        return None
    breaker["status"] = "TRIGGERED"
    rollback = bool(deployment.configuration["deploymentCircuitBreaker"].get("rollback"))
    what = "rolled back" if rollback else "failed"
    reason = f"Service deployment {what} because the circuit breaker threshold was exceeded."
    return Failed("breaker", reason, "tasks failed to start", rollback)


def _alarm(deployment) -> Failed | None:
    monitor = deployment.alarms
    if not monitor or monitor["status"] != "MONITORING":
        return None
    alarms.settle(get_account_id())
    triggered = [name for name in monitor["alarmNames"] if _state(name) == "ALARM"]
    if not triggered:
        return None
    monitor.update(status="TRIGGERED", triggeredAlarmNames=triggered)
    rollback = bool(deployment.configuration["alarms"].get("rollback"))
    what = "rolled back" if rollback else "failed"
    reason = f"Service deployment {what} because of alarm(s) in ALARM state: {', '.join(triggered)}."
    return Failed("alarm", reason, "alarm detected", rollback)


def _state(name: str) -> str | None:
    for kind in set(alarms.TYPES.values()):
        alarm = alarms.store(kind).get(name)
        if alarm:
            return alarm["StateValue"]
    return None
