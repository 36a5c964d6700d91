"""A simulation of a principal's policies is judged on that principal, and a principal that does not exist is refused.

MiniStack judges it on everything, and finds that a role that is not there may do nothing. AWS:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html (NoSuchEntity).
"""

from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.services import iam

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html"
ROWS = [
    "iam: SimulatePrincipalPolicy is iam:SimulatePrincipalPolicy on the role",
    "iam: SimulatePrincipalPolicy of no role",
]


def install():
    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, headers, body, query_params, region, account_id):
        if service == "iam":
            sent = parse_qs((body or b"").decode("utf-8", "replace"))
            if sent.get("Action") == ["SimulatePrincipalPolicy"]:
                return sent.get("PolicySourceArn", ["*"])[0]
        return inner(service, method, path, headers, body, query_params, region, account_id)

    @around(iam, "_simulate_principal_policy", "(p)", "8dbfeffbf145")
    def simulate(inner, parameters):
        principal = iam._p(parameters, "PolicySourceArn")
        kind, _, name = principal.split(":")[-1].rpartition("/")
        if kind.split("/")[0] == "role" and name not in iam._roles:
            return iam._error(404, "NoSuchEntity", f"The role with name {name} cannot be found.", ns="iam")
        return inner(parameters)

    # Looked up by name.
    iam._IAM_HANDLERS["SimulatePrincipalPolicy"] = iam._simulate_principal_policy
