"""A patch proved on a real engine: built before and after, compared, started, measured.

Knows the order of things and what has to be removed in the end; each thing itself stands in a
module of its own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field

from dockerfix.facts.cargo.commands import cargo_calls
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.syntax import dockerfile as syntax
from dockerfix.syntax.shell import parse_shell
from dockerfix.verify.buildx import Buildx
from dockerfix.verify.concern import Concern, Pair, concern
from dockerfix.verify.copies import Copies, two_copies
from dockerfix.verify.engine import Engine, open_engine
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.fleet import Fleet
from dockerfix.verify.images import Comparison
from dockerfix.verify.interrupts import endings_interrupt, undisturbed
from dockerfix.verify.measure import Builders, ContainerBuilders, Stopwatch
from dockerfix.verify.outcome import ImageResult, Measured, NotBuilt, Outcome, Verified
from dockerfix.verify.reading import check_bake_files
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables
from dockerfix.verify.watch import Watch, unwatched


class Cold(Struct, frozen=True):
    """How jobs are measured: with which cold builders, and with which registry.

    `builders` are BuildKit containers of the engine where none are given; `options` are then
    further words of `docker buildx create`. `registry` is the address of a registry to push to,
    with its caches; empty pushes nothing. `pushes` runs all jobs that often.
    """

    registry: str = ""
    pushes: int = 1
    options: tuple[str, ...] = ()
    builders: Builders | None = None


class Request(Struct, frozen=True):
    """What to verify, and how.

    `root` and `facts` are the repository as it is, `exclude` the patterns that its snapshot
    leaves out, `patch` a git diff relative to the root. `engine` is an address (empty: what the
    docker CLI uses), `builders` are the builders' names that share the builds (none: the current
    one); `network` is the network of RUN instructions.
    `baseline` builds *before* twice. `seconds` is how long what an image runs is watched; 0
    starts nothing. `cold` says how jobs are measured; None measures nothing.
    """

    root: Path
    facts: Facts
    patch: bytes
    exclude: tuple[str, ...] = ()
    variables: Variables = field(default_factory=Variables)
    engine: str = ""
    builders: tuple[str, ...] = ()
    network: str = ""
    baseline: bool = False
    seconds: float = 3.0
    cold: Cold | None = None

    @property
    def buildx(self) -> Buildx:
        """How buildx is called."""
        given = {"DOCKER_HOST": self.engine} if self.engine else {}
        return Buildx({**os.environ, **given}, next(iter(self.builders), ""), self.network)


def verify(request: Request, watch: Watch = unwatched) -> Outcome:
    """Build both sides and compare; nothing that was made for it is left.

    Raises `PatchError` for a patch that does not apply, `EngineError` when the engine or
    buildx cannot be used, `ReadingError` when bake reads a bake file otherwise than dockerfix,
    and `KeyboardInterrupt` when somebody ends it.
    """
    if not request.patch.strip():
        return Verified(notes=("the patch is empty",))
    name = f"dockerfix-verify-{secrets.token_hex(4)}"
    snapshot = request.facts.snapshot
    with endings_interrupt(), two_copies(request.root, snapshot, request.patch, name) as copies:
        after = Facts(read_snapshot(copies.after, request.exclude))
        found = concern(request.facts, after, copies.changed, request.variables)
        notes = tuple(_notes(found, copies))
        if not (found.pairs or found.unmatched):
            return Verified(unread=found.unread, notes=("no build is concerned", *notes))
        run = Run(request, copies, after, name, watch)
        try:
            images, measured, unmeasured, lost = run.proved(found)
        except BuildFailedError as error:
            return NotBuilt(error.side, error.images, error.failure, notes)
        return Verified(
            images=images,
            unmatched=found.unmatched,
            unread=found.unread,
            measured=measured,
            unmeasured=unmeasured,
            baseline=request.baseline,
            notes=(*notes, *lost),
        )


@contextlib.contextmanager
def _engine(run: str, address: str) -> Iterator[Engine]:
    """The engine; what this run made there is removed in the end."""
    engine = open_engine(run, address)
    try:
        yield engine
    finally:
        with undisturbed():
            engine.forget()
            engine.close()


class Run(Struct, frozen=True):
    """One verification under way: the trees on the disk, the facts after, and the name that
    everything carries that it makes."""

    request: Request
    copies: Copies
    after: Facts
    name: str
    watch: Watch = unwatched

    def proved(
        self, found: Concern
    ) -> tuple[tuple[ImageResult, ...], tuple[Measured, ...], tuple[str, ...], tuple[str, ...]]:
        """Images compared, jobs measured, why there are none measured if there are none, and
        which builders were lost.

        Raises as `verify`, and `BuildFailedError`.
        """
        request, buildx = self.request, self.request.buildx
        buildx.check()
        for side in Side:
            check_bake_files(found.orders[side], side, self.copies, buildx, request.variables)
        fleet = Fleet(buildx, request.builders, self.watch)
        with _engine(self.name, request.engine) as engine:
            comparison = Comparison(
                fleet=fleet,
                engine=engine,
                copies=self.copies,
                recipes=recipe_paths(found.pairs, request.facts),
                baseline=request.baseline,
                seconds=request.seconds,
                watch=self.watch,
            )
            images = comparison.results(found)
        lost = tuple(
            f"builder {name} did not answer; its builds were made on another" for name in fleet.lost
        )
        return images, *self._measured(found), lost

    def _measured(self, found: Concern) -> tuple[tuple[Measured, ...], tuple[str, ...]]:
        """The jobs before and after on cold builders, where that is asked for."""
        request, cold = self.request, self.request.cold
        if cold is None:
            return (), ()
        stopwatch = Stopwatch(
            buildx=request.buildx,
            copies=self.copies,
            builders=cold.builders or ContainerBuilders(request.buildx, self.name, cold.options),
            variables=request.variables,
            run=self.name,
            registry=cold.registry,
            watch=self.watch,
        )
        pipelines = {Side.BEFORE: request.facts.pipeline, Side.AFTER: self.after.pipeline}
        done: list[Measured] = []
        try:
            # What was measured before an error stays.
            done.extend(stopwatch.measure(found.orders, pipelines, pushes=cold.pushes))
        except EngineError as error:
            return tuple(done), (error.what,)
        except BuildFailedError as error:
            failed = f"{error.side.value} ({', '.join(error.images)}): {error.failure.step}"
            return tuple(done), (failed, *error.failure.lines)
        return tuple(done), ()


def recipe_paths(pairs: Sequence[Pair], facts: Facts) -> frozenset[str]:
    """Where cargo-chef's recipes stand in the images before, as their cooks write them."""
    found: set[str] = set()
    for dockerfile in {pair.before.dockerfile for pair in pairs}:
        for instruction in facts.dockerfile(dockerfile).instructions:
            script = instruction.script if isinstance(instruction, syntax.Run) else None
            for call in cargo_calls(parse_shell(script)) if script is not None else ():
                if call.verb == "chef cook":
                    found.update(call.values("recipe-path") or ("recipe.json",))
    return frozenset(found)


def _notes(found: Concern, copies: Copies) -> Iterator[str]:
    if found.stood_in:
        yield (
            f"{', '.join(found.stood_in)}: no value is known, both sides get the same stand-in "
            "(--variable NAME=VALUE gives one)"
        )
    several = [pair.name for pair in found.pairs if len(pair.before.platforms) > 1]
    if several:
        yield f"asked for on several platforms, compared on one: {', '.join(several)}"
    if found.dropped:
        yield f"not passed on to buildx: {', '.join(found.dropped)}"
    if copies.left_out:
        shown = ", ".join(copies.left_out[:5])
        more = f" and {len(copies.left_out) - 5} more" if len(copies.left_out) > 5 else ""
        yield f"in neither copy, since a tool fills them: {shown}{more}"
