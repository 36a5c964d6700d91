"""A request is judged as the action, and on the resource, that AWS's reference names for it.

MiniStack takes GetAlias and UpdateAlias for `lambda:ListAliases` and reads of concurrency for writes, judges an
invocation of a version or an alias on the function, and DescribeRepositories on everything. AWS judges most actions of
Lambda on the function, also those that name an alias or a version (see
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html), but invocations and provisioned
concurrency on what the qualifier names: https://github.com/aws/aws-cdk/pull/19318.
"""

import json
from urllib.parse import unquote

from ministack.core import iam_actions

from ..request import lambda_operation
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"
ROWS = [
    "iam: GetAlias is lambda:GetAlias on the function",
    "iam: UpdateAlias is lambda:UpdateAlias on the function",
    "iam: Invoke of a version is lambda:InvokeFunction on the version",
    "iam: Invoke of an alias is lambda:InvokeFunction on the alias",
    "iam: GetProvisionedConcurrencyConfig is an action of its own, on the alias",
    "iam: DescribeRepositories is ecr:DescribeRepositories on the repository",
]

_OTHERWISE = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}
_OF_THE_QUALIFIER = (
    "Invoke",
    "InvokeWithResponseStream",
    "GetProvisionedConcurrencyConfig",
    "PutProvisionedConcurrencyConfig",
    "DeleteProvisionedConcurrencyConfig",
)


def install():
    @around(iam_actions, "_lambda_action", "(method, path)", "19fa24ebca40")
    def action(inner, method, path):
        operation = lambda_operation(method, path)
        return _OTHERWISE.get(operation, operation) or inner(method, path)

    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, headers, body, query_params, region, account_id):
        found = inner(service, method, path, headers, body, query_params, region, account_id)
        if service == "lambda" and lambda_operation(method, path) == "StopDurableExecution":
            return unquote(path).split("/durable-executions/", 1)[1].removesuffix("/stop")
        if service == "lambda" and lambda_operation(method, path) in _OF_THE_QUALIFIER:
            qualifier = _first(query_params.get("Qualifier"))
            return f"{found}:{qualifier}" if qualifier else found
        if service == "ecr":
            return _repository(json.loads(body or b"{}"), region, account_id) or found
        return found


def _repository(data: dict, region: str, account: str) -> str | None:
    names = data.get("repositoryNames") or [data.get("repositoryName")]
    owner = data.get("registryId") or account
    return f"arn:aws:ecr:{region}:{owner}:repository/{names[0]}" if names[0] else None


def _first(value) -> str | None:
    return value[0] if isinstance(value, list) and value else value
