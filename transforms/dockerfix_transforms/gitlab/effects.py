"""Which jobs only read and report: what they run is known, and leaves nothing behind.

A job that pushes, deploys or publishes must keep its place behind scans and gates, and so must
one that runs a program which nobody knows. Knows programs and keys of jobs; knows no order.
"""

from __future__ import annotations

from dockerfix.api import Commands, Facts, Job, Ran

_HARMLESS = frozenset(
    {"echo", "printf", "true", ":", "test", "[", "[[", "set", "cd", "pwd", "ls", "cat", "grep",
     "sed", "awk", "head", "tail", "sleep", "mkdir", "export", "date", "id", "env", "which",
     "command", "wc", "sort", "jq", "exit", "return", "shift", "local", "unset", "time",
     "pytest", "ruff", "mypy", "flake8", "black", "isort", "pylint", "tox", "nox", "eslint",
     "prettier", "tsc", "jest", "vitest", "shellcheck", "hadolint", "yamllint", "markdownlint",
     "golangci-lint", "rubocop", "rspec", "phpunit", "stylelint", "apk", "apt-get", "apt"}
)  # fmt: skip
_VERBS = {
    "cargo": {"fmt", "clippy", "test", "check", "build", "nextest", "doc", "deny", "audit",
              "bench", "tree", "metadata", "udeps", "machete"},
    "go": {"test", "vet", "build", "fmt", "mod"},
    "npm": {"ci", "install", "i", "audit", "ls"},
    "docker": {"pull", "run", "login", "logout", "info", "version", "ps", "logs", "inspect",
               "compose"},
    "git": {"status", "diff", "log", "rev-parse", "describe", "fetch", "config"},
}  # fmt: skip
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
    key = next((key for key in _KEYS if key in job.keys), "")
    if key or job.name == "pages":
        return f"it has `{key}:`" if key else "it publishes pages"
    words = set(f"{job.name} {job.stage}".lower().translate(_BREAKS).split())
    if words & _PUBLISHING:
        return f"its name or stage says `{min(words & _PUBLISHING)}`"
    for unfollowed in commands.unfollowed:
        return f"`{unfollowed.what}` cannot be followed"
    if any(build.site.name == job.name for build in facts.builds.builds):
        return "it builds an image"
    if any(call.site.name == job.name for call in facts.builds.images):
        return "it tags or pushes an image"
    if any(use.builds or use.verb not in _COMPOSE for use in commands.compose):
        return "it builds or pushes with Compose"
    unknown = next((ran for ran in commands.ran if not _is_harmless(ran)), None)
    return f"`{' '.join(unknown.words[:2])}` may leave something behind" if unknown else ""


def _is_harmless(ran: Ran) -> bool:
    words = [word for word in ran.words[1:] if not word.startswith("-")]
    if ran.name == "docker" and words[:1] == ["run"] and not ran.service:
        return False
    if ran.name in _VERBS:
        return bool(words) and words[0] in _VERBS[ran.name]
    return ran.name in _HARMLESS
