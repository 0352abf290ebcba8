"""What BuildKit rejects before it builds anything: the errors of its parser, those of
`instructions.Parse`, and the few of its conversion that need no image.

Follows BuildKit 0.34. Lists the problems that a person would see, each with what to do, and
is strict on the side of silence: a file that BuildKit builds has none. Knows one file;
whether an image exists, what a build argument holds and what the context has is not its
business.
"""

from __future__ import annotations

import codecs
import enum
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from dockerfix.syntax.dockerfile import scan, words
from dockerfix.syntax.dockerfile.durations import milliseconds
from dockerfix.syntax.dockerfile.heredoc import opening
from dockerfix.syntax.dockerfile.instruction import JSON_KEYWORDS, Instruction
from dockerfix.syntax.dockerfile.instructions import (
    KEYWORDS,
    Arg,
    Copy,
    Env,
    Healthcheck,
    Onbuild,
    OneArgument,
    Run,
)
from dockerfix.syntax.dockerfile.nodes import Flag, Problem
from dockerfix.syntax.dockerfile.space import SPACE
from dockerfix.syntax.dockerfile.tree import Dockerfile, Stage
from dockerfix.text import Span

_LONGEST_LINE = 65536
"""Go's `bufio.MaxScanTokenSize`: the bytes of a line with its newline."""

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_EXPANDS = re.compile(r"\$[\w{@*#?\-$!]")


class Value(enum.Enum):
    """What a flag takes."""

    SWITCH = enum.auto()
    ONE = enum.auto()
    MANY = enum.auto()


_FLAGS: dict[str, dict[str, Value]] = {
    "ADD": {
        "checksum": Value.ONE,
        "chmod": Value.ONE,
        "chown": Value.ONE,
        "exclude": Value.MANY,
        "keep-git-dir": Value.SWITCH,
        "link": Value.SWITCH,
        "unpack": Value.SWITCH,
    },
    "COPY": {
        "chmod": Value.ONE,
        "chown": Value.ONE,
        "exclude": Value.MANY,
        "from": Value.ONE,
        "link": Value.SWITCH,
        "parents": Value.SWITCH,
    },
    "FROM": {"platform": Value.ONE},
    "HEALTHCHECK": {
        "interval": Value.ONE,
        "retries": Value.ONE,
        "start-interval": Value.ONE,
        "start-period": Value.ONE,
        "timeout": Value.ONE,
    },
    "RUN": {
        "device": Value.MANY,
        "mount": Value.MANY,
        "network": Value.ONE,
        "security": Value.ONE,
    },
}
_UNREAD_FLAGS = frozenset({"ARG", "STOPSIGNAL"})
"""Instructions whose flags BuildKit drops without a look."""

_CHOICES = {
    "network": ("default", "none", "host"),
    "security": ("insecure", "sandbox"),
}
_DURATIONS = ("interval", "timeout", "start-period", "start-interval")


def rejections(tree: Dockerfile) -> tuple[Problem, ...]:
    """All problems of the tree in the order of their places."""
    found = [*_lines(tree), *_directives(tree), *_structure(tree)]
    for item in tree.instructions:
        found += _instruction(item)
    found += _stages(tree)
    kind = _no_text(tree.source.data) if found else ""
    if kind:
        return (Problem(Span(0, 0), f"it is {kind}, not UTF-8 text", "save it as UTF-8 text"),)
    return tuple(sorted(found, key=lambda problem: problem.span))


