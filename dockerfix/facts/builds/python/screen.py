"""Whether a Python program can hold a build at all, asked of CPython's own tree.

libcst's tree, which leads back to the bytes, takes fifty times as long: most programs that
speak of docker build nothing. Errs on the side of yes. Knows strings and names of calls; reads
no command.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from dockerfix.facts.builds.files.unread import BUILD_TEXT

_TOOL = r"(?:docker|podman|buildah|nerdctl|depot|finch)(?:-compose|-buildx)?"
_TEXT = re.compile(
    BUILD_TEXT.pattern
    + r"|\b(?:docker|podman)[ -]compose\b"
    + rf"|(?:^|[;&|(\n])\s*(?:sudo\s+)?{_TOOL}\s*$"
)
"""A command, or the beginning of one that is put together."""
_WORD = re.compile(rf"(?:\S*/)?{_TOOL}")
_VERB = re.compile(r"(?:build|buildx|bake|bud|compose)\b")
_VERBS = frozenset({"build", "buildx", "bake", "bud"})
_SPOKEN = re.compile(rf"\s+(?:{'|'.join(_VERBS)})\s")
"""A verb behind a tool that a text takes from the program."""
_KEYWORDS = frozenset({"dockerfile", "buildargs", "fileobj"})
_OWNERS = frozenset({"images", "api", "docker", "buildx"})


def may_build(tree: ast.Module) -> bool:
    """Whether anything in a program looks like a build, or like a part of one."""
    tool = verb = False
    for node in _looked_at(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip()
            verb = verb or _VERB.match(text) is not None
            if _WORD.fullmatch(text) is None and _TEXT.search(text):
                return True
        words = _words(node)
        if any(map(_WORD.fullmatch, words)):
            if any(map(_VERB.match, words)):
                return True
            # The verb may stand in what a name holds, or in a list that is added.
            tool = tool or not isinstance(node, ast.Call)
        if (isinstance(node, ast.Call) and _builds(node)) or _hides_tool(node):
            return True
    return tool and verb


def _words(node: ast.AST) -> list[str]:
    """The texts that stand directly in a list, in a call, or in an assignment."""
    if isinstance(node, ast.List | ast.Tuple):
        given = node.elts
        if len(given) > 1 and not any(isinstance(item, ast.Starred | ast.Name) for item in given):
            texts = _texts(given)
            return texts if any(map(_VERB.match, texts)) else []
    elif isinstance(node, ast.Call):
        given = node.args
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        given = [node.value]
    else:
        return []
    return _texts(given)


def _hides_tool(node: ast.AST) -> bool:
    """Whether a tool that the program chooses stands before a verb, in a list, the words of a
    call, or a text."""
    if isinstance(node, ast.JoinedStr):
        first, second = (*node.values, None, None)[:2]
        text = second.value if isinstance(second, ast.Constant) else None
        return isinstance(first, ast.FormattedValue) and bool(_SPOKEN.match(str(text)))
    listed = isinstance(node, ast.List | ast.Tuple)
    given = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    given = node.args if isinstance(node, ast.Call) else given
    if len(given) < 3 or isinstance(given[0], ast.Constant):
        return False
    # Words of a call are a command's when a flag is among them.
    flagged = listed or any(text.startswith("-") for text in _texts(given))
    return flagged and any(text in _VERBS for text in _texts(given[1:2]))


def _texts(given: list[ast.expr]) -> list[str]:
    constants = [item.value for item in given if isinstance(item, ast.Constant)]
    return [value.strip() for value in constants if isinstance(value, str)]


def _looked_at(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes, texts that stand by themselves (docstrings) left out."""
    queue: list[ast.AST] = [tree]
    while queue:
        node = queue.pop()
        yield node
        queue += (
            child
            for child in ast.iter_child_nodes(node)
            if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))
        )


def _builds(node: ast.Call) -> bool:
    """Whether a call is one of an SDK or of Tilt that builds."""
    func = node.func
    if isinstance(func, ast.Name):
        return func.id.startswith(("docker_build", "custom_build", "docker_compose"))
    if not isinstance(func, ast.Attribute) or func.attr != "build":
        return False
    owner = func.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name in _OWNERS or any(keyword.arg in _KEYWORDS for keyword in node.keywords)
