"""Transforms are found without being imported, loaded one at a time, and fail one at a time."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from dockerfix.engine.registry import (
    GROUP,
    BrokenTransformError,
    DuplicateTransformError,
    Plugin,
    Registry,
    UnknownTransformError,
    read_plugins,
)

MODULE = """
class Good:
    name, summary, options = "good", "", ()
    def propose(self, facts, paths, options): ...
class Other(Good):
    name = "else"
class Empty: ...
raised = 1 / {zero}
"""


def install(folder: Path, distribution: str, *lines: str, module: str = "", zero: int = 1) -> None:
    info = folder / f"{distribution}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    text = "\n".join(
        ("[console_scripts]", "x = y:z", f"[{GROUP}]", *lines, "", "[other]", "a = b:c")
    )
    (info / "entry_points.txt").write_text(text)
    if module:
        (folder / f"{module}.py").write_text(MODULE.format(zero=zero))


def test_the_built_in_transform_is_registered() -> None:
    assert "merge-rust" in Registry.installed().names


def test_the_same_entry_points_as_importlib_metadata(tmp_path: Path) -> None:
    install(tmp_path, "one_pack", "good = plugin_a:Good", "# no = x:y", "bad=plugin_b:Good [extra]")
    folders = [*sys.path, str(tmp_path), str(tmp_path / "absent")]
    expected = {
        (point.name, point.value.partition(" [")[0])
        for found in importlib.metadata.distributions(path=folders)
        for point in found.entry_points
        if point.group == GROUP
    }
    assert {(p.name, p.target) for p in read_plugins(folders)} == expected


def test_the_first_installation_of_a_package_counts(tmp_path: Path) -> None:
    install(tmp_path / "a", "pack", "x = first:T")
    install(tmp_path / "b", "Pack", "x = second:T")
    found = list(read_plugins([str(tmp_path / "a"), str(tmp_path / "b")]))
    assert [plugin.target for plugin in found] == ["first:T"]


def test_listing_imports_nothing(tmp_path: Path) -> None:
    install(tmp_path, "pack", "good = registry_lists:Good", module="registry_lists", zero=0)
    registry = Registry(read_plugins([str(tmp_path)]))
    assert registry.names == ("good",)
    assert "registry_lists" not in sys.modules


def test_loading_gives_the_transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "pack", "good = registry_good:Good", module="registry_good")
    monkeypatch.syspath_prepend(tmp_path)
    assert Registry(read_plugins([str(tmp_path)])).load("good").name == "good"


@pytest.mark.parametrize(
    ("target", "zero", "what"),
    [
        ("registry_m1:Good", 0, "cannot be loaded: ZeroDivisionError"),
        ("registry_m2:Absent", 1, "cannot be loaded: AttributeError"),
        ("registry_absent:Good", 1, "cannot be loaded: ModuleNotFoundError"),
        ("registry_m3:Empty", 1, "is not a transform: it lacks name, summary, options, propose"),
        ("registry_m4:Other", 1, "calls itself else"),
    ],
)
def test_a_broken_plugin_is_one_line_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, zero: int, what: str
) -> None:
    module = target.partition(":")[0]
    module = "" if module == "registry_absent" else module
    install(tmp_path, "bad-pack", f"good = {target}", module=module, zero=zero)
    install(tmp_path, "pack", "else = registry_fine:Other", module="registry_fine")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry(read_plugins([str(tmp_path)]))
    with pytest.raises(BrokenTransformError) as caught:
        registry.load("good")
    assert what in str(caught.value)
    assert "bad-pack" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert registry.load("else").name == "else"
    sys.modules.pop("registry_fine", None)


def test_a_name_claimed_twice_is_an_error_and_others_stay() -> None:
    registry = Registry(
        [Plugin("a", "x:A", "one"), Plugin("a", "y:A", "two"), Plugin("b", "z:B", "one")]
    )
    assert registry.names == ("b",)
    assert [str(error) for error in registry.conflicts] == [
        "the transform a is claimed by one and two; uninstall one of them"
    ]
    with pytest.raises(DuplicateTransformError):
        registry.load("a")


def test_a_transform_cannot_take_the_name_of_a_command() -> None:
    registry = Registry([Plugin("builds", "x:A", "one")], reserved=frozenset({"builds"}))
    assert registry.names == ()
    with pytest.raises(DuplicateTransformError, match="has the name of a command"):
        registry.load("builds")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownTransformError, match="no transform is called x; there are: a"):
        Registry([Plugin("a", "m:A", "one")]).load("x")
