"""Rolling deployments: new tasks come as old ones go, within minimumHealthyPercent and maximumPercent.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

import math

from . import guards, scripts
from .clock import Wait

# Minutes for which alarms are watched once all tasks run. AWS derives them from the alarms.
BAKE = 1


def deploy(world, service, deployment):
    target = deployment.target
    target.group = _group(target)
    service.plan = lambda here: plan(here, target)
    yield from scripts.at(world, service, deployment, "SCALE_UP")
    early = _early(deployment)

    def arrived():
        return len(service.healthy(target)) >= math.ceil(service.desired * (early or 100) / 100)

    yield from guards.hold(service, deployment, arrived)
    yield from scripts.at(world, service, deployment, "CLEAN_UP")
    if not (early and (_criteria(deployment).get("sourceServiceRevisionCleanup") == "DEFERRED")):
        yield from guards.hold(
            service, deployment, lambda: not _others(service, target) and len(service.healthy(target)) == service.desired
        )
    if deployment.alarms and deployment.alarms["status"] == "MONITORING":
        yield from guards.hold(service, deployment, minutes=BAKE)


def clean_up(world, service, deployment):
    """What is left to do once a deployment is successful: with DEFERRED the old tasks still go."""
    yield Wait(lambda: service.current() is not deployment or not _others(service, deployment.target))
    if service.current() is deployment:
        service.plan = None


def leave(world, service, deployment) -> None:
    """Nothing to tidy: the next plan takes over what runs."""


def undo(world, service, deployment, source):
    service.plan = lambda here: plan(here, source)
    yield Wait(lambda: len(service.healthy(source)) == service.desired and not _others(service, source))


def plan(service, target) -> None:
    """How many tasks each revision should have now."""
    configuration = service.record["deploymentConfiguration"]
    desired = service.desired
    most = max(math.floor(desired * configuration.get("maximumPercent", 200) / 100), desired and 1)
    least = math.ceil(desired * configuration.get("minimumHealthyPercent", 100) / 100)
    others = [one for one in service.revisions if one is not target]
    live = {one.id: len(service.live(one)) for one in service.revisions}
    room = most - sum(live[one.id] for one in others)
    target.wanted = max(min(desired, room), min(live[target.id], desired))
    spare = max(len(service.healthy()) - least, 0)
    for one in others:
        bad = live[one.id] - len(service.healthy(one))
        gone = min(bad + spare, live[one.id])
        spare -= max(gone - bad, 0)
        if most <= desired and least >= desired and target.wanted == 0 and desired:
            # Neither may be left: AWS does not move. The test that asks for it sees a deployment that never ends.
            gone = 0
        one.wanted = live[one.id] - gone


def _others(service, target) -> list:
    return [task for one in service.revisions if one is not target for task in service.live(one)]


def _group(revision) -> str | None:
    balancers = revision.configuration.get("loadBalancers") or []
    return balancers[0].get("targetGroupArn") if balancers else None


def _criteria(deployment) -> dict:
    return deployment.configuration.get("earlySuccessCriteria") or {}


def _early(deployment) -> float | None:
    criteria = _criteria(deployment)
    return criteria.get("healthyPercent", 100) if criteria.get("enable") else None
