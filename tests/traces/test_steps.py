"""What builders say, in the form in which buildx 0.38 and BuildKit 0.34 said it."""

from __future__ import annotations

import base64
import json
from typing import Any

from dockerfix.traces.steps import Step, Steps

T0, T1 = "2026-11-24T13:57:57.862000026Z", "2026-11-24T13:58:00.362897879Z"
COOK = "[cook 2/2] RUN cargo chef cook --release --recipe-path recipe.json"


def line(**status: Any) -> bytes:
    return json.dumps(status).encode() + b"\n"


def vertex(digest: str, name: str, **more: Any) -> bytes:
    return line(vertexes=[{"digest": digest, "name": name, **more}])


def logs(digest: str, text: str) -> bytes:
    data = base64.b64encode(text.encode()).decode()
    return line(logs=[{"vertex": digest, "stream": 2, "data": data}])


def fed(*lines: bytes) -> Steps:
    steps = Steps()
    for one in lines:
        steps.feed(one)
    return steps


def test_a_step_ends_once_with_its_time() -> None:
    steps = Steps()
    assert steps.feed(vertex("a", COOK)) == ()
    assert steps.feed(vertex("a", COOK, started=T0)) == ()
    running = steps.running
    assert running is steps.steps["a"]
    (ended,) = steps.feed(vertex("a", COOK, started=T0, completed=T1))
    assert steps.feed(vertex("a", COOK, started=T0, completed=T1)) == ()
    assert 2.5 < ended.seconds < 2.51
    assert (ended.label, ended.command) == ("cook 2/2", COOK.partition("] ")[2])
    assert steps.running is None
    assert steps.done == 1


def test_the_builders_own_business_is_no_instruction() -> None:
    names = [
        "[internal] load build definition from Dockerfile",
        "[server internal] load build context",
        "[auth] library/rust:pull token for registry-1.docker.io",
        "docker-image://docker.io/docker/dockerfile:1",
        "exporting to image",
        "importing cache manifest from r/server:buildcache",
    ]
    assert not any(Step(name).is_instruction for name in names)
    assert Step("[server builder 1/1] RUN cargo build").is_instruction
    assert Step("[stage-1 2/3] COPY --from=x /a /b").is_instruction


def test_crates_are_counted_over_pieces_of_lines() -> None:
    steps = fed(
        vertex("a", COOK, started=T0),
        logs("a", "   Compiling serde v1.0.1\n   Compi"),
        logs("a", "ling tokio v1.2.3 (/app/x)\n  Downloaded Compiling v1\n"),
    )
    assert steps.steps["a"].compiled == 2
    assert not steps.steps["a"].clipped


def test_output_that_buildkit_cut_is_known() -> None:
    steps = fed(vertex("a", COOK), logs("a", "[output clipped, log limit 2MiB reached]\n"))
    assert steps.steps["a"].clipped


def test_cached_steps_and_sent_bytes() -> None:
    steps = fed(
        vertex("a", COOK, started=T0, completed=T0, cached=True),
        vertex("c", "[internal] load build context"),
        line(statuses=[{"id": "transferring context:", "vertex": "c", "current": 10}]),
        line(statuses=[{"id": "transferring context:", "vertex": "c", "current": 2359}]),
        vertex("x", "exporting to image"),
        line(statuses=[{"id": "exporting layers", "vertex": "x", "current": 5}]),
    )
    assert steps.cached == 1
    assert steps.bytes_sent == 2359


def test_the_failed_step_is_named_with_what_it_printed_last() -> None:
    steps = fed(
        vertex("a", COOK, started=T0),
        logs("a", "error: no matching package\n"),
        vertex("b", "[x 1/1] RUN sleep", error="context canceled"),
        vertex("a", COOK, started=T0, completed=T1, error='process "cargo" exit code: 101'),
        b"ERROR: target server: failed to solve\n",
    )
    failure = steps.failure()
    assert failure.step == COOK
    assert failure.lines == ("error: no matching package", 'process "cargo" exit code: 101')


def test_without_a_failed_step_buildx_itself_is_quoted() -> None:
    steps = fed(b"WARNING: something\n", b"ERROR: no builder x found\n")
    assert steps.failure().lines == ("ERROR: no builder x found",)


def test_what_is_no_progress_does_no_harm() -> None:
    steps = fed(b"{broken\n", b"\xff\n", b"[1]\n", b"\n", logs("unknown", "x"))
    assert not steps.steps
    assert list(steps.said) == ["{broken", "�", "[1]"]
