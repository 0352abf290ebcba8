"""Seeded build contexts with ignore files and Dockerfiles, for the comparison with the engine.

Every file's content is its own path, so that a copied file tells where it came from. The names
and forms are chosen so that rules meet: links into ignored folders, wildcards beside names
with wildcards, destinations that are there already.
"""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from e2b_dockerfile_utils import PatternMatcher

from dockerfix.text import Entry, Kind, Snapshot

_FOLDERS = ("src", "lib", "docs", "node_modules", ".git", "a", "with space")
_NAMES = (
    "a",
    "b",
    "main.rs",
    "x.md",
    "y.md",
    "app.txt",
    ".env",
    "Dockerfile.old",
    "ab",
    "[z]",
    "ü",
)
_ARCHIVE = "data.tar"


@dataclass(frozen=True)
class Context:
    """Files (content by path), links (target by path) and the ignore file's bytes."""

    files: dict[str, bytes]
    links: dict[str, str]
    ignore: bytes | None

    def write(self, folder: Path, dockerfile: str) -> None:
        """Write the context and its Dockerfile to the disk."""
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        for path, target in self.links.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target)
        if self.ignore is not None:
            (folder / ".dockerignore").write_bytes(self.ignore)
        (folder / "Dockerfile").write_text(dockerfile)

    def snapshot(self, dockerfile: str) -> Snapshot:
        """The context as a snapshot, its Dockerfile among the files."""
        data = {**self.files, "Dockerfile": dockerfile.encode()}
        if self.ignore is not None:
            data[".dockerignore"] = self.ignore
        entries = {path: Entry(Kind.FILE, size=len(text)) for path, text in data.items()}
        entries |= {path: Entry(Kind.SYMLINK, link=to) for path, to in self.links.items()}
        return Snapshot(entries, data.__getitem__)


@dataclass(frozen=True)
class Case:
    """One stage's text, after a preamble that all cases of a context share."""

    name: str
    text: str


@dataclass
class Group:
    """One context with the cases that are built on it."""

    seed: int
    context: Context
    cases: list[Case] = field(default_factory=list)

    def dockerfile(self) -> str:
        """All stages in one Dockerfile, each a target."""
        return "\n".join(["ARG OUTER=outer", *(case.text for case in self.cases), ""])

    def gathered(self, names: Collection[str]) -> str:
        """A Dockerfile whose last stage holds the files of each named stage in a folder of the
        stage's name."""
        copies = [f"COPY --from={name} / /{name}/" for name in sorted(names)]
        return self.dockerfile() + "\n".join(["FROM scratch", *copies, ""])


def groups(count: int, cases: int, seed: int = 1) -> list[Group]:
    """`count` contexts with `cases` cases each; the same for the same seed."""
    return [_group(seed * 100_000 + number, cases) for number in range(count)]


def archive_members() -> dict[str, bytes]:
    """What the battery's archive unpacks to."""
    return {"packed/one": b"packed one", "two": b"packed two"}


