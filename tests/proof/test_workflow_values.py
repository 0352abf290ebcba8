"""Rows and inputs of a workflow: other values may choose an image, and do nothing else."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
from dockerfix.proof.obligation import Image
from dockerfix.proof.pipeline.workflow_change import WorkflowChange
from dockerfix.text import Snapshot

PATH = ".github/workflows/images.yml"
ROWS = """\
on: push
jobs:
  images:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        image:
          - {{name: api, context: .}}
          - {{name: web, context: {context}}}
    steps:
{before}      - uses: docker/build-push-action@v6
        with:
          context: ${{{{ matrix.image.context }}}}
          file: ${{{{ matrix.image.name }}}}/Dockerfile
{after}"""
CALLED = """\
on:
  workflow_call:
    inputs:
      file: {{type: string, required: true}}
{declared}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
{before}      - uses: docker/build-push-action@v6
        with:
          context: .
          file: ${{{{ inputs.file }}}}
{target}"""
TARGET = "          target: ${{ inputs.target }}\n"
OPTIONAL = '      target: {required: false, type: string, default: ""}'


def holds(before: str, after: str) -> bool:
    sides = [Snapshot.of({PATH: text.encode()}) for text in (before, after)]
    verdict = check(WorkflowChange(PATH), *map(Facts, sides))
    return verdict.holds


@pytest.mark.parametrize(
    "reading",
    [
        "      - run: ls ${{ matrix.image.context }}\n",
        "      - run: ls\n        if: matrix.image.context == '.'\n",
        "      - uses: actions/cache@v4\n        with: {path: '${{ matrix.image.context }}'}\n",
        "      - run: echo '${{ toJSON(matrix.image) }}' > image.json\n",
        "      - run: make test\n        env: {ALL: '${{ toJSON(matrix) }}'}\n",
    ],
)
def test_another_step_reads_what_a_row_says(reading: str) -> None:
    sides = [ROWS.format(context=c, before=reading, after="") for c in (".", "web")]
    assert not holds(*sides)


def test_a_row_chooses_its_context() -> None:
    quiet = "      - run: ./note ${{ matrix.image.name }}\n"
    sides = [ROWS.format(context=c, before=quiet, after="") for c in (".", "web")]
    assert holds(*sides)
    more = sides[1].replace("name: web,", "name: site,")
    assert not holds(sides[0], more)


def test_one_more_row_is_another_image() -> None:
    before = ROWS.format(context=".", before="", after="")
    assert not holds(before, before.replace("    steps:", "          - {name: x}\n    steps:"))


@pytest.mark.parametrize(
    ("declared", "before", "good"),
    [
        (OPTIONAL, "", True),
        (OPTIONAL.replace("false", "true"), "", False),
        (OPTIONAL.replace('""', "api"), "", False),
        (OPTIONAL.replace("string", "boolean"), "", False),
        (OPTIONAL, "      - run: ./check ${{ inputs.target }}\n", False),
        (OPTIONAL, "      - run: docker build --target ${{ inputs.target }} .\n", True),
        (OPTIONAL, "      - run: ./check '${{ toJSON(inputs) }}'\n", False),
        (OPTIONAL, "      - run: ls\n        if: inputs.target\n", False),
    ],
)
def test_an_input_that_need_not_be_given(declared: str, before: str, good: bool) -> None:
    old = CALLED.format(declared="", before=before, target="")
    new = CALLED.format(declared=declared, before=before, target=TARGET)
    assert holds(old, new) is good


OUTPUTS = """\
on: push
jobs:
  images:
    strategy:
      matrix:
        include:
          - {{name: api, file: {0}, target: {1}}}
          - {{name: web, file: {2}, target: {3}}}
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: .
          file: ${{{{ matrix.file }}}}
          target: ${{{{ matrix.target }}}}
          outputs: type=image,name=example/${{{{ matrix.name }}}},push-by-digest=true,push=true
"""


@pytest.mark.parametrize("targets", [("api", "web"), ("web", "api")])
def test_images_that_are_pushed_by_digest_are_told_apart(targets: tuple[str, str]) -> None:
    names = ("api", "web")
    stages = {name: f"FROM debian:12 AS {name}\nRUN install {name}\n" for name in names}
    old = {f"{name}.Dockerfile": stages[name] for name in names}
    old[PATH] = OUTPUTS.format("api.Dockerfile", "''", "web.Dockerfile", "''")
    first, second = targets
    new = {"all.Dockerfile": "".join(stages.values())}
    new[PATH] = OUTPUTS.format("all.Dockerfile", first, "all.Dockerfile", second)
    pairs = tuple((Image(f"{n}.Dockerfile"), Image("all.Dockerfile", n)) for n in names)
    sides = [Facts(Snapshot.of({p: t.encode() for p, t in side.items()})) for side in (old, new)]
    verdict = check(SameImagesAskedFor(pairs), *sides)
    assert verdict.holds is (targets == names)


ACTION = "./.github/actions/image/action.yml"
HANDED = """\
on:
  workflow_call:
    inputs:
      file: {{type: string, required: true}}
{declared}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: ./.github/actions/image
        with:
          file: ${{{{ inputs.file }}}}
{target}"""
COMPOSITE = """\
name: image
inputs: {{file: {{required: true}}, target: {{required: false, default: ""}}}}
runs:
  using: composite
  steps:
{before}    - uses: docker/build-push-action@v6
      with: {{context: ., file: "${{{{ inputs.file }}}}", target: "${{{{ inputs.target }}}}"}}
"""


@pytest.mark.parametrize(
    ("more", "held"),
    [
        ("", True),
        ("    - run: ./lint ${{ inputs.target }}\n      shell: bash\n", False),
        ("    - uses: ./.github/actions/none\n      with: {a: '${{ inputs.target }}'}\n", False),
        ("    - uses: actions/cache@v4\n      with: {key: '${{ inputs.target }}'}\n", False),
    ],
)
def test_an_input_is_handed_on_to_an_action_that_chooses_an_image(more: str, held: bool) -> None:
    action = COMPOSITE.format(before=more).encode()
    old = HANDED.format(declared="", target="")
    new = HANDED.format(declared=OPTIONAL, target=TARGET)
    files = [{PATH: text.encode(), ACTION.removeprefix("./"): action} for text in (old, new)]
    verdict = check(WorkflowChange(PATH), *(Facts(Snapshot.of(held)) for held in files))
    assert verdict.holds is held
