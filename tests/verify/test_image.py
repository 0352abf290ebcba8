"""Reading exported file systems, and comparing images."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator

import pytest

from dockerfix.verify.compare import Aspect, Difference, differences, unexplained
from dockerfix.verify.image import Image, Node, NodeKind, configuration_of, read_nodes


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 511, 4096, 1 << 20])
def test_an_archive_in_pieces_of_any_size(size: int) -> None:
    data = archive(
        (member("app", tarfile.DIRTYPE, mode=0o755), b""),
        (member("app/run", mode=0o4755, uid=7, gid=8, mtime=99), b"#!" * 3000),
        (member("app/link", tarfile.SYMTYPE, linkname="run"), b""),
        (member("app/hard", tarfile.LNKTYPE, linkname="app/run"), b""),
        (member("app/CACHEDIR.TAG"), b"tag"),
        (member("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3), b""),
    )
    nodes, kept = read_nodes(chunks(data, size), frozenset({"CACHEDIR.TAG"}))
    digest = hashlib.sha256(b"#!" * 3000).hexdigest()
    run = Node(NodeKind.FILE, 0o4755, 7, 8, 6000, digest)
    assert nodes["/app/run"] == nodes["/app/hard"] == run
    assert nodes["/app"] == Node(NodeKind.FOLDER, 0o755)
    assert nodes["/app/link"].link == "run"
    assert nodes["/dev/null"].attributes == (("device", "1:3"),)
    assert kept == {"/app/CACHEDIR.TAG": b"tag"}


def test_file_capabilities_are_part_of_a_node() -> None:
    info = member("ping")
    info.pax_headers = {"SCHILY.xattr.security.capability": "x", "comment": "y"}
    nodes, _ = read_nodes([archive((info, b""))], frozenset())
    assert nodes["/ping"].attributes == (("security.capability", "x"),)


def test_a_broken_archive_is_an_error() -> None:
    with pytest.raises(tarfile.TarError):
        read_nodes([b"no archive at all" * 100], frozenset())


def test_empty_and_absent_configuration_are_the_same() -> None:
    assert configuration_of({"Cmd": None, "Labels": {}, "User": "", "Env": ["A=b"], "Id": 1}) == {
        "Env": ["A=b"]
    }


def found(before: Image, after: Image) -> list[tuple[str, str]]:
    return [(d.aspect.value, d.path) for d in differences(before, after, unexplained)]


FILE = Node(NodeKind.FILE, 0o644, 0, 0, 1, "aa")


@pytest.mark.parametrize(
    ("other", "aspect"),
    [
        (Node(NodeKind.FILE, 0o755, 0, 0, 1, "aa"), "mode"),
        (Node(NodeKind.FILE, 0o644, 1, 0, 1, "aa"), "owner"),
        (Node(NodeKind.FILE, 0o644, 0, 0, 1, "bb"), "content"),
        (
            Node(NodeKind.FILE, 0o644, 0, 0, 1, "aa", attributes=(("x", "y"),)),
            "extended attributes",
        ),
        (Node(NodeKind.FOLDER, 0o644), "type"),
    ],
)
def test_what_differs_of_a_path_is_named(other: Node, aspect: str) -> None:
    assert found(Image(nodes={"/x": FILE}), Image(nodes={"/x": other})) == [(aspect, "/x")]


def test_missing_added_and_relinked_paths() -> None:
    link, other = Node(NodeKind.SYMLINK, 0o777, link="a"), Node(NodeKind.SYMLINK, 0o777, link="b")
    before = Image(nodes={"/gone": FILE, "/link": link, "/same": FILE})
    after = Image(nodes={"/new": FILE, "/link": other, "/same": FILE})
    assert found(before, after) == [
        ("missing", "/gone"),
        ("link target", "/link"),
        ("added", "/new"),
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("Cmd", ["server"], ["server", "-v"]),
        ("Entrypoint", None, ["sh"]),
        ("User", "nobody", None),
        ("ExposedPorts", {"80/tcp": {}}, {"81/tcp": {}}),
        ("Healthcheck", {"Test": ["CMD", "a"]}, {"Test": ["CMD", "b"]}),
        ("StopSignal", "SIGTERM", "SIGINT"),
        ("Env", ["A=1", "B=2"], ["A=1"]),
        ("Cmd", ["a", "b"], ["b", "a"]),
    ],
)
def test_each_part_of_the_configuration_is_compared(
    name: str, before: object, after: object
) -> None:
    assert found(Image({name: before}), Image({name: after})) == [("configuration", name)]


def test_the_order_of_environment_variables_is_no_difference() -> None:
    assert found(Image({"Env": ["A=1", "B=2"]}), Image({"Env": ["B=2", "A=1"]})) == []


def test_what_an_image_runs_is_its_entry_point_with_its_command() -> None:
    image = Image({"Entrypoint": ["tini", "--"], "Cmd": ["server"], "Env": ["A=b=c"]})
    assert image.command == ("tini", "--", "server")
    assert image.environment == {"A": "b=c"}
    assert Image().command == ()


def test_a_difference_with_a_rule_does_not_count() -> None:
    assert Difference(Aspect.ADDED, "/x").counts
    assert not Difference(Aspect.ADDED, "/x", rule="noise").counts
