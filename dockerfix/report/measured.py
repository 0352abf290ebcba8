"""What `dockerfix verify` found, as text for a person and as data: the measured part of a report.

Pure: takes outcomes of the verify layer, knows no engine. Says first what did not get better.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockerfix.report.style import PLAIN, Style
from dockerfix.verify.compare import Aspect, Difference
from dockerfix.verify.outcome import (
    ImageResult,
    JobWork,
    Measured,
    NotBuilt,
    Outcome,
    SideWork,
    Verified,
    Work,
)
from dockerfix.verify.rules import explanation
from dockerfix.verify.side import Side

_SHOWN = 20
"""Differences of one image that are listed; the JSON has all of them."""
_NO_GAIN = 0.95
"""What is left of before, from which on nobody would call it a gain."""


def verdict(outcome: Outcome) -> str:
    """The outcome's name: `equal`, `different`, `incomplete` (something could not be read, so
    that it was not built) or `could-not-build`."""
    if isinstance(outcome, NotBuilt):
        return "could-not-build"
    if not outcome.equal:
        return "different"
    return "equal" if outcome.complete else "incomplete"


def measured_lines(outcome: Outcome) -> tuple[str, ...]:
    """The measured part of a transform's report: a few lines, most important first."""
    return tuple(_Text(outcome, PLAIN).short())


def render_measured(outcome: Outcome, style: Style = PLAIN) -> str:
    """Everything for a person, with a final newline."""
    return "\n".join(_Text(outcome, style).whole()) + "\n"


def measured_data(outcome: Outcome) -> dict[str, Any]:
    """Everything as plain data. Times are in seconds, sizes in bytes."""
    if isinstance(outcome, NotBuilt):
        return {
            "verdict": verdict(outcome),
            "side": outcome.side.value,
            "building": list(outcome.images),
            "step": outcome.failure.step,
            "lines": list(outcome.failure.lines),
            "notes": list(outcome.notes),
        }
    return {
        "verdict": verdict(outcome),
        "baseline": outcome.baseline,
        "images": [_image_data(image) for image in outcome.images],
        "lost": [{"name": image.name, "asked_for_at": image.site} for image in outcome.lost],
        "new": [{"name": image.name, "asked_for_at": image.site} for image in outcome.new],
        "not_read": [
            {"side": b.side.value, "asked_for_at": b.site, "why": b.why, "needed": b.needed}
            for b in outcome.unread
        ],
        "measured": [_measured_data(measured) for measured in outcome.measured],
        "not_measured": list(outcome.unmeasured),
        "notes": list(outcome.notes),
    }


