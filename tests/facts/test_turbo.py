"""Which files `turbo prune` reads."""

from __future__ import annotations

import pytest

from dockerfix.facts.javascript.turbo import pruned_files, pruned_packages
from dockerfix.facts.javascript.turbo_settings import WorkspaceError
from dockerfix.text import Entry, Kind, Snapshot

_FILES = {
    "package.json": '{"workspaces": ["apps/*", "packages/**", "!packages/old"]}',
    "package-lock.json": "{}",
    "turbo.json": '{\n  // what all read\n  "globalDependencies": ["env/*.txt", "a//b.json",],\n}',
    "env/x.txt": "x",
    "apps/web/package.json": '{"name": "web", "dependencies": {"@m/ui": "*", "react": "19"}}',
    "apps/docs/package.json": '{"name": "docs"}',
    "packages/ui/package.json": '{"name": "@m/ui", "devDependencies": {"@m/config": "*"}}',
    "packages/tools/config/package.json": '{"name": "@m/config"}',
    "tools/package.json": '{"name": "@m/other"}',
}
_ROOT = {"package.json", "package-lock.json", "turbo.json", "env"}
_GRAPH = {path for path in _FILES if path.endswith("/package.json") and path[:5] != "tools"}


def _read(*names: str, **more: str) -> set[str]:
    files = _FILES | {path.replace("__", "/") + ".json": text for path, text in more.items()}
    return set(pruned_files(Snapshot.of(files), "", names))


def test_dependencies_are_followed() -> None:
    """The packages that are needed, the root's files, and the manifests of all."""
    packages = {"apps/web", "packages/ui", "packages/tools/config"}
    assert _read("web") == packages | _ROOT | _GRAPH
    assert _read("docs") == {"apps/docs"} | _ROOT | _GRAPH


def test_pnpm_names_its_members_in_a_file_of_its_own() -> None:
    """`pnpm-workspace.yaml`, and the patches of the manifest."""
    files = {
        "package.json": '{"pnpm": {"patchedDependencies": {"x@1": "fixes/x.patch"}}}',
        "pnpm-workspace.yaml": "packages:\n  - web\n",
        "fixes/x.patch": "x",
        "web/package.json": '{"name": "web"}',
    }
    assert set(pruned_files(Snapshot.of(files), "", ("web",))) == {
        "fixes/x.patch",
        "package.json",
        "pnpm-workspace.yaml",
        "web",
        "web/package.json",
    }


@pytest.mark.parametrize(
    "more",
    [
        {"package": "{"},
        {"turbo": "{"},
        {"apps__web__package": '{"name": "web", "dependencies": {"x": "file:../../x"}}'},
        {"apps__web__package": '{"name": "shop"}'},
    ],
)
def test_what_cannot_be_known(more: dict[str, str]) -> None:
    """Broken manifests, a dependency in a folder, a name that no package has."""
    with pytest.raises(WorkspaceError):
        _read("web", **more)


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("turbo prune --scope=web --docker", ["web"]),
        ("turbo prune web docs --docker", ["web", "docs"]),
        ("npx -q turbo@2.1.0 prune @m/web", ["@m/web"]),
        ("pnpm dlx turbo prune --scope=web", ["web"]),
        ("turbo prune web --out-dir=x", None),
        ("turbo run build", None),
        ("turbo prune --docker", None),
        ("make prune web", None),
    ],
)
def test_the_packages_that_a_command_names(command: str, found: list[str] | None) -> None:
    """Whatever runs it; a flag that is not known makes it unknown."""
    assert pruned_packages(command.split()) == found


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".yarnrc.yml", "yarnPath: tools/yarn.cjs\n"),
        (".npmrc", "pnpmfile=tools/hooks.cjs\n"),
        ("package.json", '{"workspaces": ["apps/*"], "resolutions": {"x": "patch:x@1#./fix/x"}}'),
        ("apps/web/package.json", '{"name": "web", "dependencies": {"ui": "workspace:@m/ui@*"}}'),
        ("apps/web/package.json", '{"name": "web", "dependencies": {"ui": "workspace:../ui"}}'),
        ("packages/old/package.json", '{"name": "@m/ui"}'),
        ("pnpm-workspace.yaml", "packages: [apps/*]\npatchedDependencies: [x]\n"),
    ],
)
def test_settings_that_are_not_followed(path: str, text: str) -> None:
    """Programs, hooks and patches of package managers, dependencies by another name or by a
    path, and two members of one name."""
    with pytest.raises(WorkspaceError):
        pruned_files(Snapshot.of(_FILES | {path: text}), "", ("web",))


def test_patches_of_all_package_managers() -> None:
    """Those of `pnpm-workspace.yaml` and of the manifest itself, as bun has them."""
    files = {
        "package.json": '{"workspaces": ["web"], "patchedDependencies": {"x@1": "fixes/x"}}',
        "pnpm-workspace.yaml": "packages:\n  - web\npatchedDependencies:\n  y: fixes/y\n",
        "fixes/x": "",
        "fixes/y": "",
        "web/package.json": '{"name": "web"}',
    }
    assert {"fixes/x", "fixes/y"} <= set(pruned_files(Snapshot.of(files), "", ("web",)))


def test_files_that_all_tasks_depend_on() -> None:
    """A glob that begins with a wildcard stands for the files that it matches."""
    files = _FILES | {
        "turbo.json": '{"globalDependencies": ["*.config.js"]}',
        "a.config.js": "",
        "b.js": "",
    }
    found = pruned_files(Snapshot.of(files), "", ("docs",))
    assert "a.config.js" in found
    assert "b.js" not in found


def test_only_a_link_to_a_member_may_be_a_member() -> None:
    """A pattern that matches every path below a folder matches links to files too."""
    plain = Snapshot.of(_FILES)

    def linked(path: str, link: str) -> Snapshot:
        entries = {**plain.entries, path: Entry(Kind.SYMLINK, link=link)}
        return Snapshot(entries, plain.read)

    inside = linked("packages/ui/README.md", "package.json")
    assert set(pruned_files(inside, "", ("web",))) == set(pruned_files(plain, "", ("web",)))
    with pytest.raises(WorkspaceError):
        pruned_files(linked("packages/other", "../apps/docs"), "", ("web",))


def test_what_git_does_with_line_ends() -> None:
    """turbo reads `.gitattributes`, and copies it."""
    files = _FILES | {".gitattributes": "* text=auto"}
    assert ".gitattributes" in pruned_files(Snapshot.of(files), "", ("docs",))


def test_a_lock_file_that_is_not_committed() -> None:
    """turbo stops without one, so that the one of the package manager must come from elsewhere."""
    files = {path: text for path, text in _FILES.items() if path != "package-lock.json"}
    files["package.json"] = '{"packageManager": "yarn@4.0.0", "workspaces": ["apps/*"]}'
    assert "yarn.lock" in pruned_files(Snapshot.of(files), "", ("docs",))
