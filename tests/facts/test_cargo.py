"""Cargo workspaces read from manifests, and what cargo commands select in them.

The rules of selection were measured with cargo 1.95 (sha256 of the binaries, exit codes).
"""

from __future__ import annotations

import pytest

from dockerfix.facts.cargo import CargoCall, ManifestError, Workspace, find_workspace, read_cargo
from dockerfix.facts.cargo.commands import cargo_calls, selected
from dockerfix.syntax.shell import parse_shell
from dockerfix.text import MappedText, Snapshot, SnapshotError


def call(text: str) -> CargoCall:
    (found,) = cargo_calls(parse_shell(MappedText.whole(text.encode())))
    return found


def package(name: str, *more: str) -> str:
    return "\n".join([f'[package]\nname = "{name}"\nversion = "1.0.0"\nedition = "2021"', *more])


def workspace(files: dict[str, str | bytes], folder: str = "") -> Workspace:
    found = find_workspace(Snapshot.of(files), folder)
    assert found is not None
    return found


VIRTUAL: dict[str, str | bytes] = {
    "Cargo.toml": '[workspace]\nmembers = ["a", "b", "tools/*"]\ndefault-members = ["a", "b"]\n'
    'resolver = "3"\n',
    "a/Cargo.toml": package("a", '[dependencies]\nlib = { path = "../lib" }'),
    "a/src/main.rs": "",
    "a/src/bin/extra.rs": "",
    "a/src/bin/folder/main.rs": "",
    "a/src/bin/folder/other.rs": "",
    "a/build.rs": "",
    "b/Cargo.toml": package(
        "b",
        '[[bin]]\nname = "b-main"\npath = "src/main.rs"',
        '[[bin]]\nname = "gated"\npath = "src/gated.rs"\nrequired-features = ["x"]',
        '[features]\ny = ["x"]\nx = []\nz = ["dep:w", "lib/q"]',
    ),
    "b/src/main.rs": "",
    "b/src/gated.rs": "",
    "lib/Cargo.toml": package("lib"),
    "lib/src/lib.rs": "",
    "tools/t/Cargo.toml": package("t"),
    "tools/t/src/main.rs": "",
    "tools/deep/u/Cargo.toml": package("u"),
    "Cargo.lock": '[[package]]\nname = "openssl-sys"\n[[package]]\nname = "a"\n',
}


def names(found: object) -> list[str] | str:
    return found if isinstance(found, str) else [binary.name for binary in found]  # type: ignore[attr-defined]


def test_a_virtual_workspace() -> None:
    found = workspace(VIRTUAL)
    assert (found.virtual, found.resolver) == (True, "3")
    assert [p.folder for p in found.packages] == ["a", "b", "lib", "tools/t"]
    assert found.default_members == ("a", "b")
    assert {p.name: [b.name for b in p.binaries] for p in found.packages} == {
        "a": ["a", "extra", "folder"], "b": ["b-main", "gated"], "lib": [], "t": ["t"],
    }  # fmt: skip
    assert [p.name for p in found.packages if p.build_script] == ["a"]
    assert found.native_packages() == ("openssl-sys",)


def test_there_is_none() -> None:
    assert find_workspace(Snapshot.of({}), "x") is None
    assert find_workspace(Snapshot.of({"Cargo.toml": "[profile.dev]\n"}), "") is None


def test_a_package_alone_is_a_workspace() -> None:
    found = workspace({"x/Cargo.toml": package("x"), "x/src/main.rs": ""}, "x")
    assert (found.virtual, found.resolver, found.locked) == (False, "2", None)
    assert [b.name for b in found.binaries] == ["x"]


def test_a_root_package_is_the_default() -> None:
    found = workspace({
        "Cargo.toml": package("root", '[workspace]\nmembers = ["m"]'), "src/main.rs": "",
        "m/Cargo.toml": package("m"), "m/src/main.rs": "",
    })  # fmt: skip
    assert found.default_members == ("root",)
    assert names(selected(found, call("cargo build"), "")) == ["root"]
    assert names(selected(found, call("cargo build"), "m/src")) == ["m"]
    assert names(selected(found, call("cargo build --workspace"), "m")) == ["root", "m"]


def test_members_by_glob_exclusion_and_path() -> None:
    found = workspace({
        "Cargo.toml": '[workspace]\nmembers = ["crates/*", "crates/out/kept"]\n'
        'exclude = ["crates/out", "old"]\n[workspace.dependencies]\nshared = { path = "shared" }\n',
        "crates/a/Cargo.toml": package(
            "a",
            '[dependencies]\nshared = { workspace = true }\nold = { path = "../../old" }',
            '[target."cfg(unix)".build-dependencies]\nunix = { path = "../../unix" }',
        ),
        "crates/out/Cargo.toml": package("out"),
        "crates/out/kept/Cargo.toml": package("kept"),
        "crates/a/nested/Cargo.toml": package("nested"),
        "shared/Cargo.toml": package("shared"),
        "unix/Cargo.toml": package("unix", '[dev-dependencies]\ngone = { path = "../gone" }'),
        "old/Cargo.toml": package("old"),
    })  # fmt: skip
    assert [p.name for p in found.packages] == ["a", "kept", "shared", "unix"]


