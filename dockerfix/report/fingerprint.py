"""A finding's identity across runs: the same while its lines move, other when it changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from dockerfix.facts.finding import Finding


def fingerprinted(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Each finding with its fingerprint (hexadecimal).

    Lines and columns do not count, so that an edit above does not open the finding again; two
    findings that are the same but for their line are told apart by their order.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in findings:
        path = finding.place.path if finding.place else ""
        key = (finding.name, finding.subject, path, finding.what)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        yield hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest(), finding
