"""Image functions answer, as the label `testbed.behaviour` of their image says.

MiniStack needs a container engine for them. See `behaviour.py` for the rules.
"""

from ministack.services import lambda_svc

from .. import behaviour
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"
ROWS = [
    "lambda: Invoke image function",
    "lambda: Invoke image function, second rule",
    "lambda: Invoke image function built for another architecture",
]


def install():
    @around(lambda_svc, "_execute_function_docker", "(func, event, request_id)", "65dec13da735")
    def execute(inner, func, event, request_id):
        if func.get("testbed_image"):
            return behaviour.run(func, event, request_id)
        return inner(func, event, request_id)
