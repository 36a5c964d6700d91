"""What a test makes of the deployments of a service: control.py has the fields."""

from ministack.services import ecs

from . import guards


def at(world, service, deployment, stage: str):
    """A deployment has come to this stage (a rolling one to SCALE_UP, and to CLEAN_UP once the new tasks are good)."""
    script = deployment.script
    if script.get("superseded", {}).get("at", "SCALE_UP") == stage and "superseded" in script:
        other = script.pop("superseded")
        definition = other.get("task-definition") or deployment.target.definition
        world.start(_somebody_else(world, service, definition))
        yield from guards.hold(service, deployment, lambda: False)
    if script.get("hold") == stage:
        yield from guards.hold(service, deployment, lambda: script.get("hold") != stage)
    if script.get("break", {}).get("at", "SCALE_UP") == stage and "break" in script:
        script["failed"] = script["break"].get("reason", "Service deployment failed.")
        yield from guards.hold(service, deployment, lambda: False)


def _somebody_else(world, service, definition: str):
    yield Wait(delays=1)
    cluster = service.record["clusterArn"]
    ecs._ACTION_MAP["UpdateService"](
        {"cluster": cluster, "service": service.name, "taskDefinition": definition, "forceNewDeployment": True}
    )
