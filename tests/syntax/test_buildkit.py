"""Agreement with BuildKit's own parser.

Two oracles. `buildkit.json` holds what `frontend/dockerfile/parser` and `instructions` of
github.com/moby/buildkit v0.34.2 made of the corpus and of short hostile texts: the fields of
its `parser.Node`, and the error that `Parse` or the conversion gave. PyPI `dockerfile` 3.4
runs here, on whatever hypothesis writes, but holds the parser of BuildKit 0.12.5; where the
two differ the younger one is right, and the rule is named in `OLDER_RULES`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import dockerfile
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dockerfix.syntax.dockerfile import (
    Dockerfile,
    Env,
    Healthcheck,
    Instruction,
    Onbuild,
    OneArgument,
    parse,
)
from dockerfix.syntax.dockerfile.problems import rejections
from dockerfix.syntax.dockerfile.words import flag_text, upper_keyword

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "buildkit.json").read_text())
CORPUS = sorted((HERE / "corpus").rglob("*.Dockerfile"))

OLDER_RULES = {
    "blank-before-name": "blanks may stand between << and a heredoc's name",
    "substitution": "the lexer knows ${X%...}, ${X#...} and ${X/...}, so the line has heredocs",
    "text-behind-json": "a JSON list with text behind it is shell form",
    "check-directive": "`check` is a parser directive, and does not end the others",
    "escape-in-flags": "the escape directive counts in flags too",
    "not-utf-8": "the binding takes text, so the bytes cannot be asked about",
}
OLDER_FILES = {
    "a01-heredoc-blank-before-name": "blank-before-name",
    "a01-heredoc-open-quote": "substitution",
    "a02-directives-all": "check-directive",
    "a09-invalid-json-is-shell": "text-behind-json",
    "b-not-utf-8": "not-utf-8",
}


# --- what the recorded parser says


def read(item: Instruction, tree: Dockerfile) -> dict[str, Any]:
    """An instruction in the shape of the recording."""
    reading: dict[str, Any] = {"keyword": item.keyword, "lines": list(lines(item, tree))}
    if item.flags:
        reading["flags"] = flags(item)
    if item.json is not None:
        reading["json"] = True
    if isinstance(item, Onbuild) and item.inner is not None:
        reading["trigger"] = read(item.inner, tree)
        del reading["trigger"]["lines"]
        reading["trigger"].pop("heredocs", None)
    else:
        reading["arguments"] = arguments(item)
    if item.heredocs:
        reading["heredocs"] = [
            {
                "name": doc.name,
                "fd": doc.fd,
                "expand": doc.expand,
                "chomp": doc.strip_tabs,
                "body": doc.body.decode("utf-8", "replace"),
            }
            for doc in item.heredocs
        ]
    return reading


def lines(item: Instruction, tree: Dockerfile) -> tuple[int, int]:
    position = tree.source.position
    return position(item.span.start).line, position(item.span.end - 1).line


def flags(item: Instruction) -> list[str]:
    return [flag_text(tree_text(item, flag.span), item.escape) for flag in item.flags]


def tree_text(item: Instruction, span: tuple[int, int]) -> str:
    """The logical text of a span: what a continuation inside it drops is left out."""
    pieces = item.mapped.pieces
    return "".join(
        item.source.data[max(span[0], piece.span.start) : min(span[1], piece.span.end)].decode()
        for piece in pieces
        if piece.span.start < span[1] and span[0] < piece.span.end
    )


def arguments(item: Instruction) -> list[str]:
    """What the parser's node lists; an unknown instruction has one empty argument."""
    if isinstance(item, Healthcheck):
        command = [word.value for word in item.json] if item.json is not None else []
        kind = item.arguments.split(None, 1)[:1]
        return kind + (command or ([item.command_text] if item.command_text else []))
    if item.json is not None:
        return [word.value for word in item.json]
    if isinstance(item, Env):
        return assignments(item)
    if item.keyword in ("ARG", "FROM", "COPY", "ADD", "VOLUME", "EXPOSE"):
        return [word.raw for word in item.words]
    if isinstance(item, OneArgument) or item.keyword in ("RUN", "CMD", "ENTRYPOINT", "SHELL"):
        return [item.arguments] if item.arguments else []
    return [] if item.keyword == "ONBUILD" else [""]


def assignments(item: Env) -> list[str]:
    if item.old_form:
        return [*re.split(r"[\t\v\f\r ]+", item.arguments, maxsplit=1), ""]
    parts = (word.raw.partition("=") for word in item.words)
    return [text for name, _, value in parts for text in (name, value, "=")]


