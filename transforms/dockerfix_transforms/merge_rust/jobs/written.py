"""Files that several of the jobs write, and that one job would write over.

Each job has a folder of its own, and hands its own `build.env` to later jobs. Knows lines of
scripts; knows no build.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.api import Job, MappedText, Refused, parse_shell

Lines = Sequence[Sequence[str]]
"""The lines of a job's items; an item of a matrix has one for each row that differs."""


def check_written(jobs: Sequence[Job], scripts: Sequence[Lines]) -> None:
    """Raises `Refused` where two jobs, or two rows of a matrix, write one file with other
    words."""
    written: dict[str, tuple[Job, list[str]]] = {}
    for job, items in zip(jobs, scripts, strict=True):
        mine: dict[str, list[str]] = {}
        for lines in items:
            by_file = _by_file(job, lines)
            several = next((file for file, texts in by_file.items() if len(texts) > 1), "")
            if several:
                raise _clash(job, f"the rows of {job.name}", several)
            for file, texts in by_file.items():
                mine.setdefault(file, []).extend(texts)
        for file, texts in mine.items():
            other, theirs = written.setdefault(file, (job, texts))
            if theirs != texts:
                raise _clash(job, f"{other.name} and {job.name}", file)


def _by_file(job: Job, lines: Sequence[str]) -> dict[str, list[str]]:
    """Each file that these lines write, with the lines that do."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for file in dict.fromkeys(_files(job, line)):
            found.setdefault(file, []).append(line)
    return found


def _clash(job: Job, who: str, file: str) -> Refused:
    what = f"{who} write other things to {file}"
    return Refused(job.place, what, "give each image a file of its own")


def _files(job: Job, line: str) -> Iterator[str]:
    """The files that a line, as YAML, writes: by redirection, or through what a container
    mounts, where the job hands files on."""
    if line[:1] in ("'", '"') and line[-1:] == line[:1]:
        line = line[1:-1]
    script = parse_shell(MappedText.whole(line.encode("utf-8", "surrogateescape")))
    yield from script.written_files
    for command in script.commands() if job.artifacts is not None else ():
        words = [word.value or word.written for word in command.words]
        if words[:2] == ["docker", "run"]:
            mounting = ("-v", "--volume", "--mount")
            yield from (words[n + 1] for n, w in enumerate(words[:-1]) if w in mounting)
