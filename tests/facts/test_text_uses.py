"""Lines of shell that hand a file on as a text."""

from __future__ import annotations

import pytest

from dockerfix.facts.text_uses import changes_text, hands_on


class TestHandsOn:
    @pytest.mark.parametrize(
        "line",
        [
            "cat Dockerfile.a > Dockerfile.tmp",
            "cat Dockerfile.a >> out",
            "cat Dockerfile.a | docker build -f - .",
            "envsubst < Dockerfile.a > Dockerfile.tmp",
            "docker build - < Dockerfile.a",
            'docker build - < "./Dockerfile.a"',
            "sed 's/x/y/' Dockerfile.a > Dockerfile.tmp",
            "sed -i s/x/y/ Dockerfile.a",
            "cp Dockerfile.a Dockerfile",
            "cp docker/Dockerfile.a Dockerfile && docker build .",
            "grep -v '^#' Dockerfile.a | docker buildx build -",
            "echo Dockerfile.a >> list",
        ],
    )
    def test_the_text_goes_on(self, line: str) -> None:
        assert hands_on(line, "Dockerfile.a")

    @pytest.mark.parametrize(
        "line",
        [
            "cat Dockerfile.a",
            "cat Dockerfile.a | sha256sum | cut -c1-8",
            "sha256sum Dockerfile.a > sums",
            "hadolint Dockerfile.a || true",
            "hadolint - < Dockerfile.ab",
            "wc -l < Dockerfile.a",
            "grep -q x Dockerfile.a 2> /dev/null",
            "grep -q x Dockerfile.a && docker build -f Dockerfile.b .",
            "test -f Dockerfile.a || exit 1",
            "docker build -f Dockerfile.a . > log",
            "for f in Dockerfile.a Dockerfile.b; do",
        ],
    )
    def test_the_text_ends_there(self, line: str) -> None:
        assert not hands_on(line, "Dockerfile.a")


class TestChangesText:
    @pytest.mark.parametrize(
        "line",
        [
            "sed -i s/x/y/ Dockerfile.a",
            "sed --in-place=.bak -e s/x/y/ docker/Dockerfile.a",
            "perl -pi -e s/x/y/ Dockerfile.a && docker build -f Dockerfile.a .",
            "echo USER x >> Dockerfile.a",
            "envsubst < Dockerfile.in > Dockerfile.a",
            "cp Dockerfile.prod Dockerfile.a",
            "echo USER x | tee -a Dockerfile.a",
            "patch Dockerfile.a < fix.patch",
        ],
    )
    def test_it_is_another_text_then(self, line: str) -> None:
        assert changes_text(line, "Dockerfile.a")

    @pytest.mark.parametrize(
        "line",
        [
            "sed s/x/y/ Dockerfile.a > Dockerfile.tmp",
            "cp Dockerfile.a Dockerfile.tmp",
            "docker build -f Dockerfile.a . > Dockerfile.ab",
            "cat Dockerfile.a",
            "sed -i s/Dockerfile.a/x/ list",
            "hadolint Dockerfile.a",
        ],
    )
    def test_it_stays_what_it_was(self, line: str) -> None:
        assert not changes_text(line, "Dockerfile.a")
