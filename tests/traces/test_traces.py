"""Traces of jobs as runners and builders write them: whole, cut, coloured, interleaved, huge."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerfix.traces.lines import Line, Marker, events
from dockerfix.traces.model import BuilderRun, Ending, JobTrace, State
from dockerfix.traces.read import read_trace

ESC = "\x1b"
HEAD = f"""\
{ESC}[0KRunning with gitlab-runner 18.0.0 (0123abcd){ESC}[0;m
section_start:1000:prepare_executor\r{ESC}[0K{ESC}[0K\
{ESC}[36;1mPreparing the "kubernetes" executor{ESC}[0;m{ESC}[0;m
section_end:1047:prepare_executor\r{ESC}[0Ksection_start:1047:get_sources\r{ESC}[0K\
{ESC}[0K{ESC}[36;1mGetting source from Git repository{ESC}[0;m{ESC}[0;m
{ESC}[32;1mFetching changes with git depth set to 20...{ESC}[0;m
section_end:1074:get_sources\r{ESC}[0Ksection_start:1074:step_script\r{ESC}[0K\
{ESC}[32;1m$ docker buildx build .{ESC}[0;m
"""
TAIL = f"section_end:1300:step_script\r{ESC}[0K{ESC}[32;1mJob succeeded{ESC}[0;m\n"
PLAIN = """\
#0 building with "b" instance using docker-container driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 1.20kB done
#1 DONE 0.1s

#2 importing cache manifest from r.example/server:buildcache
#2 ERROR: failed to configure registry cache importer: r.example/server:buildcache: not found

#3 [internal] load build context
#3 transferring context: 11.5MB 0.2s
#3 transferring context: 12.34MB 0.3s done
#3 DONE 0.4s

#4 [chef 1/2] FROM docker.io/library/rust:1.86
#4 CACHED

#5 [cook 1/2] RUN cargo chef cook
#5 1.500    Compiling serde v1.0.1
#5 ...

#6 [other 1/1] RUN true
#6 DONE 2.0s

#5 [cook 1/2] RUN cargo chef cook
#5 120.1    Compiling tokio v1.0.1
#5 DONE 125.5s

#7 exporting to image
#7 pushing manifest for r.example/server:main@sha256:abc 0.5s done
#7 DONE 5.0s

#8 exporting cache to registry
#8 DONE 20.0s
"""


def read(text: str) -> JobTrace:
    return read_trace("job", [text.encode()])


def only(text: str) -> BuilderRun:
    (run,) = read(text).builds
    return run


def test_the_phases_of_a_job() -> None:
    trace = read(HEAD + TAIL)
    assert (trace.runner, trace.executor, trace.depth) == ("18.0.0", "kubernetes", 20)
    assert (trace.preparation, trace.clone, trace.script, trace.total) == (47, 27, 226, 300)
    assert trace.transfers is None
    assert trace.ending is Ending.SUCCEEDED


def test_plain_progress() -> None:
    run = only(HEAD + PLAIN + TAIL)
    states = [(step.name.partition("]")[0], step.state, step.seconds) for step in run.steps]
    assert states == [
        ("[chef 1/2", State.CACHED, 0.0),
        ("[cook 1/2", State.RAN, 125.5),
        ("[other 1/1", State.RAN, 2.0),
    ]
    assert run.sent == 12_340_000 + 1_200
    assert [(one.what, bool(one.error)) for one in run.imports] == [
        ("r.example/server:buildcache", True)
    ]
    assert [(one.what, one.seconds) for one in run.exports] == [("registry", 20.0)]
    assert run.pushed == ("r.example/server:main",)
    assert run.compiled == 2
    assert not run.mixed
    assert [step.seconds for step in run.slowest(1)] == [125.5]


def test_builds_one_after_another_are_told_apart() -> None:
    bare = PLAIN.partition("\n\n")[2]
    assert len(read(PLAIN + PLAIN).builds) == 2
    assert len(read(bare + bare).builds) == 2, "older builders say no `building with`"
    assert not any(run.mixed for run in read(bare + bare).builds)


def test_two_builders_at_once_are_called_mixed() -> None:
    first = PLAIN.splitlines(keepends=True)
    second = PLAIN.replace("12.34MB", "9MB").splitlines(keepends=True)
    both = "".join(line for pair in zip(first, second, strict=True) for line in pair)
    assert [run.mixed for run in read(both).builds] == [True]


def test_a_failed_step() -> None:
    text = (
        "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n"
        '#2 [b 1/1] RUN false\n#2 ERROR: process "false" did not complete successfully\n'
        "ERROR: failed to solve: process failed\n"
    )
    run = only(text)
    assert [step.state for step in run.steps] == [State.FAILED]
    assert run.error == "failed to solve: process failed"


def test_a_log_without_its_beginning() -> None:
    cut = "0.1 x\n#5 12.5 output\n#5 DONE 13.0s\n#6 [b 2/3] RUN y\n#6 DONE 1.0s\n"
    assert [step.name for step in only(cut).steps] == ["[b 2/3] RUN y"]


def test_text_that_looks_like_progress_is_no_build() -> None:
    assert read("#1 fix the door\n#12 more\n# 3 things\n").builds == ()


RAW = [
    {"vertexes": [{"digest": "a", "name": "[internal] load build definition from Dockerfile"}]},
    {"statuses": [{"id": "transferring context:", "vertex": "c", "current": 500}]},
    {"vertexes": [{"digest": "b", "name": "[x 1/1] RUN make", "started": "2026-01-01T00:00:00Z",
                   "completed": "2026-01-01T00:00:07.5Z"}]},
    {"logs": [{"vertex": "b", "data": base64.b64encode(b"   Compiling a v1\n").decode()}]},
    {"statuses": [{"id": "pushing manifest for r/x:1@sha256:0", "vertex": "e"}]},
]  # fmt: skip


def raw() -> str:
    return "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in RAW)


def test_rawjson_progress() -> None:
    run = only(raw())
    assert [(step.state, step.seconds) for step in run.steps] == [(State.RAN, 7.5)]
    assert (run.sent, run.compiled, run.pushed) == (500, 1, ("r/x:1",))
    assert len(read(raw() + raw().replace('"a"', '"a2"')).builds) == 2


KANIKO = f"""\
{ESC}[36mINFO{ESC}[0m[0000] Retrieving image manifest alpine:3
{ESC}[33mWARN{ESC}[0m[0001] Error while retrieving image from cache: alpine:3 getting file info
{ESC}[36mINFO{ESC}[0m[0002] Using caching version of cmd: RUN apk add make
{ESC}[36mINFO{ESC}[0m[0003] RUN apk add make
{ESC}[36mINFO{ESC}[0m[0003] Found cached layer, extracting to filesystem
{ESC}[36mINFO{ESC}[0m[0005] COPY . .
{ESC}[36mINFO{ESC}[0m[0006] RUN make
{ESC}[36mINFO{ESC}[0m[0090] Pushing image to r.example/x:1
{ESC}[36mINFO{ESC}[0m[0093] Pushed r.example/x@sha256:00
"""


def test_kaniko() -> None:
    run = only(KANIKO)
    assert [(s.name, s.state, s.seconds) for s in run.steps] == [
        ("RUN apk add make", State.CACHED, 2.0),
        ("COPY . .", State.RAN, 1.0),
        ("RUN make", State.RAN, 84.0),
    ]
    assert (run.sent, run.pushed) == (None, ("r.example/x",))
    assert [one.what for one in run.imports] == ["alpine:3"]
    assert len(read(KANIKO + KANIKO).builds) == 2


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("fatal: ambiguous argument 'origin/main': unknown revision or path", "ref-not-cloned"),
        ("fatal: origin/main...HEAD: no merge base", "history-too-short"),
        ("#9 1.2 fatal: No names found, cannot describe anything.", "history-too-short"),
        ("Shallow clone detected, no blame information", "history-too-short"),
        ("fatal: reference is not a tree: 0123", "commit-gone"),
        ("'a' job needs 'b' job, but 'b' does not exist in the pipeline", "needed-job-absent"),
        ("manifest for r.example/x:1 not found: manifest unknown", "image-missing"),
        ("ERROR: Cache export is not supported for the docker driver.", "cache-export-unsupported"),
        ("everything needs love; the manifest is fine", None),
    ],
)
def test_symptoms(line: str, name: str | None) -> None:
    found = read(f"{PLAIN}{line}\n{line}\n").symptoms
    assert [(one.name, one.times) for one in found] == ([(name, 2)] if name else [])


def test_endings() -> None:
    failed = read(f"{HEAD}{ESC}[31;1mERROR: Job failed: exit code 1\n{ESC}[0;m")
    assert (failed.ending, failed.reason) == (Ending.FAILED, "exit code 1")
    system = read("ERROR: Job failed (system failure): pods not found\n")
    assert (system.ending, system.reason) == (Ending.FAILED, "pods not found")
    cut = read(HEAD)
    assert (cut.ending, cut.script, cut.total) == (Ending.CUT_OFF, None, 74)


def stamped(text: str) -> Iterator[str]:
    """As FF_TIMESTAMPS writes it: markers on lines of their own that go on in the next."""
    for line in text.removesuffix("\n").split("\n"):
        parts = line.split(f"\r{ESC}[0K")
        for at, part in enumerate(parts):
            mark = "+" if at else " "
            end = f"\r{ESC}[0K" if at < len(parts) - 1 else ""
            yield f"2026-11-28T21:13:21.253718Z 01E{mark}{part}{end}\n"


def test_time_stamps_change_nothing() -> None:
    plain, with_stamps = read(HEAD + PLAIN + TAIL), read("".join(stamped(HEAD + PLAIN + TAIL)))
    assert with_stamps.sections == plain.sections
    assert [run.steps for run in with_stamps.builds] == [run.steps for run in plain.builds]
    assert with_stamps.ending is Ending.SUCCEEDED
    (line,) = events([b"2026-11-28T21:13:21.500000Z 01O x\n"])
    assert isinstance(line, Line)
    assert (line.text, line.time) == ("x", 1795900401.5)


def test_a_progress_bar_shows_its_end() -> None:
    (line,) = events([b"10%\r50%\r100% done\r\n"])
    assert line == Line(1, "100% done")


@given(st.integers(1, 50), st.integers(0, len(HEAD + PLAIN + TAIL)))
def test_blocks_and_cuts(size: int, end: int) -> None:
    data = (HEAD + PLAIN + TAIL).encode()[:end]
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    assert read_trace("job", blocks) == read_trace("job", [data])


@given(st.lists(st.sampled_from((HEAD + PLAIN + TAIL + KANIKO + raw()).split("\n"))))
def test_lines_in_any_order_are_read(lines: list[str]) -> None:
    trace = read("\n".join(lines))
    for run in trace.builds:
        assert sum(run.count(state) for state in State) == len(run.steps)


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    read_trace("job", [data])
    read_trace("job", [b"2026-11-28T21:13:21.253718Z 01E " + data])


def test_markers_anywhere() -> None:
    line = f"a section_start:5:my.part[collapsed=true]\r{ESC}[0Kb section_end:9:other\r{ESC}[0K"
    assert list(events([line.encode()])) == [
        Line(1, "a "), Marker(1, "my.part", True, 5), Line(1, "b "), Marker(1, "other", False, 9),
    ]  # fmt: skip
    assert read(line).sections[0].ended is None


def test_a_huge_log_needs_little_memory() -> None:
    def blocks() -> Iterator[bytes]:
        yield (HEAD + PLAIN).encode()
        for at in range(200):
            yield b"#5 %d.5 some output of a step, and more of it\n" % at * 1_000
        yield b"x" * 30_000_000  # a line without an end
        yield ("\n" + TAIL).encode()

    tracemalloc.start()
    try:
        trace = read_trace("job", blocks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert trace.ending is Ending.SUCCEEDED
    assert len(trace.builds) == 1
    assert peak < 150_000_000
