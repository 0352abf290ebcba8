"""The gate: nothing is shown that did not pass every check here (ARCHITECTURE.md).

Checks run in order and stop at the first that fails, since the later ones stand on the
earlier: paths, edits, syntax, comments, second reader, permits, obligations, second run. None
of them asks the transform whether it was right; the last one only asks it to run again.

Knows proposals and readers; knows nothing of any transform.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from msgspec import Struct

from dockerfix.engine.obligations import owed
from dockerfix.engine.permits import paths, refused_permits
from dockerfix.engine.proposal import Proposal
from dockerfix.engine.reading import Fault, comments, faults
from dockerfix.engine.touched_images import Changes
from dockerfix.facts.dockerfile.file_names import is_dockerfile
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Obligation, Permit, Verdict
from dockerfix.syntax.dockerfile import Dockerfile
from dockerfix.text import Kind, Snapshot, normalise_path


class Passed(Struct, frozen=True):
    """Everything held: what changes, the verdict of each obligation in their order, and what
    nothing could prove."""

    changes: Changes
    verdicts: tuple[Verdict, ...]
    unproved: tuple[str, ...] = ()


class Failed(Struct, frozen=True):
    """A check failed: its name, and what it found, one line each. `about` are the files of the
    snapshot before that the faults are about, those with the most faults first; `sites` are
    the places of the call sites of before that they are about."""

    check: str
    found: tuple[str, ...]
    about: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()


class Judges(Struct, frozen=True):
    """The independent code that the gate asks; `Judges.real` is what runs outside of tests.

    `verdict(obligation, before, after)` says whether it holds; `disagreements(tree)` lists
    where another Dockerfile parser reads the file differently.
    """

    verdict: Callable[[Obligation, Facts, Facts], Verdict]
    disagreements: Callable[[Dockerfile], tuple[str, ...]]

    @classmethod
    def real(cls) -> Judges:
        """The checkers of the proof layer, imported on first use."""
        from dockerfix.proof import check
        from dockerfix.proof.second_reader import disagreements

        return cls(check, disagreements)


def examine(
    before: Facts,
    proposal: Proposal,
    again: Callable[[Facts], Proposal],
    judges: Judges,
    accept: Collection[str] = (),
) -> Passed | Failed:
    """Whether a proposal may be shown.

    `again` runs the same transform with the same paths and options on other facts; `accept`
    is what the person accepted. Raises `SnapshotError` when a touched file cannot be read.
    """
    if found := tuple(_paths(before.snapshot, proposal)):
        return Failed("paths", found)
    changes: dict[str, bytes | None] = {}
    if found := tuple(_edits(before.snapshot, proposal, changes)):
        return Failed("edits", found)
    after = before.after(changes)
    touched = _Touched(before, after, changes, _dockerfiles(proposal.permits))
    if found := tuple(_syntax(touched)):
        return Failed("syntax", found)
    if found := tuple(_comments(touched, proposal)):
        return Failed("comments", found, tuple(dict.fromkeys(f.split(":")[0] for f in found)))
    if found := tuple(_second_reader(touched, judges)):
        return Failed("second reader", found)
    if refused := list(refused_permits(proposal.permits, proposal.findings, accept)):
        about = (path for permit, _ in refused for path in paths(permit))
        known = dict.fromkeys(path for path in about if path in before.snapshot)
        return Failed("permits", tuple(line for _, line in refused), tuple(known))
    due = owed(before, after, changes, proposal.permits)
    verdicts = tuple(judges.verdict(item, before, after) for item in due.obligations)
    if found := tuple(_broken(verdicts)):
        check = _first_broken(due.obligations, verdicts)
        sites = dict.fromkeys(site for verdict in verdicts for site in verdict.sites)
        return Failed(check, found, _concerned(due.obligations, verdicts), tuple(sites))
    if found := tuple(_second_run(again, after)):
        return Failed("second run", found)
    more = (line for verdict in verdicts for line in verdict.unproved)
    return Passed(changes, verdicts, tuple(dict.fromkeys((*due.unproved, *more))))


class _Touched(Struct, frozen=True):
    """What the checks look at: both sides, what changes, and which paths are Dockerfiles
    whatever their name."""

    before: Facts
    after: Facts
    changes: Changes
    named: frozenset[str]

    def dockerfiles(self, facts: Facts) -> Iterator[Dockerfile]:
        """The touched Dockerfiles of one side, in the order of their paths."""
        for path in sorted(self.changes):
            if path in facts.snapshot and self.is_dockerfile(path):
                yield facts.dockerfile(path)

    def is_dockerfile(self, path: str) -> bool:
        """By name, or because an image of it stands for another one."""
        return path in self.named or is_dockerfile(path)


def _dockerfiles(permits: Iterable[Permit]) -> frozenset[str]:
    """The files that are Dockerfiles since images of theirs stand for others."""
    return frozenset(permit.place for permit in permits if permit.rule == "stands-for")


def _paths(snapshot: Snapshot, proposal: Proposal) -> Iterator[str]:
    """Every path is used once, stays in the root and is what the proposal takes it for."""
    edited, created, deleted = set(proposal.edits), set(proposal.created), set(proposal.deleted)
    for path in sorted((edited & created) | (edited & deleted) | (created & deleted)):
        yield f"{path}: named twice among edited, created and deleted files"
    for path in sorted(edited | created | deleted):
        if path == "" or normalise_path(path) != path or ".git" in path.split("/"):
            yield f"{path}: no path that a patch may touch"
            continue
        for folder in _folders(path):
            if folder in snapshot:
                yield f"{path}: {folder} is not a folder"
            elif folder in snapshot.opaque:
                yield f"{path}: {folder} was not read"
    for path in sorted(edited | deleted):
        if path not in snapshot:
            yield f"{path}: no such file"
        elif snapshot.entries[path].kind is not Kind.FILE:
            yield f"{path}: a symbolic link, which no patch edits"
    for path in sorted(created):
        if path in snapshot or snapshot.is_folder(path):
            yield f"{path}: exists already"


def _folders(path: str) -> Iterator[str]:
    """The folders above a path, the root left out."""
    while path := posixpath.dirname(path):
        yield path


def _edits(
    snapshot: Snapshot, proposal: Proposal, changes: dict[str, bytes | None]
) -> Iterator[str]:
    """Every edit lies in its file and changes something; fills `changes`."""
    changes.update(proposal.created)
    changes.update(dict.fromkeys(proposal.deleted))
    for path, edits in proposal.edits.items():
        data = snapshot.read(path)
        try:
            changes[path] = edits.apply(data)
        except ValueError as error:
            yield f"{path}: {error}"
            continue
        if changes[path] == data:
            yield f"{path}: edits that change nothing"


def _syntax(touched: _Touched) -> Iterator[str]:
    """No touched file is worse for its own grammar than it was; new files are faultless."""
    for path in sorted(touched.changes):
        after = _faults(touched, touched.after, path)
        known: Counter[str] = Counter()
        if after:
            known.update(fault.message for fault in _faults(touched, touched.before, path))
        for fault in after:
            known[fault.message] -= 1
            if known[fault.message] < 0:
                yield str(fault)


def _faults(touched: _Touched, facts: Facts, path: str) -> list[Fault]:
    if path not in facts.snapshot:
        return []
    return faults(facts.snapshot, path, dockerfile=touched.is_dockerfile(path))


def _comments(touched: _Touched, proposal: Proposal) -> Iterator[str]:
    """Every comment of a touched Dockerfile stands in one afterwards, alone or as a part of a
    longer one, or a finding at its line says that it goes."""
    texts = [text for tree in touched.dockerfiles(touched.after) for _, text in comments(tree)]
    kept = "\n".join(texts)
    said = {(f.place.path, f.place.position.line) for f in proposal.findings if f.place}
    for tree in touched.dockerfiles(touched.before):
        for line, text in comments(tree):
            if text.rstrip(".") in kept or (tree.path, line) in said:
                continue
            if not any(_is_part(text, other) for other in texts):
                yield f"{tree.path}:{line}:1: a comment is lost: {text}"


def _is_part(text: str, other: str) -> bool:
    """Whether a comment says another one's words in their order, with more names among them:
    `Build the a and b binaries` says `Build the b binary`. Numbers count stages, which a new
    file does again."""
    words, rest = text.strip("# ").split(), iter(other.strip("# ").split())
    return len(words) > 2 and all(any(_is_same_word(word, w) for w in rest) for word in words)


def _is_same_word(word: str, other: str) -> bool:
    one, two = word.strip(",.:"), other.strip(",.:")
    plural = len(one) > 3 and two in (f"{one}s", f"{one[:-1]}ies")
    return one == two or plural or (one.isdigit() and two.isdigit())


def _second_reader(touched: _Touched, judges: Judges) -> Iterator[str]:
    """Another parser agrees afterwards wherever it agreed before; a new file is held to what
    the files that it came from gave."""
    before = {tree.path: judges.disagreements(tree) for tree in touched.dockerfiles(touched.before)}
    agreed_everywhere = not any(before.values())
    for tree in touched.dockerfiles(touched.after):
        if before.get(tree.path, not agreed_everywhere):
            continue
        for disagreement in judges.disagreements(tree):
            yield f"{tree.path}: {disagreement}"


def _broken(verdicts: Iterable[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        for failure in verdict.failures:
            yield f"{failure} (owed: {verdict.statement})"


def _first_broken(obligations: Iterable[Obligation], verdicts: Iterable[Verdict]) -> str:
    """The kind of the first obligation that does not hold."""
    pairs = zip(obligations, verdicts, strict=True)
    return next(item.kind for item, verdict in pairs if verdict.failures)


def _concerned(obligations: Iterable[Obligation], verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """The Dockerfiles that faults are about, those with the most faults first."""
    counts: Counter[str] = Counter()
    for item, verdict in zip(obligations, verdicts, strict=True):
        counts[item.about] += len(verdict.failures)
        counts.update(verdict.about)
    return tuple(path for path, count in counts.most_common() if path and count)


def _second_run(again: Callable[[Facts], Proposal], after: Facts) -> Iterator[str]:
    """A patch that has been applied leaves nothing to do."""
    try:
        second = again(after)
    except Exception as error:  # whatever a transform's own code may raise
        yield f"the same command would then fail: {error}"
        return
    if second.changes_anything:
        touched = sorted({*second.edits, *second.created, *second.deleted})
        yield f"the same command would then change {', '.join(touched)} again"
