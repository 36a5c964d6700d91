"""Each change of a service is a service deployment, from one service revision to another, and both can be looked up.

MiniStack answers empty lists.
"""

from ministack.services import ecs

from ..ecs import answers, clock, deployments, model, services
from ..scope import error, json_response
from ..wrapping import around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html"
ROWS = [
    "ecs: DescribeServices names the current deployment and revisions",
    "ecs: ListServiceDeployments has one for each change",
    "ecs: ListServiceDeployments by status",
    "ecs: ListServiceDeployments by pages",
    "ecs: ListServiceDeployments of no service",
    "ecs: a deployment becomes SUCCESSFUL",
    "ecs: a later deployment stops the one before",
    "ecs: DescribeServiceDeployments of what is not there",
    "ecs: DescribeServiceRevisions tells the digests that run",
    "ecs: DescribeServiceRevisions without versionConsistency tells no digest",
]

_MOST = 20


def install():
    @around_action(ecs, "ListServiceDeployments", "_list_service_deployments", "(data)", "d971b80772fb")
    def list_them(inner, data):
        with clock.settled():
            record, refusal = services.find(data)
            if refusal:
                return refusal
            found = model.of(record)
            wanted, made = data.get("status") or [], data.get("createdAt") or {}
            shown = [
                answers.brief(found, one)
                for one in reversed(found.deployments)
                if (not wanted or one.status in wanted)
                and made.get("after", 0) <= one.created <= made.get("before", one.created)
            ]
            first, size = int(data.get("nextToken") or 0), data.get("maxResults") or _MOST
            more = {"nextToken": str(first + size)} if first + size < len(shown) else {}
            return json_response({"serviceDeployments": shown[first : first + size], **more})

    @around_action(ecs, "DescribeServiceDeployments", "_describe_service_deployments", "(data)", "63c1f1467a7f")
    def describe(inner, data):
        with clock.settled():
            arns = data.get("serviceDeploymentArns") or []
            if len(arns) > _MOST:
                return error("InvalidParameterException", "You can specify up to 20 service deployments.")
            found = {arn: deployments.find(arn) for arn in arns}
            return json_response(
                {
                    "serviceDeployments": [answers.deployment(*one) for one in found.values() if one],
                    "failures": [{"arn": arn, "reason": "MISSING"} for arn, one in found.items() if not one],
                }
            )

    @around_action(ecs, "DescribeServiceRevisions", "_describe_service_revisions", "(data)", "f0062397dddb")
    def revisions(inner, data):
        with clock.settled():
            known = {one.arn: (service, one) for service in model.services() for one in service.revisions}
            arns = data.get("serviceRevisionArns") or []
            return json_response(
                {
                    "serviceRevisions": [answers.revision(*known[arn]) for arn in arns if arn in known],
                    "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
                }
            )
