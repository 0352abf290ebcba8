"""Whether a Go build can write the repository's revision into its program.

It asks git, and goes on without where git is not installed (`-buildvcs=auto`, the default: `go
help build`). The official Alpine images of Go come without it, as their Dockerfiles say
(https://github.com/docker-library/golang); all others count as having it. Knows one stage.
"""

from __future__ import annotations

import re

from dockerfix.facts.dockerfile.stages import StageGraph
from dockerfix.syntax.dockerfile import Run, Stage

_WITHOUT_GIT = re.compile(r"(?:docker\.io/)?(?:library/)?golang:[^/@]*alpine[^/@]*(?:@\S+)?")
_BRINGS_GIT = re.compile(r"git|alpine-sdk|abuild|\bhub\b", re.IGNORECASE)
"""Words of a command that installs git, by itself or with what needs it."""


def may_ask_git(graph: StageGraph, stage: Stage) -> bool:
    """Whether git may be there for the commands of a stage."""
    if _WITHOUT_GIT.fullmatch(graph.image(stage)) is None:
        return True
    items = (item for part in graph.chain(stage) for item in part.instructions)
    return any(
        isinstance(item, Run) and (item.script is None or _BRINGS_GIT.search(item.script.text))
        for item in items
    )
