"""Plugins, tasks and actions that build by their settings: read where these tell a Dockerfile that
is there, else said at their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

WOODPECKER = """\
steps:
  - name: publish
    image: woodpeckerci/plugin-docker-buildx
    settings:
      repo: example/api
      dockerfile: api/Dockerfile
      target: release
      tags: [a, $CI_COMMIT_TAG]
      build_args: {A: "1"}
"""
DRONE = """\
steps:
  - name: publish
    image: plugins/docker
    settings: {repo: example/api, context: api, dockerfile: api/Dockerfile, dry_run: true}
"""
AZURE = """\
steps:
  - task: Docker@2
    displayName: publish
    inputs: {Dockerfile: $(Build.SourcesDirectory)/api/Dockerfile, buildContext: api}
"""
RELEASE = "dockers:\n  - dockerfile: api/Dockerfile\n    image_templates: ['example/api']\n"
BESIDE = AZURE.replace(", buildContext: api", "")
TEKTON = (
    "spec:\n  steps:\n    - name: b\n      script: |\n        docker build -f api/Dockerfile .\n"
)
STEP = "jobs: {a: {runs-on: x, steps: [{uses: %s, with: {%s}}]}}\n"
FORK = STEP % ("who/build-push-action@v1", "context: ., file: api/Dockerfile, profile-name: p")
OWN = STEP % ("who/docker-build@v1", "dockerfile: api/Dockerfile, image: a")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (".woodpecker.yml", WOODPECKER, "api/Dockerfile|.|release"),
        (".drone.yml", DRONE, "api/Dockerfile|api|"),
        ("azure-pipelines.yml", AZURE, "api/Dockerfile|api|"),
        ("azure-pipelines.yml", BESIDE, "api/Dockerfile|api|"),
        (".goreleaser.yml", RELEASE, "api/Dockerfile|?|"),
        ("ci/task.yaml", TEKTON, "api/Dockerfile|.|"),
        (".github/workflows/w.yml", FORK, "api/Dockerfile|.|"),
    ],
)
def test_it_is_read(find: Find, short: Short, path: str, text: str, expected: str) -> None:
    found = find({path: text, "api/Dockerfile": ""})
    assert [short(build) for build in found.builds] == [expected]
    assert found.blind == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".woodpecker.yml", WOODPECKER), (".drone.yml", DRONE), ("azure-pipelines.yml", AZURE),
        (".goreleaser.yml", RELEASE), ("ci/task.yaml", TEKTON), (".github/workflows/w.yml", OWN),
        ("ci/task.yaml.j2", TEKTON),
    ],
)  # fmt: skip
def test_without_its_dockerfile_it_is_said(find: Find, path: str, text: str) -> None:
    found = find({path: text})
    assert found.builds == ()
    assert [blind.place.path for blind in found.blind] == [path]


def test_a_file_of_the_pipeline_is_read_as_that_alone(find: Find) -> None:
    job = "a: {script: [docker build -f api/Dockerfile .]}\n.b: {script: [docker build api]}\n"
    (build,) = find({".gitlab-ci.yml": job, "api/Dockerfile": ""}).builds
    assert build.site.kind is SiteKind.GITLAB


def test_the_settings_are_the_builds(find: Find) -> None:
    (build,) = find({".woodpecker.yml": WOODPECKER, "api/Dockerfile": ""}).builds
    assert (build.site.kind, build.site.name, build.push) == (SiteKind.PLUGIN, "publish", True)
    assert [tag.text for tag in build.tags] == ["example/api:a", "example/api:${CI_COMMIT_TAG}"]
    assert [argument.name for argument in build.arguments] == ["A"]
    (dry,) = find({".drone.yml": DRONE, "api/Dockerfile": ""}).builds
    assert not dry.push


def test_a_task_that_finds_its_dockerfile_itself_is_said(find: Find) -> None:
    text = AZURE.replace("$(Build.SourcesDirectory)/api/Dockerfile", "'**/Dockerfile'")
    found = find({"azure-pipelines.yml": text, "api/Dockerfile": ""})
    assert (found.builds, [blind.what for blind in found.blind]) == ((), ["the task Docker@2"])


def test_a_step_with_commands_runs_these_and_not_its_plugin(find: Find, short: Short) -> None:
    text = (
        "steps:\n  - image: woodpeckerci/plugin-docker-buildx\n    commands: [docker build api]\n"
    )
    found = find({".woodpecker.yml": text, "api/Dockerfile": "", "Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["api/Dockerfile|api|"]


def test_a_command_that_goes_on_in_the_next_line_is_read_in_other_yaml(
    find: Find, short: Short
) -> None:
    text = (
        "spec:\n  steps:\n    - name: b\n      script: |\n        /kaniko/executor \\\n"
        "          --dockerfile=api/Dockerfile --context=.\n"
    )
    found = find({"ci/task.yaml": text, "api/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["api/Dockerfile|.|"]
    assert found.blind == ()


def test_a_tag_of_a_task_is_known_as_far_as_the_file_gives_its_variables(find: Find) -> None:
    task = BESIDE.replace("inputs: {", "inputs: {repository: $(name), tags: $(tag), ")
    text = "variables: {name: api, tag: $(Build.BuildId)}\n" + task
    (build,) = find({"azure-pipelines.yml": text, "api/Dockerfile": ""}).builds
    assert [(tag.text, tag.known) for tag in build.tags] == [("api:${tag}", False)]
