"""The steps of GitHub workflows and composite actions, followed with what they run and use.

Knows which workflow files count; how they are written stands in `workflows` and `actions`.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.facts.builds.files.candidates import Candidate
from dockerfix.facts.builds.reading import ANY, Reading
from dockerfix.facts.commands.gathered import Carrier
from dockerfix.facts.model import SiteKind

if TYPE_CHECKING:
    # Read only where such files are: start-up time is judged.
    from dockerfix.facts.builds.github.workflows import Step
    from dockerfix.syntax.yaml.tree import YamlFile


def read_workflows(reading: Reading) -> None:
    """Steps of GitHub workflows and composite actions, with what they call."""
    files = _workflow_files(reading)
    if not files:
        return
    from dockerfix.facts.builds.github.workflows import Workflows, foreign_workflows

    for step in Workflows(files.get).steps(files):
        _step(reading, step)
    for file in files.values():
        for place, why in foreign_workflows(file):
            reading.follower.blind(place, "a reusable workflow", why, apart=True)


def _workflow_files(reading: Reading) -> dict[str, YamlFile]:
    """Workflows and actions that name a build tool, and those that name such a one."""
    found: dict[str, YamlFile] = {}
    needles = reading.needles
    for _ in range(3):
        wanted = (*needles, *_ACTIONS)
        for path in reading.naming(Candidate.WORKFLOW, wanted):
            source = reading.source(path, ANY) if path not in found else None
            file = reading.yaml(source) if source is not None else None
            if file is not None:
                found[path] = file
        more = (*reading.needles, *sorted(_called_as(path) for path in found))
        if more == needles:
            break
        needles = more
    return dict(sorted(found.items()))


def _step(reading: Reading, step: Step) -> None:
    """The builds of one step."""
    from dockerfix.facts.builds.github import actions

    build, call = actions.action_build(step), actions.action_bake(step)
    reading.extra += [build] if build is not None else []
    reading.found.bakes += [call] if call is not None else []
    unread = actions.unread_action(step) if build is None and call is None else None
    if unread is not None:
        reading.follower.blind(unread[0], "an action", unread[1], apart=True)
    if step.uses is not None and actions.scans(step.uses.text):
        reading.found.scanned.append(step.keys.file.source.place(step.keys.span))
    script = step.script
    if script is not None:
        source = step.keys.file.source
        carrier = Carrier(SiteKind.GITHUB, step.job, source, step.through, machine=step.machine)
        found = reading.found
        builds, images = len(found.builds), len(found.images)
        reading.text(script, carrier, step.scope, step.folder)
        if step.condition:
            under = [replace(b, condition=step.condition) for b in found.builds[builds:]]
            sent = [replace(i, condition=step.condition) for i in found.images[images:]]
            found.builds[builds:], found.images[images:] = under, sent


_ACTIONS = (b"build-push", b"bake-action", b"kaniko")
"""Names of actions that build and that hold no tool's name."""


def _called_as(path: str) -> bytes:
    """How others name a workflow or an action: by its file, or by its folder."""
    folder, name = posixpath.split(path)
    return (posixpath.basename(folder) if name.startswith("action.") else name).encode()
