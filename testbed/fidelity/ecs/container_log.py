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


def begin(world, task: dict, rules: dict, kind: str) -> None:
    """Writes what each container has to say, spread over the time that it runs."""
    if not corrections.on("ecs-task-logs"):
        return
    for definition in task["_definition"]["containerDefinitions"]:
        rule = rules[definition["name"]]
        lines = [str(line) for line in rule.get("log", _usual(rule))]
        if lines:
            world.start(_write(world, definition, task, lines, float(rule.get("after", 0)) / (len(lines) + 1)))


def _usual(rule: dict) -> list[str]:
    return _MISSING if rule["do"] == "import-error" else []


def _write(world, definition: dict, task: dict, lines: list[str], seconds: float):
    target = ecs._awslogs_config(definition, task["taskArn"].rsplit("/", 1)[1], task["taskArn"].rsplit("/", 1)[1])
    if not target:
        return
    if target["group"] not in cloudwatch_logs._log_groups and not target["create_group"]:
        return
    for line in lines:
        logs.write(target["group"], target["stream"], [{"at": world.time, "message": line}])
        yield Wait(seconds=seconds)
