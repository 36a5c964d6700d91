"""DescribeImages of an image that is not there is an error, and sizes are those of the layers.

MiniStack answers an empty list: a check that an image exists passes.
"""

import json

from ministack.services import ecr

from ..ecr import images
from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html"
ROWS = [
    "ecr: DescribeImages missing tag (AWS: ImageNotFoundException)",
    "ecr: DescribeImages size is that of the layers",
]


def install():
    @around(ecr, "_describe_images", "(data)", "86c7f7b273ab")
    def describe(inner, data):
        name = data.get("repositoryName")
        if name in ecr._repositories:
            for wanted in data.get("imageIds") or []:
                if not ecr._find_image(name, wanted):
                    return images.missing(name, wanted)
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        for detail in answer["imageDetails"]:
            image = ecr._find_image(name, {"imageDigest": detail["imageDigest"]})
            manifest = json.loads(image["imageManifest"])
            detail["imageSizeInBytes"] = sum(layer.get("size", 0) for layer in manifest.get("layers", []))
            if not detail.get("imageTags"):
                detail.pop("imageTags", None)
        return json_response(answer)
