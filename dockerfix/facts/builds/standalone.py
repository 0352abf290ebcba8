"""Shell scripts and the rules of Makefiles, as a person would run them.

What another file runs is read there, with that caller's arguments: by itself a script or rule
counts only when nothing runs it. Knows which of them are run; follows none itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from dockerfix.facts.builds.files.candidates import Candidate
from dockerfix.facts.builds.files.naming import by_kind
from dockerfix.facts.builds.files.unread import BUILD_TEXT, TOOLS
from dockerfix.facts.builds.reading import ANY, Reading
from dockerfix.facts.commands.gathered import Carrier, Found
from dockerfix.facts.model import SiteKind
from dockerfix.facts.shell.script_files import read_script
from dockerfix.facts.shell.words import Scope
from dockerfix.text import MappedText, Source

if TYPE_CHECKING:
    from dockerfix.facts.make import Makefile


def building_scripts(reading: Reading) -> list[Source]:
    """Scripts that name a build tool, and those that name such a script."""
    found: dict[str, Source] = {}
    for _ in range(3):
        for path in reading.naming(Candidate.SHELL):
            source = reading.source(path, ANY) if path not in found else None
            if source is not None and _is_shell(source):
                found[path] = source
        names = {posixpath.basename(path).encode() for path in found}
        needles = (*TOOLS, *sorted(names), b"make")
        if needles == reading.needles:
            break
        reading.needles = needles
        reading.follower.add_words(name.decode("utf-8", "surrogateescape") for name in names)
    return [found[path] for path in sorted(found)]


class Standalone:
    """Reads scripts and rules; `keep_alone` says which of them count."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.follower = reading.follower
        self.alone: list[tuple[str, Found]] = []
        """What each of them asks for by itself, with its name."""

    def makefiles(self) -> None:
        """Rules of Makefiles; a file that another includes is part of that one."""
        included: set[str] = set()
        paths = by_kind(self.reading.snapshot).get(Candidate.MAKE, ())
        for path in sorted(paths, key=lambda path: (path.endswith((".mk", ".mak")), path)):
            source = self.reading.source(path)
            makefile = self.follower.makefiles.read(path) if path not in included else None
            if makefile is None:
                continue
            included |= makefile.included
            for name in (path, *makefile.included):
                part = source if name == path else self.reading.source(name)
                if part is not None:
                    self.reading.keep(part)
            self.rules(makefile)

    def rules(self, makefile: Makefile) -> None:
        """Every rule once for each of its targets; a pattern that something else makes targets
        of stands for those."""
        whole = makefile.expander()  # what it knows of the variables serves all rules
        for rule, target in makefile.runs():
            if not makefile.says(rule, self.follower.words):
                continue
            made = (name.partition(":")[2] for name in self.follower.found.entered)
            if "%" in target and any(rule.makes(target, name) for name in made):
                continue
            expander = makefile.of_target(whole, rule, target)
            scope = makefile.scope(expander)
            carrier = Carrier(SiteKind.MAKE, target, rule.source)
            with self.apart(f"{rule.source.path}:{target}") as wanted:
                if wanted:
                    texts = tuple(makefile.recipe(expander, rule))
                    run = partial(self.recipe, texts, carrier, scope)
                    self.reading.beside(run, posixpath.dirname(makefile.path))

    def recipe(
        self, texts: Sequence[MappedText], carrier: Carrier, scope: Scope, folder: str
    ) -> None:
        """The lines of one rule, in a folder."""
        for text in texts:
            self.reading.text(text, carrier, scope, folder)

    def scripts(self, sources: list[Source]) -> None:
        """Scripts as a person would run them."""
        for source in sources:
            self.reading.keep(source)
            path = source.path
            carrier = Carrier(SiteKind.SHELL, posixpath.basename(path), source)
            run = partial(
                self.reading.text, MappedText.whole(source.data), carrier, Scope(script=path)
            )
            with self.apart(path) as wanted:
                if wanted:
                    self.reading.somewhere(run, posixpath.dirname(path))

    def functions(self, sources: list[Source]) -> None:
        """Functions that build and that nothing calls: what they are called with is not known."""
        called = {name for _, found in self.alone for name in found.entered}
        called |= self.follower.found.entered
        for source in sources:
            script = read_script(self.reading.snapshot, source.path)
            for function in script.functions.values() if script is not None else ():
                name = f"{source.path}:{function.name}()"
                text = source.text(function.body_span)
                if script is None or name in called or not BUILD_TEXT.search(text):
                    continue
                carrier = Carrier(SiteKind.SHELL, function.name, source)
                run = partial(self.follower.uncalled, script, function, carrier)
                with self.apart(name):
                    self.reading.looked = True
                    self.reading.somewhere(run, posixpath.dirname(source.path))

    @contextmanager
    def apart(self, name: str) -> Iterator[bool]:
        """Gather what a script or rule asks for when it is run by itself, which counts only
        when nothing else runs it; False when something does already."""
        before = self.follower.found
        if name in before.entered:
            yield False
            return
        self.follower.found = Found()
        yield True
        self.alone.append((name, self.follower.found))
        self.follower.found = before

    def keep_alone(self) -> None:
        """Count the scripts and rules that no other one runs."""
        inner = {entered for name, found in self.alone for entered in found.entered - {name}}
        for name, found in sorted(self.alone, key=lambda pair: pair[0] in inner):
            # One that is run only in a circle is entered by none before it.
            if name not in self.follower.found.entered:
                self.follower.found.with_more(found)


def _is_shell(source: Source) -> bool:
    first = source.data[:80].split(b"\n")[0]
    by_shebang = first.startswith(b"#!") and b"sh" in first
    return by_shebang or source.path.endswith((".sh", ".bash"))
