"""Cache mounts of several files as one: what differs in their ids is no one's any more.

Knows the mounts of a RUN; knows no cargo.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dockerfix.api import Edit, Mount, Run, Span
from dockerfix_transforms.merge_rust.read.steps import Step


def united_ids(step: Step, steps: Sequence[Step]) -> Iterator[Edit]:
    """Edits of a step that give its cache mounts the ids that they have for all of `steps`."""
    for mount in _mounts(step):
        ids = [other.option("id") for s in steps for other in _mounts(s) if _alike(mount, other)]
        known = [name for name in dict.fromkeys(ids) if name]
        own, span = mount.option("id"), mount.flag.value_span
        name = united_id(known) if None not in ids and len(known) > 1 else None
        if own is None or name is None or span is None or mount.option("from") is not None:
            continue
        found = re.search(rf"(?:^|,)id=({re.escape(own)})(?:,|$)", step.item.source.text(span))
        if found is not None:
            start = span.start + len(found.string[: found.start(1)].encode())
            yield Edit(Span(start, start + len(own.encode())), name.encode())


def united_id(ids: Sequence[str]) -> str | None:
    """`api-target` and `worker-target` become `all-target`; None where nothing is common."""
    words = [re.split(r"([-_/.])", name) for name in ids]
    shortest = min(map(len, words))
    head = next((n for n in range(shortest) if len({w[n] for w in words}) > 1), shortest)
    limit = shortest - head
    tail = next((n for n in range(limit) if len({w[-1 - n] for w in words}) > 1), limit)
    before, behind = words[0][:head], words[0][len(words[0]) - tail :]
    if not any(word.isalnum() for word in (*before, *behind)):
        return None
    whole = all(len(found) > head + tail and found[head].isalnum() for found in words)
    return "".join([*before, *(["all"] if whole else []), *behind]).strip("-_/.")


def _mounts(step: Step) -> tuple[Mount, ...]:
    return step.item.mounts if isinstance(step.item, Run) else ()


def _alike(one: Mount, other: Mount) -> bool:
    """Whether two mounts are the same but for their ids."""
    mine, theirs = one.options, other.options
    return {n: v for n, v in mine.items() if n != "id"} == {
        n: v for n, v in theirs.items() if n != "id"
    }
