"""Runs the checks, all areas at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

from . import (
    check_alarms,
    check_cloudfront,
    check_cloudwatch,
    check_codebuild,
    check_ecr,
    check_ecr_lifecycle,
    check_ecr_registry,
    check_ecr_scans,
    check_ecs,
    check_ecs_scripts,
    check_ecs_strategies,
    check_ecs_tasks,
    check_iam,
    check_iam_codebuild,
    check_iam_ecr,
    check_iam_ecs,
    check_iam_preflight,
    check_iam_registry,
    check_iam_sites,
    check_key_value_stores,
    check_lambda,
    check_lambda_images,
    check_lambda_runs,
    check_lambda_versions,
    check_logs,
    check_s3,
    check_secrets_manager,
    check_sns,
    check_sts,
)

AREAS = {
    "cloudfront": [*check_cloudfront.SECTIONS, *check_key_value_stores.SECTIONS],
    "cloudwatch": [*check_cloudwatch.SECTIONS, *check_alarms.SECTIONS],
    "codebuild": check_codebuild.SECTIONS,
    "ecr": [
        *check_ecr.SECTIONS,
        *check_ecr_lifecycle.SECTIONS,
        *check_ecr_registry.SECTIONS,
        *check_ecr_scans.SECTIONS,
    ],
    "ecs": [
        *check_ecs.SECTIONS,
        *check_ecs_scripts.SECTIONS,
        *check_ecs_strategies.SECTIONS,
        *check_ecs_tasks.SECTIONS,
    ],
    "iam": [
        *check_iam.SECTIONS,
        *check_iam_codebuild.SECTIONS,
        *check_iam_ecr.SECTIONS,
        *check_iam_ecs.SECTIONS,
        *check_iam_preflight.SECTIONS,
        *check_iam_registry.SECTIONS,
        *check_iam_sites.SECTIONS,
    ],
    "lambda": [
        *check_lambda.SECTIONS,
        *check_lambda_versions.SECTIONS,
        *check_lambda_images.SECTIONS,
        *check_lambda_runs.SECTIONS,
    ],
    "logs": check_logs.SECTIONS,
    "s3": check_s3.SECTIONS,
    "secretsmanager": check_secrets_manager.SECTIONS,
    "sns": check_sns.SECTIONS,
    "sts": check_sts.SECTIONS,
}


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python -m checks URL [area...]")
    url, wanted = sys.argv[1], sys.argv[2:] or list(AREAS)
    sections = [section for area in wanted for section in AREAS[area]]
    with ThreadPoolExecutor(max_workers=4) as pool:
        results = pool.map(lambda section: section(url), sections)
        for rows in results:
            for name, verdict, detail in rows:
                print(f"{name}\t{verdict}\t{' '.join(detail.split())[:300]}", flush=True)


main()
