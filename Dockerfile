# Annexa in a container: its own environment, no build tools, no root, nothing written but /data.
#
#   docker build -t annexa .                            (AWS and Linux)
#   docker build -t annexa --build-arg LIST=all .       (every platform, PDF, PostgreSQL)
#   docker run --read-only --cap-drop ALL -v annexa:/data \
#     -v ./annexa.toml:/etc/annexa/annexa.toml:ro annexa daemon
#
# With podman or buildah: --format docker, or the health check is left out. Two daemons with
# PostgreSQL: config/compose.yaml.

ARG BASE=python:3.13-slim

FROM ${BASE} AS builder
ARG LIST=run
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /src
# The environment that is shipped has no pip; the one that builds stays behind.
RUN python -m venv /build && python -m venv --without-pip /opt/annexa
COPY requirements/ requirements/
RUN /build/bin/pip install --only-binary :all: --require-hashes -r requirements/build.txt \
 && /build/bin/pip --python /opt/annexa/bin/python install \
    --only-binary :all: --require-hashes -r "requirements/${LIST}.txt"
COPY pyproject.toml README.md LICENSE scheduler.py ./
COPY annexa/ annexa/
COPY collectors/ collectors/
COPY config/ config/
COPY evidence_store/ evidence_store/
COPY mappings/ mappings/
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
 && /build/bin/pip --python /opt/annexa/bin/python install --no-deps --no-index /dist/*.whl

FROM ${BASE}
RUN useradd --no-log-init --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin annexa \
 && install --directory --owner annexa --group annexa --mode 0700 /data
COPY --from=builder /opt/annexa /opt/annexa
# PYTHONSAFEPATH: our rooms have plain names such as "config", so nothing beside the command may
# be imported. TMPDIR: a sweep spools to disk, and with --read-only only /data can be written.
ENV PATH=/opt/annexa/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/data \
    ANNEXA_STORE=/data/evidence.db \
    XDG_CONFIG_HOME=/etc
USER annexa
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["annexa", "health"]
ENTRYPOINT ["annexa"]
CMD ["--help"]
