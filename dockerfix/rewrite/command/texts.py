"""How a Dockerfile and a context are to be written in a command: in the manner of the old ones.

Knows one change at a time; knows nothing of where the text goes.
"""

from __future__ import annotations

from dockerfix.facts.model import Build, Tool, Value
from dockerfix.rewrite.expansions import as_written, leading
from dockerfix.rewrite.wanted import Change, Refused, below_value
from dockerfix.text import Source, relative_path

_ROOTS = ("${CI_PROJECT_DIR}", "$CI_PROJECT_DIR", "${GITHUB_WORKSPACE}", "$GITHUB_WORKSPACE")


def file_text(change: Change) -> str:
    """The Dockerfile as the command must name it, written as the old one was."""
    build, path = change.build, change.wanted.dockerfile
    old = build.dockerfile_written
    written = old.written if old is not None else ""
    root = _rooted(written)
    if root and old is not None and path == build.dockerfile:
        return old.text
    if root:
        return f"{root}/{path}"
    if old is not None and path == build.dockerfile and build.tool is not Tool.KANIKO:
        return old.text
    if old is not None and old.inside.startswith(("$", '"$')) and "/" in old.inside:
        return _behind_variable(build, old, path)
    if build.tool is Tool.KANIKO:
        context = build.context if change.wanted.context is None else change.wanted.context
        return relative_path(path, context or "")
    text = relative_path(path, build.folder)
    plain = old.text if old is not None else ""
    return f"./{text}" if plain.startswith("./") and not text.startswith(".") else text


def _rooted(written: str) -> str:
    return next((root for root in _ROOTS if written.strip("\"'").startswith(f"{root}/")), "")


def _behind_variable(build: Build, old: Value, path: str) -> str:
    """A path behind the variable that the old one stands behind, so that it works from wherever
    the old one worked; raises `Refused` where reading cannot tell the variable's folder."""
    found = leading(old.inside, build.dockerfile or "", build.variables)
    literal = old.mapped is None or old.mapped.is_literal(0, len(old.written))
    if found is None or not literal:
        what = f"its Dockerfile is {old.written}, and the folder of the variable is not known"
        raise Refused(build.site.place, what, "change the path by hand")
    prefix, folder = found
    return f"{prefix}/{relative_path(path, folder)}"


def behind_context(change: Change, source: Source) -> str | None:
    """A smaller context behind the words of the old one, where somebody may set these: a folder
    below it is named so whatever they hold. None where the old one says all by itself."""
    old = change.build.context_written
    return below_value(change, as_written(old, source)) if old is not None else None


def context_text(change: Change) -> str:
    """The context as the command must name it, written as the old one was."""
    build, context = change.build, change.wanted.context or ""
    old = build.context_written
    written = old.written if old is not None else ""
    root = next((r for r in _ROOTS if r in written), "")
    if root:
        head = "dir://" if "dir://" in written else ""
        return f"{head}{root}/{context}" if context else f"{head}{root}"
    if old is not None and context == build.context:
        return old.text
    if old is not None and old.inside.startswith(("$", '"$')) and not old.carrier:
        return _context_behind_variable(build, old, context)
    text = relative_path(context, build.folder)
    plain = old.text if old is not None else ""
    return f"./{text}" if plain.startswith("./") and not text.startswith(".") else text


def _context_behind_variable(build: Build, old: Value, context: str) -> str:
    """A context behind the variable that the old one is, or stands behind."""
    found: tuple[str, str] | None = (old.inside, build.context or "")
    if "/" in old.inside:
        found = leading(old.inside, build.context or "", build.variables)
    if found is None or build.context is None:
        what = f"its context is {old.written}, and the folder of the variable is not known"
        raise Refused(build.site.place, what, "change the context by hand")
    prefix, folder = found
    return f"{prefix}/{relative_path(context, folder)}"
