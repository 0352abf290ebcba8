"""Images built on both sides, read, compared and started.

Knows in which order; how each is done stands in `buildx`, `engine`, `compare`, `rules` and
`starts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.verify.bake import Wanted
from dockerfix.verify.buildx import Job
from dockerfix.verify.compare import Aspect, differences, unexplained
from dockerfix.verify.concern import Concern, Pair, Unmatched
from dockerfix.verify.copies import Copies
from dockerfix.verify.engine import Engine
from dockerfix.verify.fleet import Fleet, Share, spread
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

    fleet: Fleet
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
        recipes = {side: _recipes(side, named, alone) for side in Side}
        lists = spread(related(recipes), max(1, len(self.fleet.builders)))
        self.fleet.build([self._share(names, recipes) for names in lists])
        again = self._noise(named) if self.baseline else {}
        before = {name: self._image(name, Side.BEFORE.value) for name in named}
        return tuple(
            self._result(name, pair, before, again.get(name, frozenset()))
            for name, pair in named.items()
        )

    def _share(self, names: Sequence[str], recipes: Mapping[Side, Mapping[str, Recipe]]) -> Share:
        """Both sides of some images, each in one call; *before* once more for a baseline."""
        calls = [self._job(side, names, recipes[side]) for side in Side]
        if self.baseline:
            calls.append(self._job(Side.BEFORE, names, recipes[Side.BEFORE], again=True))
        return Share(tuple(job for job in calls if job.wanted))

    def _job(
        self, side: Side, names: Sequence[str], recipes: Mapping[str, Recipe], again: bool = False
    ) -> Job:
        mark = _AGAIN if again else side.value
        wanted = tuple(
            Wanted(name, self._single(recipes[name]), (self._tag(name, mark),))
            for name in names
            if name in recipes
        )
        what = f"{side.value} again, without cache" if again else side.value
        return Job(side, self.copies.folder(side), wanted, what, no_cache=again)

    def _single(self, recipe: Recipe) -> Recipe:
        """The recipe for one platform: the engine's own, where several are asked for."""
        if len(recipe.platforms) < 2:
            return recipe
        own = self.engine.platform
        chosen = own if own in recipe.platforms else recipe.platforms[0]
        return replace(recipe, platforms=(chosen,))

    def _noise(self, named: Iterable[str]) -> dict[str, frozenset[tuple[Aspect, str]]]:
        """What differs between two builds of *before*, by image."""
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


def _recipes(
    side: Side, named: Mapping[str, Pair], alone: Mapping[str, Unmatched]
) -> dict[str, Recipe]:
    """What is built on a side, by name."""
    found = {name: pair.recipe(side) for name, pair in named.items()}
    return found | {name: image.recipe for name, image in alone.items() if image.side is side}


def related(recipes: Mapping[Side, Mapping[str, Recipe]]) -> list[tuple[str, ...]]:
    """Names of images in groups that share no Dockerfile, on neither side, so that builders which
    each take some of them do no work twice."""
    files: dict[str, set[tuple[Side, str]]] = {}
    for side, found in recipes.items():
        for name, recipe in found.items():
            files.setdefault(name, set()).update((side, path) for path in _dockerfiles(recipe))
    groups: list[tuple[set[tuple[Side, str]], tuple[str, ...]]] = []
    for name, read in files.items():
        near = [group for group in groups if group[0] & read]
        groups = [group for group in groups if not group[0] & read]
        names = (name for _, names in near for name in names)
        groups.append((read.union(*(paths for paths, _ in near)), (*names, name)))
    return [names for _, names in groups]


def _dockerfiles(recipe: Recipe) -> Iterator[str]:
    yield recipe.dockerfile
    for provider in recipe.providers:
        yield from _dockerfiles(provider)


def _named(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Things by names that serve as bake targets and tags: a-z, 0-9 and single dashes."""
    found: dict[str, T] = {}
    for text, item in items:
        kept = "".join(char if char.isascii() and char.isalnum() else " " for char in text.lower())
        name = "-".join(kept.split())[:90] or "image"
        count = sum(other == name or other.startswith(f"{name}--") for other in found)
        found[f"{name}--{count + 1}" if count else name] = item
    return found
