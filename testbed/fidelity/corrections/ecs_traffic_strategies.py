"""BLUE_GREEN, CANARY and LINEAR deployments start all new tasks first and then move weights of listener rules.

MiniStack keeps the strategy and replaces tasks as ever. What happens: ../ecs/shifting.py.
"""

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-blue-green.html"
ROWS = [
    "ecs: BLUE_GREEN moves the production rule, then bakes",
    "ecs: BLUE_GREEN test traffic comes first",
    "ecs: CANARY gives the new revision its share",
    "ecs: LINEAR goes step by step",
    "ecs: a revision tells its traffic weights",
    "ecs: an alarm puts the weights back",
]


def install():
    """../ecs/deployments.py asks whether this correction is on."""