class _Text:
    """One rendering of an outcome."""

    def __init__(self, outcome: Outcome, style: Style) -> None:
        self.outcome = outcome
        self.style = style

    def short(self) -> Iterator[str]:
        """For the report of a transform."""
        yield self.title()
        if isinstance(self.outcome, NotBuilt):
            yield from self.failure(self.outcome)
            return
        for image in self.outcome.images:
            if not image.equal:
                yield from self.different(image)
        yield from self.lost(self.outcome)
        for measured in self.outcome.measured:
            yield f"{measured.title}:"
            yield from (f"  {line}" for line in sentences(measured))

    def whole(self) -> Iterator[str]:
        """For `dockerfix verify`."""
        yield self.style.heading("dockerfix verify") + f": {self.title()}"
        if isinstance(self.outcome, NotBuilt):
            yield from self.failure(self.outcome)
        else:
            yield from self.verified(self.outcome)
        yield from (f"{self.style.faint('note:')} {note}" for note in self.outcome.notes)

    def title(self) -> str:
        """The verdict in words."""
        outcome = self.outcome
        if isinstance(outcome, NotBuilt):
            return self.style.bad(f"{outcome.side.value} could not be built")
        count = len(outcome.images)
        if not outcome.equal:
            bad = sum(not image.equal for image in outcome.images) + len(outcome.lost)
            return self.style.bad(f"{bad} of {count + len(outcome.lost)} images are different")
        images = "1 image is" if count == 1 else f"{count} images are"
        equal = f"{images} equal before and after" if count else "nothing was compared"
        if any(build.needed for build in outcome.unread):
            return self.style.warning(f"some builds cannot be read, so not made; {equal}")
        if outcome.unmeasured:
            return self.style.warning(f"{equal}, but could not be measured")
        return self.style.good(equal) if count else "nothing to build"

    def failure(self, outcome: NotBuilt) -> Iterator[str]:
        """What the builder said last."""
        images = f" ({', '.join(outcome.images)})" if outcome.images else ""
        yield f"  {outcome.side.value}{images} failed at: {outcome.failure.step}"
        yield from (f"    {line}" for line in outcome.failure.lines)
        if outcome.side is Side.AFTER:
            yield "  Before was built: the patch breaks this build."
        else:
            yield "  The repository as it is cannot be built here, so nothing can be compared."

    def verified(self, outcome: Verified) -> Iterator[str]:
        """Images, what differs, what it costs."""
        width = max((len(image.name) for image in outcome.images), default=0)
        for image in outcome.images:
            word = self.style.good("equal") if image.equal else self.style.bad("different")
            yield f"  {image.name:<{width}}  {word}{_proofs(image)}"
        for image in outcome.images:
            if not image.equal:
                yield from self.different(image)
        yield from self.lost(outcome)
        for new in outcome.new:
            yield f"  {new.name}: new, built and compared with nothing; {new.site} asks for it"
        yield from self.expected(outcome.images)
        for build in outcome.unread:
            yield f"  not built ({build.side.value}): {build.site}: {build.why}"
        for measured in outcome.measured:
            yield from self.measured(measured)
        yield from (f"  not measured: {line}" for line in outcome.unmeasured)

    def different(self, image: ImageResult) -> Iterator[str]:
        """What counts, by path, and what starts otherwise."""
        yield f"  {self.style.bad(image.name)} ({image.before} -> {image.after}):"
        found = image.counting
        for difference in found[:_SHOWN]:
            yield f"    {_difference(difference)}"
        if len(found) > _SHOWN:
            yield f"    and {len(found) - _SHOWN} more (--format json lists them)"
        for check in image.starts:
            if not check.same:
                yield f"    `{' '.join(check.command)}`: {check.before}; after: {check.after}"

    def lost(self, outcome: Verified) -> Iterator[str]:
        for image in outcome.lost:
            yield f"  {self.style.bad(image.name)}: nothing builds it any longer; {image.site} did"

    def expected(self, images: Sequence[ImageResult]) -> Iterator[str]:
        """What differs and does not count, by rule."""
        rules: dict[str, list[str]] = {}
        for image in images:
            for rule, found in image.expected.items():
                rules.setdefault(rule, []).append(f"{image.name}: {_paths(found)}")
        if rules:
            yield self.style.heading("Different by a named rule, which does not count")
        for rule, lines in rules.items():
            yield f"  {rule}: {explanation(rule)}"
            yield from (f"    {line}" for line in lines)

    def measured(self, measured: Measured) -> Iterator[str]:
        """The sentences, then the table they are made of."""
        yield self.style.heading(f"Measured, {measured.title}")
        yield from (f"  {line}" for line in sentences(measured))
        yield from (f"  {line}" for line in table(measured))


def sentences(measured: Measured) -> Iterator[str]:
    """What the numbers say, what did not get better first."""
    before, after = measured.before, measured.after
    if _no_gain(before.elapsed, after.elapsed):
        yield (
            f"The pipeline does not finish sooner: {_seconds(before.elapsed)} before, "
            f"{_seconds(after.elapsed)} after{_side_by_side(measured)}."
        )
    else:
        for stage, seconds in before.stages.items():
            now = after.stages.get(stage, 0.0)
            if stage and _no_gain(seconds, now):
                yield (
                    f"Stage {stage} does not end sooner: {_seconds(seconds)} before, "
                    f"{_seconds(now)} after{_side_by_side(measured, stage)}."
                )
        yield (
            f"The pipeline finishes after {_seconds(after.elapsed)} instead of "
            f"{_seconds(before.elapsed)}{_times(before.elapsed, after.elapsed)}."
        )
    if _no_gain(before.seconds, after.seconds):
        yield (
            f"The runners are not busy for less time: {_seconds(before.seconds)} before, "
            f"{_seconds(after.seconds)} after."
        )
    else:
        yield (
            f"The runners are busy for {_seconds(after.seconds)} instead of "
            f"{_seconds(before.seconds)}{_times(before.seconds, after.seconds)}."
        )
    if before.crates or after.crates:
        least = " at least" if any(_clipped(side) for side in (before, after)) else ""
        yield (
            f"cargo compiles{least} {after.crates} crates instead of {before.crates}"
            f"{_times(before.crates, after.crates)}."
        )


_HEAD = ("", "seconds", "crates", "install", "cook", "build", "sent", "cache out", "cached steps")


def table(measured: Measured) -> Iterator[str]:
    """The jobs of both sides with their sums, as aligned text."""
    rows: list[tuple[str, ...]] = [_HEAD]
    for side in Side:
        work = measured.side(side)
        rows.append((side.value, *[""] * (len(_HEAD) - 1)))
        rows += [(f"  {job.name}", *_cells(job.work)) for job in work.jobs]
        rows.append(("  sum of the jobs", *_cells(total(work))))
        rows.append(("  longest path", f"{work.elapsed:.0f}", *[""] * (len(_HEAD) - 2)))
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    for row in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([f"{row[0]:<{widths[0]}}", *cells]).rstrip()