def test_editions_and_resolvers() -> None:
    def resolver(text: str) -> str:
        return workspace({"Cargo.toml": text}).resolver

    assert resolver("[workspace]\n") == "1"
    assert resolver('[package]\nname = "x"\nedition = "2018"\n') == "1"
    assert resolver('[package]\nname = "x"\nedition = "2024"\n') == "3"
    assert resolver('[package]\nname = "x"\nedition = "2021"\nresolver = "1"\n') == "1"
    shared = '[workspace.package]\nedition = "2024"\n'
    assert resolver(f'{shared}[package]\nname = "x"\nedition.workspace = true\n') == "3"


def test_binaries_that_are_not_looked_for() -> None:
    files = {"src/main.rs": "", "src/bin/y.rs": ""}
    off = package("x", "autobins = false", '[[bin]]\nname = "z"\npath = "src/z.rs"')
    assert names(workspace({"Cargo.toml": off, **files}).binaries) == ["z"]
    old = '[package]\nname = "x"\n[[bin]]\nname = "z"\npath = "src/z.rs"\n'
    assert names(workspace({"Cargo.toml": old, **files}).binaries) == ["z"]
    assert names(workspace({"Cargo.toml": '[package]\nname = "x"\n', **files}).binaries) == [
        "x", "y",
    ]  # fmt: skip


def test_broken_manifests_say_where() -> None:
    with pytest.raises(ManifestError, match=r"^a/Cargo\.toml:2:8: "):
        workspace({**VIRTUAL, "a/Cargo.toml": "[package]\nname = x\n"})
    with pytest.raises(SnapshotError, match=r"^Cargo\.toml:1:1: not UTF-8"):
        workspace({"Cargo.toml": b"\xff"})
    with pytest.raises(ManifestError, match="nested too deeply"):
        workspace({"Cargo.toml": "a = " + "[" * 5000})


def test_manifests_are_read_as_cargo_reads_them() -> None:
    # TOML 1.1, which cargo takes from 1.94 on: an inline table over several lines.
    manifest = (
        '[workspace]\nmembers = ["a"]\n[workspace.dependencies]\nx = {\n  version = "1", # y\n}\n'
    )
    found = workspace({"Cargo.toml": manifest, "a/Cargo.toml": package("a")})
    assert [one.name for one in found.packages] == ["a"]


def test_odd_manifests_do_not_raise() -> None:
    for text in ("workspace = 1", 'package = "x"', "[workspace]\nmembers = 1",
                 "[workspace]\nexclude = [1]", "[package]\nname = 1", "dependencies = 1\n[package]",
                 "[package]\n[target]\nx = 1", "bin = 1\n[package]", "bin = [1]\n[package]",
                 "features = 1\n[package]", "[package]\nedition = 1",
                 "[workspace]\ndefault-members = 1",
                 "[dependencies]\nx = 1\n[package]"):  # fmt: skip
        find_workspace(Snapshot.of({"Cargo.toml": text, "Cargo.lock": "package = 1"}), "")


