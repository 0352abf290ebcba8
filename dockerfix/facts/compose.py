"""Compose files: services that build, with `extends`, anchors, override files, default names.

Follows the Compose Specification, "build", "extends" and "merge": `build: ./folder` is short
for a context; a service that extends another one inherits its build key by key; paths count
from the file in which they are written. Knows Compose; knows nothing of Dockerfiles.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from dockerfix.syntax.yaml.tree import (
    Entry,
    Node,
    Scalar,
    Sequence,
    YamlError,
    YamlFile,
    parse_yaml,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Place, Snapshot, SnapshotError, Source, Span, join_path

_NAME = re.compile(r"(?:docker-)?compose[^/]*\.ya?ml")
BASE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""The files that Compose reads without `-f`, the first that exists."""
_DEPTH = 20
_NULL = "tag:yaml.org,2002:null"


class Service(Struct, frozen=True):
    """A service with a `build`.

    `build` is the scalar of the short form or the mapping of the long one; what `extends` or
    the base file of an override adds to it stands in it as aliased entries. `aliased` says
    that the whole of it stands elsewhere, behind an anchor or an `extends`, and serves others
    too.
    """

    name: str
    entry: Entry
    build_entry: Entry
    build: Scalar | YamlMapping
    image: Scalar | None
    file: YamlFile
    aliased: bool

    @property
    def place(self) -> Place:
        """Where the service's name stands."""
        return self.file.source.place(self.entry.key.span)

    def part(self, key: str) -> Node | None:
        """A key of the long form; None in the short form."""
        return self.build.get(key) if isinstance(self.build, YamlMapping) else None

    def scalar(self, key: str) -> Scalar | None:
        """A key of the long form when it is a scalar; the short form is its own context."""
        if isinstance(self.build, Scalar):
            return self.build if key == "context" else None
        node = self.part(key)
        return node if isinstance(node, Scalar) else None


class ComposeFiles(Struct, frozen=True):
    """All Compose files of a snapshot.

    `broken` are those that YAML cannot read, `unread` the places of an `extends` that leads
    nowhere, with the reason.
    """

    services: tuple[Service, ...]
    files: tuple[YamlFile, ...]
    broken: tuple[YamlError, ...]
    unread: tuple[tuple[Place, str], ...] = ()


def is_compose(path: str) -> bool:
    """Whether a path is a Compose file by its name."""
    return "compose" in path and _NAME.fullmatch(posixpath.basename(path)) is not None


def find_compose(
    snapshot: Snapshot,
    named: Iterable[str] = (),
    layers: dict[str, tuple[str, ...]] | None = None,
    alike: Iterable[str] = (),
) -> ComposeFiles:
    """The services that build, in the order of their files and places, those of included files
    among them.

    `named` are further files that a `docker compose -f` names, `layers` the files that one
    lies over where commands say it. A file that no command names is taken to lie over the
    folder's own Compose file, as `compose.override.yaml` does. `alike` are files of other names
    that look like one: they count unless they only hold what others extend.
    """
    reader = _ComposeFiles(snapshot, layers or {})
    paths = dict.fromkeys(snapshot.groups(_is_compose).get(True, ()))
    paths |= dict.fromkeys(path for path in named if path in snapshot)
    queue, services = list(paths), list[Service]()
    for path in queue:
        file = reader.file(path)
        if file is not None:
            services += reader.services(file)
            found = [inner for inner in reader.included(file) if inner not in paths]
            paths |= dict.fromkeys(found)
            queue += found
    others = [file for path in alike if path not in paths and (file := reader.file(path))]
    own = [(file, list(reader.services(file))) for file in others]
    for file, found_there in own:
        services += found_there if file.source.path not in reader.parents else []
    return ComposeFiles(
        tuple(services), tuple(reader.files.values()), tuple(reader.broken), tuple(reader.unread)
    )


def _is_compose(_: Snapshot, path: str) -> bool | None:
    return is_compose(path) or None


def looks_composed(file: YamlFile) -> bool:
    """Whether a file of any name is a Compose file: nothing but Compose's keys at its top, and
    a service that builds."""
    keys = {e.key.text for e in file.root.entries} if file.root is not None else set()
    if not all(key in _TOP or key.startswith("x-") for key in keys):
        return False
    bodies = (entry.value for entry in _entries(file))
    return any(isinstance(b, YamlMapping) and _build_of(b) is not None for b in bodies)


_TOP = frozenset(
    {"version", "name", "services", "networks", "volumes", "configs", "secrets", "include"}
)


