"""A patch proved on a real engine: built before and after, compared, started, measured.

Knows the order of things and what has to be removed in the end; each thing itself stands in a
module of its own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dockerfix.facts.cargo.commands import cargo_calls
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell import parse_shell
from dockerfix.repo.read import read_snapshot
from dockerfix.syntax import Run
from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.compare import Aspect, differences, unexplained
from dockerfix.verify.concern import Concern, Pair, concern
from dockerfix.verify.copies import Copies, two_copies
from dockerfix.verify.engine import Engine, open_engine
from dockerfix.verify.errors import BuildFailedError, EngineError
from dockerfix.verify.image import Image
from dockerfix.verify.interrupts import endings_interrupt, undisturbed
from dockerfix.verify.measure import Builders, ContainerBuilders, Stopwatch
from dockerfix.verify.outcome import ImageResult, Measured, NotBuilt, Outcome, Verified
from dockerfix.verify.recipe import Recipe
from dockerfix.verify.rules import Rules
from dockerfix.verify.side import Side
from dockerfix.verify.starts import (
    StartCheck,
    answers,
    compare_starts,
    compare_versions,
    version_command,
)
from dockerfix.verify.variables import Variables
from dockerfix.verify.watch import Phase, Watch, unwatched


@dataclass(frozen=True, slots=True)
class Cold:
    """How jobs are measured: with which cold builders, and with which registry.

    `builders` are BuildKit containers of the engine where none are given; `options` are then
    further words of `docker buildx create`. `registry` is the address of a registry to push to,
    with its caches; empty pushes nothing. `pushes` runs all jobs that often.
    """

    registry: str = ""
    pushes: int = 1
    options: tuple[str, ...] = ()
    builders: Builders | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What to verify, and how.

    `root` and `facts` are the repository as it is, `exclude` the patterns that its snapshot
    leaves out, `patch` a git diff relative to the root. `engine` is an address and `builder` a
    builder's name (empty: what the docker CLI uses); `network` the network of RUN instructions.
    `baseline` builds *before* twice. `seconds` is how long what an image runs is watched; 0
    starts nothing. `cold` says how jobs are measured; None measures nothing.
    """

    root: Path
    facts: Facts
    patch: bytes
    exclude: tuple[str, ...] = ()
    variables: Variables = field(default_factory=Variables)
    engine: str = ""
    builder: str = ""
    network: str = ""
    baseline: bool = False
    seconds: float = 3.0
    cold: Cold | None = None

    @property
    def buildx(self) -> Buildx:
        """How buildx is called."""
        given = {"DOCKER_HOST": self.engine} if self.engine else {}
        return Buildx({**os.environ, **given}, self.builder, self.network)


def verify(request: Request, watch: Watch = unwatched) -> Outcome:
    """Build both sides and compare; nothing that was made for it is left.

    Raises `PatchError` for a patch that does not apply, `EngineError` when the engine or
    buildx cannot be used, `KeyboardInterrupt` when somebody ends it.
    """
    if not request.patch.strip():
        return Verified(notes=("the patch is empty",))
    run = f"dockerfix-verify-{secrets.token_hex(4)}"
    with endings_interrupt(), two_copies_of(request, run) as copies:
        after = Facts(read_snapshot(copies.after, request.exclude))
        found = concern(request.facts, after, copies.changed, request.variables)
        notes = tuple(_notes(found, copies))
        if not (found.pairs or found.unmatched):
            return Verified(unread=found.unread, notes=("no build is concerned", *notes))
        request.buildx.check()
        with _engine(run, request.engine) as engine:
            proof = Proof(request, copies, engine, recipe_paths(found.pairs, request.facts), watch)
            try:
                images = proof.images(found)
                measured, unmeasured = proof.measured(found, after)
            except BuildFailedError as error:
                return NotBuilt(error.side, error.images, error.failure, notes)
        return Verified(
            images,
            found.unmatched,
            found.unread,
            measured,
            request.baseline,
            (*notes, *unmeasured),
        )


def two_copies_of(request: Request, run: str) -> contextlib.AbstractContextManager[Copies]:
    """The copies of the request's tree."""
    return two_copies(request.root, request.facts.snapshot, request.patch, run)


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


