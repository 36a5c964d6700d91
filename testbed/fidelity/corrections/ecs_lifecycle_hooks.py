"""Hooks of the kind PAUSE hold a deployment until ContinueServiceDeployment, or their time-out.

MiniStack keeps hooks and runs none; ContinueServiceDeployment it does not know. What happens: ../ecs/hooks.py.
"""

from ministack.services import ecs

from ..ecs import clock, deployments, hooks
from ..scope import error, json_response

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html"
ROWS = [
    "ecs: a PAUSE hook awaits an action",
    "ecs: ContinueServiceDeployment goes on unless told otherwise",
    "ecs: ContinueServiceDeployment ROLLBACK",
    "ecs: a CANARY pauses before each step of production traffic",
    "ecs: a PAUSE hook that times out rolls back",
    "ecs: a PAUSE hook that times out with CONTINUE goes on",
    "ecs: a PAUSE hook at a traffic shift",
    "ecs: ContinueServiceDeployment of no deployment",
    "ecs: ContinueServiceDeployment of a hook that does not wait",
    "ecs: a function hook that fails rolls back",
]


def install():
    ecs._ACTION_MAP["ContinueServiceDeployment"] = _go_on


def _go_on(data):
    with clock.settled():
        arn, identifier = data.get("serviceDeploymentArn", ""), data.get("hookId", "")
        found = deployments.find(arn)
        if not found:
            return error("ServiceDeploymentNotFoundException", "Service deployment not found.")
        action = data.get("action", "CONTINUE")
        if action not in ("CONTINUE", "ROLLBACK"):
            return error("InvalidParameterException", "action must be CONTINUE or ROLLBACK.")
        if not hooks.act(found[1], identifier, action):
            return error("InvalidParameterException", f"The lifecycle hook {identifier} is not awaiting action.")
        return json_response({"serviceDeploymentArn": arn})
