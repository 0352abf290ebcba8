"""Commands in YAML of no known system, by the names of their keys.

Tasks of Ansible and Tekton, deliveries of a company's own system: whatever reads the file, a key
named `script` or `ansible.builtin.shell` holds a command. Knows names of keys; follows none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.builds.systems.ci_files import command_scalars
from dockerfix.syntax.yaml.tree import Scalar, YamlFile

_KEYS = frozenset({"cmd", "cmds", "run", "script", "command", "commands", "shell", "bash", "exec"})


class _Named:
    """The keys whose last word says that they hold a command."""

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and re.split(r"[._-]", key)[-1].lower() in _KEYS


def named_commands(file: YamlFile) -> Iterator[tuple[str, Scalar]]:
    """The commands that speak of a build and say no folder of their own, each with the name of
    what holds it."""
    for root in file.documents:
        for name, scalar, folder in command_scalars(root, "", None, _Named()):
            if folder is None and BUILD_TEXT.search(scalar.text):
                yield name, scalar
