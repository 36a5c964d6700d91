"""DescribeImages and ListImages answer pages of 100, or of `maxResults` up to 1000.

MiniStack answers everything at once.
"""

from ministack.services import ecr

from ..pages import page
from ..scope import body_of, error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html"
ROWS = [
    "ecr: DescribeImages answers pages of 100",
    "ecr: DescribeImages with maxResults and imageIds",
    "ecr: ListImages answers pages of 100",
]
SIZE, MOST = 100, 1000


def install():
    @around(ecr, "_describe_images", "(data)", "86c7f7b273ab")
    def describe(inner, data):
        if not data.get("imageIds"):
            return _page(inner(data), "imageDetails", data)
        if "maxResults" in data or "nextToken" in data:
            return error("InvalidParameterException", "maxResults and nextToken cannot be used with imageIds")
        return inner(data)

    @around(ecr, "_list_images", "(data)", "ee72ee16d753")
    def every(inner, data):
        return _page(inner(data), "imageIds", data)


def _page(response, name: str, data: dict):
    if response[0] >= 300:
        return response
    size = data.get("maxResults", SIZE)
    found = page(body_of(response)[name], size, data.get("nextToken"))
    if found is None or not 1 <= size <= MOST:
        return error("InvalidParameterException", "Invalid parameter: maxResults or nextToken")
    return json_response({name: found[0], **({"nextToken": found[1]} if found[1] else {})})
