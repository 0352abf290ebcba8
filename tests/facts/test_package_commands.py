"""Which packages a command of a package manager, or of turbo, builds."""

from __future__ import annotations

import pytest

from dockerfix.facts.javascript.package_commands import Ran, package_command


@pytest.mark.parametrize(
    ("text", "ran"),
    [
        ("pnpm install --frozen-lockfile --filter=web...", Ran(installs=True)),
        ("npm ci", Ran(installs=True)),
        ("yarn", Ran(installs=True)),
        ("npm prune --omit=dev", Ran()),
        ("pnpm --filter web... build", Ran(names=("web",))),
        ("pnpm -F @a/web run build", Ran(names=("@a/web",))),
        ("pnpm --filter=web deploy --prod /out", Ran(names=("web",))),
        ("npm run build --workspace=apps/web", Ran(names=("apps/web",))),
        ("npm run build -w web", Ran(names=("web",))),
        ("yarn workspace web build", Ran(names=("web",))),
        ("turbo build --filter=web^... --concurrency 2", Ran(names=("web",))),
        ("npx turbo@2 run build --filter web --filter=api", Ran(names=("web", "api"))),
        ("pnpm exec turbo run build --filter=!docs", Ran(names=("!docs",))),
        ("pnpm run build --verbose x", Ran(script="build", rest=("--verbose", "x"))),
        ("yarn build", Ran(script="build")),
    ],
)
def test_what_is_known(text: str, ran: Ran) -> None:
    """Installations, packages by name or folder, and scripts of the current folder."""
    assert package_command(text.split()) == ran


@pytest.mark.parametrize(
    "text",
    [
        "turbo build", "turbo run build --filter=...web", "turbo run build --filter=[main]",
        "turbo run build --filter=./apps/*", "turbo prune web", "pnpm -r build",
        "pnpm --filter ./apps/web build", "pnpm -C apps/web build", "npm run build --workspaces",
        "npm --prefix web ci", "pnpm exec tsc", "yarn workspaces foreach run build", "node x.js",
        "npm", "yarn run",
    ],
)  # fmt: skip
def test_what_may_run_anywhere(text: str) -> None:
    """All packages, packages by a pattern, another folder, and programs."""
    assert package_command(text.split()) is None


def test_a_word_that_is_not_known() -> None:
    """A variable may name any package."""
    assert package_command(["pnpm", "--filter", None, "build"]) is None
