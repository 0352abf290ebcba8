"""Lists, branches, groups and pipelines of a shell text, as blocks.

Knows the grammar's nodes for them; a statement inside is read by `reader`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.syntax.shell.syntax import (
    Block,
    Statement,
)
from dockerfix.syntax.shell.words import Nodes

if TYPE_CHECKING:
    from tree_sitter import Node


_TESTS = frozenset({"test", "[", "grep", "command", "which", "type", "diff", "cmp", "false"})
"""Commands whose failure is no fault: what stands behind them and `&&` may not run."""


class BlockReader(Nodes, ABC):
    """Reads the nodes that hold other statements."""

    @abstractmethod
    def sequence(self, nodes: list[Node]) -> tuple[Statement, ...]:
        """The statements of several nodes, in order."""

    def statements(self, node: Node) -> tuple[Statement, ...]:
        """The statements inside of a node."""
        return self.sequence(node.children)

    def group(self, node: Node) -> Statement:
        """A group in place."""
        return Block(self.statements(node), self.span(node))

    def pipeline(self, node: Node) -> Statement:
        """Commands joined by `|`."""
        return Block(self.statements(node), self.span(node), isolated=True, operator="|")

    def subshell(self, node: Node) -> Statement:
        """A group in parentheses."""
        return Block(self.statements(node), self.span(node), isolated=True)

    def repeated(self, node: Node) -> Statement:
        """A loop without a variable of its own."""
        return Block(self.statements(node), self.span(node), conditional=True)

    def list_(self, node: Node) -> Statement:
        """`a && b || c` nests to the left; one flat block for each operator reads better."""
        at = next(n for n, c in enumerate(node.children) if c.type in ("&&", "||"))
        left, right = node.children[:at], node.children[at + 1 :]
        operator = node.children[at].type
        body = list(self.sequence(left))
        flat = len(body) == 1 and isinstance(body[0], Block) and body[0].operator == operator
        if flat and isinstance(body[0], Block):
            body = list(body[0].body)
        behind = self.sequence(right)
        last = body[-1] if body else None
        asked = operator == "&&" and flat and self.asks(left[-1])
        if asked and isinstance(last, Block) and last.conditional:
            body[-1] = replace(last, body=(*last.body, *behind))
        elif behind and (operator == "||" or (left and self.may_fail(left[-1]))):
            body.append(Block(behind, self.span(right[0]), conditional=True))
        else:
            body += behind
        return Block(tuple(body), self.span(node), operator=operator)

    def asks(self, node: Node) -> bool:
        """Whether the last statement of a list stands behind a test."""
        return node.type == "list" and self.may_fail(node.children[0])

    def may_fail(self, node: Node) -> bool:
        """Whether a statement is there to be asked, not to be done."""
        if node.type == "list":
            return self.may_fail(node.children[-1]) or self.may_fail(node.children[0])
        if node.type == "command":
            # The grammar may miss a command, which then has no text.
            return not _TESTS.isdisjoint(self.text(node).split(maxsplit=1)[:1])
        return node.type in ("test_command", "negated_command")

    def if_(self, node: Node) -> Statement:
        """The condition, which runs, then the branches."""
        branches: list[Block] = []
        at = next((n for n, c in enumerate(node.children) if c.type == "then"), 0)
        condition = self.sequence(node.children[:at])
        clauses = [c for c in node.children if c.type in ("elif_clause", "else_clause")]
        own = [c for c in node.children[at:] if c not in clauses]
        branches.append(Block(self.sequence(own), self.span(node)))
        branches += [Block(self.statements(clause), self.span(clause)) for clause in clauses]
        complete = any(clause.type == "else_clause" for clause in clauses)
        return Block((*condition, self.branches(node, branches, complete)), self.span(node))

    def case(self, node: Node) -> Statement:
        """One branch an item; complete when an item takes everything."""
        items = [child for child in node.children if child.type == "case_item"]
        branches = [Block(self.statements(item), self.span(item)) for item in items]
        complete = any(self.text(item).lstrip("( ").startswith("*)") for item in items)
        return self.branches(node, branches, complete)

    def branches(self, node: Node, branches: list[Block], complete: bool) -> Block:
        """Branches of which at most one runs."""
        return Block(
            tuple(branches),
            self.span(node),
            conditional=True,
            alternatives=True,
            exhaustive=complete,
        )
