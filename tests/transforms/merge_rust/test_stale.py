"""What stands beside a merge and no longer says what it said."""

from __future__ import annotations

from collections.abc import Mapping

from dockerfix.api import Facts
from dockerfix.text import Edit, Snapshot, Span
from dockerfix_transforms.merge_rust.notes.stale import shown_steps, stale_steps

OLD = ("Dockerfile.api", "Dockerfile.worker")


def steps(files: Mapping[str, str], renamed: Mapping[str, str] | None = None) -> list[str]:
    """The steps of a merge that has rewritten every name of an old file."""
    snapshot = Snapshot.of({**dict.fromkeys(OLD, "FROM a\n"), **files})
    edits = [
        (path, Edit(Span(at, at + len(name)), b"Dockerfile.all"))
        for path in files
        for source in (snapshot.source(path),)
        for name in OLD
        for at in _places(source.data, name.encode())
    ]
    return list(stale_steps(Facts(snapshot), edits, OLD, "Dockerfile.all", renamed or {}))


def _places(data: bytes, name: bytes) -> list[int]:
    found, at = [], data.find(name)
    while at >= 0:
        found.append(at)
        at = data.find(name, at + 1)
    return found


def test_a_sentence_that_tells_files_apart() -> None:
    text = "# x\n`Dockerfile.api` is small, `Dockerfile.worker` is not.\n\nSee Dockerfile.api.\n"
    (line,) = steps({"README.md": text})
    assert line.startswith(
        "README.md:2:2: check this text: it names Dockerfile.api and Dockerfile.w"
    )


def test_several_lines_of_a_document_are_one_step() -> None:
    (line,) = steps({"README.md": "Dockerfile.api Dockerfile.worker\n" * 3})
    assert line.endswith("and 2 more lines do")


def test_rules_of_a_bot() -> None:
    rules = '[{"matchFileNames": ["Dockerfile.api"]}, {"matchFileNames": ["Dockerfile.worker"]}]'
    (line,) = steps({"renovate.json": rules})
    assert line.endswith("are all for Dockerfile.all now: keep one")
    assert steps({"renovate.json": '[{"matchFileNames": ["Dockerfile.api"]}]'}) == []


def test_patterns_of_hooks() -> None:
    hook = "repos:\n- hooks:\n  - id: x\n    files: {}\n"
    path = ".pre-commit-config.yaml"
    (line,) = steps({path: hook.format(r"^Dockerfile\.(api|worker)$")})
    assert line == (
        f"{path}:4:12: the pattern meant Dockerfile.api, Dockerfile.worker, and does not match "
        "Dockerfile.all"
    )
    assert steps({path: hook.format(r"^Dockerfile\..*")}) == []
    assert steps({path: hook.format(r"\.rs$")}) == []
    assert steps({path: "a: [\n"}) == []


def test_sections_of_an_editor() -> None:
    (line,) = steps({".editorconfig": "root = true\n[Dockerfile.{api,x}]\na = 1\n[*.rs]\n"})
    assert line == ".editorconfig:2:1: the section meant Dockerfile.api, and not Dockerfile.all"
    assert steps({".editorconfig": "[Dockerfile.*]\n[{*.yml,Dockerfile*}]\n"}) == []


def test_names_of_jobs() -> None:
    files = {
        ".mergify.yml": "- check-success=build-api\n- check-success=build-worker\n",
        "README.md": "It needs `build-api`, and builds.\n",
        "src/main.rs": "// build-api\n",
    }
    renamed = {"build-api": "build-all", "build-worker": "build-all", "builds": "build-all"}
    assert steps(files, renamed) == [
        ".mergify.yml:1:17: build-api and build-worker are build-all now",
        "README.md:1:11: build-api is build-all now",
    ]


def test_an_ignore_file_that_hid_the_old_ones() -> None:
    old = ("svc/api/Dockerfile", "svc/worker/Dockerfile")

    def shown(ignore: str) -> list[str]:
        files = {**dict.fromkeys(old, "FROM a\n"), ".dockerignore": ignore}
        return list(shown_steps(Facts(Snapshot.of(files)), "", old, "svc/Dockerfile.all"))

    assert shown("**/Dockerfile\ntarget\n") == [
        ".dockerignore: add svc/Dockerfile.all: the old files were not in the build context, "
        "and it is"
    ]
    assert shown("**/Dockerfile*\n") == []
    assert shown("target\n") == []
