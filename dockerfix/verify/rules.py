"""Named rules: differences that a correct merge makes in development images.

A development image carries what cargo needs to build: its target folder, its cache, its build
packages. No rule lets anything be lost or changed outside of cargo's own folders, and none of
cargo's holds for an image without a target folder, which only runs a binary. What npm keeps of
its downloads is never the same twice, and is not needed to run.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from msgspec import Struct

from dockerfix.verify.compare import Aspect, Difference
from dockerfix.verify.image import Image, Node, NodeKind

KEPT_NAMES: Final = frozenset({"CACHEDIR.TAG"})
"""Names of files whose bytes the rules read."""

_CARGO_TAG: Final = b"created by cargo"
_CACHES: Final = ("registry", "git", ".package-cache", ".package-cache-mutate", ".global-cache")
_NPM_CACHE: Final = ("_cacache", "_logs", "_update-notifier-last-checked")
_DATABASES: Final = (
    "/etc/apk/world", "/lib/apk/db", "/usr/lib/apk/db", "/var/lib/dpkg", "/var/lib/apt",
    "/var/cache", "/var/log", "/etc/ld.so.cache",
)  # fmt: skip
"""What package managers note of what they installed."""
_LOCAL: Final = ("/usr/local", "/opt", "/root", "/home")
"""Where packages of a distribution never install anything (Filesystem Hierarchy Standard)."""


class Rule(Struct, frozen=True):
    """A rule's name, and why what it covers is no difference that matters."""

    name: str
    why: str


NOISE = Rule("noise", "never the same twice: two builds of the old file differ there too")
PATCHED = Rule("patched-files", "files that the patch itself creates, changes or deletes")
TARGET = Rule("cargo-target", "cargo's target folder, which every build fills")
CACHE = Rule("cargo-cache", "cargo's cache of downloaded crates, which every build fills")
COOK = Rule("joint-cook", "the recipe of one cook for all binaries")
PACKAGES = Rule("united-packages", "build packages that another Dockerfile of the merge had")

NPM = Rule("npm-cache", "npm's cache and logs, which every install fills with other times")

RULES: Final = (NOISE, PATCHED, NPM, TARGET, CACHE, COOK, PACKAGES)


class PatchedFiles(Struct, frozen=True):
    """What the patch takes away and puts there: names of files with their sha256."""

    removed: frozenset[tuple[str, str]] = frozenset()
    added: frozenset[tuple[str, str]] = frozenset()


_NOTHING_PATCHED = PatchedFiles()


@dataclass(frozen=True)
class Rules:
    """The rules for one pair of images.

    `others` are the images before of the patch's other pairs. `recipes` are the paths of
    cargo-chef's recipes as the cooks write them, relative to the working folder or absolute.
    `noise` holds what differed between two builds of *before*.
    """

    before: Image
    after: Image
    others: tuple[Image, ...] = ()
    patched: PatchedFiles = _NOTHING_PATCHED
    recipes: frozenset[str] = frozenset()
    noise: frozenset[tuple[Aspect, str]] = frozenset()

    def explain(self, difference: Difference) -> str:
        """The name of the rule that expects a difference; empty when none does."""
        if difference.aspect is Aspect.CONFIGURATION:
            return ""
        judges: list[tuple[Rule, Callable[[Difference], bool]]] = [
            (NOISE, self._is_noise),
            (PATCHED, self._is_patched),
            (NPM, self._is_in_npm_cache),
        ]
        if self.target_folders:
            judges += [
                (TARGET, self._is_in_target),
                (CACHE, self._is_in_cache),
                (COOK, self._is_recipe),
                (PACKAGES, self._is_package),
            ]
        return next((rule.name for rule, holds in judges if holds(difference)), "")

    @cached_property
    def target_folders(self) -> tuple[str, ...]:
        """Cargo's target folders in the image before: each holds a CACHEDIR.TAG that says who
        made it."""
        return tuple(
            posixpath.dirname(path)
            for path, data in self.before.kept.items()
            if posixpath.basename(path) == "CACHEDIR.TAG" and _CARGO_TAG in data
        )

    @cached_property
    def cargo_home(self) -> str:
        """Cargo's home in the image before."""
        environment = self.before.environment
        user_home = environment.get("HOME", "/root")
        return environment.get("CARGO_HOME") or posixpath.join(user_home, ".cargo")

    def _is_noise(self, difference: Difference) -> bool:
        return (difference.aspect, difference.path) in self.noise

    def _is_patched(self, difference: Difference) -> bool:
        name = posixpath.basename(difference.path)
        old = self.before.nodes.get(difference.path)
        new = self.after.nodes.get(difference.path)
        gone = old is None or (name, old.sha256) in self.patched.removed
        come = new is None or (name, new.sha256) in self.patched.added
        return gone and come and _same_rights(old, new)

    def _is_in_npm_cache(self, difference: Difference) -> bool:
        home = self.before.environment.get("HOME", "/root")
        folder = self.before.environment.get("NPM_CONFIG_CACHE") or posixpath.join(home, ".npm")
        if difference.path == folder:
            return True  # the folder itself is there once npm has run
        return _within(difference.path, tuple(posixpath.join(folder, name) for name in _NPM_CACHE))

    def _is_in_target(self, difference: Difference) -> bool:
        return any(_below(difference.path, (folder,)) for folder in self.target_folders)

    def _is_in_cache(self, difference: Difference) -> bool:
        home = self.cargo_home
        return _within(difference.path, tuple(posixpath.join(home, name) for name in _CACHES))

    def _is_recipe(self, difference: Difference) -> bool:
        paths = {posixpath.join(self.before.folder, recipe) for recipe in self.recipes}
        return difference.aspect is Aspect.CONTENT and difference.path in paths

    def _is_package(self, difference: Difference) -> bool:
        path = difference.path
        if difference.aspect is Aspect.CONTENT:
            return _within(path, _DATABASES)
        if difference.aspect is not Aspect.ADDED or self._is_local(path):
            return False
        new = self.after.nodes[path]
        return _within(path, _DATABASES) or any(
            _alike(other.nodes.get(path), new) for other in self.others
        )

    def _is_local(self, path: str) -> bool:
        folder = self.before.folder
        own = (self.cargo_home, *((folder,) if folder != "/" else ()))
        return _within(path, (*_LOCAL, *own))


def explanation(name: str) -> str:
    """Why the rule of that name holds."""
    return next(rule.why for rule in RULES if rule.name == name)


def _below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _within(path: str, places: tuple[str, ...]) -> bool:
    return path in places or _below(path, places)


def _same_rights(old: Node | None, new: Node | None) -> bool:
    if old is None or new is None:
        return True
    return (old.mode, old.uid, old.gid) == (new.mode, new.uid, new.gid)


def _alike(old: Node | None, new: Node) -> bool:
    """Whether another image has the very same thing there."""
    return old == new or (old is not None and old.kind is new.kind is NodeKind.FOLDER)