def total(side: SideWork) -> Work:
    """The work of all jobs of a side added up."""
    works = [job.work for job in side.jobs]
    kinds = dict.fromkeys(kind for work in works for kind in work.crates)
    exported = [work.cache_exported for work in works if work.cache_exported is not None]
    return Work(
        seconds=side.seconds,
        crates={kind: sum(work.crates.get(kind, 0) for work in works) for kind in kinds},
        steps=sum(work.steps for work in works),
        cached=sum(work.cached for work in works),
        sent=sum(work.sent for work in works),
        cache_exported=sum(exported) if exported else None,
        clipped=any(work.clipped for work in works),
    )


def size(count: int) -> str:
    """Bytes as a person reads them: `812 B`, `23.6 kB`, `1.2 GB`."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _cells(work: Work) -> tuple[str, ...]:
    exported = "-" if work.cache_exported is None else size(work.cache_exported)
    counts = [str(work.crates.get(kind, 0)) for kind in ("install", "cook", "build")]
    compiled = f"{'>=' if work.clipped else ''}{work.compiled}"
    cached = f"{work.cached} of {work.steps}"
    return (f"{work.seconds:.0f}", compiled, *counts, size(work.sent), exported, cached)


def _no_gain(before: float, after: float) -> bool:
    return after >= before * _NO_GAIN


def _times(before: float, after: float) -> str:
    return f", {before / after:.1f} times less" if after and before > after else ""


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s"


def _side_by_side(measured: Measured, stage: str = "") -> str:
    """Why time does not fall where work does: jobs that ran at once became one."""
    jobs = [job for job in measured.before.jobs if not stage or job.stage == stage]
    longest = measured.before.stages.get(stage, measured.before.elapsed)
    if len(jobs) < 2 or sum(job.work.seconds for job in jobs) <= longest * 1.05:
        return ""
    return f"; its {len(jobs)} jobs ran side by side" if stage else "; its jobs ran side by side"


def _clipped(side: SideWork) -> bool:
    return any(job.work.clipped for job in side.jobs)


def _proofs(image: ImageResult) -> str:
    """What was found equal besides configuration and files."""
    commands = [f"`{' '.join(check.command)}`" for check in image.starts if check.same]
    told = f"; starts and ends the same: {', '.join(commands)}" if commands else ""
    remarks = [check.remark for check in image.starts if check.remark]
    return told + (f" ({'; '.join(remarks)})" if remarks else "")


def _difference(difference: Difference) -> str:
    if difference.aspect in (Aspect.ADDED, Aspect.MISSING):
        found = difference.before or difference.after
        return f"{difference.aspect.value}: {difference.path} ({found})"
    then, now = difference.before or "nothing", difference.after or "nothing"
    return f"{difference.aspect.value}: {difference.path}: {then} -> {now}"


def _paths(found: Sequence[Difference]) -> str:
    """How many paths, and the first of them."""
    paths = list(dict.fromkeys(difference.path for difference in found))
    return paths[0] if len(paths) == 1 else f"{len(paths)} paths, {paths[0]} and others"


def _image_data(image: ImageResult) -> dict[str, Any]:
    return {
        "name": image.name,
        "equal": image.equal,
        "before": image.before,
        "after": image.after,
        "asked_for_at": list(image.sites),
        "differences": [_difference_data(d) for d in image.counting],
        "expected_differences": {
            rule: [_difference_data(difference) for difference in found]
            for rule, found in image.expected.items()
        },
        "starts": [
            {
                "command": list(check.command),
                "same": check.same,
                "before": str(check.before),
                "after": str(check.after),
                "remark": check.remark,
            }
            for check in image.starts
        ],
    }


def _difference_data(difference: Difference) -> dict[str, str]:
    return {
        "what": difference.aspect.value,
        "path": difference.path,
        "before": difference.before,
        "after": difference.after,
    }


def _measured_data(measured: Measured) -> dict[str, Any]:
    return {
        "conditions": measured.title,
        "summary": list(sentences(measured)),
        **{side.value: _side_data(measured.side(side)) for side in Side},
    }


def _side_data(side: SideWork) -> dict[str, Any]:
    return {
        "elapsed_seconds": side.elapsed,
        "stages": dict(side.stages),
        "sum": _work_data(total(side)),
        "jobs": [_job_data(job) for job in side.jobs],
    }


def _job_data(job: JobWork) -> Mapping[str, Any]:
    return {"name": job.name, "stage": job.stage, **_work_data(job.work)}


def _work_data(work: Work) -> dict[str, Any]:
    return {
        "seconds": work.seconds,
        "crates": {"all": work.compiled, **work.crates},
        "crates_may_be_more": work.clipped,
        "steps": work.steps,
        "cached_steps": work.cached,
        "bytes_sent": work.sent,
        "cache_exported_bytes": work.cache_exported,
    }
