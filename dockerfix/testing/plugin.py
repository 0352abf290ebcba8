"""The pytest plugin: every `*.case` file is a test, and `--regenerate-cases` rewrites them.

A project with transforms of its own says `pytest_plugins = ["dockerfix.testing.plugin"]` in its
top `conftest.py`. Nothing outside of tests imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_OPTION = "--regenerate-cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that rewrites expectations."""
    parser.addoption(
        _OPTION,
        action="store_true",
        help="write what comes of each *.case file into it; review the change as a diff",
    )


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> CaseFile | None:
    """Collect case files."""
    if file_path.suffix != ".case":
        return None
    return CaseFile.from_parent(parent, path=file_path)


class CaseFile(pytest.File):
    """A file that holds one case."""

    def collect(self) -> Iterator[CaseItem]:
        """The case itself, under the file's name."""
        yield CaseItem.from_parent(self, name=self.path.stem)


class CaseMismatchError(Exception):
    """What came of a case is not what it expects."""


class CaseItem(pytest.Item):
    """One case: run it, compare, or rewrite it."""

    def runtest(self) -> None:
        """Run the case."""
        from dockerfix.engine.registry import Registry
        from dockerfix.testing.case import difference, read_case, run_case

        case = read_case(self.path)
        actual = run_case(case, Registry.installed().load)
        if actual == case.expected:
            return
        if self.config.getoption(_OPTION):
            text = case.given + actual
            self.path.write_bytes(text.encode("utf-8", "surrogateescape"))
            return
        raise CaseMismatchError(difference(case.expected, actual))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The difference alone, where that is what failed."""
        if isinstance(excinfo.value, CaseMismatchError):
            return f"{excinfo.value}\n\n`pytest {_OPTION}` writes the actual outcome into the file."
        if isinstance(excinfo.value, (AssertionError, ValueError)):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the case stands."""
        return self.path, 0, self.name
