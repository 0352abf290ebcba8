"""Makefiles: variables, rules and their recipes, on tree-sitter's make grammar.

Follows the GNU make manual as far as builds need it: kinds of assignments, `include`,
automatic variables, pattern rules, `-C`, `-f` and variables of the command line. Functions
other than `$(shell ...)` stay unknown. Knows Makefiles; knows no docker.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.facts.builds.words import OPAQUE, ROOTS, Bound, Scope, defaults, resolved
from dockerfix.facts.model import Value
from dockerfix.text import MappedText, Piece, Snapshot, SnapshotError, Source, Span, join_path
from dockerfix.text.values import Keyed

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_NAMES = ("GNUmakefile", "makefile", "Makefile")
_UNKNOWN = "${" + OPAQUE + "}"
_OWN_FOLDER = frozenset({"dir", "abspath", "realpath", "lastword", "firstword", "MAKEFILE_LIST"})


class MakeCall(Struct, frozen=True):
    """A `make` command: its folder, the file if one is named, targets, and variables."""

    folder: str
    file: str | None
    targets: tuple[str, ...]
    variables: Mapping[str, Bound]


class Rule(Keyed, frozen=True, eq=False):
    """One rule; `targets` and `prerequisites` are words after expansion."""

    aside = ("node",)

    source: Source
    targets: tuple[str, ...]
    prerequisites: tuple[str, ...]
    node: Node

    def recipe(self, target: str) -> Iterator[MappedText]:
        """The commands as the shell gets them when `target` is made, one shell each."""
        for recipe in self.node.named_children:
            for line in recipe.named_children if recipe.type == "recipe" else ():
                texts = [c for c in line.named_children if c.type == "shell_text"]
                if texts:
                    mapped = MappedText(self._pieces(texts, target))
                    # `@`, `-` and `+` are make's; the grammar takes the first of them only.
                    start = len(mapped.text) - len(mapped.text.lstrip("@+- \t"))
                    yield mapped.slice(start, len(mapped.text))

    def _pieces(self, nodes: list[Node], target: str) -> Iterator[Piece]:
        reader = _Text(self.source, self._automatic(target))
        end = nodes[0].start_byte
        for node in nodes:
            yield from reader.between(end, node.start_byte)
            yield from reader.pieces(node)
            end = node.end_byte

    def _automatic(self, target: str) -> dict[str, str]:
        first = self.prerequisites[0] if self.prerequisites else ""
        return {"@": target, "*": self.stem(target), "<": first, "^": " ".join(self.prerequisites)}

    def makes(self, pattern: str, target: str) -> bool:
        """Whether a pattern of this rule's targets fits a target that is none itself."""
        return pattern in self.targets and "%" not in target and _stem(pattern, target) is not None

    def stem(self, target: str) -> str:
        """What `%` stands for in `target`; unknown for a pattern itself."""
        for pattern in self.targets:
            found = _stem(pattern, target)
            if found is not None and "%" in pattern:
                return found if "%" not in target else _UNKNOWN
        return _UNKNOWN


class Assigned(Struct, frozen=True):
    """A variable of a Makefile; `weak` is `?=`, which the environment overrides."""

    bound: Bound
    weak: bool = False