@dataclass(frozen=True, slots=True)
class Proof:
    """One run against one engine."""

    request: Request
    copies: Copies
    engine: Engine
    recipes: frozenset[str]
    watch: Watch = unwatched

    def images(self, found: Concern) -> tuple[ImageResult, ...]:
        """Every pair, built and compared. Raises `BuildFailedError` and `EngineError`."""
        named = {_slug(pair.name): pair for pair in found.pairs}
        others = {
            side: {
                _slug(image.name): image.recipe for image in found.unmatched if image.side is side
            }
            for side in Side
        }
        for side in Side:
            recipes = {name: pair.recipe(side) for name, pair in named.items()}
            self._build(side, {**others[side], **recipes}, side.value)
        again: dict[str, Image] = {}
        if self.request.baseline:
            olds = {name: pair.before for name, pair in named.items()}
            self._build(Side.BEFORE, olds, _AGAIN, no_cache=True)
            again = {name: self._image(name, _AGAIN) for name in named}
        before = {name: self._image(name, Side.BEFORE.value) for name in named}
        return tuple(
            self._compared(name, pair, before, again.get(name)) for name, pair in named.items()
        )

    def measured(
        self, found: Concern, after: Facts
    ) -> tuple[tuple[Measured, ...], tuple[str, ...]]:
        """The jobs before and after on cold builders, and why there are none if there are none.

        Raises `BuildFailedError`.
        """
        request, cold = self.request, self.request.cold
        if cold is None:
            return (), ()
        run, buildx = self.engine.run, request.buildx
        stopwatch = Stopwatch(
            buildx=buildx,
            copies=self.copies,
            builders=cold.builders or ContainerBuilders(buildx, run, cold.options),
            variables=request.variables,
            run=run,
            registry=cold.registry,
            watch=self.watch,
        )
        pipelines = {Side.BEFORE: request.facts.pipeline, Side.AFTER: after.pipeline}
        done: list[Measured] = []
        try:
            done += stopwatch.measure(found.orders, pipelines, pushes=cold.pushes)
        except EngineError as error:
            return tuple(done), (f"not measured: {error.what}",)
        return tuple(done), ()

    def _build(
        self, side: Side, recipes: dict[str, Recipe], mark: str, *, no_cache: bool = False
    ) -> None:
        if not recipes:
            return
        wanted = tuple(
            Wanted(name, recipe, (self.engine.tag(f"{name}-{mark}"),))
            for name, recipe in recipes.items()
        )
        again = ", once more without cache" if no_cache else ""
        self.watch(Phase(f"building {side.value}{again}: {', '.join(recipes)}"))
        job = Job(side, self.copies.folder(side), wanted, side.value)
        self.request.buildx.bake(job, no_cache=no_cache, watch=self.watch)

    def _image(self, name: str, mark: str) -> Image:
        self.watch(Phase(f"reading {name} {mark}"))
        return self.engine.image(self.engine.tag(f"{name}-{mark}"))

    def _compared(
        self, name: str, pair: Pair, befores: dict[str, Image], again: Image | None
    ) -> ImageResult:
        before, after = befores[name], self._image(name, Side.AFTER.value)
        noise: frozenset[tuple[Aspect, str]] = frozenset()
        if again is not None:
            found = differences(before, again, unexplained)
            noise = frozenset((difference.aspect, difference.path) for difference in found)
        others = tuple(image for other, image in befores.items() if other != name)
        patched = self.copies.patched_files()
        rules = Rules(before, after, others, patched, self.recipes, noise)
        return ImageResult(
            name=pair.name,
            before=str(pair.before),
            after=str(pair.after),
            sites=pair.sites,
            differences=differences(before, after, rules.explain),
            starts=tuple(self._starts(name, before)),
        )

    def _starts(self, name: str, before: Image) -> Iterator[StartCheck]:
        """What both images do when they are started; nothing for one without a command."""
        seconds, command = self.request.seconds, before.command
        if seconds <= 0 or not command:
            return
        self.watch(Phase(f"starting {name}"))
        tags = [self.engine.tag(f"{name}-{side.value}") for side in Side]
        asked = version_command(command)
        if asked is not None:
            old = self.engine.start(tags[0], asked, seconds)
            if answers(old):
                yield compare_versions(asked, old, self.engine.start(tags[1], asked, seconds))
        started = [self.engine.start(tag, command, seconds) for tag in tags]
        yield compare_starts(command, *started)


_AGAIN = "again"


def recipe_paths(pairs: Sequence[Pair], facts: Facts) -> frozenset[str]:
    """Where cargo-chef's recipes stand in the images before, as their cooks write them."""
    found: set[str] = set()
    for dockerfile in {pair.before.dockerfile for pair in pairs}:
        for instruction in facts.dockerfile(dockerfile).instructions:
            script = instruction.script if isinstance(instruction, Run) else None
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
    if found.dropped:
        yield f"not passed on to buildx: {', '.join(found.dropped)}"
    if copies.left_out:
        shown = ", ".join(copies.left_out[:5])
        more = f" and {len(copies.left_out) - 5} more" if len(copies.left_out) > 5 else ""
        yield f"in neither copy, since a tool fills them: {shown}{more}"


def _slug(name: str) -> str:
    """A pair's name as a bake target and a tag: a-z, 0-9 and single dashes."""
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return "-".join(part for part in kept.split("-") if part)
