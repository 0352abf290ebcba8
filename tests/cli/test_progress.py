"""A verification that takes long says so, where nobody sees a living line."""

from __future__ import annotations

import re
import time

from dockerfix.cli.progress import PlainWatch
from dockerfix.verify.watch import Phase


def test_a_line_after_a_silence() -> None:
    said: list[str] = []
    watch = PlainWatch(said.append)
    with watch.alive(0.05):
        watch(Phase("building before"))
        deadline = time.monotonic() + 120
        while len(said) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert said[0].endswith(" s  building before\n")
    assert all(re.search(r"building before \(for \d+ s\)\n$", line) for line in said[1:3])
    assert len(said) >= 3
