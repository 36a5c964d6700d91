"""What a container writes goes to its log group, in a stream of prefix, container and task.

MiniStack writes what a container engine tells it, which there is none of here. See ../ecs/container_log.py.
"""

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html"
ROWS = [
    "ecs: a task writes its lines once and in order",
    "ecs: a task without its log group does not start",
]


def install():
    """../ecs/container_log.py asks whether this correction is on."""
