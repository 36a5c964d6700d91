"""Sites of the checks: buckets with distributions in front, and viewers."""

import http.client
import secrets
from urllib.parse import urlsplit

from .common import REGION


class Site:
    """A distribution in front of a bucket."""

    def __init__(self, c, bucket: str | None = None, **fields):
        self.c, self.s3, self.cloudfront = c, c.client("s3"), c.client("cloudfront")
        self.bucket = bucket or f"site-{secrets.token_hex(6)}"
        made = c.control("POST", f"accounts/{c.account}/edge/site?region={REGION}", {"bucket": self.bucket, **fields})
        self.id, self.arn, self.domain, self.path = (made[name] for name in ("distribution", "arn", "domain", "path"))
        self.store, self.function = made.get("store"), made.get("function")

    def put(self, key: str, body: str, **fields) -> dict:
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), **fields)

    def view(self, path: str, method="GET", host=None, **headers):
        """Status, header fields and body of what a viewer gets."""
        connection = http.client.HTTPConnection(urlsplit(self.c.url).netloc, timeout=30)
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host or self.domain, **fields})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return (
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            body.decode("utf-8", "replace"),
        )

    def status(self, path: str) -> int:
        """The status, of what is answered by CloudFront."""
        status, fields, _ = self.view(path)
        return status if "cloudfront" in fields.get("x-cache", "") else 0

    def said(self, path: str, **headers) -> tuple[str, str]:
        """What the edge says of itself, and the body."""
        _, fields, body = self.view(path, **headers)
        return fields.get("x-cache", "").split(" ")[0], body

    def pass_time(self, seconds: float) -> None:
        self.c.control("POST", f"accounts/{self.c.account}/clock", {"advance": seconds})

    def invalidate(self, *paths: str, reference=None, quantity=None) -> dict:
        batch = {"Paths": {"Quantity": quantity or len(paths), "Items": list(paths)}}
        batch["CallerReference"] = reference or secrets.token_hex(8)
        made = self.cloudfront.create_invalidation(DistributionId=self.id, InvalidationBatch=batch)
        return made["Invalidation"]

    def invalidation(self, id: str) -> str:
        return self.cloudfront.get_invalidation(DistributionId=self.id, Id=id)["Invalidation"]["Status"]

    def invalidated(self, *paths: str) -> None:
        """Invalidates, and waits until it is completed."""
        self.invalidate(*paths)
        self.pass_time(60)

    def change(self, **fields) -> dict:
        """Changes fields of its configuration, or those of its only origin by `origin`."""
        found = self.cloudfront.get_distribution_config(Id=self.id)
        config = found["DistributionConfig"]
        config["Origins"]["Items"][0].update(fields.pop("origin", {}))
        config.update(fields)
        return self.cloudfront.update_distribution(Id=self.id, IfMatch=found["ETag"], DistributionConfig=config)
