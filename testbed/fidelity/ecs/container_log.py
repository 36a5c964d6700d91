"""What containers write, to the group that their log configuration names.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
"""

from ministack.services import cloudwatch_logs, ecs

from .. import corrections, logs
from .clock import Wait

_MISSING = [
    "Traceback (most recent call last):",
    '  File "/app/main.py", line 1, in <module>',
    "ModuleNotFoundError: No module named 'missing'",
]


def begin(world, task: dict, rules: dict) -> None:
    """Writes what each container has to say: what it writes on an engine, or what it is told, spread over the time that it runs."""
    if not corrections.on("ecs-task-logs"):
        return
    if task["_real"]:
        world.start(_copy(task, task["_real"]))
        return
    for definition in task["_definition"]["containerDefinitions"]:
        rule = rules[definition["name"]]
        lines = [str(line) for line in rule.get("log", _usual(rule))]
        if lines:
            world.start(_write(world, definition, task, lines, float(rule.get("after", 0)) / (len(lines) + 1)))


def refusal(definition: dict, task: dict) -> str:
    """Why a container cannot write: it does not start then."""
    target = _target(definition, task)
    if not target or target["create_group"] or target["group"] in cloudwatch_logs._log_groups:
        return ""
    return (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create "
        "Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1"
    ) * corrections.on("ecs-task-logs")


def _target(definition: dict, task: dict) -> dict | None:
    identifier = task["taskArn"].rsplit("/", 1)[1]
    return ecs._awslogs_config(definition, identifier, identifier)


def _usual(rule: dict) -> list[str]:
    return _MISSING if rule["do"] == "import-error" else []


def _copy(task: dict, real):
    """What containers on an engine write, as it comes."""
    while not real.are("ended"):
        yield Wait(lambda: real.are("ended") or any(not one.lines.empty() for one in real.all.values()))
        write_rest(task, real)


def write_rest(task: dict, real) -> None:
    """Writes what has come from the engine since the last time."""
    for definition in task["_definition"]["containerDefinitions"]:
        target, written = _target(definition, task), real.all[definition["name"]].written()
        if target and written:
            logs.write(target["group"], target["stream"], written)


def _write(world, definition: dict, task: dict, lines: list[str], seconds: float):
    target = _target(definition, task)
    if not target:
        return
    for line in lines:
        logs.write(target["group"], target["stream"], [{"at": world.time, "message": line}])
        yield Wait(seconds=seconds)