def _no_text(data: bytes) -> str:
    """What a file that BuildKit rejects is instead of text, so that its first line is not
    blamed for an unknown instruction; empty for a text."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    return "binary data" if b"\0" in data else ""


def _lines(tree: Dockerfile) -> Iterator[Problem]:
    data = tree.source.data
    if len(data) < _LONGEST_LINE:
        return
    for start, end in pairwise((*tree.source.line_starts, len(data))):
        # Without a newline the scanner must see one byte more to know that the line ends.
        if end - start + (not data.endswith(b"\n", start, end)) > _LONGEST_LINE:
            yield Problem(
                Span(start, end),
                f"line of more than {_LONGEST_LINE - 1} bytes",
                "break it with continuations",
            )


def _directives(tree: Dockerfile) -> Iterator[Problem]:
    for item in tree.directives:
        if item.name == "escape" and item.value not in ("\\", "`"):
            yield Problem(item.span, f"invalid escape token {item.value!r}", "use ` or \\")
    repeated = scan.directives(tree.source.data).repeated
    if repeated is not None:
        name, _ = scan.directive(tree.source.slice(Span(*repeated))) or ("", "")
        yield Problem(
            Span(*repeated),
            f"only one {name} parser directive can be used",
            "remove the second one",
        )


def _structure(tree: Dockerfile) -> Iterator[Problem]:
    if not tree.instructions:
        yield Problem(Span(0, 0), "file with no instructions", "a Dockerfile begins with FROM")
        return
    for item in tree.preamble:
        if not isinstance(item, Arg) and item.keyword in KEYWORDS:
            yield Problem(item.code, "no build stage in current context", "begin with FROM")
            return
    if not tree.stages:
        last = tree.instructions[-1]
        yield Problem(last.code, "dockerfile contains no stages to build", "add a FROM")


def _instruction(item: Instruction) -> Iterator[Problem]:
    if item.keyword not in KEYWORDS:
        yield Problem(item.code, f"unknown instruction: {item.keyword}", "see Dockerfile reference")
        return
    if item.unterminated:
        yield Problem(item.code, "unterminated heredoc", "add the end marker on its own line")
    yield from _parsed(item)
    if not (isinstance(item, Healthcheck) and item.kind == "NONE"):
        yield from _flags(item)
    check = _CHECKS.get(item.keyword)
    if check is not None:
        yield from check(item)


def _parsed(item: Instruction) -> Iterator[Problem]:
    """What the parser itself rejects; it looks behind ONBUILD too."""
    if isinstance(item, Env):
        yield from _assignments(item)
    text = item.arguments if item.keyword in JSON_KEYWORDS else ""
    if isinstance(item, Healthcheck):
        text = item.command_text
    if words.is_mixed_json(text):
        yield Problem(
            item.code,
            "when using JSON array syntax, arrays must be comprised of strings only",
            "quote every element",
        )


def _assignments(item: Env) -> Iterator[Problem]:
    if item.old_form:
        if len(words.plain_words(item.arguments, 0, len(item.arguments))) < 2:
            yield Problem(item.code, f"{item.keyword} must have two arguments", "add a value")
        return
    for word in item.words:
        if "=" not in word.raw:
            yield Problem(
                word.span, f"can't find = in {word.raw!r}", "write name=value, quoted if needed"
            )
            return


def _flags(item: Instruction) -> Iterator[Problem]:
    if item.keyword in _UNREAD_FLAGS:
        return
    allowed = _FLAGS.get(item.keyword, {})
    seen: set[str] = set()
    for flag in item.flags:
        kind = allowed.get(flag.name)
        if kind is None:
            yield Problem(flag.span, f"unknown flag: --{flag.name}", "remove the flag")
        elif kind is not Value.MANY and flag.name in seen:
            yield Problem(flag.span, f"duplicate flag specified: --{flag.name}", "keep one")
        else:
            yield from _flag_value(flag, kind)
        seen.add(flag.name)


def _flag_value(flag: Flag, kind: Value) -> Iterator[Problem]:
    if kind is Value.SWITCH:
        if flag.value is not None and flag.value.lower() not in ("true", "false"):
            yield Problem(flag.span, f"--{flag.name} takes true or false", "correct the value")
    elif flag.value is None:
        yield Problem(flag.span, f"missing a value on flag: --{flag.name}", "add =value")
    elif flag.name in _CHOICES and flag.value not in _CHOICES[flag.name]:
        known = ", ".join(_CHOICES[flag.name])
        yield Problem(flag.span, f"invalid {flag.name} mode {flag.value!r}", f"use one of {known}")


def _from(item: Instruction) -> Iterator[Problem]:
    parts = item.words
    if len(parts) not in (1, 3) or (len(parts) == 3 and parts[1].raw.lower() != "as"):
        yield Problem(
            item.code, "FROM requires either one or three arguments", "FROM image [AS name]"
        )
        return
    if not parts[0].value:
        yield Problem(parts[0].span, "base name should not be blank", "name an image or a stage")
    if len(parts) == 3 and not _STAGE_NAME.fullmatch(parts[2].raw.lower()):
        yield Problem(
            parts[2].span,
            f"invalid name for build stage: {parts[2].raw!r}",
            "a name starts with a letter and holds letters, digits, '-', '_' and '.'",
        )


def _copy(item: Instruction) -> Iterator[Problem]:
    if len(item.words) < 2:
        yield Problem(
            item.code, f"{item.keyword} requires at least two arguments", "add a destination"
        )
    elif opening(item.words[-1].raw if item.json is None else item.words[-1].value):
        yield Problem(
            item.words[-1].span,
            f"{item.keyword} cannot accept a heredoc as a destination",
            "add a destination behind the heredoc",
        )


def _some(item: Instruction) -> Iterator[Problem]:
    """At least one argument."""
    if not item.words:
        yield Problem(item.code, f"{item.keyword} requires at least one argument", "complete it")


def _one(item: Instruction) -> Iterator[Problem]:
    """Exactly one argument, which is the rest of the line."""
    if isinstance(item, OneArgument) and item.argument is None:
        yield Problem(item.code, f"{item.keyword} requires exactly one argument", "complete it")


def _names(item: Instruction) -> Iterator[Problem]:
    """ENV, LABEL and ARG: at least one name, and none blank."""
    yield from _some(item)
    if isinstance(item, Env) and item.old_form:
        return
    for word in item.words:
        if word.raw.startswith("="):
            yield Problem(word.span, f"{item.keyword} names can not be blank", "write name=value")
            return


def _volume(item: Instruction) -> Iterator[Problem]:
    yield from _some(item)
    for word in item.words:
        if not (word.raw if item.json is None else word.value).strip(SPACE):
            yield Problem(word.span, "VOLUME specified can not be an empty string", "name a path")
            return


def _shell(item: Instruction) -> Iterator[Problem]:
    if not item.arguments or item.json == ():
        yield Problem(item.code, "SHELL requires at least one argument", "complete it")
    elif item.json is None:
        yield Problem(item.code, "SHELL requires the arguments to be in JSON form", "quote them")


def _run(item: Instruction) -> Iterator[Problem]:
    if not isinstance(item, Run):
        return
    for mount in item.mounts:
        if "$" in mount.options.get("from", ""):
            yield Problem(
                mount.flag.span,
                "'from' doesn't support variable expansion",
                "define a stage with FROM using ARG, and mount from that",
            )


def _healthcheck(item: Instruction) -> Iterator[Problem]:
    if not isinstance(item, Healthcheck):
        return
    if item.kind == "NONE":
        if item.words or item.json is not None:
            yield Problem(item.code, "HEALTHCHECK NONE takes no arguments", "remove them")
        return
    if not item.kind:
        yield Problem(item.code, "HEALTHCHECK requires at least one argument", "complete it")
    elif item.kind != "CMD":
        yield Problem(item.code, f"unknown type {item.kind!r} in HEALTHCHECK", "try CMD")
    elif not item.words:
        yield Problem(item.code, "missing command after HEALTHCHECK CMD", "add the command")
    for flag in item.flags:
        yield from _health_flag(flag)


def _health_flag(flag: Flag) -> Iterator[Problem]:
    if not flag.value:
        return
    if flag.name in _DURATIONS:
        length = milliseconds(flag.value)
        if length is None or (length != 0 and length < 1):
            yield Problem(flag.span, f"invalid duration {flag.value!r}", "write it as 30s or 1m30s")
    elif flag.name == "retries" and not _is_count(flag.value):
        yield Problem(flag.span, f"invalid number of retries {flag.value!r}", "write 0 or more")


def _is_count(text: str) -> bool:
    """Whether Go's ParseInt takes it as a 32-bit number that is not negative."""
    match = re.fullmatch(r"(?:\+|-(?=0+$))?0*([0-9]{1,10})", text)
    return match is not None and int(match[1]) < 2**31


