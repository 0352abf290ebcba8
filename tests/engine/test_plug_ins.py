"""What plug-ins get that ask for nothing and change what only the built-in transforms leave alone.

Each does one thing that reading can see and that no built-in transform would do: it says for
itself what a call site left to somebody, hides files from builds that nobody found, or changes
what no obligation is about. The gate gives no patch, or says under *Not proved* what it could
not judge; a plug-in that does the harmless neighbour of it gets its patch without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dockerfix.engine.gate import Judges
from dockerfix.engine.plan import CheckFailed, Outcome, Planned, plan
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.facts.finding import Finding, Severity
from dockerfix.facts.repository import Facts
from dockerfix.proof.obligation import Permit
from dockerfix.text import Edit, EditSet, Snapshot, Span

Files = Mapping[str, str]
DOCKERFILE = "FROM alpine AS dev\nUSER 1\nFROM alpine AS rel\nUSER 2\n"
COPIES = "FROM alpine\nCOPY web/page /page\n"


class PlugIn:
    """Writes files as they are given, deletes those that are None, once."""

    name, summary = "plug-in", "x"
    options: tuple[OptionSpec, ...] = ()

    def __init__(
        self,
        after: Mapping[str, str | None],
        permits: Sequence[Permit] = (),
        findings: Sequence[Finding] = (),
    ) -> None:
        self.after = after
        self.permits = tuple(permits)
        self.findings = tuple(findings)

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        snapshot = facts.snapshot
        texts = {path: text.encode() for path, text in self.after.items() if text is not None}
        gone = tuple(path for path in self.after if path not in texts and path in snapshot)
        edits = {
            path: EditSet((Edit(Span(0, len(snapshot.read(path))), text),))
            for path, text in texts.items()
            if path in snapshot and snapshot.read(path) != text
        }
        created = {path: text for path, text in texts.items() if path not in snapshot}
        if not (edits or created or gone):
            return Proposal(reason="done")
        return Proposal(
            edits=edits,
            created=created,
            deleted=gone,
            permits=self.permits,
            findings=self.findings,
        )


def outcome(
    before: Files,
    after: Mapping[str, str | None],
    *permits: Permit,
    findings: Sequence[Finding] = (),
) -> Outcome:
    facts = Facts(Snapshot.of({path: text.encode() for path, text in before.items()}))
    return plan(facts, PlugIn(after, permits, findings), [""], {}, Judges.real())


def unproved(before: Files, after: Mapping[str, str | None], *permits: Permit) -> str:
    """What the report says under *Not proved*; no patch is a line of its own."""
    found = outcome(before, after, *permits)
    assert isinstance(found, Planned | CheckFailed), found
    return "\n".join(found.unproved) if isinstance(found, Planned) else f"fails: {found.check}"


def compose(key: str, value: str) -> str:
    rest = "" if key == "context" else "      context: .\n"
    return f"services:\n  a:\n    image: r/a\n    build:\n{rest}      {key}: {value}\n"


def script(build: str, *lines: str) -> str:
    return "\n".join(("#!/bin/sh", *lines, f"docker build {build} .", "docker push r/a", ""))


def make(value: str) -> str:
    return f"TARGET ?= dev\nimage:\n\tdocker build --target {value} -t r/a --push .\n"


def bake(value: str) -> str:
    default = 'variable "T" {\n  default = "dev"\n}\n'
    return f'{default}target "default" {{\n  target = {value}\n  tags = ["r/a"]\n}}\n'


FROZEN = {
    "a target of Compose": ("compose.yaml", compose("target", "${T:-dev}"), "whatever T holds"),
    "a target of make": ("Makefile", make("$(TARGET)"), "whatever TARGET holds"),
    "a target of bake": ("docker-bake.hcl", bake("T"), "whatever T holds"),
    "a Dockerfile of Compose": (
        "compose.yaml", compose("dockerfile", "${D:-Dockerfile}"), "Dockerfile no longer follows D",
    ),
    "a context of Compose": (
        "compose.yaml", compose("context", "${C:-.}"), "context no longer follows C",
    ),
    "a target behind eval": (
        "b.sh", script("--target $T -t r/a", "T=dev", 'eval "$MORE"'), "whatever T holds",
    ),
    "a tag behind eval": (
        "b.sh", script("-t r/$N", "N=a", 'eval "$MORE"'), "tag no longer follows N",
    ),
    "a tag behind a file that is not there": (
        "b.sh", script("-t r/$N", "N=a", ". ./made.env"), "tag no longer follows N",
    ),
}  # fmt: skip
VALUES = {"${T:-dev}": "dev", "$(TARGET)": "dev", "= T": '= "dev"', "--target $T": "--target dev",
          "${D:-Dockerfile}": "Dockerfile", "${C:-.}": ".", "r/$N": "r/a"}  # fmt: skip


def said_for_itself(text: str) -> str:
    """A call site with its variable's value in the place of the variable."""
    for old, new in VALUES.items():
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("name", FROZEN)
def test_a_value_that_somebody_may_set_is_not_proved_to_be_another(name: str) -> None:
    path, text, said = FROZEN[name]
    files = {"Dockerfile": DOCKERFILE, path: text}
    assert said in unproved(files, {path: said_for_itself(text)})


