"""The life of a task: from PROVISIONING to STOPPED, by what its images do, or what its containers do on an engine.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

import itertools
import uuid

from ministack.services import ecs

from .. import corrections
from ..scope import get_account_id, get_region
from . import container_log, containers, images
from .clock import Wait

# Seconds for which a stopped task can be described.
SHOWN = 3600
# Seconds that containers on an engine have to listen, before their targets are unhealthy.
READY = 30
EXITED = "Essential container in task exited"
_starts: dict[tuple, int] = {}
_addresses = itertools.count()


def start(world, cluster: str, definition: dict, group: str, **options) -> dict:
    """Starts a task. Options: overrides, started_by, network, launch, platform, tags, service, revision, exec."""
    region, account, identifier = get_region(), get_account_id(), uuid.uuid4().hex
    arn = f"arn:aws:ecs:{region}:{account}:task/{cluster}/{identifier}"
    overrides = options.get("overrides") or {}
    launch = options.get("launch") or {}
    task = {
        "taskArn": arn,
        "clusterArn": ecs._clusters[cluster]["clusterArn"],
        "taskDefinitionArn": definition["taskDefinitionArn"],
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "group": group,
        "startedBy": options.get("started_by"),
        "overrides": {"containerOverrides": [], **overrides},
        "cpu": overrides.get("cpu") or definition.get("cpu"),
        "memory": overrides.get("memory") or definition.get("memory"),
        "launchType": launch.get("launchType"),
        "capacityProviderName": launch.get("capacityProviderName"),
        "platformVersion": "1.4.0" if launch.get("fargate") else None,
        "platformFamily": "Linux" if launch.get("fargate") else None,
        "enableExecuteCommand": bool(options.get("exec")),
        "availabilityZone": f"{region}a",
        "healthStatus": "UNKNOWN",
        "version": 1,
        "createdAt": world.time,
        "tags": list(options.get("tags") or []),
        "attachments": [],
        "containers": [_container(arn, one, region, account) for one in definition["containerDefinitions"]],
        "_service": options.get("service"),
        "_revision": options.get("revision"),
        "_stop": None,
        "_good": False,
        "_answers": {},
        # Its containers, where they really run.
        "_real": None,
        "_definition": definition,
        "_container_essentials": [bool(one.get("essential", True)) for one in definition["containerDefinitions"]],
    }
    if options.get("network"):
        number = next(_addresses)
        address = f"10.{number // 62500 % 250}.{number // 250 % 250}.{number % 250 + 4}"
        task["_address"] = address
        details = [{"name": "privateIPv4Address", "value": address}]
        task["attachments"] = [
            {"id": str(uuid.uuid4()), "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}
        ]
    ecs._tasks[arn] = world.tasks[arn] = task
    ecs._recount_cluster(cluster)
    world.start(_life(world, task))
    return task


def stop(task: dict, code: str, reason: str) -> None:
    """Asks a task to stop; the first who asks says why."""
    if task["_stop"] is None:
        task["_stop"] = (code, reason)
        task["desiredStatus"] = "STOPPED"


def forget_old(world) -> bool:
    """Forgets tasks that stopped long ago."""
    old = [arn for arn, task in world.tasks.items() if world.time - task.get("stoppedAt", world.time) > SHOWN]
    for arn in old:
        del world.tasks[arn]
        ecs._tasks.pop(arn, None)
    return bool(old)


def _container(task: str, definition: dict, region: str, account: str) -> dict:
    return {
        "containerArn": f"arn:aws:ecs:{region}:{account}:container/{task.split('/', 1)[1]}/{uuid.uuid4()}",
        "taskArn": task,
        "name": definition["name"],
        "image": definition["image"],
        "lastStatus": "PENDING",
        "networkInterfaces": [],
        "healthStatus": "UNKNOWN",
        "cpu": str(definition.get("cpu", 0)),
    }


def _life(world, task):
    stopped = lambda: task["_stop"] is not None
    kind = "service" if task["_service"] else "run"
    if (yield Wait(stopped, delays=1)):
        return (yield from _end(world, task, {}))
    _enter(world, task, "PENDING", "pullStartedAt")
    found = _pull(task)
    rules = _rules(task, found, kind)
    real = task["_real"] = containers.of(task, found)
    if real:
        real.pull()
        yield Wait(lambda: stopped() or real.are("pulled"))
    if any(rule["do"] == "hang" for rule in rules.values()):
        yield Wait(stopped)
    if (yield Wait(stopped, delays=1)):
        return (yield from _end(world, task, rules))
    why_not = lambda name, one: _refusal(found[name], rules[name]) or real_refusal(name) or container_log.refusal(one, task)
    real_refusal = lambda name: real.refusal or real.all[name].refusal if real else ""
    if _cannot_start(task, why_not):
        return (yield from _end(world, task, rules, started=False))
    _enter(world, task, "ACTIVATING", "pullStoppedAt")
    if (yield Wait(stopped, delays=1)):
        return (yield from _end(world, task, rules))
    if real:
        real.start()
        yield Wait(lambda: stopped() or real.are("started"))
        if _cannot_start(task, lambda name, _: real_refusal(name)):
            return (yield from _end(world, task, rules, started=False))
    _enter(world, task, "RUNNING", "startedAt", "connectivityAt")
    task["connectivity"] = "CONNECTED"
    for container in task["containers"]:
        container["lastStatus"] = "RUNNING"
        container["runtimeId"] = f"{task['taskArn'].rsplit('/', 1)[1]}-{len(container['name']):010d}"
    task["_answers"] = {name: (found[name], rule) for name, rule in rules.items()}
    world.start(_health(world, task, rules))
    container_log.begin(world, task, rules)
    yield from _follow(world, task, real) if real else _run(world, task, rules, kind)
    yield from _end(world, task, rules)


def _cannot_start(task: dict, why_not) -> bool:
    """Whether one of its containers cannot start, which stops the task."""
    for container, one in zip(task["containers"], task["_definition"]["containerDefinitions"]):
        refusal = why_not(container["name"], one)
        if refusal:
            container["reason"] = refusal
            stop(task, "TaskFailedToStart", refusal)
            return True
    return False


def _pull(task: dict) -> dict:
    """The images of the containers; a task of a service takes the digests its revision has."""
    definition, revision = task["_definition"], task["_revision"]
    found = {}
    for container, one in zip(task["containers"], definition["containerDefinitions"]):
        pinned = revision is not None and one.get("versionConsistency") != "disabled"
        reference = one["image"]
        if pinned and one["name"] in revision.digests:
            reference = f"{_without_tag(reference)}@{revision.digests[one['name']]}"
        image = images.look_up(reference, definition.get("runtimePlatform"))
        found[one["name"]] = image
        if image.digest:
            container["imageDigest"] = image.digest
            if pinned:
                revision.digests.setdefault(one["name"], image.digest)
    return found


def _without_tag(reference: str) -> str:
    name = reference.split("@")[0]
    return name.rsplit(":", 1)[0] if ":" in name.rsplit("/", 1)[-1] else name


def _rules(task: dict, found: dict, kind: str) -> dict:
    """What each container does, by name."""
    definition = task["_definition"]
    key = (get_account_id(), get_region(), definition["family"])
    before = _starts.get(key, 0)
    _starts[key] = before + 1
    overrides = {one["name"]: one for one in task["overrides"]["containerOverrides"]}
    rules = {}
    for one in definition["containerDefinitions"]:
        other = overrides.get(one["name"], {})
        variables = {v["name"]: v.get("value", "") for v in [*one.get("environment", []), *other.get("environment", [])]}
        command = " ".join(other.get("command") or one.get("command") or [])
        told = {"variables": variables, "container": one["name"], "command": command, "kind": kind, "before": before}
        rules[one["name"]] = images.rule_of(found[one["name"]], **told) | {"told": told}
    return rules


def _refusal(image, rule: dict) -> str:
    verb, _, argument = str(rule["do"]).partition(" ")
    if image.digest is None:
        return image.refusal
    return images.cannot_pull(image.reference) if verb == "cannot-pull" else argument if verb == "no-start" else ""


def _exit(rule: dict, kind: str) -> int | None:
    """The code a container ends with by itself; none if it runs until it is stopped."""
    verb, _, argument = str(rule["do"]).partition(" ")
    if verb == "exit":
        return int(argument)
    return 1 if verb == "import-error" else 0 if verb == "ok" and kind == "run" else None


def _run(world, task, rules, kind):
    """Lets the containers run until the task has a reason to stop."""
    stopped = lambda: task["_stop"] is not None
    ends = []
    for container, essential in zip(task["containers"], task["_container_essentials"]):
        rule = rules[container["name"]]
        after = float(rule.get("after", world.delay()))
        code = _exit(rule, kind)
        verb, _, argument = str(rule["do"]).partition(" ")
        if code is not None or verb == "stop":
            ends.append((after, len(ends), container, essential, code, argument))
    began = world.time
    for after, _, container, essential, code, argument in sorted(ends, key=lambda end: end[:2]):
        if (yield Wait(stopped, seconds=max(0.0, began + after - world.time))):
            return
        if code is None:
            stop(task, *argument.split(" ", 1))
            return
        container.update(lastStatus="STOPPED", exitCode=code)
        if essential or all(one["lastStatus"] == "STOPPED" for one in task["containers"]):
            stop(task, "EssentialContainerExited", EXITED)
            return
    yield Wait(stopped)


def _follow(world, task, real):
    """Waits until the task has a reason to stop: what its containers on the engine do, or somebody's wish."""
    while task["_stop"] is None:
        running = [one for one in task["containers"] if one["lastStatus"] == "RUNNING"]
        yield Wait(lambda: task["_stop"] is not None or any(real.all[one["name"]].ended for one in running))
        for container, essential in zip(task["containers"], task["_container_essentials"]):
            if container in running and real.all[container["name"]].ended:
                container.update(lastStatus="STOPPED", exitCode=real.all[container["name"]].code)
                if essential or all(one["lastStatus"] == "STOPPED" for one in task["containers"]):
                    stop(task, "EssentialContainerExited", EXITED)


