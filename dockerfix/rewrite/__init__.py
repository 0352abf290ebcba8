"""Edits of call sites: asked for in the words of builds, answered in spans of bytes.

`set_builds` is the one door: it finds out which kind of file asks for each build and hands
the work to the module of that kind. Nothing here decides what a build should become, and
nothing here is trusted: the gate reads every call site again.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerfix.facts.builds.github.expressions import chooses_by_input
from dockerfix.facts.model import Build, SiteKind, Tool
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.words import UNKNOWN
from dockerfix.rewrite.bake import Baked, bake_file, bake_variables, shared_flags
from dockerfix.rewrite.command.command import set_command
from dockerfix.rewrite.commented import builds_in_comment
from dockerfix.rewrite.gitlab.join import Joined, check_joinable, join_jobs, widen_rules
from dockerfix.rewrite.gitlab.needs import add_need, follow_needs
from dockerfix.rewrite.gitlab.rules import united_rules
from dockerfix.rewrite.gitlab.same_runs import check_same_runs
from dockerfix.rewrite.paths import set_paths
from dockerfix.rewrite.snippets import lacks_target
from dockerfix.rewrite.wanted import Change, Edits, Refused, Wanted, united
from dockerfix.text import Kind, Place

__all__ = [
    "Baked",
    "Change",
    "Edits",
    "Joined",
    "Refused",
    "Wanted",
    "add_need",
    "bake_file",
    "bake_variables",
    "builds_in_comment",
    "check_joinable",
    "check_same_runs",
    "follow_needs",
    "join_jobs",
    "lacks_target",
    "set_builds",
    "set_paths",
    "shared_flags",
    "united",
    "united_rules",
    "widen_rules",
]


def set_builds(facts: Facts, changes: Sequence[Change]) -> tuple[Edits, list[Refused]]:
    """Edits that make each build ask for what is wanted, and the call sites that refuse."""
    edits: Edits = []
    refused: list[Refused] = []
    for together in _by_place(changes):
        try:
            edits += _one(facts, together, changes)
        except Refused as refusal:
            refusal.changes = tuple(together)
            refused.append(refusal)
    return edits, refused


def _by_place(changes: Sequence[Change]) -> list[list[Change]]:
    """Builds of one command together: a loop, a function or a matrix makes several."""
    found: dict[tuple[Place, tuple[str, ...]], list[Change]] = {}
    for change in changes:
        site = change.build.site
        bake = site.through if change.build.tool is Tool.BAKE else ()
        found.setdefault((site.place, bake), []).append(change)
    return list(found.values())


def _check_known(change: Change) -> None:
    """Raises `Refused` for a wish that holds what reading does not know: the word that stands
    for it there means nothing to a builder."""
    wanted = change.wanted
    texts = (wanted.dockerfile, wanted.target or "", wanted.context or "", *wanted.flags)
    if any(UNKNOWN in text for text in texts):
        what = "a part of what it must pass is what a command prints"
        raise Refused(change.build.site.place, what, "write it plainly, or in a variable")


def _check_choice(change: Change) -> None:
    """Raises `Refused` for words that an expression chooses by an input: written over, they would
    be lost for another caller."""
    build, context = change.build, change.wanted.context
    moved = build.context_written if context not in (None, build.context) else None
    words = (build.dockerfile_written, build.target, moved)
    if any(word is not None and chooses_by_input(word.written) for word in words):
        what = "an expression chooses by an input what it builds"
        raise Refused(build.site.place, what, "change the expression by hand")


def _one(facts: Facts, changes: list[Change], every: Sequence[Change]) -> Edits:
    for change in changes:
        _check_known(change)
        _check_choice(change)
    build = changes[0].build
    path = build.site.place.path
    if facts.snapshot.entries[path].kind is not Kind.FILE:
        what = f"{path} is a symbolic link, or lies behind one"
        raise Refused(build.site.place, what, "change the file that it leads to")
    if build.tool is Tool.COMPOSE:
        from dockerfix.rewrite.compose import set_service

        service = next(s for s in facts.compose.services if s.place == build.site.place)
        return [e for c in changes for e in set_service(facts, service, c.build, c.wanted, every)]
    if build.tool is Tool.ACTION:
        from dockerfix.rewrite.github import set_action

        return set_action(facts, changes, _unchanged_builds(facts, changes))
    if build.tool is Tool.BAKE:
        from dockerfix.rewrite.bake import set_bake_target

        return set_bake_target(facts, build, changes[0].wanted, every)
    if build.tool is Tool.SKAFFOLD:
        from dockerfix.rewrite.skaffold import set_artifact

        return set_artifact(facts, changes[0])
    if build.tool is Tool.TILT:
        from dockerfix.rewrite.tilt import set_tilt

        return set_tilt(facts, changes[0], every)
    runs = build.site.kind is SiteKind.DEPLOYMENT and build.tool is not Tool.DEPLOYMENT
    if build.tool is Tool.SDK or (build.site.kind in _BY_HAND and not runs):
        what, action = _BY_HAND.get(build.site.kind, _BY_HAND[SiteKind.PYTHON])
        raise Refused(build.site.place, what, action)
    return set_command(facts, changes, _unchanged_builds(facts, changes))


_BY_HAND = {
    SiteKind.PYTHON: ("a call in Python", "change Dockerfile and target by hand"),
    SiteKind.CLOUD_BUILD: ("a step of Cloud Build", "change its args by hand"),
    SiteKind.DEPLOYMENT: ("a deployment file", "change Dockerfile and target by hand"),
    SiteKind.PLUGIN: ("a plugin of a CI system", "change its settings by hand"),
    SiteKind.POWERSHELL: ("a command of PowerShell", "change its words by hand"),
}
"""Call sites that are read and not rewritten: what they are, and what to do."""


def _unchanged_builds(facts: Facts, changes: Sequence[Change]) -> list[Build]:
    """Builds of the same command or step that are not to change."""
    mine = {id(change.build) for change in changes}
    place = changes[0].build.site.place
    return [b for b in facts.builds.builds if b.site.place == place and id(b) not in mine]
