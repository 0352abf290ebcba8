"""Leaving out the files that one merged file cannot serve together with the others.

Knows what holds for a whole Dockerfile (context, ignore file, directives, global arguments);
what builders must agree on is the business of `group`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from dockerfix.api import Arg, Facts, Newline, Span, changed_first
from dockerfix_transforms.merge_rust.read.input_file import InputFile
from dockerfix_transforms.merge_rust.scope.ignores import one_ignore_file
from dockerfix_transforms.merge_rust.scope.names import told_apart
from dockerfix_transforms.merge_rust.scope.scope import Scope

_PLAIN = re.compile(r"[\w./:@+-]*")
"""A value that needs no quotes."""


def agree(facts: Facts, scope: Scope) -> None:
    """Leave out the files that one merged file cannot serve together with the others."""
    _changed_first(facts, scope)
    _majority(scope, lambda f: f.context, "context", "another build context than the others'")
    one_ignore_file(facts, scope)
    _majority(scope, lambda f: f.graph.tree.escape, "escape", "another escape character")
    _majority(scope, lambda f: f.graph.tree.newline, "newline", "other newlines than the others'")
    for file in list(scope.files):
        if file.graph.tree.newline is Newline.MIXED:
            scope.leave_out(
                file, "newline", "its newlines are mixed", "make them all alike", Span(0, 0)
            )
    _directives(scope)
    _own_defaults(scope)
    _global_arguments(scope)
    scope.files = list(told_apart(scope.files))


def _changed_first(facts: Facts, scope: Scope) -> None:
    """Leave out a file that a script changes before it builds it: the merged file would be built
    without that change."""
    files = {file.path: file for file in scope.files if file.path != scope.into}
    found = dict(changed_first(facts.snapshot, facts.builds.builds, files))
    for path, place in found.items():
        what = f"{place} changes its text before it is built"
        do = "pass what changes as a build argument"
        scope.leave_out(files[path], "changed-first", what, do, Span(0, 0))


def leave_hidden(scope: Scope) -> None:
    """Leave out a file that calls an image or a named context what another one calls a stage:
    in one file the name would mean the stage."""
    for file in tuple(scope.files):
        others = [other for other in scope.files if other is not file]
        stages = {(s.name or "").lower() for other in others for s in other.graph.stages}
        for name, span in _outside_names(file):
            if name.lower() in stages:
                what = f"`{name}` is an image or a named context here, and a stage elsewhere"
                scope.leave_out(file, "name-clash", what, "rename the stage", span)
                break


def _outside_names(file: InputFile) -> Iterator[tuple[str, Span]]:
    """What the file calls images and named contexts, with its place."""
    for stage in file.graph.stages:
        if file.graph.base(stage) is None:
            yield file.graph.image(stage), stage.from_.code
        for named in file.graph.references(stage):
            if named.stage is None:
                yield named.text, named.instruction.code


def _majority(scope: Scope, value: Callable[[InputFile], object], name: str, what: str) -> None:
    """Keep the files whose value most files share; the first one's wins a tie."""
    counts = Counter(value(file) for file in scope.files)
    if len(counts) < 2:
        return
    best = max(counts, key=lambda item: counts[item])
    for file in list(scope.files):
        if value(file) != best:
            span = file.graph.tree.instructions[0].code
            scope.leave_out(file, name, f"it has {what}", "make them alike", span)


def _directives(scope: Scope) -> None:
    """Files whose `syntax` directive says something else than the first one's, or whose `check`
    directive is not that of most."""
    known: dict[str, str] = {}
    for file in list(scope.files):
        for item in file.graph.tree.directives:
            if item.name != "check" and known.setdefault(item.name, item.value) != item.value:
                scope.leave_out(
                    file,
                    "directive",
                    f"its {item.name} directive is {item.value}, another file's is "
                    f"{known[item.name]}",
                    "give the files the same directive",
                    item.span,
                )
                break
    _checks(scope)


