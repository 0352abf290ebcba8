"""Expressions of bake files: matrices, functions and conditions that reading can compute."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build

Find = Callable[..., BuildList]

HEAD = """\
variable "VERSIONS" { default = [21, 25] }
variable "PARTS" { default = { api = { port = 1 }, web = { port = 2 } } }
variable "RELEASE" { default = "false" }
variable "REPO" { default = "example" }
function "tag" {
  params = [name]
  result = "${REPO}/${name}:1"
}
function "file" {
  params = [name, more]
  result = equal(name, "web") ? "web/${more}" : "api/${more}"
}
"""


def baked(find: Find, body: str, head: str = HEAD) -> list[Build]:
    files = {"docker-bake.hcl": head + body, "api/Dockerfile": "", "web/Dockerfile": ""}
    found = find(files)
    assert found.blind == ()
    return list(found.builds)


MATRICES = {
    "a variable": ("n = VERSIONS", "t-${n}", ["t-21", "t-25"]),
    "a loop": ("n = [for k, v in PARTS : k if v.port > 1]", "t-${n}", ["t-web"]),
    "keys of a map": ("n = keys(PARTS)", "${n}", ["api", "web"]),
    "two axes": ('n = VERSIONS, m = ["a"]', "${m}_${n}", ["a_21", "a_25"]),
    "a condition": ('n = RELEASE == "true" ? ["x"] : concat(["y"], ["z"])', "${n}", ["y", "z"]),
    "a changed name": ('n = ["a.b"]', '${replace(n, ".", "-")}', ["a-b"]),
}


@pytest.mark.parametrize(("axes", "name", "expected"), MATRICES.values(), ids=MATRICES)
def test_a_matrix_that_is_computed(find: Find, axes: str, name: str, expected: list[str]) -> None:
    body = f'target "t" {{\n  matrix = {{ {axes} }}\n  name = "{name}"\n  context = "api"\n}}\n'
    assert [build.site.name for build in baked(find, body)] == expected


def test_a_function_knows_the_row(find: Find) -> None:
    body = (
        'target "t" {\n  matrix = { n = keys(PARTS) }\n  name = n\n'
        '  dockerfile = file(n, "Dockerfile")\n  tags = [tag(n)]\n'
        "  args = { PORT = PARTS[n].port }\n}\n"
    )
    first, second = baked(find, body)
    assert (first.dockerfile, second.dockerfile) == ("api/Dockerfile", "web/Dockerfile")
    assert [tag.text for tag in first.tags] == ["${REPO:-example}/api:1"]
    assert [a.value.text for a in second.arguments if a.value is not None] == ["2"]


def test_what_a_text_of_the_environment_decides_is_not_known(find: Find) -> None:
    body = (
        'target "t" {\n  context = "api"\n'
        '  tags = [RELEASE == "true" ? "a:1" : "b:1"]\n'
        '  target = notequal(REPO, "") ? "x" : "y"\n}\n'
    )
    (build,) = baked(find, body)
    assert all(not tag.known for tag in build.tags)
    assert build.target is not None
    assert not build.target.known


@pytest.mark.parametrize(
    "axes", ['n = split(",", LATER)', "n = unheard_of()", "n = loop(1)", "n = [for x in 3 : x]"]
)
def test_a_matrix_that_cannot_be_computed_is_said(find: Find, axes: str) -> None:
    head = 'function "loop" {\n  params = [a]\n  result = loop(a)\n}\n'
    body = f'target "t" {{\n  matrix = {{ {axes} }}\n  name = "${{n}}"\n}}\n'
    found = find({"docker-bake.hcl": head + body, "Dockerfile": ""})
    assert found.builds == ()
    assert [blind.why for blind in found.blind] == ["target t has a matrix that is computed"]


def test_a_call_that_prints_builds_nothing(find: Find) -> None:
    files = {"b.sh": "docker buildx bake --print t\n", "docker-bake.hcl": 'target "t" {}\n'}
    (build,) = find({**files, "Dockerfile": ""}).builds
    assert build.site.place.path == "docker-bake.hcl"
