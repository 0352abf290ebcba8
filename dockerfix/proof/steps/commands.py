"""A RUN as the sequence of statements that it often is.

What is joined by `&&`, `;` or newlines is taken apart; a branch, a loop or a pipeline is one
statement with all that stands in it, and a redirection is a part of the statement before it.
Whatever else stands between statements (`||`, a heredoc) makes the whole opaque, so that nothing
is overlooked. Knows the shape of a RUN; knows no command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from weakref import WeakKeyDictionary

from msgspec import Struct

from dockerfix.syntax.dockerfile import Run
from dockerfix.syntax.shell import (
    Assignment,
    Block,
    Command,
    Loop,
    Script,
    Statement,
    parse_shell,
    walk,
)
from dockerfix.text import Span

Compound = Block | Loop


class Plain(Struct, frozen=True):
    """One statement of the sequence; `text` is its words with one blank between them, the
    redirections behind it among them."""

    text: str
    command: Command | Assignment | Compound
    redirections: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The command's name; empty for an assignment."""
        return self.command.name if isinstance(self.command, Command) else ""


_SCRIPTS: WeakKeyDictionary[Run, Script | None] = WeakKeyDictionary()


def script_of(run: Run) -> Script | None:
    """The RUN's script, parsed once; None in exec form and for a heredoc that no shell reads."""
    if run not in _SCRIPTS:
        mapped = run.script
        _SCRIPTS[run] = parse_shell(mapped) if mapped is not None else None
    return _SCRIPTS[run]


def plain_commands(run: Run) -> tuple[Plain, ...] | None:
    """The commands in order; None when the RUN is anything but a plain sequence."""
    script = script_of(run)
    if script is None or script.broken or script.functions:
        return None
    found: list[Plain] = []
    if not _gather(run, script.statements, found):
        return None
    mapped = run.script
    if mapped is None or not mapped.pieces or not found:
        return None
    whole = Span(mapped.pieces[0].span.start, mapped.pieces[-1].span.end)
    return _with_redirections(run, whole, found)


def _gather(run: Run, statements: tuple[Statement, ...], found: list[Plain]) -> bool:
    for item in statements:
        if isinstance(item, Command):
            if item.heredocs:
                return False
            found.append(Plain(_text(item), item))
        elif isinstance(item, Assignment):
            found.append(Plain(_assigned(item), item))
        elif isinstance(item, Block) and _is_list(item):
            if not _gather(run, item.body, found):
                return False
        elif isinstance(item, Block | Loop):
            if any(command.heredocs for command in walk((item,))):
                return False
            found.append(Plain(without_layout(run, item.span, ()), item))
        else:
            return False
    return True


def _is_list(item: Block) -> bool:
    """Whether a block is no more than its statements one after the other."""
    special = item.conditional or item.isolated or item.alternatives
    return not special and item.operator in ("&&", "")


def without_layout(run: Run, span: Span, left_out: Sequence[Span]) -> str:
    """The text of a span without continuations, comment lines and indentation, but for some
    spans in it, in whose place a NUL stands."""
    parts, at = [], span.start
    for gap in sorted(left_out):
        parts += [run.source.data[at : gap.start], b"\0"]
        at = gap.end
    data = b"".join([*parts, run.source.data[at : span.end]])
    lines = re.sub(re.escape(run.escape.encode()) + rb"[ \t]*(?=\r?\n|$)", b"", data).split(b"\n")
    kept = (line.strip() for line in lines if not line.strip().startswith(b"#"))
    return b" ".join(line for line in kept if line).decode("utf-8", "surrogateescape")


def _text(item: Command) -> str:
    words = [_assigned(assignment) for assignment in item.assignments]
    return " ".join([*words, *(word.written for word in item.words)])


def _assigned(item: Assignment) -> str:
    equals = "+=" if item.appends else "="
    return f"{item.name}{equals}{item.value.written if item.value is not None else ''}"


def _with_redirections(run: Run, whole: Span, found: Sequence[Plain]) -> tuple[Plain, ...] | None:
    """The statements with what is redirected behind each; None when anything else than
    separators stands between them."""
    ordered = sorted(found, key=lambda item: item.command.span)
    starts = [*(item.command.span.start for item in ordered), whole.end]
    data = run.source.data
    if _redirections(_separators(data[whole.start : starts[0]], run.escape)) != ():
        return None
    made: dict[Span, tuple[str, ...]] = {}
    at = whole.start
    for item, following in zip(ordered, starts[1:], strict=True):
        at = max(at, item.command.span.end)
        tail = _redirections(_separators(data[at : max(at, following)], run.escape))
        if tail is None:
            return None
        made[item.command.span] = tail
    return tuple(
        Plain(
            " ".join([item.text, *made[item.command.span]]), item.command, made[item.command.span]
        )
        for item in found
    )


_REDIRECTION = re.compile(rb"\d*(?:>>|>\||>&|<&|&>>|&>|>|<)([^<>(]*)")


def _redirections(parts: Iterable[bytes]) -> tuple[str, ...] | None:
    """The redirections at the head of what stands between two statements; None when neither
    they nor separators are all of it."""
    found: list[str] = []
    wanting = separated = False
    for part in parts:
        redirection = _REDIRECTION.fullmatch(part)
        if wanting or (redirection is not None and not separated):
            wanting = not wanting and redirection is not None and not redirection[1]
            found.append(part.decode("utf-8", "surrogateescape"))
        elif part in (b"&&", b";", b"export", b"{", b"}"):
            separated = True
        else:
            return None
    return None if wanting else tuple(found)


def _separators(gap: bytes, escape: str) -> Iterator[bytes]:
    """The words between two commands, continuations and comment lines left out."""
    without = re.sub(rb"(?m)^[ \t]*#.*$", b"", gap)
    without = re.sub(re.escape(escape.encode()) + rb"[ \t]*\r?\n", b"\n", without)
    yield from without.replace(b";", b" ; ").replace(b"&&", b" && ").split()
