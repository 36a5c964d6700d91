"""Alarms of a deployment end it, and roll it back, also while it bakes.

MiniStack keeps their names and does nothing. What happens: ../ecs/guards.py.
"""

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html"
ROWS = [
    "ecs: an alarm during the bake time rolls back",
    "ecs: alarms that stay OK are MONITORING_COMPLETE",
]


def install():
    """../ecs/guards.py asks whether this correction is on."""
