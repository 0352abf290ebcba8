"""What happens in the chain of a stage: programs compiled, carried, copied and removed.

Values only; `history` reads them out of instructions.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.cargo import CargoCall
from dockerfix.proof.steps.chain import Outside, Step
from dockerfix.syntax.dockerfile import Stage
from dockerfix.text import Place


class Mounted(Struct, frozen=True):
    """A mount of a RUN: where, of which kind, and what stands there.

    `source` is the stage, the image or context; None is the build context (or, for a cache or
    tmpfs, nothing that lasts). `path` is the folder of it that is mounted.
    """

    target: str
    kind: str
    source: Stage | Outside | None
    path: str


class Frame(Struct, frozen=True):
    """One RUN, within which its mounts are seen."""

    step: Step
    mounts: tuple[Mounted, ...]

    def mount_over(self, path: str) -> Mounted | None:
        """The mount that a path lies in; the innermost one."""
        over = [m for m in self.mounts if path == m.target or path.startswith(_folder(m.target))]
        return max(over, key=lambda mount: len(mount.target), default=None)


class Compiled(Struct, frozen=True):
    """A cargo command, with all that it meets.

    `folder` is where it runs in the image; `variables` holds ENV, ARG, exports and inline
    assignments; `toolchain` the rustup commands before it; `packages` all system packages
    installed before it. `certain` is false in a branch that may not run.
    """

    frame: Frame
    call: CargoCall
    folder: str
    variables: Mapping[str, str]
    toolchain: tuple[str, ...]
    packages: frozenset[str]
    shell: str
    certain: bool

    @property
    def place(self) -> Place:
        """Where the command stands."""
        source = self.frame.step.instruction.source
        return source.place(self.call.command.span)


class Carried(Struct, frozen=True):
    """`cp`, `mv`, `install` or `ln`: absolute sources and the destination."""

    frame: Frame
    sources: tuple[str, ...]
    destination: str
    folder_named: bool
    moves: bool
    certain: bool


class Removed(Struct, frozen=True):
    """`rm`: absolute paths."""

    frame: Frame
    paths: tuple[str, ...]


class Copied(Struct, frozen=True):
    """COPY or ADD: what it names, the absolute destination, and where from (None is the build
    context)."""

    step: Step
    sources: tuple[str, ...]
    destination: str
    source: Stage | Outside | None
    frame: None = None


class Opaque(Struct, frozen=True):
    """A command that may do anything: a script, make, a cargo extension."""

    frame: Frame
    text: str
    place: Place


class Written(Struct, frozen=True):
    """A file that a known command writes: the recipe of `cargo chef prepare`."""

    frame: Frame
    path: str


Event = Compiled | Carried | Removed | Copied | Written | Opaque


def _folder(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"
