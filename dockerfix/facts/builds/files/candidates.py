"""Which files may hold call sites, by their path alone: asked of every path, so it is cheap."""

from __future__ import annotations

import enum

from dockerfix.facts.builds.systems.ci_files import dialect
from dockerfix.facts.builds.systems.deployments import reader
from dockerfix.facts.builds.systems.editor_tasks import is_tasks
from dockerfix.facts.commands.cloud_names import is_cloud_build


class Candidate(enum.Enum):
    """How a file is read."""

    MAKE = "Makefile"
    SHELL = "shell script"
    PACKAGE = "package.json"
    WORKFLOW = "GitHub workflow"
    DOCUMENT = "document"
    PYTHON = "Python"
    BAKE = "bake file"
    CI = "CI file"
    JUST = "justfile"
    SKAFFOLD = "skaffold.yaml"
    CLOUD_BUILD = "Cloud Build"
    DEPLOYMENT = "file of a deployment tool"
    POWERSHELL = "PowerShell script"
    TASKS = "tasks of an editor"
    BAZEL = "Bazel"
    PROGRAM = "program"
    """A file of a language in which builds are flagged and not followed."""
    UNREAD = "unread"
    """A file of a kind that often builds and that dockerfix does not follow."""


_NAMES = {
    "Makefile": Candidate.MAKE, "makefile": Candidate.MAKE, "GNUmakefile": Candidate.MAKE,
    "package.json": Candidate.PACKAGE, "docker-bake.hcl": Candidate.BAKE,
    "docker-bake.json": Candidate.BAKE, "docker-bake.override.hcl": Candidate.BAKE,
    "docker-bake.override.json": Candidate.BAKE, "action.yml": Candidate.WORKFLOW,
    "action.yaml": Candidate.WORKFLOW, "Jenkinsfile": Candidate.UNREAD,
    "Tiltfile": Candidate.PYTHON, "justfile": Candidate.JUST, "Justfile": Candidate.JUST,
    ".justfile": Candidate.JUST, "Rakefile": Candidate.UNREAD, "Earthfile": Candidate.UNREAD,
    "Vagrantfile": Candidate.UNREAD, "Procfile": Candidate.UNREAD, "Snakefile": Candidate.UNREAD,
    "BUILD": Candidate.BAZEL, "BUILD.bazel": Candidate.BAZEL, "tasks.json": Candidate.UNREAD,
    "SConstruct": Candidate.PYTHON, "bake.hcl": Candidate.BAKE, "bake.json": Candidate.BAKE,
}  # fmt: skip
_ENDINGS = {
    ".mk": Candidate.MAKE, ".mak": Candidate.MAKE, ".sh": Candidate.SHELL,
    ".bash": Candidate.SHELL, ".md": Candidate.DOCUMENT, ".markdown": Candidate.DOCUMENT,
    ".rst": Candidate.DOCUMENT, ".py": Candidate.PYTHON, ".yml": Candidate.UNREAD,
    ".yaml": Candidate.UNREAD, ".groovy": Candidate.UNREAD, ".gradle": Candidate.UNREAD,
    ".kts": Candidate.UNREAD, ".ps1": Candidate.POWERSHELL, ".bat": Candidate.UNREAD,
    ".cmd": Candidate.UNREAD, ".fish": Candidate.UNREAD, ".zsh": Candidate.UNREAD,
    ".ksh": Candidate.UNREAD, ".just": Candidate.JUST, ".rake": Candidate.UNREAD,
    ".cake": Candidate.UNREAD, ".bats": Candidate.UNREAD, ".nix": Candidate.UNREAD,
    ".star": Candidate.UNREAD, ".tilt": Candidate.PYTHON, ".tiltfile": Candidate.PYTHON,
    ".jsonnet": Candidate.UNREAD, ".hcl": Candidate.UNREAD,
    ".json": Candidate.UNREAD, ".tf": Candidate.UNREAD,
    ".toml": Candidate.UNREAD, ".bzl": Candidate.UNREAD,
    ".psm1": Candidate.POWERSHELL, ".adoc": Candidate.UNREAD, ".mdx": Candidate.UNREAD,
    **dict.fromkeys(
        (".go", ".rs", ".ts", ".tsx", ".mts", ".cts", ".js", ".mjs", ".cjs", ".java", ".kt",
         ".scala", ".cs", ".fs", ".rb", ".robot", ".resource", ".pl", ".php", ".lua", ".ex",
         ".exs", ".swift", ".dart", ".clj", ".zig", ".nim", ".jl"),
        Candidate.PROGRAM,
    ),
}  # fmt: skip


_DEPLOYMENTS = (".yml", ".yaml", ".toml", ".json", "captain-definition")


def is_program(path: str) -> bool:
    """Whether a file is the source of a program whose calls no reader knows."""
    return candidate(path) is Candidate.PROGRAM


def candidate(path: str) -> Candidate | None:
    """How a file is searched for call sites; None for one that need not be read.

    A file without an ending may be a script; its first line decides.
    """
    folder, _, name = path.rpartition("/")
    found = _NAMES.get(name)
    if is_tasks(path):
        return Candidate.TASKS
    if found is not None:
        return found
    if name.endswith(_DEPLOYMENTS) and reader(path) is not None:
        return Candidate.DEPLOYMENT
    dot = name.rfind(".")
    if dot < 0:
        return Candidate.UNREAD if name.lower().startswith("jenkinsfile") else _script(name)
    if name.startswith(("Makefile.", "Jenkinsfile", "Tiltfile.")) and not name.endswith(_TEMPLATES):
        first = {"M": Candidate.MAKE, "T": Candidate.PYTHON}
        return first.get(name[0], Candidate.UNREAD)
    if name.startswith("docker-bake") and name.endswith((".hcl", ".json")):
        return Candidate.BAKE
    if name.endswith(_TEMPLATES):
        return _of_template(path[: path.rindex(".")])
    found = _ENDINGS.get(name[dot:])
    if found is Candidate.UNREAD and name.endswith((".yml", ".yaml")):
        return _yaml(path, folder, name)
    return found


_TEMPLATES = (".template", ".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".erb", ".in", ".dist")
"""Endings of files that others are made of."""


def _of_template(path: str) -> Candidate | None:
    """A template is no file of its kind; what looks like a build in it is said."""
    named = "." in path.rpartition("/")[2].lstrip(".") or path.endswith("Makefile")
    found = candidate(path) if named else None
    return None if found in (None, Candidate.DOCUMENT) else Candidate.UNREAD


def _yaml(path: str, folder: str, name: str) -> Candidate:
    if _is_workflow(folder):
        return Candidate.WORKFLOW
    if name.startswith("skaffold"):
        return Candidate.SKAFFOLD
    if is_cloud_build(path):
        return Candidate.CLOUD_BUILD
    return Candidate.CI if dialect(path) is not None else Candidate.UNREAD


def _script(name: str) -> Candidate | None:
    return Candidate.SHELL if "ockerfile" not in name and name != "LICENSE" else None


def _is_workflow(folder: str) -> bool:
    return folder in (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
