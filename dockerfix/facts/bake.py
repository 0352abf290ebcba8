"""Bake files: targets with what they inherit, in HCL (tree-sitter's grammar) or JSON.

Follows the Bake file reference: `group`, `target`, `inherits`, `matrix`, `variable` with a
default; paths count from the folder in which bake is called. What `bake_values` cannot compute
stays unknown, and a matrix that it cannot is reported. Knows bake files; knows nothing of who calls
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice, product
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.facts.bake_values import (
    Declared,
    Function,
    NotComputedError,
    Values,
    closed,
    text,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import YamlError, parse_yaml, to_data
from dockerfix.text import Place, Source, Span

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Plain = str | list[str] | dict[str, str] | None
"""A string with `${NAME}` for variables, a list, a map, or None for what is not followed."""


class BakeTarget(Struct, frozen=True):
    """A target: its attributes (inherited ones included), where the block stands, and where
    the values stand that are written in the block itself."""

    name: str
    attributes: Mapping[str, Plain]
    place: Place
    places: Mapping[str, Place]
    matrix: bool = False
    """Whether the block makes several targets, of which this is one."""
    row: Mapping[str, str] = field(default_factory=dict)
    """What the axes of the matrix are for this one."""
    block: Mapping[str, Plain] = field(default_factory=dict)
    """The attributes as the block of a matrix says them, for all of its rows."""

    @property
    def written(self) -> BakeTarget:
        """The block of a matrix as it is written."""
        return replace(self, attributes=self.block)


class BakeFile(Struct, frozen=True):
    """A bake file's targets and groups, and the names of the variables that it declares.

    `broken` are places that the grammar cannot read, `unread` targets that are left out, with
    the reason. `own` are the targets without what they inherit.
    """

    path: str
    targets: Mapping[str, BakeTarget]
    groups: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, Plain]
    broken: tuple[Place, ...]
    unread: tuple[tuple[Place, str], ...] = ()
    own: Mapping[str, BakeTarget] = field(default_factory=dict)

    def selected(self, names: tuple[str, ...]) -> tuple[BakeTarget, ...]:
        """The targets that a call names, groups unfolded; the group `default` for none."""
        only = () if {"default"} & {*self.groups, *self.targets} else tuple(self.targets)
        queue = list(names or (only if len(only) == 1 else ("default",)))
        found: dict[str, BakeTarget] = {}
        seen: set[str] = set()
        while queue:
            name = queue.pop(0)
            if name in seen:
                continue
            seen.add(name)
            if name in self.groups:
                # A group may list a target of its own name.
                inside = [n for n in self.groups[name] if n != name]
                queue = [*inside, *queue]
            if name in self.targets and name in self.groups.get(name, (name,)):
                found[name] = self.targets[name]
        return tuple(found.values())


def parse_bake(source: Source) -> BakeFile:
    """The targets of a bake file. Never raises; see `BakeFile.broken`."""
    if source.path.endswith(".json"):
        return _json(source)
    root = _parser().parse(source.data).root_node
    gathered = _Gathered(source)
    try:
        values = Values(_declared(source, root))
        for block in _blocks(root):
            kind, name, attributes, places = _block(source, block, values.restarted())
            axes = _axes(source, block, values) if "matrix" in attributes else {}
            given = partial(_attributes, source, block, values)
            gathered.add(kind, name, attributes, places, source.place(_span(block)), axes, given)
        return gathered.file([source.place(_span(node)) for node in _errors(root)])
    except RecursionError:
        return _Gathered(source).file([source.place(Span(0, 0))])


def _json(source: Source) -> BakeFile:
    """A JSON bake file; YAML reads JSON and knows places."""
    gathered = _Gathered(source)
    try:
        root = parse_yaml(source).root
    except YamlError:
        return gathered.file([source.place(Span(0, 0))])
    for kind in ("variable", "group", "target"):
        section = root.get(kind) if root is not None else None
        for entry in section.entries if isinstance(section, YamlMapping) else ():
            if isinstance(entry.value, YamlMapping):
                inner = entry.value.entries
                attributes = {e.key.text: _plain(to_data(e.value)) for e in inner}
                places = {e.key.text: source.place(e.value.span) for e in inner}
                matrix = entry.value.get("matrix")
                axes = _listed(to_data(matrix)) if matrix is not None else {}
                place = source.place(entry.span)
                gathered.add(kind, entry.key.text, attributes, places, place, axes)
    return gathered.file([])


Axes = dict[str, list[object]]
"""By axis the values."""


def _listed(data: object) -> Axes:
    """The axes of a matrix in JSON."""
    found: Axes = {}
    for name, values in data.items() if isinstance(data, dict) else ():
        if not isinstance(values, list):
            return {}
        found[name] = values
    return found


def _named(axis: str, value: object) -> dict[str, str]:
    """What each expression on an axis stands for, for one of its values."""
    if isinstance(value, dict):
        return {f"{axis}.{k}": str(v) for k, v in value.items() if isinstance(v, str | int)}
    return {axis: str(value)} if isinstance(value, str | int) else {}


def _plain(data: object) -> Plain:
    if isinstance(data, dict):
        return {str(key): value for key, value in data.items() if isinstance(value, str)}
    if isinstance(data, list):
        return [item for item in data if isinstance(item, str)]
    return data if isinstance(data, str) else None


class _Gathered:
    """The blocks of one file, as they come. Private to `parse_bake`."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.targets: dict[str, BakeTarget] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        self.variables: dict[str, Plain] = {}
        self.unread: list[tuple[Place, str]] = []

    def add(
        self,
        kind: str,
        name: str,
        attributes: dict[str, Plain],
        places: dict[str, Place],
        place: Place,
        axes: Axes,
        given: Given | None = None,
    ) -> None:
        """One block; `axes` are those of its matrix, and `given` computes its attributes for a
        row of them."""
        if kind == "target" and "matrix" in attributes:
            made = _unfolded(BakeTarget(name, attributes, place, places, matrix=True), axes, given)
            self.targets |= {target.name: target for target in made}
            self.groups[name] = tuple(target.name for target in made)
            if not made:
                self.unread.append((place, f"target {name} has a matrix that is computed"))
        elif kind == "target":
            self.targets[name] = BakeTarget(name, attributes, place, places)
        elif kind == "group":
            listed = attributes.get("targets")
            self.groups[name] = tuple(listed) if isinstance(listed, list) else ()
        elif kind == "variable":
            self.variables[name] = attributes.get("default", "")

    def file(self, broken: list[Place]) -> BakeFile:
        """The file with inheritance followed."""
        return BakeFile(
            self.source.path,
            _inherited(self.targets),
            self.groups,
            self.variables,
            tuple(broken),
            tuple(self.unread),
            self.targets,
        )


