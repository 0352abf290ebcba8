"""Lines of a script with the values of variables in place of their names.

Knows words and variables; knows nothing of what a line runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from dockerfix.api import Job, Node, Refused, written
from dockerfix.api import Sequence as YamlSequence


def mentions(text: str, name: str) -> bool:
    """Whether a line may read a variable."""
    return any(f"{sign}{name}" in text for sign in ("$", "${", "${#", "${!"))


def expanded(item: Node, job: Job, names: Collection[str]) -> list[str]:
    """A script item with the variables that told the jobs apart replaced by their values,
    once for each row of a matrix. Raises `Refused` where a value cannot take the place of its
    name."""
    if isinstance(item, YamlSequence):
        return [_named_list(item, job, names)]
    text = written(item)
    if not any(mentions(text, name) for name in names):
        return [text]
    found = []
    for row in job.rows or ({},):
        values = {**job.variables, **row}
        line = text
        for name in sorted(names):
            if _in_expansion(line, name):
                raise Refused(
                    job.place, f"`{line}` does more with {name} than read it",
                    "write the value out",
                )  # fmt: skip
            value = values[name].text if name in values else ""
            line = line.replace("${" + name + "}", value)
            line = _replaced(line, name, value)
        found.append(line)
    return list(dict.fromkeys(found))


def _in_expansion(line: str, name: str) -> bool:
    """Whether a variable is expanded with an operator, `${NAME:-x}` or `${#NAME}`."""
    return re.search(rf"\$\{{(?:[#!]{name}\b|{name}[^\w}}])", line) is not None


_ANCHOR = re.compile(r"&([^\s,\[\]{}]+)\s")


def _named_list(item: YamlSequence, job: Job, names: Collection[str]) -> str:
    """A list that stands elsewhere, as the job names it; raises `Refused` where it reads a
    variable that goes."""
    source = item.file.source
    if item.tag == "!reference":
        text = written(item)
        named = text if text.startswith("!reference") else f"!reference {text}"
    else:
        found = _ANCHOR.match(source.text(item.span))
        if found is None:
            raise Refused(job.place, f"the script of {job.name} is nested", "write it flat")
        named = f"*{found[1]}"
    lines = [line.scalar.text for line in job.lines]
    if any(mentions(line, name) for name in names for line in lines):
        raise Refused(
            job.place, f"{named} may read a variable that differs between the jobs",
            "write the list out",
        )  # fmt: skip
    return named


def _replaced(line: str, name: str, value: str) -> str:
    """`$NAME` replaced where the name ends there."""
    out, at = "", 0
    while (found := line.find(f"${name}", at)) >= 0:
        end = found + 1 + len(name)
        longer = line[end : end + 1].isalnum() or line[end : end + 1] == "_"
        out += line[at:end] if longer else line[at:found] + value
        at = end
    return out + line[at:]
