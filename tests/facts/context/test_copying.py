"""What COPY and ADD put where, one rule a test; the engine's own answers are in the battery."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

import pytest

from dockerfix.facts.context.archives import is_archive
from dockerfix.facts.context.copying import Images, Simulation, no_images
from dockerfix.facts.context.steps import BuildInput
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.tree import (
    Elsewhere,
    Folder,
    FromAddress,
    FromContext,
    ImageRef,
    Inline,
    LinkFromContext,
    MadeByRun,
    Repository,
    StageRef,
    Unpacked,
    Unwalked,
    leaves,
    look_up,
)
from dockerfix.text import Entry, Kind, Opaque, Snapshot

TREE = {
    "a.txt": "",
    "b.txt": "",
    "src/main.rs": "",
    "src/lib/x.rs": "",
    "docs/guide.md": "",
    "docs/img/logo.png": "",
    "with space/f": "",
}

_LOGO = "docs/img/logo.png"


def build(
    dockerfile: str,
    *,
    tree: Mapping[str, str | bytes] = TREE,
    links: Mapping[str, str] | None = None,
    ignore: str | None = None,
    context: str = "",
    opaque: tuple[str, ...] = (),
    images: Images = no_images,
    generated: bool = False,
    **given: object,
) -> Simulation:
    """The simulation of a Dockerfile over a small tree."""
    files: dict[str, str | bytes] = {**tree, "Dockerfile": dockerfile}
    if ignore is not None:
        files[".dockerignore"] = ignore
    plain = Snapshot.of(files)
    entries = {
        **plain.entries,
        **{path: Entry(Kind.SYMLINK, link=to) for path, to in (links or {}).items()},
    }
    snapshot = Snapshot(entries, plain.read, dict.fromkeys(opaque, Opaque.GENERATED))
    return Simulation(
        Facts(snapshot),
        BuildInput("Dockerfile", context, **given),  # type: ignore[arg-type]  # named by the tests
        images=images,
        generated=generated,
    )


def files(simulation: Simulation) -> dict[str, object]:
    """Path to source of the target: a plain path for a file of the context."""
    assert simulation.target is not None
    assert simulation.failure is None, simulation.failure
    found: dict[str, object] = {}
    for path, leaf in leaves(simulation.target.root):
        found[f"/{path}"] = leaf.path if isinstance(leaf, FromContext) else leaf
    return found


def copied(lines: str, **more: object) -> dict[str, object]:
    """The files of a stage that begins empty."""
    return files(build(f"FROM scratch\n{lines}\n", **more))  # type: ignore[arg-type]


def failure(lines: str, **more: object) -> str:
    """Why the build fails."""
    simulation = build(f"FROM scratch\n{lines}\n", **more)  # type: ignore[arg-type]
    assert simulation.failure is not None
    return str(simulation.failure)


class TestDestinations:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("COPY a.txt x", {"/x": "a.txt"}),
            ("COPY a.txt x/", {"/x/a.txt": "a.txt"}),
            ("COPY a.txt x/.", {"/x/a.txt": "a.txt"}),
            ("COPY a.txt .", {"/a.txt": "a.txt"}),
            ("WORKDIR /w\nCOPY a.txt x", {"/w/x": "a.txt"}),
            ("WORKDIR /w\nWORKDIR in/../v\nCOPY a.txt ./", {"/w/v/a.txt": "a.txt"}),
            ("WORKDIR /opt\nCOPY a.txt /opt", {"/opt/a.txt": "a.txt"}),
            ("COPY a.txt x\nCOPY b.txt x", {"/x": "b.txt"}),
            ("COPY docs /d", {"/d/guide.md": "docs/guide.md", "/d/img/logo.png": _LOGO}),
            ("COPY docs/. /d/x/..", {"/d/guide.md": "docs/guide.md", "/d/img/logo.png": _LOGO}),
            ("COPY a.txt src/main.rs d/", {"/d/a.txt": "a.txt", "/d/main.rs": "src/main.rs"}),
            ("ARG D=out\nENV E=${D}/in\nCOPY a.txt $E/", {"/out/in/a.txt": "a.txt"}),
            ('COPY ["with space/f", "a b/"]', {"/a b/f": "with space/f"}),
            ("COPY with\\ space/f /x", {}),
        ],
    )  # fmt: skip
    def test_paths(self, lines: str, expected: dict[str, str]) -> None:
        if expected:
            assert copied(lines) == expected
        else:
            assert '"/with\\"' in failure(lines) or "not found" in failure(lines)

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("COPY a.txt x\nCOPY docs x", "Dockerfile:3:1: cannot copy to non-directory: /x"),
            ("COPY a.txt x\nCOPY b.txt x/", "Dockerfile:3:1: mkdir /x/: not a directory"),
            (
                "COPY docs d\nCOPY a.txt d/img\nWORKDIR /d/guide.md",
                "Dockerfile:4:1: mkdir /d/guide.md: not a directory",
            ),
            (
                "COPY docs/guide.md x/img\nCOPY docs x",
                "Dockerfile:3:1: cannot copy to non-directory: /x/img",
            ),
            ("COPY a.txt", "Dockerfile:2:1: COPY requires at least two arguments"),
        ],
    )
    def test_what_cannot_be_there(self, lines: str, expected: str) -> None:
        assert failure(lines) == expected

    def test_link_layers_replace_what_stands_there(self) -> None:
        assert copied("COPY docs d\nCOPY --link a.txt d") == {"/d": "a.txt"}
        assert copied("COPY docs d\nCOPY --link --chmod=600 a.txt d")["/d/a.txt"] == "a.txt"
        assert len(copied("COPY docs d\nCOPY --link a.txt d/")) == 3


class TestSources:
    @pytest.mark.parametrize("source", ["a.txt", "./a.txt", "/a.txt", "../a.txt", "src/../a.txt"])
    def test_the_context_is_the_root(self, source: str) -> None:
        assert copied(f"COPY {source} x") == {"/x": "a.txt"}

    def test_wildcards(self) -> None:
        assert copied("COPY *.txt d/") == {"/d/a.txt": "a.txt", "/d/b.txt": "b.txt"}
        assert copied("COPY src/*/x.rs d/") == {"/d/x.rs": "src/lib/x.rs"}
        assert sorted(copied("COPY d*s x")) == ["/x/guide.md", "/x/img/logo.png"]
        assert copied("COPY *.none d/") == {}

    def test_a_wildcard_without_a_match_below_a_folder_that_is_not_sent_fails(self) -> None:
        assert (
            failure("COPY src/*.none d/") == "Dockerfile:2:1: lstat /src: no such file or directory"
        )
        assert copied("COPY src/main.rs m\nCOPY src/*.none d/") == {"/m": "src/main.rs"}

    def test_missing_and_ignored(self) -> None:
        assert failure("COPY gone x") == 'Dockerfile:2:1: "/gone": not found'
        assert failure("COPY a.txt x", ignore="*.txt\n") == 'Dockerfile:2:1: "/a.txt": not found'
        assert "invalid pattern" in failure("COPY a.txt x", ignore="[\n")

    def test_the_ignore_file(self) -> None:
        found = copied("COPY . /x", ignore="*\n!src\nsrc/lib\n")
        assert found == {"/x/src/main.rs": "src/main.rs"}

    def test_a_file_beside_the_dockerfile_wins(self) -> None:
        tree = {**TREE, "Dockerfile.dockerignore": "docs\nsrc\nwith*\nDocker*\n.docker*\n"}
        assert copied("COPY . /", tree=tree, ignore="*") == {"/a.txt": "a.txt", "/b.txt": "b.txt"}

    def test_a_context_below_the_root(self) -> None:
        assert copied("COPY main.rs .", context="src") == {"/main.rs": "src/main.rs"}

    def test_exclude(self) -> None:
        assert copied("COPY --exclude=img docs d") == {"/d/guide.md": "docs/guide.md"}
        assert copied("COPY --exclude=*.md --exclude=img docs d") == {}
        assert copied("COPY --exclude=a.txt a.txt d/") == {"/d/a.txt": "a.txt"}
        assert len(copied("COPY --exclude=** --exclude=!img/* docs d")) == 1

    def test_filters_follow_links_that_stand_at_the_root(self) -> None:
        dead = {"dead": "gone", "docs/dead": "gone"}
        assert "dead" in str(copied("COPY . x", links=dead))
        assert failure("COPY --exclude=src . x", links=dead) == 'Dockerfile:2:1: "/dead": not found'
        assert copied("COPY --exclude=dead . x", links=dead)
        assert copied("COPY --exclude=img docs x", links=dead)

    def test_flags_are_read_byte_by_byte(self) -> None:
        tree = {"d/é.txt": "", "d/e.txt": ""}
        assert len(copied("COPY --exclude=é.txt --exclude=e.txt d x", tree=tree)) == 1

    def test_parents(self) -> None:
        assert copied("COPY --parents docs/img/logo.png x/") == {
            "/x/docs/img/logo.png": "docs/img/logo.png"
        }
        assert copied("COPY --parents docs/./img x/") == {"/x/img/logo.png": "docs/img/logo.png"}
        assert copied("COPY --parents src/**/*.rs x") == {
            "/x/src/main.rs": "src/main.rs",
            "/x/src/lib/x.rs": "src/lib/x.rs",
        }
        assert failure("COPY --parents src/gone x") == 'Dockerfile:2:1: "/src/gone": not found'

    def test_links(self) -> None:
        links = {"l": "docs", "docs/up": "../a.txt", "dead": "gone", "abs": "/src/lib"}
        assert copied("COPY l/guide.md x", links=links) == {"/x": "docs/guide.md"}
        assert copied("COPY docs/up x", links=links) == {"/x": "a.txt"}
        assert copied("COPY abs x", links=links) == {"/x/x.rs": "src/lib/x.rs"}
        assert copied("COPY docs d", links=links)["/d/up"] == LinkFromContext("docs/up", "../a.txt")
        assert "not found" in failure("COPY dead x", links=links)
        assert "not found" in failure("COPY l/guide.md x", links=links, ignore="docs\n")
        nested = {"docs/abs": "/src/lib", "docs/here": "img"}
        assert copied("COPY docs/abs x", links=nested) == {"/x/x.rs": "src/lib/x.rs"}
        assert copied("COPY docs/here x", links=nested) == {"/x/logo.png": _LOGO}
        looped = {"p": "q", "q": "p"}
        assert "/p" in failure("COPY p x", links=looped)


class TestHeredocsAndFetching:
    def test_heredocs_come_after_paths(self) -> None:
        lines = "ARG V=1\nCOPY <<E <<'F' a.txt d/\nv=$V\nE\nv=$V\nF"
        assert copied(lines) == {
            "/d/E": Inline("E", "v=1\n"),
            "/d/F": Inline("F", "v=$V\n"),
            "/d/a.txt": "a.txt",
        }

    def test_tabs(self) -> None:
        assert copied("COPY <<-E /x\n\t\ta\n\tb\n\tE") == {"/x": Inline("E", "a\nb\n")}

    def test_addresses(self) -> None:
        address = "https://example.org/dir/f.tgz?x=1"
        assert copied(f"ADD {address} d/") == {"/d/f.tgz": FromAddress(address)}
        assert "URL for COPY" in failure(f"COPY {address} d/")
        assert "git ref for COPY" in failure("COPY git@example.org:a/b d/")
        for git in ("https://example.org/a.git#main", "git@example.org:a/b.git"):
            simulation = build(f"FROM scratch\nADD {git} d\n")
            assert simulation.target is not None
            folder = simulation.target.root.children["d"]
            assert isinstance(folder, Folder)
            assert folder.unknown == (FromAddress(git),)

    def test_archives_are_unpacked_by_their_bytes(self) -> None:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            tar.addfile(tarfile.TarInfo("f"), io.BytesIO())
        tree = {"data.bin": out.getvalue(), "fake.tar.gz": b"\x1f\x8bno", "empty": b""}
        simulation = build("FROM scratch\nADD data.bin fake.tar.gz empty d/\n", tree=tree)
        assert simulation.target is not None
        found = look_up(simulation.target.root, "/d").node
        assert isinstance(found, Folder)
        assert found.unknown == (Unpacked("data.bin"),)
        assert sorted(found.children) == ["empty", "fake.tar.gz"]
        assert copied("ADD --unpack=false data.bin d/", tree=tree) == {"/d/data.bin": "data.bin"}
        assert copied("COPY data.bin d/", tree=tree) == {"/d/data.bin": "data.bin"}

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("rootfs.tar.gz", True),
            ("a.tgz", True),
            ("a.tar", True),
            ("tar", False),
            ("a.gz", False),
        ],
    )
    def test_what_cannot_be_read_is_judged_by_its_name(self, name: str, expected: bool) -> None:
        assert is_archive(name, None) is expected
        assert is_archive("a.tzst", b"\x28\xb5\x2f\xfd...")


class TestStages:
    def test_from_a_stage_and_copy_from_one(self) -> None:
        dockerfile = (
            "FROM scratch AS One\nWORKDIR /w\nCOPY docs d\n"
            "FROM one AS two\nCOPY a.txt .\n"
            "FROM scratch\nCOPY --from=TWO /w/d /x\nCOPY --from=1 /w/*.txt /y/\n"
        )
        assert files(build(dockerfile)) == {
            "/x/guide.md": "docs/guide.md",
            "/x/img/logo.png": "docs/img/logo.png",
            "/y/a.txt": "a.txt",
        }

    def test_what_run_makes_is_unknown_and_not_absent(self) -> None:
        dockerfile = (
            "FROM scratch AS b\nCOPY src /w\nRUN make\n"
            "FROM scratch\nCOPY --from=b /w/out /bin/x\nCOPY --from=b /w /all\n"
        )
        simulation = build(dockerfile)
        builder = StageRef("Dockerfile", 0)
        found = files(simulation)
        assert found["/bin/x"] == Elsewhere(builder, "/w/out")
        assert found["/all/main.rs"] == "src/main.rs"
        assert simulation.target is not None
        everything = simulation.target.root.children["all"]
        assert isinstance(everything, Folder)
        assert everything.unknown == (Elsewhere(builder, "/w"),)
        assert MadeByRun(builder) in simulation.stage(builder).root.unknown

    def test_absent_is_an_error_where_nothing_is_unknown(self) -> None:
        dockerfile = "FROM scratch AS b\nCOPY src /w\nFROM scratch\nCOPY --from=b /out /\n"
        assert str(build(dockerfile).failure) == 'Dockerfile:4:1: "/out": not found'

    def test_a_failing_stage_fails_those_that_need_it(self) -> None:
        dockerfile = "FROM scratch AS b\nCOPY gone /w\nFROM scratch\nCOPY --from=b /w /\n"
        assert str(build(dockerfile).failure) == 'Dockerfile:2:1: "/gone": not found'
        assert build(dockerfile + "FROM scratch\nCOPY a.txt /\n").failure is None

    def test_images(self) -> None:
        simulation = build("FROM node:22\nCOPY a.txt x\nCOPY --from=tools:1 /t /usr/t\n")
        assert files(simulation) == {
            "/${WORKDIR}/x": "a.txt",
            "/usr/t": Elsewhere(ImageRef("tools:1"), "/t"),
        }

    def test_a_variable_that_the_image_may_set_stays(self) -> None:
        assert list(files(build("FROM node\nCOPY a.txt $HOME/\n"))) == ["/$HOME/a.txt"]
        assert list(copied("COPY a.txt /x$HOME/")) == ["/x/a.txt"]

    def test_global_arguments_choose_the_base(self) -> None:
        dockerfile = (
            "ARG V=one\nFROM scratch AS one\nCOPY a.txt /\nFROM scratch AS two\nCOPY b.txt /\n"
            "FROM ${V}\n"
        )
        assert files(build(dockerfile)) == {"/a.txt": "a.txt"}
        assert files(build(dockerfile, arguments={"V": "two"})) == {"/b.txt": "b.txt"}
        assert "should not be blank" in str(build("ARG V\nFROM $V\n").failure)

    def test_env_wins_over_arg_in_a_stage_that_stands_on_this_one(self) -> None:
        dockerfile = (
            "FROM scratch AS a\nENV V=env\nARG V=arg\nCOPY a.txt /$V/\n"
            "FROM a\nCOPY b.txt /$V/\nARG V\nCOPY docs/guide.md /$V/\n"
        )
        assert sorted(files(build(dockerfile))) == ["/arg/a.txt", "/env/b.txt", "/env/guide.md"]

    def test_onbuild_runs_in_the_child(self) -> None:
        dockerfile = "FROM scratch AS b\nONBUILD COPY a.txt /x\nFROM b\nCOPY b.txt /y\n"
        assert files(build(dockerfile)) == {"/x": "a.txt", "/y": "b.txt"}

    def test_a_later_stage_cannot_be_copied_from(self) -> None:
        text = failure("COPY --from=late /x /\nFROM scratch AS late", target="0")
        assert "needs to be defined before current stage" in text
        assert "invalid stage index 7" in failure("COPY --from=7 /x /")

    def test_named_contexts(self) -> None:
        dockerfile = "FROM scratch AS sdk\nCOPY gone /x\nFROM scratch\nCOPY --from=sdk /f /g\n"
        contexts = {"SDK": "docker-image://sdk:1"}
        assert files(build(dockerfile, named_contexts=contexts)) == {
            "/g": Elsewhere(ImageRef("docker-image://sdk:1"), "/f")
        }

    def test_an_image_that_is_made_here(self) -> None:
        made = build("FROM scratch\nENV D=/opt\nWORKDIR /app\nCOPY docs .\n", image="sdk:1")
        simulation = build(
            "FROM sdk:1\nCOPY a.txt $D/\nCOPY --from=sdk:1 /app/guide.md b\n",
            images=lambda ref: made if ref.name == "sdk:1" else None,
        )
        assert files(simulation) == {
            "/app/b": "docs/guide.md",
            "/app/guide.md": "docs/guide.md",
            "/app/img/logo.png": "docs/img/logo.png",
            "/opt/a.txt": "a.txt",
        }


class TestMounts:
    def test_bind_mounts_read_the_context(self) -> None:
        simulation = build("FROM x\nRUN --mount=source=src,target=/s cat\n")
        assert simulation.asked == {"/src"}
        assert simulation.target is not None
        (taken,) = simulation.target.taken
        assert [path for path, _ in leaves(taken.nodes[0])] == ["lib/x.rs", "main.rs"]  # type: ignore[arg-type]  # a folder

    def test_others_do_not(self) -> None:
        lines = "RUN --mount=type=cache,target=/c --mount=type=secret,id=s x"
        assert build(f"FROM x\n{lines}\n").asked == frozenset()

    def test_a_missing_source(self) -> None:
        assert failure("RUN --mount=source=gone,target=/s x") == (
            'Dockerfile:2:1: "/gone": not found'
        )


class TestUnknownContext:
    def test_folders_that_were_not_walked(self) -> None:
        simulation = build("FROM scratch\nCOPY . /x\n", opaque=("node_modules",))
        assert simulation.target is not None
        found = look_up(simulation.target.root, "/x/node_modules").node
        assert isinstance(found, Folder)
        assert found.unknown == (Unwalked("node_modules"),)
        inner = build("FROM scratch\nCOPY node_modules/y /x\n", opaque=("node_modules",))
        assert files(inner) == {"/x": Elsewhere(Repository(), "node_modules/y")}
        left_out = {"opaque": ("node_modules",), "ignore": "node_modules"}
        assert "not found" in failure("COPY node_modules/y /x", **left_out)

    def test_sources_that_are_made_before_the_build(self) -> None:
        made = {"generated": True, "context": "src"}
        assert copied("COPY dist /x", **made) == {"/x": Elsewhere(Repository(), "src/dist")}
        assert copied("COPY out/*.js /x/", **made) == {}
        assert "not found" in failure("COPY dist /x", generated=True, ignore="dist")
