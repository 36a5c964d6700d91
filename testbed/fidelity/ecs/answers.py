"""Services, deployments and revisions in AWS's shapes.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
"""

from ministack.services import ecs

from .. import corrections
from . import model

_BEFORE_RUNNING = ("PROVISIONING", "PENDING", "ACTIVATING")


def refresh(service: model.Service) -> None:
    """Writes into MiniStack's record what is so now."""
    record = service.record
    if record["status"] == "INACTIVE":
        return
    shown = [one for one in reversed(service.revisions) if one is service.primary or service.left(one)]
    shown.sort(key=lambda one: one is not service.primary)
    record["deployments"] = [_rollout(service, one) for one in shown]
    deployment = service.current()
    if deployment and corrections.on("ecs-service-deployments"):
        record["currentServiceDeployment"] = deployment.arn
        record["currentServiceRevisions"] = [
            {"arn": one.arn, **_counts(service, one)} for one in service.revisions if one in shown
        ]


def _rollout(service: model.Service, revision: model.Revision) -> dict:
    counts = _counts(service, revision)
    keep = ("launchType", "capacityProviderStrategy", "platformVersion", "platformFamily", "networkConfiguration")
    return {
        "id": revision.id,
        "status": "PRIMARY" if revision is service.primary else "ACTIVE",
        "taskDefinition": revision.definition,
        "desiredCount": counts["requestedTaskCount"],
        "pendingCount": counts["pendingTaskCount"],
        "runningCount": counts["runningTaskCount"],
        "failedTasks": revision.failed,
        "createdAt": revision.created,
        "updatedAt": revision.updated,
        "rolloutState": revision.rollout,
        "rolloutStateReason": revision.reason,
        **{name: revision.configuration[name] for name in keep if revision.configuration.get(name)},
    }


def _counts(service: model.Service, revision: model.Revision) -> dict:
    live = service.live(revision)
    return {
        # What the primary is to have, all of it; what another is left with.
        "requestedTaskCount": service.desired if revision is service.primary else revision.wanted,
        "runningTaskCount": len([task for task in live if task["lastStatus"] == "RUNNING"]),
        "pendingTaskCount": len([task for task in live if task["lastStatus"] in _BEFORE_RUNNING]),
    }


def deployment(service: model.Service, one: model.Deployment) -> dict:
    shifts = one.strategy() != "ROLLING"

    def summary(revision):
        weights = {
            "requestedProductionTrafficWeight": revision.weight,
            "requestedTestTrafficWeight": revision.test_weight,
        }
        return {"arn": revision.arn, **_counts(service, revision), **(weights if shifts else {})}

    found = {
        "serviceDeploymentArn": one.arn,
        "serviceArn": service.record["serviceArn"],
        "clusterArn": service.record["clusterArn"],
        "createdAt": one.created,
        "startedAt": one.started,
        "finishedAt": one.finished,
        "stoppedAt": one.stopped,
        "updatedAt": one.updated,
        "sourceServiceRevisions": [summary(revision) for revision in one.sources],
        "targetServiceRevision": summary(one.target),
        "status": one.status,
        "statusReason": one.reason or None,
        "lifecycleStage": one.stage,
        "lifecycleHookDetails": one.hooks or None,
        "deploymentConfiguration": one.configuration,
        "rollback": one.rollback,
        "deploymentCircuitBreaker": one.breaker,
        "alarms": one.alarms,
    }
    return ecs._sanitize({**found, **one.fields})


def brief(service: model.Service, one: model.Deployment) -> dict:
    whole = deployment(service, one)
    names = (
        "serviceDeploymentArn",
        "serviceArn",
        "clusterArn",
        "startedAt",
        "createdAt",
        "finishedAt",
        "status",
        "statusReason",
    )
    return {name: whole[name] for name in names if name in whole} | {"targetServiceRevisionArn": one.target.arn}


def revision(service: model.Service, one: model.Revision) -> dict:
    definition = ecs._task_defs.get(ecs._resolve_td_key(one.definition) or "") or {"containerDefinitions": []}
    images = [
        {"containerName": each["name"], "image": each["image"], "imageDigest": one.digests.get(each["name"])}
        for each in definition["containerDefinitions"]
    ]
    balancers = one.configuration.get("loadBalancers") or []
    resolved = [
        {
            "targetGroupArn": one.group,
            "productionListenerRule": (balancer.get("advancedConfiguration") or {}).get("productionListenerRule"),
        }
        for balancer in balancers
        if one.group
    ]
    return ecs._sanitize(
        {
            "serviceRevisionArn": one.arn,
            "serviceArn": service.record["serviceArn"],
            "clusterArn": service.record["clusterArn"],
            "taskDefinition": one.definition,
            **{name: value for name, value in one.configuration.items() if value},
            "containerImages": images,
            "guardDutyEnabled": False,
            "createdAt": one.created,
            "resolvedConfiguration": {"loadBalancers": resolved} if resolved else None,
            "overrides": one.overrides,
        }
    )
