"""What is owed follows from what is touched, whoever touches it."""

from __future__ import annotations

from collections.abc import Mapping

from dockerfix.engine.obligations import Owed, owed
from dockerfix.facts.repository import Facts
from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
from dockerfix.proof.context.same_files import SameFiles
from dockerfix.proof.image.same_runtime import SameRuntime
from dockerfix.proof.obligation import Image, Permit
from dockerfix.proof.pipeline.pipeline_change import PipelineChange
from dockerfix.proof.references.no_dangling_reference import NoDanglingReference
from dockerfix.text import Snapshot

DOCKERFILE = "FROM a AS dev\nFROM dev AS rel\nUSER b\nFROM c AS last\n"
CI = "build:\n  script:\n    - docker build -t r/a --target rel -f app/Dockerfile app --push\n"
COMPOSE = "services:\n  a: {build: {context: app, target: dev}}\n"
FILES = {"app/Dockerfile": DOCKERFILE, ".gitlab-ci.yml": CI, "compose.yml": COMPOSE}


def due(changes: Mapping[str, str | None], *permits: Permit) -> Owed:
    """What a patch with these changes owes."""
    before = Snapshot.of({path: text.encode() for path, text in FILES.items()})
    data = {path: None if text is None else text.encode() for path, text in changes.items()}
    return owed(Facts(before), Facts(before.with_changes(data)), data, permits)


def images(found: Owed) -> set[tuple[str, str]]:
    """The images that owe *same runtime*, with what stands for each."""
    return {
        (str(item.before), str(item.after))
        for item in found.obligations
        if isinstance(item, SameRuntime)
    }


def test_a_changed_dockerfile_owes_every_image_that_is_asked_for() -> None:
    found = due({"app/Dockerfile": DOCKERFILE + "# x\n"})
    assert images(found) == {
        ("app/Dockerfile:rel", "app/Dockerfile:rel"), ("app/Dockerfile:dev", "app/Dockerfile:dev")
    }  # fmt: skip
    kinds = [item.kind for item in found.obligations if getattr(item, "about", "")]
    assert kinds == ["same runtime", "same compiler input", "artefact produced", "same files"] * 2


def test_an_image_that_stands_for_another_is_compared_with_it() -> None:
    permit = Permit("stands-for", "app/Dockerfile:rel", "app/Dockerfile.all", "a-rel")
    found = due({"app/Dockerfile": None, "app/Dockerfile.all": "FROM a AS a-rel\n"}, permit)
    assert images(found) == {
        ("app/Dockerfile:rel", "app/Dockerfile.all:a-rel"),
        # Nothing stands for it, and a call site asks for it: its file is gone.
        ("app/Dockerfile:dev", "app/Dockerfile:dev"),
    }
    (asks,) = (item for item in found.obligations if isinstance(item, SameImagesAskedFor))
    assert asks.stands_for == (
        (Image("app/Dockerfile", "rel"), Image("app/Dockerfile.all", "a-rel")),
    )


def test_permits_belong_to_one_image() -> None:
    permit = Permit("build-widened", "app/Dockerfile:rel", "app/Dockerfile")
    found = due({"app/Dockerfile": DOCKERFILE + "# x\n"}, permit)
    allowed = {
        item.before.target: item.allowed
        for item in found.obligations
        if isinstance(item, SameRuntime)
    }
    assert allowed == {"rel": frozenset({"build-widened"}), "dev": frozenset()}


def test_a_dockerfile_that_nobody_builds_owes_its_last_image() -> None:
    FILES["tools/Dockerfile"] = "FROM a\nFROM b\n"
    try:
        found = due({"tools/Dockerfile": "FROM a\nFROM b\nUSER x\n"})
        gone = due({"tools/Dockerfile": None})
    finally:
        del FILES["tools/Dockerfile"]
    assert images(found) == {("tools/Dockerfile", "tools/Dockerfile")}
    assert "no call site says with which context tools/Dockerfile is built" in found.unproved[0]
    assert gone.unproved == ("tools/Dockerfile is deleted; no call site that was read builds it",)


def test_a_changed_ignore_file_owes_the_files_alone() -> None:
    found = due({"app/.dockerignore": "x\n"})
    about = [item for item in found.obligations if getattr(item, "about", "")]
    assert all(isinstance(item, SameFiles) for item in about)
    assert len(about) == 2


def test_the_ignore_file_of_a_named_context_owes_the_files_too() -> None:
    named = "services:\n  a:\n    build: {context: app, additional_contexts: {lib: ./lib}}\n"
    FILES["compose.yml"] = named
    try:
        found = due({"lib/.dockerignore": "x\n"})
    finally:
        FILES["compose.yml"] = COMPOSE
    about = [item for item in found.obligations if isinstance(item, SameFiles)]
    assert {str(item.before) for item in about} == {"app/Dockerfile", "app/Dockerfile:rel"}


def test_a_context_that_moves_owes_the_files_of_both() -> None:
    moved = Permit("context-moved", "app/Dockerfile", "app/Dockerfile", before="app", after="")
    found = due({".gitlab-ci.yml": CI.replace("Dockerfile app", "Dockerfile .")}, moved)
    contexts = {
        (item.before_context, item.after_context)
        for item in found.obligations
        if isinstance(item, SameFiles)
    }
    assert contexts == {("app", "")}


def test_call_sites_names_and_pipelines_are_owed_by_what_is_touched() -> None:
    found = due({"app/Dockerfile": None, ".gitlab-ci.yml": "other:\n  script: [a]\n"})
    (names,) = (item for item in found.obligations if isinstance(item, NoDanglingReference))
    assert (names.files, names.jobs) == (("app/Dockerfile",), ("build",))
    assert any(isinstance(item, PipelineChange) for item in found.obligations)
    quiet = due({"README.md": "x\n"})
    assert not any(isinstance(item, PipelineChange) for item in quiet.obligations)
    assert [item.kind for item in quiet.obligations] == [
        "same images asked for", "no dangling reference",
    ]  # fmt: skip