def _health(world, task, rules):
    """The verdict of the container's own health checks, and the time for those of load balancers."""
    checked = {one["name"] for one in task["_definition"]["containerDefinitions"] if one.get("healthCheck")}
    real = task["_real"]
    # A container that ends at once does so before anybody takes it for healthy. The engine is not asked for checks of its own.
    yield Wait(lambda: real.are("ready"), seconds=READY) if real else Wait(delays=2)
    for container in task["containers"]:
        if container["name"] in checked and task["lastStatus"] == "RUNNING":
            bad = rules[container["name"]]["do"] == "never-healthy"
            container["healthStatus"] = task["healthStatus"] = "UNHEALTHY" if bad else "HEALTHY"
    task["_checked"] = True


def _end(world, task, rules, started=True):
    """Stops what runs: SIGTERM, and the exit codes that follow."""
    code, reason = task["_stop"]
    task.update(desiredStatus="STOPPED", stopCode=code, stoppedReason=reason, stoppingAt=world.time, _good=False)
    running = [one for one in task["containers"] if one["lastStatus"] == "RUNNING"]
    if started:
        _enter(world, task, "STOPPING")
    real = task["_real"]
    if real:
        real.stop()
        yield Wait(lambda: real.are("ended"))
        container_log.write_rest(task, real)
    else:
        seconds = max([float(rules[one["name"]].get("stopping", 0)) for one in running], default=0.0)
        yield Wait(seconds=seconds, delays=1)
    for container in task["containers"]:
        if container in running:
            code = real.all[container["name"]].code if real else int(rules[container["name"]].get("on-stop", 143))
            container["exitCode"] = code
        container["lastStatus"] = "STOPPED"
    task["executionStoppedAt"] = world.time
    if code == "UserInitiated" and corrections.on("ecs-stop-task"):
        task["tags"] = []
    _enter(world, task, "STOPPED", "stoppedAt")
    ecs._recount_cluster(task["clusterArn"].rsplit("/", 1)[1])


def _enter(world, task: dict, status: str, *times: str) -> None:
    task["lastStatus"] = status
    task["version"] += 1
    for name in times:
        task[name] = world.time
