"""`dockerfix metrics`: files, standard input, formats, and jobs that belong to traces."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Run

TRACE = (
    "section_start:100:step_script\r\x1b[0K\n#1 [internal] load build definition from F\n"
    "#1 DONE 0.0s\n#2 [b 1/1] RUN a|b\n#2 DONE 3.5s\nfatal: bad revision 'origin/main'\n"
    "section_end:110:step_script\r\x1b[0KJob succeeded\n"
)


def test_text_and_sums(dockerfix: Run, repository: Path) -> None:
    for name in ("one.log", "two.log"):
        (repository / name).write_text(TRACE, newline="")
    text = dockerfix("metrics", "one.log", "two.log").out.decode()
    assert "one  succeeded, 10 s\n" in text
    assert "0 of 1 steps cached, 1 ran" in text
    assert "line 6: fatal: bad revision 'origin/main' [ref-not-cloned]" in text
    assert "2 jobs: preparation -, clone -, script 20 s, 2 builds with 0 of 2 steps" in text


def test_json_and_markdown(dockerfix: Run, repository: Path) -> None:
    (repository / "j-17.log").write_text(TRACE, newline="")
    jobs = [{"id": 17, "name": "b", "queued_duration": 4.0}]
    (repository / "jobs.json").write_text(json.dumps(jobs))
    result = dockerfix("metrics", "j-17.log", "--jobs", "jobs.json", "--format", "json")
    (job,) = json.loads(result.out)["jobs"]
    assert job["seconds"]["script"] == 10
    assert job["seconds"]["waited_for_a_runner"] == 4.0
    assert job["builds"][0]["ran"] == 1
    note = dockerfix("metrics", "j-17.log", "--format", "markdown").out.decode()
    assert "| `[b 1/1] RUN a\\|b` | 3.5 s |" in note


def test_what_cannot_be_read(dockerfix: Run, repository: Path) -> None:
    missing = dockerfix("metrics", "none.log")
    assert missing.code == 64
    assert "none.log" in missing.err
    (repository / "a.log").write_text("")
    (repository / "jobs.json").write_text("no")
    wrong = dockerfix("metrics", "a.log", "--jobs", "jobs.json")
    assert wrong.code == 64
    assert "it is no JSON" in wrong.err