def _onbuild(item: Instruction) -> Iterator[Problem]:
    if not isinstance(item, Onbuild):
        return
    inner = item.inner
    if inner is None:
        yield Problem(item.code, "ONBUILD requires at least one argument", "complete it")
    elif (trigger := inner.keyword.strip(SPACE).upper()) in ("ONBUILD", "FROM", "MAINTAINER"):
        yield Problem(item.code, f"{trigger} isn't allowed as an ONBUILD trigger", "remove it")
    else:
        yield from _parsed(inner)


_CHECKS: dict[str, Callable[[Instruction], Iterator[Problem]]] = {
    "ADD": _copy,
    "ARG": _names,
    "COPY": _copy,
    "ENV": _names,
    "EXPOSE": _some,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _names,
    "MAINTAINER": _one,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _one,
    "USER": _one,
    "VOLUME": _volume,
    "WORKDIR": _one,
}
"""Checks of the arguments; CMD and ENTRYPOINT take anything, nothing included."""


def _stages(tree: Dockerfile) -> Iterator[Problem]:
    """References to stages that cannot be right whatever is built; ONBUILD resolves elsewhere."""
    named = {stage.name.lower(): stage.index for stage in tree.stages if stage.name}
    for stage in tree.stages:
        for item in stage.instructions:
            if isinstance(item, Copy) and item.keyword == "COPY" and item.from_ is not None:
                yield from _copied_stage(item, item.from_, stage, len(tree.stages), named)
            elif isinstance(item, Run):
                for mount in item.mounts:
                    if named.get(mount.options.get("from", "").lower()) == stage.index:
                        yield _circular(mount.flag)


def _copied_stage(
    item: Copy, flag: Flag, stage: Stage, count: int, named: dict[str, int]
) -> Iterator[Problem]:
    source = flag.value or ""
    if _EXPANDS.search(source) or words.unquote(source, item.escape) != source:
        yield Problem(
            flag.span,
            "variable expansion is not supported for --from",
            "define a new stage with FROM using ARG from global scope, and copy from that",
        )
        return
    number = int(source) if re.fullmatch(r"[+-]?[0-9]{1,18}", source) else None
    if number is not None and not 0 <= number < count:
        yield Problem(flag.span, f"invalid stage index {source}", "name the stage to copy from")
    elif stage.index == (named.get(source.lower()) if number is None else number):
        yield _circular(flag)


def _circular(flag: Flag) -> Problem:
    return Problem(
        flag.span, "circular dependency: a stage cannot copy from itself", "name an earlier stage"
    )
