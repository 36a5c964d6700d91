"""The circuit breaker of a rolling deployment counts failed tasks, and rolls back to the last one that completed.

MiniStack has one for tasks of a container engine only, which there is none of here. What it does: ../ecs/guards.py.
"""

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html"
ROWS = [
    "ecs: the circuit breaker rolls back",
    "ecs: the circuit breaker tells its count and threshold",
    "ecs: the circuit breaker without rollback ends STOPPED",
    "ecs: the circuit breaker by COUNT",
    "ecs: without a circuit breaker a deployment goes on",
]


def install():
    """../ecs/guards.py asks whether this correction is on."""
