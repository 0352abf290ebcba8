"""Whatever stands in a repository, finding its builds ends, and ends without a traceback."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from dockerfix.facts.builds import BuildList
from dockerfix.facts.repository import Facts
from dockerfix.syntax.yaml.tree import YamlError
from dockerfix.text import Snapshot, SnapshotError

WORDS = (
    "docker", "build", "buildx", "bake", "compose", "-f", "--file=a", "--target", "-t", "x", ".",
    "..", "a/b", "$X", "${X}", "${X:-y}", '"$@"', '"${A[@]}"', "$1", "$(pwd)",
    "$(docker build .)", "`x`", "'", '"', "\\\n", "\n", "\n", ";", "&&", "||", "|", "&", "(", ")",
    "{", "}", "if", "then", "else", "elif", "fi", "for", "in", "do", "done", "while", "case",
    "esac", ";;", "f()", "f", "function", "local", "X=y", "X+=z", "A=(a b)", "cd", "a", "-",
    "pushd", "popd", "exit", "return", "shift", "set", "--", "unset", "read", "eval", "sh", "-c",
    "<<EOF", "EOF", ">", "<", "2>&1", "make", "-C", "source", "./b.sh", "é", "\U0001f600", "#",
    "*", "[", "]", "[[", "]]", "!", "exec", "sudo", "--set", "*.tags=x", "/kaniko/executor",
    "buildah", "bud", "podman",
)  # fmt: skip
SCRIPTS = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


def builds(files: dict[str, str | bytes]) -> BuildList:
    return Facts(Snapshot.of(files)).builds


def check(found: BuildList, files: dict[str, str | bytes]) -> None:
    """Every place lies in its file."""
    for build in found.builds:
        places = [build.site.place, *(option.place for option in build.options)]
        for value in (build.dockerfile_written, build.context_written, build.target, *build.tags):
            places += [value.place, value.origin] if value is not None else []
        for place in places:
            if place is not None:
                content = files[place.path]
                data = content.encode() if isinstance(content, str) else content
                assert 0 <= place.span.start <= place.span.end <= len(data)
    assert all(blind.place.path in files for blind in found.blind)


@settings(max_examples=150, deadline=None)
@given(SCRIPTS)
def test_any_shell_text(text: str) -> None:
    files: dict[str, str | bytes] = {"b.sh": text, "x/b.sh": "docker build $1"}
    check(builds(files), files)


@settings(max_examples=150, deadline=None)
@given(SCRIPTS, st.sampled_from(["|", ">", '"', "'", ""]))
def test_any_shell_text_in_a_pipeline(text: str, style: str) -> None:
    import yaml

    printed = yaml.dump({"j": {"script": [text, text]}}, default_style=style, allow_unicode=True)
    files: dict[str, str | bytes] = {".gitlab-ci.yml": printed}
    check(builds(files), files)


@settings(max_examples=150, deadline=None)
@given(SCRIPTS)
def test_any_shell_text_elsewhere(text: str) -> None:
    import json

    files: dict[str, str | bytes] = {
        "Makefile": "a:\n\t" + text.replace("\n", "\n\t") + "\nb: a\n",
        "README.md": f"```\n{text}\n```\n\n    {text}\n",
        "package.json": json.dumps({"scripts": {"a": text}}),
        "b.py": f"import subprocess\nsubprocess.run({text!r}, shell=True)\n",
        ".github/workflows/a.yml": json.dumps({"jobs": {"j": {"steps": [{"run": text}]}}}),
        "docker-bake.hcl": f'target "a" {{ dockerfile = {json.dumps(text)} }}\n',
        "docker-bake.json": json.dumps({"target": {"a": {"context": text}}}),
        "Jenkinsfile": text,
    }
    check(builds(files), files)


KEYS = st.sampled_from([
    "services", "a", "b", "build", "context", "dockerfile", "args", "extends", "service", "file",
    "image", "target", "script", "before_script", "default", "variables", "include", "local",
    "rules", "needs", "job", "parallel", "matrix", "jobs", "steps", "run", "uses", "with", "env",
    "strategy", "runs", "trigger", "inherit", "changes", "group", "targets", "inherits", "tags",
    "x-a", "<<", "tasks", "scripts",
])  # fmt: skip
NODES = st.recursive(
    st.sampled_from(["", "a", "docker build .", "$X", "no", "../x", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(KEYS, NODES, max_size=5))
def test_any_shape_of_yaml(data: dict[str, object]) -> None:
    import json

    text = "# docker\n" + json.dumps(data)
    names = (".gitlab-ci.yml", "compose.yml", "compose.dev.yml", ".github/workflows/a.yml",
             "action.yml", "other.yml")  # fmt: skip
    files: dict[str, str | bytes] = {
        **dict.fromkeys(names, text), "docker-bake.json": json.dumps(data),
        "package.json": json.dumps(data), "b.sh": "docker buildx bake a b; docker compose up",
    }  # fmt: skip
    check(builds(files), files)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    data = b"docker build " + data
    names = ("compose.yml", "Makefile", "b.sh", "README.md", "a.py", "package.json", "Jenkinsfile",
             ".github/workflows/a.yml", "docker-bake.hcl", "docker-bake.json", "a.env")  # fmt: skip
    files: dict[str, str | bytes] = dict.fromkeys(names, data)
    check(builds(files), files)
    try:
        builds({".gitlab-ci.yml": data})
    except YamlError as error:
        assert str(error).startswith(".gitlab-ci.yml:")


def test_a_file_that_cannot_be_read_is_said() -> None:
    def load(path: str) -> bytes:
        raise SnapshotError(path, "permission denied")

    from dockerfix.text import Entry, Kind

    names = ("b.sh", "Makefile", "compose.yml", "README.md", "a.py", "docker-bake.hcl")
    found = Facts(Snapshot({name: Entry(Kind.FILE) for name in names}, load)).builds
    assert {blind.place.path for blind in found.blind} == set(names)
    assert all("permission denied" in blind.why for blind in found.blind)


def test_random_order_of_files_gives_the_same_builds() -> None:
    files: dict[str, str | bytes] = {
        "a.sh": "./b.sh x\n", "b.sh": "docker build $1\n", "Makefile": "i:\n\t./a.sh\n",
        "compose.yml": "services: {s: {build: .}}\n", "c.py": 'run(["docker", "build", "."])\n',
        "README.md": "    docker build .\n",
    }  # fmt: skip
    first = builds(files)
    for seed in range(5):
        items = list(files.items())
        random.Random(seed).shuffle(items)
        again = builds(dict(items))
        assert (again.builds, again.blind) == (first.builds, first.blind)
        assert again.assigned == first.assigned
