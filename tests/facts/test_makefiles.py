"""Makefiles: variables, recipes, includes, and what `make` in a script runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

RECIPES = {
    "plain": ("a:\n\tdocker build .\n", ["Dockerfile|.|"]),
    "prefixes": ("a:\n\t@docker build a\n\t-docker build b\n\t+@docker build c\n", [
        "a/Dockerfile|a|", "b/Dockerfile|b|", "c/Dockerfile|c|",
    ]),
    "continued": ("a:\n\tdocker build \\\n\t  -f $(F) \\\n\t  app\n\nF = a/D\n", ["a/D|app|"]),
    "one shell a line": ("a:\n\tcd app\n\tdocker build .\n\tcd app && docker build .\n", [
        "Dockerfile|.|", "app/Dockerfile|app|",
    ]),
    "on the rule's line": ("a: ; docker build app\n", ["app/Dockerfile|app|"]),
    "variables in variables": ("D := app\nF = $(D)/D\na:\n\tdocker build -f $(F) ${D}\n", [
        "app/D|app|",
    ]),
    "weak variable": ("T ?= dev\na:\n\tdocker build --target $(T) .\n", [
        "Dockerfile|.|${T:-dev}",
    ]),
    "weak file": ("F ?= a/D\na:\n\tdocker build -f $(F) .\n", ["a/D|.|"]),
    "weak behind another": ("T := x\nT ?= dev\na:\n\tdocker build --target $(T) .\n", [
        "Dockerfile|.|x",
    ]),
    "appended": ("A = -f a/D\nA += --target x\na:\n\tdocker build $(A) .\n", ["a/D|.|x"]),
    "comment behind a value": ("T := x # why\na:\n\tdocker build --target $(T) .\n", [
        "Dockerfile|.|x",
    ]),
    "exported": ("export T := x\na:\n\tdocker build --target $(T) .\n", ["Dockerfile|.|x"]),
    "of one target": ("a: T = x\na:\n\tdocker build --target $(T) .\n", ["Dockerfile|.|x"]),
    "shell's variable": ("a:\n\tfor s in a b; do docker build $$s; done\n", [
        "a/Dockerfile|a|", "b/Dockerfile|b|",
    ]),
    "the target's name": ("a b:\n\tdocker build $@\n", ["a/Dockerfile|a|", "b/Dockerfile|b|"]),
    "names in a variable": ("S = a b\n$(S):\n\tdocker build $@\n", [
        "a/Dockerfile|a|", "b/Dockerfile|b|",
    ]),
    "pattern": ("all: image-a image-b\nimage-%:\n\tdocker build -f D.$* .\n", ["D.a|.|", "D.b|.|"]),
    "pattern that nothing names": ("image-%:\n\tdocker build -f D.$* .\n", ["?|.|"]),
    "shell function": ("a:\n\tdocker build -f $(shell pwd)/D $(CURDIR)\n", ["D|.|"]),
    "another function": ("a:\n\tdocker build -f $(call f,x) .\n", ["?|.|"]),
    "patsubst": ("S = x y\nI = $(patsubst %,image-%,$(S))\n$(I): image-%:\n\tdocker build $*\n", [
        "x/Dockerfile|x|", "y/Dockerfile|y|",
    ]),
    "substitution reference": ("S = x.in\na:\n\tdocker build -f $(S:.in=.D) .\n", ["x.D|.|"]),
    "patsubst of a default": ("S ?= x\na:\n\tdocker build -f $(S:%=%.D) .\n", ["x.D|.|"]),
    "patsubst of the environment's": ("a:\n\tdocker build -f $(S:%=%.D) .\n", ["?|.|"]),
    "target's own folder": ("x/image: ; docker build $(@D)\n", ["x/Dockerfile|x|"]),
    "foreach": ("S = x y\na:\n\t$(foreach s,$(S),docker build $(s);)\n", [
        "x/Dockerfile|x|", "y/Dockerfile|y|",
    ]),
    "if": ("V = 1\na:\n\tdocker build $(if $(V),--target x) .\n", ["Dockerfile|.|x"]),
    "defined lines": ("define b\n@docker build -f $(1)/D .\nendef\na:\n\t$(call b,x)\n", [
        "x/D|.|",
    ]),
    "lines without arguments": ("define b\n\tdocker build $(D)\nendef\nD=x\na:\n\t$(b)\n", [
        "x/Dockerfile|x|",
    ]),
    "a rule for each": (
        "define t\nimage-$(1):\n\tdocker build --target $$@ $(1)\nendef\n"
        "$(foreach s,x y,$(eval $(call t,$(s))))\n",
        ["x/Dockerfile|x|image-x", "y/Dockerfile|y|image-y"],
    ),
    "a value that is set again": ("A := x\nB := $(A)\nA := y\na:\n\tdocker build $(B)\n", [
        "x/Dockerfile|x|",
    ]),
    "quotes in a variable": ('A = --target "x"\na:\n\tdocker build $(A) .\n', ["Dockerfile|.|x"]),
    "a variable of its target": ("I = $@/D\nx:\n\tdocker build -f $(I) .\n", ["x/D|.|"]),
    "the same in a circle": ("A = $(B)\nB = $(A)\na:\n\tdocker build -f $(A) .\n", ["?|.|"]),
    "one shell": (".ONESHELL:\na:\n\tcd x\n\tdocker build .\n", ["x/Dockerfile|x|"]),
    "another prefix": (".RECIPEPREFIX = >\na:\n> docker build .\n", ["Dockerfile|.|"]),
    "a recipe through a condition": ("a:\n\tcd x\nifdef X\n\tdocker build x\nendif\n", [
        "x/Dockerfile|x|",
    ]),
    "behind a line that a grammar may not take": (
        "a:\n\t@sed -e 's/:=/ /' \\\n\t\t$(X:%=%.y) | awk '{ print $$1 }' # it's\n"
        "b:\n\tdocker build .\n",
        ["Dockerfile|.|"],
    ),
    "tool in a variable": ("DOCKER ?= docker\na:\n\t$(DOCKER) build .\n", ["Dockerfile|.|"]),
    "within a condition": ("ifdef X\na:\n\tdocker build .\nendif\n", ["Dockerfile|.|"]),
    "CRLF": ("a:\r\n\tdocker build \\\r\n\t  app\r\n", ["app/Dockerfile|app|"]),
    "options from outside": ("a:\n\tdocker build $(ARGS) .\n", ["Dockerfile|.|"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RECIPES.values(), ids=RECIPES)
def test_recipes(find: Find, short: Short, text: str, expected: list[str]) -> None:
    found = find({"Makefile": f"# docker\n{text}"})
    assert list(map(short, found.builds)) == expected
    assert all(build.site.kind is SiteKind.MAKE for build in found.builds)


def test_a_condition_keeps_both_values(find: Find) -> None:
    text = "T := dev\nifdef R\nT := rel\nendif\na:\n\tdocker build --target $(T) .\n"
    (build,) = find({"Makefile": text}).builds
    assert build.target is not None
    assert build.target.choices == ("dev", "rel")


def test_places_inside_a_recipe(find: Find) -> None:
    text = "F := a/D\na:\n\t@docker build \\\n\t  --file=é/D -f $(F) \\\n\t  'my app'\n"
    (build,) = find({"Makefile": text}).builds
    data = text.encode()
    first, last = build.options[0].value, build.dockerfile_written
    assert first is not None and first.place is not None
    assert data[slice(*first.place.span)].decode() == "é/D"
    assert last is not None and last.place is not None and last.origin is not None
    assert data[slice(*last.place.span)] == b"$(F)"
    assert data[slice(*last.origin.span)] == b"a/D"
    assert build.site.name == "a"
    assert build.site.place.position == (3, 3)


def test_the_folder_of_a_makefile(find: Find, short: Short) -> None:
    found = find({"app/Makefile": "a:\n\tdocker build -f D ..\n"})
    assert list(map(short, found.builds)) == ["app/D|.|"]


def test_includes(find: Find, short: Short) -> None:
    found = find({
        "Makefile": "DIR = mk\ninclude $(DIR)/*.no mk/docker.mk\n-include no.mk\nF = app/D\n",
        "mk/docker.mk": "a:\n\tdocker build -f $(F) .\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["app/D|.|"]
    assert found.builds[0].site.place.path == "mk/docker.mk"


def test_make_in_a_script_runs_the_rules(find: Find, short: Short) -> None:
    makefile = (
        "T ?= dev\nall: base\n\tdocker build --target $(T) app\n"
        "base:\n\tdocker build base\nother:\n\tdocker build other\n"
    )
    for call in ("make", "make all", "cd x && make -C .. all", "make -f Makefile all"):
        found = find({"b.sh": call, "Makefile": makefile})
        assert sorted(map(short, found.builds)) == [
            "app/Dockerfile|app|dev", "base/Dockerfile|base|", "other/Dockerfile|other|",
        ], call  # fmt: skip
        kinds = {build.dockerfile: build.site.kind for build in found.builds}
        assert kinds["other/Dockerfile"] is SiteKind.MAKE
        assert kinds["app/Dockerfile"] is SiteKind.SHELL


def test_variables_of_the_call_win(find: Find, short: Short) -> None:
    files = {"Makefile": "T := dev\na:\n\tdocker build --target $(T) .\n"}
    found = find({"b.sh": "make a T=rel", **files})
    assert list(map(short, found.builds)) == ["Dockerfile|.|rel"]
    assert find({"b.sh": "T=rel make a", **files}).builds[0].target is not None
    (build,) = find({"b.sh": "T=rel make a", **files}).builds
    assert short(build) == "Dockerfile|.|dev"


def test_make_within_make(find: Find, short: Short) -> None:
    found = find({
        "b.sh": "make", "Makefile": "all:\n\t$(MAKE) -C sub image D=x\n",
        "sub/Makefile": "image:\n\tdocker build $(D)\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["sub/x/Dockerfile|sub/x|"]


def test_a_condition_gives_one_of_two(find: Find) -> None:
    text = "ifneq ($(CI),)\nT := rel\nelse\nT := dev\nendif\na:\n\tdocker build --target $(T) .\n"
    (build,) = find({"Makefile": text}).builds
    assert build.target is not None
    assert build.target.choices == ("rel", "dev")


def test_a_condition_without_else_gives_a_default(find: Find, short: Short) -> None:
    text = "ifndef T\nT := dev\nendif\na:\n\tdocker build --target $(T) .\n"
    assert list(map(short, find({"Makefile": text}).builds)) == ["Dockerfile|.|${T:-dev}"]


def test_what_a_condition_appends_is_not_certain(find: Find) -> None:
    text = "A = -q\nifdef X\nA += --target x\nendif\na:\n\tdocker build $(A) .\n"
    (build,) = find({"Makefile": text}).builds
    assert build.target is None
    assert build.context == ""
    assert build.unknown == ("${A} may hold further options",)


def test_defined_lines_are_where_they_are_written(find: Find) -> None:
    text = "define b\n\tdocker build $(1)\nendef\na:\n\t$(call b,x)\nc:\n\t$(call b,y)\n"
    found = find({"Makefile": text})
    assert [build.site.place.position.line for build in found.builds] == [2, 2]
    assert not found.blind


def test_lines_that_another_file_defines(find: Find, short: Short) -> None:
    found = find({
        "Makefile": "include b.mk\na:\n\t$(call b,x)\n",
        "b.mk": "define b\n\tdocker build $(1)\nendef\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["x/Dockerfile|x|"]
    assert found.builds[0].site.place.path == "Makefile"


def test_a_makefile_that_doubles_its_text_ends(find: Find) -> None:
    names = [f"A{n} = $(A{n + 1})$(A{n + 1})" for n in range(40)]
    find({"Makefile": "\n".join([*names, "a:", "\tdocker build -f $(A0) .", ""])})


def test_defined_lines_that_nothing_calls_are_said(find: Find) -> None:
    found = find({"Makefile": "define build\n\tdocker build .\nendef\na:\n\techo\n"})
    assert [blind.place.position.line for blind in found.blind] == [2]


def test_odd_makefiles_do_not_raise(find: Find) -> None:
    for text in ("a: b\nb: a\n\tdocker x\n", "include Makefile\n# docker", "=\n# docker",
                 "\tdocker build", "A = $(A)\na:\n\tdocker build $(A)\n",
                 "%:\n\tdocker build $@\n", "ifeq\n# docker"):  # fmt: skip
        find({"Makefile": text, "b.sh": "make a\nmake"})


SPREAD = {
    "two words": ("D ?= docker build\nimage:\n\t$(D) -f a/D a\n", 1),
    "behind sudo": ("D ?= docker build\nimage:\n\tsudo $(D) -f a/D a\n", 1),
    "with its wrapper": ("D ?= sudo docker\nimage:\n\t$(D) build -f a/D a\n", 1),
    "Compose": ("C ?= docker compose\nF = -f c.yaml\nimage:\n\t$(C) $(F) build --push\n", 0),
}


@pytest.mark.parametrize(("text", "count"), SPREAD.values(), ids=SPREAD)
def test_a_command_that_a_caller_may_change(find: Find, text: str, count: int) -> None:
    """`?=` leaves a value to the environment: the default has more words than one."""
    found = find({"Makefile": text, "a/D": "", "c.yaml": "services: {s: {image: x}}\n"})
    assert [(b.dockerfile, b.context) for b in found.builds] == [("a/D", "a")] * count
    assert len(found.compose_uses) == 1 - count


ROOT_RULES = {
    "from its folder": ("docker build -f app/D app", "ops/app/D|ops/app"),
    "from the root": ("docker build -f tool/D tool", "tool/D|tool"),
    "from above its folder": ("cd .. && docker build -f none/D none", "none/D|none"),
    "from nowhere": ("docker build -f none/D none", "ops/none/D|ops/none"),
}


@pytest.mark.parametrize(("command", "meant"), ROOT_RULES.values(), ids=ROOT_RULES)
def test_a_makefile_may_be_run_from_the_root(find: Find, command: str, meant: str) -> None:
    """`make -f ops/Makefile` stands in the root; where its Dockerfiles are tells it."""
    files = {"ops/Makefile": f"image:\n\t{command}\n", "ops/app/D": "", "tool/D": ""}
    (build,) = find(files).builds
    assert f"{build.dockerfile}|{build.context}" == meant


@pytest.mark.parametrize("path", ["$(CURDIR)/ci/Makefile", "$(HERE)/Makefile", "ci/Makefile"])
def test_a_makefile_that_is_named_from_the_root_runs_there(
    find: Find, short: Short, path: str
) -> None:
    top = f"HERE = $(CURDIR)/ci\nimages:\n\tmake -f {path} api -e TAG=$(TAG)\n"
    below = "api:\n\tdocker build -f $(CURDIR)/ci/Dockerfile .\n"
    found = find({"Makefile": top, "ci/Makefile": below, "ci/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["ci/Dockerfile|.|"]


def test_a_makefile_in_a_folder_that_is_named_from_the_root(find: Find, short: Short) -> None:
    top = "images:\n\tcd x && make -C $(CURDIR)/ci\n"
    found = find({"Makefile": top, "ci/Makefile": "api:\n\tdocker build .\n", "ci/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["ci/Dockerfile|ci|"]
