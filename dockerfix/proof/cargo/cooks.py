"""Whether the cooks of a stage run: cargo finds what they select, and cargo-chef takes the words.

A cook has no sources yet, so that what it may select is read off the build behind it, which
compiles the same workspace in the same folder. Knows cooks; knows no obligation.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockerfix.facts.cargo.commands import selected
from dockerfix.facts.dockerfile.cargo_chef import repeats_bin
from dockerfix.proof.cargo.crates import Compilation
from dockerfix.proof.cargo.origins import Origins
from dockerfix.proof.steps.environment import unknown
from dockerfix.proof.steps.events import Compiled
from dockerfix.syntax.dockerfile import Stage


def failing_cooks(origins: Origins, stage: Stage) -> Iterator[tuple[Compiled, str]]:
    """The cooks of a stage's chain that fail, each with the reason."""
    events = origins.history(stage).events
    compiled = [event for event in events if isinstance(event, Compiled)]
    cooks = [event for event in compiled if event.call.verb == "chef cook"]
    for cook in cooks:
        if any(unknown(text) for text in (*cook.call.bins, *cook.call.packages)):
            continue
        if len(cook.call.bins) > 1 and not repeats_bin(origins.graph, stage):
            yield cook, "this cargo-chef may take `--bin` only once"
            continue
        for build in compiled[compiled.index(cook) + 1 :]:
            found = origins.compilation(events, build)
            if build.call.verb != "build" or build.folder != cook.folder:
                continue
            if isinstance(found, Compilation) and not build.call.values("manifest-path"):
                why = selected(found.workspace, cook.call, found.folder)
                if isinstance(why, str):
                    yield cook, f"cargo fails: {why}"
                break
