"""GetFunction answers the function's tags to those only who may list them, and tells others why there are none.

MiniStack answers them to everyone.
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html"
ROWS = ["iam: GetFunction leaves the tags out without lambda:ListTags"]


def install():
    @around(lambda_svc, "_get_function", "(name, qualifier)", "4d089b87a939")
    def get(inner, name, qualifier=None):
        response = inner(name, qualifier)
        resource = f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"
        words = iam_enforcement.refused("lambda:ListTags", resource) if response[0] < 300 else None
        if not words:
            return response
        answer = body_of(response)
        answer.pop("Tags", None)
        return json_response({**answer, "TagsError": {"ErrorCode": "AccessDeniedException", "Message": words}})
