"""Times, medians, jobs that take over the work of others, and states of a series."""

from __future__ import annotations

from dockerfix.estimate.changed import Builds, Clones
from dockerfix.estimate.graph import job_graph
from dockerfix.estimate.schedule import Times, timeline
from dockerfix.estimate.series import Estimate, Given, State, estimates
from dockerfix.estimate.times import known_times
from dockerfix.facts.gitlab.existing import PipelineKind, existing
from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.text import Snapshot
from dockerfix.traces.jobs import RanJob
from dockerfix.traces.read import read_trace


def pipeline(text: str) -> Pipeline:
    found = find_pipeline(Snapshot.of({".gitlab-ci.yml": text}))
    assert found is not None
    return found


def ran(number: int, name: str, duration: float, queued: float = 0.0) -> RanJob:
    return RanJob(number, name, "", "success", None, None, None, duration, queued)


def after(found: Estimate, name: str) -> tuple[str, ...]:
    return found.graph.runs[name].after


BEFORE = """\
stages: [build, test]
b / one: {stage: build, script: [docker build -t r/one .]}
b / two: {stage: build, script: [docker build -t r/two .]}
t: {stage: test, needs: [b / one, b / two], script: [x]}
u: {stage: test, script: [x]}
"""
AFTER = """\
stages: [build, test]
b / all: {stage: build, script: [docker buildx bake]}
t: {stage: test, needs: [b / all], script: [x]}
u: {stage: test, needs: [], script: [y]}
"""
STATES = (
    State("as it is", pipeline(BEFORE),
          {"b / one": frozenset({"one"}), "b / two": frozenset({"two"})}),
    State("after merge", pipeline(AFTER), {"b / all": frozenset({"one", "two"})}, ("a promise",)),
)  # fmt: skip
KNOWN = {"b / one": Times(5, 0, 100), "b / two": Times(5, 0, 60), "t": Times(0, 0, 30)}


def test_a_job_takes_as_long_as_the_longest_whose_work_it_takes_over() -> None:
    before, now = estimates(STATES, Given(KNOWN))
    placed = now.timeline.placed["b / all"]
    assert placed.times == Times(5, 0, 100, "as long as b / one, whose work it takes over", False)
    assert (before.timeline.total, before.timeline.busy) == (135, 220)
    assert (now.timeline.total, now.timeline.busy) == (135, 160)
    assert now.promises == ("a promise",)


def test_the_median_of_the_stage_stands_in_and_is_named() -> None:
    before, now = estimates(STATES, Given(KNOWN))
    assert before.unknown == ("u",)
    assert before.timeline.placed["u"].times.source == "median of the stage test"
    assert now.timeline.placed["u"].start == 0
    assert now.notes == ("these jobs run other commands, and their old times are kept: u",)


def test_without_any_time_every_job_is_a_minute() -> None:
    (before,) = estimates(STATES[:1], Given({}))
    assert before.timeline.total == 120
    assert len(before.unknown) == 4


def test_what_is_measured_or_given_comes_first() -> None:
    builds = Builds({"b / one": 80.0, "b / two": 50.0}, {"b / all": 90.0})
    _, now = estimates(STATES, Given(KNOWN, builds=builds))
    assert now.timeline.placed["b / all"].times.work == 110, "20 s were not its builds"
    _, now = estimates(STATES, Given(KNOWN, builds=builds, after={"b / all": 70}))
    assert now.timeline.placed["b / all"].times.work == 70


def test_a_list_of_jobs_says_which_ran() -> None:
    given = Given(KNOWN, {"b / one": ("b / one",), "t": ("t",)})
    before, now = estimates(STATES, given)
    assert list(before.timeline.placed) == ["b / one", "t"]
    assert before.notes == (
        "t needs b / two, which this pipeline does not have: GitLab would refuse it",
    )
    assert list(now.timeline.placed) == ["b / all", "t"]


def test_runs_of_a_matrix() -> None:
    text = """\
stages: [build, test]
m: {stage: build, script: [x], parallel: {matrix: [{A: [p, q]}]}}
n: {stage: build, script: [x], parallel: 2}
one: {stage: test, needs: ["m: [q]"], script: [x]}
all: {stage: test, needs: [m, n], script: [x]}
"""
    graph = job_graph(pipeline(text), {"m", "n", "one", "all"}, {})
    assert graph.runs["one"].after == ("m: [q]",)
    assert graph.runs["all"].after == ("m: [p]", "m: [q]", "n 1/2", "n 2/2")


def test_a_cycle_is_named_and_ends() -> None:
    looped = pipeline("a: {needs: [b], script: [x]}\nb: {needs: [a], script: [x]}\n")
    graph = job_graph(looped, {"a", "b"}, {})
    times = {"a": Times(0, 0, 1), "b": Times(0, 0, 1)}
    assert timeline(graph, times).stuck == ("a", "b")


def test_queue_and_preparation_stand_apart() -> None:
    trace = b"section_start:0:prepare_executor\r\x1b[0Ksection_end:40:prepare_executor\r\x1b[0K"
    known = known_times([ran(1, "a", 100, 7)], {"a": read_trace("a", [trace])})
    assert known == {"a": Times(7, 40, 60)}
    graph = job_graph(pipeline("a: {script: [x]}"), {"a"}, {})
    assert (timeline(graph, known).total, timeline(graph, known, 1).total) == (107, 100)


def test_several_pipelines_give_the_median() -> None:
    known = known_times([ran(1, "a", 10), ran(2, "a", 30), ran(3, "a", 80)], {})
    assert known == {"a": Times(0, 0, 30, "median of 3 runs")}


def test_a_shallower_clone_counts_when_its_time_is_known() -> None:
    job = "a: {script: [x], variables: {GIT_DEPTH: %s}}\nb: {script: [x]}\n"
    states = [State("as it is", pipeline(job % 0), {}), State("after", pipeline(job % 1), {})]
    known = {"a": Times(0, 0, 50), "b": Times(0, 0, 10)}
    clones = Clones({"a": 30.0, "b": 4.0}, {1: 4.0})
    _, now = estimates(states, Given(known, clones=clones))
    assert (now.timeline.placed["a"].times.work, now.notes) == (24, ())
    _, now = estimates(states, Given(known))
    assert now.timeline.placed["a"].times.work == 50
    assert now.notes == ("the clone of 1 job changes; its new time is not known, and not counted",)


RULES = """\
always: {script: [x]}
main: {script: [x], rules: [{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH}]}
tag: {script: [x], rules: [{if: $CI_COMMIT_TAG}]}
request: {script: [x], rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]}
changed: {script: [x], rules: [{changes: [a/*]}]}
never: {script: [x], rules: [{when: never}]}
hand: {script: [x], when: manual}
later: {script: [x], rules: [{if: $CI_COMMIT_BRANCH, when: manual}]}
"""


def test_which_jobs_a_kind_of_pipeline_holds() -> None:
    found = {kind: existing(pipeline(RULES), kind) for kind in PipelineKind}
    assert found[PipelineKind.DEFAULT_BRANCH].jobs == {"always", "main", "changed", "hand", "later"}
    assert found[PipelineKind.DEFAULT_BRANCH].manual == {"hand", "later"}
    assert found[PipelineKind.BRANCH].jobs == {"always", "changed", "hand", "later"}
    assert found[PipelineKind.TAG].jobs == {"always", "tag", "changed", "hand"}
    assert found[PipelineKind.MERGE_REQUEST].jobs == {"request", "changed"}
