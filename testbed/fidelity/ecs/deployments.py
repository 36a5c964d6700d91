"""The life of a service deployment: it begins, follows its strategy, and ends well, stopped or rolled back.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
"""

from ministack.services import ecs

from . import guards, model, rolling, shifting
from .clock import Wait
from .guards import Failed


def begin(world, service: model.Service, definition: str) -> model.Deployment:
    """Makes a revision of the service as its record is now, and deploys it."""
    identifier = model.number()
    configuration = {name: service.record.get(name) for name in model.CONFIGURATION}
    revision = model.Revision(
        f"ecs-svc/{identifier}",
        service.arn("service-revision", model.number()),
        definition,
        world.time,
        configuration,
        reason=f"ECS deployment ecs-svc/{identifier} in progress.",
        updated=world.time,
    )
    sources = [one for one in service.revisions if service.live(one)]
    if service.primary and service.primary not in sources:
        sources.append(service.primary)
    deployment = model.Deployment(
        service.arn("service-deployment", model.number()[:18]),
        revision,
        sources,
        world.time,
        service.record["deploymentConfiguration"],
        updated=world.time,
        script=service.scripts.pop(0) if service.scripts else {},
    )
    former = service.current()
    if former and not former.ended():
        former.stop = ("superseded", "", None)
    service.revisions.append(revision)
    service.deployments.append(deployment)
    service.primary = revision
    # Until its turn comes all stays as it is.
    service.plan = service.plan or (lambda here: None)
    deployment.breaker, deployment.alarms = guards.monitors(deployment)
    world.start(_life(world, service, deployment))
    world.start(_somebody_else(world, service, deployment))
    return deployment


def _somebody_else(world, service, deployment):
    """Another deployment that comes while this one goes on, if a test's script says so."""
    yield Wait(lambda: "other" in deployment.script or deployment.ended())
    if "other" in deployment.script:
        definition = definition_of(deployment.script.pop("other"))["taskDefinitionArn"]
        service.record["taskDefinition"] = definition
        begin(world, service, definition)


def _life(world, service, deployment):
    yield from _turn_of(world, service, deployment)
    strategy = rolling if deployment.strategy() == "ROLLING" else shifting
    try:
        yield from guards.hold(service, deployment, delays=1)
        deployment.started = world.time
        _enter(world, deployment, "IN_PROGRESS")
        yield from strategy.deploy(world, service, deployment)
    except Failed as failure:
        yield from _fail(world, service, deployment, strategy, failure)
        return
    _complete(world, service, deployment)
    yield from strategy.clean_up(world, service, deployment)


def _turn_of(world, service, deployment):
    """A deployment is PENDING until the one before it has ended."""
    former = [one for one in service.deployments if one is not deployment]
    yield Wait(lambda: all(one.ended() for one in former) or deployment.stop is not None)


def _complete(world, service, deployment) -> None:
    target = deployment.target
    target.completed = True
    target.rollout, target.updated = "COMPLETED", world.time
    target.reason = f"ECS deployment {target.id} completed."
    guards.end(deployment)
    deployment.finished = world.time
    service.tell(world, f"(deployment {target.id}) deployment completed.")
    _enter(world, deployment, "SUCCESSFUL")


def _fail(world, service, deployment, strategy, failure):
    target = deployment.target
    if failure.kind == "superseded":
        _enter(world, deployment, "STOP_REQUESTED")
        yield Wait(delays=1)
        strategy.leave(world, service, deployment)
        deployment.stopped = deployment.finished = world.time
        _enter(world, deployment, "STOPPED", failure.reason)
        return
    target.rollout, target.reason, target.updated = "FAILED", f"ECS deployment {failure.short}.", world.time
    service.tell(world, f"(deployment {target.id}) deployment failed: {failure.short}.")
    source = next((one for one in reversed(service.revisions) if one.completed and one is not target), None)
    if failure.kind == "stop":
        _enter(world, deployment, "ROLLBACK_REQUESTED", failure.reason)
        yield Wait(delays=1)
    if not failure.rollback or source is None:
        strategy.leave(world, service, deployment)
        service.plan = lambda here: setattr(target, "wanted", min(target.wanted, len(here.healthy(target))))
        deployment.stopped = deployment.finished = world.time
        # There is nothing to roll back to.
        reason = failure.reason.replace("rolled back", "stopped") if source is None else failure.reason
        _enter(world, deployment, "STOPPED", reason)
        return
    deployment.rollback = {"reason": failure.reason, "startedAt": world.time, "serviceRevisionArn": source.arn}
    service.tell(world, f"rolling back to deployment {source.id}.")
    service.primary = source
    source.rollout, source.updated = "IN_PROGRESS", world.time
    source.reason = f"ECS deployment circuit breaker: rolling back to deploymentId {source.id}."
    service.record["taskDefinition"] = source.definition
    deployment.stop = None
    _enter(world, deployment, "ROLLBACK_IN_PROGRESS", failure.reason)
    yield Wait(delays=1)
    done = yield from _roll_back(world, service, deployment, strategy, source)
    if deployment.ended():
        return
    source.rollout, source.updated = ("COMPLETED" if done else "FAILED"), world.time
    source.reason = f"ECS deployment {source.id} {'completed' if done else 'failed'}."
    deployment.finished = world.time
    if done:
        service.plan = None
        service.tell(world, f"(deployment {source.id}) deployment completed.")
    _enter(world, deployment, "ROLLBACK_SUCCESSFUL" if done else "ROLLBACK_FAILED", failure.reason)


def _roll_back(world, service, deployment, strategy, source):
    """Whether what served before serves again; a later deployment ends it."""
    asked = deployment.script.get("rollback")
    if asked == "hold":
        yield Wait(lambda: deployment.stop is not None or deployment.script.get("rollback") != "hold")
    if asked == "fail":
        yield Wait(delays=1)
        service.plan = lambda here: None
        return False
    for wait in strategy.undo(world, service, deployment, source):
        yield Wait(lambda: deployment.stop is not None or wait.holds())
        if deployment.stop is not None and deployment.stop[0] == "superseded":
            deployment.stopped = deployment.finished = world.time
            _enter(world, deployment, "STOPPED", guards.SUPERSEDED)
            return False
        deployment.stop = None
    return True


def _enter(world, deployment, status: str, reason: str | None = None) -> None:
    deployment.status, deployment.updated = status, world.time
    if reason is not None:
        deployment.reason = reason


def find(arn: str) -> tuple[model.Service, model.Deployment] | None:
    for service in model.services():
        for deployment in service.deployments:
            if deployment.arn == arn:
                return service, deployment
    return None


def end_all(service: model.Service) -> None:
    """The service is deleted: nothing of it goes on."""
    for deployment in service.deployments:
        if not deployment.ended():
            deployment.stop = ("superseded", "", None)
    for revision in service.revisions:
        revision.wanted = 0
    service.plan = lambda here: None


def definition_of(reference: str) -> dict | None:
    return ecs._task_defs.get(ecs._resolve_td_key(reference) or "")
