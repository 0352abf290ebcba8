"""What *same files* is owed for: two images with their contexts, and what may differ."""

from __future__ import annotations

from dockerfix.proof.obligation import Image, Obligation


class FilesOwed(Obligation, frozen=True):
    """The files of an image before and after.

    The contexts are relative to the root, as the two builds pass them. `accepted` are files of
    the repository whose absence the person took; with `siblings` the image of a sibling may
    hold more of its own files than were copied before.
    """

    before: Image
    after: Image
    before_context: str
    after_context: str
    accepted: frozenset[str] = frozenset()
    siblings: bool = False
    stages: bool = False
    """Whether a stage of its own may stand for a sibling's steps: what RUN leaves there is left
    to *same runtime*."""
    sources: bool = False
    """Whether stages that the image copies from may hold more files than before."""
    left_out: bool = False
    """Whether stages that the image copies from may lack files that no command of theirs reads."""

    @property
    def about(self) -> str:
        """The Dockerfile of the image before."""
        return self.before.dockerfile
