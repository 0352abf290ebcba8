"""Which files may hold call sites, by their path alone: asked of every path, so it is cheap."""

from __future__ import annotations

import enum
import posixpath

MAX_BYTES = 1_000_000
"""A larger file is not searched for call sites."""


class Candidate(enum.Enum):
    """How a file is read."""

    MAKE = "Makefile"
    SHELL = "shell script"
    PACKAGE = "package.json"
    WORKFLOW = "GitHub workflow"
    DOCUMENT = "document"
    PYTHON = "Python"
    BAKE = "bake file"
    UNREAD = "unread"
    """A file of a kind that often builds and that dockerfix does not follow."""


_NAMES = {
    "Makefile": Candidate.MAKE, "makefile": Candidate.MAKE, "GNUmakefile": Candidate.MAKE,
    "package.json": Candidate.PACKAGE, "docker-bake.hcl": Candidate.BAKE,
    "docker-bake.json": Candidate.BAKE, "docker-bake.override.hcl": Candidate.BAKE,
    "docker-bake.override.json": Candidate.BAKE, "action.yml": Candidate.WORKFLOW,
    "action.yaml": Candidate.WORKFLOW, "Jenkinsfile": Candidate.UNREAD,
    "Tiltfile": Candidate.UNREAD, "justfile": Candidate.UNREAD, "Justfile": Candidate.UNREAD,
    ".justfile": Candidate.UNREAD, "Rakefile": Candidate.UNREAD, "Earthfile": Candidate.UNREAD,
    "Vagrantfile": Candidate.UNREAD, "Procfile": Candidate.UNREAD, "Snakefile": Candidate.UNREAD,
    "devcontainer.json": Candidate.UNREAD, "tasks.json": Candidate.UNREAD,
    "SConstruct": Candidate.PYTHON,
}  # fmt: skip
_ENDINGS = {
    ".mk": Candidate.MAKE, ".mak": Candidate.MAKE, ".sh": Candidate.SHELL,
    ".bash": Candidate.SHELL, ".md": Candidate.DOCUMENT, ".markdown": Candidate.DOCUMENT,
    ".rst": Candidate.DOCUMENT, ".py": Candidate.PYTHON, ".yml": Candidate.UNREAD,
    ".yaml": Candidate.UNREAD, ".groovy": Candidate.UNREAD, ".gradle": Candidate.UNREAD,
    ".kts": Candidate.UNREAD, ".ps1": Candidate.UNREAD, ".bat": Candidate.UNREAD,
    ".cmd": Candidate.UNREAD, ".fish": Candidate.UNREAD, ".zsh": Candidate.UNREAD,
    ".ksh": Candidate.UNREAD, ".just": Candidate.UNREAD, ".rake": Candidate.UNREAD,
    ".cake": Candidate.UNREAD, ".bats": Candidate.UNREAD, ".nix": Candidate.UNREAD,
    ".star": Candidate.UNREAD, ".jsonnet": Candidate.UNREAD, ".hcl": Candidate.UNREAD,
}  # fmt: skip
_SCRIPT_FOLDERS = frozenset(
    {"", "bin", "scripts", "script", "ci", ".ci", "hack", "tools", "tasks", "build", "docker",
     "dev", "deploy", "release", "utils", "contrib", ".gitlab", ".github", "build-support"}
)  # fmt: skip


def candidate(path: str) -> Candidate | None:
    """How a file is searched for call sites; None for one that need not be read.

    A file without an ending counts as a script where scripts are kept; its first line
    decides.
    """
    folder, _, name = path.rpartition("/")
    found = _NAMES.get(name)
    if found is not None:
        return found
    dot = name.rfind(".")
    if dot < 0:
        scripts = folder.rpartition("/")[2] in _SCRIPT_FOLDERS
        return Candidate.UNREAD if name.startswith("Jenkinsfile") else _script(name, scripts)
    if name.startswith(("Makefile.", "Jenkinsfile")):
        return Candidate.MAKE if name[0] == "M" else Candidate.UNREAD
    found = _ENDINGS.get(name[dot:])
    if found is Candidate.UNREAD and _is_workflow(folder, name):
        return Candidate.WORKFLOW
    return found


def _script(name: str, likely: bool) -> Candidate | None:
    return Candidate.SHELL if likely and "ockerfile" not in name and name != "LICENSE" else None


def _is_workflow(folder: str, name: str) -> bool:
    inside = folder in (".github/workflows", ".gitea/workflows", ".forgejo/workflows")
    return inside and posixpath.splitext(name)[1] in (".yml", ".yaml")
