"""What `dockerfix builds` prints: every build with what is known of it, and the blind spots.

So that a person can check the tool's understanding of a repository before trusting its patch.
What cannot be known is printed as `unknown` with the reason below, never left blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dockerfix.facts.model import Blind, Build, BuildArgument, Value
from dockerfix.report.json_ import dumped, header, place_data
from dockerfix.report.style import PLAIN, Style

if TYPE_CHECKING:
    from rich.table import Table

UNKNOWN = "unknown"
_TITLES = ("PLACE", "CALL SITE", "TOOL", "DOCKERFILE", "CONTEXT", "TARGET")


def render_builds(builds: Sequence[Build], blind: Sequence[Blind], style: Style = PLAIN) -> str:
    """An aligned table; what a build has more than once stands in lines below its row."""
    rows = [_cells(build) for build in builds]
    widths = [max(map(len, column)) for column in zip(_TITLES, *rows, strict=True)]
    lines = [style.heading(_aligned(_TITLES, widths))] if builds else ["No build was found."]
    for build, cells in zip(builds, rows, strict=True):
        lines.append(_aligned(cells, widths))
        lines += [style.faint(f"    {name}: {value}") for name, value in details(build)]
    lines += _blind_lines(blind, style)
    return "\n".join(lines) + "\n"


def render_builds_json(builds: Iterable[Build], blind: Iterable[Blind]) -> str:
    """The same as JSON, with every value's variables and choices."""
    data = {
        **header(),
        "builds": [_build_data(build) for build in builds],
        "not_followed": [
            {"place": place_data(spot.place), "what": spot.what, "why": spot.why} for spot in blind
        ],
    }
    return dumped(data)


def rich_table(builds: Sequence[Build]) -> Table:
    """The table for a terminal, whose cells wrap at its width."""
    from rich.table import Table
    from rich.text import Text

    table = Table(expand=False, show_lines=True, highlight=False)
    for title in ("call site", "Dockerfile, context, target", "what it is asked for"):
        table.add_column(title, overflow="fold")
    for build in builds:
        place, site, tool, dockerfile, context, target = _cells(build)
        more = "\n".join(f"{name}: {value}" for name, value in details(build))
        table.add_row(
            Text.assemble((site, "bold"), f"\n{tool}\n", (place, "cyan")),
            Text(f"{dockerfile}\ncontext {context}\ntarget {target}"),
            Text(more),
        )
    return table


def details(build: Build) -> Iterator[tuple[str, str]]:
    """What a build may have several of, as names and texts, in a fixed order."""
    if build.site.through:
        yield "through", " > ".join(build.site.through)
    for call in build.calls:
        yield "called at", str(call.place)
    if build.definition is not None:
        yield "defined at", str(build.definition)
    for argument in build.arguments:
        yield "arg", _argument(argument)
    for tag in build.tags:
        yield ("pushed tag" if build.push else "tag"), shown(tag)
    for value in build.cache_from:
        yield "cache from", shown(value)
    for value in build.cache_to:
        yield "cache to", shown(value)
    for value in build.platforms:
        yield "platform", shown(value)
    for value in build.secrets:
        yield "secret", shown(value)
    for argument in build.named_contexts:
        yield "named context", _argument(argument)
    for reason in build.unknown:
        yield UNKNOWN, reason


def shown(value: Value) -> str:
    """A value for a table: its text, and all expansions of a variable that takes several."""
    return f"{value.text} {{{', '.join(value.choices)}}}" if value.choices else value.text


def _cells(build: Build) -> tuple[str, ...]:
    return (
        str(build.site.place),
        f"{build.site.kind.value} {build.site.name}",
        build.tool.value,
        UNKNOWN if build.dockerfile is None else build.dockerfile,
        UNKNOWN if build.context is None else build.context or ".",
        "(last stage)" if build.target is None else shown(build.target),
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _argument(argument: BuildArgument) -> str:
    if argument.value is None:
        return f"{argument.name} (from the caller's environment)"
    return f"{argument.name}={shown(argument.value)}"


def _blind_lines(blind: Sequence[Blind], style: Style) -> list[str]:
    if not blind:
        return []
    lines = ["", style.heading("NOT FOLLOWED")]
    return lines + [f"{spot.place}: {spot.what}: {spot.why}" for spot in blind]


def _build_data(build: Build) -> dict[str, Any]:
    return {
        "place": place_data(build.site.place),
        "kind": build.site.kind.value,
        "name": build.site.name,
        "through": list(build.site.through),
        "calls": [place_data(call.place) for call in build.calls],
        "definition": place_data(build.definition),
        "tool": build.tool.value,
        "folder": build.folder,
        "dockerfile": build.dockerfile,
        "context": build.context,
        "target": _value_data(build.target),
        "arguments": [_argument_data(argument) for argument in build.arguments],
        "tags": [_value_data(value) for value in build.tags],
        "cache_from": [_value_data(value) for value in build.cache_from],
        "cache_to": [_value_data(value) for value in build.cache_to],
        "platforms": [_value_data(value) for value in build.platforms],
        "secrets": [_value_data(value) for value in build.secrets],
        "named_contexts": [_argument_data(argument) for argument in build.named_contexts],
        "push": build.push,
        "load": build.load,
        "unknown": list(build.unknown),
    }


def _argument_data(argument: BuildArgument) -> dict[str, Any]:
    return {"name": argument.name, "value": _value_data(argument.value)}


def _value_data(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "text": value.text,
        "written": value.written,
        "known": value.known,
        "variables": list(value.variables),
        "choices": list(value.choices),
    }
