"""The Dockerfile tree: lossless, lazily read, never raising on content.

`render(parse(data)) == data` for every byte string. Follows BuildKit's parser; where the
older Docker parser differs, BuildKit's rule counts. Knows one file's text and nothing else.
"""

from __future__ import annotations

from dockerfix.syntax import scan
from dockerfix.syntax.tree import (
    Add,
    Arg,
    Blank,
    Comment,
    Copy,
    Directive,
    Dockerfile,
    Env,
    ExecForm,
    Flag,
    Form,
    From,
    Heredoc,
    HeredocForm,
    Instruction,
    Item,
    Label,
    Mount,
    Onbuild,
    Problem,
    Run,
    ShellForm,
    Stage,
    Word,
    make_instruction,
)
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
    "Heredoc",
    "HeredocForm",
    "Instruction",
    "Item",
    "Label",
    "Mount",
    "Onbuild",
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
    """The tree of a Dockerfile's bytes; never raises on content, see `Dockerfile.errors`."""
    return parse_source(Source(path, data))


def parse_source(source: Source) -> Dockerfile:
    """The tree of a source."""
    items: list[Item] = []
    comments: list[Comment] = []
    escape = "\\"
    for run in scan.scan(source.data):
        if run.kind == "I":
            items.append(make_instruction(source, run, tuple(comments)))
            escape = run.escape.decode()
            comments.clear()
            continue
        span = Span(run.start, run.end)
        if run.kind == "C":
            comment = Comment(span, source.text(span).strip())
            comments.append(comment)
            items.append(comment)
            continue
        comments.clear()
        if run.kind == "B":
            items.append(Blank(span))
        else:
            name, value = scan.directive(source.slice(span)) or ("", "")
            items.append(Directive(span, name, value))
    return Dockerfile(source, tuple(items), escape)


def render(tree: Dockerfile) -> bytes:
    """The bytes of the tree, put together from its items."""
    return tree.bom + b"".join(tree.source.slice(item.span) for item in tree.items)
