"""The same jobs but for the intended ones, and a pipeline that GitLab takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from dockerfix.facts.gitlab.gates import plain
from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.obligation import Permit, Verdict
from dockerfix.proof.pipeline.permitted import whole
from dockerfix.proof.pipeline.pipeline_change import PipelineChange
from dockerfix.proof.pipeline.values import value_changes
from dockerfix.syntax.yaml.tree import YamlError
from dockerfix.text import Snapshot

from .conftest import MERGE_PERMITS, MOVED

CI = ".gitlab-ci.yml"
HEAD = "stages: [build, test]\n"
BUILD = "build:\n  stage: build\n  script: [make]\n"
TEST = "test:\n  stage: test\n  needs: [build]\n  script: [make test]\n"


def valid(
    before: str,
    after: str,
    removed: str = "",
    added: str = "",
    changed: str = "",
    files: Mapping[str, str] | None = None,
    files_after: Mapping[str, str] | None = None,
) -> Verdict:
    old = {**(files or {}), ".gitlab-ci.yml": before}
    new = {**(files_after or files or {}), ".gitlab-ci.yml": after}
    facts = Facts(Snapshot.of(old)), Facts(Snapshot.of(new))
    permits = exact(facts, {*removed.split(), *added.split(), *changed.split()})
    return check(PipelineChange(CI, tuple(permits)), *facts)


def exact(facts: tuple[Facts, Facts], names: set[str]) -> Iterator[Permit]:
    """Leave for everything that differs in these jobs, value by value."""
    try:
        old, new = (side.pipeline for side in facts)
    except YamlError:
        return
    if old is None or new is None:
        return
    for name in names:
        first, second = old.jobs.get(name), new.jobs.get(name)
        if first is not None and second is not None:
            before, after = ({k: plain(v) for k, v in j.keys.items()} for j in (first, second))
            changes = value_changes(before, after)
        else:
            job = first or second
            changes = iter([whole(job, gone=second is None)] if job is not None else [])
        for change in changes:
            yield Permit("pipeline-value", name, CI, change.path, change.before, change.after)


def added_job(body: str) -> Verdict:
    """The verdict on a pipeline that gains the job `new` with this body."""
    text = HEAD + BUILD + TEST
    indented = "".join(f"  {line}\n" for line in body.splitlines())
    return valid(text, f"{text}new:\n{indented}", added="new")


def why(verdict: Verdict) -> str:
    assert len(verdict.failures) == 1, verdict.failures
    return verdict.failures[0]


class TestSameJobs:
    def test_order_comments_and_quotes_do_not_matter(self) -> None:
        after = TEST.replace("[build]", '\n    - "build"') + "# c\n" + BUILD + HEAD
        assert valid(HEAD + BUILD + TEST, after).failures == ()

    def test_a_template_and_its_result_are_the_same(self) -> None:
        before = HEAD + ".t: &t {stage: build}\nx:\n  <<: *t\n  script: [a]\n"
        after = HEAD + ".t: {stage: build}\nx:\n  extends: .t\n  script: [a]\n"
        # `extends` itself is a key of the job.
        assert "differs in extends" in why(valid(before, after))

    def test_an_anchor_that_changes_another_job(self) -> None:
        before = HEAD + ".t: &t\n  script: [a]\nx:\n  <<: *t\ny:\n  <<: *t\n"
        after = before.replace("[a]", "[b]")
        verdict = valid(before, after, changed=".t x")
        assert "the job `y` differs in script" in why(verdict)
        assert len(verdict.differences) == 2

    def test_a_job_that_changed_without_leave(self) -> None:
        after = HEAD + BUILD.replace("make", "make all") + TEST
        found = why(valid(HEAD + BUILD + TEST, after))
        assert found == ".gitlab-ci.yml:2:1: the job `build` differs in script"
        verdict = valid(HEAD + BUILD + TEST, after, changed="build")
        line = 'changed: .gitlab-ci.yml:2:1: `build`: script[0]: "make" -> "make all"'
        assert verdict.differences == (line,)

    @pytest.mark.parametrize(
        ("more", "key"),
        [
            ("variables: {A: '1'}\n", "variables"),
            ("workflow: {rules: [{if: $A}]}\n", "workflow"),
            ("default: {image: x}\n", "default"),
        ],
    )
    def test_what_stands_beside_the_jobs(self, more: str, key: str) -> None:
        verdict = valid(HEAD + BUILD, HEAD + BUILD + more)
        assert any(f"`{key}` differs" in line for line in verdict.failures)

    def test_jobs_that_go_and_come(self) -> None:
        text = HEAD + BUILD
        assert "the job `build` is gone" in valid(text, HEAD).failures[0]
        assert valid(text, HEAD, removed="build").failures == ()

    def test_what_fails_is_about_the_files_that_the_job_builds(self) -> None:
        text = f"{HEAD}build:\n  script: [docker build -f a/Dockerfile.x --push -t x a]\n"
        files = {"a/Dockerfile.x": "FROM alpine\n"}
        assert valid(text, HEAD, files=files).about == ("a/Dockerfile.x",)
        changed = text + "  retry: 1\n"
        assert valid(text, changed, files=files).about == ("a/Dockerfile.x",)
        assert "the job `test` is new" in why(valid(text, text + TEST))
        assert valid(text, text + TEST, added="test").failures == ()

    def test_included_files_count(self) -> None:
        before = HEAD + "include: [{local: more.yml}]\n"
        verdict = valid(
            before, before, files={"more.yml": BUILD}, files_after={"more.yml": TEST + BUILD}
        )
        assert "more.yml:1:1: the job `test` is new" in why(verdict)


class TestFaults:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ("script: [a]\nneeds: [nobody]", "needs `nobody`, which does not exist"),
            ("stage: build\nscript: [a]\nneeds: [test]", "of the later stage `test`"),
            ("script: [a]\nneeds: [new]", "needs itself"),
            ("script: [a]\nneeds: [build, build]", "needs `build` twice"),
            ("script: [a]\nstage: nowhere", "which is not in `stages`"),
            ("stage: test", "has no script"),
            ("script: [a]\nextends: .nothing", "extends `.nothing`"),
            ("script: [a]\ndependencies: [nobody]", "depends on `nobody`"),
            ("script: [a]\nneeds: [build]\ndependencies: [test]", "which it does not need"),
            ("script: [a]\nrules: [{if: $A, needs: [nobody]}]", "needs `nobody`"),
        ],
    )
    def test_what_gitlab_refuses(self, body: str, message: str) -> None:
        found = why(added_job(body))
        assert message in found
        assert found.startswith(".gitlab-ci.yml:")

    def test_more_than_fifty_needs(self) -> None:
        jobs = "".join(f"j{n}: {{stage: build, script: [a]}}\n" for n in range(51))
        names = [f"j{n}" for n in range(51)]
        user = f"u:\n  stage: test\n  script: [a]\n  needs: [{', '.join(names)}]\n"
        verdict = valid(HEAD + jobs, HEAD + jobs + user, added="u")
        assert "needs 51 jobs, more than 50" in why(verdict)
        fewer = user.replace("j0, ", "")
        assert valid(HEAD + jobs, HEAD + jobs + fewer, added="u").failures == ()

    def test_a_cycle(self) -> None:
        def job(name: str, need: str) -> str:
            return f"{name}: {{stage: build, script: [a], needs: [{need}]}}\n"

        before = HEAD + job("a", "b") + job("b", "c") + "c: {stage: build, script: [a]}\n"
        after = HEAD + job("a", "b") + job("b", "c") + job("c", "a")
        found = why(valid(before, after, changed="c"))
        assert "needs go round: `a` -> `b` -> `c` -> `a`" in found

    def test_many_ways_to_one_job_are_no_cycle_and_take_no_time(self) -> None:
        jobs = "j0: {stage: build, script: [a]}\nk0: {stage: build, script: [a]}\n"
        for n in range(1, 40):
            for name in "jk":
                jobs += f"{name}{n}: {{stage: build, script: [a], needs: [j{n - 1}, k{n - 1}]}}\n"
        assert valid(HEAD + jobs, HEAD + jobs).failures == ()

    def test_an_optional_need_may_be_absent(self) -> None:
        assert added_job("script: [a]\nneeds: [{job: nobody, optional: true}]").failures == ()

    def test_an_include_that_is_not_here_may_hold_it(self) -> None:
        head = HEAD + "include: [{template: X.yml}]\n"
        after = head + "x:\n  script: [a]\n  needs: [elsewhere]\n"
        assert valid(head, after, added="x").failures == ()

    def test_what_was_refused_before_is_listed(self) -> None:
        bad = HEAD + "x:\n  stage: test\n  script: [a]\n  needs: [nobody]\n"
        verdict = valid(bad, "# moved\n" + bad)
        assert verdict.failures == ()
        assert verdict.differences[0].startswith("existing: .gitlab-ci.yml:6:11")


class TestPresence:
    def pair(self, build: str, test: str) -> str:
        return (
            f"{HEAD}build:\n  stage: build\n  script: [a]\n  rules: [{build}]\n"
            f"test:\n  stage: test\n  script: [a]\n  needs: [build]\n  rules: [{test}]\n"
        )

    good = "{changes: [a/**/*]}"
    bad = "{changes: [b/**/*]}"

    def test_a_need_that_rules_leave_out(self) -> None:
        verdict = valid(
            self.pair(self.good, self.good), self.pair(self.bad, self.good), changed="build"
        )
        found = why(verdict)
        assert "changes only `a/x`, `test` exists and `build` does not" in found
        assert "optional: true" in found

    def test_one_that_was_left_out_before(self) -> None:
        text = self.pair(self.bad, self.good)
        verdict = valid(text, text)
        assert verdict.failures == ()
        assert verdict.differences[0].startswith("existing: ")

    def test_one_whose_predecessor_was_left_out(self) -> None:
        before = self.pair(self.bad, self.good)
        after = before.replace("build:\n", "all:\n", 1).replace("needs: [build]", "needs: [all]")
        permits = (
            Permit("job-joined", "build", CI, after="all"),
            Permit("job-added", "all", CI),
            Permit("needs-followed", "test", CI, "needs"),
        )
        facts = (Facts(Snapshot.of({CI: text.encode()})) for text in (before, after))
        assert check(PipelineChange(CI, permits), *facts).failures == ()

    def test_a_rule_that_cannot_be_read(self) -> None:
        hidden = "{changes: ['$X/**/*']}"
        before = self.pair(self.good, self.good)
        verdict = valid(before, self.pair(hidden, self.good), changed="build")
        assert verdict.failures == ()
        assert "`test` needs `build`" in verdict.unproved[0]


class TestJoined:
    """Two jobs that became one, as a merge by hand might write it."""

    main = "{if: $CI_COMMIT_BRANCH == 'main'}"
    request = "{if: $CI_PIPELINE_SOURCE == 'merge_request_event'}"

    def job(self, name: str, rules: str, push: str = "") -> str:
        lines = [f"docker build -t r/{n}:latest --push ." for n in (push or name).split()]
        script = "".join(f"    - {line}\n" for line in lines)
        return f"{name}:\n  stage: build\n  rules: [{rules}]\n  script:\n{script}"

    def joined(self, api: str, worker: str, both: str) -> Verdict:
        before = HEAD + self.job("api", api) + self.job("worker", worker)
        after = HEAD + self.job("both", both, "api worker")
        permits = (
            Permit("job-joined", "api", CI, after="both"),
            Permit("job-joined", "worker", CI, after="both"),
            Permit("job-added", "both", CI),
        )
        facts = (Facts(Snapshot.of({CI: text, "Dockerfile": "FROM a"})) for text in (before, after))
        return check(PipelineChange(CI, permits), *facts)

    def test_the_same_rules(self) -> None:
        assert self.joined(self.main, self.main, self.main).failures == ()

    @pytest.mark.parametrize(
        "said",
        ["when: manual", "allow_failure: true", "variables: {X: a}", "interruptible: true",
         "when: delayed, start_in: 1 hour"],
    )  # fmt: skip
    def test_one_that_no_longer_runs_as_it_did(self, said: str) -> None:
        other = f"{self.main[:-1]}, {said}}}"
        assert self.joined(other, other, other).failures == ()
        found = why(self.joined(other, self.main, f"{other}, {self.main}"))
        assert "the job `worker` is gone: on a push to" in found
        assert "`worker` runs by itself and `both` with" in found

    def test_a_tag_that_other_pipelines_push(self) -> None:
        found = why(
            self.joined(self.main, f"{self.main}, {self.request}", f"{self.main}, {self.request}")
        )
        assert "the job `api` is gone: on a merge request" in found
        assert "`both` pushes `r/api:latest`" in found

    @pytest.mark.parametrize(
        ("api", "worker", "clash"),
        [
            ("echo A > a.env", "echo B > b.env", False),
            ("echo A >> same.env", "echo A >> same.env", False),
            ("echo A > same.env", "echo B > same.env", True),
            ("echo $CI_JOB_ID >&2", "echo $X >/dev/null", False),
            ("echo $IMAGE > same.env", "echo $IMAGE > same.env", True),
        ],
    )
    def test_a_file_that_both_write(self, api: str, worker: str, *, clash: bool) -> None:
        def job(name: str, lines: list[str], more: str = "") -> str:
            script = "".join(f"    - {line}\n" for line in lines)
            return f"{name}:\n  stage: build\n{more}  script:\n{script}"

        builds = {n: f"docker build -t r/{n}:latest --push ." for n in ("api", "worker")}
        before = HEAD
        for name, line in (("api", api), ("worker", worker)):
            before += job(name, [builds[name], line], f"  variables: {{IMAGE: {name}}}\n")
        after = HEAD + job("both", [*builds.values(), api, worker])
        permits = (
            Permit("job-joined", "api", CI, after="both"),
            Permit("job-joined", "worker", CI, after="both"),
            Permit("job-added", "both", CI),
        )
        facts = (Facts(Snapshot.of({CI: text, "Dockerfile": "FROM a"})) for text in (before, after))
        verdict = check(PipelineChange(CI, permits), *facts)
        assert any("write other things" in line for line in verdict.failures) is clash

    def test_a_boolean_that_became_a_text(self) -> None:
        said = f"{self.main[:-1]}, allow_failure: true}}"
        found = why(self.joined(said, said, said.replace("true", "'true'")))
        assert "says `allow_failure` as a text" in found


class TestBadInput:
    def test_yaml_that_breaks(self) -> None:
        assert "correct the YAML" in why(valid(HEAD + BUILD, HEAD + "build: [\n"))
        before = valid("a: [\n", "a: [\n")
        assert before.failures == ()
        assert before.differences[0].startswith("existing: ")

    def test_no_pipeline(self) -> None:
        facts = Facts(Snapshot.of({}))
        assert "does not exist" in why(check(PipelineChange(".gitlab-ci.yml"), facts, facts))

    @pytest.mark.parametrize(
        "text", ["", "- a\n", "a: 1\n", "a: {needs: 3, rules: x}\n", "a: {}\n"]
    )
    def test_strange_files_are_no_error(self, text: str) -> None:
        assert isinstance(valid(text, text), Verdict)


class TestTheSample:
    owed = PipelineChange(CI, MERGE_PERMITS, MOVED)

    def test_the_merge_by_hand_holds(self, before: Facts, after: Facts) -> None:
        verdict = check(self.owed, before, after)
        assert verdict.failures == ()
        assert list(dict.fromkeys(line.split("`")[1] for line in verdict.differences)) == [
            "code-style / controlplane", "unit-tests / controlplane", "build / release",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("pair", "message"),
        [
            (("    - build / controlplane-all\n", "    - build / server\n"), "does not exist"),
            (("        - controlplane/**/*\n        - protocol/**/*\n", "        - protocol/*\n"),
             "`build / controlplane-all` does not"),
            (("    - changes:\n        - controlplane/**/*\n        - protocol/**/*\n",
              "    - if: $CI_COMMIT_TAG\n"), "`build / controlplane-all` does not"),
            (("  retry: 1\n", "  retry: 2\n"), "differs in retry"),
            (("  TARGET: development\n", "  TARGET: server-development\n"), "`variables` differs"),
            (("  needs:\n    - build / release\n", "  needs: []\n"), "`semantic-release` differs"),
            (("    - job: build / controlplane-all\n  rules",
              "    - job: build / controlplane-all\n    - build / controlplane-all\n  rules"),
             "twice"),
            (("  image: docker:28-cli\n", "  image: docker:27-cli\n"), "`default` differs"),
        ],
    )  # fmt: skip
    def test_every_mutation_is_caught(
        self,
        before: Facts,
        mutated: Callable[..., Facts],
        pair: tuple[str, str],
        message: str,
    ) -> None:
        verdict = check(self.owed, before, mutated(".gitlab-ci.yml", pair))
        assert any(message in line for line in verdict.failures), verdict.failures


class TestBuildx:
    """A job that calls `docker buildx` has it, as far as reading tells."""

    @staticmethod
    def changed(image: str, old: str, new: str, more: str = "") -> Verdict:
        job = f"build:\n  image: {image}\n{more}  script: "
        return valid(f"{job}[{old}]\n", f"{job}[{new}]\n", changed="build")

    @pytest.mark.parametrize(
        "image",
        ["docker:27", "docker:23.0.1-cli", "docker", "docker:dind", "acme/builder", "$IMAGE"],
    )
    def test_may_be_there(self, image: str) -> None:
        assert self.changed(image, "docker build .", "docker buildx bake").holds

    @pytest.mark.parametrize(
        "image", ["docker:19.03.12", "docker:20-dind", "docker:stable", "hub.example/docker:18"]
    )
    def test_an_image_without_it(self, image: str) -> None:
        verdict = self.changed(image, "docker build .", "docker buildx bake")
        assert "calls docker buildx and has none" in verdict.failures[0]

    def test_what_called_it_before(self) -> None:
        assert self.changed("docker:20.10", "docker buildx build .", "docker buildx bake").holds

    @pytest.mark.parametrize(
        ("install", "holds"),
        [
            ("apk add --no-cache docker-cli", False),
            ("apt-get install -y docker.io git", False),
            ("apk add docker-cli docker-cli-buildx", True),
            ("apk add docker-cli-compose", True),
        ],
    )
    def test_packages(self, install: str, holds: bool) -> None:
        before = f"  before_script: [{install}]\n"
        verdict = self.changed("alpine", "docker build .", "docker buildx bake", before)
        assert verdict.holds is holds

    def test_buildkit_is_off(self) -> None:
        off = "  variables: {DOCKER_BUILDKIT: '0'}\n"
        verdict = self.changed("docker:27", "docker build .", "docker buildx bake", off)
        assert "BuildKit was switched off" in verdict.failures[0]
