"""Starts and stops the tasks of services, and judges whether they are good.

A task of a service is good when it runs, its container is healthy, and so is its target behind the load balancer. One that
cannot start, ends by itself, or is unhealthy counts as failed: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from ministack.services import ecs

from . import listeners, model, tasks
from .clock import Wait

_FAILURES = ("TaskFailedToStart", "EssentialContainerExited")
_BEFORE_RUNNING = ("PROVISIONING", "PENDING", "ACTIVATING")


def attend(world, service: model.Service):
    """What is to be called after each step of the world for this service."""

    def reconcile() -> bool:
        if service.record["status"] == "INACTIVE":
            world.reconcilers.remove(reconcile)
            return False
        changed = _judge(world, service)
        (service.plan or _steady)(service)
        for revision in list(service.revisions):
            changed = _adjust(world, service, revision) or changed
        changed = listeners.register(world, service) or changed
        _count(service)
        return _tell_of_steadiness(world, service) or changed

    return reconcile


def _steady(service: model.Service) -> None:
    for revision in service.revisions:
        revision.wanted = service.desired if revision is service.primary else 0


def _judge(world, service: model.Service) -> bool:
    """Notes which tasks are good, and stops those that never will be."""
    changed = False
    for task in list(world.tasks.values()):
        if task.get("_service") is not service or task.get("_judged"):
            continue
        revision = task["_revision"]
        if task["_stop"] is not None:
            task["_judged"] = True
            if task["_stop"][0] in _FAILURES:
                _failed(world, service, revision)
            changed = True
        elif task["lastStatus"] == "RUNNING" and task.get("_checked") and not task["_good"]:
            changed = True
            reason = _unhealthy(task, revision)
            if reason is None:
                task["_good"] = True
                if (service.record["deploymentConfiguration"].get("deploymentCircuitBreaker") or {}).get(
                    "resetOnHealthyTask", True
                ):
                    revision.failed = 0
            elif not task.get("_condemned"):
                task["_condemned"] = True
                world.start(_condemn(world, service, task, revision, reason))
            else:
                changed = False
    return changed


def _condemn(world, service, task, revision, reason):
    """An unhealthy task gets the time of a health check, then it is replaced."""
    yield Wait(delays=1)
    if task["_stop"] is None:
        task["_judged"] = True
        service.tell(world, f"(task {task['taskArn'].rsplit('/', 1)[1]}) {reason[0]}.")
        tasks.stop(task, "ServiceSchedulerInitiated", reason[1])
        _failed(world, service, revision)


def _unhealthy(task: dict, revision: model.Revision) -> tuple[str, str] | None:
    if task["healthStatus"] == "UNHEALTHY":
        return "failed container health checks", "Task failed container health checks"
    group = revision.group
    status = group and listeners.checked(task, group)
    if group and not listeners.matches(group, status):
        port = listeners.port_of(revision, group)[1]
        said = f"due to (reason Health checks failed with these codes: [{status}])"
        return (
            f"(port {port}) is unhealthy in (target-group {group}) {said}",
            f"Task failed ELB health checks in (target-group {group})",
        )
    return None


def _failed(world, service, revision) -> None:
    revision.failed += 1
    revision.updated = world.time
    revision.next_start = world.time + world.delay() * min(1 + revision.failed, 20)
    world.start(_nap(revision.next_start - world.time))
    if revision.failed == 2:
        service.tell(
            world,
            "is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of "
            "the Amazon ECS Developer Guide.",
        )


def _adjust(world, service, revision) -> bool:
    """Starts one task that lacks, or stops those that are too many."""
    live = service.live(revision)
    if len(live) > revision.wanted:
        # Those that are not good go first, then the oldest.
        surplus = sorted(live, key=lambda task: (task["_good"], task["createdAt"]))[: len(live) - revision.wanted]
        why = f"Scaling activity initiated by (deployment {revision_in_charge(service).id})"
        for task in surplus:
            tasks.stop(task, "ServiceSchedulerInitiated", why)
        names = " ".join(f"(task {task['taskArn'].rsplit('/', 1)[1]})" for task in surplus)
        service.tell(world, f"has stopped {len(surplus)} running tasks: {names}.")
        return True
    if len(live) < revision.wanted:
        if world.time < revision.next_start:
            return False
        definition = ecs._task_defs.get(ecs._resolve_td_key(revision.definition))
        if definition is None:
            # It was deleted: nothing of it starts any more.
            return False
        started = [
            tasks.start(
                world,
                service.record["clusterArn"].rsplit("/", 1)[1],
                definition,
                f"service:{service.name}",
                started_by=revision.id,
                network=revision.configuration.get("networkConfiguration"),
                launch=launch_of(revision.configuration),
                service=service,
                revision=revision,
                exec=service.record.get("enableExecuteCommand"),
            )
            for _ in range(revision.wanted - len(live))
        ]
        names = " ".join(f"(task {task['taskArn'].rsplit('/', 1)[1]})" for task in started)
        service.tell(world, f"has started {len(started)} tasks: {names}.")
        return True
    return False


def revision_in_charge(service: model.Service) -> model.Revision:
    return service.primary or service.revisions[-1]


def launch_of(configuration: dict) -> dict:
    """How a task is launched: its type, or the provider of the heaviest part of the strategy."""
    launch, provider = ecs._task_capacity(configuration.get("launchType"), configuration.get("capacityProviderStrategy"))
    return {"launchType": launch, "capacityProviderName": provider, "fargate": launch == "FARGATE"}


def _nap(seconds: float):
    yield Wait(seconds=seconds)


def _count(service: model.Service) -> None:
    live = service.live()
    running = [task for task in live if task["lastStatus"] == "RUNNING"]
    service.record["runningCount"] = len(running)
    service.record["pendingCount"] = len([task for task in live if task["lastStatus"] in _BEFORE_RUNNING])


def _tell_of_steadiness(world, service: model.Service) -> bool:
    deployment = service.current()
    idle = deployment is None or deployment.ended()
    primary = service.primary
    steady = bool(
        idle and primary and len(service.healthy(primary)) == service.desired and len(service.live()) == service.desired
    )
    if steady and not service.steady:
        service.tell(world, "has reached a steady state.")
    changed = steady != service.steady
    service.steady = steady
    return changed
