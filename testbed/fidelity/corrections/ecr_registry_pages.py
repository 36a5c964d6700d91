"""The registry's list of tags comes in pages of at most 1000, each but the last with a Link to the next.

MiniStack leaves out what does not fit, and says nothing. Larger pages are refused, see
https://github.com/google/go-containerregistry/issues/1091.
"""

import json

from ministack.services import ecr

from ..scope import body_of
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html"
ROWS = ["ecr: Docker v2 tags come in pages", "ecr: Docker v2 pages have at most 1000 tags"]

_MOST = 1000


def install():
    @around(ecr, "_v2_list_tags", "(name, query_params)", "ce69c3c01875")
    def tags(inner, name, query_params):
        asked = ecr._query_first(query_params, "n") or str(_MOST)
        if not asked.isdecimal() or not 0 < int(asked) <= _MOST:
            return ecr._registry_error(
                400, "PAGINATION_NUMBER_INVALID", f"Invalid parameter at 'maxResults': 1 to {_MOST}, found {asked}"
            )
        status, headers, body = inner(name, {**query_params, "n": str(int(asked) + 1)})
        if status >= 300:
            return status, headers, body
        listed = body_of((status, headers, body))
        if len(listed["tags"]) > int(asked):
            listed["tags"].pop()
            last = listed["tags"][-1]
            headers = {**headers, "Link": f'</v2/{name}/tags/list?last={last}&n={asked}>; rel="next"'}
        return status, headers, json.dumps(listed).encode()
