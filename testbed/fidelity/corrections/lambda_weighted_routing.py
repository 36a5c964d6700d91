"""A weighted alias sends its share of invocations to the other version, whichever way they come in.

MiniStack always runs FunctionVersion. The ARN that the function sees stays the alias's.
"""

import contextvars
import random
import re

from ministack.services import lambda_svc

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html"
ROWS = ["lambda: Weighted alias splits 60 invocations 50/50", "lambda: Weighted alias splits through a function URL"]

_alias = contextvars.ContextVar("testbed_alias", default=None)


def install():
    @around(lambda_svc, "_invoke", "(name, event, headers, path_qualifier, query_params)", "ab193779e5c2")
    async def invoke(inner, name, event, headers, path_qualifier=None, query_params=None):
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier")
        version = _pick(lambda_svc._functions.get(name), qualifier)
        _alias.set(qualifier if version else None)
        return await inner(name, event, headers, version or path_qualifier, query_params)

    @around(lambda_svc, "_get_func_record_for_ref", "(function_ref)", "492b4efe8f90")
    def for_reference(inner, function_ref):
        record, configuration, name = inner(function_ref)
        if record is None:
            return record, configuration, name
        if str(function_ref).startswith("arn:"):
            _, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(function_ref)
        else:
            _, qualifier = lambda_svc._resolve_name_and_qualifier(function_ref)
        function = lambda_svc._functions.get(name)
        version = _pick(function, qualifier)
        _alias.set(qualifier if version else None)
        if version and version in function["versions"]:
            record = function["versions"][version]
            configuration = {**record["config"], "FunctionArn": f"{lambda_svc._func_arn(name)}:{qualifier}"}
        return record, configuration, name

    @around(lambda_svc, "_execute_function", "(func, event)", "3ceb16d6480a")
    def execute(inner, func, event):
        alias = _alias.get()
        configuration = func.get("config") or func
        if alias:
            arn = re.sub(r"(:function:[^:]+)(:.*)?$", rf"\1:{alias}", configuration["FunctionArn"])
            func = {**func, "config": {**configuration, "FunctionArn": arn}}
        return inner(func, event)


def _pick(function: dict | None, qualifier: str | None) -> str | None:
    """The version that runs, if the qualifier is an alias."""
    alias = (function or {}).get("aliases", {}).get(qualifier) if qualifier else None
    if alias is None:
        return None
    drawn = random.random()
    for version, weight in ((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}).items():
        if drawn < weight:
            return version
        drawn -= weight
    return alias["FunctionVersion"]