class Makefile(Struct, frozen=True):
    """A Makefile with what it includes."""

    path: str
    rules: tuple[Rule, ...]
    variables: Mapping[str, Assigned]
    own: Mapping[str, Mapping[str, Assigned]]
    """Variables of single targets (`target: NAME = value`)."""
    included: frozenset[str]

    def wanted(self, targets: tuple[str, ...]) -> list[tuple[Rule, str]]:
        """The rules that making the targets runs, prerequisites first; the first target of
        the file for none."""
        found: list[tuple[Rule, str]] = []
        seen: set[str] = set()
        for target in targets or self._first():
            self._want(target, seen, found)
        return found

    def _first(self) -> tuple[str, ...]:
        names = (t for rule in self.rules for t in rule.targets)
        return tuple(n for n in names if not n.startswith(".") and "%" not in n)[:1]

    def _want(self, target: str, seen: set[str], found: list[tuple[Rule, str]]) -> None:
        if target in seen or len(seen) > 500:
            return
        seen.add(target)
        for rule in self._rules_for(target):
            stem = rule.stem(target)
            for needed in rule.prerequisites:
                self._want(needed.replace("%", stem), seen, found)
            found.append((rule, target))

    def _rules_for(self, target: str) -> list[Rule]:
        exact = [rule for rule in self.rules if target in rule.targets]
        if any(_has_recipe(rule) for rule in exact):
            return exact
        matching = (r for r in self.rules if any(_stem(p, target) is not None for p in r.targets))
        return [*exact, *[rule for rule in matching if rule not in exact][:1]]

    def runs(self) -> Iterator[tuple[Rule, str]]:
        """Every rule with a recipe once for each of its targets; a pattern rule for the
        targets that other rules name."""
        named = dict.fromkeys(n for r in self.rules for n in (*r.targets, *r.prerequisites))
        for rule in self.rules:
            if not _has_recipe(rule):
                continue
            for target in rule.targets:
                matches = [n for n in named if "%" not in n and _stem(target, n) is not None]
                yield from (
                    (rule, name) for name in (matches if "%" in target else ()) or (target,)
                )

    def scope(
        self, rule: Rule, target: str, call: MakeCall | None = None, outer: Scope | None = None
    ) -> Scope:
        """Variables as a recipe sees them. Without a call nothing is known of the
        environment, and a `?=` may be replaced: `${NAME:-value}`."""
        folder = call.folder if call is not None else posixpath.dirname(self.path)
        held = dict(outer.variables) if outer is not None else {}
        root = "${" + ROOTS[-1] + "}"
        here = f"{root}/{folder}" if folder else root
        held = {k: v for k, v in held.items() if not k.isdecimal()}
        held |= {"MAKE": Bound("make"), "CURDIR": Bound(here), "PWD": Bound(here)}
        for name, assigned in {**self.variables, **self.own.get(target, {})}.items():
            bound = assigned.bound
            if not assigned.weak:
                held[name] = bound
            elif name not in held:
                weak = "${" + name + ":-" + bound.text + "}"
                held[name] = bound if outer is not None else replace(bound, text=weak)
        held |= call.variables if call is not None else {}
        return resolved(Scope(held))


def _has_recipe(rule: Rule) -> bool:
    return any(child.type == "recipe" for child in rule.node.named_children)


def _stem(pattern: str, target: str) -> str | None:
    head, sign, tail = pattern.partition("%")
    if not sign:
        return "" if pattern == target else None
    fits = target.startswith(head) and target.endswith(tail) and len(target) > len(head + tail)
    return target[len(head) : len(target) - len(tail)] if fits else None


def make_words(words: tuple[Value, ...], folder: str | None) -> MakeCall | None:
    """The words behind `make` in a command that runs in `folder`; None where the folder or
    file is not known."""
    file: str | None = None
    targets: list[str] = []
    variables: dict[str, Bound] = {}
    rest = iter(words)
    for word in rest:
        text = word.text
        flag = re.match(r"(-C|-f|--directory=?|--file=?|--makefile=?)(.*)", text, re.DOTALL)
        name, equals, value = text.partition("=")
        if flag:
            following = next(rest, None) if not flag[2] else None
            given = defaults(flag[2] or (following.text if following else ""))[0]
            if "${" in given or folder is None:
                return None
            if flag[1].startswith(("-C", "--directory")):
                folder = join_path(folder, given)
            else:
                file = given
        elif text in ("-j", "-l", "-I", "-o", "-W"):
            next(rest, None)
        elif equals and name.isidentifier():
            place = word.origin or word.place
            choices = tuple(choice[len(name) + 1 :] for choice in word.choices)
            variables[name] = Bound(value, choices, place)
        elif not text.startswith("-"):
            targets.append(text)
    if folder is None:
        return None
    return MakeCall(folder, file, tuple(targets), variables)