def check_reading(data: bytes, recorded: dict[str, Any]) -> None:
    tree = parse(data)
    assert bool(rejections(tree)) == ("error" in recorded), (
        rejections(tree),
        recorded.get("error"),
    )
    if "instructions" in recorded:
        expected = [normal(node) for node in recorded["instructions"]]
        assert [normal(read(item, tree)) for item in tree.instructions] == expected


def normal(node: dict[str, Any]) -> dict[str, Any]:
    """Differences of no meaning: the case of keywords, and how bytes that are no text show."""
    node = {**node, "keyword": upper_keyword(node["keyword"])}
    if "trigger" in node:
        node = {**node, "trigger": normal(node["trigger"])}
    text = re.sub(r"\\ud[c-f]..|\\ufffd", "?", json.dumps(node), flags=re.IGNORECASE)
    normalized: dict[str, Any] = json.loads(text)
    return normalized


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_reads_as_todays_buildkit_reads_it(path: Path) -> None:
    name = path.relative_to(HERE / "corpus").as_posix()
    check_reading(path.read_bytes(), RECORDED["files"][name])


@pytest.mark.parametrize("number", range(len(RECORDED["texts"])))
def test_hostile_lines_read_as_todays_buildkit_reads_them(number: int) -> None:
    recorded = RECORDED["texts"][number]
    check_reading(recorded["text"].encode(), recorded)


# --- what PyPI dockerfile says


def pypi(text: str) -> list[tuple[object, ...]] | None:
    """Keyword, lines, flags, JSON form and heredocs of each instruction; None: rejected."""
    try:
        commands = dockerfile.parse_string(text)
    except dockerfile.GoParseError:
        return None
    return [
        (
            upper_keyword(command.cmd or ""),
            (command.start_line, command.end_line),
            list(command.flags),
            command.json,
            [(doc.name, doc.file_descriptor, doc.content) for doc in command.heredocs],
        )
        for command in commands
    ]


def ours(tree: Dockerfile) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for item in tree.instructions:
        inner = item.inner if isinstance(item, Onbuild) else None
        found.append((
            item.keyword,
            lines(item, tree),
            flags(item),
            (inner or item).json is not None,
            # The binding forgets the heredocs of a trigger; its last line still counts them.
            [] if inner else [(doc.name, doc.fd, doc.body.decode()) for doc in item.heredocs],
        ))  # fmt: skip
    return found


def agrees(data: bytes) -> bool:
    """Whether both read the same; what the parser alone rejects, our errors must name."""
    tree = parse(data)
    theirs = pypi(data.decode())
    return bool(rejections(tree)) if theirs is None else theirs == ours(tree)


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_reads_as_pypi_dockerfile_reads_it(path: Path) -> None:
    rule = OLDER_FILES.get(path.stem)
    if rule is None:
        assert agrees(path.read_bytes())
    elif rule == "not-utf-8":
        with pytest.raises(UnicodeDecodeError):
            agrees(path.read_bytes())
    elif path.stem != "a02-directives-all":  # there the escape is the same either way
        assert not agrees(path.read_bytes()), OLDER_RULES[rule]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("blank-before-name", "FROM a\nRUN cat << EOF\nCMD\nEOF\n"),
        ("substitution", "FROM a\nRUN cat <<EOF ${A%b}\nCMD\nEOF\n"),
        ("text-behind-json", 'FROM a\nCMD ["a"] b\n'),
        ("check-directive", "# check=skip=all\n# escape=`\nFROM a\nRUN a `\n  b\n"),
        ("escape-in-flags", "# escape=`\nFROM a\nCOPY --chown=a` b c d\n"),
    ],
)
def test_the_rules_that_the_older_parser_lacks(rule: str, text: str) -> None:
    assert rule in OLDER_RULES
    assert not agrees(text.encode()), "the rule is no longer needed"


# --- a grammar of Dockerfiles

