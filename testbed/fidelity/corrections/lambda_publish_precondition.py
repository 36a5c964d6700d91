"""PublishVersion with a RevisionId or CodeSha256 that is not the one of $LATEST is refused.

MiniStack ignores both, so somebody else's code can be published.
"""

from ministack.services import lambda_svc

from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html"
ROWS = ["lambda: PublishVersion stale RevisionId", "lambda: PublishVersion wrong CodeSha256"]


def install():
    @around(lambda_svc, "_publish_version", "(name, data)", "3bc240a8db5d")
    def publish(inner, name, data):
        function = lambda_svc._functions.get(name)
        if function is not None:
            current = function["config"]
            if data.get("RevisionId"):
                refused = lambda_svc._check_revision(current, data)
                if refused:
                    return refused
            digest = data.get("CodeSha256")
            if digest and digest != current["CodeSha256"]:
                return error(
                    "InvalidParameterValueException",
                    f"CodeSHA256 ({digest}) is different from current CodeSHA256 in $LATEST "
                    f"({current['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST.",
                )
        return inner(name, data)
