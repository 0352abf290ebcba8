"""`slim-context --via cache` on fresh builders: which of the sibling's steps run again."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from lab.builder import Builder
from lab.lab import Lab
from runner.gitlab import work_tree
from runner.machine import HERE, Machine

pytestmark = pytest.mark.engine

MANIFEST = '{"name": "NAME", "version": "1.0.0", "scripts": {"build": "node build.js"}}'
LOCK = '{"name": "NAME", "version": "1.0.0", "lockfileVersion": 3, "packages": {}}'
PIPELINE = """\
stages: [sdk, web]
sdk:
  stage: sdk
  script:
    - docker buildx build
      --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/sdk:buildcache,mode=max
      --push --tag $CI_REGISTRY_IMAGE/sdk:1 sdk
web:
  stage: web
  script:
    - docker buildx build
      --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/web:buildcache
      --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/web:buildcache,mode=max
      --push --tag $CI_REGISTRY_IMAGE/web:1 --file web/Dockerfile .
"""
CONSUMER = """\
# syntax=docker/dockerfile:1
FROM node:22-alpine
WORKDIR /sdk
COPY ./sdk/package.json ./sdk/package-lock.json ./
RUN npm ci
COPY ./sdk ./
RUN npm run build
WORKDIR /web
COPY ./web ./
"""
PROVIDERS = {
    "whole": """\
FROM node:22-alpine
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build
CMD ["node", "dist.js"]
""",
    "stages": """\
FROM node:22-alpine AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci

FROM deps
COPY . ./
RUN npm run build
""",
}


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a repository of a consumer and a sibling, whose Dockerfile is given."""

    def make(provider: str) -> Path:
        folder = tmp_path / "repository"
        for name in ("sdk", "web"):
            (folder / name).mkdir(parents=True)
            (folder / name / "package.json").write_text(MANIFEST.replace("NAME", name))
            (folder / name / "package-lock.json").write_text(LOCK.replace("NAME", name))
        (folder / "sdk" / "build.js").write_text(
            'require("fs").writeFileSync("dist.js", "console.log(1)")\n'
        )
        (folder / "sdk" / "Dockerfile").write_text(provider)
        (folder / "web" / "Dockerfile").write_text(CONSUMER)
        (folder / ".gitlab-ci.yml").write_text(PIPELINE)
        work_tree(folder)
        return folder

    return make


def run_job(builder: Builder, folder: Path, name: str, registry: str) -> list[str]:
    """Run a job's build on a builder; gives BuildKit's lines."""
    pipeline = yaml.safe_load((folder / ".gitlab-ci.yml").read_text())
    script = " ".join(pipeline[name]["script"])
    text = script.replace("${CI_REGISTRY_IMAGE}", registry).replace("$CI_REGISTRY_IMAGE", registry)
    flags = ["--builder", builder.name, "--progress=plain", "--provenance=false"]
    words = shlex.split(text)
    done = subprocess.run(
        [*words[:3], *flags, *words[3:]],
        cwd=folder, env=dict(builder.env), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr.splitlines()


def steps(lines: list[str], stage: str) -> dict[str, bool]:
    """The RUN and COPY steps of the stages whose name begins so, each with whether it came out
    of a cache: BuildKit says so, or only that it fetches the layer."""
    cached = {line.split()[0] for line in lines if re.match(r"#\d+ (CACHED|sha256:)", line)}
    found = (re.match(r"(#\d+) \[(\S+) +\d+/\d+\] ((?:RUN|COPY) .*)", line) for line in lines)
    return {m[3]: m[1] in cached for m in found if m is not None and m[2].startswith(stage)}


@pytest.mark.parametrize("kind", list(PROVIDERS))
def test_no_step_of_the_sibling_runs_on_a_cold_runner(
    machine: Machine, lab: Lab, registry: str, tree: Callable[[str], Path], kind: str
) -> None:
    """The sibling's job fills its cache on one builder; on a fresh one the consumer's job finds
    all of the sibling's steps there, and the images are equal."""
    folder = tree(PROVIDERS[kind])
    printed = machine.dockerfix("slim-context", "web", "--via", "cache", "--quiet", cwd=folder)
    assert printed.code == 0, printed.err
    patch = printed.out.encode()
    verified = machine.dockerfix(
        "verify", "-", *HERE, "--seconds=1", "--format=json", cwd=folder, patch=patch
    )
    assert verified.code == 0, verified.out[-3000:] + verified.err[-3000:]
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, check=True)
    ref = f"{registry}/slim-cache-{kind}"
    with lab.cold_builder() as first:
        run_job(first, folder, "sdk", ref)
    with lab.cold_builder() as second:
        found = steps(run_job(second, folder, "web", ref), "sdk")
    assert len(found) == 4
    assert all(found.values()), found


def test_a_folder_of_the_context_is_no_whole_context(
    machine: Machine, lab: Lab, registry: str, tree: Callable[[str], Path]
) -> None:
    """Why the call site gives the sibling's folder as a named context: a COPY of it from the
    stage, and all steps behind it, are not found."""
    folder = tree(PROVIDERS["whole"])
    done = machine.dockerfix("slim-context", "web", "--via", "cache", "--write", cwd=folder)
    assert done.code == 0, done.err
    path = folder / ".gitlab-ci.yml"
    path.write_text(path.read_text().replace(" --build-context sdk-sources=sdk", ""))
    ref = f"{registry}/slim-cache-folder"
    with lab.cold_builder() as first:
        run_job(first, folder, "sdk", ref)
    with lab.cold_builder() as second:
        found = steps(run_job(second, folder, "web", ref), "sdk")
    assert found["RUN npm ci"]
    assert not found["COPY --from=sdk-sources . ."]
    assert not found["RUN npm run build"]
