"""The same steps under the same conditions, whichever job runs them."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.proof import check
from dockerfix.proof.obligation import Image, Permit, Verdict
from dockerfix.proof.pipeline.workflow_change import WorkflowChange
from dockerfix.text import Snapshot

PATH = ".github/workflows/images.yml"
STAGE = "FROM debian:12 AS {0}\nRUN install {0}\n"
OLD_FILES = {f"{name}.Dockerfile": STAGE.format(name) for name in ("api", "worker")}
NEW_FILES = {"all.Dockerfile": STAGE.format("api") + STAGE.format("worker")}
PAIRS = tuple(
    (Image(f"{name}.Dockerfile"), Image("all.Dockerfile", name)) for name in ("api", "worker")
)
JOINED = tuple(Permit("steps-joined", name, PATH, after="images") for name in ("api", "worker"))
LOGIN = """\
      - uses: docker/login-action@v3
        with: {username: me}
"""
STEP = """\
      - uses: docker/metadata-action@v5
        id: meta{suffix}
        with:
          images: example/{name}
      - uses: docker/build-push-action@v6
        with:
          context: .
          file: {file}
{target}          push: true
          tags: ${{{{ steps.meta{suffix}.outputs.tags }}}}
"""
HEAD = "on: push\njobs:\n"
AFTER = "  deploy:\n    needs: [{0}]\n    runs-on: ubuntu-latest\n    steps: [{{run: ./deploy}}]\n"


def old_steps(name: str) -> str:
    return STEP.format(name=name, suffix="", file=f"{name}.Dockerfile", target="")


def new_steps(name: str, target: str = "") -> str:
    line = f"          target: {target or name}\n"
    return STEP.format(name=name, suffix=f"-{name}", file="all.Dockerfile", target=line)


def job(name: str, steps: str, keys: str = "") -> str:
    return f"  {name}:\n    runs-on: ubuntu-latest\n{keys}    steps:\n{LOGIN}{steps}"


def jobs(keys: str = "") -> str:
    return HEAD + "".join(job(name, old_steps(name), keys) for name in ("api", "worker"))


BEFORE = jobs() + AFTER.format("api, worker")
GOOD = HEAD + job("images", new_steps("api") + new_steps("worker")) + AFTER.format("images")


def verdict(before: str, after: str, permits: tuple[Permit, ...] = JOINED) -> Verdict:
    facts = (
        Facts(Snapshot.of({**OLD_FILES, PATH: before})),
        Facts(Snapshot.of({**NEW_FILES, PATH: after})),
    )
    return check(WorkflowChange(PATH, permits, PAIRS), *facts)


def test_jobs_become_one() -> None:
    found = verdict(BEFORE, GOOD)

    assert found.failures == ()
    assert found.differences == ("steps-joined: api, worker run in images",)


def test_without_leave_no_job_goes() -> None:
    assert "the job api is gone" in "".join(verdict(BEFORE, GOOD, ()).failures)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("target: worker", "target: api"),
        ("example/worker", "example/other"),
        ("steps.meta-worker.", "steps.meta-api."),
        ("push: true", "push: false"),
        ("ubuntu-latest", "ubuntu-24.04"),
        ("username: me", "username: you"),
        ("needs: [images]", "needs: []"),
        ("run: ./deploy", "run: ./destroy"),
        ("on: push", "on: pull_request"),
        (LOGIN, ""),
        (new_steps("worker"), ""),
        (new_steps("worker"), new_steps("worker") + "      - run: ./publish\n"),
        ("    steps:\n", "    if: github.ref == 'main'\n    steps:\n"),
        ("    steps:\n", "    continue-on-error: true\n    steps:\n"),
        ("    steps:\n", "    permissions: {packages: write}\n    steps:\n"),
    ],
)
def test_one_change_more_fails(old: str, new: str) -> None:
    after = GOOD.replace(old, new)
    assert after != GOOD

    assert not verdict(BEFORE, after).holds


@pytest.mark.parametrize(
    "keys", ["    environment: release\n", "    concurrency: images\n", "    outputs: {a: b}\n"]
)
def test_keys_that_weigh_for_each_job(keys: str) -> None:
    after = HEAD + job("images", new_steps("api") + new_steps("worker"), keys)

    assert not verdict(jobs(keys), after).holds


def test_a_limit_of_time_grows() -> None:
    def after(minutes: int) -> str:
        keys = f"    timeout-minutes: {minutes}\n"
        return HEAD + job("images", new_steps("api") + new_steps("worker"), keys)

    before = jobs("    timeout-minutes: 10\n")

    assert verdict(before, after(20)).holds
    assert not verdict(before, after(10)).holds
    assert not verdict(before, after(20).replace("20", '"20"')).holds  # GitHub wants a number


@pytest.mark.parametrize(
    "step",
    [
        "{run: make}",
        "{uses: other/action@v1}",
        "{if: always(), run: echo}",
        "{run: echo $(make)}",
        "{run: echo a >> $GITHUB_ENV}",
    ],
)
def test_a_step_of_one_image_that_may_change_the_machine(step: str) -> None:
    more = f"      - {step}\n"
    before = HEAD + job("api", old_steps("api") + more) + job("worker", old_steps("worker"))
    after = HEAD + job("images", new_steps("api") + more + new_steps("worker"))

    assert not verdict(before, after).holds


def test_a_step_of_one_image_that_gives_outputs() -> None:
    more = '      - run: echo "day=$(date +%F)" >> $GITHUB_OUTPUT\n'
    before = HEAD + job("api", old_steps("api") + more) + job("worker", old_steps("worker"))
    after = HEAD + job("images", new_steps("api") + more + new_steps("worker"))

    assert verdict(before, after).holds


def test_a_matrix_becomes_steps() -> None:
    matrix = "    strategy: {matrix: {name: [api, worker]}}\n"
    before = HEAD + job("images", old_steps("${{ matrix.name }}"), matrix)
    after = HEAD + job("images", new_steps("api") + new_steps("worker"))
    permits = (Permit("steps-joined", "images", PATH, after="images"),)

    assert verdict(before, after, permits).holds
    lost = after.replace(new_steps("worker"), "")
    assert not verdict(before, lost, permits).holds


MATRIX = "    strategy: {{matrix: {{name: [{0}]}}}}\n"


def split(kept: str, steps: str, needs: str) -> str:
    web = job("images", old_steps("${{ matrix.name }}"), MATRIX.format(kept))
    return HEAD + web + job("rust", steps) + AFTER.format(needs)


def test_rows_leave_a_matrix() -> None:
    before = HEAD + job(
        "images", old_steps("${{ matrix.name }}"), MATRIX.format("api, web, worker")
    )
    before += AFTER.format("images")
    permits = (Permit("steps-joined", "images", PATH, after="rust"),)
    steps = new_steps("api") + new_steps("worker")

    assert verdict(before, split("web", steps, "images, rust"), permits).holds
    assert not verdict(before, split("web", steps, "images"), permits).holds
    assert not verdict(before, split("web", steps, "rust"), permits).holds
    assert not verdict(before, split("web", new_steps("api"), "images, rust"), permits).holds
    assert not verdict(before, split("web, api", steps, "images, rust"), permits).holds
    assert not verdict(before, split("web, docs", steps, "images, rust"), permits).holds


def test_a_later_job_reads_a_result() -> None:
    reader = "  report:\n    needs: [{0}]\n    if: needs.api.result == 'success'\n    steps: []\n"

    assert not verdict(jobs() + reader.format("api"), GOOD + reader.format("images")).holds


def test_a_job_that_stays_keeps_its_steps() -> None:
    before = HEAD + job("api", old_steps("api") + "      - run: ./smoke api.Dockerfile\n")
    stays = before.replace("file: api", "file: all").replace("api.Dockerfile", "all.Dockerfile")
    after = stays.replace("          push", "          target: api\n          push")

    assert verdict(before, after, ()).holds
    assert not verdict(before, after.replace("./smoke", "./other"), ()).holds
    assert not verdict(before, after.replace("push: true", "push: false"), ()).holds


def test_scripts_differ_in_more_than_what_is_built() -> None:
    script = "      - run: |\n          NAME={0}\n          docker build -f {1} .\n"
    before = HEAD + job("api", script.format("api", "api.Dockerfile"))
    before += job("worker", script.format("worker", "worker.Dockerfile"))

    def after(first: str, second: str) -> str:
        names = (script.format(n, f"all.Dockerfile --target {n}") for n in (first, second))
        return HEAD + job("images", "".join(names))

    assert verdict(before, after("api", "worker")).holds
    assert not verdict(before, after("api", "api")).holds