def _checks(scope: Scope) -> None:
    """Files without the `check` directive that others have, or the other way round: it holds for
    the whole file, stops builds with warnings, and silences them."""
    wanted = Counter(_check(file) for file in scope.files)
    if len(wanted) < 2:
        return
    most = max(wanted, key=lambda value: (wanted[value], value == ""))
    for file in list(scope.files):
        mine = _check(file)
        if mine != most:
            what = (
                f"its check directive is {mine}, and others have {most or 'none'}"
                if mine
                else f"it has no check directive, and others have {most}"
            )
            span = file.graph.tree.instructions[0].code
            scope.leave_out(file, "directive", what, "give the files the same directive", span)


def _check(file: InputFile) -> str:
    return next((d.value for d in file.graph.tree.directives if d.name == "check"), "")


def _global_arguments(scope: Scope) -> None:
    """Files whose global ARG has another default than the same one of most files, which is the
    first one's in a tie."""
    known = _usual_defaults(scope.files)
    for file in list(scope.files):
        for item in file.graph.tree.preamble:
            entries = item.entries if isinstance(item, Arg) else ()
            entries = tuple(entry for entry in entries if entry not in file.own_defaults)
            clash = next(((n, d) for n, d in entries if known[n][0] != d), None)
            if clash is not None:
                scope.leave_out(
                    file,
                    "global-argument",
                    f"ARG {clash[0]} has the default {clash[1] or 'nothing'} here and "
                    f"{known[clash[0]][0] or 'nothing'} in {known[clash[0]][1]}",
                    "rename it, with its call sites, or align the defaults",
                    item.code,
                )
                break
    for file in list(scope.files):
        _captured(scope, file)


def _own_defaults(scope: Scope) -> None:
    """Have files whose global ARG has another default than most declare it in their images, where
    these alone read it."""
    known = _usual_defaults(scope.files)
    for number, file in enumerate(scope.files):
        items = (i for i in file.graph.tree.preamble if isinstance(i, Arg) and len(i.entries) == 1)
        own = tuple(
            (name, default)
            for name, default in (item.entries[0] for item in items)
            if default is not None and _PLAIN.fullmatch(default) and known[name][0] != default
            if _in_images_only(file, name)
        )
        if own:
            scope.files[number] = replace(file, own_defaults=own)


def _in_images_only(file: InputFile, name: str) -> bool:
    """Whether a global ARG is declared in images alone: no FROM line, no other global ARG and no
    stage that compiles reads it."""
    read = re.compile(rf"\$\{{?{re.escape(name)}\b")
    heads = (*file.graph.tree.preamble, *(stage.from_ for stage in file.graph.stages))
    images = {leaf.stage.index for leaf in file.leaves}
    declaring = {
        stage.index
        for stage in file.graph.stages
        for item in stage.instructions
        if isinstance(item, Arg) and name in dict(item.entries)
    }
    return declaring <= images and not any(read.search(item.text) for item in heads)


def _usual_defaults(files: Sequence[InputFile]) -> dict[str, tuple[str | None, str]]:
    """For each global ARG the default that most files give it, and the first such file."""
    given: dict[str, dict[str | None, list[str]]] = {}
    for file in files:
        for item in file.graph.tree.preamble:
            for name, default in item.entries if isinstance(item, Arg) else ():
                given.setdefault(name, {}).setdefault(default, []).append(file.path)
    return {
        name: max(((d, p[0]) for d, p in found.items()), key=lambda one: len(found[one[0]]))
        for name, found in given.items()
    }


def _captured(scope: Scope, file: InputFile) -> None:
    """Leave a file out whose `ARG x` in a stage would take the default of another file's
    global ARG x, as BuildKit hands it down."""
    defaults = {
        name: (default, other.path)
        for other in scope.files
        for item in other.graph.tree.preamble
        for name, default in (item.entries if isinstance(item, Arg) else ())
        if default
    }
    own = file.graph.global_arguments
    for stage in file.graph.stages:
        for item in stage.instructions:
            for name, default in item.entries if isinstance(item, Arg) else ():
                if default is None and name in defaults and name not in own:
                    scope.leave_out(
                        file,
                        "global-argument",
                        f"ARG {name} has no default here, and would take {defaults[name][0]} "
                        f"from {defaults[name][1]}",
                        "give it a default, or rename one of the two",
                        item.code,
                    )
                    return
