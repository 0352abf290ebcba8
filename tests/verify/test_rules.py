"""Which differences a rule expects, and above all which none does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from dockerfix.verify.compare import Aspect, differences
from dockerfix.verify.image import Image, Node, NodeKind
from dockerfix.verify.rules import RULES, PatchedFiles, Rules

TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# created by cargo.\n"
FOLDER = Node(NodeKind.FOLDER, 0o755)


def file(content: str) -> Node:
    return Node(NodeKind.FILE, 0o644, 0, 0, len(content), content)


DEVELOPMENT = Image(
    {"Env": ["CARGO_HOME=/usr/local/cargo"], "WorkingDir": "/app"},
    {
        "/app/target": FOLDER,
        "/app/target/CACHEDIR.TAG": file("tag"),
        "/app/target/release/server": file("old"),
        "/app/src/main.rs": file("source"),
        "/app/recipe.json": file("one"),
        "/usr/local/cargo/registry/index": file("old"),
        "/etc/apk/world": file("musl-dev"),
        "/usr/bin/cc": file("cc"),
    },
    {"/app/target/CACHEDIR.TAG": TAG},
)
RELEASE = Image({}, {"/usr/local/bin/server": file("server")})


def changed(image: Image, nodes: Mapping[str, Node | None]) -> Image:
    """The image with nodes replaced or (None) deleted."""
    kept = {**image.nodes, **nodes}
    return replace(image, nodes={path: node for path, node in kept.items() if node is not None})


def rules_of(before: Image, after: Image, **more: object) -> dict[str, str]:
    """Path to the name of the rule that expects its difference."""
    rules = Rules(before, after, recipes=frozenset({"recipe.json"}), **more)  # type: ignore[arg-type]  # fields by name
    return {d.path: d.rule for d in differences(before, after, rules.explain)}


def test_cargos_folders_of_a_development_image_may_differ() -> None:
    after = changed(
        DEVELOPMENT,
        {
            "/app/target/release/server": None,
            "/app/target/release/worker": file("new"),
            "/usr/local/cargo/registry/index": file("new"),
            "/usr/local/cargo/.global-cache": file("new"),
        },
    )
    assert rules_of(DEVELOPMENT, after) == {
        "/app/target/release/server": "cargo-target",
        "/app/target/release/worker": "cargo-target",
        "/usr/local/cargo/.global-cache": "cargo-cache",
        "/usr/local/cargo/registry/index": "cargo-cache",
    }


def test_the_recipe_of_the_cook_may_differ_and_no_other_file_beside_it() -> None:
    after = changed(DEVELOPMENT, {"/app/recipe.json": file("all"), "/app/Cargo.lock": file("x")})
    assert rules_of(DEVELOPMENT, after) == {"/app/recipe.json": "joint-cook", "/app/Cargo.lock": ""}


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("/app/src/main.rs", None),
        ("/app/src/main.rs", file("other")),
        ("/usr/bin/cc", None),
        ("/usr/bin/cc", file("other")),
        ("/app/recipe.json", None),
        ("/usr/local/cargo/bin/extra", file("tool")),
        ("/app/target", Node(NodeKind.FOLDER, 0o700)),
    ],
)
def test_nothing_else_of_a_development_image_may(path: str, node: Node | None) -> None:
    found = rules_of(DEVELOPMENT, changed(DEVELOPMENT, {path: node}))
    assert found == {path: ""}


PERL = {"/usr/bin/perl": file("perl"), "/usr/lib/perl": FOLDER}


def test_packages_are_known_by_the_image_that_had_them() -> None:
    after = changed(DEVELOPMENT, {**PERL, "/etc/apk/world": file("musl-dev perl")})
    other = changed(DEVELOPMENT, PERL)
    assert set(rules_of(DEVELOPMENT, after, others=(other,)).values()) == {"united-packages"}
    assert rules_of(DEVELOPMENT, after) == {
        "/etc/apk/world": "united-packages",
        "/usr/bin/perl": "",
        "/usr/lib/perl": "",
    }


@pytest.mark.parametrize(
    "path", ["/usr/local/bin/health-probe", "/usr/local/cargo/bin/tool", "/app/x", "/root/.x"]
)
def test_a_tool_of_another_image_is_no_package(path: str) -> None:
    after = changed(DEVELOPMENT, {path: file("tool")})
    assert rules_of(DEVELOPMENT, after, others=(after,)) == {path: ""}


def test_a_package_of_another_version_is_a_difference() -> None:
    other = changed(DEVELOPMENT, {"/usr/bin/perl": file("perl 5.40")})
    after = changed(DEVELOPMENT, {"/usr/bin/perl": file("perl 5.42")})
    assert rules_of(DEVELOPMENT, after, others=(other,)) == {"/usr/bin/perl": ""}


def test_no_rule_of_development_images_holds_for_a_release_image() -> None:
    after = changed(
        RELEASE,
        {
            **PERL,
            "/etc/apk/world": file("perl"),
            "/app/target/x": file("x"),
            "/usr/local/bin/server": file("fn main(){}"),
        },
    )
    found = rules_of(RELEASE, after, others=(changed(RELEASE, PERL),))
    assert set(found.values()) == {""}
    assert len(found) == 5


def test_a_target_folder_that_only_the_image_after_has_excuses_nothing() -> None:
    after = replace(changed(RELEASE, {"/app/target/x": file("x")}), kept=DEVELOPMENT.kept)
    assert rules_of(RELEASE, after) == {"/app/target/x": ""}


def test_files_of_the_patch_are_known_by_name_and_content() -> None:
    patched = PatchedFiles(
        frozenset({("Dockerfile.worker", "old")}), frozenset({("docker-bake.hcl", "new")})
    )
    before = changed(RELEASE, {"/app/Dockerfile.worker": file("old"), "/app/x": file("old")})
    after = changed(RELEASE, {"/app/docker-bake.hcl": file("new"), "/app/y": file("new")})
    assert rules_of(before, after, patched=patched) == {
        "/app/Dockerfile.worker": "patched-files",
        "/app/docker-bake.hcl": "patched-files",
        "/app/x": "",
        "/app/y": "",
    }


def test_noise_excuses_what_was_noisy_and_not_what_is_lost() -> None:
    path = "/usr/local/bin/server"
    noise = frozenset({(Aspect.CONTENT, path)})
    other, gone = changed(RELEASE, {path: file("x")}), changed(RELEASE, {path: None})
    assert rules_of(RELEASE, other, noise=noise) == {path: "noise"}
    assert rules_of(RELEASE, gone, noise=noise) == {path: ""}


def test_configuration_is_never_excused() -> None:
    after = replace(DEVELOPMENT, configuration={**DEVELOPMENT.configuration, "User": "nobody"})
    assert rules_of(DEVELOPMENT, after) == {"User": ""}


def test_the_manual_names_every_rule() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
    assert [rule.name for rule in RULES if f"| `{rule.name}` |" not in manual] == []
