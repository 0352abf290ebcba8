"""Builds whose command is made up: of arrays, of variables before it, of what a program prints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

COMMANDS = {
    "a loop appends options": (
        'a=(-f app/Dockerfile)\nfor x in "$@"; do a+=(--build-arg "$x"); done\na+=(app)\n'
        'docker build "${a[@]}"'
    ),
    "a loop appends to the whole command": (
        "c=(env A=1 docker build --file app/Dockerfile)\n"
        'for x in "$@"; do c+=(--build-arg "$x"); done\nc+=(app)\n"${c[@]}"'
    ),
    "a branch appends": (
        'a=(-f app/Dockerfile)\nif test $A; then a+=(--pull); fi\ndocker build "${a[@]}" app'
    ),
    "a variable may print it": (
        "if test $D; then DRY=; else DRY=echo; fi\n$DRY docker build -f app/Dockerfile app"
    ),
    "a variable may be sudo": "$SUDO docker build -f app/Dockerfile app",
    "which": "D=$(which docker)\n$D build -f app/Dockerfile app",
    "command -v": "$(command -v nerdctl) build -f app/Dockerfile app",
    "a default of the null command": (': "${TOOL:=docker}"\n$TOOL build -f app/Dockerfile app'),
    "a function that nothing calls": "b() {\n  docker build -t $1 app\n}",
    "a negated subshell": "if ! (docker build app && docker run a); then exit 1; fi",
}


@pytest.mark.parametrize("text", COMMANDS.values(), ids=COMMANDS)
def test_it_is_found(find: Find, short: Short, text: str) -> None:
    found = find({"build.sh": f"#!/bin/bash\n{text}\n", "app/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["app/Dockerfile|app|"]
    assert found.blind == ()


def test_what_a_loop_appends_stays_unknown(find: Find) -> None:
    text = COMMANDS["a loop appends options"]
    (build,) = find({"build.sh": text, "app/Dockerfile": ""}).builds
    assert [value.text for value in build.loose] == ["${a}"]
    assert "${a[@]} may hold further options" in build.unknown


def test_what_stands_behind_a_variable_may_not_run(find: Find) -> None:
    (build,) = find({"build.sh": COMMANDS["a variable may print it"], "app/Dockerfile": ""}).builds
    assert build.condition


@pytest.mark.parametrize("text", ["$X docker-build .", '"$LOG" docker build app', "$X build app"])
def test_another_command_stays_one(find: Find, text: str) -> None:
    assert find({"build.sh": f"{text}\n", "app/Dockerfile": ""}).builds == ()


def test_a_makefile_may_ask_where_docker_is(find: Find, short: Short) -> None:
    text = "D = $(shell which docker)\nB = $(D) build --no-cache\na:\n\t$(B) -f app/Dockerfile .\n"
    found = find({"Makefile": text, "app/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["app/Dockerfile|.|"]
    assert found.blind == ()


def test_a_variable_of_a_makefile_that_a_recipe_uses_is_read_there(find: Find) -> None:
    text = "BUILD := docker build --pull\nUNUSED := docker build -q\na:\n\t$(BUILD) app\n"
    found = find({"Makefile": text, "app/Dockerfile": ""})
    assert [str(blind.place) for blind in found.blind] == ["Makefile:2:11"]


def test_a_script_that_goes_on_and_on_is_said_once_for_all_rows(find: Find) -> None:
    rows = ", ".join(map(str, range(8)))
    workflow = (
        f"jobs: {{a: {{strategy: {{matrix: {{n: [{rows}]}}}}, steps: [{{run: ./b.sh $N, "
        "env: {N: '${{ matrix.n }}'}}]}}\n"
    )
    numbers = " ".join(map(str, range(300)))
    script = f"f() {{ for i in {numbers}; do docker-run $i; done; }}\n"
    script = f"#!/bin/bash\n{script}for i in {numbers}; do f $i; done\ndocker build .\n"
    found = find({".github/workflows/w.yml": workflow, "b.sh": script, "Dockerfile": ""})
    assert [blind.what for blind in found.blind].count("a script") == 1
