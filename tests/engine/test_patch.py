"""The patch is what `git apply` takes, byte for byte."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerfix.engine.patch import make_patch, quoted
from dockerfix.text import Entry, Kind, Snapshot

Tree = dict[str, bytes]


def snapshot(files: Tree, executable: frozenset[str] = frozenset()) -> Snapshot:
    entries = {
        path: Entry(Kind.FILE, 0o755 if path in executable else 0o644, len(data))
        for path, data in files.items()
    }
    return Snapshot(entries, files.__getitem__)


def git_apply(folder: Path, files: Tree, patch: bytes, executable: frozenset[str]) -> Tree:
    """The tree that git leaves."""
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o755 if path in executable else 0o644)
    result = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", "-"],
        cwd=folder, input=patch, capture_output=True, check=False,
        env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(folder.parent), "HOME": "/"},
    )  # fmt: skip
    assert result.returncode == 0, (result.stderr.decode(), patch)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


LINES = st.sampled_from(
    [
        b"FROM a",
        b"RUN b \\",
        b"  c",
        b"",
        b"    ",
        b"\tx",
        b"d\r",
        b"-- x",
        b"+++ y",
        b"@@ -1 +1 @@",
    ]
    + [bytes([n]) + b"\xc3\xa9" for n in range(97, 105)]
)
CONTENT = st.builds(
    lambda lines, final: b"\n".join(lines) + (b"\n" if final and lines else b""),
    st.lists(LINES, max_size=25),
    st.booleans(),
)
NAMES = st.sampled_from(
    [
        "a",
        "b/c",
        "b/d e",
        'q"uote',
        "back\\slash",
        "t\tab",
        "é/ü",
        "-dash",
        "x/y/z",
        "new\nline",
        "a b/c d",
    ]
)


@given(
    before=st.dictionaries(NAMES, CONTENT, max_size=5),
    after=st.dictionaries(NAMES, CONTENT, max_size=5),
    executable=st.frozensets(NAMES),
)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_git_apply_gives_exactly_the_tree_after(
    tmp_path_factory: pytest.TempPathFactory,
    before: Tree,
    after: Tree,
    executable: frozenset[str],
) -> None:
    changes: dict[str, bytes | None] = {**dict.fromkeys(before), **after}
    patch = make_patch(snapshot(before, executable), changes)
    if before == after:
        assert patch == b""
        return
    folder = tmp_path_factory.mktemp("tree")
    assert git_apply(folder, before, patch, executable) == after
    for path in before.keys() & after.keys():
        assert bool((folder / path).stat().st_mode & 0o100) == (path in executable)


@given(old=st.lists(LINES, max_size=60), new=st.lists(LINES, max_size=60))
@settings(max_examples=100, deadline=None)
def test_a_long_file_with_far_changes(old: list[bytes], new: list[bytes]) -> None:
    # Seeds a file with runs that stay, so that several hunks arise.
    stays = [b"stay %d" % n for n in range(40)]
    before = b"\n".join([*old[:5], *stays, *old[5:]]) + b"\n"
    after = b"\n".join([*new[:5], *stays, *new[5:]]) + b"\n"
    patch = make_patch(snapshot({"f": before}), {"f": after})
    assert apply_strictly(before, patch) == after


def apply_strictly(before: bytes, patch: bytes) -> bytes:
    """A patch reader that takes no fuzz: every context line must stand where it is said."""
    lines, out, at = before.split(b"\n"), [], 0
    for line in patch.split(b"\n")[4:]:
        if line.startswith(b"@@"):
            start = int(line.split()[1][1:].split(b",")[0]) - 1
            out += lines[at:start]
            at = start
        elif line[:1] in (b" ", b"-"):
            assert lines[at] == line[1:]
            out += [line[1:]] if line[:1] == b" " else []
            at += 1
        elif line[:1] == b"+":
            out.append(line[1:])
    return b"\n".join(out + lines[at:])


def git_diff(folder: Path, before: bytes, after: bytes) -> bytes:
    for side, data in (("a", before), ("b", after)):
        (folder / side).mkdir()
        (folder / side / "f").write_bytes(data)
    command = ["git", "diff", "--no-index", "--abbrev=12", "--no-prefix", "a/f", "b/f"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"job / a:\n  s: b\n  a: 1\n  b: 2\n  c: 3\n", b"job / a:\n  s: b\n  a: 1\n  c: 3\n"),
        (b"1\n2\n3\n4\n5\n6\n7\n8\n9\n", b"1\nx\n3\n4\n5\n6\n7\n8\ny\n"),
        (b"1\n2\n3\n4\n5\n6\n7\n8\n9\nz\n", b"1\nx\n3\n4\n5\n6\n7\n8\n9\ny\n"),
        (b"no newline", b"no newline\n"),
        (b"FROM a\r\nRUN b\r\n", b"FROM a\r\nRUN c\r\n"),
        (b"\xef\xbb\xbfFROM a\n\xc3\xa9\n", b"\xef\xbb\xbfFROM b\n\xc3\xa9\n"),
    ],
)  # fmt: skip
def test_the_same_bytes_as_git_diff(tmp_path: Path, before: bytes, after: bytes) -> None:
    expected = git_diff(tmp_path, before, after)
    assert make_patch(snapshot({"f": before}), {"f": after}) == expected


def test_a_block_is_cut_where_it_begins() -> None:
    before = b"a:\n  x: 1\n\nc:\n  x: 1\n"
    after = b"a:\n  x: 1\n\nb:\n  x: 1\n\nc:\n  x: 1\n"
    patch = make_patch(snapshot({"f": before}), {"f": after}).decode()
    assert "+b:\n+  x: 1\n+\n c:\n" in patch


def test_new_deleted_and_executable_files_carry_their_mode() -> None:
    patch = make_patch(
        snapshot({"old.sh": b"x\n"}, frozenset({"old.sh"})), {"old.sh": None, "new": b"y"}
    )
    assert b"deleted file mode 100755\n" in patch
    assert b"new file mode 100644\n" in patch
    assert patch.index(b"a/new") < patch.index(b"a/old.sh")
    assert b"+y\n\\ No newline at end of file\n" in patch


def test_a_file_that_stays_is_left_out() -> None:
    assert make_patch(snapshot({"f": b"x\n"}), {"f": b"x\n"}) == b""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"a/plain name", b"a/plain name"),
        (b"a/\xc3\xa9", b'"a/\\303\\251"'),
        (b'a/"q"', b'"a/\\"q\\""'),
        (b"a/b\\c", b'"a/b\\\\c"'),
        (b"a/t\tb\x01\x7f", b'"a/t\\tb\\001\\177"'),
    ],
)
def test_paths_are_quoted_as_git_does(path: bytes, expected: bytes) -> None:
    assert quoted(path) == expected
