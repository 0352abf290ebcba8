# syntax=docker/dockerfile:1

# The image of dockerfix: the command and what it imports, and no build tools.
#
#   docker run --rm -v "$PWD:/work" dockerfix check

FROM python:3.13.9-alpine3.22 AS build
RUN python -m venv --without-pip /opt/dockerfix
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY docs/dockerfix.1 docs/
COPY dockerfix dockerfix
COPY transforms transforms
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/dockerfix/bin/python install --disable-pip-version-check '.[gitlab]'

FROM python:3.13.9-alpine3.22
COPY --from=build /opt/dockerfix /opt/dockerfix
ENV PATH=/opt/dockerfix/bin:$PATH
WORKDIR /work
USER 10001:10001
ENTRYPOINT ["dockerfix"]
CMD ["--help"]
