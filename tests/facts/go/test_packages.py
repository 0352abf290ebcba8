"""Which files a Go build reads."""

from __future__ import annotations

import pytest

from dockerfix.facts.go.packages import GoError, imports_of, package_files, packages_of
from dockerfix.text import Snapshot

_FILES = {
    "go.mod": "module m.io/shop\n\nreplace m.io/idl => ./idl // local\n",
    "go.sum": "",
    "cmd/api/main.go": 'package main\n\nimport "m.io/shop/internal/db"\n',
    "cmd/docs/main.go": 'package main\n\nimport _ "m.io/idl/v1"\n',
    "internal/db/db.go": 'package db\n\nimport "fmt"\n',
    "internal/db/db_test.go": 'package db\n\nimport _ "m.io/shop/docs"\n',
    "idl/go.mod": "module m.io/idl\n",
    "idl/v1/v1.go": "package v1\n",
    "docs/docs.go": "package docs\n",
    "docs/testdata/x.go": "package x\n",
}


def _read(*starts: str, top: str = "", **more: str) -> set[str]:
    files = _FILES | {path.replace("__", "/"): text for path, text in more.items()}
    return set(package_files(Snapshot.of(files), top, starts))


def test_imports_are_followed() -> None:
    """Packages of the module, tests left out; every local module keeps its manifest."""
    assert _read("cmd/api") == {"cmd", "internal", "go.mod", "go.sum", "idl/go.mod"}
    assert _read("cmd/docs/main.go") == {"cmd", "idl", "go.mod", "go.sum", "idl/go.mod"}
    assert _read("docs/...") == {"docs", "go.mod", "go.sum", "idl/go.mod"}


def test_a_module_below_the_context_is_one_folder() -> None:
    """The built module's folder is taken as a whole, with the workspace's files."""
    files = {
        "go.work": "go 1.25\n\nuse (\n\t./api\n\t./lib\n)\n",
        "api/go.mod": "module m.io/api\n",
        "api/main.go": 'package main\n\nimport "m.io/lib/text"\n',
        "lib/go.mod": "module m.io/lib\n",
        "lib/text/text.go": "package text\n",
    }
    found = set(package_files(Snapshot.of(files), "", ("api",)))
    assert found == {"go.work", "api", "api/go.mod", "lib", "lib/go.mod"}


@pytest.mark.parametrize(
    "text",
    ['package main\n\nimport "C"\n', "package main\n// \udcff"],
)
def test_what_cannot_be_known(text: str) -> None:
    """C code, and a file that is no UTF-8."""
    files = _FILES | {"cmd/api/main.go": text}
    data = {path: body.encode("utf-8", "surrogateescape") for path, body in files.items()}
    with pytest.raises(GoError):
        package_files(Snapshot.of(data), "", ("cmd/api",))


def test_no_module() -> None:
    """A folder without `go.mod` above it."""
    with pytest.raises(GoError, match="no module"):
        package_files(Snapshot.of({"a/b.go": "package b\n"}), "", ("a",))


def test_the_context_own_package() -> None:
    """Only its Go files are taken, and what they embed is not known."""
    assert "main.go" in _read("", **{"main.go": "package main\n"})
    with pytest.raises(GoError, match="embeds"):
        _read("", **{"main.go": "package main\n//go:embed web\nvar x embed.FS\n"})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('// c "no"\npackage a\nimport "x"; import y "z"\n', ["x", "z"]),
        ('package a\n/* import "no" */ import (\n\t. "x" // "no"\n\t_ `y`\n)\nvar s = "no"\n',
         ["x", "y"]),
        ('package a\nfunc f() { g("no") }\n', []),
        ("", []),
    ],
)  # fmt: skip
def test_the_head_of_a_file(text: str, found: list[str]) -> None:
    """Comments, aliases, both kinds of strings; nothing behind the first declaration."""
    assert imports_of(text) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-o", "/x", "./cmd/api"], ["./cmd/api"]),
        (["-ldflags=-s -w", "-v", "a.go"], ["a.go"]),
        (["-a", "-tags", "x"], ["."]),
        (["-overlay", "x.json", "."], None),
        (["-C", "cmd", "."], None),
        ([None], None),
    ],
)
def test_the_packages_that_a_command_names(
    words: list[str | None], found: list[str] | None
) -> None:
    """Flags with values, and flags that lead to other files."""
    assert packages_of(words) == found


def test_files_beside_go_files_at_the_root() -> None:
    """What the package in the context's own folder is compiled from, and the profile."""
    more = {"main.go": "package main\n", "add.s": '#include "textflag.h"\n', "default.pgo": ""}
    assert _read("", **more, readme="") >= {"main.go", "add.s", "default.pgo"}
    assert "readme" not in _read("", **more, readme="")


def test_what_a_workspace_replaces_and_vendors() -> None:
    """Each module of the workspace is a main one: its `replace` counts, as the workspace's own
    does, and so does the folder `vendor` beside `go.work`."""
    files = {
        "go.work": "use (\n\t./api\n\t./lib\n)\nreplace m.io/y => ./y\n",
        "api/go.mod": "module m.io/api\n",
        "api/main.go": 'package main\n\nimport "m.io/lib"\n',
        "lib/go.mod": "module m.io/lib\n\nreplace m.io/x => ../x\n",
        "lib/lib.go": 'package lib\n\nimport (\n"m.io/x"\n"m.io/y"\n)\n',
        "x/go.mod": "module m.io/x\n",
        "x/x.go": "package x\n",
        "y/go.mod": "module m.io/y\n",
        "y/y.go": "package y\n",
        "vendor/modules.txt": "",
    }
    assert set(package_files(Snapshot.of(files), "", ("api",))) >= {"lib", "x", "y", "vendor"}


@pytest.mark.parametrize(
    "more",
    [
        {"cmd/api/add.s": '#include "../../docs/x.h"\n'},
        {"cmd/api/main.go": 'package main\n\nimport "m.io/shop/made"\n'},
        {"go.mod": "module m.io/shop\n\nreplace m.io/idl => /src/idl\n"},
    ],
)
def test_files_that_are_not_followed(more: dict[str, str]) -> None:
    """Assembly that includes another folder's file, a package that is not there, and a module
    by its path in the image."""
    with pytest.raises(GoError):
        package_files(Snapshot.of(_FILES | more), "", ("cmd/api",))


def test_modules_that_are_loaded_only() -> None:
    """`go mod download` reads manifests and no package."""
    files = _FILES | {"tools/go.mod": "module m.io/tools\n", "tools/x.go": "package x\n"}
    found = package_files(Snapshot.of(files), "", ("cmd/api",), ("tools",))
    assert "tools/go.mod" in found
    assert "tools" not in found


def test_a_directive_without_a_word_says_nothing() -> None:
    files = _FILES | {"go.mod": "module m.io/shop\n\nmodule\nreplace\n"}
    found = package_files(Snapshot.of(files), "", ("cmd/api",))
    assert set(found) == {"cmd", "internal", "go.mod", "go.sum"}
