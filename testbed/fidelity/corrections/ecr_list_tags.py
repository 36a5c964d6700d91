"""ListImages answers one entry for every tag, and BatchGetImage the tag that was asked for.

MiniStack answers one entry for every image, with the tag set last.
"""

from ministack.services import ecr

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html"
ROWS = ["ecr: ListImages has every tag", "ecr: BatchGetImage answers the tag asked for"]


def install():
    @around(ecr, "_list_images", "(data)", "ee72ee16d753")
    def every(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        listed = []
        for entry in answer["imageIds"]:
            image = ecr._find_image(data["repositoryName"], {"imageDigest": entry["imageDigest"]})
            tags = image.get("imageTags") or []
            listed += [{"imageDigest": entry["imageDigest"], "imageTag": tag} for tag in tags] or [
                {"imageDigest": entry["imageDigest"]}
            ]
        return json_response({**answer, "imageIds": listed})

    @around(ecr, "_batch_get_image", "(data)", "b9c1da9cdc90")
    def get(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        found = [wanted for wanted in data.get("imageIds", []) if ecr._find_image(data["repositoryName"], wanted)]
        for image, wanted in zip(answer["images"], found, strict=True):
            image["imageId"] = {"imageDigest": image["imageId"]["imageDigest"]}
            if wanted.get("imageTag"):
                image["imageId"]["imageTag"] = wanted["imageTag"]
        return json_response(answer)
