"""What a merge changes around the merged file: jobs, templates, Dependabot, builds by hand.

Knows what goes and comes; changes nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from dockerfix.api import Facts, Finding, Place, Scalar, Severity, YamlError, parse_yaml
from dockerfix.api import Mapping as YamlMapping
from dockerfix.api import Sequence as YamlSequence
from dockerfix_transforms.merge_rust.callers.workflows import JoinedWorkflow


def joined_notes(joined: Iterable[JoinedWorkflow]) -> Iterator[Finding]:
    """What a joined job of a workflow changes that no file of the repository says."""
    for one in joined:
        names = ", ".join(one.olds)
        names = names if len(one.olds) > 1 else f"{one.rows} runs of {names}"
        yield Finding.at(
            one.place,
            name="jobs-joined",
            severity=Severity.ASSUME,
            what=f"the job {one.name} does the work of {names}",
            why="Where one image fails to build, those after it are not pushed. A status check"
            " that is required by an old name would wait for ever.",
            do="Look at the required status checks in the repository's settings, or keep the jobs"
            " apart with --accept jobs-apart.",
            subject=one.name,
        )


def idle_notes(idle: Sequence[tuple[str, Place]]) -> list[Finding]:
    """Scripts of templates that no job runs any more."""
    return [
        Finding.at(
            place,
            severity=Severity.NOTE,
            name="idle-script",
            what=f"no job runs the script of {name} any longer; it names a file that is gone",
            why="the jobs that ran it are one, with a script of its own",
            do="delete it, or write the new script there",
            subject=name,
        )
        for name, place in dict.fromkeys(idle)
    ]


_DEPENDABOT = (".github/dependabot.yml", ".github/dependabot.yaml")


def dependabot_notes(facts: Facts, moved: Sequence[str], into: str) -> Iterator[Finding]:
    """Folders that Dependabot looks into for Dockerfiles, and that hold none any more.

    `moved` are paths that go or come; folders are written from the root, with a slash.
    """
    left = {posixpath.dirname(path) for path in facts.dockerfiles if path not in moved}
    left.add(posixpath.dirname(into))
    gone = {posixpath.dirname(path) for path in moved} - left
    for folder in _dependabot_folders(facts):
        if folder.text.strip("/") in gone:
            yield Finding.at(
                folder.file.source.place(folder.span),
                severity=Severity.NOTE,
                name="dependabot",
                what=f"Dependabot looks for a Dockerfile in {folder.text}, where none is left",
                why="base images there are no longer updated",
                do=f"let one entry say /{posixpath.dirname(into)}, and remove the others",
                subject=folder.text,
            )


def _dependabot_folders(facts: Facts) -> Iterator[Scalar]:
    """The folders of Dependabot's entries for docker; none in a file that is no YAML."""
    for path in _DEPENDABOT:
        try:
            file = facts.snapshot.derive(path, parse_yaml) if path in facts.snapshot else None
        except YamlError:
            continue
        root = file.root if file is not None else None
        updates = root.get("updates") if root is not None else None
        for item in updates.items if isinstance(updates, YamlSequence) else ():
            if not isinstance(item, YamlMapping):
                continue
            kind = item.get("package-ecosystem")
            if not isinstance(kind, Scalar) or kind.text != "docker":
                continue
            folder, several = item.get("directory"), item.get("directories")
            listed = several.items if isinstance(several, YamlSequence) else ()
            yield from (node for node in (folder, *listed) if isinstance(node, Scalar))


def plain_docker_build(deleted: Sequence[str], into: str) -> Iterator[Finding]:
    """A plain `Dockerfile` that goes: `docker build folder` by hand stops working."""
    for path in deleted:
        if posixpath.basename(path) != "Dockerfile" or posixpath.basename(into) == "Dockerfile":
            continue
        folder = posixpath.dirname(path) or "."
        yield Finding.at(
            None,
            severity=Severity.ASSUME,
            name="plain-docker-build",
            what=f"`docker build {folder}` will stop working",
            why="calls that are not in a file of this repository cannot be seen",
            do="accept this if nobody runs it by hand, or pass --into Dockerfile to keep the name",
            subject=path,
        )