class _ComposeFiles:
    """Reads Compose files with what they extend. Private to `find_compose`."""

    def __init__(self, snapshot: Snapshot, layers: dict[str, tuple[str, ...]]) -> None:
        self.snapshot = snapshot
        self.layers = layers
        self.files: dict[str, YamlFile] = {}
        self.broken: list[YamlError] = []
        self.unread: list[tuple[Place, str]] = []
        self.failed: set[str] = set()
        self.parents: set[str] = set()
        """Files that hold a service which one of another file extends."""

    def file(self, path: str) -> YamlFile | None:
        """A file, once; None when it is absent or broken."""
        if path in self.failed or path not in self.snapshot:
            return None
        if path not in self.files:
            try:
                self.files[path] = self.snapshot.derive(path, parse_yaml)
            except YamlError as error:
                self.broken.append(error)
                self.failed.add(path)
            except SnapshotError as error:
                self.unread.append((Source(path, b"").place(Span(0, 0)), error.why))
                self.failed.add(path)
        return self.files.get(path)

    def included(self, file: YamlFile) -> Iterator[str]:
        """The files that one includes; one that is not known is said."""
        for node in _include_paths(file):
            path = join_path(posixpath.dirname(file.source.path), node.text)
            if path is None or path not in self.snapshot:
                self.unread.append((file.source.place(node.span), "an `include` of another place"))
            else:
                yield path

    def services(self, file: YamlFile) -> Iterator[Service]:
        """The services of one file that build."""
        for entry in _entries(file):
            body = entry.value
            if not isinstance(body, YamlMapping):
                continue
            own = body.get("build")
            build = self.build(file, entry.key.text, body, 0)
            if build is None:
                continue
            build_entry = body.entry("build")
            image = body.get("image")
            stands_here = build_entry is not None and not build_entry.aliased and own is not None
            yield Service(
                entry.key.text,
                entry,
                build_entry if build_entry is not None else entry,
                build,
                self.image(file, body, 0) if image is None else _name(image),
                file,
                entry.aliased or not stands_here,
            )

    def build(
        self, file: YamlFile, name: str, body: YamlMapping, depth: int
    ) -> Scalar | YamlMapping | None:
        """The build of a service with what it inherits."""
        own = _build_of(body)
        below = self.extended(file, body, depth)
        if below is None and own is not None and depth == 0:
            below = self.base(file, name)
        return own if below is None else _over(own, below)

    def extended(
        self, file: YamlFile, body: YamlMapping, depth: int
    ) -> Scalar | YamlMapping | None:
        """The build of the service that `extends:` names."""
        found = self.parent(file, body, depth)
        return self.build(found[0], found[1], found[2], depth + 1) if found is not None else None

    def parent(
        self, file: YamlFile, body: YamlMapping, depth: int
    ) -> tuple[YamlFile, str, YamlMapping] | None:
        """The service that `extends:` names, with its file."""
        extends = body.get("extends")
        if extends is None or depth > _DEPTH:
            return None
        name = extends if isinstance(extends, Scalar) else None
        path = None
        if isinstance(extends, YamlMapping):
            service, path = extends.get("service"), extends.get("file")
            name = service if isinstance(service, Scalar) else None
        other: YamlFile | None = file
        if isinstance(path, Scalar):
            where = join_path(posixpath.dirname(path.file.source.path), path.text)
            other = self.file(where) if where is not None and "$" not in where else None
        entry = _service(other, name.text) if other is not None and name is not None else None
        if other is None or entry is None or not isinstance(entry.value, YamlMapping):
            place = file.source.place(extends.span)
            if (place, _NOWHERE) not in self.unread:
                self.unread.append((place, _NOWHERE))
            return None
        if other is not file:
            self.parents.add(other.source.path)
        return other, entry.key.text, entry.value

    def base(self, file: YamlFile, name: str) -> Scalar | YamlMapping | None:
        """What an override file lies over: the service as the files below it give it."""
        found: Scalar | YamlMapping | None = None
        for path in self.below(file.source.path):
            below = self.file(path)
            entry = _service(below, name) if below is not None else None
            body = entry.value if entry is not None else None
            if below is None or not isinstance(body, YamlMapping):
                continue
            own = self.build(below, name, body, 1)
            found = own if found is None else _over(own, found)
        return found

    def below(self, path: str) -> tuple[str, ...]:
        """The files that one lies over, nearest last."""
        if path in self.layers:
            return self.layers[path]
        folder, own = posixpath.split(path)
        if own in BASE_NAMES or not is_compose(path):
            return ()
        paths = (posixpath.join(folder, base) for base in BASE_NAMES)
        return tuple(path for path in paths if path in self.snapshot)[:1]

    def image(self, file: YamlFile, body: YamlMapping, depth: int) -> Scalar | None:
        """The image's name of the service that `extends:` names."""
        found = self.parent(file, body, depth)
        if found is None:
            return None
        image = found[2].get("image")
        return self.image(found[0], found[2], depth + 1) if image is None else _name(image)


