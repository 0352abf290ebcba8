"""The generated pages of the manual: `make docs` writes them, a test holds them fresh.

Pages come from the transforms' docstrings, from `--help` and from runs on the sample
repository. What is not generated (this folder's other pages) is written by hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from dockerfix import __version__
from dockerfix.engine.documentation import SECTIONS, documentation
from dockerfix.engine.findings import COMMON
from dockerfix.engine.findings import pages as findings
from dockerfix.engine.permits import kinds
from dockerfix.engine.proposal import Transform
from dockerfix.engine.registry import Registry
from dockerfix.repo.settings import CHECKS
from dockerfix.report.man_page import manual_page

TOP = Path(__file__).parent.parent

_CODE = ("Before", "After")
BUILT_IN = (
    "builds",
    "check",
    "completion",
    "context",
    "estimate",
    "explain",
    "graph",
    "init",
    "metrics",
    "mr",
    "plan",
    "schema",
    "verify",
)
_SAMPLE = {"merge-rust": "controlplane", "slim-context": "console"}

_GRAPH = ("--root", "sample-repo", "sample-repo", "--format", "svg")
_ESTIMATE = (
    "--root", "sample-repo", "sample-repo", "--only", "merge-rust", "--jobs",
    "docs/sample/jobs.json", "--runners", "3", "--format", "svg",
)  # fmt: skip


def pages() -> Iterator[tuple[str, str]]:
    """Each generated page: its path below the top folder, and its text."""
    registry = Registry.installed()
    for name in sorted(registry.names):
        yield f"docs/{name}.md", _transform(registry.load(name))
    yield "docs/commands.md", _commands(sorted(registry.names))
    yield "docs/rules.md", _rules()
    yield "dockerfix/findings-examples.json", _examples()
    yield "docs/dockerfix.1", _man(sorted(registry.names))
    for name in ("report", "settings"):
        yield f"dockerfix/schemas/{name}.json", _run(name, of="schema")
    for name, path in _SAMPLE.items():
        arguments = ("--root", "sample-repo", f"sample-repo/{path}")
        yield f"docs/sample/{name}.patch", _run(*arguments, of=name)
    yield "docs/sample/jobs.svg", _run(*_GRAPH, of="graph")
    yield "docs/sample/estimate.svg", _run(*_ESTIMATE, of="estimate")


def _transform(transform: Transform) -> str:
    found = documentation(transform)
    lines = [f"# {transform.name}", "", found.summary]
    for title in SECTIONS:
        text = found.sections.get(title, "")
        body = ["```", *text.splitlines(), "```"] if title in _CODE else text.splitlines()
        lines += ["", f"## {title}", "", *body]
    lines += ["", "## Options", ""]
    if not transform.options:
        lines.append("None beside those of every transform.")
    for spec in transform.options:
        default = f" Default: `{spec.default}`." if spec.default not in (None, False, "") else ""
        lines.append(f"- `--{spec.name}`: {spec.help}{default}")
    if transform.name in _SAMPLE:
        link = f"[the patch](sample/{transform.name}.patch)"
        lines += ["", f"What it prints for the sample repository: {link}."]
    return "\n".join(lines) + "\n"


def _rules() -> str:
    """What each kind of obligation says, and the differences that a permit can ask for."""
    lines = [
        "# Obligations and permits",
        "",
        "From what a patch touches, the gate derives what it has to prove. A transform can neither",
        "leave out an obligation nor weaken it; it can ask for single differences with permits: a",
        "rule, what it is about, and where. A difference without a permit fails, and no patch is",
        "printed. `-v` lists every difference with the rule that allows it.",
    ]
    for kind in kinds():
        text = " ".join((kind.__doc__ or "").split("\n\n")[0].split())
        lines += ["", f"## {kind.kind.capitalize()}", "", text]
        lines += _table(kind.rules, "The checker itself judges that these are harmless:")
        judged = "No checker can judge these. They count once a person accepts them by name"
        if kind.assumed_rules:
            names = ", ".join(f"`{name}`" for name in sorted(kind.assumed_rules))
            judged += f"; for {names}, an assumption in the report is enough"
        lines += _table(kind.accepted_rules, f"{judged}:")
    return "\n".join(lines) + "\n"


def _examples() -> str:
    """The first message of each finding in the cases, with what it says to do."""
    found: dict[str, str] = {}
    for case in sorted((TOP / "tests" / "transforms" / "cases").glob("*/*.case")):
        _, _, outcome = case.read_text("utf-8", "surrogateescape").partition("\n== ")
        lines = outcome.splitlines()
        for line, after in zip(lines, [*lines[1:], ""], strict=True):
            severity, _, rest = line.partition(" ")
            name, colon, text = rest.partition(": ")
            if severity in ("note", "assume", "refuse") and colon and name.islower():
                advice = f"\n{after}" if after.startswith("  -> ") else ""
                common = name in {p.name for p in findings() if COMMON in p.transforms}
                where = COMMON if common else case.parent.name
                found.setdefault(f"{where}/{name}", text + advice)
    for case in sorted((TOP / "tests" / "checks" / "cases").glob("*.tree")):
        for line in case.read_text("utf-8").partition("\n== found ==\n")[2].splitlines():
            name, _, text = line.partition(" ")
            found.setdefault(f"{CHECKS}/{name}", text)
    return json.dumps(dict(sorted(found.items())), indent=1) + "\n"


def _table(rules: Mapping[str, str], title: str) -> list[str]:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in rules.items()]
    return ["", title, "", "| rule | what it allows |", "|---|---|", *rows] if rows else []


def _commands(transforms: list[str]) -> str:
    lines = ["# Commands", "", "```", _run("--help").rstrip(), "```"]
    for name in (*transforms, *BUILT_IN):
        lines += ["", f"## {name}", "", "```", _run("--help", of=name).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def _man(transforms: list[str]) -> str:
    helps = {name: _run("--help", of=name) for name in (*transforms, *BUILT_IN)}
    return manual_page(__version__, _run("--help"), helps)


@cache
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
