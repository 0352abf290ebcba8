"""What `dockerfix builds` prints: every build with what is known of it, and the blind spots.

So that a person can check the tool's understanding of a repository before trusting its patch.
A line a build, grouped by the file and the job or service that asks; what cannot be known is
printed as `unknown` with the reason below, never left blank. Pure: knows no disk.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from dockerfix.facts.model import BareBuild, Blind, Build, BuildArgument, SiteKind, Value
from dockerfix.report.json_ import dumped, header, place_data
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import counted

UNKNOWN = "unknown"
WIDTH = 80
"""Columns that every line fits, but for a single word that is longer."""
_VENDORED = frozenset(
    {"vendor", "vendored", "node_modules", "third_party", "third-party", "external", "submodules"}
)


def render_builds(
    builds: Sequence[Build],
    blind: Sequence[Blind],
    style: Style = PLAIN,
    verbose: bool = False,
    missing: Collection[str] = (),
    bare: Sequence[BareBuild] = (),
) -> str:
    """The builds by file, documents and vendored files last, and what was not followed.

    `missing` are the Dockerfiles that are not in the repository, `bare` the images that are made
    without one; `verbose` adds what a build
    has several of: tags, cache references, arguments.
    """
    lines = [style.heading(_summary(builds, blind))]
    place = ("", "")
    counted = _counted(builds, verbose)
    for key in sorted(counted, key=lambda key: _order(counted[key][0])):
        same = counted[key]
        build = same[0]
        here = (build.site.place.path, f"{build.site.kind.value} {build.site.name}".strip())
        if here[0] != place[0]:
            lines += ["", style.place(here[0])]
        if here != place:
            lines.append(f"  {here[1]}")
        place = here
        lines += _wrapped(_row(build, len(same), missing), "    ")
        notes = details(build) if verbose else _reasons(build)
        for name, value in notes:
            lines += map(style.faint, _wrapped(f"{name}: {value}", "      "))
    return "\n".join([*lines, *_bare_lines(bare, style), *_blind_lines(blind, style)]) + "\n"


def render_builds_json(
    builds: Iterable[Build], blind: Iterable[Blind], bare: Iterable[BareBuild] = ()
) -> str:
    """The same as JSON, with every value's variables and choices."""
    data = {
        **header(),
        "builds": [_build_data(build) for build in builds],
        "not_followed": [
            {"place": place_data(spot.place), "what": spot.what, "why": said(spot.why)}
            for spot in blind
        ],
        "without_dockerfile": [
            {
                "place": place_data(item.site.place),
                "kind": item.site.kind.value,
                "name": item.site.name,
                "tool": item.tool,
            }
            for item in bare
        ],
    }
    return dumped(data)


def details(build: Build) -> Iterator[tuple[str, str]]:
    """What a build may have several of, as names and texts, in a fixed order."""
    yield "tool", build.tool.value
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
    yield from _reasons(build)


def shown(value: Value) -> str:
    """A value for a table: its text, and all expansions of a variable that takes several."""
    choices = f" {{{', '.join(value.choices)}}}" if value.choices else ""
    return said(value.text) + choices


def said(text: str) -> str:
    """A text without the name that stands for what no variable gives."""
    return text.replace("${OPAQUE}", "$(command)")


def _summary(builds: Sequence[Build], blind: Sequence[Blind]) -> str:
    if not builds and not blind:
        return "No build was found."
    unknown = sum(build.dockerfile is None or build.context is None for build in builds)
    found = counted(len(builds), "build")
    return f"{found}, {unknown} with unknown values, {len(blind)} not followed"


def _order(build: Build) -> tuple[bool, bool, str, int]:
    place = build.site.place
    vendored = bool(_VENDORED & set(place.path.split("/")))
    return build.site.kind is SiteKind.DOCUMENT, vendored, place.path, place.span.start


def _counted(builds: Sequence[Build], verbose: bool) -> dict[tuple[object, ...], list[Build]]:
    """Builds that would be the same line together, such as the rows of a matrix."""
    found: dict[tuple[object, ...], list[Build]] = {}
    for build in builds:
        target = build.target.text if build.target is not None else None
        more = tuple(details(build)) if verbose else build.unknown
        key = (build.site.place, build.site.name, build.dockerfile, build.context, target, more)
        found.setdefault(key, []).append(build)
    return found


def _row(build: Build, times: int, missing: Collection[str]) -> str:
    position = build.site.place.position
    dockerfile = UNKNOWN if build.dockerfile is None else build.dockerfile
    context = UNKNOWN if build.context is None else build.context or "."
    parts = [f"{position.line}:{position.column}".ljust(7), dockerfile]
    parts += ["(does not exist)"] if build.dockerfile in missing else []
    parts += [f"context {context}"]
    parts += [f"target {shown(build.target)}"] if build.target is not None else []
    parts += [f"({times} times)"] if times > 1 else []
    return "  ".join(parts)


def _reasons(build: Build) -> Iterator[tuple[str, str]]:
    for reason in build.unknown:
        yield UNKNOWN if build.dockerfile is None or build.context is None else "note", said(reason)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _argument(argument: BuildArgument) -> str:
    if argument.value is None:
        return f"{argument.name} (from the caller's environment)"
    return f"{argument.name}={shown(argument.value)}"


def _blind_lines(blind: Sequence[Blind], style: Style) -> list[str]:
    """What was not followed: places of one file with one reason together."""
    together: dict[tuple[str, str, str], list[Blind]] = {}
    for spot in blind:
        together.setdefault((spot.place.path, spot.what, spot.why), []).append(spot)
    lines = ["", style.heading("NOT FOLLOWED")] if blind else []
    for (_, what, why), spots in together.items():
        others = ", ".join(str(spot.place.position.line) for spot in spots[1:])
        lined = "lines" if len(spots) > 2 else "line"
        further = f" (also in {lined} {others})" if others else ""
        lines += _wrapped(f"{spots[0].place}: {what}: {said(why)}{further}", "")
    return lines


def _bare_lines(bare: Sequence[BareBuild], style: Style) -> list[str]:
    """Images that are made without a Dockerfile."""
    lines = ["", style.heading("WITHOUT A DOCKERFILE")] if bare else []
    for item in bare:
        lines += _wrapped(f"{item.site.place}: {item.tool}", "")
    return lines


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
        "unknown": [said(reason) for reason in build.unknown],
    }


def _argument_data(argument: BuildArgument) -> dict[str, Any]:
    return {"name": argument.name, "value": _value_data(argument.value)}


def _value_data(value: Value | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "text": said(value.text),
        "written": value.written,
        "known": value.known,
        "variables": list(value.variables),
        "choices": list(value.choices),
    }
