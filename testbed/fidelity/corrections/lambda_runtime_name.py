"""The runtime must be one that Lambda has; it has no python2.1.

MiniStack accepts every name that begins with the name of a language.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
ROWS = ["lambda: CreateFunction bad runtime", "lambda: UpdateFunctionConfiguration bad runtime"]


def install():
    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        return _refusal(data) or inner(data)

    @around(lambda_svc, "_update_config", "(name, data)", "6999cb0695da")
    def update(inner, name, data):
        return _refusal(data) or inner(name, data)


def _refusal(data: dict):
    runtime = data.get("Runtime")
    if not runtime or runtime in lambda_svc._RUNTIME_IMAGE_MAP:
        return None
    names = ", ".join(sorted(lambda_svc._RUNTIME_IMAGE_MAP))
    return error(
        "InvalidParameterValueException",
        f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
        f"[{names}] or be a valid ARN",
    )
