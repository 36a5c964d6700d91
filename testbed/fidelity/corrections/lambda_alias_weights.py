"""Weights name one other existing version and a share between 0 and 1.

MiniStack stores whatever it is given.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"
ROWS = [
    "lambda: UpdateAlias weights to same version (AWS: InvalidParameterValue)",
    "lambda: UpdateAlias weights to missing version",
    "lambda: UpdateAlias weight above 1",
    "lambda: UpdateAlias weights for two versions",
]


def install():
    @around(lambda_svc, "_create_alias", "(func_name, data)", "2fca00d580eb")
    def create(inner, func_name, data):
        return _refusal(func_name, data, data.get("FunctionVersion")) or inner(func_name, data)

    @around(lambda_svc, "_update_alias", "(func_name, alias_name, data)", "0017f6b94b06")
    def update(inner, func_name, alias_name, data):
        alias = (lambda_svc._functions.get(func_name) or {}).get("aliases", {}).get(alias_name) or {}
        version = data.get("FunctionVersion") or alias.get("FunctionVersion")
        if "RoutingConfig" not in data and "FunctionVersion" in data:
            data_checked = {"RoutingConfig": alias.get("RoutingConfig")}
        else:
            data_checked = data
        return _refusal(func_name, data_checked, version) or inner(func_name, alias_name, data)


def _refusal(name: str, data: dict, version: str | None):
    function = lambda_svc._functions.get(name)
    weights = (data.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if function is None or not weights:
        return None
    if len(weights) > 1:
        return _invalid("The number of entries in the routing table cannot be greater than 1")
    for other, weight in weights.items():
        if other not in function["versions"] and other != "$LATEST":
            return error("ResourceNotFoundException", f"Function not found: {lambda_svc._func_arn(name)}:{other}", 404)
        if "$LATEST" in (other, version):
            return _invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if other == version:
            return _invalid(f"Invalid function version {other}. The version is already the alias's function version")
        if not 0 <= weight <= 1:
            return _invalid(
                f"Value {weight} at 'additionalVersionWeights' failed to satisfy constraint: Member must "
                "have value between 0.0 and 1.0"
            )
    return None


def _invalid(message: str):
    return error("InvalidParameterValueException", message)
