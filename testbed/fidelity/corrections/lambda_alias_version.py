"""An alias can only point to a version that exists.

MiniStack accepts any number, and answers 404 for the function later on.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html"
ROWS = ["lambda: CreateAlias to missing version", "lambda: UpdateAlias missing version"]


def install():
    @around(lambda_svc, "_create_alias", "(func_name, data)", "2fca00d580eb")
    def create(inner, func_name, data):
        return _refusal(func_name, data) or inner(func_name, data)

    @around(lambda_svc, "_update_alias", "(func_name, alias_name, data)", "0017f6b94b06")
    def update(inner, func_name, alias_name, data):
        return _refusal(func_name, data) or inner(func_name, alias_name, data)


def _refusal(name: str, data: dict):
    function = lambda_svc._functions.get(name)
    version = data.get("FunctionVersion")
    if function is None or not version or version == "$LATEST" or version in function["versions"]:
        return None
    return error("ResourceNotFoundException", f"Function not found: {lambda_svc._func_arn(name)}:{version}", 404)
