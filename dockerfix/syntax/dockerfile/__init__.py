"""The Dockerfile tree: lossless, lazily read, never raising on content.

`render(parse(data)) == data` for every byte string. Follows BuildKit's parser; where the
older Docker parser differs, BuildKit's rule counts. Knows one file's text and nothing else.
"""

from __future__ import annotations

from dockerfix.syntax.dockerfile import scan
from dockerfix.syntax.dockerfile.instruction import Instruction
from dockerfix.syntax.dockerfile.instructions import (
    INSTRUCTIONS,
    Add,
    Arg,
    Copy,
    Env,
    From,
    Healthcheck,
    Label,
    Onbuild,
    OneArgument,
    Run,
)
from dockerfix.syntax.dockerfile.nodes import (
    Blank,
    Comment,
    Directive,
    ExecForm,
    Flag,
    Form,
    Heredoc,
    HeredocForm,
    Mount,
    Problem,
    ShellForm,
    Word,
)
from dockerfix.syntax.dockerfile.tree import Dockerfile, Item, Stage
from dockerfix.text import Source, Span

__all__ = [
    "Add",
    "Arg",
    "Blank",
    "Comment",
    "Copy",
    "Directive",
    "Dockerfile",
    "Env",
    "ExecForm",
    "Flag",
    "Form",
    "From",
    "Healthcheck",
    "Heredoc",
    "HeredocForm",
    "Instruction",
    "Item",
    "Label",
    "Mount",
    "Onbuild",
    "OneArgument",
    "Problem",
    "Run",
    "ShellForm",
    "Stage",
    "Word",
    "parse",
    "parse_source",
    "render",
]


def parse(data: bytes, path: str = "Dockerfile") -> Dockerfile:
    """The tree of a Dockerfile's bytes; never raises on content: what BuildKit rejects
    is listed by `problems.rejections`."""
    return parse_source(Source(path, data))


def parse_source(source: Source) -> Dockerfile:
    """The tree of a source."""
    scanned, escape = scan.scan(source.data)
    instruction, comment, blank = scan.Kind.INSTRUCTION, scan.Kind.COMMENT, scan.Kind.BLANK
    class_of = INSTRUCTIONS.get
    items: list[Item] = []
    comments: list[Comment] = []
    for item in scanned:
        kind = item.kind
        if kind is instruction:
            above = tuple(comments) if comments else ()
            make = class_of(item.keyword, Instruction)
            items.append(make(source, item, above, escape))
            comments.clear()
        elif kind is comment:
            comments.append(_comment(source, item))
            items.append(comments[-1])
        else:
            comments.clear()
            span = Span(item.start, item.end)
            items.append(Blank(span) if kind is blank else _directive(source, span))
    return Dockerfile(source, tuple(items), escape.decode())


def render(tree: Dockerfile) -> bytes:
    """The bytes of the tree, put together from its items."""
    data = tree.source.data
    return tree.bom + b"".join([data[start:end] for start, end in [i.span for i in tree.items]])


def _comment(source: Source, item: scan.Scanned) -> Comment:
    span = Span(item.start, item.end)
    return Comment(span, source.text(span).strip())


def _directive(source: Source, span: Span) -> Directive:
    name, value = scan.directive(source.slice(span)) or ("", "")
    return Directive(span, name, value)
