"""One more input of a reusable workflow or a composite action, which need not be given.

Follows "Workflow syntax for GitHub Actions" (`on.workflow_call.inputs`, which wants a type) and
"Metadata syntax" (`inputs` of an action, which are texts). Knows how inputs are declared.
"""

from __future__ import annotations

from dockerfix.rewrite.added_keys import AddedKeys
from dockerfix.rewrite.yaml_edits import column, quoted
from dockerfix.syntax.yaml.tree import Mapping, Node, YamlFile

_SAID = {
    "target": "Target stage to build",
    "context": "Build context",
    "file": "Path to the Dockerfile",
    "build-args": "Build arguments, one a line",
    "build-contexts": "Named contexts, one a line",
}


def declare(file: YamlFile, key: str, added: AddedKeys) -> str:
    """Declare an input, wherever the file takes inputs; its name, empty where it takes none."""
    lists = _declared(file)
    taken = {name for inputs in lists for name in inputs.resolved}
    names = (key, f"docker-{key}", f"build-{key}")
    name = next((name for name in names if name not in taken), "")
    for inputs in lists if name else ():
        added.add(inputs, name, _optional(inputs, _SAID.get(key, ""), _is_action(file)))
    return name if lists else ""


def _is_action(file: YamlFile) -> bool:
    return file.root is not None and file.root.get("runs") is not None


def _declared(file: YamlFile) -> list[Mapping]:
    """The inputs of an action, or of each way in which a workflow is started with inputs."""
    root = file.root
    on = root.get("on") if root is not None else None
    starts: list[Node | None] = [root] if _is_action(file) else []
    if isinstance(on, Mapping):
        starts += [on.get(key) for key in ("workflow_call", "workflow_dispatch")]
    found = (start.get("inputs") for start in starts if isinstance(start, Mapping))
    return [inputs for inputs in found if isinstance(inputs, Mapping) and inputs.entries]


def _optional(inputs: Mapping, said: str, action: bool) -> str:
    """What declares an input that need not be given, written like the one above it."""
    above = inputs.entries[-1].value
    like = above if isinstance(above, Mapping) and above.entries else None
    described = said and (like is None or like.get("description") is not None)
    keys = [f"description: {quoted(said, _QUOTE)}"] if described else []
    keys += ["required: false", *(["type: string"] if not action else []), 'default: ""']
    if inputs.flow or (like is not None and like.flow):
        return "{" + ", ".join(keys) + "}"
    source = inputs.file.source
    indent = column(source, inputs.entries[-1].key.span.start) + 2
    if like is not None:
        indent = column(source, like.entries[0].key.span.start)
    return "".join(f"\n{' ' * indent}{key}" for key in keys)


_QUOTE = '"'
