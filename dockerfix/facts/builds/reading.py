"""What the readers of files share: the snapshot, the follower, and what they have found.

A reader asks for a file, which it gets when the file names a build tool, and leaves what it
finds. Knows how files are chosen and where a text may run; knows no kind of file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from dockerfix.facts.builds.carried import Carried, key_of_text
from dockerfix.facts.builds.files.candidates import Candidate
from dockerfix.facts.builds.files.naming import naming
from dockerfix.facts.builds.files.unread import TOOLS, build_text
from dockerfix.facts.builds.scripts.build_commands import read_indirect
from dockerfix.facts.builds.scripts.follow import Follower
from dockerfix.facts.commands.docker_command import make_build
from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.commands.recognise import recognise
from dockerfix.facts.model import MAX_BYTES, Build, CallSite, Value
from dockerfix.facts.shell.state import State
from dockerfix.facts.shell.words import Scope
from dockerfix.syntax.yaml.tree import YamlError, parse_yaml
from dockerfix.text import Kind, MappedText, Snapshot, SnapshotError, Source, Span
from dockerfix.text.watched import Looks

if TYPE_CHECKING:
    from dockerfix.syntax.yaml.tree import YamlFile


ANY = (b"",)
"""What every file holds: for those that `naming` gave, whose bytes were searched before."""


class Reading:
    """One reading of a snapshot: what its readers need, and what they leave."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.follower = Follower(snapshot)
        self.carried = Carried(snapshot)
        self.extra: list[Build] = []
        """Builds that no command asks for: of actions, SDKs and skaffold."""
        self.sources: dict[str, Source] = {}
        """Files that name a build tool, but documents and Python, for what stays unread."""
        self.looked = True
        """Whether the last text to be followed looked at other files, so that its folder counts."""
        self.importers: dict[str, list[str]] | None = None
        """The justfiles that import each one, once it is known."""
        self.needles: tuple[bytes, ...] = TOOLS
        """What a file names that has builds in it, or runs a script that has."""

    @property
    def found(self) -> Found:
        """What following has gathered."""
        return self.follower.found

    def naming(self, kind: Candidate, needed: tuple[bytes, ...] | None = None) -> list[str]:
        """The files of a kind for which `source` gives anything, or says that it cannot."""
        return naming(self.snapshot, kind, self.needles if needed is None else needed)

    def source(self, path: str, needed: Iterable[bytes] | None = None) -> Source | None:
        """A file that names a build tool or a script that does (or one of `needed`); None for
        others, and for what is too large, is no text, or cannot be read, which is said."""
        try:
            data = self.snapshot.peek(path)
        except SnapshotError as error:
            if not self.is_link(path):
                start = Source(path, b"").place(Span(0, 0))
                self.follower.blind(start, "a file", f"it cannot be read: {error.why}")
            return None
        for name in self.needles if needed is None else needed:
            if name in data:
                break
        else:
            return None  # most files: nothing else is made of them
        if b"\0" in data[:1024] or self.is_link(path):
            return None
        source = Source(path, data)
        if len(data) <= MAX_BYTES:
            return source
        if next(build_text(source), None) is not None:
            start = source.place(Span(0, 0))
            self.follower.blind(start, "a file", f"it is larger than {MAX_BYTES} bytes")
        return None

    def is_link(self, path: str) -> bool:
        """Whether a path is a symbolic link: what it leads to is read where it stands, and nobody
        edits through a link."""
        return self.snapshot.entries[path].kind is Kind.SYMLINK

    def keep(self, source: Source) -> None:
        """Remember a file for what stays unread in it."""
        self.sources.setdefault(source.path, source)

    def yaml(self, source: Source) -> YamlFile | None:
        """A YAML file, kept for what stays unread in it; None for one that is broken, which
        is said."""
        try:
            file = self.snapshot.derive(source.path, parse_yaml)
        except YamlError as error:
            self.broken(source, error)
            return None
        self.keep(source)
        return file

    def broken(self, source: Source, error: YamlError) -> None:
        """A file that YAML cannot read, at the place where it breaks."""
        starts = source.line_starts
        at = min(starts[min(error.line, len(starts)) - 1] + error.column - 1, len(source.data))
        self.follower.blind(source.place(Span(at, at)), "a YAML file", error.what)

    def text(self, mapped: MappedText, carrier: Carrier, scope: Scope, folder: str | None) -> None:
        """Follow a text in a fresh shell in a folder, or take what following it found before."""
        follower = self.follower
        key = key_of_text(mapped, carrier, folder, scope, follower.words)
        known = self.carried.look(key)
        if known is not None:
            self.looked |= known.seen.beyond(carrier.source.path)
            follower.barren |= known.barren
            follower.found.with_more(known.found)
            return
        before, follower.found = follower.found, Found()
        follower.snapshot.looks = Looks({carrier.source.path})
        follower.carries = True
        barren = len(follower.barren)
        follower.run(mapped, carrier, State(folder, scope))
        found, follower.found = follower.found, before
        if follower.carries:
            new = dict(islice(follower.barren.items(), barren, None))
            self.carried.keep(key, found, new, follower.snapshot.looks)
        self.looked |= follower.snapshot.looks.beyond(carrier.source.path)
        before.with_more(found)

    def words(self, words: tuple[Value, ...], site: CallSite, state: State) -> None:
        """A command that is given as a list of words."""
        self.looked = True
        recognised = recognise(words)
        if recognised is None:
            return
        build = make_build(recognised, site, state.folder, self.snapshot.entries)
        if build is not None:
            self.found.builds.append(build)
        else:
            read_indirect(self.follower, recognised, site, state)

    def somewhere(
        self, run: Callable[[str], None], beside: str, beside_first: bool = False
    ) -> None:
        """Follow what does not say where it runs: in the root, or in the folder beside it
        when only there its Dockerfiles exist, or the scripts that it runs; or in a folder between,
        where that alone has them all."""
        if not beside:
            run("")
            return
        before = self.found
        tries: list[tuple[tuple[int, bool, str], Found]] = []
        ends = (beside, "") if beside_first else ("", beside)
        for folder in (*ends, *_between(beside)):
            if len(tries) >= len(ends) and not any(found.asks for _, found in tries):
                break  # it asks for nothing, wherever it runs
            self.follower.found = Found(entered=set(before.entered))
            self.looked = False
            run(folder)
            missing = self.missing(self.found.builds)
            whole = not missing and self.found.asks
            # Where a script that it runs is not found, builds are fewer, and none is missing.
            most = max((len(found.builds) for _, found in tries), default=0)
            if folder in ends or (whole and self.existing(self.found.builds) >= most):
                tries.append(((missing, not self.found.asks, folder), self.found))
            if whole and tries[-1][1] is self.found:
                break
            if not self.looked and not self.found.asks:
                break  # nor does it in any other folder
        _, best = min(tries, key=lambda tried: tried[0])
        self.follower.found = before.with_more(best)

    def beside(self, run: Callable[[str], None], folder: str) -> None:
        """Follow what runs in a folder, or in the root (`make -f folder/Makefile`) where more of
        its Dockerfiles are."""
        before = self.found
        tries = []
        for where in dict.fromkeys((folder, "")):
            self.follower.found = Found(entered=set(before.entered))
            run(where)
            tries.append((self.existing(self.found.builds), self.found))
            if not self.missing(self.found.builds):
                break
        _, best = max(tries, key=lambda tried: tried[0])
        self.follower.found = before.with_more(best)

    def has(self, path: str | None) -> bool:
        """Whether a file is there."""
        return path is not None and path in self.snapshot

    def existing(self, builds: Iterable[Build]) -> int:
        """How many builds ask for a Dockerfile that is there."""
        return sum(build.dockerfile in self.snapshot for build in builds if build.dockerfile)

    def missing(self, builds: Iterable[Build]) -> int:
        """How many builds ask for a Dockerfile that does not exist."""
        return sum(b.dockerfile is not None and b.dockerfile not in self.snapshot for b in builds)


def _between(folder: str) -> Iterator[str]:
    """The folders between one and the root, the nearest first."""
    while folder := folder.rpartition("/")[0]:
        yield folder
