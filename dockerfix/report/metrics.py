"""What the traces of jobs tell, as text, Markdown and JSON.

Pure; knows values of `traces`. Unknown is shown as a dash, never as 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from dockerfix.report.json_ import dumped, header
from dockerfix.report.markdown import code, escaped
from dockerfix.report.style import PLAIN, Style
from dockerfix.text.units import counted, human, lasting
from dockerfix.traces.jobs import RanJob
from dockerfix.traces.model import BuilderRun, Ending, JobTrace, State, Transfer

Matched = Mapping[str, RanJob]
"""The jobs that GitLab listed, by the name of their trace."""

_NAME = 70


def render_metrics(
    traces: Sequence[JobTrace], jobs: Matched, slowest: int, style: Style = PLAIN
) -> str:
    """A paragraph for each trace, and the sums where there are several."""
    lines: list[str] = []
    for trace in traces:
        lines += [*_trace(trace, jobs.get(trace.name), slowest, style), ""]
    if len(traces) > 1:
        lines.append(style.heading(counted(len(traces), "job")) + f": {_sums(traces)}")
    return "\n".join(lines).rstrip("\n") + "\n"


def _trace(trace: JobTrace, job: RanJob | None, slowest: int, style: Style) -> Iterator[str]:
    ending = {Ending.SUCCEEDED: style.good, Ending.FAILED: style.bad}.get(
        trace.ending, style.warning
    )(trace.ending.value)
    why = f": {trace.reason}" if trace.reason else ""
    yield f"{style.heading(trace.name)}  {ending}{why}, {lasting(trace.total)}{_who(trace)}"
    yield f"  {_phases(trace)}"
    if job is not None:
        yield (
            f"  waited {lasting(job.queued)} for a runner, {lasting(job.awaited)} for other jobs"
        )
    for run in trace.builds:
        yield f"  line {run.line}: {run_text(run)}"
        for step in run.slowest(slowest):
            yield f"    {lasting(step.seconds):>9}  {_clipped(step.name)}"
        yield from (f"    {line}" for line in _transfers(run))
        if run.error:
            yield f"    {style.bad('failed')}: {run.error}"
    for symptom in trace.symptoms:
        times = f" ({symptom.times} times)" if symptom.times > 1 else ""
        yield f"  {style.warning(f'line {symptom.line}')}: {symptom.text}{times} [{symptom.name}]"
        yield f"    {symptom.why}"
        yield f"    -> {symptom.action}"


def _who(trace: JobTrace) -> str:
    words = [f"runner {trace.runner}" if trace.runner else "", trace.executor]
    return "".join(f", {word}" for word in words if word)


def _phases(trace: JobTrace) -> str:
    depth = {None: "", 0: " (all history)"}.get(trace.depth, f" (depth {trace.depth})")
    return (
        f"preparation {lasting(trace.preparation)}, clone {lasting(trace.clone)}{depth}, "
        f"caches and artifacts {lasting(trace.transfers)}, script "
        f"{lasting(trace.script)}"
    )


def run_text(run: BuilderRun) -> str:
    """One run of a builder in one line."""
    parts = [f"{run.count(State.CACHED)} of {len(run.steps)} steps cached"]
    parts.append(f"{run.count(State.RAN)} ran")
    unfinished = run.count(State.UNFINISHED)
    parts += [f"{unfinished} not finished"] if unfinished else []
    parts += [f"{human(run.sent)} sent"] if run.sent is not None else []
    parts += [f"{counted(run.compiled, 'crate')} compiled"] if run.compiled else []
    failed = sum(bool(one.error) for one in run.imports)
    parts += [f"{failed} of {len(run.imports)} cache imports failed"] if run.imports else []
    mixed = " (two builds at once: some numbers may belong to the other)" if run.mixed else ""
    return f"{run.tool}: {', '.join(parts)}{mixed}"


def _transfers(run: BuilderRun) -> Iterator[str]:
    for one in run.imports:
        if one.error:
            yield f"no cache from {one.what}: {one.error}"
    for one in run.exports:
        yield f"cache export to {_export(one)}"
    for name in run.pushed:
        yield f"pushed {name}"


def _export(one: Transfer) -> str:
    what = one.what or "the builder's own form"
    return f"{what} failed: {one.error}" if one.error else f"{what}: {lasting(one.seconds)}"


def _sums(traces: Sequence[JobTrace]) -> str:
    known = [(_sum([t.preparation for t in traces]), "preparation")]
    known.append((_sum([t.clone for t in traces]), "clone"))
    known.append((_sum([t.script for t in traces]), "script"))
    runs = [run for trace in traces for run in trace.builds]
    cached = sum(run.count(State.CACHED) for run in runs)
    steps = sum(len(run.steps) for run in runs)
    parts = [f"{name} {lasting(value)}" for value, name in known]
    parts += (
        [f"{counted(len(runs), 'build')} with {cached} of {counted(steps, 'step')} cached"]
        if runs
        else []
    )
    return ", ".join(parts)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _clipped(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."


def render_metrics_markdown(traces: Sequence[JobTrace], jobs: Matched, slowest: int) -> str:
    """A table of the jobs, one of the builds, the slowest steps, and the symptoms."""
    return "\n".join(_markdown(traces, jobs, slowest)) + "\n"


def _markdown(traces: Sequence[JobTrace], jobs: Matched, slowest: int) -> Iterator[str]:
    yield "| job | ended | total | preparation | clone | script | runner wait | job wait |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for trace in traces:
        job = jobs.get(trace.name)
        times = (trace.total, trace.preparation, trace.clone, trace.script)
        waits = (job.queued, job.awaited) if job is not None else (None, None)
        cells = [code(trace.name), trace.ending.value]
        yield f"| {' | '.join([*cells, *map(lasting, (*times, *waits))])} |"
    runs = [(trace, run) for trace in traces for run in trace.builds]
    if runs:
        yield from ("", "| job | line | build |", "|---|--:|---|")
        for trace, run in runs:
            yield f"| {code(trace.name)} | {run.line} | {escaped(run_text(run))} |"
        yield from ("", "| slowest steps | |", "|---|--:|")
        steps = [step for _, run in runs for step in run.slowest(slowest)]
        for step in sorted(steps, key=lambda step: -(step.seconds or 0))[:slowest]:
            yield f"| {code(_clipped(step.name))} | {lasting(step.seconds)} |"
    for trace in traces:
        for found in trace.symptoms:
            yield ""
            yield f"- {code(trace.name)} line {found.line}: {code(found.text)}"
            yield f"  {escaped(found.why)} {escaped(found.action)}"


def render_metrics_json(traces: Sequence[JobTrace], jobs: Matched, slowest: int) -> str:
    """Everything that is known; `slowest` of each build's steps stand apart."""
    return dumped({**header(), "jobs": [_data(t, jobs.get(t.name), slowest) for t in traces]})


def _data(trace: JobTrace, job: RanJob | None, slowest: int) -> dict[str, Any]:
    data: dict[str, Any] = to_builtins(trace)
    data["seconds"] = {
        "total": trace.total,
        "preparation": trace.preparation,
        "clone": trace.clone,
        "caches_and_artifacts": trace.transfers,
        "script": trace.script,
        "waited_for_a_runner": job.queued if job is not None else None,
        "waited_for_jobs": job.awaited if job is not None else None,
    }
    for run, entry in zip(trace.builds, data["builds"], strict=True):
        entry["cached"], entry["ran"] = run.count(State.CACHED), run.count(State.RAN)
        entry["slowest"] = to_builtins(run.slowest(slowest))
    return data
