"""Bake files in HCL and JSON, and the builds that calls of bake ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.bake import parse_bake
from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind, Tool
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot, Source

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

HCL = """
variable "TAG" { default = "latest" }
variable "REGISTRY" {
  default = "r/${TAG}"
}
variable "EMPTY" {}
group "default" { targets = ["a", "more"] }
group "more" { targets = ["b"] }
target "_base" {
  dockerfile = "D"
  args = { A = "a", B = "b" }
  # a comment
  labels = { l = "1" }
}
target "a" {
  inherits   = ["_base"]
  context    = "app"
  target     = "dev"
  args       = { B = "own", "C" = TAG }
  tags       = ["${REGISTRY}/a:${TAG}", "x:${EMPTY}"]
  cache-from = ["type=gha"]
  output     = ["type=registry"]
  platforms  = ["linux/amd64"]
}
target "b" {
  dockerfile = notequal("", TAG) ? "D1" : "D2"
  contexts   = { n = "target:a" }
}
target "c" {
  name     = "c-${v}"
  matrix   = { v = ["1", "2"] }
  dockerfile = "D.${v}"
}
"""


def test_targets_with_what_they_inherit() -> None:
    file = parse_bake(Source("docker-bake.hcl", HCL.encode()))
    a = file.targets["a"]
    assert a.attributes["dockerfile"] == "D"
    assert a.attributes["args"] == {"A": "a", "B": "own", "C": "${TAG}"}
    assert a.attributes["tags"] == ["${REGISTRY}/a:${TAG}", "x:${EMPTY}"]
    assert HCL[slice(*a.places["target"].span)] == '"dev"'
    assert "dockerfile" not in a.places
    assert [t.name for t in file.selected(())] == ["a", "b"]
    assert [t.name for t in file.selected(("more", "a", "b"))] == ["b", "a"]
    assert file.broken == ()
    assert file.unread == ()
    assert file.groups["c"] == ("c-1", "c-2")
    assert file.targets["c-2"].attributes["dockerfile"] == "D.2"


def test_a_matrix_of_objects_and_one_that_is_computed() -> None:
    text = (
        'target "t" {\n  name = "x-${item.n}-${v}"\n  inherits = ["base"]\n'
        '  matrix = { item = [{ n = "a", d = "one" }, { n = "b", d = "two" }], v = ["1"] }\n'
        "  context = item.d\n}\n"
        'target "base" { dockerfile = "D" }\n'
        'target "u" {\n  name = v\n  matrix = { v = LIST }\n}\n'
    )
    file = parse_bake(Source("docker-bake.hcl", text.encode()))
    assert {n: (t.attributes.get("context"), t.matrix) for n, t in file.targets.items()} == {
        "x-a-1": ("one", True), "x-b-1": ("two", True), "base": (None, False),
    }  # fmt: skip
    assert file.targets["x-a-1"].attributes["dockerfile"] == "D"
    assert [why for _, why in file.unread] == ["target u has a matrix that is computed"]
    json = '{"target": {"t": {"name": "${v}", "matrix": {"v": ["a", "b"]}, "context": "${v}"}}}'
    listed = parse_bake(Source("b.json", json.encode()))
    assert [t.attributes["context"] for t in listed.targets.values()] == ["a", "b"]


def test_a_file_with_one_target_needs_no_default(find: Find, short: Short) -> None:
    files = {"b.sh": "docker buildx bake\n", "docker-bake.hcl": 'target "a" { context = "x" }\n'}
    assert list(map(short, find(files).builds)) == ["x/Dockerfile|x|"]
    two = files["docker-bake.hcl"] + 'target "b" { context = "y" }\n'
    found = find({**files, "docker-bake.hcl": two})
    assert [build.site.kind for build in found.builds] == [SiteKind.BAKE, SiteKind.BAKE]
    assert [blind.why for blind in found.blind] == ["it names no target, and none is the default"]


def test_a_bake_file_is_called_where_its_dockerfiles_are(find: Find, short: Short) -> None:
    text = 'target "a" { context = "x/y" }\n'
    found = find({"x/docker-bake.hcl": text, "x/y/Dockerfile": "FROM a\n"})
    assert list(map(short, found.builds)) == ["x/y/Dockerfile|x/y|"]


def test_json_says_the_same() -> None:
    text = (
        '{"variable": {"T": {"default": "x"}},\n "group": {"default": {"targets": ["a"]}},\n'
        ' "target": {"b": {"dockerfile": "D"},\n'
        '  "a": {"inherits": ["b"], "context": "app", "tags": ["t:${T}"], "args": {"A": "1"}}}}'
    )
    file = parse_bake(Source("docker-bake.json", text.encode()))
    assert file.targets["a"].attributes["dockerfile"] == "D"
    assert file.targets["a"].attributes["args"] == {"A": "1"}
    assert text[slice(*file.targets["a"].places["context"].span)] == '"app"'
    assert [t.name for t in file.selected(())] == ["a"]
    assert parse_bake(Source("docker-bake.json", b"{")).broken


def test_a_broken_file_says_where(find: Find) -> None:
    found = find({"docker-bake.hcl": 'target "a" {\n  dockerfile = \n}\ntarget "b" {}\n',
                  "b.sh": "docker buildx bake b"})  # fmt: skip
    assert any(str(blind.place).startswith("docker-bake.hcl:") for blind in found.blind)


def test_deep_nesting_is_broken() -> None:
    deep = b'target "a" { args = ' + b"[" * 2000 + b"]" * 2000 + b" }\n"
    assert parse_bake(Source("docker-bake.hcl", deep)).broken
    assert parse_bake(Source("docker-bake.json", b"[" * 2000)).broken


def test_endless_inheritance_ends() -> None:
    text = b'target "a" { inherits = ["b"] }\ntarget "b" { inherits = ["a", "no"] }\n'
    assert set(parse_bake(Source("docker-bake.hcl", text)).targets) == {"a", "b"}


def test_a_call_builds_its_targets(find: Find, short: Short) -> None:
    found = find({"docker-bake.hcl": HCL, "b.sh": "docker buildx bake --push\n"})
    a, b, *uncalled = found.builds
    assert [build.site.name for build in uncalled] == ["c-1", "c-2"]
    assert short(a) == "app/D|app|dev"
    assert (a.tool, a.site.kind, a.push) == (Tool.BAKE, SiteKind.SHELL, True)
    assert a.site.through == ("bake target a",)
    tag = "r/${TAG:-latest}"
    assert [t.text for t in a.tags] == [
        "${REGISTRY:-" + tag + "}/a:${TAG:-latest}", "x:${EMPTY}",
    ]  # fmt: skip
    assert short(b) == "?|.|"
    assert b.unknown


def test_the_environment_of_the_call_fills_variables(find: Find) -> None:
    found = find({
        ".gitlab-ci.yml": "variables: {TAG: v1}\n"
        "j: {script: ['docker buildx bake -f docker-bake.hcl a']}\n",
        "docker-bake.hcl": 'variable "TAG" {}\ntarget "a" { tags = ["x:${TAG}", "y:${OTHER}"] }\n',
    })  # fmt: skip
    (build,) = found.builds
    assert [tag.text for tag in build.tags] == ["x:v1", "y:${OTHER}"]


def test_paths_count_from_the_folder_of_the_call(find: Find, short: Short) -> None:
    files = {"app/docker-bake.hcl": 'target "a" { dockerfile = "D" }\n'}
    for text in ("cd app && docker buildx bake a", "docker buildx bake -f app/docker-bake.hcl a"):
        (build,) = find({"b.sh": text, **files}).builds
        assert short(build) == ("app/D|app|" if "cd" in text else "D|.|")


def test_set_overrides_attributes(find: Find, short: Short) -> None:
    build, _uncalled = find({
        "docker-bake.hcl": 'target "a" { dockerfile = "D" }\ntarget "b" {}\n',
        "b.sh": "docker buildx bake --set a.dockerfile=E --set '*.target=dev' --set a.args.X=y "
        "--set b.context=no --set *.tags=t --set *.output=type=registry a\n",
    }).builds  # fmt: skip
    assert short(build) == "E|.|dev"
    assert [(p.name, p.value.text if p.value else "") for p in build.arguments] == [("X", "y")]
    assert [tag.text for tag in build.tags] == ["t"]
    assert build.push


def test_several_files_of_one_call_are_merged(find: Find, short: Short) -> None:
    files = {
        "a.hcl": 'target "a" { context = "app"\n target = "dev" }\n',
        "b.json": '{"target": {"a": {"target": "rel"}, "b": {"inherits": ["a"]}}}',
    }
    found = find({"b.sh": "docker buildx bake -f a.hcl -f b.json a b", **files})
    assert list(map(short, found.builds)) == ["app/Dockerfile|app|rel"] * 2


def test_compose_files_are_bake_files(find: Find, short: Short) -> None:
    compose = "services: {a: {build: app}, b: {build: b}}\n"
    found = find({"b.sh": "docker buildx bake -f compose.yml --push a", "compose.yml": compose})
    baked = [build for build in found.builds if build.tool is Tool.BAKE]
    assert [(short(b), b.push, b.site.through) for b in baked] == [
        ("app/Dockerfile|app|", True, ("Compose service a",))
    ]
    bare = find({"b.sh": "docker buildx bake", "compose.yml": compose})
    assert len([b for b in bare.builds if b.tool is Tool.BAKE]) == 2


def test_a_bake_file_that_nothing_calls(find: Find, short: Short) -> None:
    found = find({"app/docker-bake.hcl": HCL})
    assert [(b.site.kind, b.site.name) for b in found.builds] == [
        (SiteKind.BAKE, "_base"), (SiteKind.BAKE, "a"), (SiteKind.BAKE, "b"),
        (SiteKind.BAKE, "c-1"), (SiteKind.BAKE, "c-2"),
    ]  # fmt: skip
    assert short(found.builds[1]) == "app/app/D|app/app|dev"


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("docker buildx bake -f $F", "not known"),
        ("cd $X; docker buildx bake", "not known"),
        ("docker buildx bake -f no.hcl", "not known"),
        ("docker buildx bake no", "no target no"),
        ("docker buildx bake $T", "hold a variable"),
    ],
)
def test_calls_that_cannot_be_followed(find: Find, call: str, why: str) -> None:
    found = find({"docker-bake.hcl": 'target "a" {}\n', "b.sh": call})
    assert any(why in blind.why for blind in found.blind), found.blind


def test_the_target_of_a_build_is_found_again() -> None:
    facts = Facts(Snapshot.of({"docker-bake.hcl": HCL, "b.sh": "docker buildx bake a"}))
    build = facts.builds.builds[0]
    target = facts.bake_target(build)
    assert target is not None
    assert target.name == "a"