def test_a_value_that_the_script_alone_sets_may_be_written_out() -> None:
    text = script("-t r/$N", "N=a", ". ./there.env")
    files = {"Dockerfile": DOCKERFILE, "b.sh": text, "there.env": "X=1\n"}
    assert unproved(files, {"b.sh": said_for_itself(text)}) == ""


STRIPPED = (
    Permit("context-moved", "web/Dockerfile", "web/Dockerfile", before="", after="web"),
    Permit("prefix-stripped", "web/Dockerfile", "web/Dockerfile"),
)


def test_a_context_that_no_call_site_was_read_for() -> None:
    files = {"web/Dockerfile": COPIES, "web/page": "1"}
    after = {"web/Dockerfile": COPIES.replace("web/", "")}
    assert unproved(files, after) == "fails: same runtime"
    assert "no call site says with which context" in unproved(files, after, *STRIPPED)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "no call site that was read says"),
        ({"b.sh": "$TOOL build -f Dockerfile .\n"}, "no call site that was read says"),
        ({"b.sh": "docker build -t r/a --push $(pick)\n"}, "has a context that is not known"),
    ],
)
def test_an_ignore_file_of_builds_that_nobody_followed(files: Files, said: str) -> None:
    tree = {"Dockerfile": "FROM alpine\nCOPY . /x\n", "y": "1", **files}
    assert said in unproved(tree, {".dockerignore": "y\n"})


GO = {
    "Dockerfile": "FROM golang AS build\nWORKDIR /src\nCOPY . .\nRUN go build -o out ./cmd\n"
    "FROM scratch\nCOPY --from=build /src/out/cmd /cmd\n",
    "go.mod": "module example.org/x\n\ngo 1.22\n",
    "cmd/main.go": "package main\n\nfunc main() {}\n",
    "out/.keep": "",
    "compose.yaml": "services: {a: {build: .}}\n",
}
NPM = {
    "Dockerfile": "FROM node:22 AS build\nWORKDIR /src\nCOPY . .\n"
    "RUN npm ci -w web && npm run -w web build\n"
    "FROM nginx\nCOPY --from=build /src/web/dist /srv\n",
    "package.json": '{"name": "x", "workspaces": ["web", "lib"]}\n',
    "web/package.json": '{"name": "web", "dependencies": {"lib": "1.0.0"}}\n',
    "lib/package.json": '{"name": "lib", "version": "1.0.0"}\n',
    "lib/index.js": "1\n",
    "compose.yaml": "services: {a: {build: .}}\n",
}


@pytest.mark.parametrize(
    ("files", "hidden"), [(GO, "go.mod"), (GO, "cmd"), (GO, "out"), (NPM, "lib")]
)
def test_an_ignore_file_that_hides_what_a_member_or_a_compiler_needs(
    files: Files, hidden: str
) -> None:
    after = {".dockerignore": f"{hidden}\n"}
    assert unproved(files, after) == "fails: same files"
    leave = Permit("left-out", "Dockerfile", "Dockerfile")
    assume = Finding(Severity.ASSUME, "left-out", "nothing reads it", subject="Dockerfile")
    found = outcome(files, after, leave, findings=(assume,))
    assert isinstance(found, CheckFailed), found
    assert found.check == "same files"


BUILDS = {"Dockerfile": "FROM alpine\nCOPY . /x\n", "compose.yaml": "services: {a: {build: .}}\n"}


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("run.sh", "echo 1\n", "echo 2\n"),
        ("Cargo.toml", "[package]\nversion = '1.0.0'\n", "[package]\nversion = '2.0.0'\n"),
        ("Makefile", "image:\n\tdocker build .\ngo:\n\tkubectl apply\n",
         "image:\n\tdocker build .\ngo:\n\tkubectl delete\n"),
        (".circleci/config.yml", "jobs:\n  b:\n    steps:\n      - run: ./a\n",
         "jobs:\n  b:\n    steps:\n      - run: ./b\n"),
        ("b.sh", "#!/bin/sh\n./test\ndocker build .\n", "#!/bin/sh\ndocker build .\n"),
        (".cargo/config.toml", None, "[build]\nrustflags = ['-g']\n"),
        ("data.bin", "1\n", None),
    ],
)  # fmt: skip
def test_what_no_obligation_is_about_is_said(
    path: str, before: str | None, after: str | None
) -> None:
    files = BUILDS if before is None else {**BUILDS, path: before}
    said = unproved(files, {path: after})
    assert path in said
    assert "nothing judges" in said


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("README.md", "a\n", "b\n"),
        ("Makefile", "image:\n\tdocker build .\n", "# Why.\nimage:\n\tdocker build  .\n"),
        ("compose.yaml", "services: {a: {build: .}}\n", "services:\n  a: {build: .}\n"),
    ],
)
def test_what_is_judged_or_runs_nowhere_needs_no_word(path: str, before: str, after: str) -> None:
    assert unproved({**BUILDS, path: before}, {path: after}) == ""
