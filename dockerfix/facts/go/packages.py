"""Which files a Go build reads: the packages that it imports, in this module and in local ones.

Follows `go help packages` and `go help modules`: a package is a folder, imports name it by the
module's path, `replace` and `go.work` name other folders. Build constraints are not looked at,
so that a file for another platform counts too, and of a module whole folders are taken. Knows
Go's files; knows no Dockerfile.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.text import Snapshot, SnapshotError, is_within, join_path

VALUED = frozenset(
    {"o", "p", "tags", "ldflags", "gcflags", "asmflags", "mod", "buildmode", "installsuffix"}
)
_BARE = frozenset({"a", "v", "x", "trimpath", "race", "n", "buildvcs"})
"""Flags of `go build` that name no file to be read, with a value and without."""
_SOURCES = (
    ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for",
    ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso",
)  # fmt: skip
"""What `go help packages` and `go help c` count among a package's files."""
_PROFILE = "default.pgo"
_INCLUDING = (".s", ".S", ".sx")


class GoError(Exception):
    """What a build reads cannot be known: where, and why."""


class _Module(Struct, frozen=True):
    """A module whose folder is in the repository."""

    path: str
    folder: str


def packages_of(words: Sequence[str | None]) -> list[str] | None:
    """What a `go build` or `go install` names behind the verb, the current folder when nothing;
    None where a flag is not known or a package is (the word is None then)."""
    found: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word is None:
            return None
        if not word.startswith("-"):
            found.append(word)
            continue
        name, equals, _ = word.lstrip("-").partition("=")
        if name in VALUED and not equals and rest:
            rest.pop(0)
        elif name not in VALUED | _BARE:
            return None
    return found or ["."]


def package_files(
    snapshot: Snapshot, top: str, starts: Sequence[str], modules: Sequence[str] = ()
) -> tuple[str, ...]:
    """The files and folders below `top` that a build of these packages reads, sorted.

    A start is a folder, a Go file, or a folder with `/...` for all packages below it, relative
    to the root. Of `modules`, folders of modules, only the manifests are read. Raises `GoError`.
    """
    reader = _Reader(snapshot, top)
    for folder in modules:
        reader.root(folder)
    for start in starts:
        reader.start(start)
    return tuple(sorted(reader.found))


class _Reader:
    """Follows the imports. `found` are the paths that are read, `seen` the packages."""

    def __init__(self, snapshot: Snapshot, top: str) -> None:
        self.snapshot = snapshot
        self.top = top
        self.found: dict[str, None] = {}
        self.seen: set[str] = set()
        self.modules: dict[str, _Module] = {}
        self.roots: set[str] = set()

    def start(self, text: str) -> None:
        """One package that is built, or all below a folder."""
        folder, deep, _ = text.partition("...")
        if deep and folder and not folder.endswith("/"):
            raise GoError(f"{text} is a pattern of names")
        folder = folder.rstrip("/")
        if deep:
            self.root(folder)
            for path in list(self.snapshot.below(folder)):
                if path.endswith(".go") and not _is_apart(path[len(folder) :]):
                    self.package(posixpath.dirname(path))
        else:
            folder = posixpath.dirname(text) if text.endswith(".go") else folder
            self.root(folder)
            self.package(folder)

    def root(self, folder: str) -> None:
        """The module around a folder, the local ones that it replaces others by, and those of
        the workspace."""
        at = folder
        while posixpath.join(at, "go.mod") not in self.snapshot:
            if at in ("", self.top):
                raise GoError(f"{folder or '.'} lies in no module")
            at = posixpath.dirname(at)
        if at in self.roots:
            return
        self.roots.add(at)
        self.module(at, replaces=True)
        self.take(posixpath.join(at, "vendor"))
        while True:
            work = posixpath.join(at, "go.work")
            if work in self.snapshot:
                self.take(work)
                self.take(posixpath.join(at, "go.work.sum"))
                self.take(posixpath.join(at, "vendor"))
                for words in _directives(_text(self.snapshot, work), ("use",)):
                    self.local(at, words[-1], replaces=True)
                self.replaced(at, _text(self.snapshot, work))
            if at in ("", self.top):
                return
            at = posixpath.dirname(at)

    def module(self, folder: str, *, replaces: bool = False) -> None:
        """A module's own files, and what it replaces by local folders."""
        path = posixpath.join(folder, "go.mod")
        if path not in self.snapshot:
            return
        self.take(path)
        self.take(posixpath.join(folder, "go.sum"))
        text = _text(self.snapshot, path)
        for words in _directives(text, ("module",)):
            self.modules[words[0]] = _Module(words[0], folder)
        if replaces:
            self.replaced(folder, text)

    def replaced(self, folder: str, text: str) -> None:
        """The local folders that a manifest replaces modules by."""
        for words in _directives(text, ("replace",)):
            local = self.local(folder, words[-1])
            if local is not None:
                self.modules[words[0]] = _Module(words[0], local)

    def local(self, folder: str, text: str, *, replaces: bool = False) -> str | None:
        """A module in a folder that another one, or the workspace, names by its path. What it
        replaces itself counts for a module of the workspace alone."""
        if text.startswith("/"):
            raise GoError(f"{text} is a path of the image")
        if not text.startswith("."):
            return None
        named = join_path(folder, text)
        if named is None:
            raise GoError(f"{text} leaves the context")
        if named != folder:
            self.module(named, replaces=replaces)
        return named

    def package(self, folder: str) -> None:
        """A package and all that it imports."""
        if folder in self.seen:
            return
        self.seen.add(folder)
        files = [
            path
            for path in self.snapshot.below(folder)
            if posixpath.dirname(path) == folder
            and (path.endswith(_SOURCES) or posixpath.basename(path) == _PROFILE)
        ]
        if not any(path.endswith(".go") for path in files):
            raise GoError(f"{folder or '.'} holds no Go file")
        whole = folder == self.top or not folder
        for path in files:
            if whole:
                self.take(path)
            if path.endswith(_INCLUDING):
                self.included(path)
            if not path.endswith(".go"):
                continue
            text = _text(self.snapshot, path)
            if whole and "//go:embed" in text:
                raise GoError(f"{path} embeds files of the context's own folder")
            for name in imports_of(text) if not path.endswith("_test.go") else ():
                self.imported(path, name)
        if not whole:
            self.found[self.around(folder)] = None

    def included(self, path: str) -> None:
        """What an assembly file includes: the toolchain's, or a file beside it."""
        for line in _text(self.snapshot, path).splitlines():
            if line.lstrip().startswith("#") and "include" in line and "/" in line.split("//")[0]:
                raise GoError(f"{path} includes a file of another folder")

    def around(self, folder: str) -> str:
        """The module that holds a package, or the folder at the top of the one around them all:
        imports change more often than these do."""
        module = max((r for r in self.folders() if is_within(folder, r)), key=len, default="")
        if module not in ("", self.top):
            return module
        cut = len(module) + 1 if module else 0
        return folder[:cut] + folder[cut:].partition("/")[0]

    def folders(self) -> Iterator[str]:
        """Those of all modules here."""
        yield from self.roots
        yield from (module.folder for module in self.modules.values())

    def imported(self, path: str, name: str) -> None:
        """One import: a package of a module that is here, or none of the repository's."""
        if name == "C":
            raise GoError(f"{path} is compiled with C, whose files may lie elsewhere")
        fitting = [m for m in self.modules.values() if f"{name}/".startswith(f"{m.path}/")]
        if fitting:
            module = max(fitting, key=lambda m: len(m.path))
            self.package(posixpath.join(module.folder, name[len(module.path) + 1 :]).rstrip("/"))

    def take(self, path: str) -> None:
        """A file or folder, if it is there."""
        if path in self.snapshot or self.snapshot.is_folder(path):
            self.found[path] = None


