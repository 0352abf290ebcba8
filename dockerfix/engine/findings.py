"""What each finding means: the pages of `dockerfix explain`, and the rules of SARIF.

One source of truth: the tables of `findings.md`, one section a transform. A plug-in brings a
`findings.md` of the same form beside its module. Knows the table; knows no transform.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

COMMON = "Every transform"
"""The section of findings that any transform may have."""


class FindingPage(Struct, frozen=True):
    """One finding: the transforms that have it (`COMMON` for any), its severity as written in
    the table (`assume`, `refuse, accept`), and what it means."""

    name: str
    transforms: tuple[str, ...]
    severity: str
    meaning: str

    @property
    def acceptable(self) -> bool:
        """Whether `--accept` takes it."""
        return "accept" in self.severity or "assume" in self.severity

    @property
    def what(self) -> str:
        """What was noticed, as a sentence."""
        return _sentence(self.meaning.partition(";")[0])

    @property
    def action(self) -> str:
        """What to do about it; empty where the table says nothing."""
        return _sentence(self.meaning.partition(";")[2])


def read_pages(text: str) -> Iterator[FindingPage]:
    """The rows of the tables in a `findings.md`."""
    section: tuple[str, ...] = ()
    for line in text.splitlines():
        if line.startswith("## "):
            section = tuple(line.removeprefix("## ").strip().split(", "))
        elif line.startswith("| `"):
            name, severity, meaning = (cell.strip() for cell in line.strip("| ").split(" | ", 2))
            yield FindingPage(name.strip("`"), section, severity, meaning)


@cache
def pages() -> tuple[FindingPage, ...]:
    """The pages of dockerfix's own findings, in the order of the tables."""
    return tuple(read_pages(files("dockerfix").joinpath("findings.md").read_text("utf-8")))


@cache
def examples() -> dict[str, str]:
    """A real message for each `transform/finding` that a case of the tests shows, made by
    `make docs`."""
    found = files("dockerfix").joinpath("findings-examples.json").read_bytes()
    return msgspec.json.decode(found, type=dict[str, str])


def acceptable(transform: str) -> tuple[FindingPage, ...]:
    """The findings of a transform that `--accept` takes, by name."""
    mine = (p for p in pages() if {transform, COMMON} & set(p.transforms) and p.acceptable)
    return tuple({p.name: p for p in mine}.values())


def page(name: str, transform: str) -> FindingPage | None:
    """The page of a finding of a transform; None where nobody wrote one."""
    mine = (p for p in pages() if p.name == name and {transform, COMMON} & set(p.transforms))
    return next(mine, None)


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}." if text else ""