class Makefiles:
    """The Makefiles of a snapshot, each read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.read_files: dict[str, Makefile | None] = {}

    def find(self, call: MakeCall) -> Makefile | None:
        """The Makefile that a call reads; None when it is not in the snapshot."""
        names = _NAMES if call.file is None else (call.file,)
        paths = (join_path(call.folder, name) for name in names)
        path = next((p for p in paths if p is not None and p in self.snapshot), None)
        return self.read(path) if path is not None else None

    def read(self, path: str) -> Makefile | None:
        """A Makefile with what it includes; None when it cannot be read."""
        if path not in self.read_files:
            reader = _Reader(self.snapshot, path)
            try:
                self.read_files[path] = reader.makefile() if reader.load(path) else None
            except RecursionError:
                self.read_files[path] = None
        return self.read_files[path]


class _Reader:
    """Reads one Makefile. Private to `Makefiles.read`."""

    def __init__(self, snapshot: Snapshot, path: str) -> None:
        self.snapshot = snapshot
        self.path = path
        self.variables: dict[str, Assigned] = {}
        self.own: dict[str, dict[str, Assigned]] = {}
        self.found: list[tuple[Source, Node]] = []
        self.loaded: dict[str, None] = {}

    def load(self, path: str) -> bool:
        """Gather what one file says; False when it cannot be read."""
        if path in self.loaded or path not in self.snapshot:
            return False
        try:
            source = self.snapshot.source(path)
        except SnapshotError:
            return False
        self.loaded[path] = None
        self.nodes(source, _parser().parse(source.data).root_node, conditional=False)
        return True

    def nodes(self, source: Source, parent: Node, conditional: bool) -> None:
        """Gather the lines below a node in order; those of a condition may not count."""
        for node in parent.named_children:
            if node.type in ("conditional", "else_directive", "elsif_directive"):
                self.nodes(source, node, conditional=True)
            elif node.type in ("export_directive", "override_directive"):
                self.nodes(source, node, conditional)
            elif node.type in ("variable_assignment", "shell_assignment"):
                self.assign(source, node, conditional)
            elif node.type == "include_directive":
                self.include(source, node)
            elif node.type == "rule":
                self.found.append((source, node))

    def include(self, source: Source, node: Node) -> None:
        """`include` of files beside the first Makefile, whose folder make runs in."""
        text = "".join(p.text for c in node.named_children for p in _Text(source).pieces(c))
        for word in self.words(text):
            path = join_path(posixpath.dirname(self.path), word)
            if path is not None:
                self.load(path)

    def words(self, text: str) -> list[str]:
        """Words of a text after expansion; what stays unknown is left out."""
        scope = Scope({name: assigned.bound for name, assigned in self.variables.items()})
        expanded = resolved(scope.bind("", Bound(text))).variables[""].text
        return [word for word in expanded.split() if "${" not in word]

    def assign(self, source: Source, node: Node, conditional: bool) -> None:
        """One assignment; in a condition the value before stays possible."""
        signs = ("=", ":=", "::=", ":::=", "?=", "+=", "!=")
        at = next((n for n, c in enumerate(node.children) if c.type in signs), None)
        if at is None or at == 0:
            return
        name = _raw(source, node.children[at - 1])
        sign = node.children[at].type
        value = next((c for c in node.children[at + 1 :] if c.is_named), None)
        bound = self.bound(source, value, sign)
        targets = next((c for c in node.children[:at] if c.type == "list"), None)
        if targets is not None:
            for target in self.words(_raw(source, targets)):
                self.own.setdefault(target, {})[name] = Assigned(bound)
            return
        old = self.variables.get(name)
        if sign == "?=" and old is not None:
            return
        if sign == "+=" and old is not None:
            bound = replace(bound, text=f"{old.bound.text} {bound.text}")
        if conditional and old is not None and sign != "+=":
            texts = dict.fromkeys((*(old.bound.choices or (old.bound.text,)), bound.text))
            bound = Bound("${" + name + "}", tuple(texts), bound.place)
        self.variables[name] = Assigned(bound, sign == "?=")

    def bound(self, source: Source, value: Node | None, sign: str) -> Bound:
        """The value as text with `${NAME}` for variables."""
        if value is None:
            return Bound("")
        span = Span(value.start_byte, value.end_byte)
        text = "".join(piece.text for piece in _Text(source).pieces(value))
        text = re.sub(r"\s+#.*", "", re.sub(r"\\\r?\n\s*", " ", text)).strip()
        if sign == "!=" or "$(" in text or re.search(r"([\"']).*\s.*\1", text):
            text = _UNKNOWN
        return Bound(text.replace('"', "").replace("'", ""), (), source.place(span))

    def makefile(self) -> Makefile:
        """Everything gathered."""
        rules = [self.rule(source, node) for source, node in self.found]
        included = frozenset(self.loaded) - {self.path}
        return Makefile(self.path, tuple(rules), self.variables, self.own, included)

    def rule(self, source: Source, node: Node) -> Rule:
        """A rule with its words expanded; a target that stays unknown keeps its text."""
        targets: list[str] = []
        needed: list[str] = []
        for child in node.named_children:
            text = "".join(piece.text for piece in _Text(source).pieces(child))
            if child.type == "targets":
                targets = self.words(text) or [text.strip()]
            elif child.type == "prerequisites":
                needed += self.words(text)
        return Rule(source, tuple(targets), tuple(needed), node)


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_make

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_make.language()))


def _raw(source: Source, node: Node) -> str:
    return source.text(Span(node.start_byte, node.end_byte))


class _Text:
    """Text of a Makefile as the shell gets it: `$(X)` as `${X}`, `$$` as `$`, `$@` as the
    target, the tab of a continued line gone."""

    def __init__(self, source: Source, automatic: Mapping[str, str] | None = None) -> None:
        self.source = source
        self.automatic = automatic or {}

    def between(self, start: int, end: int) -> Iterator[Piece]:
        """Text without references."""
        at = start
        for match in re.finditer(rb"(\\\r?\n)\t", self.source.data[start:end]):
            yield self.literal(at, start + match.end(1))
            at = start + match.end()
        yield self.literal(at, end)

    def literal(self, start: int, end: int) -> Piece:
        """A run of the file as it stands."""
        return Piece(self.source.text(Span(start, end)), Span(start, end))

    def pieces(self, node: Node) -> Iterator[Piece]:
        """A text node with its references replaced."""
        at = node.start_byte
        for child in _references(node):
            yield from self.between(at, child.start_byte)
            yield from self.reference(child)
            at = child.end_byte
        yield from self.between(at, node.end_byte)

    def reference(self, node: Node) -> Iterator[Piece]:
        """What stands for one `$...`."""
        span = Span(node.start_byte, node.end_byte)
        if node.type == "shell_function":
            command = next((c for c in node.named_children if c.type == "shell_command"), node)
            yield Piece("$(", Span(span.start, command.start_byte), literal=False)
            yield from self.pieces(command)
            yield Piece(")", Span(command.end_byte, span.end), literal=False)
            return
        yield Piece(self.replaced(node), span, literal=False)

    def replaced(self, node: Node) -> str:
        """The text of any other reference."""
        raw = _raw(self.source, node)
        if node.type == "escape":
            return "$" if raw == "$$" else raw
        if node.type == "automatic_variable":
            return self.automatic.get(raw.strip("$()"), _UNKNOWN)
        inner = list(node.named_children)
        if node.type == "variable_reference" and len(inner) == 1 and inner[0].type == "word":
            return "${" + _raw(self.source, inner[0]) + "}"
        if node.type == "variable_reference" and not inner:
            return "${" + raw[1:] + "}"
        names = set(re.findall(r"[A-Za-z_]+", raw))
        if "MAKEFILE_LIST" in names and names <= _OWN_FOLDER:
            return "${CURDIR}/" if "dir" in names else _UNKNOWN
        return _UNKNOWN


def _references(node: Node) -> Iterator[Node]:
    kinds = ("variable_reference", "automatic_variable", "shell_function", "function_call",
             "substitution_reference", "escape")  # fmt: skip
    for child in node.children:
        if child.type in kinds:
            yield child
        else:
            yield from _references(child)
