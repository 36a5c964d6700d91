"""Sessions and users may do what their policies allow, and their requests must be signed.

MiniStack checks neither, unless it checks everything for everyone. Here 12-digit access keys (and `test`) are the free
root of their account, so that a test can prepare what it likes; everybody else is checked, unless the account's
setting `enforce_iam` is off.
"""

import contextlib
import contextvars
import re

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_region

from .. import settings

AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html"
ROWS = [
    "sts: not allowed CreateRepository (IAM enforced?)",
    "sts: not allowed UpdateFunctionCode (IAM enforced?)",
    "sts: wrong secret (signature verified?)",
    "sts: missing session token",
    "sts: unknown access key (AWS InvalidClientTokenId)",
    "sts: role chaining trust denied",
]

_checked = contextvars.ContextVar("testbed_checked", default=False)
# The access key of whoever makes the request at hand, if policies bind them.
_caller = contextvars.ContextVar("testbed_caller", default="")


class PerRequest:
    """Stands in for MiniStack's switch `AUTH`, and is what it should be for the request at hand."""

    def __bool__(self) -> bool:
        return _checked.get()


@contextlib.contextmanager
def forced():
    """Within this block policies are evaluated, whoever asks."""
    token = _checked.set(True)
    try:
        yield
    finally:
        _checked.reset(token)


def install():
    # The name is read anew wherever it is used.
    assert app.AUTH is False, "MiniStack was started with AUTH"
    app.AUTH = PerRequest()


def decide(request) -> None:
    """Decides for the request that is about to be carried out."""
    is_bound = bound(request.access_key, request.account)
    _checked.set(is_bound)
    _caller.set(request.access_key if is_bound else "")


def bound(key: str, account: str) -> bool:
    """Whether policies bind who has this access key."""
    free = not key or key == "test" or re.fullmatch(r"\d{12}", key) is not None
    return not free and settings.value(account, "enforce_iam")


def caller() -> str:
    """The access key of whoever makes the request at hand, if policies bind them; else empty."""
    return _caller.get()


def refused(action: str, resource: str, context: dict | None = None) -> str | None:
    """As `refusal`, for whoever makes the request at hand."""
    return refusal(caller(), action, resource, context) if caller() else None


def refusal(key: str, action: str, resource: str, context: dict | None = None) -> str | None:
    """AWS's words if the policies of who has this key do not allow the action on the resource; None if they do.

    `context` are further condition keys, in small letters.
    """
    principal = iam_evaluator.resolve_principal(key, resource.split(":")[4])
    if isinstance(principal, iam_evaluator.AuthError):
        return principal.message
    if principal.policies is None:
        return None
    judged = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:tagkeys": None, **(context or {})},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(judged, principal.policies, *principal.limits)
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, judged, *found, limits=principal.limits)
    if result.decision == "Allow":
        return None
    return iam_actions.identity_denial_message(action, principal.arn, resource, result.decision == "Deny")
