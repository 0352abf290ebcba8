"""The line of help for a transform is read, never imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dockerfix.cli.summaries import summary
from dockerfix.engine.registry import Plugin

STOP = "\nraise SystemExit('imported')\n"


def install(folder: Path, init: str) -> None:
    """A package whose every module ends the process when it is imported."""
    place = folder / "summaries_pack"
    (place / "inner").mkdir(parents=True)
    (place / "__init__.py").write_text(init + STOP)
    (place / "merge.py").write_text('class Merge:\n    """Far away."""' + STOP)
    (place / "inner" / "__init__.py").write_text(STOP)
    (place / "inner" / "up.py").write_text("from ..merge import Merge" + STOP)


@pytest.mark.parametrize(
    ("init", "target", "expected"),
    [
        ('class Merge:\n    """Merge it.\n\n    More."""', "summaries_pack:Merge", "Merge it."),
        ('"""The module."""\nclass Merge: ...', "summaries_pack:Merge", "The module."),
        (
            '"""The module."""\nclass Merge:\n    def m(self):\n        """A method."""',
            "summaries_pack:Merge",
            "The module.",
        ),
        ("class Merge:\n    'One \\\\ line.'", "summaries_pack:Merge", "One \\ line."),
        ('"""The module."""', "summaries_pack:Merge", "The module."),
        ("from .merge import Merge", "summaries_pack:Merge", "Far away."),
        ("from .merge import Merge as M", "summaries_pack:M", "Far away."),
        ("from summaries_pack.merge import Merge", "summaries_pack:Merge", "Far away."),
        ("", "summaries_pack.inner.up:Merge", "Far away."),
        ("from .absent import Merge", "summaries_pack:Merge", ""),
        ("from . import Merge", "summaries_pack:Merge", ""),
        ("def broken(:", "summaries_pack:Merge", ""),
        ("", "summaries_pack:Merge", ""),
        ("", "summaries_absent:Merge", ""),
    ],
)
def test_the_first_line_of_the_documentation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, init: str, target: str, expected: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, init)
    assert summary(Plugin("merge", target, "pack")) == expected
    assert "summaries_pack" not in sys.modules
