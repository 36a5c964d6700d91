"""Tag mutability has exclusion filters: with IMMUTABLE_WITH_EXCLUSION, tags that match one may move.

MiniStack stores the value and drops the filters.
"""

import re

from ministack.services import ecr

from ..scope import body_of, error, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"
ROWS = [
    "ecr: IMMUTABLE_WITH_EXCLUSION",
    "ecr: DescribeRepositories answers the exclusion filters",
    "ecr: MUTABLE_WITH_EXCLUSION: excluded tag may not move",
    "ecr: IMMUTABLE_WITH_EXCLUSION without a filter",
    "ecr: IMMUTABLE_WITH_EXCLUSION with six filters",
]

_FILTERS = "imageTagMutabilityExclusionFilters"


def install():
    @around(ecr, "_put_image_tag_mutability", "(data)", "a71ffe06b82d")
    def put(inner, data):
        return _refusal(data) or _keep(inner(data), data, lambda answer: answer)

    @around(ecr, "_create_repository", "(data)", "56ebb5843976")
    def create(inner, data):
        return _refusal(data) or _keep(inner(data), data, lambda answer: answer["repository"])

    @around(ecr, "_repo_shape", "(repo)", "7bebcc19d387")
    def shape(inner, repo):
        filters = repo.get(_FILTERS)
        return {**inner(repo), _FILTERS: filters} if filters else inner(repo)


def immutable(repository: dict, tag: str) -> bool:
    """Whether a tag of the repository must stay where it is."""
    mutability = repository.get("imageTagMutability", "MUTABLE")
    base = mutability.startswith("IMMUTABLE")
    if mutability.endswith("_WITH_EXCLUSION"):
        for exclusion in repository.get(_FILTERS) or []:
            pattern = ".*".join(re.escape(part) for part in exclusion["filter"].split("*"))
            if re.fullmatch(pattern, tag):
                return not base
    return base


def _refusal(data: dict):
    filters = data.get(_FILTERS) or []
    if data.get("imageTagMutability", "").endswith("_WITH_EXCLUSION") != bool(filters) or len(filters) > 5:
        return error(
            "InvalidParameterException",
            f"Invalid parameter at '{_FILTERS}': 1 to 5 are needed with exclusion, and none without",
        )
    return None


def _keep(response, data: dict, place):
    filters = data.get(_FILTERS)
    if response[0] < 300:
        repository = ecr._repositories[data["repositoryName"]]
        repository[_FILTERS] = filters or []
        if filters:
            answer = body_of(response)
            place(answer)[_FILTERS] = filters
            return json_response(answer)
    return response
