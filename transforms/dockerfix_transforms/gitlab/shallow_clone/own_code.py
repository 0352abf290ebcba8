"""What the repository's own code asks Git: programs, build files and settings in any language.

A command such as `node tools/version.js`, `go run ./cmd/notes` or `rake` runs code of the
repository, which may call git itself. Such code is not executed and its calls are not followed.
Instead, the text of every file in its language is searched, since one file may load any other.
Knows languages and words; knows no jobs.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Sequence

from msgspec import Struct

from dockerfix.api import Snapshot, SnapshotError
from dockerfix_transforms.gitlab.programs import launched
from dockerfix_transforms.gitlab.shallow_clone.history import ALWAYS, asked_in_code, reads_history


class Language(Struct, frozen=True):
    """The files that one kind of program may be made of: endings, whole names, and what a
    `#!` line names."""

    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    shebangs: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a file may be part of such a program, by its name."""
        return path.endswith(self.suffixes) or posixpath.basename(path) in self.names


_PYTHON = Language(
    (".py",), ("pyproject.toml", "tox.ini", "setup.cfg", "mkdocs.yml", "mkdocs.yaml"), ("python",)
)
_SETUP = Language((), ("setup.py", "hatch_build.py", "build.py"))
_NODE = Language(
    (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx"), ("package.json",),
    ("node", "deno", "bun"),
)  # fmt: skip
_RUBY = Language(
    (".rb", ".rake", ".gemspec"), ("Rakefile", "Gemfile", "Fastfile", "_config.yml"), ("ruby",)
)
_PHP = Language((".php",), ("composer.json", "artisan"), ("php",))
_PERL = Language((".pl", ".pm", ".t"), (), ("perl",))
_GO = Language((".go",))
_RUST = Language((".rs",))
_BUILD_RS = Language((), ("build.rs",))
_JVM = Language((".gradle", ".kts", ".groovy", ".sbt"), ("pom.xml", "build.xml"), ("groovy",))
_DOTNET = Language((".cs", ".csproj", ".fsproj", ".props", ".targets", ".cake"))
_NATIVE = Language(
    (".cmake", ".cmake.in", ".pro", ".pri", ".m4"),
    ("CMakeLists.txt", "meson.build", "configure.ac", "SConstruct", "SConscript", "wscript"),
)
_ELIXIR = Language((".ex", ".exs"))
_R = Language((".R", ".r", ".Rmd"), (), ("Rscript",))
_JULIA = Language((".jl",), (), ("julia",))
_LUA = Language((".lua",), (), ("lua",))
_MAKE = Language((".mk",), ("Makefile", "GNUmakefile", "makefile"))
_SHELL = Language((".sh", ".bash"))
_NIM = Language((".nim", ".nims", ".nimble"))
_HASKELL = Language((".hs", ".cabal"), ("package.yaml",))
_SWIFT = Language((".swift",))
_ZIG = Language((".zig",))
_GOLANGCI = Language((), (".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json"))
_HUGO = Language((), ("hugo.toml", "hugo.yaml", "config.toml", "config.yaml", "config.yml"))

_BY_PROGRAM = {
    "python python3 uv poetry pdm hatch rye pipenv tox nox pytest invoke inv fab doit poe "
    "coverage sphinx-build mkdocs": _PYTHON,
    "pip pip3 maturin cibuildwheel flit": _SETUP,
    "node deno bun tsx ts-node vite webpack rollup next nuxt nuxi astro gulp grunt jest vitest "
    "mocha playwright cypress docusaurus vitepress eleventy turbo nx lerna ng expo vue-cli-service "
    "react-scripts craco electron-builder concurrently npm-run-all run-s run-p wireit npm yarn "
    "pnpm": _NODE,
    "ruby rake bundle rspec fastlane jekyll rails": _RUBY,
    "php composer phpunit artisan pest phing": _PHP,
    "perl prove": _PERL,
    "go mage ginkgo gotestsum": _GO,
    "cargo cross": _RUST,
    "rustc wasm-pack trunk": _BUILD_RS,
    "gradle gradlew mvn mvnw ant sbt": _JVM,
    "dotnet msbuild nuke": _DOTNET,
    "cmake ctest meson scons waf qmake autoreconf autoconf": _NATIVE,
    "mix": _ELIXIR,
    "R Rscript": _R,
    "julia": _JULIA,
    "lua busted": _LUA,
    "nim nimble": _NIM,
    "stack cabal": _HASKELL,
    "swift xcodebuild": _SWIFT,
    "zig": _ZIG,
    "hugo": _HUGO,
    "golangci-lint": _GOLANGCI,
}
_LANGUAGES = {name: code for names, code in _BY_PROGRAM.items() for name in names.split()}
"""Programs that run code of the repository, with the files that the code may stand in."""
_RUNNING = {"coverage": {"run"},
            "cargo": {"run", "r", "test", "t", "nextest", "bench", "xtask", "llvm-cov"},
            "cross": {"run", "test", "bench"},
            "go": {"run", "test", "generate", "tool"}}  # fmt: skip
"""Verbs that run code of the repository; others compile it, and run build scripts at most."""
_COMPILING = {"cargo": _BUILD_RS, "cross": _BUILD_RS}
_IDLE = frozenset(
    {"install", "sync", "lock", "add", "config", "venv", "cache", "export", "ci", "i", "audit",
     "fetch", "env", "login", "logout", "info", "show", "list", "freeze", "version",
     "require", "update", "component", "toolchain", "fmt", "dependency"}
)  # fmt: skip
"""Verbs of package managers that run no code of the repository."""
_STARTING = frozenset({"run", "exec", "dlx", "-m", "--"})
_MANAGERS = frozenset({"uv", "poetry", "pnpm", "yarn", "bundle", "hatch", "pdm", "rye", "pipenv"})
"""Words behind which a package manager is given a program, and those that are launchers too."""
_PACKAGES = frozenset({"npm", "yarn", "pnpm"})
"""Package managers that install what a manifest names when they are given no verb."""
_LINTERS = frozenset(
    {"ruff", "mypy", "black", "isort", "flake8", "pyright", "basedpyright", "bandit", "pylint",
     "codespell", "pip-audit", "yamllint", "djlint", "pydocstyle", "pyupgrade", "vulture",
     "rubocop", "eslint", "prettier", "tsc", "stylelint", "biome", "oxlint", "phpstan",
     "php-cs-fixer"}
)  # fmt: skip
"""Programs that read the repository's code and run none of it."""
TASK_RUNNERS = frozenset(
    {"just", "task", "go-task", "earthly", "dagger", "bazel", "bazelisk", "pants", "mise", "nix",
     "nix-shell", "nix-build", "devbox", "act", "moon", "mask", "xmake"}
)  # fmt: skip
"""Programs that run recipes of files that are not read here."""
_TESTERS = frozenset(
    {"pytest", "tox", "nox", "jest", "vitest", "mocha", "playwright", "cypress", "rspec", "phpunit",
     "pest", "prove", "ginkgo", "gotestsum", "busted", "ctest"}
)  # fmt: skip
_TEST_WORDS = frozenset({"test", "tests", "t", "nextest", "check", "verify", "llvm-cov", "spec"})
"""Programs that run tests, and words that make others do so."""
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testdata", "e2e"})
_FOREIGN = frozenset({"vendor", "node_modules", "third_party", "third-party"})
_LARGEST = 2 << 20


class OwnCode:
    """What the code of one repository asks git, found once for each language."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._found: dict[tuple[Language, bool], str] = {}

    def run_by(self, words: Sequence[str]) -> str:
        """Why a command may read history through code of the repository; empty for no."""
        language = _run_by(words)
        found = self._asked(language, _runs_tests(words)) if language is not None else ""
        return f"`{' '.join(words[:3])}` runs code of this repository, and {found}" if found else ""

    def in_image(self, words: Sequence[str]) -> str:
        """The same for a command of a Dockerfile, of which make and scripts are not followed."""
        scripts = [word for word in words[:2] if word.endswith(_SHELL.suffixes)]
        language = _SHELL if scripts else _MAKE if "make" in words[:1] else None
        found = self._asked(language) if language is not None else ""
        return f"`{' '.join(words[:2])}` is run, and {found}" if found else self.run_by(words)

    def file(self, path: str) -> str | None:
        """The same for a file that is run by its path; None where its language is unknown."""
        language = self._language(path)
        if language is None:
            return None
        found = self._asked(language)
        return f"`{path}` is code of this repository, and {found}" if found else ""

    def _language(self, path: str) -> Language | None:
        """The language of a program: by its ending, else by its first line."""
        languages = tuple(dict.fromkeys(_LANGUAGES.values()))
        found = next((language for language in languages if language.holds(path)), None)
        if found is not None or path not in self._snapshot:
            return found
        first = self._read(path)[:100].partition("\n")[0]
        named = {posixpath.basename(word).rstrip(".0123456789") for word in first[2:].split()}
        if not first.startswith("#!"):
            return None
        return next((language for language in languages if named & {*language.shebangs}), None)

    def _asked(self, language: Language, tests: bool = False) -> str:
        """The first file of a language that asks for history, and what; empty for none. Tests
        are searched only for a command that runs them."""
        key = (language, tests)
        if key not in self._found:
            self._found[key] = next(self._searched(language, tests), "")
        return self._found[key]

    def _searched(self, language: Language, tests: bool) -> Iterator[str]:
        for path in self._snapshot.paths:
            if not language.holds(path) or _FOREIGN & {*path.split("/")}:
                continue
            if not tests and _is_test(path):
                continue
            text = self._read(path)
            asked = next(_in_scripts(text) if path.endswith(".json") else asked_in_code(text), "")
            if asked:
                yield f"{path} names {asked}"

    def _read(self, path: str) -> str:
        if self._snapshot.entries[path].size > _LARGEST:
            return ""
        try:
            return self._snapshot.peek(path).decode("utf-8", "replace")
        except SnapshotError:
            return ""


def _runs_tests(words: Sequence[str]) -> bool:
    """Whether a command may run the tests of the repository."""
    names = {posixpath.basename(word).partition(":")[0] for word in words}
    return bool(names & (_TESTERS | _TEST_WORDS))


def _is_test(path: str) -> bool:
    """Whether a file is part of the tests, by its folder or name."""
    *folders, name = path.split("/")
    stem = name.partition(".")[0]
    ends = (".test", ".spec", "_test", "_spec")
    named = stem.startswith("test_") or name.rpartition(".")[0].endswith(ends)
    return named or bool(_TEST_FOLDERS & {*folders})


def _run_by(words: Sequence[str]) -> Language | None:
    """The language of the code that a command runs; None when it runs none."""
    program = launched(words)
    names = [posixpath.basename(run[0]).partition("@")[0] for run in (words, program) if run]
    if not names or names[-1] in _LINTERS or {"--version", "-V"} & {*words[1:2]}:
        return None
    verb = next((word for word in program[1:] if not word.startswith(("-", "+"))), "")
    bare = names[0] in _PACKAGES and not verb and len(words) == 1
    if bare or _is_idle(words, program, verb):
        return _SETUP if _LANGUAGES.get(names[0]) in (_PYTHON, _SETUP) else None
    if names[0] in _RUNNING and verb not in _RUNNING[names[0]]:
        return _COMPILING.get(names[0])
    return next((_LANGUAGES[name] for name in reversed(names) if name in _LANGUAGES), None)


def _is_idle(words: Sequence[str], program: Sequence[str], verb: str) -> bool:
    """Whether a verb of a package manager runs no code. A program of the repository gives its own
    meaning to the same word: `uv run notes fetch`, `python release.py version`."""
    started = bool(_STARTING & {*words[: len(words) - len(program)]})
    name = posixpath.basename(program[0]) if program else ""
    manager = posixpath.basename(words[0]) in _MANAGERS and not started
    return (manager and bool({name, verb} & _IDLE)) or (name in _LANGUAGES and verb in _IDLE)


def _in_scripts(text: str) -> Iterator[str]:
    """What the scripts of a package.json or composer.json ask."""
    try:
        scripts = json.loads(text).get("scripts", {})
    except (ValueError, AttributeError):
        return
    for script in scripts.values() if isinstance(scripts, dict) else ():
        if not isinstance(script, str):
            continue
        words = script.split()
        yield from asked_in_code(script)
        yield from (f"`{word}`" for word in words if word in ALWAYS)
        yield from (f"`{script}`" for _ in words[:1] if reads_history(words))