def _unfolded(target: BakeTarget, axes: Axes, given: Given | None) -> list[BakeTarget]:
    """The targets that a matrix makes, by the `name` that tells them apart."""
    if not isinstance(target.attributes.get("name"), str) or not axes:
        return []
    found = []
    for values in islice(product(*axes.values()), _MAX_TARGETS):
        row = dict(zip(axes, values, strict=True))
        held = {k: text for axis, value in row.items() for k, text in _named(axis, value).items()}
        attributes = target.attributes if given is None else given(row)
        made = {key: _with_axes(plain, held) for key, plain in attributes.items()}
        name = made.pop("name", None)
        made.pop("matrix", None)
        if isinstance(name, str) and "${" not in name:
            block = target.attributes
            found.append(replace(target, name=name, attributes=made, row=held, block=block))
    return found


Given = Callable[[Mapping[str, object]], Mapping[str, Plain]]


_MAX_TARGETS = 256


def _with_axes(plain: Plain, values: Mapping[str, str]) -> Plain:
    """A value with what the axes of a matrix give."""
    if isinstance(plain, list):
        return [text for item in plain if isinstance(text := _with_axes(item, values), str)]
    if isinstance(plain, dict):
        return {k: text for k, v in plain.items() if isinstance(text := _with_axes(v, values), str)}
    for name, value in values.items() if plain is not None else ():
        plain = plain.replace("${" + name + "}", value) if plain is not None else None
    return plain


