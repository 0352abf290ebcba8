"""Nothing names a removed file, stage or job; a word that only looks so does not count."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.obligation import Verdict
from dockerfix.proof.references.no_dangling_reference import NoDanglingReference
from dockerfix.text import Entry, Kind, Snapshot

OLD = "FROM rust AS builder\nRUN x\nFROM alpine AS release\nCOPY --from=builder /a /a\n"


def dangling(
    files: Mapping[str, str],
    removed: tuple[str, ...] = ("a/Dockerfile", "a/Dockerfile.worker"),
    jobs: tuple[str, ...] = (),
    changes: Mapping[str, str | None] | None = None,
) -> Verdict:
    before = Snapshot.of({**dict.fromkeys(removed, OLD), "a/other": "", **files})
    gone: dict[str, bytes | None] = dict.fromkeys(removed)
    for path, text in (changes or {}).items():
        gone[path] = None if text is None else text.encode()
    after = before.with_changes(gone)
    return check(NoDanglingReference(removed, jobs), Facts(before), Facts(after))


def why(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict.failures
    return verdict.failures[0]


class TestFiles:
    @pytest.mark.parametrize(
        ("path", "text", "place"),
        [
            ("README.md", "See `a/Dockerfile.worker`.\n", "README.md:1:6"),
            ("README.md", "See [it](./a/Dockerfile).\n", "README.md:1:10"),
            ("a/README.md", "Dockerfile.worker builds the worker\n", "a/README.md:1:1"),
            ("docs/x.md", "../a/Dockerfile\n", "docs/x.md:1:1"),
            ("renovate.json", '{"matchFileNames": ["a/Dockerfile"]}\n', "renovate.json:1:22"),
            (".github/workflows/x.yml", "on: {push: {paths: [a/Dockerfile]}}\n", ".github"),
            (".gitlab-ci.yml", "x:\n  script: [true]\n  rules: [{changes: [a/Dockerfile]}]\n", ""),
            (".gitlab-ci.yml", "x:\n  script: ['hadolint a/Dockerfile.worker']\n", ""),
            (".gitlab-ci.yml", "x: {script: ['cat $CI_PROJECT_DIR/a/Dockerfile']}\n", ""),
            ("check.sh", "test -f a/Dockerfile\n", "check.sh:1:9"),
            ("Makefile", "x:\n\ttest -f a/Dockerfile.worker\n", "Makefile:2"),
            ("test_it.py", 'assert Path("a/Dockerfile").exists()\n', "test_it.py:1:14"),
            ("a/settings.yml", "files:\n  - Dockerfile\n", "a/settings.yml:2:5"),
            ("settings.toml", 'ignore = ["a/Dockerfile"]\n', "settings.toml"),
            ("other/Dockerfile", "FROM x\nCOPY a/Dockerfile /\n", "other/Dockerfile:2:6"),
        ],
    )
    def test_a_path_that_is_gone(self, path: str, text: str, place: str) -> None:
        verdict = dangling({path: text})
        found = why(verdict)
        assert verdict.about == ("a/Dockerfile.worker" if "worker" in text else "a/Dockerfile",)
        assert found.startswith(place or path)
        assert "gone" in found

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("README.md", "Each service has a Dockerfile. Dockerfile.worker is a name.\n"),
            ("README.md", "b/a/Dockerfile and a/Dockerfile.all, a/Dockerfiles, a/Dockerfile/x\n"),
            ("a/README.md", "Edit the Dockerfile.\n"),
            ("README.md", "https://example.com/a/Dockerfile\n"),
            ("README.md", "a/Dockerfile*\n"),
            ("README.md", "a/Dockerfile.${NAME}\n"),
            (".dockerignore", "a/Dockerfile\n"),
            ("a/.gitignore", "Dockerfile.worker\n"),
            ("src/main.rs", "// see a/Dockerfile\n"),
            ("Cargo.lock", "a/Dockerfile\n"),
            ("big.md", "a/Dockerfile " + "x" * 1_000_001),
            ("b/c.yml", "list:\n  - Dockerfile\n"),
        ],
    )
    def test_what_is_no_reference(self, path: str, text: str) -> None:
        verdict = dangling({path: text})
        assert verdict.failures == ()
        assert verdict.differences == ()

    @pytest.mark.parametrize(
        ("path", "text", "remark"),
        [
            ("x.yml", "# from a/Dockerfile\n", "a comment"),
            ("a/Dockerfile.all", "# The list of Dockerfile.worker\nFROM x\n", "a comment"),
            ("CHANGELOG.md", "- a/Dockerfile builds faster\n", "what was"),
            ("docs/x.md", "# 2024-01-31: a/Dockerfile\n", "what was"),
        ],
    )
    def test_a_remark_is_listed(self, path: str, text: str, remark: str) -> None:
        verdict = dangling({path: text})
        assert verdict.failures == ()
        assert verdict.differences[0].startswith(f"{remark}: {path}:1:")

    def test_a_root_dockerfile_in_a_list(self) -> None:
        ci = "x:\n  script: [true]\n  rules:\n    - changes:\n        - Dockerfile\n"
        assert "names Dockerfile" in why(dangling({".gitlab-ci.yml": ci}, ("Dockerfile",)))

    def test_a_file_that_is_still_there(self) -> None:
        verdict = dangling({}, changes={"a/Dockerfile": OLD})
        assert "a/Dockerfile: it is still there" in why(verdict)


class TestBuilds:
    def test_a_build_of_a_removed_file(self) -> None:
        found = why(dangling({".gitlab-ci.yml": "x: {script: [docker build a]}\n"}))
        assert "GitLab job x: a/Dockerfile does not exist" in found

    def test_compose_by_default_name(self) -> None:
        found = why(dangling({"compose.yml": "services: {s: {build: a}}\n"}))
        assert "Compose service s: a/Dockerfile does not exist" in found

    def test_a_target_that_is_not_there(self) -> None:
        files = {"build.sh": "docker build -f a/Dockerfile.all --target release a\n"}
        merged = {"a/Dockerfile.all": "FROM x AS worker-release\n"}
        verdict = dangling(files, changes=merged)
        assert "a/Dockerfile.all:release: no such target" in why(verdict)

    def test_a_target_by_every_value_of_its_variable(self) -> None:
        files = {
            "compose.yml": "services: {s: {build: {context: a, dockerfile: D, target: '${T-x}'}}}",
            ".env": "T=rel\n",
        }
        verdict = dangling(files, changes={"a/D": "FROM x AS x\n"})
        assert "a/D:rel: no such target" in why(verdict)

    def test_what_was_dangling_before_is_listed(self) -> None:
        files = {"build.sh": "docker build -f nowhere/Dockerfile .\n"}
        verdict = dangling(files)
        assert verdict.failures == ()
        assert verdict.differences[0].startswith("existing: build.sh:1:1")


class TestStages:
    def merged(self, text: str, files: Mapping[str, str] | None = None) -> Verdict:
        return dangling(files or {}, changes={"a/Dockerfile.all": text})

    def test_a_stage_that_is_renamed(self) -> None:
        text = "FROM rust AS all-builder\nFROM alpine\nCOPY --from=builder /a /a\n"
        assert "a/Dockerfile.all no longer has a stage `builder`" in why(self.merged(text))

    def test_a_base_that_is_renamed(self) -> None:
        text = "FROM rust AS all-builder\nFROM builder\n"
        assert "a/Dockerfile.all:2:6" in why(self.merged(text))

    def test_a_mount_of_a_stage_that_is_renamed(self) -> None:
        text = "FROM alpine\nRUN --mount=from=builder,target=/b x\n"
        assert "no longer has a stage `builder`" in why(self.merged(text))

    def test_an_image_and_a_named_context_are_none(self) -> None:
        text = "FROM rust AS x\nFROM alpine\nCOPY --from=nginx:1 /a /a\nCOPY --from=builder /a /a\n"
        files = {"b.sh": "docker build -f a/Dockerfile.all --build-context builder=b a\n"}
        assert self.merged(text, files).failures == ()


class TestJobs:
    pipeline = "old:\n  script: [true]\nother:\n  script: [true]\n"

    def after(self, text: str, more: Mapping[str, str] | None = None) -> Verdict:
        before = {".gitlab-ci.yml": self.pipeline, **(more or {})}
        return dangling(before, (), ("old",), {".gitlab-ci.yml": text})

    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("x:\n  needs: [old]\n  script: [true]\n", "needs"),
            ("x:\n  needs:\n    - job: old\n      optional: true\n  script: [true]\n", "job"),
            ("x:\n  dependencies: [old]\n  script: [true]\n", "dependencies"),
            ("x:\n  extends: old\n", "extends"),
            ("x:\n  extends: [old]\n", "extends"),
            ("x:\n  script:\n    - !reference [old, script]\n", "!reference"),
            ("x:\n  script: [true]\n  environment: {on_stop: old}\n", "on_stop"),
            ("x:\n  trigger:\n    include:\n      - artifact: a.yml\n        job: old\n", "job"),
            ("x:\n  rules:\n    - if: $A\n      needs: [old]\n  script: [true]\n", "needs"),
            (".t: &t\n  needs: [old]\nx:\n  <<: *t\n  script: [true]\n", "needs"),
        ],
    )
    def test_a_name_of_a_removed_job(self, text: str, key: str) -> None:
        found = why(self.after(text))
        assert f"`{key}` names the job `old`, which is gone" in found
        assert found.startswith(".gitlab-ci.yml:")

    def test_a_job_of_another_project(self) -> None:
        text = (
            "x:\n  needs:\n    - project: g/p\n      job: old\n      ref: main\n  script: [true]\n"
        )
        assert self.after(text).failures == ()

    def test_a_job_that_is_still_there(self) -> None:
        assert "job `old` is still there" in why(self.after(self.pipeline))

    def test_a_document_is_listed(self) -> None:
        before = {
            ".gitlab-ci.yml": "build / old: {script: [true]}\n",
            "README.md": "\n`build / old`",
        }
        after = {".gitlab-ci.yml": "x: {script: [true]}\n"}
        verdict = dangling(before, (), ("build / old",), after)
        assert verdict.failures == ()
        assert verdict.differences == ("document: README.md:2:1: names the job `build / old`",)


class TestGlobs:
    def test_a_glob_that_matched_only_what_is_gone(self) -> None:
        ci = "x:\n  script: [true]\n  rules:\n    - changes: ['{}']\n"
        assert "matched only what is gone" in why(
            dangling({".gitlab-ci.yml": ci.format("*/Docker*")})
        )
        assert dangling({".gitlab-ci.yml": ci.format("a/*")}).failures == ()
        assert dangling({".gitlab-ci.yml": ci.format("z/*")}).failures == ()
        paths = "x:\n  script: [true]\n  rules:\n    - changes:\n        paths: ['a/D*']\n"
        assert "`a/D*` matched" in why(dangling({".gitlab-ci.yml": paths}))


FILES = (
    "controlplane/Dockerfile",
    "controlplane/Dockerfile.authz-worker",
    "controlplane/Dockerfile.synchronizer",
)
JOBS = ("build / server", "build / authz-worker", "build / synchronizer")


class TestTheSample:
    owed = NoDanglingReference(FILES, JOBS)

    def test_the_merge_by_hand_holds(self, before: Facts, after: Facts) -> None:
        verdict = check(self.owed, before, after)
        assert verdict.failures == ()
        assert verdict.differences == ()

    @pytest.mark.parametrize(
        ("path", "pair", "message"),
        [
            ("renovate.json", ("Dockerfile.all", "Dockerfile"), "renovate.json:7:27"),
            (".gitlab-ci.yml", ("    - job: build / controlplane-all\n  rules",
                                "    - job: build / server\n  rules"), "`build / server`"),
            (".gitlab-ci.yml", ('Dockerfile.all "" "sync', 'Dockerfile.synchronizer "" "sync'),
             "Dockerfile.synchronizer does not exist"),
            ("docker-compose.yml", ("      dockerfile: Dockerfile.all\n      target: server",
                                    "      target: server"),
             "Compose service server: controlplane/Dockerfile does not exist"),
            ("README.md", ("--file controlplane/Dockerfile.all --target server", "--target server"),
             "README.md:22:1"),
            ("controlplane/Dockerfile.all", ("AS builder", "AS build"),
             "no longer has a stage `builder`"),
            ("controlplane/Dockerfile.all", ("AS synchronizer-development", "AS sync-development"),
             "no such target"),
        ],
    )  # fmt: skip
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        path: str,
        pair: tuple[str, str],
        message: str,
    ) -> None:
        verdict = check(self.owed, before, mutated(path, pair))
        assert any(message in line for line in verdict.failures), verdict.failures

    def test_a_patch_that_only_deletes(self, before: Facts) -> None:
        gone = Facts(before.snapshot.with_changes(dict.fromkeys(FILES)))
        text = "\n".join(check(self.owed, before, gone).failures)
        for name in ("Compose service server", "document README.md", "renovate.json:7:27",
                     ".gitlab-ci.yml:235:41", "job `build / server` is still there"):  # fmt: skip
            assert name in text


class TestTexts:
    """The text of a Dockerfile that stands for another one is no Dockerfile of the same image."""

    @pytest.mark.parametrize(
        "line",
        ["cat {} > Dockerfile.tmp", "docker build - < {}", "sed s/x/y/ {} | docker build -f - ."],
    )
    def test_a_script_hands_it_on(self, line: str) -> None:
        files = {"build.sh": line.format("a/Dockerfile.worker") + "\n"}
        new = {"a/Dockerfile.all": OLD, "build.sh": line.format("a/Dockerfile.all") + "\n"}
        verdict = dangling(files, changes=new)
        assert why(verdict).endswith("hands on the text of a/Dockerfile.all")
        assert "a/Dockerfile.worker" in verdict.about

    def test_a_checksum(self) -> None:
        files = {"build.sh": "sha256sum a/Dockerfile.worker\n"}
        new = {"a/Dockerfile.all": OLD, "build.sh": "sha256sum a/Dockerfile.all\n"}
        assert dangling(files, changes=new).holds

    @pytest.mark.parametrize("rule", ["image-%: a/Dockerfile.%", "worker: %: ./a/Dockerfile.%"])
    def test_a_rule_depends_by_a_pattern(self, rule: str) -> None:
        verdict = dangling({"Makefile": f"{rule}\n\t./build $<\n"})
        assert "means a/Dockerfile.worker too, which is gone" in why(verdict)

    def test_a_pattern_of_others(self) -> None:
        assert dangling({"Makefile": "%.o: %.c\n\tcc a/Dockerfile.%\n"}).holds


class TestLinks:
    def test_a_link_to_what_is_gone(self) -> None:
        plain = Snapshot.of({"a/Dockerfile": OLD})
        links = {"Dockerfile": "current", "current": "a/Dockerfile", "other": "a/x"}
        entries = {path: Entry(Kind.SYMLINK, link=to) for path, to in links.items()}
        before = Snapshot({**plain.entries, **entries}, plain.read)
        after = before.with_changes({"a/Dockerfile": None})
        owed = NoDanglingReference(("a/Dockerfile",))
        verdict = check(owed, Facts(before), Facts(after))
        assert verdict.failures == tuple(
            f"{link}: a symbolic link to a/Dockerfile, which is gone"
            for link in ("Dockerfile", "current")
        )
        assert "a/Dockerfile" in verdict.about


@pytest.mark.parametrize(
    ("script", "holds"),
    [
        ("sed -i s/1/2/ Dockerfile.a\ndocker build -f Dockerfile.a .\n", False),
        ("docker build -f Dockerfile.a .\necho 'USER x' >> Dockerfile.a\n", False),
        ("# sed -i s/1/2/ Dockerfile.a\ndocker build -f Dockerfile.a .\n", True),
        ("sed s/1/2/ Dockerfile.a\ndocker build -f Dockerfile.a .\n", True),
        ("sed -i s/1/2/ Dockerfile.a\n", True),  # nothing here builds it
    ],
)
def test_a_dockerfile_that_is_changed_before_it_is_built(script: str, holds: bool) -> None:
    files = {"Dockerfile.a": "FROM a\n", "b.sh": f"#!/bin/sh\n{script}"}
    before = Snapshot.of({path: text.encode() for path, text in files.items()})
    built = b"#!/bin/sh\ndocker build -f Dockerfile.all .\n"
    after = before.with_changes({"b.sh": built, "Dockerfile.all": b"FROM a\n"})
    owed = NoDanglingReference((), (), frozenset(), ("Dockerfile.a",))

    assert check(owed, Facts(before), Facts(after)).holds is holds
