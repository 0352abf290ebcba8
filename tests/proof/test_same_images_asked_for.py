"""Every tag that was pushed is pushed, from the image that stands for the old one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.asks.same_images_asked_for import SameImagesAskedFor
from dockerfix.proof.obligation import Image, Verdict
from dockerfix.text import Snapshot

FILES = {
    "a/Dockerfile": "FROM x AS dev\nFROM x AS rel\nRUN y\n",
    "a/Dockerfile.b": "FROM x AS dev\nFROM x AS rel\nRUN y\n",
    "other/Dockerfile": "FROM x\n",
}
MERGED = {
    "a/Dockerfile": None,
    "a/Dockerfile.b": None,
    "a/Dockerfile.all": "FROM x AS a-dev\nRUN z\nFROM x AS a-rel\nRUN y\nFROM x AS b-dev\nRUN z\n"
    "FROM x AS b-rel\nRUN y\nFROM b-rel AS b\nFROM a-rel AS a\n",
}
STANDS_FOR = tuple(
    (Image(path, target), Image("a/Dockerfile.all", f"{name}-{target}"))
    for path, name in (("a/Dockerfile", "a"), ("a/Dockerfile.b", "b"))
    for target in ("dev", "rel")
)


def asked(
    before: Mapping[str, str],
    after: Mapping[str, str | None],
    stands_for: tuple[tuple[Image, Image], ...] = STANDS_FOR,
    **owed: object,
) -> Verdict:
    old = Snapshot.of({**FILES, **before})
    changes = {**MERGED, **after}
    new = old.with_changes({p: None if t is None else t.encode() for p, t in changes.items()})
    made = SameImagesAskedFor(stands_for, **owed)  # type: ignore[arg-type]  # two typed fields
    return check(made, Facts(old), Facts(new))


def ci(*lines: str, job: str = "build", variables: str = "") -> dict[str, str]:
    script = "".join(f"    - {line}\n" for line in lines)
    return {".gitlab-ci.yml": f"{job}:\n{variables}  script:\n{script}"}


def push(tag: str, dockerfile: str, target: str, more: str = "") -> str:
    return f"docker buildx build --push -t {tag} -f {dockerfile} --target {target} {more} a"


def why(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict.failures
    return verdict.failures[0]


class TestPushes:
    def test_the_same_tags_from_the_images_that_stand_for_the_old_ones(self) -> None:
        before = ci(
            push("r/a", "a/Dockerfile", "dev"),
            push("r/b", "a/Dockerfile.b", "rel"),
            "docker buildx build --push -t r/o other",
        )
        after = ci(
            push("r/a", "a/Dockerfile.all", "a-dev"),
            push("r/b", "a/Dockerfile.all", "b-rel"),
            "docker buildx build --push -t r/o other",
        )
        assert asked(before, after).failures == ()
        assert asked(before, {**after, **ci(*reversed(after_lines(after)))}).holds

    def test_without_a_target_the_last_stage_and_its_alias(self) -> None:
        before = ci("docker build --push -t r/a a", push("r/b", "a/Dockerfile.b", "1"))
        after = ci(
            "docker build --push -t r/a -f a/Dockerfile.all a", push("r/b", "a/Dockerfile.all", "b")
        )
        assert asked(before, after).failures == ()

    def test_another_job_may_push_it(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev"), job="all")
        assert asked(before, after).failures == ()

    @pytest.mark.parametrize(
        "assigned",
        [
            'if test "$CI_COMMIT_TAG"; then T=$CI_COMMIT_TAG; else T=dev; fi',
            "'[ \"$CI_COMMIT_TAG\" ] && T=$CI_COMMIT_TAG || T=dev'",
            "read T < VERSION",
            "case $CI_COMMIT_BRANCH in main) T=latest;; *) T=dev;; esac",
        ],
    )
    def test_bake_sees_what_is_exported_alone(self, assigned: str) -> None:
        before = ci(assigned, push("r/a:$T", "a/Dockerfile", "dev"))
        call = "docker buildx bake -f a/docker-bake.hcl --push"
        bake = {
            "a/docker-bake.hcl": 'variable "T" { default = "" }\n'
            'target "default" {\n  context = "a"\n  dockerfile = "Dockerfile.all"\n'
            '  target = "a-dev"\n  tags = ["r/a:${T}"]\n}\n'
        }
        assert "is no longer pushed" in asked(before, {**ci(assigned, call), **bake}).failures[0]
        assert asked(before, {**ci(assigned, f'T="$T" {call}'), **bake}).failures == ()
        assert asked(before, {**ci(assigned, "export T", call), **bake}).failures == ()

    def test_one_bake_call(self) -> None:
        before = ci(
            push("r/a", "a/Dockerfile", "dev", "--label x=${REV} --platform p"),
            push("r/b", "a/Dockerfile.b", "dev", "--build-arg V=1"),
        )
        bake = (
            'variable "REV" {}\ngroup "default" { targets = ["a", "b"] }\n'
            'target "a" {\n context = "a"\n dockerfile = "Dockerfile.all"\n target = "a-dev"\n'
            ' tags = ["r/a"]\n labels = { x = "${REV}" }\n platforms = ["p"]\n}\n'
            'target "b" {\n context = "a"\n dockerfile = "Dockerfile.all"\n target = "b-dev"\n'
            ' tags = ["r/b"]\n args = { V = "1" }\n}\n'
        )
        after = ci("docker buildx bake -f a/docker-bake.hcl --push")
        assert asked(before, {**after, "a/docker-bake.hcl": bake}).failures == ()
        assert not asked(before, {**after, "a/docker-bake.hcl": bake.replace('"1"', '"2"')}).holds
        assert not asked(
            before, {**after, "a/docker-bake.hcl": bake.replace('"a-dev"', '"b-dev"')}
        ).holds
        assert not asked(
            before, {**ci("docker buildx bake -f a/docker-bake.hcl"), "a/docker-bake.hcl": bake}
        ).holds

    def test_a_push_in_a_later_line(self) -> None:
        before = ci("docker build -t r/a --target dev a", "docker push r/a")
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev"))
        assert asked(before, after).failures == ()
        wrong = ci(push("r/a", "a/Dockerfile.all", "a-rel"))
        assert "it must be a/Dockerfile.all:a-dev" in why(asked(before, wrong))

    def test_a_tag_given_in_between(self) -> None:
        before = ci("docker build -t x --target dev a", "docker tag x r/a", "docker push r/a")
        after = ci(
            "docker build -t x -f a/Dockerfile.all --target a-dev a",
            "docker tag x r/a",
            "docker push r/a",
        )
        assert asked(before, after).failures == ()
        lost = ci("docker build -t x -f a/Dockerfile.all --target a-dev a")
        assert any("`r/a` is no longer pushed" in line for line in asked(before, lost).failures)

    def test_pull_tag_and_push_stay(self) -> None:
        lines = ("docker pull r/a:1", "docker tag r/a:1 r/a:2", "docker push r/a:2")
        assert asked(ci(*lines), ci(*lines)).failures == ()
        assert "`r/a:2` is no longer pushed" in why(asked(ci(*lines), ci(*lines[:2])))

    def test_a_lost_tag(self) -> None:
        found = why(asked(ci(push("r/a", "a/Dockerfile", "dev")), ci("true")))
        assert found.startswith(".gitlab-ci.yml:3:7 (GitLab job build): `r/a` is no longer pushed")

    def test_a_tag_pushed_twice(self) -> None:
        line = push("r/a", "a/Dockerfile.all", "a-dev")
        found = why(asked(ci(push("r/a", "a/Dockerfile", "dev")), ci(line, line)))
        assert "`r/a` is pushed more often than before" in found

    def test_a_new_tag(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        after = ci(
            push("r/a", "a/Dockerfile.all", "a-dev"), push("r/x", "a/Dockerfile.all", "a-dev")
        )
        assert "`r/x` is pushed and was not before" in why(asked(before, after))

    def test_two_targets_swapped(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"), push("r/b", "a/Dockerfile.b", "dev"))
        after = ci(
            push("r/a", "a/Dockerfile.all", "b-dev"), push("r/b", "a/Dockerfile.all", "a-dev")
        )
        verdict = asked(before, after)
        assert len(verdict.failures) == 2
        assert (
            "`r/a` is pushed from a/Dockerfile.all:b-dev, it must be a/Dockerfile.all:a-dev"
            in (verdict.failures[0])
        )

    def test_several_targets_in_one_command(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"), push("r/b", "a/Dockerfile.b", "dev"))
        after = ci(
            "docker buildx build --push -f a/Dockerfile.all --target a-dev -t r/a "
            "--target b-dev -t r/b a"
        )
        failures = asked(before, after).failures
        assert any("several --target (a-dev, b-dev): the last one wins" in f for f in failures)
        assert any("`r/a` is pushed from a/Dockerfile.all:b-dev" in f for f in failures)

    @pytest.mark.parametrize(
        ("more", "less"),
        [
            ("--build-arg V=1", "--build-arg V=2"),
            ("--build-arg V", ""),
            ("--platform linux/amd64,linux/arm64", "--platform linux/amd64"),
            ("--secret id=x", ""),
            ("--build-context s=docker-image://s", ""),
            ("--label x=1", ""),
            ("", "--no-cache"),
            ("--ssh default", ""),
            ("--provenance false", "--provenance true"),
        ],
    )
    def test_what_goes_with_the_image(self, more: str, less: str) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev", more))
        assert asked(before, ci(push("r/a", "a/Dockerfile.all", "a-dev", more))).failures == ()
        assert not asked(before, ci(push("r/a", "a/Dockerfile.all", "a-dev", less))).holds

    def test_progress_and_builders_do_not_matter(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev", "--progress plain"))
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev", "--builder x --cache-from y"))
        assert asked(before, after).failures == ()

    def test_the_context(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev")[:-1] + ".")
        assert "the context is `.`, it was `a`" in why(asked(before, after))
        assert asked(before, after, contexts=frozenset({("a/Dockerfile", "a", "")})).failures == ()

    def test_arguments_that_a_permit_adds(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev", "--build-arg SDK=r/sdk"))
        assert "build argument SDK is new (`r/sdk`)" in why(asked(before, after))
        assert (
            asked(before, after, arguments_added=frozenset({("a/Dockerfile.all", "SDK")})).failures
            == ()
        )

    def test_a_named_context_that_takes_the_place_of_a_stage(self) -> None:
        context = "--build-context dev=docker-image://x"
        before = ci(push("r/a", "a/Dockerfile", "rel", context))
        after = ci(push("r/a", "a/Dockerfile.all", "a-rel", context))
        assert "the named context dev (`docker-image://x`) no longer replaces a stage" in why(
            asked(before, after)
        )
        other = context.replace("dev", "sdk")
        assert asked(
            ci(push("r/a", "a/Dockerfile", "rel", other)),
            ci(push("r/a", "a/Dockerfile.all", "a-rel", other)),
        ).holds

    def test_builds_of_other_images_stay(self) -> None:
        before = ci("docker build --push -t r/o other")
        assert asked(before, ci("docker build --push -t r/o other")).failures == ()
        assert not asked(before, ci("docker build --push -t r/o -f other/x other")).holds
        assert not asked(before, ci("docker build --push -t r/o --build-arg A=1 other")).holds
        assert not asked(before, ci("true")).holds

    def test_a_target_for_which_nothing_stands(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        found = asked(before, ci("true"), STANDS_FOR[1:])
        assert "no image replaces a/Dockerfile:dev, whose file is gone" in why(found)
        assert found.about == ("a/Dockerfile",)

    def test_what_fails_is_about_the_old_file(self) -> None:
        before = ci("docker build --push -t r/o other")
        assert asked(before, ci("true")).about == ("other/Dockerfile",)

    def test_a_writer_more_for_one_cache(self) -> None:
        cache = "--cache-to type=registry,ref=r/cache,mode=max"
        before = ci(push("r/a", "a/Dockerfile", "dev", cache), push("r/b", "a/Dockerfile.b", "dev"))
        good = ci(
            push("r/a", "a/Dockerfile.all", "a-dev", cache),
            push("r/b", "a/Dockerfile.all", "b-dev"),
        )
        bad = ci(
            push("r/a", "a/Dockerfile.all", "a-dev", cache),
            push("r/b", "a/Dockerfile.all", "b-dev", cache),
        )
        none = ci(
            push("r/a", "a/Dockerfile.all", "a-dev"), push("r/b", "a/Dockerfile.all", "b-dev")
        )
        assert asked(before, good).failures == ()
        assert "the cache `r/cache` gets 2 writers" in why(asked(before, bad))
        assert asked(before, none).differences == ("cache: nothing writes `r/cache` any longer",)

    def test_what_cannot_be_followed_any_more(self) -> None:
        before = ci(push("r/a", "a/Dockerfile", "dev"))
        after = ci(push("r/a", "a/Dockerfile.all", "a-dev"), "docker buildx bake -f $FILE")
        assert "cannot be followed" in why(asked(before, after))


def after_lines(files: Mapping[str, str]) -> list[str]:
    return [line.strip().removeprefix("- ") for line in files[".gitlab-ci.yml"].splitlines()[2:]]


class TestVariables:
    def test_a_function_with_the_target_as_a_parameter(self) -> None:
        before = ci(
            "'b() { docker build --push -t r/$1:$TARGET -f $2 --target $TARGET a; }'",
            "b a a/Dockerfile",
            "b b a/Dockerfile.b",
            variables="  variables: {TARGET: rel}\n",
        )
        after = ci(
            "'b() { docker build --push -t r/$1:$TARGET -f $2 --target \"${3:-$TARGET}\" a; }'",
            'b a a/Dockerfile.all "a-$TARGET"',
            'b b a/Dockerfile.all "b-$TARGET"',
            variables="  variables: {TARGET: rel}\n",
        )
        assert asked(before, after).failures == ()
        wrong = {p: t.replace('"b-$TARGET"', '"a-$TARGET"') for p, t in after.items()}
        assert "`r/b:rel` is pushed from a/Dockerfile.all:a-rel" in why(asked(before, wrong))

    def compose(self, file: str, target: str, more: str = "") -> str:
        return (
            f"services:\n  a:\n    image: r/a:${{T:-dev}}\n    build:\n      context: a\n{file}"
            f"      target: {target}\n{more}"
        )

    def test_compose(self) -> None:
        before = {"compose.yml": self.compose("", "${T:-dev}")}
        merged = "      dockerfile: Dockerfile.all\n"
        after = {"compose.yml": self.compose(merged, "a-${T:-dev}")}
        assert asked(before, after).failures == ()
        forgotten = asked(before, {})
        assert "from a/Dockerfile:dev, it must be a/Dockerfile.all:a-dev" in why(forgotten)
        wrong = {"compose.yml": self.compose(merged, "b-${T:-dev}")}
        assert "`r/a:dev` is built from a/Dockerfile.all:b-dev" in why(asked(before, wrong))
        typo = {"compose.yml": self.compose(merged, "a_${T:-dev}")}
        assert "a/Dockerfile.all:a_dev, it must be" in why(asked(before, typo))

    def test_every_value_of_the_variable_counts(self) -> None:
        env = {".env": "T=rel\n"}
        before = {"compose.yml": self.compose("", "${T:-dev}"), **env}
        merged = "      dockerfile: Dockerfile.all\n"
        after = {"compose.yml": self.compose(merged, "a-${T:-dev}")}
        assert asked(before, after).failures == ()
        fixed = {"compose.yml": self.compose(merged, "a-dev")}
        assert "`r/a:rel` is built from a/Dockerfile.all:a-dev" in why(asked(before, fixed))

    def test_a_value_that_names_no_target_is_no_ask(self) -> None:
        before = {"compose.yml": self.compose("", "${T:-dev}"), ".env": "T=nothing\n"}
        after = {"compose.yml": self.compose("      dockerfile: Dockerfile.all\n", "a-${T:-dev}")}
        assert asked(before, after).failures == ()

    def test_a_value_that_the_patch_adds_must_have_its_target(self) -> None:
        before = {"compose.yml": self.compose("", "${T:-dev}")}
        after = {
            "compose.yml": self.compose("      dockerfile: Dockerfile.all\n", "a-${T:-dev}"),
            ".env": "T=a-rel\n",
        }
        assert "a/Dockerfile.all has no target `a-a-rel`" in why(asked(before, after))

    def test_a_variable_without_any_value_stands_for_every_target(self) -> None:
        before = ci("docker build -t x --target $T a")
        good = ci("docker build -t x -f a/Dockerfile.all --target a-$T a")
        bad = ci("docker build -t x -f a/Dockerfile.all --target b-$T a")
        assert asked(before, good).failures == ()
        assert not asked(before, bad).holds

    def test_the_rest_of_a_service_stays(self) -> None:
        before = {"compose.yml": self.compose("", "dev", "    ports: ['1:1']\n")}
        merged = "      dockerfile: Dockerfile.all\n"
        after = {"compose.yml": self.compose(merged, "a-dev", "    ports: ['1:1']\n")}
        assert asked(before, after).failures == ()
        lost = {"compose.yml": self.compose(merged, "a-dev")}
        assert "the service a differs in more than its build" in why(asked(before, lost))


class TestDocuments:
    def test_a_command_in_a_document(self) -> None:
        before = {"README.md": "```sh\ndocker build --target dev -t x a\n```\n"}
        merged = "docker build -f a/Dockerfile.all --target a-dev -t x a\n"
        assert asked(before, {"README.md": f"```sh\n{merged}```\n"}).failures == ()
        assert "README.md:2:1" in why(asked(before, {}))
        more = asked(before, {"README.md": f"```sh\n{merged}{merged}```\n"})
        assert more.holds
        assert more.differences[0].startswith("document: README.md:")


class TestTheSample:
    owed = None

    @pytest.fixture(autouse=True)
    def _claim(self, stands_for: tuple[tuple[Image, Image], ...]) -> None:
        self.owed = SameImagesAskedFor(stands_for)

    def verdict(self, before: Facts, after: Facts) -> Verdict:
        assert self.owed is not None
        return check(self.owed, before, after)

    def test_the_merge_by_hand_holds(self, before: Facts, after: Facts) -> None:
        verdict = self.verdict(before, after)
        assert verdict.failures == ()
        assert verdict.differences == ()
        assert verdict.statement.startswith("All 11 pushed tags")

    @pytest.mark.parametrize(
        ("path", "pairs", "message"),
        [
            (".gitlab-ci.yml", [('"" "synchronizer-', '"" "authz-worker-')], "synchronizer:rel"),
            (".gitlab-ci.yml", [("docker-bake.hcl --push", "docker-bake.hcl")], "no longer pushed"),
            (".gitlab-ci.yml", [('"--label org.opencontainers.image.revision='
                                 '${CI_COMMIT_SHORT_SHA}"', '""')], "--label is gone"),
            (".gitlab-ci.yml", [("controlplane-all:\n", "controlplane-all: &all\n"),
                                ("build / node-sdk:\n", "again:\n  <<: *all\nbuild / node-sdk:\n")],
             "more often"),
            ("controlplane/docker-bake.hcl", [('"server-development"', '"server-release"')],
             "it must be controlplane/Dockerfile.all:server-development"),
            ("controlplane/docker-bake.hcl", [('"server", "authz-worker", "s', '"server", "s')],
             "authz-worker:${CI_COMMIT_REF_SLUG}-development` is no longer pushed"),
            ("controlplane/docker-bake.hcl", [("authz-worker:buildcache,m", "server:buildcache,m")],
             "gets 2 writers"),
            ("docker-compose.yml", [("target: authz-worker-", "target: ")], "authz-worker"),
            ("docker-compose.yml", [("target: server-${", "target: synchronizer-${")], "server:"),
            ("README.md", [("--target authz-worker-release", "--target release")], "README.md"),
        ],
    )  # fmt: skip
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        path: str,
        pairs: list[tuple[str, str]],
        message: str,
    ) -> None:
        verdict = self.verdict(before, mutated(path, *pairs))
        assert not verdict.holds
        assert any(message in line for line in verdict.failures), verdict.failures
