r"""A patch: a git unified diff of everything that changes, byte for byte.

Follows git's `diff-format` page and `quote.c`: paths are quoted as `core.quotePath` does, new
and deleted files carry their mode, a missing final newline is said, carriage returns stand as
they are. Renames are never written: a deletion and a new file say the same and apply
everywhere. Knows bytes before and after; knows nothing of transforms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dockerfix.engine.line_diff import Change, changes
from dockerfix.text import Snapshot

CONTEXT = 3
"""Unchanged lines shown around a change."""

_HEADING = 80
_ESCAPES = {
    7: b"\\a", 8: b"\\b", 9: b"\\t", 10: b"\\n", 11: b"\\v", 12: b"\\f", 13: b"\\r",
    34: b'\\"', 92: b"\\\\",
}  # fmt: skip


def make_patch(before: Snapshot, after: Mapping[str, bytes | None]) -> bytes:
    """The patch that writes, creates or (None) deletes the files of `after`.

    Paths come in the order of their bytes, as git sorts them. A file whose bytes do not change
    is left out. Raises `SnapshotError` when a file cannot be read.
    """
    ordered = sorted(after, key=_encoded)
    return b"".join(_file(before, path, after[path]) for path in ordered)


def quoted(path: bytes) -> bytes:
    r"""A path as git prints it: in quotes, with `\t` and octal escapes, when it must be."""
    if not any(byte < 0x20 or byte >= 0x7F or byte in (34, 92) for byte in path):
        return path
    out = bytearray(b'"')
    for byte in path:
        if byte in _ESCAPES:
            out += _ESCAPES[byte]
        elif byte < 0x20 or byte >= 0x7F:
            out += b"\\%03o" % byte
        else:
            out.append(byte)
    return bytes(out + b'"')


def _encoded(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _file(before: Snapshot, path: str, new: bytes | None) -> bytes:
    """The section of one file; empty when nothing changes."""
    old = before.read(path) if path in before else None
    if old == new:
        return b""
    mode = b"100755" if path in before and before.entries[path].mode & 0o100 else b"100644"
    name = _encoded(path)
    lines = [b"diff --git %s %s\n" % (quoted(b"a/" + name), quoted(b"b/" + name))]
    index = b"index %s..%s" % (_blob(old), _blob(new))
    if old is None:
        lines += [b"new file mode %s\n" % mode, index + b"\n"]
    elif new is None:
        lines += [b"deleted file mode %s\n" % mode, index + b"\n"]
    else:
        lines.append(index + b" %s\n" % mode)
    if old or new:
        lines.append(b"--- %s\n" % (_header(b"a/" + name) if old is not None else b"/dev/null"))
        lines.append(b"+++ %s\n" % (_header(b"b/" + name) if new is not None else b"/dev/null"))
        lines += _hunks(old or b"", new or b"")
    return b"".join(lines)


def _header(path: bytes) -> bytes:
    """A path of a `---` or `+++` line: a tab ends it where a blank could be misread."""
    name = quoted(path)
    return name + b"\t" if b" " in name else name


def _blob(data: bytes | None) -> bytes:
    """The abbreviated name of the blob in a SHA-1 repository, for `git apply --3way`."""
    if data is None:
        return b"0" * 12
    import hashlib  # loads OpenSSL: only a patch needs it

    header = b"blob %d\0" % len(data)
    return hashlib.sha1(header + data, usedforsecurity=False).hexdigest()[:12].encode()


def _hunks(old: bytes, new: bytes) -> Iterator[bytes]:
    old_lines, new_lines = _lines(old), _lines(new)
    group: list[Change] = []
    for change in changes(old_lines, new_lines):
        if group and change.old_start - group[-1].old_end > 2 * CONTEXT:
            yield from _hunk(group, old_lines, new_lines)
            group = []
        group.append(change)
    if group:
        yield from _hunk(group, old_lines, new_lines)


def _lines(data: bytes) -> list[bytes]:
    """Lines with their newline; a line feed alone ends one."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _hunk(group: list[Change], old: list[bytes], new: list[bytes]) -> Iterator[bytes]:
    lead = min(CONTEXT, group[0].old_start)
    trail = min(CONTEXT, len(old) - group[-1].old_end)
    old_start, new_start = group[0].old_start - lead, group[0].new_start - lead
    old_end, new_end = group[-1].old_end + trail, group[-1].new_end + trail
    yield b"@@ -%s +%s @@%s\n" % (
        _range(old_start, old_end),
        _range(new_start, new_end),
        _heading(old, old_start),
    )
    at = old_start
    for change in group:
        yield from _marked(b" ", old[at : change.old_start])
        yield from _marked(b"-", old[change.old_start : change.old_end])
        yield from _marked(b"+", new[change.new_start : change.new_end])
        at = change.old_end
    yield from _marked(b" ", old[at:old_end])


def _marked(mark: bytes, lines: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        yield (
            mark + line
            if line.endswith(b"\n")
            else (mark + line + b"\n\\ No newline at end of file\n")
        )


def _range(start: int, end: int) -> bytes:
    """Lines `[start, end)`, from 0, as a hunk header counts them."""
    size = end - start
    first = start + 1 if size else start
    return b"%d" % first if size == 1 else b"%d,%d" % (first, size)


def _heading(lines: list[bytes], start: int) -> bytes:
    """The nearest line above the hunk that begins with a letter, as git shows it: the job,
    the service or the instruction that a reader is in."""
    for number in range(start - 1, -1, -1):
        first = lines[number][:1]
        if first.isalpha() or first in (b"_", b"$"):
            text = lines[number].strip()[:_HEADING].decode("utf-8", "ignore")
            return b" " + text.rstrip().encode()
    return b""
