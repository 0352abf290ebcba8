"""Builds in Python: words, texts for a shell, and docker's SDK."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind, Tool

Find = Callable[..., BuildList]
Short = Callable[[Build], str]

CALLS = {
    "words": ('subprocess.run(["docker", "build", "-f", "a/D", "--target=x", "."])', "a/D|.|x"),
    "tuple": ('subprocess.check_call(("docker", "build", "app"))', "app/Dockerfile|app|"),
    "text": ('subprocess.check_call("docker build -f a/D .", shell=True)', "a/D|.|"),
    "system": ('os.system("cd app && docker build .")', "app/Dockerfile|app|"),
    "text over lines": (
        'subprocess.run("docker build "\n    "-f a/D "\n    ".", shell=True)', "a/D|.|",
    ),
    "long text": (
        'subprocess.run("""\n    docker build \\\n      -f a/D \\\\\n      .\n""", shell=True)',
        "a/D|.|",
    ),
    "split": ('run("docker build -f a/D .".split())', "a/D|.|"),
    "shlex": ('run(shlex.split("docker build -f a/D ."))', "a/D|.|"),
    "words as arguments": ('session.run("docker", "build", "-f", "a/D", ".")', "a/D|.|"),
    "f-string": ('F = "a/D"\nos.system(f"docker build -f {F} --target {t} .")', "a/D|.|${t}"),
    "format": ('os.system("docker build -f {} .".format(f))', "?|.|"),
    "percent": ('os.system("docker build -f %s ." % f)', "?|.|"),
    "added": ('os.system("docker build -f " + f + " .")', "?|.|"),
    "constant": ('D = "a/D"\nsubprocess.run(["docker", "build", "-f", D, "."])', "a/D|.|"),
    "constant list": ('cmd = ["docker", "build", "app"]\nrun(cmd)', "app/Dockerfile|app|"),
    "constant text": ('cmd = "docker build app"\nos.system(cmd)', "app/Dockerfile|app|"),
    "unknown word": ('run(["docker", "build", "-f", file, "."])', "?|.|"),
    "unknown context": ('run(["docker", "build", ctx])', "?|?|"),
    "str of a name": ('D = "app"\nrun(["docker", "build", str(D)])', "app/Dockerfile|app|"),
    "added lists": ('run(["docker", "build"] + ["app"])', "app/Dockerfile|app|"),
    "cwd": ('run(["docker", "build", "."], cwd="app")', "app/Dockerfile|app|"),
    "unknown cwd": ('run(["docker", "build", "."], cwd=where)', "?|?|"),
    "own folder": (
        "ROOT = Path(__file__).resolve().parent.parent\n"
        'run(["docker", "build", "-f", str(ROOT / "a" / "D"), "."], cwd=ROOT)', "a/D|.|",
    ),
    "parents": (
        'R = Path(__file__).parents[1]\nrun(["docker", "build", f"{R}/app"])',
        "app/Dockerfile|app|",
    ),
    "os.path": (
        "R = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n"
        'run(["docker", "build", os.path.join(R, "app")])', "app/Dockerfile|app|",
    ),
    "sdk": (
        'client.images.build(path="app", dockerfile="D", target="x", tag="t", rm=True)',
        "app/D|app|x",
    ),
    "sdk by position": ('docker.from_env().images.build("app")', "app/Dockerfile|app|"),
    "sdk with a file": ("client.images.build(fileobj=f)", "?|?|"),
    "low-level sdk": ('self.api.build(path="app")', "app/Dockerfile|app|"),
    "another client": ('c.build(path="app", buildargs={"A": "b"})', "app/Dockerfile|app|"),
    "python on whales": (
        'from python_on_whales import docker\ndocker.build("app", file="x/D", target="t")',
        "x/D|app|t",
    ),
    "buildah": ('run(["buildah", "bud", "-f", "a/D", "."])', "a/D|.|"),
    "sudo": ('run(["sudo", "docker", "build", "app"])', "app/Dockerfile|app|"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CALLS.values(), ids=CALLS)
def test_calls(find: Find, short: Short, text: str, expected: str) -> None:
    found = find({"tools/b.py": f"import docker\n{text}\n"})
    assert list(map(short, found.builds)) == [expected]
    assert found.builds[0].site.kind is SiteKind.PYTHON
    assert found.blind == ()


def test_places_are_inside_the_quotes(find: Find) -> None:
    text = (
        '# é\nX = "rel"\ndef image():\n'
        '    subprocess.run(["docker", "build", "--file", \'a/D\', f"--target={X}", "é b"])\n'
    )
    (build,) = find({"b.py": text}).builds
    data = text.encode()
    file, context = build.dockerfile_written, build.context_written
    assert file is not None and file.place is not None
    assert data[slice(*file.place.span)] == b"a/D"
    assert (file.written, file.place.position) == ("a/D", (4, 51))
    assert context is not None and context.place is not None
    assert data[slice(*context.place.span)].decode() == "é b"
    assert str(build.site) == "b.py:4:5 (Python image)"
    assert data[slice(*build.site.place.span)].startswith(b"subprocess.run(")
    assert build.target is not None
    assert build.target.text == "rel"


def test_places_in_a_text_for_a_shell(find: Find) -> None:
    text = 'os.system("docker build "\n          "--file a/D --tag \\"x\\" .")\n'
    (build,) = find({"b.py": text}).builds
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert text[slice(*file.place.span)] == "a/D"
    assert [tag.text for tag in build.tags] == ["x"]


def test_a_file_with_a_byte_order_mark(find: Find) -> None:
    data = b'\xef\xbb\xbfrun(["docker", "build", "-f", "a/D", "."])\n'
    (build,) = find({"b.py": data}).builds
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert data[slice(*file.place.span)] == b"a/D"


def test_a_constant_says_where_it_stands(find: Find) -> None:
    text = 'D = "a/D"\nrun(["docker", "build", "-f", D, "."])\n'
    (build,) = find({"b.py": text}).builds
    file = build.dockerfile_written
    assert file is not None and file.origin is not None and file.place is not None
    assert text[slice(*file.origin.span)] == "a/D"
    assert text[slice(*file.place.span)] == "D"
    assert file.carrier == "D"


def test_sdk_values(find: Find) -> None:
    text = (
        'c.images.build(path=".", tag="t", buildargs={"A": "b", "C": x}, cache_from=["i"],\n'
        '               platform="linux/arm64")\n'
    )
    (build,) = find({"b.py": f"import docker\n{text}"}).builds
    assert build.tool is Tool.SDK
    assert [tag.text for tag in (*build.tags, *build.cache_from, *build.platforms)] == [
        "t", "i", "linux/arm64",
    ]  # fmt: skip
    pairs = [(p.name, p.value.text if p.value else "") for p in build.arguments]
    assert pairs == [("A", "b"), ("C", "${x}")]


def test_bake_and_compose_in_python(find: Find, short: Short) -> None:
    found = find({
        "b.py": 'run(["docker", "buildx", "bake", "a"])\nrun("docker compose up", shell=True)\n'
        'run(["docker", "compose", "-f", "x/dev.yml", "build"])\n',
        "docker-bake.hcl": 'target "a" { context = "app" }\n',
        "x/dev.yml": "services: {s: {build: .}}\n",
    })  # fmt: skip
    assert {short(build) for build in found.builds} == {"app/Dockerfile|app|", "x/Dockerfile|x|"}
    assert sorted(use.verb for use in found.compose_uses) == ["build", "up"]


BLIND = {
    "list that grows": 'cmd = ["docker", "build"]\ncmd += ["-f", f]\nrun(cmd)',
    "appended list": 'cmd = ["docker", "build", "."]\ncmd.append("-q")\nrun(cmd)',
    "text put together": 'cmd = "docker build ."\ncmd = cmd + " -q"\nos.system(cmd)',
    "sdk with a dictionary": "client.images.build(**options)",
    "yielded": 'yield ["docker", "build", "."]',
    "returned": 'def f():\n    return "docker build ."',
}


@pytest.mark.parametrize("text", BLIND.values(), ids=BLIND)
def test_what_cannot_be_read_is_said(find: Find, text: str) -> None:
    found = find({"b.py": f"import docker\n{text}\n"})
    assert found.builds == ()
    assert {blind.place.path for blind in found.blind} == {"b.py"}


QUIET = {
    "docstring": 'def f():\n    """docker build ."""',
    "message": 'print("docker build .")\nlogger.info("docker build %s", x)',
    "error": 'raise ValueError("docker build failed")',
    "comment": "# docker build .\nx = 1",
    "other verb": 'run(["docker", "push", "build"])\nbuild = client.images.get("x")',
    "name only": 'tool = "docker"\nverb = "build"',
}


@pytest.mark.parametrize("text", QUIET.values(), ids=QUIET)
def test_what_only_talks_is_quiet(find: Find, text: str) -> None:
    found = find({"b.py": f"import docker\n{text}\n"})
    assert (found.builds, found.blind) == ((), ())


def test_odd_files(find: Find) -> None:
    for data in (b"docker build (", b"# docker build\n\xff\xfe", b"docker build\0",
                 b"# coding: no-such\n# docker build\n",
                 b"A = A + 'docker build'\nB = C\nC = B\nrun(A)\nrun(B)\n",
                 b"x = " + b"[" * 3000 + b"'docker build .'" + b"]" * 3000):  # fmt: skip
        found = find({"b.py": data})
        assert found.builds == ()
    broken = find({"b.py": "import docker\n\n\ndef build(:\n"})
    assert [str(blind.place) for blind in broken.blind] == ["b.py:4:1"]


def test_values_that_multiply_do_not_run_away(find: Find) -> None:
    lines = ['A0 = "docker build x"', *(f"A{n} = A{n - 1} + A{n - 1}" for n in range(1, 60))]
    find({"b.py": "\n".join([*lines, "run(A59)"])})


def test_libcst_is_imported_only_where_python_builds() -> None:
    code = (
        "import sys\nfrom dockerfix.facts.repository import Facts\n"
        "from dockerfix.text import Snapshot\n"
        "Facts(Snapshot.of({'a.py': 'import docker\\n', 'b.py': 'build()\\n'})).builds\n"
        "print('libcst' in sys.modules, 'tree_sitter' in sys.modules, 'yaml' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]