SELECTED: dict[str, tuple[str, str, list[str] | str]] = {
    "default members": ("cargo build", "", ["a", "extra", "folder", "b-main"]),
    "one binary": ("cargo build --bin b-main", "", ["b-main"]),
    "several, once each": ("cargo build --bin a --bin b-main --bin a", "", ["a", "b-main"]),
    "outside of the default members": ("cargo build --bin t", "", "no binary `t`"),
    "by package": ("cargo build -p t", "", ["t"]),
    "by packages": ("cargo build -p a -pt", "", ["a", "extra", "folder", "t"]),
    "package with version": ("cargo build -p t@1.0.0", "", ["t"]),
    "package by glob": ("cargo build -p '[at]'", "", ["a", "extra", "folder", "t"]),
    "binary of another package": ("cargo build -p a --bin b-main", "", "no binary `b-main`"),
    "no such package": ("cargo build -p no", "", "`no` is not a member"),
    "workspace": ("cargo build --workspace", "", ["a", "extra", "folder", "b-main", "t"]),
    "workspace but": ("cargo build --all --exclude a", "", ["b-main", "t"]),
    "in a member": ("cargo build", "tools/t", ["t"]),
    "in a member, of another": ("cargo build --bin a", "tools/t", "no binary `a`"),
    "in a member, by package": ("cargo build -p t", "a", ["t"]),
    "manifest path": ("cargo build --manifest-path tools/t/Cargo.toml", "", ["t"]),
    "gated": ("cargo build --bin gated", "", "needs the features x"),
    "gated and given": ("cargo build --bin gated -F x", "", ["gated"]),
    "gated, given through another": ("cargo build --bin gated --features y", "", ["gated"]),
    "gated, given with its package": ("cargo build --bin gated --features b/x", "", ["gated"]),
    "gated, given to another": ("cargo build --bin gated --features a/x", "", "needs the features"),
    "gated, all": ("cargo build -p b --all-features", "", ["b-main", "gated"]),
    "only the library": ("cargo build --lib", "", []),
    "only examples": ("cargo build --examples", "", []),
    "binaries and tests": ("cargo build --tests --bins -p t", "", ["t"]),
    "all targets": ("cargo build --all-targets -p t", "", ["t"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "folder", "expected"), SELECTED.values(), ids=SELECTED)
def test_what_a_command_builds(text: str, folder: str, expected: list[str] | str) -> None:
    found = names(selected(workspace(VIRTUAL), call(text), folder))
    if isinstance(expected, str):
        assert expected in found
    else:
        assert found == expected


def test_features_that_are_on() -> None:
    b = workspace(VIRTUAL).package("b")
    assert b is not None
    assert b.enabled(["y"]) == {"default", "y", "x"}
    assert b.enabled(["b/x", "a/y"], default=False) == {"x"}


CALLS: dict[str, tuple[str, str, dict[str, str]]] = {
    "build": ("cargo build --release --locked", "build", {"profile": "release"}),
    "short verb": ("cargo b -r", "build", {"profile": "release"}),
    "toolchain": ("cargo +nightly build", "build", {"profile": "dev", "toolchain": "nightly"}),
    "profile": ("cargo build --profile=dist", "build", {"profile": "dist"}),
    "target": ("cargo build --target x86", "build", {"profile": "dev", "target": "x86"}),
    "features": (
        "cargo build -F b,a --features 'd c' --no-default-features", "build",
        {"profile": "dev", "features": "a b c d", "no-default-features": "yes"},
    ),
    "configured": (
        "cargo --config net.offline=true build -Zbuild-std", "build",
        {"profile": "dev", "config": "net.offline=true", "unstable": "build-std"},
    ),
    "cook": ("cargo chef cook --release --recipe-path r.json", "chef cook", {"profile": "release"}),
    "prepare": ("cargo-chef prepare --bin a", "chef prepare", {"profile": "dev"}),
    "by path": ("/usr/bin/cargo build", "build", {"profile": "dev"}),
    "with environment": ("SQLX_OFFLINE=true cargo build", "build", {"profile": "dev"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "verb", "setting"), CALLS.values(), ids=CALLS)
def test_what_a_command_says(text: str, verb: str, setting: dict[str, str]) -> None:
    found = call(text)
    assert (found.verb, found.setting(), found.opaque) == (verb, setting, "")


def test_words_of_flags_know_their_bytes() -> None:
    text = "cargo build --bin a --bin=b -p c"
    found = call(text)
    assert found.bins == ("a", "b")
    written = [[text[slice(*word.span)] for word in flag.words] for flag in found.flags]
    assert written == [["--bin", "a"], ["--bin=b"], ["-p", "c"]]


@pytest.mark.parametrize(
    ("text", "opaque"),
    [
        ("cargo build $FLAGS", "$FLAGS"),
        ("cargo build --new-flag", "--new-flag"),
        ("cargo build --new-flag=x", "--new-flag=x"),
        ("cargo build -X", "-X"),
        ("cargo build --release -- -D", ""),
        ('cargo build --bin "$BIN"', ""),
        ("cargo build --target ${TARGET}", ""),
    ],
)
def test_a_flag_that_is_not_known_makes_the_call_opaque(text: str, opaque: str) -> None:
    assert call(text).opaque == opaque


def test_a_variable_in_a_value_stays_as_written() -> None:
    assert call('cargo build --bin "$BIN"').bins == ("$BIN",)


def test_other_commands_are_no_calls() -> None:
    script = parse_shell(
        MappedText.whole(b"rustup x && cargo && cargo --version; echo cargo build")
    )
    assert [c.verb for c in cargo_calls(script)] == []
    assert [read_cargo(command) for command in script.commands()] == [None] * 4


def test_all_calls_of_a_script() -> None:
    text = b"cargo chef cook && cargo build -p a && (cd b && cargo build); cargo install x"
    found = cargo_calls(parse_shell(MappedText.whole(text)))
    assert [c.verb for c in found] == ["chef cook", "build", "build", "install"]
