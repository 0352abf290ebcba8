"""A transform's command: the patch on stdout, the conversation on stderr, the right exit code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def apply(folder: Path, patch: bytes) -> None:
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, check=True)


def test_a_patch_on_stdout_a_report_on_stderr(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("pin", "app")
    assert result.code == 0
    index = result.out.splitlines(keepends=True)[1]
    assert result.out == (
        b"diff --git a/app/Dockerfile b/app/Dockerfile\n" + index + b"--- a/app/Dockerfile\n"
        b"+++ b/app/Dockerfile\n"
        b"@@ -1,2 +1,2 @@\n"
        b"-FROM a\r\n"
        b"+FROM a AS pinned\r\n"
        b" RUN b\n"
        b"\\ No newline at end of file\n"
    )
    assert result.err.startswith("dockerfix pin app: 1 file in the patch (1 changed)\n")
    assert "app/Dockerfile:1:6: the new base is the same [same-base]" in result.err
    assert "apply it: `dockerfix pin app | git apply` (or add --write)" in result.err
    apply(repository, result.out)
    assert (repository / "app/Dockerfile").read_bytes() == b"FROM a AS pinned\r\nRUN b"


def test_a_second_run_has_nothing_to_do(dockerfix: Run, repository: Path) -> None:
    apply(repository, dockerfix("pin", "app").out)
    result = dockerfix("pin", "app")
    assert (result.code, result.out) == (0, b"")
    assert result.err == "dockerfix pin app: nothing to do: it is pinned already\n"


def test_check_tells_by_its_exit_code(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("pin", "app", "--check")
    assert (result.code, result.out) == (1, b"")
    assert "1 file in the patch" in result.err
    assert dockerfix("pin", "app", "--check", "--diff").out.startswith(b"diff --git")
    assert dockerfix("pin", "app", "--to", "a", "--check").code == 0


def test_write_changes_the_files_and_prints_no_patch(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("pin", "--write", "--keep-old")
    assert (result.code, result.out) == (0, b"")
    assert result.err.startswith("dockerfix pin . --keep-old: 2 files written")
    assert "git apply" not in result.err
    assert (repository / "Dockerfile").read_bytes() == b"# why\nFROM a AS pinned\nRUN b\n"
    assert (repository / "Dockerfile.old").read_bytes() == b"# why\nFROM a\nRUN b\n"


def test_write_refuses_files_with_uncommitted_changes(dockerfix: Run, repository: Path) -> None:
    (repository / "Dockerfile").write_bytes(b"FROM a\n")
    result = dockerfix("pin", "--write")
    assert (result.code, result.out) == (2, b"")
    assert "Dockerfile: has changes that are not committed" in result.err
    assert "  -> " in result.err
    assert (repository / "Dockerfile").read_bytes() == b"FROM a\n"
    assert dockerfix("pin", "--write", "--force").code == 0
    assert (repository / "Dockerfile").read_bytes() == b"FROM a AS pinned\n"


def test_output_goes_to_a_file(dockerfix: Run, repository: Path, tmp_path: Path) -> None:
    expected = dockerfix("pin", "app").out
    target = tmp_path / "x.patch"
    result = dockerfix("pin", "app", "-o", str(target), "--color", "always")
    assert result.out == b""
    assert target.read_bytes() == expected
    result = dockerfix("pin", "app", "-o", str(tmp_path / "absent" / "x"))
    assert result.code == 74
    assert "cannot be written: no such file or directory" in result.err


@pytest.mark.parametrize("form", ["json", "sarif", "gitlab-codequality"])
def test_machine_readable_formats(dockerfix: Run, form: str) -> None:
    result = dockerfix("pin", "app", "--format", form)
    assert result.code == 0
    assert json.loads(result.out)
    assert "app/Dockerfile" in result.out.decode()


def test_markdown(dockerfix: Run) -> None:
    assert dockerfix("pin", "app", "--format", "markdown").out.startswith(
        b"### `dockerfix pin app`"
    )


def test_json_says_what_was_done(dockerfix: Run) -> None:
    checked = dockerfix("pin", "app", "--check", "--format", "json")
    assert (checked.code, json.loads(checked.out)["written"]) == (1, False)
    written = dockerfix("pin", "app", "--write", "--format", "json")
    assert (written.code, json.loads(written.out)["written"]) == (0, True)


def test_a_refusal(dockerfix: Run, repository: Path) -> None:
    (repository / "app/Dockerfile").write_bytes(b"FROM refused\n")
    result = dockerfix("pin", "app")
    assert (result.code, result.out) == (2, b"")
    assert "app/Dockerfile:1:6: an odd base [odd-base]\n    it is odd\n    -> use another" in (
        result.err
    )
    data = json.loads(dockerfix("pin", "app", "--format", "json").out)
    assert data["outcome"] == "refused"


def test_a_failed_check_prints_and_writes_nothing(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("wrong", "--write")
    assert (result.code, result.out) == (3, b"")
    assert "an internal check failed (comments)" in result.err
    assert "Dockerfile:1:1: a comment is lost: # why" in result.err
    assert (repository / "Dockerfile").read_bytes().startswith(b"# why")


def test_an_unexpected_error_is_one_line(dockerfix: Run) -> None:
    result = dockerfix("explode")
    assert (result.code, result.out) == (3, b"")
    assert result.err.startswith("dockerfix: internal error: RuntimeError: a (propose, toys.py:")
    assert "Traceback" not in result.err
    assert "Traceback" in dockerfix("explode", DOCKERFIX_TRACEBACK="1").err


def test_accepting_by_name(dockerfix: Run) -> None:
    result = dockerfix("pin", "--accept", "same-base")
    assert "Assumed" not in result.err
    assert "Accepted\n  same-base\n" in result.err
    assert "dockerfix pin . --accept same-base | git apply" in result.err
    result = dockerfix("pin", "--accept", "other")
    assert "note: --accept other: nothing of that name is assumed here; there are: same-base" in (
        result.err
    )


def test_settings_accept_with_a_reason(dockerfix: Run, repository: Path) -> None:
    (repository / ".dockerfix.toml").write_text('[pin.accept]\nsame-base = "looked"\nother = "x"\n')
    result = dockerfix("pin")
    assert "Accepted\n  same-base: looked\n" in result.err
    assert "note:" not in result.err


def test_settings_stand_between_the_default_and_the_command_line(
    dockerfix: Run, repository: Path
) -> None:
    (repository / ".dockerfix.toml").write_text('[pin]\nto = "settled"\nskip = ["x"]\n')
    assert b"+FROM a AS settled" in dockerfix("pin").out
    assert b"+FROM a AS given" in dockerfix("pin", "--to", "given").out


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ("[pin]\ntoo = 1\n", ".dockerfix.toml:2:1: pin has no option 'too'"),
        ('[pin]\nvia = "x"\n', ".dockerfix.toml:2:"),
        ("[pin\n", ".dockerfix.toml:1:"),
        ("[unheard]\n", ".dockerfix.toml:1:"),
    ],
)
def test_wrong_settings_are_usage_errors(
    dockerfix: Run, repository: Path, settings: str, what: str
) -> None:
    (repository / ".dockerfix.toml").write_text(settings)
    result = dockerfix("pin")
    assert (result.code, result.out) == (64, b"")
    assert result.err.startswith("dockerfix: ")
    assert what in result.err
    assert "  -> " in result.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["pin", "absent"], "absent: does not exist"),
        (["pin", ".."], ".."),
        (["pin", "--root", "absent"], "absent: is not a folder"),
        (["pin", "--nope"], "No such option"),
        (["pin", "--via", "x"], "'x' is not one of 'tag', 'digest'"),
        (["pin", "--write", "--check"], "--write and --check exclude each other"),
        (["pin", "-q", "-v"], "--quiet and --verbose exclude each other"),
        (["pin", "--force"], "--force is for --write"),
        (["pni"], "there is no command pni; did you mean pin?"),
        (["explain"], "Missing argument"),
        (["twice"], "the transform twice is claimed by other-pack and toy-pack"),
    ],
)
def test_usage_errors(dockerfix: Run, arguments: list[str], what: str) -> None:
    result = dockerfix(*arguments)
    assert (result.code, result.out) == (64, b"")
    assert what in result.err
    assert "Traceback" not in result.err


def test_a_broken_plugin_is_one_line_and_the_others_work(dockerfix: Run) -> None:
    result = dockerfix("broken")
    assert (result.code, result.out) == (3, b"")
    assert result.err == (
        "dockerfix: the transform broken (no_such_module:Broken) of toy-pack cannot be loaded: "
        "ModuleNotFoundError: No module named 'no_such_module'\n"
        "  -> update or uninstall toy-pack\n"
    )
    assert dockerfix("pin").code == 0


def test_no_repository(dockerfix: Run, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"FROM a\n")
    result = dockerfix("pin", cwd=tmp_path)
    assert result.code == 64
    assert "no repository found" in result.err
    assert b"+FROM a AS pinned" in dockerfix("pin", "--root", ".", cwd=tmp_path).out
    result = dockerfix("pin", "--root", ".", "--write", cwd=tmp_path)
    assert result.code == 2
    assert "Dockerfile: lies in no Git work tree" in result.err
    assert (tmp_path / "Dockerfile").read_bytes() == b"FROM a\n"
    assert dockerfix("pin", "--root", ".", "--write", "--force", cwd=tmp_path).code == 0


def test_called_from_a_folder_below_the_root(dockerfix: Run, repository: Path) -> None:
    result = dockerfix("pin", cwd=repository / "app")
    assert b"--- a/app/Dockerfile\n" in result.out
    assert f"| git -C {repository} apply" in result.err


def test_a_root_below_the_top_of_the_work_tree(dockerfix: Run, repository: Path) -> None:
    (repository / "app" / ".dockerfix.toml").write_text("root = true\n")
    result = dockerfix("pin", cwd=repository / "app")
    assert "| git apply --directory=app` " in result.err
    words = ["git", "apply", "--directory=app"]
    subprocess.run(words, cwd=repository / "app", input=result.out, check=True)
    assert b"AS pinned" in (repository / "app" / "Dockerfile").read_bytes()


def test_a_file_that_is_excluded_is_not_there(dockerfix: Run) -> None:
    result = dockerfix("pin", "app", "--exclude", "app/Dockerfile")
    assert result.code == 2
    assert "app/Dockerfile: " in result.err


def test_quiet_and_verbose(dockerfix: Run) -> None:
    quiet = dockerfix("pin", "app", "-q")
    assert quiet.err.startswith("Assumed\n")
    assert "Next" not in quiet.err
    assert dockerfix("pin", "app", "-q", "--accept", "same-base").err == ""
    assert "Next" in dockerfix("pin", "app", "-v").err


def test_accepting_in_one_place(dockerfix: Run) -> None:
    here = dockerfix("pin", "app", "--accept", "same-base@app")
    assert "Accepted\n  same-base\n" in here.err
    there = dockerfix("pin", "app", "--accept", "same-base@other")
    assert "Assumed\n" in there.err
    assert "nothing of that name is assumed here; there are: same-base" in there.err
