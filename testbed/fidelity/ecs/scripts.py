"""What a test makes of the deployments of a service: control.py has the fields."""

from . import guards


def at(world, service, deployment, stage: str):
    """A deployment has come to this stage (a rolling one to SCALE_UP, and to CLEAN_UP once the new tasks are good)."""
    script = deployment.script
    if "superseded" in script and script["superseded"].get("at", "SCALE_UP") == stage:
        script["other"] = script.pop("superseded").get("task-definition") or deployment.target.definition
        yield from guards.hold(service, deployment, lambda: False)
    if script.get("hold") == stage:
        yield from guards.hold(service, deployment, lambda: script.get("hold") != stage)
    if "break" in script and script["break"].get("at", "SCALE_UP") == stage:
        script["failed"] = script["break"].get("reason", "Service deployment failed.")
        yield from guards.hold(service, deployment, lambda: False)