def _text(snapshot: Snapshot, path: str) -> str:
    """A file as text. Raises `GoError`."""
    try:
        return snapshot.text(path)
    except SnapshotError as error:
        raise GoError(str(error)) from None


def _is_apart(path: str) -> bool:
    """Whether `...` does not match a path: `testdata`, `vendor`, or a name with `_` or `.`."""
    parts = path.strip("/").split("/")[:-1]
    return any(part in ("testdata", "vendor") or part[:1] in ("_", ".") for part in parts)


def _directives(text: str, names: Sequence[str]) -> Iterator[list[str]]:
    """The words behind some directives of `go.mod` or `go.work`, single or in parentheses."""
    block = ""
    for line in text.splitlines():
        words = [word.strip('"`') for word in line.partition("//")[0].split()]
        if words == [")"]:
            block = ""
        elif words[1:] == ["("]:
            block = words[0]
        elif words and (block in names or words[0] in names):
            told = words if block in names else words[1:]
            if told:  # a directive without a word is an error, for go to tell
                yield told


def imports_of(text: str) -> list[str]:
    """The packages that a Go file imports, by the clauses at its head."""
    tokens = _tokens(text)
    found: list[str] = []
    if next(tokens, "") != "package":
        return found
    next(tokens, "")
    for token in tokens:
        if token == "import":
            found += _clause(tokens)
        elif token != ";":
            break  # a declaration: imports come before all others
    return found


def _clause(tokens: Iterator[str]) -> Iterator[str]:
    """The packages of one `import`, alone or in parentheses."""
    inside = False
    for token in tokens:
        if token[0] in '"`':
            yield token[1:-1]
        inside = (inside or token == "(") and token != ")"
        if not inside and token[0] in '"`)':
            return


def _tokens(text: str) -> Iterator[str]:
    """Words, strings and signs; comments and blanks left out."""
    at = 0
    while at < len(text):
        sign = text[at]
        if text.startswith("//", at):
            at = _behind(text, "\n", at)
        elif text.startswith("/*", at):
            at = _behind(text, "*/", at + 2)
        elif sign in '"`':
            end = _behind(text, sign, at + 1)
            yield text[at:end]
            at = end
        elif sign.isalnum() or sign == "_":
            end = at
            while end < len(text) and (text[end].isalnum() or text[end] == "_"):
                end += 1
            yield text[at:end]
            at = end
        else:
            at += 1
            if not sign.isspace() and sign != "\ufeff":
                yield sign


def _behind(text: str, sign: str, at: int) -> int:
    """The place behind the next sign, or the end."""
    found = text.find(sign, at)
    return len(text) if found < 0 else found + len(sign)
