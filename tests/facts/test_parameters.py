"""Parameters of CircleCI and Azure Pipelines: a value counts where it is given, not elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

DOCKERFILES = {f"{name}/Dockerfile": "" for name in ("api", "job", "web")}
CIRCLE = """\
parameters: {top: {type: string, default: api}}
commands:
  image:
    parameters: {dir: {type: string}, file: {type: string, default: Dockerfile}}
    steps:
      - run: docker build -f << parameters.dir >>/<< parameters.file >> << parameters.dir >>
  never: {steps: [{run: docker build << parameters.image >>}]}
jobs:
  one:
    docker: [{image: web}]
    parameters: {part: {type: string, default: api}}
    steps: [{image: {dir: << parameters.part >>}}]
  two:
    parameters: {dir: {type: string, default: api}}
    steps: [{run: docker build << parameters.dir >>}]
  three: {steps: [{run: docker build << pipeline.parameters.top >>}]}
workflows:
  all: {jobs: [one, {one: {name: again, part: web}}, {two: {matrix: {parameters: {dir: [job]}}}}]}
"""


def circle(find: Find, text: str, job: str) -> list[Build]:
    found = find({".circleci/config.yml": text, **DOCKERFILES})
    return [build for build in found.builds if build.site.name == job]


def test_a_command_takes_what_its_callers_give_or_hand_on(find: Find, short: Short) -> None:
    builds = circle(find, CIRCLE, "image")
    assert [short(build) for build in builds] == ["api/Dockerfile|api|", "web/Dockerfile|web|"]
    assert all(build.unknown == () for build in builds)


def test_a_job_takes_the_rows_of_its_matrix_alone(find: Find, short: Short) -> None:
    assert [short(build) for build in circle(find, CIRCLE, "two")] == ["job/Dockerfile|job|"]


def test_what_is_not_declared_is_not_known(find: Find, short: Short) -> None:
    assert [short(build) for build in circle(find, CIRCLE, "never")] == ["?|?|"]


def test_a_default_of_the_pipeline_holds_unless_it_is_given(find: Find, short: Short) -> None:
    (build,) = circle(find, CIRCLE, "three")
    assert short(build) == "api/Dockerfile|api|"
    assert build.unknown == ("the context is api unless pipeline_parameters_top is set elsewhere",)


def test_a_command_that_calls_itself_ends(find: Find) -> None:
    text = CIRCLE.replace(
        "    steps:\n      - run",
        "    steps:\n      - image: {dir: << parameters.dir >>}\n      - run",
    )
    assert circle(find, text, "image")


AZURE = """\
parameters:
  - {name: dir, type: string, default: api}
variables:
  - {name: imageDir, value: job}
steps:
  - script: docker build ${{ parameters.dir }}
  - script: docker build $(imageDir)
  - template: other.yml
    parameters: {dir: web, imageDir: web}
"""


def test_what_a_template_gets_is_no_value_of_the_file(find: Find, short: Short) -> None:
    builds = find({"azure-pipelines.yml": AZURE, **DOCKERFILES}).builds
    assert [short(build) for build in builds] == ["api/Dockerfile|api|", "job/Dockerfile|job|"]
    assert builds[0].unknown == ("the context is api unless parameters_dir is set elsewhere",)


def test_a_parameter_without_default_is_not_known(find: Find, short: Short) -> None:
    text = AZURE.replace(", default: api", "")
    builds = find({"azure-pipelines.yml": text, **DOCKERFILES}).builds
    assert [short(build) for build in builds] == ["?|?|", "job/Dockerfile|job|"]
