"""Sessions and users may do what their policies allow, and their requests must be signed.

MiniStack checks neither, unless it checks everything for everyone. Here 12-digit access keys (and `test`) are the free
root of their account, so that a test can prepare what it likes; everybody else is checked, unless the account's
setting `enforce_iam` is off.
"""

import contextlib
import contextvars
import re

from ministack import app

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
    key = request.access_key
    free = not key or key == "test" or re.fullmatch(r"\d{12}", key) is not None
    _checked.set(not free and settings.value(request.account, "enforce_iam"))
