"""The stage graph, as BuildKit's dockerfile2llb resolves names."""

from __future__ import annotations

import pytest

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.syntax.dockerfile import parse


def graph(text: str) -> StageGraph:
    return StageGraph(parse(text.encode(), "Dockerfile"))


def indexes(stages: object) -> list[int]:
    return [stage.index for stage in stages]  # type: ignore[attr-defined]


THREE = """\
FROM rust AS Chef
FROM chef AS base
COPY --from=chef /a /a
RUN --mount=type=bind,from=BASE,target=/x --mount=type=cache,target=/c true
FROM alpine
COPY --from=0 /a /a
COPY --from=nginx:1 /b /b
COPY --from=base /c /c
"""


def test_bases_and_chains() -> None:
    found = graph(THREE)
    chef, base, last = found.stages
    assert found.base(chef) is None
    assert found.base(base) is chef
    assert found.chain(base) == (chef, base)
    assert found.image(base) == "rust"
    assert found.base(last) is None


def referred(found: StageGraph, index: int) -> list[tuple[str, int | None, bool]]:
    return [
        (reference.text, reference.stage.index if reference.stage else None, reference.numeric)
        for reference in found.references(found.stages[index])
    ]


def test_references() -> None:
    found = graph(THREE)
    assert referred(found, 1) == [("chef", 0, False), ("BASE", 1, False)]
    assert referred(found, 2) == [("0", 0, True), ("nginx:1", None, False), ("base", 1, False)]


def test_what_a_stage_needs() -> None:
    found = graph(THREE)
    assert indexes(found.needs(found.stages[2])) == [0, 1, 2]
    assert indexes(found.needs(found.stages[1])) == [0, 1]
    assert indexes(found.needs(found.stages[0])) == [0]


def test_targets() -> None:
    found = graph(THREE)
    assert found.target("") is found.stages[2]
    assert found.target("CHEF") is found.stages[0]
    assert found.target("no") is None
    assert found.target("0") is found.stages[0]
    assert found.target("3") is None
    assert graph("").target("") is None


def test_from_finds_a_stage_by_its_lower_case_name_only() -> None:
    found = graph("FROM a AS Builder\nFROM Builder\nFROM builder\n")
    assert found.base(found.stages[1]) is None
    assert found.base(found.stages[2]) is found.stages[0]


def test_a_stage_shadows_an_image_for_what_comes_later() -> None:
    found = graph("FROM xx AS xx\nFROM xx AS b\nCOPY --from=xx /a /a\n")
    assert found.base(found.stages[0]) is None
    assert found.base(found.stages[1]) is found.stages[0]


def test_copy_may_name_a_later_stage() -> None:
    found = graph("FROM a\nCOPY --from=later /x /x\nCOPY --from=1 /x /x\nFROM b AS later\n")
    assert [index for _, index, _ in referred(found, 0)] == [1, 1]
    assert indexes(found.needs(found.stages[0])) == [0, 1]


def test_of_two_stages_of_one_name_the_last_counts() -> None:
    found = graph("FROM a AS x\nFROM x AS X\nFROM x AS y\nCOPY --from=x /a /a\nFROM c AS x\n")
    assert indexes(found.duplicates) == [1, 3]
    assert found.base(found.stages[1]) is found.stages[0]
    assert found.base(found.stages[2]) is found.stages[1]
    assert [index for _, index, _ in referred(found, 2)] == [3]
    assert found.target("x") is found.stages[3]


def test_stages_in_a_circle_end() -> None:
    found = graph("FROM a AS x\nCOPY --from=y /a /a\nFROM b AS y\nCOPY --from=x /a /a\n")
    assert indexes(found.needs(found.stages[0])) == [0, 1]


def test_onbuild_resolves_in_the_child() -> None:
    found = graph("FROM a AS x\nFROM b\nONBUILD COPY --from=x /a /a\n")
    assert list(found.references(found.stages[1])) == []


def test_an_index_beyond_the_stages() -> None:
    assert referred(graph("FROM a\nCOPY --from=7 /a /a\n"), 0) == [("7", None, True)]


def test_a_stage_chosen_by_argument() -> None:
    found = graph(
        "ARG KIND=dev\nFROM a AS base-dev\nFROM b AS base-rel\nFROM base-${KIND} AS out\n"
    )
    assert found.base(found.stages[2]) is found.stages[0]
    assert found.image(found.stages[2]) == "a"
    assert graph("ARG KIND\nFROM a AS b\nFROM b$KIND\n").image(graph("FROM a\n").stages[0]) == "a"


EXPANDED = {
    "plain": ("$A", "1"), "braces": ("x${A}y", "x1y"), "longer name": ("$AB", "$AB"),
    "no default": ("$N", "$N"), "default": ("${N:-2}", "2"), "known": ("${A:-2}", "1"),
    "empty": ("${E:-2}|${E-2}|$E", "2||"), "alternative": ("${A:+2}|${E:+2}|${N+2}", "2||"),
    "of another": ("$C", "1.9"),
    "platform": ("$TARGETOS ${TARGETOS:-x}", "$TARGETOS ${TARGETOS:-x}"),
    "nested": ("${N:-${A}-x}", "1-x"), "other operator": ("${A#x}", "${A#x}"), "dollar": ("$", "$"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), EXPANDED.values(), ids=EXPANDED)
def test_global_arguments_are_expanded(text: str, expected: str) -> None:
    found = graph('ARG A=1\nARG E=""\nARG N\nARG B=9 C="${A}.$B"\nFROM x\nARG LATER=1\n')
    assert found.expand(text) == expected


def test_arguments_in_order() -> None:
    found = graph("ARG A=1 B\nARG C=$A\nFROM x\nARG D=4\n")
    assert dict(found.global_arguments) == {"A": "1", "B": None, "C": "$A"}
    assert dict(found.defaults) == {"A": "1", "C": "1"}


def test_stages_that_need_one_another() -> None:
    text = b"FROM a AS x\nCOPY --from=y /a /a\nFROM a AS y\nCOPY --from=x /b /b\nFROM y\n"
    assert [stage.name for stage in StageGraph(parse(text)).cycle] == ["x", "y"]
    assert StageGraph(parse(b"FROM a AS x\nFROM x AS y\nCOPY --from=x /b /b\n")).cycle == ()
