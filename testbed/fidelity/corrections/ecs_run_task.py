"""RunTask starts tasks that go through their states and end as their containers do; a client token starts them once.

MiniStack has them RUNNING at once and for ever, checks no network, makes the cluster, and knows no client token. What happens
instead: ../ecs/run.py.
"""

from ministack.services import ecs

from ..ecs import clock, run, tasks
from ..wrapping import around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html"
ROWS = [
    "ecs: RunTask goes from PROVISIONING to STOPPED with the exit code",
    "ecs: RunTask exit 3",
    "ecs: RunTask by command",
    "ecs: RunTask image that cannot be pulled",
    "ecs: RunTask of an image for another platform",
    "ecs: RunTask beside a sidecar that is stopped",
    "ecs: RunTask stopped by ECS",
    "ecs: RunTask with the same client token",
    "ecs: RunTask client token with another request",
    "ecs: RunTask client token of 65 characters",
    "ecs: RunTask failures",
    "ecs: RunTask without a network",
    "ecs: RunTask with a network it cannot have",
    "ecs: RunTask overrides of 8193 characters",
    "ecs: RunTask override of no container",
    "ecs: RunTask of an INACTIVE task definition",
    "ecs: RunTask in no cluster",
    "ecs: a stopped task is forgotten after an hour",
]


def install():
    @around_action(ecs, "RunTask", "_run_task", "(data)", "6e96d8f5a5b8")
    def start(inner, data):
        with clock.settled() as world:
            return run.run(world, data)

    @around_action(ecs, "DescribeTasks", "_describe_tasks", "(data)", "c7057f1f0679")
    def describe(inner, data):
        with clock.settled() as world:
            tasks.forget_old(world)
            return inner(data)
