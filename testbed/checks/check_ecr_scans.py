"""Scans of images: how a registry is configured, where a scan has come to, and what it found.

https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from .check_ecr import Images
from .common import section

ALL = [{"filter": "*", "filterType": "WILDCARD"}]


class Scans(Images):
    """Images that are scanned when they are pushed."""

    def __init__(self, c, repository="app", on_push=True):
        super().__init__(c, repository, imageScanningConfiguration={"scanOnPush": on_push})
        self.c = c

    def enhanced(self, frequency="CONTINUOUS_SCAN"):
        rules = [{"scanFrequency": frequency, "repositoryFilters": ALL}]
        return self.ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)

    def tell(self, image=None, **told):
        self.c.control("POST", f"accounts/{self.c.account}/ecr/scan", [{"repository": "app", "image": image, **told}])

    def page(self, image, **options):
        kind = "imageDigest" if image.startswith("sha256:") else "imageTag"
        return self.ecr.describe_image_scan_findings(repositoryName=self.repository, imageId={kind: image}, **options)

    def status(self, image):
        return self.page(image)["imageScanStatus"]["status"]

    def start(self, image):
        return self.ecr.start_image_scan(repositoryName=self.repository, imageId={"imageDigest": image})

    def advance(self, seconds):
        self.c.control("POST", f"accounts/{self.c.account}/clock", {"advance": seconds})

    def through(self, image, *seconds):
        """The statuses of a scan, with time in between."""
        found = [self.status(image)]
        for number in seconds:
            self.advance(number)
            found.append(self.status(image))
        return found


@section("ecr")
def configuration(c):
    e = Images(c, "app").ecr
    Images(c, "old", imageScanningConfiguration={"scanOnPush": True})
    c.row(
        "GetRegistryScanningConfiguration is basic at first",
        lambda: e.get_registry_scanning_configuration()["scanningConfiguration"],
        want=lambda r: r == {"scanType": "BASIC", "rules": []},
    )
    of = lambda: e.batch_get_repository_scanning_configuration(repositoryNames=["app", "old", "none"])
    told = lambda: {
        one["repositoryName"]: (one["scanFrequency"], one["scanOnPush"], len(one["appliedScanFilters"]))
        for one in of()["scanningConfigurations"]
    }
    rule = lambda frequency, pattern: {
        "scanFrequency": frequency,
        "repositoryFilters": [{"filter": pattern, "filterType": "WILDCARD"}],
    }

    def by_rules():
        found = [told(), of()["failures"][0]["failureCode"]]
        rules = [rule("SCAN_ON_PUSH", "*"), rule("CONTINUOUS_SCAN", "a*")]
        e.put_registry_scanning_configuration(scanType="ENHANCED", rules=rules)
        return [*found, told()]

    c.row(
        "BatchGetRepositoryScanningConfiguration by the rules",
        by_rules,
        want=lambda r: (
            r
            == [
                {"app": ("MANUAL", False, 0), "old": ("SCAN_ON_PUSH", True, 0)},
                "REPOSITORY_NOT_FOUND",
                {"app": ("CONTINUOUS_SCAN", False, 1), "old": ("SCAN_ON_PUSH", True, 1)},
            ]
        ),
    )
    c.row(
        "PutRegistryScanningConfiguration of enhanced scanning",
        lambda: e.get_registry_scanning_configuration()["scanningConfiguration"],
        want=lambda r: r["scanType"] == "ENHANCED" and len(r["rules"]) == 2,
    )
    c.row(
        "PutRegistryScanningConfiguration of basic scanning that is continuous",
        lambda: e.put_registry_scanning_configuration(scanType="BASIC", rules=[rule("CONTINUOUS_SCAN", "*")]),
        error="InvalidParameter",
    )


@section("ecr")
def basic(c):
    s = Scans(c)
    c.set(ecr_scan_delay=30)
    one = s.push("v1")
    c.row(
        "a basic scan on push is IN_PROGRESS, then COMPLETE",
        lambda: s.through(one, 31),
        want=lambda r: r == ["IN_PROGRESS", "COMPLETE"],
    )
    s.tell(
        "v1", status="COMPLETE", findings=[{"name": "CVE-1", "severity": "HIGH", "package": "zlib", "version": "1.2"}]
    )
    c.row(
        "a basic scan tells its findings",
        lambda: s.page("v1")["imageScanFindings"],
        want=lambda r: (
            r["findingSeverityCounts"] == {"HIGH": 1}
            and (r["findings"][0]["name"], r["findings"][0]["severity"]) == ("CVE-1", "HIGH")
            and {one["key"]: one["value"] for one in r["findings"][0]["attributes"]}
            == {"package_name": "zlib", "package_version": "1.2"}
            and r["imageScanCompletedAt"]
        ),
    )
    s.tell("v1", status="COMPLETE", findings={"CRITICAL": 3, "LOW": 202})

    def pages():
        found, token = [], {}
        while True:
            page = s.page("v1", **token)
            found.append([one["name"] for one in page["imageScanFindings"]["findings"]])
            if "nextToken" not in page:
                return found, page["imageScanFindings"]["findingSeverityCounts"]
            token = {"nextToken": page["nextToken"]}

    c.row(
        "DescribeImageScanFindings brings every finding once, in pages of 100",
        pages,
        want=lambda r: (
            [len(page) for page in r[0]] == [100, 100, 5]
            and len({name for page in r[0] for name in page}) == 205
            and r[1] == {"CRITICAL": 3, "LOW": 202}
        ),
    )
    s.tell("v1", states=[{"for": 60, "status": "PENDING"}, {"for": 60, "status": "IN_PROGRESS"}, {"status": "FAILED"}])
    c.row(
        "a scan goes through the states that a test tells",
        lambda: s.through("v1", 61, 61),
        want=lambda r: r == ["PENDING", "IN_PROGRESS", "FAILED"],
    )
    s.tell("v1", status="QUARANTINED")
    c.row("a scan of a status that nobody knows", lambda: s.status("v1"), want=lambda r: r == "QUARANTINED")
    c.row("DescribeImageScanFindings of a missing image", lambda: s.page("none"), error="ImageNotFound")
    index = s.index("multi", one)

    def platforms():
        s.tell(one, status="COMPLETE", findings={"HIGH": 1})
        found = [s.page(one)["imageScanFindings"]["findingSeverityCounts"]]
        try:
            s.page("multi")
        except s.ecr.exceptions.ScanNotFoundException:
            found.append("none")
        s.tell("multi", status="UNSUPPORTED_IMAGE")
        return [*found, s.status("multi")]

    c.row(
        "the images of an index are scanned, and the index is not",
        platforms,
        want=lambda r: r == [{"HIGH": 1}, "none", "UNSUPPORTED_IMAGE"],
    )
    c.row("StartImageScan of an index", lambda: s.start(index), error="UnsupportedImageType")
    c.row(
        "an attestation is UNSUPPORTED_IMAGE", lambda: s.status(s.attest(one)), want=lambda r: r == "UNSUPPORTED_IMAGE"
    )


@section("ecr")
def started(c):
    s = Scans(c, on_push=False)
    one = s.push("v1")
    c.row("DescribeImageScanFindings of an image that was not scanned", lambda: s.page("v1"), error="ScanNotFound")
    c.row(
        "StartImageScan",
        lambda: (
            s.start(one)["imageScanStatus"]["status"],
            c.until(lambda: s.status(one), lambda r: r != "IN_PROGRESS"),
        ),
        want=lambda r: r == ("IN_PROGRESS", "COMPLETE"),
    )
    c.row("StartImageScan twice in 24 hours", lambda: (s.start(one), s.start(one)), error="LimitExceeded")
    two = s.push("v2")
    s.ecr.update_image_storage_class(repositoryName="app", imageId={"imageDigest": two}, targetStorageClass="ARCHIVE")
    c.row("StartImageScan of an archived image", lambda: s.start(two), error="ImageArchived")
    c.row("the scan of an archived image", lambda: s.status(two), want=lambda r: r == "IMAGE_ARCHIVED")


@section("ecr")
def enhanced(c):
    s = Scans(c)
    s.enhanced()
    c.set(ecr_scan_delay=30)
    s.push("v1")
    c.row(
        "an enhanced scan is PENDING, then ACTIVE",
        lambda: s.through("v1", 31),
        want=lambda r: r == ["PENDING", "ACTIVE"],
    )
    told = [
        {"name": "CVE-1", "severity": "CRITICAL", "package": "zlib", "fix": "NO", "exploit": "YES"},
        {"name": "CVE-2", "severity": "UNTRIAGED", "fixed": "3.0"},
    ]
    s.tell("v1", status="ACTIVE", findings=told)
    c.row(
        "an enhanced scan tells its findings",
        lambda: s.page("v1")["imageScanFindings"],
        want=lambda r: (
            r["findingSeverityCounts"] == {"CRITICAL": 1, "UNTRIAGED": 1}
            and [
                (
                    one["packageVulnerabilityDetails"]["vulnerabilityId"],
                    one["severity"],
                    one["fixAvailable"],
                    one["exploitAvailable"],
                )
                for one in r["enhancedFindings"]
            ]
            == [("CVE-1", "CRITICAL", "NO", "YES"), ("CVE-2", "UNTRIAGED", "YES", "NO")]
            and r["enhancedFindings"][1]["packageVulnerabilityDetails"]["vulnerablePackages"][0]["fixedInVersion"]
            == "3.0"
        ),
    )
    s.tell("v1", status="COMPLETE")
    c.row(
        "an enhanced scan is COMPLETE before its findings are there",
        lambda: s.page("v1"),
        want=lambda r: r["imageScanStatus"]["status"] == "COMPLETE" and r["imageScanFindings"] == {"findings": []},
    )
    c.row("StartImageScan with enhanced scanning", lambda: s.start(s.push("v2")), error="ValidationException")


SECTIONS = [configuration, basic, started, enhanced]
