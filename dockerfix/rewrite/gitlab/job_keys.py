"""Keys of a job that are put in, replaced or taken out as lines of YAML.

Knows the layout of a job; knows no meaning of a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import (
    column,
    dash_indent,
    entry_lines,
    indent_step,
    inserted_line,
)
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.text import Edit


class JobKeys:
    """Edits of one job's keys. New keys behind one entry are one edit."""

    def __init__(self, job: Job) -> None:
        if job.body is None:
            raise Refused(job.place, f"{job.name} is defined elsewhere", "write it out")
        self.job = job
        self.body: YamlMapping = job.body
        self.source = job.file.source
        self.indent = column(self.source, self.body.entries[0].key.span.start)
        self.dash = dash_indent(job.file)
        self.step = indent_step(job.file)
        self.found: list[Edit] = []
        self.added: list[str] = []

    def edits(self) -> Edits:
        """All edits so far, with new keys below the last one."""
        found = list(self.found)
        if self.added:
            found.append(inserted_line(self.source, self._free_line(), "\n".join(self.added)))
        return [(self.source.path, edit) for edit in found]

    def _free_line(self) -> int:
        """Where new keys go: above `script:`, which people read last; else at the end. Never
        above a `<<`, which would override them for GitLab's reader."""
        own = [e for e in self.body.entries if self.body.span.contains(e.key.span)]
        script = next((n for n, e in enumerate(own) if e.key.text == "script"), None)
        if script and not any(e.key.text == "<<" for e in own[script:]):
            return entry_lines(own[script - 1]).end
        return entry_lines(own[-1]).end

    def remove(self, key: str) -> None:
        """Take a key out with its lines."""
        entry = self.body.entry(key)
        if entry is not None:
            self.found.append(Edit(entry_lines(entry), b""))

    def put(self, key: str, items: Sequence[str], comments: Sequence[str] = ()) -> None:
        """A key with a list of YAML texts below it, in place of what stands here, or new.
        Comments that stand in the old value stay, above `comments`."""
        entry = self.body.entry(key)
        head = f"{' ' * self.indent}{key}:"
        lines = [*self._padded(comments), *self._block_list(items)]
        if entry is None:
            self.added.append("\n".join([head, *lines]))
            return
        newline = self.source.newline.bytes.decode()
        text = newline.join([head, *self._padded(self.comments(key)), *lines]) + newline
        self.found.append(Edit(entry_lines(entry), text.encode()))

    def comments(self, key: str) -> list[str]:
        """Comment lines between a key and the end of its value, shell comments included."""
        entry = self.body.entry(key)
        lines = self.source.text(entry_lines(entry)).splitlines()[1:] if entry is not None else []
        return [line.strip() for line in lines if line.lstrip().startswith("#")]

    def _padded(self, lines: Sequence[str]) -> list[str]:
        return [" " * (self.indent + self.dash) + line for line in lines]

    def _block_list(self, texts: Sequence[str]) -> Iterator[str]:
        """The lines of a block list below a key of the job, in the file's indentation."""
        pad = " " * (self.indent + self.dash)
        for text in texts:
            head, *rest = text.split("\n")
            yield f"{pad}- {head}"
            yield from (f"{pad}  {line}" if line else "" for line in rest)
