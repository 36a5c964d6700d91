"""What a scan found, in the shapes of basic and of enhanced scanning.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanFinding.html
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EnhancedImageScanFinding.html
"""

import collections
import itertools

from ..scope import get_account_id, get_region

_SCORES = {"CRITICAL": 9.8, "HIGH": 8.1, "MEDIUM": 5.5, "LOW": 3.1}


def listed(told: dict | list) -> list[dict]:
    """The findings that a test tells: as a list, or how many there are of each severity."""
    if isinstance(told, list):
        return told
    numbers = itertools.count(1)
    return [
        {"name": f"CVE-2026-{next(numbers):04d}", "severity": severity}
        for severity, count in told.items()
        for _ in range(count)
    ]


def counted(findings: list[dict]) -> dict:
    return dict(collections.Counter(one["severity"] for one in findings))


def basic(one: dict) -> dict:
    return {
        "name": one["name"],
        "description": f"About {one['name']}",
        "uri": f"https://nvd.nist.gov/vuln/detail/{one['name']}",
        "severity": one["severity"],
        "attributes": [
            {"key": "package_name", "value": _package(one)},
            {"key": "package_version", "value": _version(one)},
        ],
        **one.get("fields", {}),
    }


def enhanced(one: dict, repository: str, image: dict, at: float) -> dict:
    """`fix` is YES, NO or PARTIAL, `exploit` YES or NO."""
    fix = one.get("fix", "YES")
    package = {"name": _package(one), "version": _version(one), "packageManager": "OS", "arch": "X86_64"}
    package |= {} if fix == "NO" else {"fixedInVersion": one.get("fixed", "1.1")}
    score = _SCORES.get(one["severity"], 0.0)
    details = {
        "registry": get_account_id(),
        "repositoryName": repository,
        "imageHash": image["imageDigest"],
        "imageTags": list(image.get("imageTags", [])),
        "platform": "DEBIAN_12",
        "architecture": "amd64",
        "pushedAt": image["imagePushedAt"],
    }
    return {
        "awsAccountId": get_account_id(),
        "type": "PACKAGE_VULNERABILITY",
        "title": f"{one['name']} - {_package(one)}",
        "description": f"About {one['name']}",
        "findingArn": f"arn:aws:inspector2:{get_region()}:{get_account_id()}:finding/{one['name'].lower()}",
        "firstObservedAt": at,
        "lastObservedAt": at,
        "updatedAt": at,
        "severity": one["severity"],
        "status": "ACTIVE",
        "score": score,
        "fixAvailable": fix,
        "exploitAvailable": one.get("exploit", "NO"),
        "remediation": {"recommendation": {"text": "None Provided"}},
        "packageVulnerabilityDetails": {
            "vulnerabilityId": one["name"],
            "source": "NVD",
            "sourceUrl": f"https://nvd.nist.gov/vuln/detail/{one['name']}",
            "vendorSeverity": one["severity"],
            "cvss": [{"baseScore": score, "version": "3.1", "source": "NVD", "scoringVector": "CVSS:3.1/AV:N"}],
            "vulnerablePackages": [package],
        },
        "resources": [
            {
                "type": "AWS_ECR_CONTAINER_IMAGE",
                "id": image["imageDigest"],
                "details": {"awsEcrContainerImage": details},
            }
        ],
        **one.get("fields", {}),
    }


def _package(one: dict) -> str:
    return one.get("package", "openssl")


def _version(one: dict) -> str:
    return one.get("version", "1.0")
