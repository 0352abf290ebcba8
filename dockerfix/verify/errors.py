"""What can stop a verification: what is wrong, what to do, and for a build its last lines."""

from __future__ import annotations

from dockerfix.traces.steps import Failure
from dockerfix.verify.side import Side


class VerifyError(Exception):
    """The verification cannot be made: `what` is wrong, `action` says what to do."""

    def __init__(self, what: str, action: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.action = action


class EngineError(VerifyError):
    """The Docker Engine or buildx cannot be used, or stopped answering."""


class PatchError(VerifyError):
    """The patch does not apply to the snapshot."""


class ReadingError(VerifyError):
    """A tool reads a file otherwise than dockerfix does: a bug."""


class BuildFailedError(Exception):
    """buildx ended with an error; `side` and `images` say what it was building."""

    def __init__(self, side: Side, images: tuple[str, ...], failure: Failure) -> None:
        super().__init__(failure.step)
        self.side = side
        self.images = images
        self.failure = failure