def merge_bake(below: BakeFile, above: BakeFile) -> BakeFile:
    """Two files of one call: attributes of the later one win, one by one."""
    own = dict(below.own)
    for name, target in above.own.items():
        old = own.get(name)
        if old is not None:
            target = BakeTarget(
                name,
                _over(old.attributes, target.attributes),
                target.place,
                {**old.places, **target.places},
                target.matrix,
            )
        own[name] = target
    return BakeFile(
        above.path,
        _inherited(own),
        {**below.groups, **above.groups},
        {**below.variables, **above.variables},
        (*below.broken, *above.broken),
        (*below.unread, *above.unread),
        own,
    )


def _inherited(targets: Mapping[str, BakeTarget]) -> dict[str, BakeTarget]:
    """Each target with what it inherits; one that inherits from itself, which bake rejects,
    does so once."""
    done: dict[str, BakeTarget] = {}
    for name in targets:
        _inherit(name, targets, done)
    return {name: done[name] for name in targets}


def _inherit(name: str, targets: Mapping[str, BakeTarget], done: dict[str, BakeTarget]) -> None:
    """Put a target with what it inherits into `done`, and those that it inherits from."""
    target = done[name] = targets[name]
    merged: dict[str, Plain] = {}
    parents = target.attributes.get("inherits")
    for parent in parents if isinstance(parents, list) else ():
        if parent not in targets:
            continue
        if parent not in done:
            _inherit(parent, targets, done)
        merged = _over(merged, done[parent].attributes)
    done[name] = replace(target, attributes=_over(merged, target.attributes))


