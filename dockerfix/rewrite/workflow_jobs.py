"""Jobs of one GitHub workflow that become one job: sibling jobs, or the rows of a matrix.

The first job stays where it stands and takes the others' steps; `needs:` of later jobs follow.
Jobs that differ in more than their steps, and keys that weigh for each job alone, are refused.
Knows the keys of "Workflow syntax for GitHub Actions"; what a build should ask for is not its
business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from msgspec import Struct

from dockerfix.facts.builds.github.expressions import reads_matrix
from dockerfix.rewrite.wanted import Refused
from dockerfix.rewrite.workflow_heads import (
    Part,
    head_edits,
    labels_for,
    rows_of,
    shared_words,
)
from dockerfix.rewrite.workflow_rows import needed_too, rows_gone
from dockerfix.rewrite.workflow_steps import Laid, laid_over, steps_of
from dockerfix.rewrite.yaml_edits import (
    comments_above,
    line_end,
    removed_item,
    set_scalar,
    shared_anchor,
    shift,
)
from dockerfix.syntax.yaml.data import strings
from dockerfix.syntax.yaml.tree import Entry, Scalar, YamlFile, to_data
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, EditSet, Span

FRAME = frozenset(
    {"runs-on", "needs", "if", "permissions", "env", "defaults", "container", "services"}
)
"""Keys that the jobs must have alike."""
_BESIDE = frozenset({"name", "steps", "strategy", "timeout-minutes"})


class JoinedJob(Struct, frozen=True):
    """The edits that make jobs one, and the span of that job in the file afterwards."""

    name: str
    edits: tuple[Edit, ...]
    span: Span
    after: Span


def job_entries(file: YamlFile) -> dict[str, Entry]:
    """The jobs of a workflow that are written out, in their order."""
    jobs = file.root.get("jobs") if file.root is not None else None
    found = jobs.entries if isinstance(jobs, YamlMapping) and not jobs.flow else ()
    return {e.key.text: e for e in found if isinstance(e.value, YamlMapping) and not e.aliased}


def frame_of(entry: Entry) -> dict[str, Any]:
    """What a job must share with those that it is joined with; raises `Refused` for keys that
    weigh for each job alone."""
    body, source = entry.value, entry.key.file.source
    if not isinstance(body, YamlMapping) or body.flow:
        raise Refused(source.place(entry.key.span), "the job stands in braces", "write it out")
    frame = {}
    for key, node in body.resolved.items():
        if key in FRAME:
            frame[key] = to_data(node)
        elif key not in _BESIDE:
            what = f"`{key}:` of the job {entry.key.text} is for each image by itself"
            raise Refused(source.place(entry.key.span), what, "join the jobs by hand")
    for key, value in frame.items():
        if any(
            reads_matrix(text, bare=key == "if") or "strategy." in text for text in strings(value)
        ):
            what = f"`{key}:` of the job {entry.key.text} differs between the rows of its matrix"
            raise Refused(source.place(entry.key.span), what, "join the rows by hand")
    if isinstance(frame.get("needs"), str):
        frame["needs"] = [frame["needs"]]
    return frame


def join_workflow_jobs(
    file: YamlFile, names: Sequence[str], taken: Collection[str] = ()
) -> JoinedJob:
    """The edits that make the named jobs, with all rows of their matrices, one job, whose name
    is none of those `taken`; raises `Refused`."""
    return _Joining(file, names, taken=taken).joined()


def split_workflow_job(file: YamlFile, name: str, numbers: Collection[int]) -> JoinedJob:
    """The edits that take rows (by their number from 0) out of a job's matrix, into one job of
    their own that stands behind it; raises `Refused`."""
    entry = job_entries(file)[name]
    source, place = file.source, file.source.place(entry.key.span)
    joining = _Joining(file, [name], numbers, f"{name}-rust")
    joining.check()
    start = source.line_of(entry.key.span.start).start
    end = line_end(source, entry.value.span.end)
    inside = joining.inside()
    if source.data[end - 1 : end] != b"\n" or shared_anchor(file, [entry.span]):
        raise Refused(place, f"the job {name} cannot be copied", "split its matrix by hand")
    moved = [Edit(Span(e.span.start - start, e.span.end - start), e.replacement) for e in inside]
    beside = [
        source.slice(source.line_of(at)) for at in (start - 1, end) if 0 <= at < len(source.data)
    ]
    blank = source.newline.bytes if any(not line.strip() for line in beside) else b""
    text = blank + EditSet.of(moved).apply(source.data[start:end])
    others = [
        *rows_gone(entry, numbers),
        *needed_too(job_entries(file).values(), name, joining.name),
    ]
    before = [e for e in others if e.span.start < end]
    at = end + sum(len(e.replacement) - e.span.length for e in before)
    edits = (*others, Edit(Span(end, end), text))
    return JoinedJob(joining.name, edits, Span(end, end), Span(at, at + len(text)))


class _Joining:
    """One joining. Private to `join_workflow_jobs`."""

    def __init__(
        self,
        file: YamlFile,
        names: Sequence[str],
        numbers: Collection[int] | None = None,
        name: str = "",
        taken: Collection[str] = (),
    ) -> None:
        self.file = file
        self.source = file.source
        self.names = names
        self.entries = job_entries(file)
        self.taken = {*self.entries, *taken}
        self.first = self.entries[names[0]]
        self.parts = [_part(self.entries[name], numbers) for name in names]
        self.name = self.free(name) if name else self.new_name()

    def joined(self) -> JoinedJob:
        """The edits; raises `Refused`."""
        self.check()
        span = Span(
            self.source.line_of(self.first.key.span.start).start,
            line_end(self.source, self.first.value.span.end),
        )
        inside = self.inside()
        others = [*self.others_gone(), *self.needs_edits()]
        before = [e for e in others if e.span.start < span.start]
        start = span.start + sum(len(e.replacement) - e.span.length for e in before)
        length = span.length + sum(len(e.replacement) - e.span.length for e in inside)
        return JoinedJob(self.name, (*inside, *others), span, Span(start, start + length))

    def inside(self) -> list[Edit]:
        """The edits of the first job: its head, and the steps of all rows."""
        every = [steps_of(self.steps(part.entry), row) for part in self.parts for row in part.rows]
        laid = laid_over(every, labels_for(self.parts))
        return [*head_edits(self.parts, self.name), self.steps_edit(laid)]

    def check(self) -> None:
        """Refuse what reads the jobs by their names, and anchors that others use."""
        place = self.source.place(self.first.key.span)
        gone = [name for name in self.names if name != self.name]
        text = self.source.text(Span(0, len(self.source.data)))
        for name in gone:
            if re.search(rf"\bneeds\.{re.escape(name)}(?![\w-])|needs\[", text):
                what = f"another job reads what {name} hands on"
                raise Refused(place, what, "join the jobs by hand")
        spans = [self.entries[name].span for name in self.names]
        if any("github.job" in self.source.text(span) for span in spans) and gone:
            raise Refused(place, "a step reads its job's name", "join the jobs by hand")
        anchor = shared_anchor(self.file, spans)
        if anchor:
            raise Refused(place, f"other jobs use the anchor {anchor}", "join the jobs by hand")

    def steps(self, entry: Entry) -> YamlSequence:
        """The steps of a job."""
        body = entry.value
        found = body.get("steps") if isinstance(body, YamlMapping) else None
        if not isinstance(found, YamlSequence):
            place = self.source.place(entry.key.span)
            raise Refused(place, f"the job {entry.key.text} has no steps", "join it by hand")
        return found

    def new_name(self) -> str:
        """`<what the names begin with>images`; one job keeps its name."""
        if len(self.names) == 1:
            return self.names[0]
        head = shared_words(list(self.names))
        return self.free(f"{head}images")

    def free(self, name: str) -> str:
        """The name, or one like it that no job has."""
        while name in self.taken:
            name = f"{name}-all"
        return name

    def steps_edit(self, laid: Sequence[Laid]) -> Edit:
        """The steps as written, in the first job's indentation and spacing."""
        steps = self.steps(self.first)
        source = self.source
        first = source.line_of(steps.items[0].span.start)
        lead = source.text(Span(first.start, steps.items[0].span.start))
        indent = len(lead) - len(lead.lstrip())
        start = comments_above(source, first.start).start
        end = line_end(source, steps.items[-1].span.end)
        text = shift(laid[0].step.text, indent)
        for one in laid[1:]:
            text += ("\n\n" if one.step.spaced else "\n") + shift(one.step.text, indent)
        text += "\n" if source.data[end - 1 : end] == b"\n" else ""
        newline = source.newline.bytes.decode()
        encoded = text.replace("\n", newline).encode("utf-8", "surrogateescape")
        return Edit(Span(start, end), encoded)

    def others_gone(self) -> Iterator[Edit]:
        """The other jobs taken out, with the comments and blank lines above them."""
        for name in self.names[1:]:
            entry = self.entries[name]
            start = self.source.line_of(entry.key.span.start).start
            start = comments_above(self.source, start).start
            while start > 0:
                line = self.source.line_of(start - 1)
                if self.source.text(line).strip():
                    break
                start = line.start
            yield Edit(Span(start, line_end(self.source, entry.value.span.end)), b"")

    def needs_edits(self) -> Iterator[Edit]:
        """`needs:` of the jobs that stay."""
        gone = {name for name in self.names if name != self.name}
        for name, entry in self.entries.items():
            body = entry.value
            found = body.get("needs") if isinstance(body, YamlMapping) else None
            if name in self.names or not gone:
                continue
            items = found.items if isinstance(found, YamlSequence) else (found,)
            mine = [
                n for n, item in enumerate(items) if isinstance(item, Scalar) and item.text in gone
            ]
            for number, index in enumerate(mine):
                item = items[index]
                assert isinstance(item, Scalar)
                if number and isinstance(found, YamlSequence):
                    yield removed_item(found, index)
                else:
                    yield set_scalar(item, self.name)


def _part(entry: Entry, numbers: Collection[int] | None) -> Part:
    """A job with all its rows, or with those of some numbers."""
    found = rows_of(entry)
    return Part(entry, tuple(r for n, r in enumerate(found) if numbers is None or n in numbers))
