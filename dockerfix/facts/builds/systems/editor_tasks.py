"""Tasks of an editor: the commands that `.vscode/tasks.json` runs.

Follows "Integrate with External Tools via Tasks" of Visual Studio Code's manual: a command is a
text for a shell, or a program with its `args`; `${workspaceFolder}` is the folder that holds
`.vscode`. Knows that file; how a command is read stands elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from dockerfix.facts.shell.words import ROOTS, Bound, Scope
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Scalar, Sequence, YamlFile
from dockerfix.text import MappedText


class Task(Struct, frozen=True):
    """One task: its name, the text that a shell runs, and the folder as written ("" is the
    workspace's)."""

    name: str
    text: MappedText
    folder: str


def is_tasks(path: str) -> bool:
    """Whether a file holds an editor's tasks, by its path."""
    return path.endswith(".vscode/tasks.json") and path.rpartition(".vscode/")[0][-1:] in ("", "/")


def workspace(path: str) -> str:
    """The folder that the editor has open, relative to the root."""
    return path.rpartition(".vscode/")[0].rstrip("/")


def scope_of(path: str) -> Scope:
    """What the editor's variables hold."""
    root, folder = "${" + ROOTS[-1] + "}", workspace(path)
    held = Bound(f"{root}/{folder}" if folder else root)
    return Scope({"workspaceFolder": held, "workspaceRoot": held})


def tasks(file: YamlFile) -> Iterator[Task]:
    """The tasks whose command is a text; one that is given `args` is said, and not read."""
    listed = file.root.get("tasks") if file.root is not None else None
    for item in listed.items if isinstance(listed, Sequence) else ():
        command = item.get("command") if isinstance(item, YamlMapping) else None
        if isinstance(item, YamlMapping) and isinstance(command, Scalar) and not item.get("args"):
            label, options = item.get("label"), item.get("options")
            folder = options.get("cwd") if isinstance(options, YamlMapping) else None
            yield Task(
                label.text if isinstance(label, Scalar) else "task",
                command.mapped,
                folder.text if isinstance(folder, Scalar) else "",
            )