def _name(image: Node) -> Scalar | None:
    """The name that a service gives its image; None for one that takes back another's."""
    taken_back = isinstance(image, Scalar) and (image.tag in (_NULL, "!reset") or not image.text)
    return image if isinstance(image, Scalar) and not taken_back else None


_NOWHERE = "an `extends` that names no service of this repository"


def _include_paths(file: YamlFile) -> Iterator[Scalar]:
    """`include:` of a file: paths, or mappings with one or several."""
    listed = file.root.get("include") if file.root is not None else None
    for item in listed.items if isinstance(listed, Sequence) else ():
        path = item.get("path") if isinstance(item, YamlMapping) else item
        for node in path.items if isinstance(path, Sequence) else (path,):
            if isinstance(node, Scalar):
                yield node


def _entries(file: YamlFile) -> tuple[Entry, ...]:
    services = file.root.get("services") if file.root is not None else None
    return services.entries if isinstance(services, YamlMapping) else ()


def _service(file: YamlFile, name: str) -> Entry | None:
    return next((e for e in reversed(_entries(file)) if e.key.text == name), None)


def _build_of(body: YamlMapping) -> Scalar | YamlMapping | None:
    build = body.get("build")
    empty = isinstance(build, Scalar) and build.style == "" and build.text in ("", "null", "~")
    return build if isinstance(build, Scalar | YamlMapping) and not empty else None


def _over(
    own: Scalar | YamlMapping | None, below: Scalar | YamlMapping
) -> Scalar | YamlMapping | None:
    """A build with the keys of another one below its own; the short form is its context."""
    if own is None:
        return below
    if isinstance(own, Scalar):
        if isinstance(below, Scalar):
            return own
        context = Entry(_key(own, "context"), own, aliased=False)
        rest = [e for e in below.entries if e.key.text != "context"]
        # It has no span of its own, since nothing can be added to a short form.
        return YamlMapping(
            own.file,
            (context, *_inherited(own.file, rest)),
            Span(own.span.end, own.span.end),
            False,
            "tag:yaml.org,2002:map",
        )
    if isinstance(below, Scalar):
        added = {"context": Entry(_key(below, "context"), below, aliased=True)}
    else:
        added = {
            name: below.entry(name) or Entry(_key(value, name), value, aliased=True)
            for name, value in below.resolved.items()
        }
    given = own.resolved
    missing = [entry for name, entry in added.items() if name not in given]
    kept = [_with_names(entry, added.get(entry.key.text)) for entry in own.entries]
    return own.with_entries((*_inherited(own.file, missing), *kept))


def _with_names(own: Entry, below: Entry | None) -> Entry:
    """`args` and `labels` are merged name by name when both are maps."""
    value = own.value
    deep = own.key.text in ("args", "labels") and below is not None
    if not deep or below is None or not isinstance(value, YamlMapping):
        return own
    if not isinstance(below.value, YamlMapping):
        return own
    missing = [e for e in below.value.entries if value.entry(e.key.text) is None]
    entries = (*_inherited(value.file, missing), *value.entries)
    return replace(own, value=value.with_entries(entries))


def _inherited(file: YamlFile, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Entries that stand elsewhere; one of another file has no span in this one."""
    for entry in entries:
        key = entry.key if entry.key.file is file else replace(entry.key, span=Span(-1, -1))
        yield Entry(key, entry.value, aliased=True)


def _key(node: Node, text: str) -> Scalar:
    return Scalar(node.file, text, "", Span(node.span.start, node.span.start), _STRING)


_STRING = "tag:yaml.org,2002:str"


def pairs(node: Node | None) -> Iterator[tuple[str, Scalar | None, Scalar]]:
    """Name, value and the scalar that holds the name, of a map or a `NAME=value` list."""
    if isinstance(node, YamlMapping):
        for name, value in node.resolved.items():
            entry = node.entry(name)
            key = entry.key if entry is not None else _key(value, name)
            null = isinstance(value, Scalar) and value.tag == _NULL
            yield name, value if isinstance(value, Scalar) and not null else None, key
    elif isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Scalar):
                yield item.text.partition("=")[0], item if "=" in item.text else None, item
