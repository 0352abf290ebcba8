"""A settings file to begin with: every option of every transform as a commented example.

Knows the form of `dockerfix.repo.settings`; the examples are such that the file is read without
an error when the `# ` before each of them is taken away.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from dockerfix.engine.proposal import OptionSpec, Transform
from dockerfix.repo.errors import WriteError
from dockerfix.repo.names import SETTINGS_NAME
from dockerfix.repo.settings import settings_files

_WIDTH = 100
_HEAD = """\
# Settings of dockerfix. Each line below that is commented out is an example; nothing is required.
# For completion in an editor: `dockerfix schema settings` prints the JSON Schema of this file.

# This folder is the root of the repository: every path in a patch counts from here.
root = true

# What is neither read nor rewritten, with the patterns of a .gitignore.
# exclude = ["vendor/", "*.generated.Dockerfile"]

# Whether a comment `# dockerfix: accept NAME reason` in a file accepts what is assumed there.
# inline-accept = true

# An assumption of a report is accepted under its transform, by its name or for one place by
# NAME@PATH, and always with the reason. `dockerfix explain NAME` says what an assumption means.
"""


def settings_template(transforms: Iterable[Transform]) -> str:
    """The text of a settings file with a table for each of the transforms."""
    lines = [line for transform in transforms for line in _table(transform)]
    return _HEAD + "".join(f"{line}\n" for line in lines)


def write_settings(root: Path, text: str) -> Path:
    """Write the settings file of a root that has none yet, and give its path.

    Raises `WriteError` where there are settings already, in either file, and where the file
    cannot be written.
    """
    path = root / SETTINGS_NAME
    for there in settings_files(root):
        raise WriteError(str(root / there), "holds settings already", "edit that file")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise WriteError(str(path), "is there already", "edit that file") from None
    except OSError as error:
        raise WriteError(str(path), f"cannot be written: {error.strerror or error}") from None
    return path


def _table(transform: Transform) -> Iterator[str]:
    yield ""
    yield from _comment(transform.summary)
    yield f"[{transform.name}]"
    for spec in transform.options:
        yield from _comment(spec.help)
        yield f"# {spec.name} = {_example(spec)}"
    yield f"[{transform.name}.accept]"
    yield '# "NAME@PATH" = "why it is fine there"'


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _example(spec: OptionSpec) -> str:
    """The default, else a value of the right kind, in TOML (whose strings and lists of strings
    are those of JSON, and whose booleans and numbers too)."""
    value: Any = spec.default
    if value in (None, (), ""):
        value = _value(spec)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _value(spec: OptionSpec) -> Any:
    if spec.kind is bool:
        return False
    if spec.kind is int:
        value: Any = 1
    else:
        value = spec.choices[0] if spec.choices else spec.metavar or spec.name.upper()
    return [value] if spec.multiple else value
