"""AssumeRole asks the role's trust policy, also when the caller is a session itself (role chaining).

MiniStack hands out any role, existing or not. A session that assumes a role gets an hour at most.
"""

from urllib.parse import parse_qs

from ministack.services import sts

from ..wrapping import around
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"
ROWS = ["sts: AssumeRole trust denied", "sts: AssumeRole missing role", "sts: role chaining above an hour"]


def install():
    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        asked = form(body)
        if asked.get("Action") != "AssumeRole":
            return await inner(method, path, headers, body, query_params)
        session = sts.extract_access_key_id(headers, query_params) in sts._sessions
        if session and int(asked.get("DurationSeconds", "0")) > 3600:
            return sts._error(
                400,
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
                ns="sts",
            )
        with iam_enforcement.forced():
            return await inner(method, path, headers, body, query_params)


def form(body: bytes) -> dict[str, str]:
    """The parameters of a query request."""
    return {name: values[0] for name, values in parse_qs((body or b"").decode("utf-8", "replace")).items()}
