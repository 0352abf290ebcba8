"""What BuildKit rejects: the checks of its parser and of `instructions.Parse`.

Lists the first things a person would see, each with what to do. Knows single instructions
and the order of stages; whether an image exists is not its business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.syntax.tree import (
    KEYWORDS,
    Arg,
    Copy,
    Dockerfile,
    Env,
    From,
    Instruction,
    Onbuild,
    Problem,
)
from dockerfix.text import Span

_STAGE_NAME = re.compile(r"^[a-z][a-z0-9-_.]*$")
_FLAGS: dict[str, frozenset[str]] = {
    "FROM": frozenset({"platform"}),
    "COPY": frozenset({"chown", "chmod", "from", "link", "parents", "exclude"}),
    "ADD": frozenset({"chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"}),
    "RUN": frozenset({"mount", "network", "security", "device"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
}


def errors(tree: Dockerfile) -> tuple[Problem, ...]:
    """All problems of the tree in the order of their places."""
    found = [*_directives(tree), *_structure(tree)]
    for item in tree.instructions:
        found += _instruction(item)
    return tuple(sorted(found, key=lambda problem: problem.span))


def _directives(tree: Dockerfile) -> Iterator[Problem]:
    for item in tree.directives:
        if item.name == "escape" and item.value not in ("\\", "`"):
            yield Problem(item.span, f"invalid escape token {item.value!r}", "use ` or \\")
    names = {item.name for item in tree.directives}
    if not tree.directives:
        return
    # The first line after the directives that repeats one of them is BuildKit's error.
    from dockerfix.syntax import scan

    at = tree.directives[-1].span.end
    line = tree.source.slice(tree.source.line_of(at)) if at < len(tree.source.data) else b""
    repeated = scan.directive(line)
    if repeated and repeated[0] in names:
        yield Problem(
            tree.source.line_of(at),
            f"only one {repeated[0]} parser directive can be used",
            "remove the second one",
        )


def _structure(tree: Dockerfile) -> Iterator[Problem]:
    if not tree.instructions:
        yield Problem(Span(0, 0), "file with no instructions", "a Dockerfile begins with FROM")
        return
    for item in tree.preamble:
        if not isinstance(item, Arg):
            yield Problem(item.code, "no build stage in current context", "begin with FROM")
            break
    if not tree.stages and all(isinstance(item, Arg) for item in tree.preamble):
        yield Problem(tree.instructions[-1].code, "no FROM", "add a stage")


def _instruction(item: Instruction) -> Iterator[Problem]:
    if item.keyword not in KEYWORDS:
        yield Problem(item.code, f"unknown instruction: {item.keyword}", "see Dockerfile reference")
        return
    if item.unterminated:
        yield Problem(item.code, "unterminated heredoc", "add the end marker on its own line")
    if not item.arguments:
        yield Problem(item.code, f"{item.keyword} requires arguments", "complete it")
        return
    allowed = _FLAGS.get(item.keyword, frozenset())
    for flag in item.flags:
        if flag.name not in allowed:
            yield Problem(flag.span, f"unknown flag: --{flag.name}", "remove the flag")
    yield from _arguments(item)


def _arguments(item: Instruction) -> Iterator[Problem]:
    if isinstance(item, From):
        yield from _from(item)
    elif isinstance(item, Copy):
        yield from _copy(item)
    elif isinstance(item, Env):
        yield from _env(item)
    elif isinstance(item, Onbuild):
        inner = item.inner
        if inner is not None and inner.keyword in {"ONBUILD", "FROM", "MAINTAINER"}:
            yield Problem(item.code, f"{inner.keyword} isn't allowed as an ONBUILD trigger")
    elif item.keyword == "SHELL" and item.json is None:
        yield Problem(item.code, "SHELL requires the arguments to be in JSON form")


def _copy(item: Copy) -> Iterator[Problem]:
    if len(item.words) < 2:
        yield Problem(
            item.code, f"{item.keyword} requires at least two arguments", "add a destination"
        )
    if item.from_ is not None and "$" in (item.from_.value or ""):
        yield Problem(
            item.from_.span,
            "variable expansion is not supported for --from",
            "define a new stage with FROM using ARG, and copy from that",
        )


def _env(item: Env) -> Iterator[Problem]:
    if "=" not in item.words[0].raw:
        if len(item.words) < 2:
            yield Problem(item.code, f"{item.keyword} must have two arguments")
        return
    for word in item.words:
        if "=" not in word.raw:
            yield Problem(word.span, f"{word.raw} must be of the form: name=value")


def _from(item: From) -> Iterator[Problem]:
    parts = item.words
    if len(parts) not in (1, 3) or (len(parts) == 3 and parts[1].value.lower() != "as"):
        yield Problem(
            item.code, "FROM requires either one or three arguments", "FROM image [AS name]"
        )
        return
    name = item.name
    if name is not None and not _STAGE_NAME.match(name.value.lower()):
        yield Problem(
            name.span,
            f"invalid name for build stage: {name.value!r}",
            "a name starts with a letter and holds letters, digits, '-', '_' and '.'",
        )
