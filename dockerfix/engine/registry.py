"""The transforms that are installed, found by entry point and loaded one at a time.

Listing names reads the installed packages' `entry_points.txt` and imports no transform:
start-up pays for the one that is asked for. A plugin that cannot be loaded is one line for
the person and never stands in the way of the others; a name that two packages claim is an
error, since to pick one would be a guess.

Knows how transforms are found; knows nothing of what any of them does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from dockerfix.engine.proposal import Transform

GROUP = "dockerfix.transforms"


class TransformError(Exception):
    """A transform cannot be had: what is wrong, and what to do about it."""

    def __init__(self, what: str, action: str) -> None:
        super().__init__(f"{what}; {action}")
        self.what = what
        self.action = action


class UnknownTransformError(TransformError):
    """No installed package has a transform of that name."""


class BrokenTransformError(TransformError):
    """The transform's package cannot be loaded, or what it gives is no transform."""


class DuplicateTransformError(TransformError):
    """Two packages, or a package and a command of dockerfix, claim one name."""


class Plugin(NamedTuple):
    """An entry point: the transform's name, `module:attribute`, and who installed it."""

    name: str
    target: str
    distribution: str

    @property
    def module(self) -> str:
        """The module to import."""
        return self.target.partition(":")[0]

    @property
    def attribute(self) -> str:
        """The class in it."""
        return self.target.partition(":")[2]


class Registry:
    """The transforms of an installation. Make it with `Registry.installed`.

    `reserved` are names that are commands already and that no transform may take.
    """

    def __init__(self, plugins: Iterable[Plugin], reserved: frozenset[str] = frozenset()) -> None:
        self._claims: dict[str, list[Plugin]] = {}
        for plugin in plugins:
            self._claims.setdefault(plugin.name, []).append(plugin)
        self._reserved = reserved

    @classmethod
    def installed(cls, reserved: frozenset[str] = frozenset()) -> Registry:
        """The transforms of every package on `sys.path`."""
        return cls(read_plugins(sys.path), reserved)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that can be asked for, sorted."""
        return tuple(sorted(name for name in self._claims if self._conflict(name) is None))

    @property
    def conflicts(self) -> tuple[DuplicateTransformError, ...]:
        """The names that are claimed twice, one error each."""
        found = (self._conflict(name) for name in sorted(self._claims))
        return tuple(error for error in found if error is not None)

    def plugin(self, name: str) -> Plugin:
        """The entry point of that name.

        Raises `UnknownTransformError` and `DuplicateTransformError`.
        """
        if name not in self._claims:
            known = ", ".join(self.names) or "none"
            raise UnknownTransformError(f"no transform is called {name}", f"there are: {known}")
        conflict = self._conflict(name)
        if conflict is not None:
            raise conflict
        return self._claims[name][0]

    def load(self, name: str) -> Transform:
        """The transform of that name; raises a `TransformError` when it cannot be had."""
        plugin = self.plugin(name)
        try:
            made = getattr(import_module(plugin.module), plugin.attribute)
            made = made() if isinstance(made, type) else made
        except Exception as error:  # whatever a plugin's own code may raise
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise _broken(plugin, f"cannot be loaded: {reason}") from error
        missing = [
            part for part in ("name", "summary", "options", "propose") if not hasattr(made, part)
        ]
        if missing:
            raise _broken(plugin, f"is not a transform: it lacks {', '.join(missing)}")
        if made.name != name:
            raise _broken(plugin, f"calls itself {made.name}")
        return cast("Transform", made)

    def _conflict(self, name: str) -> DuplicateTransformError | None:
        plugins = self._claims[name]
        if name in self._reserved:
            what = f"the transform {name} of {plugins[0].distribution} has the name of a command"
            return DuplicateTransformError(what, f"uninstall {plugins[0].distribution}")
        if len(plugins) == 1:
            return None
        who = " and ".join(sorted(plugin.distribution for plugin in plugins))
        return DuplicateTransformError(
            f"the transform {name} is claimed by {who}", "uninstall one of them"
        )


def _broken(plugin: Plugin, what: str) -> BrokenTransformError:
    return BrokenTransformError(
        f"the transform {plugin.name} ({plugin.target}) of {plugin.distribution} {what}",
        f"update or uninstall {plugin.distribution}",
    )


def read_plugins(folders: Sequence[str]) -> Iterator[Plugin]:
    """The entry points of the group in every package that is installed in `folders`.

    Reads the same files as `importlib.metadata`, whose import alone costs as much start-up
    time as click's. The first of two installations of one package counts, as it does for
    `import`.
    """
    seen: set[str] = set()
    for folder in dict.fromkeys(folders):
        root = Path(folder or ".")
        try:
            names = sorted(entry.name for entry in root.iterdir() if entry.name.endswith("-info"))
        except OSError:
            continue  # an archive, or a folder that is not there: nothing is installed in it
        for name in names:
            distribution = _distribution(name)
            if distribution in seen:
                continue
            seen.add(distribution)
            yield from _entry_points(root / name / "entry_points.txt", distribution)


def _distribution(folder: str) -> str:
    """The normalised name in `name-version.dist-info` and `name[-version-py3].egg-info`."""
    if folder.endswith(".dist-info"):
        name = folder.removesuffix(".dist-info").rpartition("-")[0]
    else:
        name = folder.removesuffix(".egg-info").partition("-")[0]
    return name.lower().replace("_", "-")


def _entry_points(path: Path, distribution: str) -> Iterator[Plugin]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    section = ""
    for raw in text.splitlines() if GROUP in text else ():
        line = raw.strip()
        if line.startswith("["):
            section = line.strip("[] ")
        elif section == GROUP and "=" in line and line[0] not in "#;":
            name, _, target = line.partition("=")
            # Extras in brackets are obsolete and mean nothing here.
            yield Plugin(name.strip(), target.partition("[")[0].strip(), distribution)
