"""Which Dockerfiles a path means, and with which context each is built.

Knows the builds of the repository and the names of files; of a Dockerfile it knows what it
copies, to infer the context of one that nothing builds.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from dockerfix.api import (
    Build,
    ContextUse,
    Facts,
    Finding,
    Severity,
    SiteKind,
    SnapshotError,
    is_given,
    likely_context,
    used_of,
)
from dockerfix_transforms.slim_context.refusal import CannotSlimError


class Built(Struct, frozen=True):
    """A Dockerfile with its builds. `context` is that of all of them; `assumed` says that no
    call site tells it, and that what the file copies does."""

    path: str
    context: str
    builds: tuple[Build, ...]
    assumed: bool = False


def dockerfiles_of(facts: Facts, path: str) -> list[str]:
    """The Dockerfiles that a path means: the file itself, those that stand in the folder, those
    elsewhere that build hardly anything else, or all below a folder without any."""
    if path in facts.snapshot:
        return [path]
    listed = _listed(facts)
    inside = [p for p in listed if path and posixpath.dirname(p) == path]
    about = [p for p in listed if path and not inside and _is_about(facts, p, path)]
    below = [p for p in listed if not path or p.startswith(f"{path}/")]
    return inside or about or below


def candidates(facts: Facts, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """One call for each Dockerfile at or below `paths` whose context holds more than its own
    folder."""
    found = dict.fromkeys(file for path in paths for file in dockerfiles_of(facts, path))
    wide = {b.dockerfile for b in facts.builds.builds if _is_wide(b)}
    return tuple((path,) for path in found if path in wide)


def built(facts: Facts, path: str) -> Built:
    """How a Dockerfile is built.

    A build with a Git context, whose ignore file no builder reads, counts as one of the
    repository's root. A document that says something else than all code does not count.
    Raises `CannotSlimError` where the contexts differ or cannot be known.
    """
    builds = tuple(b for b in facts.builds.builds if b.dockerfile == path)
    if not builds:
        return Built(path, _inferred(facts, path), (), assumed=True)
    code = tuple(b for b in builds if b.site.kind is not SiteKind.DOCUMENT) or builds
    contexts = {"" if is_git(build) else build.context for build in code}
    if None in contexts or len(contexts) > 1:
        raise _several(path, code)
    context = contexts.pop() or ""
    return Built(path, context, tuple(b for b in builds if b in code or b.context == context))


def is_git(build: Build) -> bool:
    """Whether a build takes a fresh clone of the repository for its context."""
    return build.context is None and any("a Git context" in why for why in build.unknown)


def sent_otherwise(facts: Facts, path: str) -> str | None:
    """Why no folder of the repository is sent to build a Dockerfile: a sentence, where every
    call site takes a fresh clone, or a context that a command or an address gives, or where
    nothing builds it and it copies nothing. None else."""
    builds = [b for b in facts.builds.builds if b.site.kind is not SiteKind.DOCUMENT]
    own = [b for b in builds if b.dockerfile == path]
    if own and all(map(is_git, own)):
        return f"{path} is built from Git contexts: no folder is sent, and no ignore file is read"
    named = [*own, *(b for b in builds if b.dockerfile is None and _names_path(b, path))]
    if named and all(map(is_given, named)):
        return f"the context of {path} is made by a command or an address, not by a folder"
    if not named and used_of(facts, path, posixpath.dirname(path)) == ContextUse():
        return f"{path} takes nothing from its context"
    return None


def _names_path(build: Build, path: str) -> bool:
    written = build.dockerfile_written
    return written is not None and posixpath.normpath(written.text) == path


def check_git_contexts(made: Built, folder: str) -> None:
    """Raises `CannotSlimError` at a build with a Git context: a path for it would name the
    runner's folder, into which nothing may have been checked out."""
    for build in filter(is_git, made.builds):
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "git-context",
                f"{made.path} is built here from a Git context, a fresh clone of the repository",
                "a folder of it is named in another way than a folder of the runner",
                f'write `context: "{{{{defaultContext}}}}:{folder}"`, with the siblings in '
                "`build-contexts:`, or check the repository out and write `context: .`",
                build.site.place, made.path,
            )
        )  # fmt: skip


def _several(path: str, builds: Sequence[Build]) -> CannotSlimError:
    """The contexts of one Dockerfile differ, or one of them cannot be known."""
    odd = next((b for b in builds if b.context is None and not is_git(b)), None)
    if odd is not None:
        what = f"{path} is built here with a context that is not known: {'; '.join(odd.unknown)}"
        return CannotSlimError(
            Finding(
                Severity.REFUSE, "contexts", what,
                "this build would break if its context is another than the others'",
                "write its context out", odd.site.place, path,
            )
        )  # fmt: skip
    usual = max(builds, key=lambda b: sum(o.context == b.context for o in builds)).context
    other = next(b for b in builds if b.context != usual and not (is_git(b) and not usual))
    what = f"{path} is built here with the context {other.context or '.'}, elsewhere with"
    return CannotSlimError(
        Finding(
            Severity.REFUSE, "contexts", f"{what} {usual or '.'}",
            "one Dockerfile has one context", "build it with one context first",
            other.site.place, path,
        )
    )  # fmt: skip


def _inferred(facts: Facts, path: str) -> str:
    """The context of a Dockerfile that nothing builds, by what it copies. Raises
    `CannotSlimError`."""
    context = likely_context(facts, path)
    if context is not None:
        return context
    raise CannotSlimError(
        Finding(
            Severity.REFUSE, "not-built", f"no call site that was read builds {path}",
            "its context is not known, and no folder above it holds what it copies",
            "write the call site in a file that dockerfix reads", None, path,
        )
    )  # fmt: skip


def _listed(facts: Facts) -> list[str]:
    """All Dockerfiles, by their names or because something builds them."""
    used = {b.dockerfile for b in facts.builds.builds if b.dockerfile in facts.snapshot}
    return sorted({*facts.dockerfiles, *(path for path in used if path)})


def _is_wide(build: Build) -> bool:
    """Whether a build's context may hold more than the Dockerfile's own folder."""
    known = build.dockerfile is not None
    context = "" if is_git(build) else build.context
    return known and context != posixpath.dirname(build.dockerfile or "")


def _is_about(facts: Facts, dockerfile: str, folder: str) -> bool:
    """Whether a Dockerfile elsewhere is the folder's: most that it copies lies in it."""
    from dockerfix_transforms.slim_context.read.owner import folder_of

    for build in facts.builds.builds:
        if build.dockerfile == dockerfile and build.context is not None:
            try:
                return folder_of(facts, facts.stages(dockerfile), build.context) == folder
            except (CannotSlimError, SnapshotError):
                return False
    return False
