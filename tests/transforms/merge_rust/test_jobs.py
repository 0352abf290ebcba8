"""CI jobs that become one: the lines of their scripts, with the values of what goes."""

from __future__ import annotations

import pytest

from dockerfix.facts.gitlab.pipeline import Job
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Refused
from dockerfix.syntax.yaml.tree import Sequence
from dockerfix.text import Snapshot
from dockerfix_transforms.merge_rust.jobs.lines import expanded

_HEAD = ".lists:\n  - &tools\n    - apk add make\nbuild:\n"


def job(text: str) -> Job:
    pipeline = Facts(Snapshot.of({".gitlab-ci.yml": (_HEAD + text).encode()})).pipeline
    assert pipeline is not None
    return pipeline.jobs["build"]


def lines(text: str, *names: str) -> list[str]:
    """The script of the job `build` with the values of these variables."""
    build = job(text)
    script = build.keys["script"]
    assert isinstance(script, Sequence)
    return [line for item in script.items for line in expanded(item, build, names)]


_ONE = "  variables: {IMAGE: api}\n  script:\n"
_MATRIX = "  parallel: {matrix: [{IMAGE: [api, worker]}]}\n  script:\n"


@pytest.mark.parametrize(
    "line, found",
    [
        ("docker push $IMAGE", "docker push api"),
        ("docker push reg/${IMAGE}:v1", "docker push reg/api:v1"),
        ("docker push $IMAGE_NAME $IMAGE", "docker push $IMAGE_NAME api"),
        ("docker push ${IMAGE_NAME}", "docker push ${IMAGE_NAME}"),
    ],
)
def test_a_value_takes_the_place_of_its_name(line: str, found: str) -> None:
    assert lines(f"{_ONE}    - {line}\n", "IMAGE") == [found]


def test_a_line_that_reads_a_variable_of_the_matrix_stands_once_a_row() -> None:
    script = "    - docker push $IMAGE\n    - echo done\n"
    found = ["docker push api", "docker push worker", "echo done"]
    assert lines(_MATRIX + script, "IMAGE") == found


@pytest.mark.parametrize("word", ["${IMAGE:-x}", "${IMAGE%-x}", "${#IMAGE}"])
def test_an_expansion_with_an_operator_keeps_the_jobs_apart(word: str) -> None:
    with pytest.raises(Refused, match="does more with IMAGE"):
        lines(f"{_ONE}    - docker push {word}\n", "IMAGE")


def test_a_list_from_elsewhere_keeps_its_name_and_may_read_nothing_that_goes() -> None:
    assert lines(f"{_ONE}    - *tools\n    - make\n", "IMAGE") == ["*tools", "make"]
    with pytest.raises(Refused, match=r"\*tools may read"):
        lines(f"{_ONE}    - *tools\n    - make $IMAGE\n", "IMAGE")
