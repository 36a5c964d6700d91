"""StopServiceDeployment rolls a deployment back that has not ended.

MiniStack does not know it.
"""

from ministack.services import ecs

from ..ecs import clock, deployments
from ..scope import error, json_response

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html"
ROWS = [
    "ecs: StopServiceDeployment rolls back",
    "ecs: StopServiceDeployment of one that has ended",
    "ecs: StopServiceDeployment of none",
]

_REASON = "Service deployment rolled back because StopServiceDeployment was called."
_ABORTED = "Service deployment stopped because StopServiceDeployment was called."


def install():
    ecs._ACTION_MAP["StopServiceDeployment"] = _stop


def _stop(data):
    with clock.settled():
        arn, kind = data.get("serviceDeploymentArn", ""), data.get("stopType", "ROLLBACK")
        found = deployments.find(arn)
        if not found:
            return error("ServiceDeploymentNotFoundException", "Service deployment not found.")
        if kind not in ("ABORT", "ROLLBACK"):
            return error("InvalidParameterException", "stopType must be ABORT or ROLLBACK.")
        deployment = found[1]
        if deployment.ended():
            return error("ConflictException", f"The service deployment is {deployment.status} and cannot be stopped.")
        if deployment.rollback is None:
            deployment.stop = ("stop", _REASON, None) if kind == "ROLLBACK" else ("abort", _ABORTED, None)
        return json_response({"serviceDeploymentArn": arn})
