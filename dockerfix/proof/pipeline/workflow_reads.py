"""What reads an input of a workflow: whether it chooses an image, and does nothing else.

An input may be handed on to a workflow or a composite action of the repository, which is read as
well. Knows the inputs of "Workflow syntax for GitHub Actions" and of "Metadata syntax";
which image comes of them is *same images asked for*'s.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dockerfix.facts.builds.github.expressions import names_read, without_expressions
from dockerfix.facts.repository import Facts
from dockerfix.proof.pipeline.commands import other_commands
from dockerfix.proof.pipeline.workflow_steps import CHOOSING
from dockerfix.syntax.yaml.tree import YamlError, parse_yaml, to_data
from dockerfix.text import MappedText, join_path

Data = Mapping[str, Any]
_ACTIONS = ("", "action.yml", "action.yaml")
"""What the path of a workflow, or of an action's folder, is followed by in a repository."""


class InputReads:
    """The readers of inputs, over the workflows and actions of one snapshot."""

    def __init__(self, facts: Facts) -> None:
        self._snapshot = facts.snapshot
        self._known: dict[tuple[str, str], bool] = {}

    def called(self, uses: str) -> Data | None:
        """The workflow or the composite action of this repository that a job or a step uses."""
        if not uses.startswith("./"):
            return None
        paths = (join_path("", posixpath.join(uses, name).rstrip("/")) for name in _ACTIONS)
        path = next((path for path in paths if path and path in self._snapshot), None)
        try:
            found = to_data(self._snapshot.derive(path, parse_yaml).root) if path else None
        except YamlError:
            return None
        return found if isinstance(found, dict) else None

    def choose_images(self, root: Data, name: str) -> bool:
        """Whether nothing reads an input of a workflow but what says which image is built."""
        return not any(_reads(text, name, script) for text, script in self._apart(root, name))

    def _chooses_there(self, uses: str, name: str) -> bool:
        """Whether an input that is handed on chooses images where it arrives."""
        key = (uses, name)
        if key not in self._known:
            self._known[key] = True  # what comes back to itself reads it nowhere else
            root = self.called(uses)
            self._known[key] = root is not None and self.choose_images(root, name)
        return self._known[key]

    def _apart(self, value: Any, name: str, script: bool = False) -> Iterator[tuple[str, bool]]:
        """Every text, and whether it is a script, but for the inputs of build actions that choose
        an image, and those that hand the input on to where it does."""
        if isinstance(value, str):
            yield value, script
        elif isinstance(value, list):
            for item in value:
                yield from self._apart(item, name)
        elif isinstance(value, dict):
            uses = str(value.get("uses") or "")
            for key, inner in with_braces(value).items():
                handed = key == "with" and isinstance(inner, dict)
                rest = self._others(uses, inner, name) if handed else inner
                yield from self._apart(rest, name, script=key == "run")

    def _others(self, uses: str, inputs: Data, name: str) -> dict[str, Any]:
        """The inputs of a step or job that may do more with a value than choose an image."""
        if uses.startswith("./"):
            return {
                key: text
                for key, text in inputs.items()
                if not _reads(str(text), name, script=False) or not self._chooses_there(uses, key)
            }
        builds = re.search(r"build-push|bake", uses.lower()) is not None
        return {key: text for key, text in inputs.items() if not builds or key not in CHOOSING}


def with_braces(keys: Data) -> dict[str, Any]:
    """A job or step whose condition, an expression without braces, has them."""
    held = keys.get("if")
    if not isinstance(held, str) or "${{" in held:
        return dict(keys)
    return {**keys, "if": "${{ " + held + " }}"}


def _reads(text: str, name: str, script: bool) -> bool:
    """Whether a text reads an input; a script where it is no word of a build."""
    read = set(names_read(text, "inputs"))
    if not script or name not in read:
        return not read.isdisjoint({"", name})
    pattern = rf"\$\{{\{{\s*inputs\.{re.escape(name)}\s*\}}\}}"
    one, other = (re.sub(pattern, value, text) for value in ("one", "other"))
    left = name in names_read(one, "inputs")
    return "" in read or left or bool(other_commands([_plain(one)], [_plain(other)]))


def _plain(script: str) -> str:
    return without_expressions(MappedText.whole(script.encode("utf-8", "surrogateescape"))).text
