"""Edits of a pipeline by key path: the layout of the place stays, and nothing else differs.

Each result is read again with Ruby's YAML, which GitLab uses, where Ruby is there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from dockerfix.facts.gitlab.job import Job
from dockerfix.facts.gitlab.pipeline import ROOT, Pipeline, find_pipeline
from dockerfix.rewrite.pipeline_edits import edit
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.text import EditSet, Snapshot

RUBY = shutil.which("ruby")


def read(text: str) -> tuple[Pipeline, Job]:
    pipeline = find_pipeline(Snapshot.of({ROOT: text.encode()}))
    assert pipeline is not None
    return pipeline, pipeline.jobs["job"]


def applied(text: str, edits: Edits) -> str:
    result = EditSet.of([found for _, found in edits]).apply(text.encode()).decode()
    psych(result)
    return result


def psych(text: str) -> Any:
    """What Ruby reads; None without Ruby, which CI must have."""
    if RUBY is None:
        assert "CI" not in os.environ, "install ruby: GitLab reads YAML with it"
        return None
    program = "require 'yaml'; require 'json'; puts YAML.load(STDIN.read, aliases: true).to_json"
    done = subprocess.run([RUBY, "-e", program], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(RUBY is None, reason="without ruby no edit is read by Psych")
def test_ruby_reads_what_gitlab_reads() -> None:
    assert psych("a: 1\n") == {"a": 1}


def test_a_new_key_stands_above_the_script() -> None:
    text = "job:\n  stage: test\n  script:\n    - make\n"
    found = applied(text, edit(read(text)[1]).set("variables", "A", to="1"))
    assert found == 'job:\n  stage: test\n  variables:\n    A: "1"\n  script:\n    - make\n'


def test_a_new_key_never_stands_above_a_merge() -> None:
    text = "a: &a\n  tags: [x]\njob:\n  script: make\n  <<: *a\n"
    found = applied(text, edit(read(text)[1]).set("tags", to=["y"]))
    assert found.endswith('  <<: *a\n  tags:\n    - "y"\n')
    loaded = psych(found)
    assert loaded is None or loaded["job"]["tags"] == ["y"]


def test_a_merged_mapping_is_written_out() -> None:
    text = "a: &a\n  variables: {X: x}\njob:\n  <<: *a\n  script: make\n"
    found = applied(text, edit(read(text)[1]).set("variables", "Y", to="y"))
    assert '  variables:\n    X: x\n    Y: "y"\n' in found


@pytest.mark.parametrize(
    ("before", "after"), [("A: 0", "A: 1"), ("A: '0'", "A: '1'"), ('A: "0"', 'A: "1"')]
)
def test_a_value_keeps_its_spelling(before: str, after: str) -> None:
    text = f"job:\n  variables: {{{before}}}\n  script: make\n"
    found = applied(text, edit(read(text)[1]).set("variables", "A", to="1"))
    assert found == text.replace(before, after)


def test_a_flow_mapping_stays_one() -> None:
    text = "job: {script: make}\n"
    found = applied(text, edit(read(text)[1]).set("needs", to=["a, b"]))
    assert found == 'job: {script: make, needs: ["a, b"]}\n'


def test_crlf_stays() -> None:
    text = "job:\r\n  stage: test\r\n  script:\r\n    - make\r\n"
    found = applied(text, edit(read(text)[1]).set("needs", to=["a"]))
    assert found.count("\r\n") == found.count("\n") == 6


def test_an_item_is_appended_in_the_form_of_the_list() -> None:
    block = "job:\n  tags:\n    - a # first\n  script: make\n"
    flow = "job:\n  tags: [a]\n  script: make\n"
    assert "    - a # first\n    - b\n" in applied(
        block, edit(read(block)[1]).append("tags", item="b")
    )
    assert "tags: [a, b]" in applied(flow, edit(read(flow)[1]).append("tags", item="b"))


def test_a_mapping_that_would_be_empty_goes() -> None:
    text = "job:\n  variables:\n    A: a\n  script: make\n"
    found = applied(text, edit(read(text)[1]).remove("variables", "A"))
    assert found == "job:\n  script: make\n"


def test_an_anchor_that_others_use_is_refused() -> None:
    text = "job: &job\n  variables:\n    A: a\n  script: make\nother:\n  <<: *job\n"
    with pytest.raises(Refused, match="other"):
        edit(read(text)[1]).set("variables", "A", to="b")


def test_an_alias_is_refused() -> None:
    text = ".v: &v\n  A: a\njob:\n  variables: *v\n  script: make\n"
    with pytest.raises(Refused, match="elsewhere"):
        edit(read(text)[1]).set("variables", "A", to="b")


def test_a_global_variable_is_changed_or_added() -> None:
    text = "stages: [test]\n\njob:\n  script: make\n"
    found = applied(text, edit(read(text)[0]).set_variable("A", "1"))
    assert found == 'stages: [test]\n\nvariables:\n  A: "1"\n\njob:\n  script: make\n'
    again = applied(found, edit(read(found)[0]).set_variable("A", "2"))
    assert again == found.replace('"1"', '"2"')


def test_a_job_is_renamed_with_its_needs() -> None:
    text = "job:\n  script: make\nuser:\n  needs: [job]\n  script: make\n"
    pipeline, job = read(text)
    found = applied(text, edit(pipeline).rename(job, "build / it"))
    assert found == text.replace("job:", "build / it:").replace("[job]", '["build / it"]')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2, "2"),
        ("2", '"2"'),
        (True, "true"),
        ("true", '"true"'),
        (".5", '".5"'),
        ("-.inf", '"-.inf"'),
        ("1:30", '"1:30"'),
        ("on", '"on"'),
        ("a b", '"a b"'),
        ("$IMAGE:latest", "$IMAGE:latest"),
    ],
)
def test_a_text_is_never_read_as_anything_else(value: str | int, written: str) -> None:
    text = "job:\n  script: make\n"
    found = applied(text, edit(read(text)[1]).set("retry", "max", to=value))
    assert found.endswith(f"  retry:\n    max: {written}\n")
    assert (psych(found) or {"job": {"retry": {"max": value}}})["job"]["retry"]["max"] == value


def test_a_number_replaces_a_text() -> None:
    text = "job:\n  retry: {max: 1}\n  timeout: '1'\n  script: make\n"
    assert "{max: 2}" in applied(text, edit(read(text)[1]).set("retry", "max", to=2))
    assert "timeout: 2\n" in applied(text, edit(read(text)[1]).set("timeout", to=2))


def test_an_expansion_in_braces_is_quoted_on_one_line() -> None:
    text = "job: {script: make}\n"
    found = applied(text, edit(read(text)[1]).set("tags", to=["a-${RUNNER:-x}", "b"]))
    assert found == 'job: {script: make, tags: ["a-${RUNNER:-x}", b]}\n'


def test_a_job_is_added() -> None:
    text = "job:\n  script: make\n"
    pipeline, job = read(text)
    found = applied(text, edit(pipeline).add_job("more", {"script": ["make"]}, job))
    assert found == "job:\n  script: make\n\nmore:\n  script:\n    - make\n"
