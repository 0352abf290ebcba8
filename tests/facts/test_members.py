"""Which members of a workspace a build can do without."""

from __future__ import annotations

import json

import pytest

from dockerfix.facts.javascript.members import filtered, paths_beside, unneeded
from dockerfix.facts.javascript.turbo_settings import WorkspaceError
from dockerfix.text import Snapshot

_FILES = {
    "package.json": '{"workspaces": ["apps/*", "libs/*"]}',
    "apps/web/package.json": '{"name": "web", "dependencies": {"ui": "*"}}',
    "apps/web/index.ts": 'import "ui";',
    "apps/docs/package.json": '{"name": "docs"}',
    "apps/docs/page.mdx": "x",
    "libs/ui/package.json": '{"name": "ui"}',
}


def _gone(**more: object) -> tuple[str, ...]:
    texts = {path: t if isinstance(t, str) else json.dumps(t) for path, t in more.items()}
    return unneeded(Snapshot.of(_FILES | texts), "", ("web",))


def test_what_is_needed_stays() -> None:
    """The package that is built, and its dependencies."""
    assert _gone() == ("apps/docs",)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("apps/web/index.ts", 'import "../../docs/page.mdx";'),
        ("apps/web/index.ts", 'const page = require("docs/page");'),
        ("tsconfig.json", '{"include": ["apps/docs"]}'),
        ("turbo.json", '{"tasks": {"web#build": {"dependsOn": ["docs#build"]}}}'),
        ("scripts/all.sh", "cat apps/docs/page.mdx"),
        ("apps/docs/package.json", '{"name": "docs", "scripts": {"postinstall": "make"}}'),
        ("apps/docs/package.json", '{"name": "docs", "bin": "x.js"}'),
        ("apps/docs/package.json", '{"name": "docs", "dependencies": {"x": "file:x"}}'),
        ("apps/docs/binding.gyp", "{}"),
        ("apps/docs/inner/package.json", '{"name": "inner", "bin": "x.js"}'),
    ],
)
def test_what_is_named_or_runs_stays(path: str, text: str) -> None:
    """A folder in a source or in settings, an import, a task, and what an installation runs."""
    more = {"package.json": '{"workspaces": ["apps/**", "libs/*"]}', path: text}
    assert "apps/docs" not in _gone(**more)


@pytest.mark.parametrize(
    "manifests",
    [
        {"package.json": {"workspaces": ["apps/*"], "scripts": {"postinstall": "turbo run x"}}},
        {"package.json": {"workspaces": ["apps/*"], "overrides": {"x": "file:./apps/docs"}}},
        {"apps/web/package.json": {"name": "web", "scripts": {"build": "pnpm --filter docs b"}}},
        {"apps/web/package.json": {"name": "web", "dependencies": {"x": "link:../docs"}}},
    ],
)
def test_scripts_that_run_anywhere(manifests: dict[str, object]) -> None:
    """A script of the root or of what is built may read any member."""
    with pytest.raises(WorkspaceError):
        _gone(**manifests)


def test_a_filter_that_leaves_out() -> None:
    """All but the packages with a `!` in front; with others beside them, the others."""
    snapshot = Snapshot.of(_FILES)
    assert filtered(snapshot, "", ("!docs",)) == ("web", "ui")
    assert filtered(snapshot, "", ("web", "!docs")) == ("web",)


def test_what_lies_beside() -> None:
    """Folders as a whole, or what lies in them beside what is left out."""
    found = set(paths_beside(Snapshot.of(_FILES), "", ("apps/docs",)))
    assert found == {"package.json", "apps/web", "libs", "apps/docs/package.json"}
