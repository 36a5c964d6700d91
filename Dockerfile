# The image of the action: the program, the roots it trusts, and a shell for runners that need one. tools/image builds the
# program, lays these files out in a folder, and assembles the image from it: the one that is tested and the one that is released.
#
# FROM scratch, an absolute ENTRYPOINT, no USER and no WORKDIR: a container action runs as root in the runner's workspace
# (https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support).
FROM scratch
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="deploy-action" \
      org.opencontainers.image.description="Carry one built artifact from dev to staging to production on AWS" \
      org.opencontainers.image.source="https://github.com/org/deploy-action" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY . /
ENV PATH=/usr/local/bin:/usr/bin:/bin
ENTRYPOINT ["/usr/local/bin/deploy-action"]
