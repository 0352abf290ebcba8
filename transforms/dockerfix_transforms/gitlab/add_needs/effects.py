"""Which jobs only read and report: what they run is known, and leaves nothing behind.

A job that pushes, deploys or publishes must keep its place behind scans and gates, and so must
one that runs a program which nobody knows. What a job leaves behind that is no image also
binds the jobs after it: a test may need what was deployed. Knows programs and keys of jobs;
knows no order.
"""

from __future__ import annotations

from dockerfix.api import Commands, Facts, Job, Ran, makes_image
from dockerfix_transforms.gitlab.programs import launched

_HARMLESS = frozenset(
    {"echo", "printf", "true", "false", ":", "test", "[", "[[", "set", "cd", "pwd", "ls", "cat",
     "grep", "sed", "awk", "head", "tail", "sleep", "mkdir", "export", "date", "id", "env",
     "which", "command", "wc", "sort", "uniq", "cut", "tr", "tee", "find", "diff", "jq", "yq",
     "exit", "return", "shift", "local", "unset", "time", "shopt", "whoami", "hostname", "uname",
     "df", "du", "free", "nproc", "cp", "mv", "rm", "touch", "chmod", "ln", "tar", "unzip", "type",
     "trap", "wait", "read", "alias", "declare", "break", "continue", "basename", "dirname",
     "realpath",
     "pytest", "ruff", "mypy", "pyright", "flake8", "black", "isort", "pylint", "pydocstyle",
     "coverage", "bandit", "codespell", "tox", "nox", "eslint", "prettier", "tsc", "jest",
     "vitest", "mocha", "biome", "shellcheck", "shfmt", "hadolint", "yamllint", "actionlint",
     "markdownlint", "markdownlint-cli2", "golangci-lint", "staticcheck", "govulncheck", "gofmt",
     "rubocop", "rspec", "phpunit", "phpstan", "stylelint", "typos", "vale", "checkov", "tfsec",
     "tflint", "kubeconform", "kubeval", "semgrep", "gitleaks", "trufflehog", "trivy", "grype",
     "squawk", "squawk-cli", "typedoc", "sphinx-build",
     "rustfmt", "clippy-driver", "ldd", "apk", "apt-get", "apt", "dnf", "yum", "locale-gen", "seq",
     "mktemp", "base64", "sha256sum", "md5sum", "rev", "xxd", "file", "strings"}
)  # fmt: skip
_VERBS = {
    "cargo": {"fmt", "clippy", "test", "check", "build", "nextest", "doc", "deny", "audit",
              "bench", "tree", "metadata", "udeps", "machete", "install", "fetch", "llvm-cov",
              "update", "vendor", "generate-lockfile"},
    "rustup": {"component", "toolchain", "target", "show", "default", "override"},
    "go": {"test", "vet", "build", "fmt", "mod", "install", "version", "env", "list", "tool"},
    "npm": {"ci", "install", "i", "audit", "ls", "config"},
    "pnpm": {"install", "i", "audit", "ls"},
    "yarn": {"install", "audit"},
    "corepack": {"enable", "prepare"},
    "pip": {"install", "list", "check", "freeze", "cache", "show"},
    "pip3": {"install", "list", "check", "freeze", "cache", "show"},
    "uv": {"sync", "pip", "venv", "lock", "python", "cache"},
    "poetry": {"install", "check", "lock", "config"},
    "bundle": {"install", "config", "check"},
    "mkdocs": {"build"},
    "mdbook": {"build", "test"},
    "helm": {"lint", "template", "version", "dependency"},
    "terraform": {"fmt", "validate", "version"},
    "pre-commit": {"run", "install", "install-hooks"},
    "docker": {"pull", "run", "login", "logout", "info", "version", "ps", "logs", "inspect",
               "compose", "images", "buildx"},
    "docker-compose": {"run", "up", "pull", "down", "logs", "ps", "config", "stop", "exec",
                       "build", "push"},
    "git": {"status", "diff", "log", "rev-parse", "describe", "fetch", "config", "ls-files",
            "show", "grep", "branch", "submodule", "version", "archive"},
}  # fmt: skip
"""Programs with the verbs that leave nothing behind. Installers change the job's own disk."""
_OFFLINE = frozenset({"--offline", "--no-sync", "--no-install", "--frozen"})
"""Words under which an installer takes what is there."""
_CHECKS = frozenset({"test", "lint", "check", "typecheck", "type-check", "format-check", "tsc",
                     "eslint", "prettier", "unit", "coverage"})  # fmt: skip
