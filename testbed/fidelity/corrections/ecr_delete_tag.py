"""BatchDeleteImage of one tag of several takes the tag away and leaves the image.

MiniStack deletes the image with all its tags: what a rollback needs is gone.
"""

from ministack.services import ecr

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html"
ROWS = ["ecr: BatchDeleteImage by one tag of two leaves the image"]


def install():
    @around(ecr, "_batch_delete_image", "(data)", "65fc8eea2738")
    def delete(inner, data):
        name = data.get("repositoryName")
        if name not in ecr._repositories:
            return inner(data)
        removed, left = [], []
        for wanted in data.get("imageIds", []):
            image = ecr._find_image(name, wanted)
            tag = wanted.get("imageTag")
            if image and tag and not wanted.get("imageDigest") and len(image.get("imageTags", [])) > 1:
                image["imageTags"].remove(tag)
                image["imageId"]["imageTag"] = image["imageTags"][-1]
                removed.append({"imageDigest": image["imageDigest"], "imageTag": tag})
            else:
                left.append(wanted)
        answer = body_of(inner({**data, "imageIds": left}))
        answer["imageIds"] = removed + answer["imageIds"]
        return json_response(answer)
