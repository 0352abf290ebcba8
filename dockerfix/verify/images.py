"""Images built on both sides, read, compared and started.

Knows in which order; how each is done stands in `buildx`, `engine`, `compare`, `rules` and
`starts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Buildx, Job
from dockerfix.verify.compare import Aspect, differences, unexplained
from dockerfix.verify.concern import Concern, Pair
from dockerfix.verify.copies import Copies
from dockerfix.verify.engine import Engine
from dockerfix.verify.image import Image
from dockerfix.verify.outcome import ImageResult
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
from dockerfix.verify.watch import Phase, Watch, unwatched

T = TypeVar("T")
_AGAIN = "again"
"""What marks the images of the second build of *before*."""


class Comparison(Struct, frozen=True):
    """How images are built and compared.

    `recipes` are the paths of cargo-chef's recipes (see `Rules`), `baseline` builds *before*
    twice, `seconds` is how long a started container is watched (0: none is started).
    """

    buildx: Buildx
    engine: Engine
    copies: Copies
    recipes: frozenset[str] = frozenset()
    baseline: bool = False
    seconds: float = 3.0
    watch: Watch = unwatched

    def results(self, found: Concern) -> tuple[ImageResult, ...]:
        """Every pair, built and compared; images that one side alone asks for are built too.

        Raises `BuildFailedError` and `EngineError`.
        """
        named = _named((pair.name, pair) for pair in found.pairs)
        alone = _named((f"alone {image.name}", image) for image in found.unmatched)
        for side in Side:
            recipes = {name: pair.recipe(side) for name, pair in named.items()}
            recipes |= {name: image.recipe for name, image in alone.items() if image.side is side}
            self._build(side, recipes, side.value)
        again = self._again(named) if self.baseline else {}
        before = {name: self._image(name, Side.BEFORE.value) for name in named}
        return tuple(
            self._result(name, pair, before, again.get(name, frozenset()))
            for name, pair in named.items()
        )

    def _build(
        self, side: Side, recipes: Mapping[str, Recipe], mark: str, *, no_cache: bool = False
    ) -> None:
        """All images of one side in one call."""
        if not recipes:
            return
        again = " again, without cache" if no_cache else ""
        self.watch(Phase(f"building {side.value}{again}: {', '.join(recipes)}"))
        wanted = tuple(
            Wanted(name, self._single(recipe), (self._tag(name, mark),))
            for name, recipe in recipes.items()
        )
        job = Job(side, self.copies.folder(side), wanted, side.value)
        self.buildx.bake(job, no_cache=no_cache, watch=self.watch)

    def _single(self, recipe: Recipe) -> Recipe:
        """The recipe for one platform: the engine's own, where several are asked for."""
        if len(recipe.platforms) < 2:
            return recipe
        own = self.engine.platform
        chosen = own if own in recipe.platforms else recipe.platforms[0]
        return replace(recipe, platforms=(chosen,))

    def _again(self, named: Mapping[str, Pair]) -> dict[str, frozenset[tuple[Aspect, str]]]:
        """What differs between two builds of *before*, by image."""
        recipes = {name: pair.before for name, pair in named.items()}
        self._build(Side.BEFORE, recipes, _AGAIN, no_cache=True)
        noise = {}
        for name in named:
            first, second = self._image(name, Side.BEFORE.value), self._image(name, _AGAIN)
            found = differences(first, second, unexplained)
            noise[name] = frozenset((difference.aspect, difference.path) for difference in found)
        return noise

    def _result(
        self,
        name: str,
        pair: Pair,
        befores: Mapping[str, Image],
        noise: frozenset[tuple[Aspect, str]],
    ) -> ImageResult:
        before, after = befores[name], self._image(name, Side.AFTER.value)
        others = tuple(image for other, image in befores.items() if other != name)
        patched = self.copies.patched_files()
        rules = Rules(before, after, others, patched, self.recipes, noise)
        return ImageResult(
            name=pair.name,
            before=str(pair.before),
            after=str(pair.after),
            sites=pair.sites,
            differences=differences(before, after, rules.explain),
            starts=tuple(self._starts(name, before.command, after.command)),
        )

    def _starts(
        self, name: str, before: tuple[str, ...], after: tuple[str, ...]
    ) -> Iterator[StartCheck]:
        """What both images do when they are started as they say; nothing without a command."""
        seconds = self.seconds
        if seconds <= 0 or not before or not after:
            return
        self.watch(Phase(f"starting {name}"))
        old, new = (self._tag(name, side.value) for side in Side)
        asked = version_command(before)
        if asked is not None:
            answer = self.engine.start(old, asked, seconds)
            if answers(answer):
                yield compare_versions(asked, answer, self.engine.start(new, asked, seconds))
        with ThreadPoolExecutor(max_workers=2) as pool:
            starts = [
                pool.submit(self.engine.start, tag, command, seconds)
                for tag, command in ((old, before), (new, after))
            ]
            yield compare_starts(before, *(start.result() for start in starts))

    def _image(self, name: str, mark: str) -> Image:
        self.watch(Phase(f"reading {name} {mark}"))
        return self.engine.image(self._tag(name, mark))

    def _tag(self, name: str, mark: str) -> str:
        return self.engine.tag(f"{name}-{mark}")


def _named(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Things by names that serve as bake targets and tags: a-z, 0-9 and single dashes."""
    found: dict[str, T] = {}
    for text, item in items:
        kept = "".join(char if char.isascii() and char.isalnum() else " " for char in text.lower())
        name = "-".join(kept.split())[:90] or "image"
        count = sum(other == name or other.startswith(f"{name}--") for other in found)
        found[f"{name}--{count + 1}" if count else name] = item
    return found
