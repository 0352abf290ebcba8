"""The generated pages of the manual: `make docs` writes them, a test holds them fresh.

Pages come from the transforms' docstrings, from `--help` and from runs on the sample
repository. What is not generated (this folder's other pages) is written by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dockerfix.engine.documentation import SECTIONS, documentation
from dockerfix.engine.proposal import Transform
from dockerfix.engine.registry import Registry
from dockerfix.proof.claims import COMPILER_ASPECTS, RUNTIME_RULES

TOP = Path(__file__).parent.parent
_CODE = ("Before", "After")
_SAMPLE = {"merge-rust": "controlplane", "slim-context": "console"}


def pages() -> Iterator[tuple[str, str]]:
    """Each generated page: its path below the top folder, and its text."""
    registry = Registry.installed()
    for name in sorted(registry.names):
        yield f"docs/{name}.md", _transform(registry.load(name))
    yield "docs/commands.md", _commands(sorted(registry.names))
    yield "docs/rules.md", _rules()
    for name, path in _SAMPLE.items():
        arguments = ("--root", "sample-repo", f"sample-repo/{path}")
        yield f"docs/sample/{name}.patch", _run(*arguments, of=name)


def _transform(transform: Transform) -> str:
    found = documentation(transform)
    lines = [f"# {transform.name}", "", found.summary]
    for title in SECTIONS:
        text = found.sections.get(title, "")
        body = ["```", *text.splitlines(), "```"] if title in _CODE else text.splitlines()
        lines += ["", f"## {title}", "", *body]
    lines += ["", "## Options", ""]
    for spec in transform.options:
        default = f" Default: `{spec.default}`." if spec.default not in (None, False, "") else ""
        lines.append(f"- `--{spec.name}`: {spec.help}{default}")
    if transform.name in _SAMPLE:
        link = f"[the patch](sample/{transform.name}.patch)"
        lines += ["", f"What it prints for the sample repository: {link}."]
    return "\n".join(lines) + "\n"


def _rules() -> str:
    """The names under which `-v` lists differences that the gate allowed."""
    lines = [
        "# Rules of the gate",
        "",
        "The gate compares what a patch claims to leave as it was, instruction by instruction.",
        "What is not the same must be allowed by a rule that the claim names; `-v` lists every use",
        "with both places. A difference under no rule makes the claim fail, and no patch is shown.",
        "",
        "## Same runtime",
        "",
        "| rule | what it allows |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in RUNTIME_RULES.items()),
        "",
        "## Same compiler input",
        "",
        "What must be the same for every program that an image ships; a difference counts as",
        "allowed only when it was accepted by its name.",
        "",
        "| aspect | what it is |",
        "|---|---|",
        *(f"| `{name}` | {meaning} |" for name, meaning in COMPILER_ASPECTS.items()),
    ]
    return "\n".join(lines) + "\n"


def _commands(transforms: list[str]) -> str:
    lines = ["# Commands", "", "```", _run("--help").rstrip(), "```"]
    for name in (*transforms, "builds", "context", "explain", "verify"):
        lines += ["", f"## {name}", "", "```", _run("--help", of=name).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _run(*arguments: str, of: str = "") -> str:
    """What dockerfix prints on stdout, as a person with a terminal of 80 columns sees it."""
    words = [sys.executable, "-m", "dockerfix", *([of] if of else []), *arguments]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run(
        words, cwd=TOP, env=environment, capture_output=True, check=True, encoding="utf-8"
    )
    return done.stdout


def main() -> None:
    """Write all pages."""
    for path, text in pages():
        place = TOP / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8", newline="")


if __name__ == "__main__":
    main()
