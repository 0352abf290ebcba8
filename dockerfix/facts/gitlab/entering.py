"""What a command of a job enters: a script, the recipes of make, a script of package.json.

Each text is followed by the walk that comes to it. Knows where such texts stand.
"""

from __future__ import annotations

import json
import posixpath

from dockerfix.facts.commands.recognise import plain
from dockerfix.facts.gitlab.walking import At, Walk
from dockerfix.facts.make import make_words
from dockerfix.facts.model import Value
from dockerfix.facts.shell.script_files import read_script, script_path
from dockerfix.syntax.shell import (
    SHELLS,
)
from dockerfix.text import MappedText, Place, Snapshot, SnapshotError, join_path

_WRAPPERS = frozenset({"gradlew", "mvnw"})
"""Scripts that a build tool writes into a repository, to fetch and run itself."""


def enter_script(walk: Walk, name: str, words: tuple[Value, ...], place: Place, at: At) -> bool:
    """`sh FILE`, `./FILE`, `. FILE` and `sh -c TEXT`; a program of the image is none."""
    texts = [plain(word) for word in words]
    if name in SHELLS and len(texts) > 1 and texts[1].startswith("-") and "c" in texts[1]:
        inner = at.inside(at.source, at.folder)
        inner.place = place
        walk.text(MappedText.whole(" ".join(texts[2:3]).encode()), inner)
        return True
    started = name in SHELLS or name in (".", "source")
    written = _script_of(texts[1:]) if started else texts[0]
    if not written or written.startswith(("/", "~/", "${HOME}/")) or _activates(texts):
        return False
    if posixpath.basename(written) in _WRAPPERS:
        return False
    path = script_path(written, at.folder) if at.folder is not None else None
    script = read_script(walk.snapshot, path) if path is not None else None
    if path is None or script is None:
        there = path if path is not None and path in walk.snapshot else ""
        walk.stop(written, "it is not a shell script of this repository", place, there)
        return started
    inner = at.inside(walk.snapshot.source(path), at.folder)
    inner.functions = at.functions if name in (".", "source") else dict(at.functions)
    walk.texts[(path, walk.snapshot.text(path))] = None
    if script.broken:
        walk.stop(path, "the shell grammar cannot read it", place)
    walk.statements(script.statements, inner)
    return True


def enter_make(walk: Walk, words: tuple[Value, ...], place: Place, at: At) -> bool:
    """The recipes that `make` runs."""
    call = make_words(words[1:], at.folder)
    file = walk.makefiles.find(call) if call is not None else None
    wanted = file.wanted(call.targets) if file is not None and call is not None else []
    if file is None or call is None or not wanted:
        walk.stop("make", "its Makefile or target is not in this repository", place)
        return True
    for part in (file.path, *sorted(file.included)):
        walk.texts[(part, walk.snapshot.text(part))] = None
    for name in file.unread:
        walk.stop(f"include {name}", "which Makefile that is cannot be known", place)
    whole = file.expander(call, at.scope)
    for rule, target in wanted:
        expander = file.of_target(whole, rule, target)
        for mapped in file.recipe(expander, rule):
            inner = at.inside(rule.source, call.folder)
            inner.scope = file.scope(expander)
            walk.text(mapped, inner)
    return True


_OF_BUN = frozenset({"test", "build", "install", "add", "remove", "update", "create", "init", "x"})
"""What bun does itself, whatever package.json calls so (bun.sh/docs/cli/run)."""


def enter_package(walk: Walk, words: tuple[Value, ...], place: Place, at: At) -> bool:
    """`npm run NAME`, `npm test` and their kin, from package.json; False for the rest."""
    texts = [plain(word) for word in words[1:] if not plain(word).startswith("-")]
    verb = texts[0] if texts else ""
    if words[0].text == "bun" and verb in _OF_BUN:
        return False
    script = texts[1] if verb in ("run", "run-script") and len(texts) > 1 else verb
    if verb not in ("run", "run-script", "test", "start", "t") and words[0].text == "npm":
        return False
    path = join_path(at.folder, "package.json") if at.folder is not None else None
    text = _package_script(walk.snapshot, path, "test" if script == "t" else script)
    if text is None:
        if verb in ("run", "run-script", "test", "start", "t"):
            walk.stop(" ".join(plain(w) for w in words), "its script is not known", place)
            return True
        return False
    inner = at.inside(at.source, at.folder)
    inner.place = place
    walk.text(MappedText.whole(text.encode()), inner)
    return True


def _package_script(snapshot: Snapshot, path: str | None, name: str) -> str | None:
    """A script of a package.json."""
    if path is None or path not in snapshot:
        return None
    try:
        scripts = json.loads(snapshot.read(path)).get("scripts", {})
    except (ValueError, AttributeError, SnapshotError):
        return None
    found = scripts.get(name) if isinstance(scripts, dict) else None
    return found if isinstance(found, str) else None


def _activates(texts: list[str]) -> bool:
    """Whether a command enters a virtual environment of Python, whose script a tool wrote."""
    return texts[0] in (".", "source") and texts[-1].endswith("bin/activate")


def _script_of(words: list[str]) -> str:
    """The script that a shell is given; empty for a text on its standard input."""
    at = 0
    while at < len(words) and words[at].startswith(("-", "+")):
        flag = words[at]
        if flag == "-" or (flag[1:2] != "-" and "s" in flag):
            return ""
        # `-o pipefail` and `-euo pipefail` take a word of their own.
        at += 2 if flag[1:2] != "-" and flag.endswith("o") else 1
    return words[at] if at < len(words) else ""