"""Names of a package's scripts that only check."""
_COMPOSE = frozenset({"run", "up", "pull", "down", "logs", "ps", "config", "stop", "kill", "rm",
                      "exec", "wait", "ls", "version", "images", "port", "top"})  # fmt: skip
_KEYS = ("environment", "release", "pages", "trigger", "resource_group", "id_tokens", "secrets",
         "start_in", "run")  # fmt: skip
_PUBLISHING = frozenset(
    {"deploy", "deployment", "release", "publish", "promote", "rollout",
     "rollback", "migrate", "migration", "upload", "notify", "pages"}
)  # fmt: skip
_BREAKS = str.maketrans(dict.fromkeys("-_/:.,()[]", " "))
"""What parts the words of a job's name."""


def leaves_behind(facts: Facts, job: Job, commands: Commands) -> str:
    """Why a job must keep its place; empty when it only reads and reports."""
    why = leaves_more_than_images(job, commands) or says_it_publishes(job)
    if why:
        return why
    if any(build.site.in_job(job.name) for build in facts.builds.builds):
        return "it builds an image"
    if any(call.site.in_job(job.name) for call in facts.builds.images):
        return "it tags or pushes an image"
    if any(use.builds or use.verb not in _COMPOSE for use in commands.compose):
        return "it builds or pushes with Compose"
    made = next((ran for ran in commands.ran if makes_image(ran)), None)
    return f"`{made.said()}` may make an image" if made is not None else ""


def says_it_publishes(job: Job) -> str:
    """What the name of a job or its stage says of its effect; empty for nothing."""
    words = set(f"{job.name} {job.stage}".lower().translate(_BREAKS).split())
    said = words & _PUBLISHING
    return f"its name or stage says `{min(said)}`" if said else ""


def leaves_more_than_images(job: Job, commands: Commands) -> str:
    """What a job leaves behind, or may, beside images and artifacts; empty for nothing."""
    key = next((key for key in _KEYS if key in job.keys), "")
    if key or job.name == "pages":
        return f"it has `{key}:`" if key else "it publishes pages"
    if "script" not in job.keys:
        return "its script is in another repository"
    for unfollowed in commands.unfollowed:
        return f"{unfollowed.said()} cannot be followed"
    unknown = next(
        (ran for ran in commands.ran if not _is_harmless(ran) and not makes_image(ran)), None
    )
    return f"`{unknown.said()}` may leave something behind" if unknown is not None else ""


def installs(ran: Ran) -> bool:
    """Whether a command fetches what it needs itself, so that a cache only saves time. `npx` and
    `uvx` do not: what they run is another version where the project's own is not installed."""
    if set(ran.words) & _OFFLINE:
        return False
    words = {word for word in ran.words[1:] if not word.startswith("-")}
    if ran.words[0] in ("cargo", "go", "uv", "mvn", "gradle", "tox", "nox"):
        return True
    return ran.words[0] in _VERBS and bool(words & {"install", "ci", "i", "fetch"})


def _is_harmless(ran: Ran) -> bool:
    program = _without_version(launched(ran.words))
    enters = ran.name in (".", "source") and ran.words[-1].endswith("bin/activate")
    if enters or _is_check(ran.words):
        return True
    if ran.words[0] in _VERBS and _has_verb(ran.words):
        return ran.words[:2] != ("docker", "run") or bool(ran.service)
    return bool(program) and (program[0] in _HARMLESS or _has_verb(program))


def _has_verb(words: tuple[str, ...]) -> bool:
    """Whether the first word behind the flags is a verb that leaves nothing behind."""
    verb = next((word for word in words[1:] if not word.startswith(("-", "+"))), "")
    return verb in _VERBS.get(words[0], ())


def _without_version(words: tuple[str, ...]) -> tuple[str, ...]:
    """`tool@2` as `tool`; a scope's own `@` stays."""
    name, at, _ = words[0].rpartition("@") if words else ("", "", "")
    return (name, *words[1:]) if at and name else words


def _is_check(words: tuple[str, ...]) -> bool:
    """Whether a package's script is a test or check by its name: `npm test`, `npm run lint`."""
    rest = [word for word in words[1:] if not word.startswith("-") and word != "run"]
    return words[0] in ("npm", "pnpm", "yarn") and bool(rest) and rest[0].split(":")[0] in _CHECKS
