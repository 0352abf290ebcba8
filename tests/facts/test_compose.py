"""Compose services: forms of `build`, inheritance, override files, what is not known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind, Tool
from dockerfix.syntax.yaml.tree import Mapping

Find = Callable[..., BuildList]
Short = Callable[[Build], str]
FILE = "docker-compose.yml"

FORMS = {
    "short": ("a: {build: ./app}", "app/Dockerfile|app|"),
    "short root": ("a: {build: .}", "Dockerfile|.|"),
    "long": ("a: {build: {context: app, dockerfile: D, target: dev}}", "app/D|app|dev"),
    "Dockerfile counts from the context": (
        "a: {build: {context: app, dockerfile: ../D}}", "D|app|",
    ),
    "no context": ("a: {build: {dockerfile: D}}", "D|.|"),
    "target with a default": (
        "a: {build: {context: ., target: '${T:-dev}'}}", "Dockerfile|.|${T:-dev}",
    ),
    "target without braces": ("a: {build: {context: ., target: $T}}", "Dockerfile|.|${T}"),
    "context with a default": ("a: {build: {context: '${C:-app}'}}", "app/Dockerfile|app|"),
    "context in a variable": ("a: {build: {context: $C}}", "?|?|"),
    "context outside": ("a: {build: ../x}", "?|?|"),
    "address": ("a: {build: 'https://example.org/x.git#main'}", "?|?|"),
    "inline": ("a: {build: {context: app, dockerfile_inline: FROM x}}", "?|app|"),
    "anchor": ("x: &b {image: i}\n  a: {build: &a {context: app}}", "app/Dockerfile|app|"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_forms_of_build(find: Find, short: Short, text: str, expected: str) -> None:
    (build,) = find({FILE: f"services:\n  {text}\n"}).builds
    assert short(build) == expected
    assert build.tool is Tool.COMPOSE
    assert build.site.kind is SiteKind.COMPOSE
    assert (build.context is None) <= bool(build.unknown)


def test_the_values_of_a_service(find: Find) -> None:
    text = (
        "services:\n  a:\n    image: ${R:+$R/}a:$$x\n    build:\n      context: app\n"
        "      args: {A: b, C: 1, D: }\n      tags: [t1]\n      cache_from: [type=gha]\n"
        "      platforms: [linux/amd64]\n      additional_contexts: {n: ../x}\n"
        "  b:\n    build:\n      context: app\n      args:\n        - A=b\n        - C\n"
    )
    a, b = find({f"sub/{FILE}": text}).builds
    assert (a.context, a.folder) == ("sub/app", "sub")
    assert [tag.text for tag in a.tags] == ["${R:+${R}/}a:$x", "t1"]
    pairs = [(p.name, p.value.text if p.value else None) for p in a.arguments]
    assert pairs == [("A", "b"), ("C", "1"), ("D", None)]
    assert [(p.name, p.value.text if p.value else None) for p in b.arguments] == [
        ("A", "b"), ("C", None),
    ]  # fmt: skip
    assert [v.text for v in (*a.cache_from, *a.platforms)] == ["type=gha", "linux/amd64"]
    assert [p.name for p in a.named_contexts] == ["n"]
    assert str(a.site) == f"sub/{FILE}:2:3 (Compose service a)"


def test_what_does_not_build_is_no_build(find: Find) -> None:
    text = "services:\n  a: {image: x}\n  b: {build: }\n  c:\n  d: [x]\nvolumes: {build: {}}\n"
    assert find({FILE: text}).builds == ()
    for odd in ("", "[]", "services:", "services: [a]", "services: x"):
        assert find({FILE: odd}).builds == ()


def test_templates_and_merge_keys(find: Find, short: Short) -> None:
    found = find({FILE: (
        "x-b: &b\n  context: app\n  target: dev\n"
        "services:\n  a:\n    build:\n      target: rel\n      <<: *b\n"
        "  b:\n    build: *b\n  c:\n    <<: &c {build: {context: c}}\n  d: *c\n"
    )})  # fmt: skip
    assert list(map(short, found.builds)) == [
        "app/Dockerfile|app|rel", "app/Dockerfile|app|dev", "c/Dockerfile|c|", "c/Dockerfile|c|",
    ]  # fmt: skip
    assert [service.aliased for service in found.compose.services] == [False, True, True, True]


def test_extends_inherits_key_by_key(find: Find, short: Short) -> None:
    found = find({
        FILE: "services:\n  base:\n    image: i\n"
        "    build: {context: app, target: dev, args: {A: a, B: a}}\n"
        "  same: {extends: base}\n"
        "  own:\n    extends: {service: base}\n    build: {target: rel, args: {B: b}}\n"
        "  far: {extends: {service: base, file: sub/c.yml}}\n"
        "  mixed:\n    extends: {service: base, file: sub/c.yml}\n    build: {target: rel}\n",
        "sub/c.yml": "services: {base: {build: {context: x, dockerfile: D}}}\n",
    })  # fmt: skip
    assert {b.site.name: short(b) for b in found.builds} == {
        "base": "app/Dockerfile|app|dev", "same": "app/Dockerfile|app|dev",
        "own": "app/Dockerfile|app|rel", "far": "sub/x/D|sub/x|", "mixed": "sub/x/D|sub/x|rel",
    }  # fmt: skip
    services = {service.name: service for service in found.compose.services}
    assert services["same"].aliased
    assert services["same"].build is services["base"].build
    own = services["own"].build
    assert isinstance(own, Mapping)
    inherited = {entry.key.text: entry.aliased for entry in own.entries}
    assert inherited == {"context": True, "target": False, "args": False}
    build = next(b for b in found.builds if b.site.name == "own")
    assert {p.name: p.value.text for p in build.arguments if p.value} == {"A": "a", "B": "b"}
    assert [tag.text for tag in build.tags] == ["i"]


def test_extends_that_leads_nowhere_or_in_a_circle(find: Find) -> None:
    found = find({FILE: (
        "services:\n  a: {extends: no}\n  b: {extends: c}\n  c: {extends: b}\n"
        "  d: {extends: {service: x, file: $F}}\n"
    )})  # fmt: skip
    assert found.builds == ()
    assert [blind.place.position.line for blind in found.blind][:1] == [2]
    assert {blind.place.position.line for blind in found.blind} >= {2, 5}


def test_an_override_lies_over_the_base_file(find: Find, short: Short) -> None:
    found = find({
        "compose.yaml": "services:\n  a: {build: {context: app, target: dev}}\n  b: {build: b}\n",
        "compose.override.yaml": "services:\n  a: {build: {target: rel}}\n  b: {image: x}\n",
        "compose.ci.yml": "services:\n  a: {build: {args: {X: y}}}\n  new: {build: new}\n",
    })  # fmt: skip
    assert {(b.site.place.path, b.site.name): short(b) for b in found.builds} == {
        ("compose.yaml", "a"): "app/Dockerfile|app|dev",
        ("compose.yaml", "b"): "b/Dockerfile|b|",
        ("compose.override.yaml", "a"): "app/Dockerfile|app|rel",
        ("compose.ci.yml", "a"): "app/Dockerfile|app|dev",
        ("compose.ci.yml", "new"): "new/Dockerfile|new|",
    }


@pytest.mark.parametrize(
    ("build", "why"),
    [
        ("{target: dev}", "it says no context, as a file that is laid over another"),
        ("{context: '..\\..\\'}", "the context is a path of Windows: ..\\..\\"),
    ],
)
def test_a_context_that_the_file_does_not_tell(find: Find, build: str, why: str) -> None:
    file = f"services:\n  a: {{build: {build}}}\n"
    (found,) = find({"ops/compose.dev.yml": file, "Dockerfile": ""}).builds
    assert (found.dockerfile, found.context, found.unknown) == (None, None, (why,))


BASE = "services:\n  a: {build: {context: app, target: dev}}\n"
OVER = "services:\n  a: {build: {dockerfile: D}}\n"
LAYERS = {
    "alone": ("docker compose -f compose.x.yml up\n", "D|.|"),
    "over the base": ("docker compose -f compose.yml -f compose.x.yml up\n", "app/D|app|dev"),
    "over another file": (
        "docker compose -f other.yml -f compose.x.yml up\n", "other/D|other|",
    ),
    "over an unknown file": ("docker compose -f $X -f compose.x.yml up\n", "app/D|app|dev"),
    "over three": (
        "docker compose -f compose.yml -f other.yml -f compose.x.yml up\n", "other/D|other|dev",
    ),
    "commands that disagree": (
        "docker compose -f compose.x.yml up\n"
        "docker compose -f compose.yml -f compose.x.yml up\n",
        "app/D|app|dev",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("command", "expected"), LAYERS.values(), ids=LAYERS)
def test_commands_say_what_a_file_lies_over(
    find: Find, short: Short, command: str, expected: str
) -> None:
    found = find({
        "b.sh": command,
        "compose.yml": BASE,
        "compose.x.yml": OVER,
        "other.yml": "services:\n  a: {build: other}\n",
    })  # fmt: skip
    (over,) = [b for b in found.builds if b.site.place.path == "compose.x.yml"]
    assert short(over) == expected


def test_files_that_a_command_names_are_read(find: Find) -> None:
    found = find({
        "b.sh": "docker compose -f deploy/dev.yml up\n",
        "deploy/dev.yml": "services: {a: {build: ../app}}\n",
        "deploy/other.yml": "replicas: 1\nservices: {b: {build: .}}\n",
    })  # fmt: skip
    assert [(b.dockerfile, b.folder) for b in found.builds] == [("app/Dockerfile", "deploy")]
    assert [use.files for use in found.compose_uses] == [("deploy/dev.yml",)]


def test_names_of_compose_files(find: Find) -> None:
    text = "services: {a: {build: .}}\n"
    names = ("compose.yaml", "compose.dev.yml", "compose-dev.yml", "docker-compose.yaml",
             "docker-compose-ci.yml", "x/docker-compose.test.yml")  # fmt: skip
    found = find(
        {**dict.fromkeys(names, text), "decompose.yml": text + "x: 1\n", "compose.txt": text}
    )
    assert {b.site.place.path for b in found.builds} == set(names)


def test_a_broken_file_is_said_with_its_place(find: Find) -> None:
    found = find({FILE: "services:\n  a: [\n", "compose.dev.yml": b"a: \xff"})
    assert {str(blind.place) for blind in found.blind} == {f"{FILE}:3:1", "compose.dev.yml:1:4"}


def test_values_of_a_variable_come_from_everywhere(find: Find) -> None:
    found = find({
        FILE: "services: {a: {build: {context: ., target: '${T:-dev}'}}}\n",
        ".env": "# T=no\nexport T='env'\nOTHER=x\n",
        "b.sh": "T=script docker compose build\n",
        ".gitlab-ci.yml": "j: {variables: {T: ci}, script: [x], rules: [{variables: {T: rule}}]}\n",
    })  # fmt: skip
    assert set(found.values_of("T")) == {"dev", "env", "script", "ci", "rule"}


def test_an_image_that_is_taken_back_is_no_tag(find: Find) -> None:
    text = "services: {a: {build: ., image: !reset null}, b: {build: ., image: null}}\n"
    found = find({"compose.yaml": text, "Dockerfile": ""})
    assert [build.tags for build in found.builds] == [(), ()]