def _over(below: Mapping[str, Plain], above: Mapping[str, Plain]) -> dict[str, Plain]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = (
            {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        )
    return merged


@lru_cache(maxsize=1)
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_hcl

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def _span(node: Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def _errors(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from _errors(child)


def _blocks(root: Node) -> Iterator[Node]:
    for body in root.named_children:
        for block in body.named_children:
            if block.type == "block":
                yield block


def _declared(source: Source, root: Node) -> Declared:
    """The variables and functions of a file, wherever they stand in it."""
    variables: dict[str, Node] = {}
    functions: dict[str, Function] = {}
    for block in _blocks(root):
        kind, name = ([_text(source, c).strip('"') for c in block.named_children[:2]] + [""])[:2]
        nodes = {
            _text(source, item.named_children[0]): item.named_children[-1]
            for body in block.named_children
            if body.type == "body"
            for item in body.named_children
            if item.type == "attribute"
        }
        if kind == "variable" and "default" in nodes:
            variables[name] = nodes["default"]
        elif kind == "function" and "result" in nodes:
            listed = _tuple(nodes["params"]) if "params" in nodes else []
            names = tuple(_text(source, node) for node in listed or ())
            rest = nodes.get("variadic_params")
            text = _text(source, rest) if rest is not None else ""
            functions[name] = Function(names, nodes["result"], text)
    return Declared(variables, functions)


def _attributes(
    source: Source, block: Node, values: Values, row: Mapping[str, object]
) -> Mapping[str, Plain]:
    """The attributes of a block for one row of its matrix."""
    return _block(source, block, values.restarted(row))[2]


def _block(
    source: Source, block: Node, values: Values
) -> tuple[str, str, dict[str, Plain], dict[str, Place]]:
    words: list[str] = []
    attributes: dict[str, Plain] = {}
    places: dict[str, Place] = {}
    for child in block.named_children:
        if child.type == "identifier":
            words.append(_text(source, child))
        elif child.type == "string_lit":
            words.append(_text(source, child).strip('"'))
        elif child.type == "body":
            for item in child.named_children:
                if item.type == "attribute":
                    name, value = item.named_children[0], item.named_children[-1]
                    attributes[_text(source, name)] = _value(source, value, values)
                    places[_text(source, name)] = source.place(_span(value))
    kind = words[0] if words else ""
    return kind, words[1] if len(words) > 1 else "", attributes, places


def _axes(source: Source, block: Node, values: Values) -> Axes:
    """The axes of a block's `matrix`, computed by the defaults of variables; none where one of
    them cannot be known."""
    found: Axes = {}
    computing = replace(values.restarted(), assumed=True)
    for element in _matrix(source, block):
        name = _text(source, element.named_children[0]).strip('"')
        try:
            items = closed(computing.of(element.named_children[-1]))
        except NotComputedError:
            return {}
        if not isinstance(items, list):
            return {}
        found[name] = items
    return found


def _matrix(source: Source, block: Node) -> Iterator[Node]:
    """The elements of the object that `matrix` is."""
    queue = [
        item.named_children[-1]
        for body in block.named_children
        if body.type == "body"
        for item in body.named_children
        if item.type == "attribute" and _text(source, item.named_children[0]) == "matrix"
    ]
    while queue:
        node = queue.pop()
        if node.type == "object_elem":
            yield node
        else:
            queue += reversed(node.named_children)


def _tuple(node: Node) -> list[Node] | None:
    """The items of a list; None for anything else."""
    while node.type in ("expression", "collection_value") and len(node.named_children) == 1:
        node = node.named_children[0]
    if node.type != "tuple":
        return None
    return [child for child in node.named_children if child.type == "expression"]


def _text(source: Source, node: Node) -> str:
    return source.text(_span(node))


def _value(source: Source, node: Node, values: Values) -> Plain:
    kind = node.type
    if kind in ("expression", "literal_value", "collection_value", "template_expr"):
        inner = [c for c in node.named_children if c.type != "comment"]
        alone = len(inner) == 1
        return _value(source, inner[0], values) if alone else _computed(source, node, values)
    if kind in ("string_lit", "quoted_template"):
        return _string(source, node, values)
    if kind in ("numeric_lit", "bool_lit"):
        return _text(source, node)
    if kind == "null_lit":
        return None
    if kind == "variable_expr":
        name = _text(source, node)
        return _computed(source, node, values) if name in values.bound else "${" + name + "}"
    if kind == "tuple":
        items = [_value(source, c, values) for c in node.named_children if c.type == "expression"]
        return [item for item in items if isinstance(item, str)]
    if kind == "object":
        return _object(source, node, values)
    return _computed(source, node, values)


def _computed(source: Source, node: Node, values: Values) -> Plain:
    """What a condition, a function or a loop gives; kept as one unknown, with the text for
    messages, where that cannot be known."""
    try:
        value = values.of(node)
        if isinstance(value, list):
            return [text(item) for item in value]
        if isinstance(value, dict):
            return {key: text(item) for key, item in value.items()}
        return None if value is None else text(value)
    except NotComputedError:
        return "${" + " ".join(_text(source, node).split()) + "}"


def _object(source: Source, node: Node, values: Values) -> dict[str, str]:
    found: dict[str, str] = {}
    for element in node.named_children:
        if element.type != "object_elem":
            continue
        key, value = element.named_children[0], element.named_children[-1]
        name = _text(source, key).strip('"')
        read = _value(source, value, values)
        found[name] = read if isinstance(read, str) else ""
    return found


def _string(source: Source, node: Node, values: Values) -> str:
    out: list[str] = []
    for child in node.named_children:
        if child.type == "template_literal":
            out.append(_text(source, child).replace("$${", "${").replace('\\"', '"'))
        elif child.type == "template_interpolation":
            inner = next((c for c in child.named_children if c.type == "expression"), None)
            out.append(_interpolated(source, inner, values) if inner is not None else "${}")
    return "".join(out)


def _interpolated(source: Source, node: Node, values: Values) -> str:
    read = _value(source, node, values)
    return read if isinstance(read, str) else "${" + _text(source, node).strip() + "}"
