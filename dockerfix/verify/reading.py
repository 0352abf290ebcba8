"""Bake's own reading of a bake file against dockerfix's.

A patch may come with a bake file that dockerfix wrote, and the builds in it are known by
dockerfix's reading alone: bake itself must read the same, or nothing that follows proves
anything. Knows `docker buildx bake --print`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from dockerfix.facts.model import Build, Tool
from dockerfix.text import join_path, relative_path
from dockerfix.verify.buildx import Buildx
from dockerfix.verify.copies import Copies
from dockerfix.verify.errors import ReadingError
from dockerfix.verify.recipe import Order
from dockerfix.verify.side import Side
from dockerfix.verify.variables import Variables

_MARK = "bake target "


def check_bake_files(
    orders: Iterable[Order], side: Side, copies: Copies, buildx: Buildx, variables: Variables
) -> None:
    """Raise `ReadingError` where bake reads another build than the order says, and
    `BuildFailedError` where it cannot read the file at all."""
    for order in orders:
        name = _target(order.build)
        if name is None or order.build.definition is None:
            continue
        build = order.build
        folder = copies.folder(side) / build.folder
        file = relative_path(order.build.definition.path, build.folder)
        given = {variable: variables.fill("${" + variable + "}").text for variable in _open(build)}
        printed = buildx.print_bake(side, folder, ["--file", file, name], given)
        read, ours = _essence(printed.get(name), build.folder), _ours(order)
        if read != ours:
            raise ReadingError(
                f"{build.definition}: bake reads {read} of target {name}, dockerfix reads {ours}",
                "this is a bug of dockerfix: please report it with the bake file",
            )


def _target(build: Build) -> str | None:
    """The bake target that a build is; None for one that bake does not make of a bake file."""
    last = build.site.through[-1] if build.site.through else ""
    return last.removeprefix(_MARK) if build.tool is Tool.BAKE and last.startswith(_MARK) else None


def _open(build: Build) -> set[str]:
    """Variables that only the caller's environment gives."""
    values = (*build.tags, *build.cache_from, *build.cache_to, build.target)
    return {name for value in values if value is not None for name in value.variables}


def _essence(target: Any, folder: str) -> Mapping[str, object]:
    """What decides the image, of a target as bake prints it; paths relative to the root."""
    if not isinstance(target, dict):
        return {}
    context = str(target.get("context", "."))
    where = join_path(folder, context)
    file = str(target.get("dockerfile", "Dockerfile"))
    return {
        "context": where,
        "dockerfile": posixpath.normpath(posixpath.join(where or "", file)),
        "target": str(target.get("target", "")),
        "args": dict(target.get("args") or {}),
    }


def _ours(order: Order) -> Mapping[str, object]:
    recipe = order.recipe
    return {
        "context": recipe.context,
        "dockerfile": recipe.dockerfile,
        "target": recipe.target,
        "args": dict(recipe.arguments),
    }
