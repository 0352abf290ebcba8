"""The images that a patch touches, with the names and build contexts by which they are asked for.

Knows what makes an image touched; what it then owes stands in `obligations`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from dockerfix.engine.permits_by_subject import PermitsBySubject, StageKey, stage_key
from dockerfix.facts.context.steps import named_folders
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.asks import Ask, asks_of, values_for
from dockerfix.proof.obligation import Image

Changes = Mapping[str, bytes | None]
"""The bytes of each written file; None for a deleted one."""


@dataclass(slots=True)
class Asked:
    """An image of before that the patch touches: by which names and with which build contexts
    it is asked for; `files_alone` when only the files that it copies can change."""

    image: Image
    contexts: dict[str | None, None] = field(default_factory=dict)
    files_alone: bool = False


class TouchedImages:
    """Gathers the images of before that the changes of one patch are about, in `asked`."""

    def __init__(self, before: Facts, changes: Changes, permits: PermitsBySubject) -> None:
        self.before = before
        self.changes = changes
        self.permits = permits
        self.asked: dict[StageKey, Asked] = {}
        self.named: dict[tuple[str | None, str | None], set[str]] = {}
        for build in before.builds.builds:
            folders = self.named.setdefault((build.dockerfile, build.context), set())
            folders.update(named_folders(build))

    def gather(self) -> None:
        """All touched images: those that call sites ask for, those that something stands for,
        and the last image of a touched Dockerfile that neither knows."""
        for ask in asks_of(self.before.builds, values_for(self.before)):
            if ask.dockerfile is not None and ask.dockerfile in self.before.snapshot:
                self.ask(ask, ask.dockerfile)
        for image in self.permits.pairs:
            self.add(image)
        known = {path for path, _ in self.asked}
        for path in sorted(self.changes):
            if path in self.before.snapshot and path not in known and is_dockerfile(path):
                self.add(Image(path))

    def ask(self, ask: Ask, path: str) -> None:
        """An image that a call site asks for, when the patch touches it."""
        context = ask.context
        moved = context is not None and (path, context) in self.permits.contexts
        replaced = self.key(Image(path, ask.target)) in self.permits.heirs
        if path in self.changes or moved or replaced:
            asked = self.add(Image(path, ask.target))
            if asked is not None:
                asked.contexts[context] = None
                asked.files_alone = False
        elif context is not None and self.ignored_otherwise(context, path):
            fresh = self.key(Image(path, ask.target)) not in self.asked
            asked = self.add(Image(path, ask.target))
            if asked is not None:
                asked.contexts[context] = None
                asked.files_alone = fresh or asked.files_alone

    def ignored_otherwise(self, context: str, dockerfile: str) -> bool:
        """Whether the patch touches an ignore file of a build: that of its context, of its
        Dockerfile, or of a folder that it is given as a named context."""
        folders = (context, *self.named.get((dockerfile, context), ()))
        paths = (posixpath.join(folder, ".dockerignore") for folder in folders)
        return any(path in self.changes for path in (f"{dockerfile}.dockerignore", *paths))

    def add(self, image: Image) -> Asked | None:
        """The entry of an image of before; None where there is no such stage."""
        key = self.key(image)
        if key is None:
            return None
        known = self.asked.setdefault(key, Asked(image))
        if image.target and not known.image.target:
            known.image = image
        return known

    def key(self, image: Image) -> StageKey | None:
        """The stage that an image is, on the side before."""
        return stage_key(self.before, image)
