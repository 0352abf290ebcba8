"""Settings: what is read from where, and every error with its line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from dockerfix.engine.proposal import OptionSpec
from dockerfix.repo.errors import SettingsError
from dockerfix.repo.settings import read_settings

SPECS = (
    OptionSpec("into", "the merged file's name"),
    OptionSpec("keep-old", "keep the old files", bool, False),
    OptionSpec("depth", "how deep", int, 0),
    OptionSpec("skip", "leave out", multiple=True),
    OptionSpec("via", "how", choices=("image", "cache")),
)


def written(root: Path, own: str = "", project: str = "") -> Path:
    if own:
        (root / ".dockerfix.toml").write_text(dedent(own))
    if project:
        (root / "pyproject.toml").write_text(dedent(project))
    return root


def test_no_file_is_no_settings(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert (settings.exclude, settings.accept, settings.tables) == ((), {}, {})
    assert settings.options("merge-rust", SPECS) == {}


def test_a_project_without_our_table_is_no_settings(tmp_path: Path) -> None:
    written(tmp_path, project="[project]\nname = 'x'\n[tool]\n")
    assert read_settings(tmp_path).exclude == ()


def test_everything_from_one_file(tmp_path: Path) -> None:
    written(
        tmp_path,
        """\
        root = true
        exclude = ["third_party/", "*.generated"]

        [merge-rust]
        into = "Dockerfile.all"
        keep-old = true
        depth = 2
        skip = ["a", "b"]

        [merge-rust.accept]
        toolchain = "all three run on stable"
        """,
    )
    settings = read_settings(tmp_path, {"merge-rust"})
    assert settings.exclude == ("third_party/", "*.generated")
    assert settings.accepted("merge-rust") == {"toolchain": "all three run on stable"}
    assert settings.accepted("slim-context") == {}
    assert settings.options("merge-rust", SPECS) == {
        "into": "Dockerfile.all",
        "keep-old": True,
        "depth": 2,
        "skip": ("a", "b"),
    }
    assert settings.options("slim-context", ()) == {}


def test_each_key_of_our_own_file_wins_over_the_project(tmp_path: Path) -> None:
    written(
        tmp_path,
        """\
        root = true
        [merge-rust]
        into = "ours"
        accept = { toolchain = "ours" }
        """,
        """\
        [tool.dockerfix]
        exclude = ["x/"]
        [tool.dockerfix.merge-rust.accept]
        toolchain = "theirs"
        target-values = "only these two are deployed"
        [tool.dockerfix.merge-rust]
        into = "theirs"
        depth = 3
        """,
    )
    settings = read_settings(tmp_path)
    assert settings.exclude == ("x/",)
    assert settings.accepted("merge-rust") == {
        "toolchain": "ours",
        "target-values": "only these two are deployed",
    }
    assert settings.options("merge-rust", SPECS) == {"into": "ours", "depth": 3}


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("exclude = [\n", r".dockerfix.toml:2:1: not TOML: Invalid value; correct the file"),
        ("a = 1\na = 2\n", r".dockerfix.toml:2:6: not TOML: Cannot overwrite a value"),
        ("\n\nexlude = ['x']\n", ".dockerfix.toml:3:1: unknown key 'exlude'; there are root,"),
        ("exclude = 'x'\n", ".dockerfix.toml:1:1: exclude must be a list of strings;"),
        ("exclude = ['x', 1]\n", ".dockerfix.toml:1:1: exclude must be a list of strings;"),
        ("\nexclude = ['/../x']\n", ".dockerfix.toml:2:1: '/../x': not a path below the root;"),
        ("root = 1\n", ".dockerfix.toml:1:1: root must be true or false;"),
        ("[accept]\na = 'b'\n", ".dockerfix.toml:1:1: what is accepted is accepted for one"),
        (
            "[merge-rust]\naccept = ['toolchain']\n",
            ".dockerfix.toml:2:1: each accepted name needs its reason;",
        ),
        (
            "[merge-rust.accept]\na = 'why'\n  toolchain = ''\n",
            '.dockerfix.toml:3:3: toolchain is accepted without a reason; write toolchain = "why"',
        ),
        (
            "[merge-rust]\naccept.a = 'why'\naccept.toolchain = true\n",
            ".dockerfix.toml:3:1: toolchain is accepted without a reason;",
        ),
        (
            '[merge-rust]\naccept = { a = "why", toolchain = " " }\n',
            ".dockerfix.toml:2:1: toolchain is accepted without a reason;",
        ),
        (
            "[merge-rus]\ninto = 'x'\n",
            ".dockerfix.toml:1:1: there is no transform 'merge-rus'; there are",
        ),
        ("[[merge-rust]]\n", ".dockerfix.toml:1:1: unknown key 'merge-rust';"),
    ],
)
def test_errors_carry_their_line(tmp_path: Path, own: str, message: str) -> None:
    written(tmp_path, own)
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path, {"merge-rust", "slim-context"})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("int = 'x'", "merge-rust has no option 'int'; there are depth, into, keep-old"),
        ("into = true", "into must be a string; correct the value"),
        ("keep-old = 1", "keep-old must be true or false; correct the value"),
        ("depth = true", "depth must be a whole number; correct the value"),
        ("depth = [1]", "depth must be a whole number; correct the value"),
        ("skip = 'a'", "skip must be a list, each item a string; correct the value"),
        ("via = 'air'", "via cannot be 'air'; use one of image, cache"),
    ],
)
def test_options_are_checked_against_the_transform(tmp_path: Path, line: str, message: str) -> None:
    written(
        tmp_path,
        project="[project]\nname = 'x'\n\n[tool.dockerfix.merge-rust]\n# a comment\n" + line,
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(tmp_path).options("merge-rust", SPECS)
    assert str(caught.value).startswith(f"pyproject.toml:6:1: {message}")


def test_a_line_inside_of_a_longer_value_is_no_key(tmp_path: Path) -> None:
    written(
        tmp_path,
        'merge-rust.a = """\nexlude = 1\n[merge-rust]\n"""\nexclude = [\n  "x",\n]\nexlude = 1\n',
    )
    with pytest.raises(SettingsError, match=r"^\.dockerfix\.toml:8:1: unknown key 'exlude'"):
        read_settings(tmp_path)


def test_the_error_names_the_file_that_set_the_value(tmp_path: Path) -> None:
    written(tmp_path, "[merge-rust]\ninto = 'a'\n", "[tool.dockerfix.merge-rust]\ndepth = 'x'\n")
    with pytest.raises(SettingsError, match=r"^pyproject\.toml:2:1: depth must be"):
        read_settings(tmp_path).options("merge-rust", SPECS)
    error = read_settings(tmp_path).error(("merge-rust", "into"), "no such folder")
    assert str(error) == ".dockerfix.toml:2:1: no such folder"


def test_root_in_a_project_file_is_refused(tmp_path: Path) -> None:
    written(tmp_path, project="[tool.dockerfix]\nroot = true\n")
    with pytest.raises(SettingsError, match=r"^pyproject\.toml:2:1: root has no meaning in"):
        read_settings(tmp_path)


def test_a_table_must_be_a_table(tmp_path: Path) -> None:
    written(tmp_path, project="[tool]\ndockerfix = 1\n")
    with pytest.raises(SettingsError, match=r"^pyproject\.toml:2:1: dockerfix must be a table"):
        read_settings(tmp_path)


def test_crlf_and_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / ".dockerfix.toml").write_bytes(b"root = true\r\n\r\nexlude = 1\r\n")
    with pytest.raises(SettingsError, match=r"^\.dockerfix\.toml:3:1: unknown key"):
        read_settings(tmp_path)
    (tmp_path / ".dockerfix.toml").write_bytes(b"root = true\n# caf\xe9\n")
    with pytest.raises(SettingsError, match=r"^\.dockerfix\.toml:2:6: not UTF-8"):
        read_settings(tmp_path)


def test_a_folder_or_a_giant_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / ".dockerfix.toml").mkdir()
    with pytest.raises(SettingsError, match=r"^\.dockerfix\.toml: cannot be read: Is a directory"):
        read_settings(tmp_path)
    (tmp_path / ".dockerfix.toml").rmdir()
    with (tmp_path / ".dockerfix.toml").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        read_settings(tmp_path)


def test_deep_nesting_is_an_error_and_no_crash(tmp_path: Path) -> None:
    written(tmp_path, "exclude = " + "[" * 20_000 + "]" * 20_000 + "\n")
    with pytest.raises(SettingsError, match="nested too deeply"):
        read_settings(tmp_path)
