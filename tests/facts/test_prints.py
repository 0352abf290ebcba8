"""A RUN that only prints changes nothing; anything more is another matter."""

from __future__ import annotations

import pytest

from dockerfix.facts.dockerfile.prints import only_prints
from dockerfix.syntax.dockerfile import parse


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('RUN echo "Building ${PROFILE}"', True),
        ("RUN printf '%s\\n' a && echo b", True),
        ("RUN echo a > /a", False),
        ("RUN echo a | tee /a", False),
        ('RUN echo "$(make)"', False),
        ('RUN [ -n "$TOKEN" ]', False),
        ("RUN echo a || exit 1", False),
        ("RUN cat <<EOF\nx\nEOF", False),
        ("RUN <<EOF\necho a\nEOF", False),
        ('RUN ["echo", "a"]', False),
        ("COPY a b", False),
    ],
)
def test_what_only_prints(line: str, expected: bool) -> None:
    tree = parse(f"FROM alpine\n{line}\n".encode(), "Dockerfile")
    assert only_prints(tree.instructions[1]) is expected
