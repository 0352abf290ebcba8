"""What each kind of builder is sent, what of it is used, and what the engine really takes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from lab.builder import Builder
from lab.lab import Lab

from dockerfix.facts.context.dormant import dormant_files, read_by_builds
from dockerfix.facts.context.steps import BuildInput
from dockerfix.facts.context.transfer import ContextCost, Measured, context_cost
from dockerfix.facts.repository import Facts
from dockerfix.facts.trees.weight import Weight
from dockerfix.text import Entry, Kind, Snapshot

SIZES = {
    "app/main.js": 1 << 12,
    "app/lib/a.js": 1 << 13,
    "docs/guide.md": 1 << 14,
    "docs/img/logo.png": 1 << 15,
    "node_modules/x/index.js": 1 << 16,
    "data/big.bin": 1 << 17,
    "package.json": 1 << 10,
}


def cost(
    dockerfile: str,
    ignore: str | None = None,
    *,
    more: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    context: str = "",
    name: str = "Dockerfile",
    target: str = "",
) -> ContextCost:
    """What a Dockerfile costs on a tree whose files have the sizes above."""
    texts = {name: dockerfile, **(more or {})}
    if ignore is not None:
        texts[".dockerignore"] = ignore
    plain = Snapshot.of({**dict.fromkeys(SIZES, ""), **texts})
    entries = {path: Entry(Kind.FILE, size=size) for path, size in SIZES.items()}
    entries |= {path: Entry(Kind.FILE, size=len(text)) for path, text in texts.items()}
    entries |= {path: Entry(Kind.SYMLINK, link=to) for path, to in (links or {}).items()}
    prefix = f"{context}/" if context else ""
    disk = Measured.of(
        ((path, entry) for path, entry in entries.items() if path.startswith(prefix)), context
    )
    facts = Facts(Snapshot(entries, plain.read))
    return context_cost(facts, BuildInput(name, context, target), disk)


class TestBuildKit:
    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            ("COPY package.json /", Weight(1, 1 << 10)),
            ("COPY app /x\nCOPY docs/*.md /", Weight(3, (1 << 12) + (1 << 13) + (1 << 14))),
            ("RUN --mount=source=app/lib,target=/x y", Weight(1, 1 << 13)),
            ("RUN --mount=type=cache,target=/x y", Weight()),
            ("RUN --mount=type=tmpfs,target=/x y", Weight()),
            ("COPY <<E /x\nE", Weight()),
            ("COPY --from=other /x /y", Weight()),
            ("ADD https://example.org/x /", Weight()),
            ("COPY gone* /", Weight()),
        ],
    )
    def test_only_what_is_named(self, lines: str, expected: Weight) -> None:
        found = cost(f"FROM x\n{lines}\n")
        assert found.buildkit.weight == expected
        assert not any(item.whole for item in found.asked)

    def test_only_needed_stages_count(self) -> None:
        text = "FROM x AS a\nCOPY app /a\nFROM x AS b\nCOPY data /b\nFROM x\nCOPY --from=a /a /a\n"
        assert cost(text).buildkit.weight.files == 2
        assert cost(text, target="b").buildkit.weight == Weight(1, 1 << 17)

    def test_the_root_means_everything(self) -> None:
        found = cost("FROM x\nCOPY app /x\nCOPY . /y\n", "data\n")
        assert [item.whole for item in found.asked] == [False, True]
        assert str(found.asked[1].place) == "Dockerfile:3:1"
        assert found.asked[1].text == "COPY . /y"
        assert found.buildkit.weight == found.classic.weight
        assert found.buildkit.unused == Weight()

    def test_a_tmpfs_asks_for_everything_beside_a_copy(self) -> None:
        text = "FROM x\nRUN --mount=type=tmpfs,target=/t y\nCOPY package.json /\n"
        found = cost(text)
        assert found.buildkit.weight.files == len(SIZES) + 1
        assert [item.whole for item in found.asked] == [True, False]

    def test_links_bring_what_they_lead_to(self) -> None:
        found = cost("FROM x\nCOPY current /x\n", links={"current": "docs/img"})
        assert found.buildkit.weight == Weight(2, 1 << 15)


class TestClassic:
    def test_everything_that_is_left(self) -> None:
        found = cost("FROM x\nCOPY package.json /\n", "node_modules\ndata\n")
        sent = sum(SIZES.values()) - (1 << 16) - (1 << 17)
        files = len("FROM x\nCOPY package.json /\n") + len("node_modules\ndata\n")
        assert found.classic.weight == Weight(7, sent + files)
        assert found.folder.files == 9
        assert found.classic.unused == Weight(4, sent - (1 << 10))
        assert [entry.path for entry in found.classic.unused_largest] == ["docs/", "app/"]

    def test_what_the_builder_needs_is_always_sent(self) -> None:
        found = cost("FROM x\n", "*\n")
        assert found.classic.weight.files == 2
        assert found.classic.unused == Weight()

    def test_a_file_beside_the_dockerfile_is_not_read(self) -> None:
        found = cost("FROM x\nCOPY . /\n", "docs\n", more={"Dockerfile.dockerignore": "data\n"})
        assert found.buildkit.ignore == "Dockerfile.dockerignore"
        assert found.classic.ignore == ".dockerignore"
        assert found.buildkit.weight.files == 9
        assert found.classic.weight.files == 8
        assert found.classic.unused == Weight(1, 1 << 17)

    def test_a_dockerfile_outside_of_the_context(self) -> None:
        found = cost("FROM x\nCOPY . /\n", name="docker/Dockerfile", context="app")
        assert found.classic.weight == Weight(2, (1 << 12) + (1 << 13))


class TestLargest:
    def test_an_entry_is_narrowed_to_what_is_nearly_all_of_it(self) -> None:
        found = cost("FROM x\nCOPY app docs/guide.md /x/\n")
        largest = {entry.path: entry for entry in found.largest}
        assert list(largest)[:3] == ["data/big.bin", "node_modules/x/index.js", "docs/"]
        assert largest["docs/"].unused == Weight(1, 1 << 15)
        assert largest["docs/"].buildkit == Weight(1, 1 << 14)
        assert largest["app/"].unused == Weight()
        assert largest["data/big.bin"].buildkit == Weight()


def test_a_build_that_fails_is_answered_all_the_same() -> None:
    found = cost("FROM x\nCOPY gone app /x/\n")
    assert str(found.failure) == 'Dockerfile:2:1: "/gone": not found'
    assert found.buildkit.weight.files == 2


def test_dormant_files() -> None:
    facts = Facts(
        Snapshot.of(
            {
                "Dockerfile": "FROM x\nCOPY web/nginx.conf web/src /etc/\n",
                "web/nginx.conf": "",
                "web/src/a": "",
                "web/.dockerignore": "*.conf\n# why\n!n*\nnginx.conf\n*.md\n",
                "api/Dockerfile": "FROM x\n",
                "api/.dockerignore": "x\n",
                "api/Dockerfile.dockerignore": "y\n",
                ".gitlab-ci.yml": "a:\n  script: docker build .\nb:\n  script: docker build api\n",
            }
        )
    )
    read = read_by_builds(facts, facts.builds.builds)
    assert read == {"api/Dockerfile.dockerignore"}
    found = list(dormant_files(facts, "", read, {"web/nginx.conf", "web/src/a"}))
    assert [(item.file.path, item.instead) for item in found] == [
        ("api/.dockerignore", "api/Dockerfile.dockerignore"),
        ("web/.dockerignore", None),
    ]
    ((line, path),) = found[1].traps
    assert str(found[1].file.place(line)) == "web/.dockerignore:4:1"
    assert path == "web/nginx.conf"


def write(folder: Path, dockerfile: str, ignore: str | None) -> None:
    for path, size in SIZES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x" * size)
    (folder / "Dockerfile").write_text(dockerfile)
    if ignore is not None:
        (folder / ".dockerignore").write_text(ignore)


def bytes_of(text: str) -> float:
    """`50.08kB` as a number; both clients print decimal units."""
    match = re.fullmatch(r"([\d.]+)([kM]?)B", text)
    assert match is not None, text
    return float(match[1]) * {"": 1, "k": 1e3, "M": 1e6}[match[2]]


ENGINE_CASES = [
    ("COPY package.json /", None),
    ("COPY app /x\nCOPY docs/*.md /", None),
    ("COPY . /", "node_modules\n"),
    ("COPY docs /d", "docs/img\n"),
    ("COPY --exclude=img docs /d", None),
    ("COPY */*.js /d/", "app/main.js"),
]


@pytest.mark.engine
def test_bytes_that_buildkit_is_sent(cold_builder: Callable[..., Builder], tmp_path: Path) -> None:
    builder = cold_builder()
    for number, (lines, ignore) in enumerate(ENGINE_CASES):
        folder = tmp_path / f"context{number}"
        write(folder, f"FROM scratch\n{lines}\n", ignore)
        command = ["docker", "buildx", "build", "--builder", builder.name, "--no-cache"]
        command += ["--progress=plain", "--output", "type=cacheonly", str(folder)]
        done = subprocess.run(
            command, env=dict(builder.env), stderr=subprocess.PIPE, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        step = re.search(r"#(\d+) \[internal\] load build context", done.stderr)
        assert step is not None
        said = re.findall(rf"#{step[1]} transferring context: (\S+B)", done.stderr)
        expected = cost(f"FROM scratch\n{lines}\n", ignore).buildkit.weight
        # Each file comes with its path and its mode.
        assert expected.size <= bytes_of(said[-1]) * 1.001, lines
        assert bytes_of(said[-1]) <= expected.size * 1.01 + 150 * (expected.files + 4), lines


@pytest.mark.engine
def test_bytes_that_the_classic_builder_is_sent(lab: Lab, tmp_path: Path) -> None:
    for number, (lines, ignore) in enumerate(ENGINE_CASES):
        text = f"FROM scratch\n{lines.replace('--exclude=img ', '')}\n"
        folder = tmp_path / f"context{number}"
        write(folder, text, ignore)
        done = subprocess.run(
            ["docker", "build", "--no-cache", "--iidfile", str(tmp_path / "id"), str(folder)],
            env={**lab.env(), "DOCKER_BUILDKIT": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        if done.returncode == 0:
            image = (tmp_path / "id").read_text()
            subprocess.run(["docker", "image", "rm", image], env=lab.env(), capture_output=True)
        said = re.findall(r"Sending build context to Docker daemon\s+(\S+B)", done.stdout)
        expected = cost(text, ignore).classic.weight
        # A tar archive: a header and up to a block of padding for each file and folder.
        assert expected.size <= bytes_of(said[-1]) * 1.001, lines
        assert bytes_of(said[-1]) <= expected.size + 1024 * (expected.files + 8) + 2048, lines
