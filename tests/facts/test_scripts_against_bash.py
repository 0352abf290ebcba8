"""Scripts that build, beside bash itself: what docker is called with is what is read.

A stand-in records its folder and its arguments. A build that is read may be unknown, and one
that bash does not get to may be read; a value that is stated is the one that docker got.
"""

from __future__ import annotations

import os
import posixpath
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfix.facts.model import Build
from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.read_words import read_fields
from dockerfix.facts.shell.words import UNKNOWN, Bound, Scope, expand
from dockerfix.syntax.shell import Command, parse_shell
from dockerfix.text import MappedText, Snapshot

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

FOLDERS = ("", "a/", "b/", "my app/", "one/", "two/")
FILES = {f"{folder}Dockerfile{end}": "FROM x\n" for folder in FOLDERS for end in ("", ".one", ".x")}
DOCKER = """#!/bin/sh
{ printf '%s\\0' "$PWD" "$@"; printf '\\1\\0'; } >> "$RECORD"
"""
SUDO = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
exec "$@"
"""
Asked = tuple[str, str, str]
"""Dockerfile, context and target."""

WRITTEN = r"""
f() { docker build --target "$1a" .; }; f x
f() { docker build --target ${10} .; }; f 1 2 3 4 5 6 7 8 9 ten
f() { docker build --target $10 .; }; f 1 2 3 4 5 6 7 8 9 ten
args=(-f a/Dockerfile --target x); docker build "${args[@]}" a
args=(-f a/Dockerfile); args+=(--target "x y"); docker build "${args[@]}" a
args=(--target one); if true; then args+=(-f b/Dockerfile); fi; docker build "${args[@]}" b
f() { local args=(--target "$1"); docker build "${args[@]}" .; }; f one
D=(a "my app"); for d in "${D[@]}"; do docker build "$d"; done
D=(a "my app"); for d in ${D[@]}; do docker build "$d"; done
D=(a b); docker build ${D[1]}
declare -A m=([x]=a [y]=b); for k in x y; do docker build ${m[$k]}; done
cmd=(docker build); cmd+=(--target "x y" a); "${cmd[@]}"
docker build -f - a <<< "FROM x"
set -- -f a/Dockerfile .; docker build "$@"
set -- a b; for d; do docker build $d; done
set -- one a; docker build --target $*
docker build -f $'a/Dockerfile' .
docker build -f {a,b}/Dockerfile.one
for d in {a,b}; do docker build $d; done
for d in {a..b} x; do docker build $d; done
docker build ~/x
docker build --file=~/x .
X=~/a; docker build "$X"
X=; docker build ${X:+-f a/Dockerfile} .
X=a/Dockerfile; docker build ${X:+-f "$X"} .
X="my app/Dockerfile"; docker build ${X:+-f "$X"} .
X=a/Dockerfile.one; docker build -f ${X/one/x} .
X=a/Dockerfile.one; docker build -f ${X%.one} .
X=one; docker build --target ${X^^} .
X=one; docker build --target ${#X} .
for e in "a|one" "b|two"; do IFS='|' read -r d t <<< "$e"; docker build --target $t $d; done
IFS=: read -r d t x <<< "a:one::"; docker build --target $t "$d" $x
read -r d t <<< " a  one two "; docker build --target "$t" $d
IFS=: read -ra P <<< "a:b"; for d in "${P[@]}"; do docker build $d; done
IFS= read -r d <<< "my app"; docker build "$d"
X=v1/one; docker build --target ${X##*/} ${X%/*}
X=a/b; for d in ${X//\// }; do docker build $d; done
X=a,b; for d in ${X/,/ }; do docker build $d; done
X=one-two; docker build --target ${X: -3} ${X:4:0}.
X=TWO; docker build --target "${X,,}" .
for X in one two; do docker build --target ${X#o} .; done
{ cd a; docker build .; }
( cd a; docker build . ); docker build .
if ! docker build a; then echo no; fi
docker build a || exit
eval "docker build a"
CMD="docker build a"; eval "$CMD --target x"
trap 'docker build a' EXIT
f() { local d=a; g; }; g() { docker build $d; }; f
d=b; f() { local d=a; }; f; docker build $d
printf 'a\nb\n' | while read d; do docker build $d; done
while read -r d t; do docker build --target $t $d; done <<< "a one"
echo a | xargs docker build
echo 'docker build a' | bash
env X=1 docker build a
env -u X docker build a
env -C a docker build .
time docker build a
f() { docker build $1; }; time f a
sudo -E docker build a
nice -n 10 docker build a
timeout -k 5 5m docker build a
command docker build a
exec docker build a
true; \docker build a
set -- x
\docker build a
F=a/Dockerfile docker build --target x$F .
F=b/Dockerfile; F=a/Dockerfile docker build -f $F .
D=b; D=a bash -c 'docker build $D'
D=a; bash -c 'docker build ${D:-b}'
D=a; bash -c "docker build $D"
export D=a; bash -c 'docker build $D'
D=a; export D; bash -c 'docker build $D'
set -a; D=a; bash -c 'docker build $D'
IFS=,; X=a,b; for d in $X; do docker build $d; done
IFS=$'\n'; X="my app"; docker build $X
D="my app"; docker build "$D"/
f() { docker build --target "$0" a; }; f x
bash -ec 'docker build a'
bash -ceu 'docker build a'
bash -c 'docker build $1 --target $0' one a
f() { bash -c 'docker build ${1:-b}'; }; f a
f() { bash -c "docker build $1"; }; f a
f() { bash -c "docker build $1 --target \$0" one; }; f a
docker build [a]
docker build a/Docker*
docker build -f a/Dockerfile.o* .
f() { shift; docker build "$@"; }; f x a
f() { docker build "${@:2}"; }; f x a
run() { echo "$@"; "$@"; }; run docker build a
unset L; for d in "${L[@]}"; do D=a; done; docker build ${D:-b}
cd a; docker build -f ../b/Dockerfile ..
pushd a >/dev/null; docker build .; popd >/dev/null; docker build b
"""


class Writer:
    """Writes scripts of assignments, arrays, functions, branches and builds."""

    words = (
        "a", "b", ".", "$A", '"$A"', "$B", '"$D"', "${D:-b}", "${F:+a}", '"${args[@]}"', '"$@"',
        "$1", '"${1}"', "$*", "${#A}", "${A%a}", "${A^^}", "{a,b}", '"my app"', "my\\ app",
        "$'a'", '"$A"/', "$A$B", "./$D", "$PWD/a", "\\$A", "'$A'", "${10}", "$10", "~/x", 'a""',
    )  # fmt: skip
    flags = (
        "", "", "--target one", "--target $T", '--target "$T"', "--target=$A", "-f a/Dockerfile",
        '-f "$F"', "--file=$F", '"${args[@]}"', "${T:+--target $T}", '${F:+-f "$F"}',
        "--build-arg X=$A", '-t "$A:$B"', "--target ${T:-two}", "-f ${F%.one}",
    )  # fmt: skip
    values = (
        "a", "b", "one", "two", '"my app"', "Dockerfile.x", '""', "'x y'", "$A", '"$B"',
        "${D:-a}", "${T:+two}", "$(echo a)", '"--target one"', "~/x", "$'two'",
    )  # fmt: skip
    before = ("",) * 6 + ("A=b ", "time ", "command ", "sudo -E ", "env X=1 ", "nice ", "\\", "! ")
    others = (
        "cd a && cd ..", "pushd a >/dev/null; popd >/dev/null", "unset A", "unset D",
        "read A <<< b", "bash -c 'docker build $A'", 'bash -c "docker build $A"',
    )  # fmt: skip
    every = '"$@"'
    arrays = ("--target one", "-f a/Dockerfile", "", "--target $T", '--target "x y"')

    def __init__(self, seed: int) -> None:
        self.made = random.Random(seed)

    def script(self) -> str:
        steps = (self.step() for _ in range(self.made.randint(1, 5)))
        start = ("A=a", "B=b", "D=.", "T=two", "F=Dockerfile.one")
        return "\n".join([*start, *steps, self.build()]) + "\n"

    def build(self) -> str:
        pick = self.made.choice
        words = ["docker", "build", pick(self.flags), pick(self.flags), pick(self.words)]
        return pick(self.before) + " ".join(filter(None, words))

    def step(self, depth: int = 0) -> str:
        pick = self.made.choice
        sort = self.made.random()
        if sort < 0.35:
            return (
                f"{pick(('', '', 'export '))}{pick('ABDTF')}{pick(('=', '+='))}{pick(self.values)}"
            )
        if sort < 0.45:
            return f"args{pick(('=', '+='))}({pick(self.arrays)})"
        if sort < 0.55:
            return f"set -- {pick(self.words)} {pick(self.words)}"
        if sort < 0.65:
            return pick(self.others)
        if sort < 0.95 and depth < 2:
            inner, other = self.step(depth + 1), self.step(depth + 1)
            local = pick(("", "local A=$1; ", "local D=b; "))
            given = pick(self.words)
            return pick(
                (
                    f"for D in {pick(('a b', '$A', '{a,b}', self.every))}; do {inner}; done",
                    f"if {pick(('true', 'false', '[ -n $A ]'))}; then {inner}; else {other}; fi",
                    f"g() {{ {local}{inner}; }}; g {given} x",
                    f"( {inner}; {other} )",
                )
            )
        return self.build()


def written() -> Iterator[str]:
    """The scripts above: a line each, or two where the second begins with a backslash."""
    script = ""
    for line in WRITTEN.strip().splitlines():
        if script and not line.startswith("\\"):
            yield script
            script = ""
        script += line + "\n"
    yield script


def run_by_bash(texts: list[str], folder: Path) -> list[list[Asked]]:
    """What each script asks docker for."""
    root, programs, record = folder / "repo", folder / "bin", folder / "record"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    programs.mkdir()
    for name, text in (("docker", DOCKER), ("sudo", SUDO)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin", "RECORD": str(record), "HOME": "/home/x",
    }  # fmt: skip
    found = []
    for text in texts:
        record.write_bytes(b"")
        (root / "build.sh").write_text(text)
        command = ["bash", "build.sh"]
        subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
        calls = record.read_text().split("\1\0")[:-1]
        asked = (_asked(call.split("\0")[:-1], str(root)) for call in calls)
        found.append([item for item in asked if item is not None])
    return found


_VALUED = {
    "-f": "file", "--file": "file", "--target": "target", "-t": "tag", "--build-arg": "argument",
}  # fmt: skip


def _asked(call: list[str], root: str) -> Asked | None:
    """What one call asks for; None where docker itself would refuse its words."""
    folder, *words = call
    values: dict[str, str] = {}
    contexts = []
    rest = iter(words[1:])
    for word in rest:
        name, equals, value = word.partition("=")
        if name in _VALUED:
            values[_VALUED[name]] = value if equals else next(rest, "-")
        elif not word.startswith("-"):
            contexts.append(word)
    file, target = values.get("file"), values.get("target", "")
    odd = any(text is not None and text[:1] in ("-",) for text in (file, target))
    if len(contexts) != 1 or not contexts[0] or file == "" or odd:
        return None
    context = _inside(root, folder, contexts[0])
    dockerfile = (
        _inside(root, context, "Dockerfile") if file is None else _inside(root, folder, file)
    )
    return dockerfile, context, target


def _inside(root: str, *parts: str) -> str:
    path = os.path.normpath(posixpath.join(root, *parts))
    return "" if path == root else path.removeprefix(root + "/")


def agrees(asked: Asked, build: Build) -> bool:
    """Whether everything that a build states is what docker got."""
    if build.unknown:
        return True  # it says what it is not sure of
    dockerfile, context, target = asked
    if build.target is None:
        same = not target
    else:
        same = not build.target.known or target in build.target.possible
    return build.dockerfile in (None, dockerfile) and build.context in (None, context) and same


def differences(texts: list[str], folder: Path) -> list[tuple[str, Asked]]:
    found = []
    for text, asked in zip(texts, run_by_bash(texts, folder), strict=True):
        facts = Facts(Snapshot.of({**FILES, "build.sh": text}))
        if facts.builds.blind:
            continue  # what is not read is said
        found += [
            (text, item)
            for item in asked
            if not any(agrees(item, build) for build in facts.builds.builds)
        ]
    return found


def test_scripts_as_people_write_them(tmp_path: Path) -> None:
    texts = list(written())
    assert len(texts) > 70
    assert differences(texts, tmp_path) == []


def operations(seed: int) -> Iterator[tuple[str, str]]:
    """Texts, and what changes them."""
    made = random.Random(seed)

    def some(signs: str, most: int) -> str:
        return "".join(made.choice(signs) for _ in range(made.randint(0, most)))

    for _ in range(3000):
        operator = made.choice(("#", "##", "%", "%%", "/", "//", "/#", "/%", "^", "^^", ",", ",,"))
        operand = "" if operator[0] in "^," else some("ab-.*?", 4)
        if operator[0] == "/":
            operand += made.choice(("", "/", "/x", "/-a"))
        yield some("aabB-.", 8), operator + operand
        start, size = made.randint(-6, 6), made.randint(-3, 6)
        yield some("aabB-.", 8), f": {start}" + made.choice(("", f":{size}"))


def test_what_is_cut_and_replaced(tmp_path: Path) -> None:
    pairs = list(operations(7))
    lines = (f"X='{text}'; printf '%s\\0' \"${{X{change}}}\"" for text, change in pairs)
    tried = "".join(f"( {line} ) || printf '?\\0'\n" for line in lines)
    (tmp_path / "tried.sh").write_text(tried)
    asked = subprocess.run(
        ["bash", "tried.sh"], cwd=tmp_path, capture_output=True, check=True, text=True
    ).stdout.split("\0")[:-1]
    assert len(asked) == len(pairs)
    different, known = [], 0
    for (text, change), theirs in zip(pairs, asked, strict=True):
        (command,) = parse_shell(MappedText.whole(f'x "${{X{change}}}"'.encode())).statements
        assert isinstance(command, Command)
        ours, _ = expand(command.words[1].parts, Scope({"X": Bound(text)}))
        known += ours != UNKNOWN
        if ours not in (UNKNOWN, theirs):
            different.append((text, change, theirs, ours))
    assert different == []
    assert known > 0.85 * len(pairs)


def test_what_is_read_from_a_text(tmp_path: Path) -> None:
    made = random.Random(11)
    cases = []
    for _ in range(1500):
        text = "".join(made.choice("ab:: \t") for _ in range(made.randint(0, 9)))
        cases.append((text, made.choice((":", " \t\n", "", " ")), made.randint(1, 3)))
    names = ("A", "B", "C")
    lines = []
    for text, signs, most in cases:
        shown = " ".join(f'"${name}"' for name in names[:most])
        read = f"IFS='{signs}' read -r {' '.join(names[:most])} <<< '{text}'"
        lines.append(f"{read}; printf '%s\\0' {shown}\n")
    tried = "".join(lines)
    (tmp_path / "tried.sh").write_text(tried)
    asked = subprocess.run(
        ["bash", "tried.sh"], cwd=tmp_path, capture_output=True, check=True, text=True
    ).stdout.split("\0")[:-1]
    different, theirs = [], iter(asked)
    for text, signs, most in cases:
        wanted = [next(theirs) for _ in range(most)]
        ours = read_fields(text, signs, most)
        if ours is not None and [*ours, *[""] * (most - len(ours))] != wanted:
            different.append((text, signs, wanted, ours))
    assert different == []


def test_scripts_that_are_made_up(tmp_path: Path) -> None:
    writer = Writer(seed=5)
    texts = [writer.script() for _ in range(500)]
    assert differences(texts, tmp_path) == []