NAMES = ("a", "b-1", "./x", "/y/z", "$X", "${X}", "${X:-y}", '"q r"', "'s t'", "x=y", "é", "#c")
SHELL_WORDS = (*NAMES, "a\\ b", "&&", "|", ">", "<", "\\\\", "$(ls)", "it\\'s", '"it\'s"', "-x")
BLANKS = (" ", " ", "  ", "\t", " \\\n  ", " \\\n# note\n ", " \\\n\n ", " \\ \n", "\\\n\t")
FLAGS = {
    "RUN": ("--mount=type=cache,target=/x", "--network=none", '--mount="type=bind,source=a b"'),
    "COPY": (
        "--from=st",
        "--from=0",
        "--chown=a:b",
        "--link",
        "--exclude=*.md",
        "--",
        '--chmod="7"',
    ),
    "ADD": ("--keep-git-dir=true", "--checksum=sha256:0", "--link=false"),
    "FROM": ("--platform=$BUILDPLATFORM",),
    "HEALTHCHECK": ("--interval=30s", "--retries=3"),
}


def one_of(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def many(words: tuple[str, ...], least: int = 0, most: int = 4) -> st.SearchStrategy[str]:
    word = st.tuples(one_of(*BLANKS), one_of(*words)).map("".join)
    return st.lists(word, min_size=least, max_size=most).map("".join)


JSON = st.lists(
    st.text('ab \\"é\n$', max_size=4).map(json.dumps) | one_of("1", "null"), max_size=3
).map(lambda items: " [" + ", ".join(items) + "]")


@st.composite
def heredocs(draw: st.DrawFn) -> tuple[str, str]:
    """The word that opens one, and its body."""
    name = draw(one_of("EOF", "E1", "a.txt"))
    written = draw(one_of(name, f'"{name}"', f"'{name}'", f"{name[0]}'{name[1:]}'"))
    tabs = draw(one_of("", "-"))
    body = draw(st.lists(one_of("FROM x", "# c", "", "\ttab", "RUN a \\", "é", f" {name}")))
    end = draw(one_of("", "\t")) if tabs else ""
    opening = draw(one_of("", "", "3")) + "<<" + tabs + written
    return opening, "".join(f"{line}\n" for line in [*body, end + name])


@st.composite
def instructions(draw: st.DrawFn, nested: bool = False) -> str:
    keywords = ["RUN", "COPY", "ADD", "CMD", "ENTRYPOINT", "ENV", "LABEL", "VOLUME", "SHELL"]
    if not nested:
        keywords += ["FROM", "ARG", "EXPOSE", "HEALTHCHECK", "USER", "WORKDIR", "ONBUILD", "FOO"]
    keyword = draw(st.sampled_from(keywords))
    head = draw(one_of(keyword, keyword.lower(), keyword[:2] + "\\\n" + keyword[2:]))
    if keyword == "ONBUILD":
        return head + draw(one_of(*BLANKS[:4])) + draw(instructions(nested=True))
    head += draw(many(FLAGS.get(keyword, ("--odd",)), most=2 if keyword in FLAGS else 0))
    if keyword in ("RUN", "COPY", "ADD") and draw(st.booleans()):
        docs = draw(st.lists(heredocs(), min_size=1, max_size=2))
        words = draw(one_of("", " cat")) + "".join(f" {opening}" for opening, _ in docs)
        return head + words + draw(one_of(" /to", "")) + "\n" + "".join(body for _, body in docs)
    if keyword in ("RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "VOLUME", "SHELL"):
        return head + draw(JSON | many(SHELL_WORDS)) + "\n"
    if keyword == "HEALTHCHECK":
        return head + draw(one_of(" NONE", " CMD")) + draw(JSON | many(SHELL_WORDS)) + "\n"
    return head + draw(many(NAMES)) + "\n"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    parts = draw(
        st.lists(one_of("# syntax=docker/dockerfile:1\n", "# escape=\\\n", "#c\n"), max_size=2)
    )
    item = instructions() | one_of("\n", "# comment\n", "  # indented\n", "\\\n", " \t\n")
    parts += ["FROM alpine AS st\n", *draw(st.lists(item, max_size=6))]
    text = "".join(parts)
    if draw(st.booleans()):
        text = text.rstrip("\n")
    return (
        draw(one_of("", "", "\ufeff")) + text.replace("\n", draw(one_of("\n", "\r\n")))
    ).encode()


def meets_an_older_rule(text: str) -> bool:
    """Whether the older parser may differ, by the rules above."""
    return bool(re.search(r"\][ \t]*[^\s\\]|<<-?[ \t]", text))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files())
@example(b"FROM a\nRUN <<EOF\nEOF")
@example(b"FROM a\n\\\n")
def test_what_a_grammar_writes_reads_as_pypi_dockerfile_reads_it(data: bytes) -> None:
    assume(not meets_an_older_rule(data.decode()))
    assert agrees(data)
