"""A `cargo chef cook` whose result nothing uses: dependencies are compiled twice, or for nothing.

Only what cargo's own words tell is judged: a step that reading cannot follow may use the cook.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.checks.check import Check
from dockerfix.facts.cargo.commands import CargoCall
from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.facts.repository import Facts
from dockerfix.proof.steps.reading import cargo_calls
from dockerfix.syntax.dockerfile import Run, Stage
from dockerfix.text import Place

_COMPILES = frozenset({"build", "test", "run", "check", "clippy", "bench", "doc", "nextest"})


def _look(facts: Facts) -> Iterator[tuple[Place, str, str]]:
    targets: dict[str, set[str]] = {}
    for build in facts.builds.builds:
        if build.dockerfile is not None:
            name = build.target.text if build.target is not None else ""
            targets.setdefault(build.dockerfile, set()).add(name)
    for path in facts.dockerfiles:
        if path in facts.snapshot and b"chef" in facts.dockerfile(path).source.data:
            yield from _file(facts.stages(path), targets.get(path, set()))


def _file(graph: StageGraph, targets: set[str]) -> Iterator[tuple[Place, str, str]]:
    if graph.cycle or graph.duplicates:
        return
    for stage in graph.stages:
        for number, item in enumerate(stage.instructions):
            calls = cargo_calls(item) if isinstance(item, Run) else ()
            for call in (call for call in calls if call.verb == "chef cook"):
                what = _unused(graph, stage, number, call, targets)
                if what:
                    name = stage.name or f"stage {stage.index}"
                    yield graph.tree.source.place(item.span), what, name


def _unused(
    graph: StageGraph, stage: Stage, number: int, cook: CargoCall, targets: set[str]
) -> str:
    """What is wrong with a cook; empty when something may use it."""
    users = [other for other in graph.stages if other is not stage and stage in graph.needs(other)]
    rest = [item for item in stage.instructions[number + 1 :] if isinstance(item, Run)]
    if not users and not rest:
        wanted = stage is graph.stages[-1] or any(graph.target(name) is stage for name in targets)
        return "" if wanted else "no stage uses what this cook compiles"
    if any(ref.stage is stage for other in users for ref in graph.references(other)):
        return ""
    runs = [*rest, *(i for u in users for i in u.instructions if isinstance(i, Run))]
    calls = [call for run in runs for call in cargo_calls(run) if call.verb in _COMPILES]
    return _mismatch(cook, calls)


def _mismatch(cook: CargoCall, calls: Sequence[CargoCall]) -> str:
    """How every later call differs from the cook; empty when one may be served by it."""
    odd = cook.opaque or cook.has("check") or cook.has("clippy")
    if odd or not calls or any(call.opaque or call.verb != "build" for call in calls):
        return ""
    for name in ("profile", "target"):
        wanted = cook.setting().get(name, "")
        others = {call.setting().get(name, "") for call in calls}
        if wanted not in others and not any("$" in text for text in (wanted, *others)):
            found = " and ".join(sorted(text or "none" for text in others))
            return f"the cook has the {name} {wanted or 'none'}, every build after it {found}"
    return ""


CHECK = Check(
    "cook-not-used",
    "cargo compiles every dependency again in the build.",
    "Give the cook the same --release, --profile and --target as the build, and start the build "
    "stage from the cook stage.",
    _look,
)
