"""A lifecycle policy is checked when it is put.

MiniStack stores any text.
"""

from ministack.services import ecr

from ..ecr import lifecycle
from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html"
ROWS = ["ecr: PutLifecyclePolicy of a broken policy"]


def install():
    @around(ecr, "_put_lifecycle_policy", "(data)", "befd167bbaca")
    def put(inner, data):
        return refusal(data.get("lifecyclePolicyText", "")) or inner(data)


def refusal(text: str):
    """The refusal of a text that is no lifecycle policy."""
    try:
        lifecycle.rules(text)
    except lifecycle.Invalid as problem:
        return error(
            "InvalidParameterException",
            f"Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {problem}'",
        )
    return None
