#!/usr/bin/env bash
# What `cargo speed` runs beside deploy-action: the steps of a deployment as workflows write them with the aws command line and
# jq, one process for each call.
#
#   AWS         the aws command line, its words separated by spaces
#   WAITER      function-updated, or function-updated-v2, which looks every second instead of every five
#   FUNCTION    a function with the alias `live`                REPOSITORY  a repository of ECR with an image tagged `candidate`
#   ZIP         the package of release AFTER; BEFORE is the release that serves
#   METER       put before every command, to measure it; optional
set -euo pipefail
read -ra aws <<<"${AWS}"
read -ra meter <<<"${METER:-}"
work=$(mktemp -d)
trap 'rm -rf "${work}"' EXIT

aws() { "${meter[@]:-command}" "${aws[@]}" "$@"; }
jq() { "${meter[@]:-command}" jq "$@"; }

# answers <path> <release> <qualifier...>: invokes the function and judges its answer.
answers() {
    local path=$1 release=$2
    shift 2
    aws lambda invoke --function-name "${FUNCTION}" "$@" --payload "{\"rawPath\":\"${path}\"}" "${work}/answer.json" >"${work}/call.json" &&
        jq -e 'has("FunctionError") | not' "${work}/call.json" >/dev/null &&
        jq -e --arg release "${release}" '.statusCode == 200 and (.body | fromjson | .version) == $release' "${work}/answer.json" >/dev/null
}

# The image gets its tag of this environment; it is not pushed again.
aws ecr describe-images --repository-name "${REPOSITORY}" --image-ids imageTag=candidate >"${work}/image.json"
digest=$(jq -r '.imageDetails[0].imageDigest' "${work}/image.json")
aws ecr batch-get-image --repository-name "${REPOSITORY}" --image-ids "imageDigest=${digest}" >"${work}/images.json"
manifest=$(jq -r '.images[0].imageManifest' "${work}/images.json")
aws ecr put-image --repository-name "${REPOSITORY}" --image-tag promoted --image-manifest "${manifest}" >/dev/null

# What serves is kept for the way back.
aws lambda get-function --function-name "${FUNCTION}" >"${work}/function.json"
aws lambda get-alias --function-name "${FUNCTION}" --name live >"${work}/alias.json"
previous=$(jq -r .FunctionVersion "${work}/alias.json")

aws lambda update-function-code --function-name "${FUNCTION}" --zip-file "fileb://${ZIP}" >/dev/null
aws lambda wait "${WAITER}" --function-name "${FUNCTION}"
answers /health "${AFTER}"
answers /orders "${AFTER}"
aws lambda publish-version --function-name "${FUNCTION}" >"${work}/version.json"
version=$(jq -r .Version "${work}/version.json")

aws lambda update-alias --function-name "${FUNCTION}" --name live --function-version "${version}" >/dev/null
for pause in 1 2 4 8 16 0; do
    answers /health "${AFTER}" --qualifier live && break
    [ "${pause}" -gt 0 ] || exit 1
    sleep "${pause}"
done

# The way back.
aws lambda update-alias --function-name "${FUNCTION}" --name live --function-version "${previous}" >/dev/null
answers /health "${BEFORE}" --qualifier live