def archive() -> bytes:
    """A small tar file, the same each time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for path, text in archive_members().items():
            info = tarfile.TarInfo(path)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return out.getvalue()


def _group(seed: int, cases: int) -> Group:
    rng = random.Random(seed)
    context = _context(rng)
    group = Group(seed, context)
    for number in range(cases):
        group.cases.append(Case(f"s{number}", _Writer(rng, context, number).text()))
    return group


def _context(rng: random.Random) -> Context:
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for _ in range(rng.randint(4, 14)):
        path = _new_path(rng)
        if _free(path, files, links):
            files[path] = path.encode()
    if rng.random() < 0.3 and _free(_ARCHIVE, files, links):
        files[_ARCHIVE] = archive()
    for _ in range(rng.choice((0, 0, 1, 2, 3))):
        path = _new_path(rng, "link")
        if _free(path, files, links):
            links[path] = _link_target(rng, files)
    return Context(files, links, _ignore(rng, files) if rng.random() < 0.8 else None)


def _new_path(rng: random.Random, name: str = "") -> str:
    depth = rng.choice((0, 0, 1, 1, 1, 2, 3))
    parts = [rng.choice(_FOLDERS) for _ in range(depth)]
    return "/".join([*parts, name or rng.choice(_NAMES)])


def _free(path: str, files: dict[str, bytes], links: dict[str, str]) -> bool:
    taken = {*files, *links}
    parents = {path[:at] for at in range(len(path)) if path[at] == "/"}
    return (
        path not in taken
        and not parents & taken
        and not any(other.startswith(path + "/") for other in taken)
    )


def _link_target(rng: random.Random, files: dict[str, bytes]) -> str:
    target = rng.choice(sorted(files))
    if rng.random() < 0.4 and "/" in target:
        target = target.rpartition("/")[0]
    return rng.choice((target, "/" + target, "../" + target, "./" + target, "gone", "link", ".."))


def _ignore(rng: random.Random, files: dict[str, bytes]) -> bytes:
    lines = [_ignore_line(rng, files) for _ in range(rng.randint(0, 6))]
    newline = rng.choice(("\n", "\n", "\n", "\r\n"))
    text = newline.join(lines) + rng.choice(("", newline))
    return rng.choice((b"", b"", b"", b"\xef\xbb\xbf")) + text.encode()


def _ignore_line(rng: random.Random, files: dict[str, bytes]) -> str:
    pattern = _pattern(rng, files)
    sign = rng.choice(("", "", "", "!", "! "))
    before = rng.choice(("", "", "", "/", "./"))
    after = rng.choice(("", "", "", "/", " "))
    odd = rng.random()
    if odd < 0.05:
        return rng.choice(("# comment", " # no comment", "", "   ", "#"))
    return sign + before + pattern + after


def _pattern(rng: random.Random, files: dict[str, bytes]) -> str:
    path = rng.choice(sorted(files))
    parts = path.split("/")
    form = rng.random()
    if form < 0.2:
        return path
    if form < 0.35:
        return parts[0]
    if form < 0.5:
        return "**/" + parts[-1]
    if form < 0.6:
        return rng.choice(("*", "**", "*.md", "**/*.md", "*/*", "src/**", "**/a/**", "?", "[a-b]"))
    if form < 0.8:
        parts[rng.randrange(len(parts))] = rng.choice(("*", "**", "?*", "[a-s]*"))
        return "/".join(parts)
    return "/".join(_blurred(rng, part) for part in parts)


def _blurred(rng: random.Random, part: str) -> str:
    if rng.random() < 0.5 or "[" in part:
        return part
    at = rng.randrange(len(part))
    return part[:at] + rng.choice(("*", "?", "**")) + part[at + 1 :]


def _is_ignored(context: Context, path: str) -> bool:
    """Roughly: only to have more cases that build than cases that fail."""
    lines = (context.ignore or b"").decode("utf-8-sig").split("\n")
    try:
        return bool(PatternMatcher(lines).matches(path))
    except ValueError:
        return False


class _Writer:
    """Writes one stage."""

    def __init__(self, rng: random.Random, context: Context, number: int) -> None:
        self.rng = rng
        self.context = context
        self.number = number
        self.paths = sorted({*context.files, *context.links})
        kept = [path for path in self.paths if not _is_ignored(context, path)]
        self.likely = kept or self.paths
        self.folders = sorted(
            {path[:at] for path in self.likely for at in range(len(path)) if path[at] == "/"}
        )
        self.destinations = ["x", "y/z", "/opt", "/opt/in", "a", "w"]

    def text(self) -> str:
        """The stage's instructions."""
        base = "scratch"
        if self.number and self.rng.random() < 0.25:
            base = f"s{self.rng.randrange(self.number)}"
        lines = [f"FROM {base} AS s{self.number}"]
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            lines += self.step()
        return "\n".join(lines)

    def step(self) -> list[str]:
        """One to three lines."""
        form = self.rng.random()
        if form < 0.15:
            return [f"WORKDIR {self.rng.choice(('/w', 'w', 'w/../v', '/', '/opt/'))}", self.copy()]
        if form < 0.22:
            return ["ARG OUTER", "ENV PLACE=$OUTER/in", self.copy("${PLACE}/")]
        if form < 0.27:
            return ["ENV Q='one two'", f'COPY ["{self.source()}", "$Q/"]']
        if form < 0.33:
            return [
                f"COPY <<EOF <<-'T' {self.rng.choice(('/h/', 'h/', './'))}",
                "text $PATH",
                "EOF",
                "\ttab",
                "T",
            ]
        if form < 0.4 and self.number:
            other = f"s{self.rng.randrange(self.number)}"
            return [f"COPY --from={other} {self.from_source()} {self.destination()}"]
        if form < 0.44:
            return [f"ONBUILD {self.copy()}"]
        return [self.copy()]

    def copy(self, destination: str = "") -> str:
        """A COPY or ADD of the context."""
        keyword = self.rng.choice(("COPY", "COPY", "COPY", "ADD"))
        flags = []
        if self.rng.random() < 0.15:
            flags.append("--link")
        if self.rng.random() < 0.2:
            flags += [f"--exclude={self.exclude()}" for _ in range(self.rng.choice((1, 1, 2)))]
        parents = keyword == "COPY" and self.rng.random() < 0.15
        if parents:
            flags.append("--parents")
        count = self.rng.choice((1, 1, 1, 1, 2, 3))
        sources = [self.pivoted(self.source()) if parents else self.source() for _ in range(count)]
        words = [*sources, destination or self.destination()]
        if any(" " in word for word in words) or self.rng.random() < 0.1:
            inner = ", ".join('"' + word.replace("\\", "\\\\") + '"' for word in words)
            return " ".join([keyword, *flags, f"[{inner}]"])
        return " ".join([keyword, *flags, *words])

    def source(self) -> str:
        """A source of the context: mostly one that is there."""
        form = self.rng.random()
        if form < 0.08:
            return self.rng.choice((".", "./", "/", "*", "./*"))
        if form < 0.3 and self.folders:
            path = self.rng.choice(self.folders)
        elif form < 0.33:
            path = self.rng.choice(("gone", "gone*", "gone*", "gone/*"))
        else:
            path = self.rng.choice(self.paths if form > 0.95 else self.likely)
        if self.rng.random() < 0.3:
            parts = path.split("/")
            at = self.rng.randrange(len(parts))
            first = parts[at][0].replace("[", "?")
            parts[at] = self.rng.choice(("*", _blurred(self.rng, parts[at]), first + "*"))
            path = "/".join(parts).replace("**", "*")
        before = self.rng.choice(("", "", "", "./", "/", "../", "a/../"))
        after = self.rng.choice(("", "", "", "/", "/."))
        return before + path + after

    def pivoted(self, source: str) -> str:
        """A source of `--parents`, sometimes with the `/./` in it."""
        parts = [part for part in source.split("/") if part not in ("", ".")]
        if len(parts) > 1 and self.rng.random() < 0.5:
            at = self.rng.randrange(1, len(parts))
            return "/".join([*parts[:at], ".", *parts[at:]])
        return source

    def from_source(self) -> str:
        """A source in another stage."""
        return self.rng.choice(("/", "/x", "/opt", "/*", "y", "/opt/*", "/w", self.destination()))

    def exclude(self) -> str:
        """A pattern for `--exclude`, without blanks."""
        return _pattern(self.rng, self.context.files).replace(" ", "?")

    def destination(self) -> str:
        """Where to: places that earlier steps may have made are likely."""
        path = self.rng.choice(self.destinations)
        return path + self.rng.choice(("", "", "/", "/", "/."))
