"""*same runtime*: a step on a sibling may be missing when its image has seen it, and only then."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

PROVIDER = """FROM node:22
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
"""
BEFORE = """FROM node:22
WORKDIR /sdk
COPY sdk ./
RUN npm ci
RUN npm run build
CMD ["node"]
"""
AFTER = """ARG SDK_IMAGE=scratch
FROM ${SDK_IMAGE} AS sdk

FROM node:22
WORKDIR /sdk
COPY --from=sdk /app ./
CMD ["node"]
"""
SCRIPT = """sdk:
  script:
    - docker build --tag $R/sdk --push sdk
web:
  script:
    - docker build --tag $R/web --push --file web/Dockerfile {}
"""


def verdict(
    before: str = BEFORE,
    after: str = AFTER,
    provider: str = PROVIDER,
    given: str = "$R/sdk",
    script: str = SCRIPT,
) -> Verdict:
    def facts(dockerfile: str, call: str) -> Facts:
        files = {
            "sdk/Dockerfile": provider,
            "sdk/docs/package.json": "{}",
            "sdk/package.json": "{}",
            "web/package.json": "{}",
            "web/Dockerfile": dockerfile,
            ".gitlab-ci.yml": script.replace("{}", call),
        }
        return Facts(Snapshot.of(files))

    image = Image("web/Dockerfile")
    owed = SameRuntime(image, image, frozenset({"sibling-image", "prefix-stripped"}))
    return check(owed, facts(before, "."), facts(after, f"--build-arg SDK_IMAGE={given} web"))


def test_steps_that_the_image_has_seen_may_be_missing() -> None:
    assert not verdict().failures


BUILD = "    - docker build --tag $R/sdk --push sdk\n"


@pytest.mark.parametrize(
    ("made", "given"),
    [
        ("    - docker build --tag $R/sdk:$(date +%s) --push sdk\n", '"$R/sdk:${OPAQUE}"'),
        ("    - source ./env\n    - docker build --tag $R/sdk:$TAG --push sdk\n", "$R/sdk:$TAG"),
        (
            "    - if [ $A ]; then TAG=1; else TAG=2; fi\n"
            "    - docker build --tag $R/sdk:$TAG --push sdk\n",
            "$R/sdk:$TAG",
        ),
        ('    - if [ "$MAIN" ]; then docker build --tag $R/sdk --push sdk; fi\n', "$R/sdk"),
        ("    - docker build --tag $R/sdk sdk\n    - test $A && docker push $R/sdk\n", "$R/sdk"),
        ("    - docker build --platform linux/arm64 --tag $R/sdk --push sdk\n", "$R/sdk"),
        ("    - docker build --tag $R/sdk:$CI_JOB_ID --push sdk\n", "$R/sdk:$CI_JOB_ID"),
    ],
)
def test_an_image_that_its_reader_does_not_surely_find_stands_for_nothing(
    made: str, given: str
) -> None:
    assert verdict(given=given, script=SCRIPT.replace(BUILD, made)).failures


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RUN npm ci\n", "RUN apk add git\nRUN npm ci\n"),
        ("RUN npm ci\n", "RUN npm ci --omit=dev\n"),
        ("RUN npm ci\n", "RUN cd docs && npm ci\n"),
        ("RUN npm ci\n", "RUN npm install -g typescript\n"),
        ("RUN npm ci\n", "RUN <<EOT\nnpm ci --force\nEOT\n"),
        ("RUN npm ci\n", "ENV NODE_ENV=production\nRUN npm ci\n"),
        ("RUN npm ci\n", "RUN npm ci\nRUN npm ci\n"),
    ],
)
def test_steps_that_it_has_not_seen_may_not(old: str, new: str) -> None:
    assert verdict(before=BEFORE.replace(old, new)).failures


@pytest.mark.parametrize("step", ["apk add git", "npm install -g x", "echo x > /etc/x", "./make"])
def test_what_changes_more_than_the_package_stays_though_both_run_it(step: str) -> None:
    both = f"RUN {step}\nRUN npm ci\n"
    before, provider = (text.replace("RUN npm ci\n", both) for text in (BEFORE, PROVIDER))
    assert verdict(before=before, provider=provider).failures
    kept = AFTER.replace("CMD", f"RUN {step}\nCMD")
    assert not verdict(before=before, after=kept, provider=provider).failures


@pytest.mark.parametrize(
    "provider",
    [
        PROVIDER.replace("RUN npm ci", "ENV NODE_ENV=production\nRUN npm ci"),
        PROVIDER.replace("RUN npm ci", "WORKDIR /app/docs\nRUN npm ci"),
        PROVIDER.replace("COPY . .", "COPY . /elsewhere"),
        PROVIDER + "FROM node:22\nWORKDIR /app\nCOPY . .\n",
    ],
)
def test_the_image_must_have_run_them_alike_and_kept_them(provider: str) -> None:
    assert verdict(provider=provider).failures


def test_a_package_may_reach_the_image_through_stages() -> None:
    final = "FROM node:22\nCOPY --from=build /app /opt/sdk\n"
    provider = PROVIDER.replace("node:22", "node:22 AS build") + final
    assert not verdict(provider=provider, after=AFTER.replace("/app", "/opt/sdk")).failures
    assert verdict(provider=provider, after=AFTER).failures


def test_another_image_explains_nothing() -> None:
    assert verdict(given="$R/other").failures


def test_a_copy_of_several_packages_may_be_split_as_it_was() -> None:
    before = "FROM node:22\nCOPY --chown=1:1 web/package.json sdk/docs/package.json /x/\n"
    head = AFTER.partition("WORKDIR")[0]
    flags = "COPY --chown=1:1"
    after = f"{head}{flags} package.json /x/\n{flags} --from=sdk /app/docs/package.json /x/\n"
    assert not verdict(before=before, after=after).failures
    assert verdict(before=before, after=after.replace("--chown=1:1 package", "package")).failures
    assert verdict(before=before, after=after.replace("package.json /x", "other.json /x")).failures
