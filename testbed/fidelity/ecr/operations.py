"""Operations of ECR that MiniStack does not have."""

import json

from ministack.services import ecr

from ..wrapping import around


def added(handlers: dict) -> None:
    """Adds operations; each handler gets the body of the request."""

    @around(ecr, "handle_request", "(method, path, headers, body, query_params)", "492f992e404d")
    async def request(inner, method, path, headers, body, query_params):
        target = next((value for name, value in headers.items() if name.lower() == "x-amz-target"), "")
        handler = handlers.get(target.rsplit(".", 1)[-1])
        if handler is None:
            return await inner(method, path, headers, body, query_params)
        return handler(json.loads(body or b"{}"))
