"""A transform's documentation is true: its sections are there, and Before becomes After."""

from __future__ import annotations

import posixpath
import shlex

from dockerfix.engine.documentation import documentation
from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import Planned
from dockerfix.engine.proposal import Transform
from dockerfix.engine.registry import Registry
from dockerfix.testing.pipeline import run_transform
from dockerfix.testing.tree import parse_tree


def check_transform(transform: Transform, registry: Registry | None = None) -> None:
    """The transform is registered under its name, and says about itself what every transform
    says. Raises `AssertionError`."""
    names = (registry or Registry.installed()).names
    assert transform.name in names, (
        f"{transform.name} is not an entry point of dockerfix.transforms"
    )
    assert transform.summary, f"{transform.name} has no summary"
    found = documentation(transform)
    assert found.summary, f"the docstring of {transform.name} has no first paragraph"
    assert not found.missing, f"{transform.name} does not document: {', '.join(found.missing)}"
    for spec in transform.options:
        assert spec.help, f"the option {spec.name} of {transform.name} has no help"


def check_example(transform: Transform, judges: Judges | None = None) -> None:
    """Running the transform on the tree under Before gives the tree under After: the whole of it,
    the files that did not change as well.

    A line `$ dockerfix NAME ...` above the tree is the command; without one, the transform is
    called on the folder that holds all files. Raises `AssertionError`.
    """
    from dockerfix.cli.transform import read_arguments

    sections = documentation(transform).sections
    preamble, before = parse_tree(sections.get("Before", ""))
    _, after = parse_tree(sections.get("After", ""))
    command = next((line[2:] for line in preamble.splitlines() if line.startswith("$ ")), None)
    if command is None:
        arguments = [posixpath.commonpath([posixpath.dirname(p) for p in before.files])]
    else:
        arguments = shlex.split(command)[2:]
    paths, options = read_arguments(transform, [path or "." for path in arguments])
    snapshot = before.snapshot()
    relative = [posixpath.normpath(path).removeprefix(".") for path in paths]
    outcome = run_transform(transform, snapshot, relative, options, judges)
    said = "\n".join([outcome.proposal.reason, *map(str, outcome.proposal.findings)])
    assert isinstance(outcome, Planned), f"the example gives no patch: {said.strip()}"
    result = snapshot.with_changes(outcome.changes)
    shown = outcome.patch.decode("utf-8", "replace")
    for path in sorted(set(result.paths) ^ set(after.files)):
        side = "After" if path in after.files else "the result"
        raise AssertionError(f"only {side} has {path}; After shows the whole tree:\n{shown}")
    for path, data in after.files.items():
        assert result.read(path) == data, f"After differs in {path}:\n{shown}"
