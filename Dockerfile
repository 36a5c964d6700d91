# The image of the action: one static binary, the roots it trusts, and a shell for runners that need one.
#
#   docker build --tag deploy-action .
#
# FROM scratch with absolute ENTRYPOINT and without USER or WORKDIR: a container action runs as root in the runner's
# workspace (https://docs.github.com/en/actions/reference/workflows-and-actions/dockerfile-support).

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends busybox-static ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
# glibc linked statically resolves names by /etc/hosts and DNS without further files. The target is named because without it
# the flag would reach procedural macros, which cannot be static.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --package deploy-action --target "$target" \
    && install -D "target/$target/release/deploy-action" /image/usr/local/bin/deploy-action \
    && install -D /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    # Runners on Kubernetes start steps with `sh`, `env` and `tail` of the image (actions/runner-container-hooks).
    && install -D /bin/busybox /image/bin/busybox \
    && for name in sh env tail; do ln -s busybox "/image/bin/$name"; done \
    && mkdir -p /image/usr/bin && ln -s /bin/busybox /image/usr/bin/env \
    && install -d -m 1777 /image/tmp

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/local/bin:/usr/bin:/bin
ENTRYPOINT ["/usr/local/bin/deploy-action"]
