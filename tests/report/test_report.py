"""Every renderer tells the same outcome: what changes, what is proved, assumed and left."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from dockerfix import __version__
from dockerfix.engine.patch import make_patch
from dockerfix.engine.plan import CheckFailed, NothingToDo, Outcome, Planned, Refused
from dockerfix.engine.proposal import Proposal
from dockerfix.facts.finding import Finding, Severity
from dockerfix.proof.obligation import Permit, Verdict
from dockerfix.report.code_quality import render_code_quality
from dockerfix.report.coloured_patch import coloured_patch
from dockerfix.report.json_ import render_json
from dockerfix.report.markdown import render_markdown
from dockerfix.report.report import Report
from dockerfix.report.sarif import render_sarif
from dockerfix.report.style import Style
from dockerfix.report.text import Verbosity, render_text
from dockerfix.text import Edit, EditSet, Snapshot, Source, Span

BEFORE = b"FROM a\nRUN b\n"
PLACE = Source("app/Dockerfile", BEFORE).place(Span(7, 12))
ASSUMED = Finding(
    Severity.ASSUME, "native-packages", "perl is added", "a build script may see it",
    "accept it when none does", PLACE,
)  # fmt: skip
LEFT = Finding(
    Severity.REFUSE, "unreadable-shell", "this job is left as it is", action="rewrite it by hand",
    place=PLACE, subject="build",
)  # fmt: skip
NOTE = Finding(Severity.NOTE, "useless-cook", "the cook gains nothing")


def planned(patch: bytes | None = None) -> Planned:
    edits = {"app/Dockerfile": EditSet((Edit(Span(11, 12), b"c"),))}
    changes: dict[str, bytes | None] = {
        "app/Dockerfile": b"FROM a\nRUN c\n",
        "app/new": b"x\n",
        "old": None,
    }
    snapshot = Snapshot.of({"app/Dockerfile": BEFORE, "old": b""})
    proposal = Proposal(
        edits=edits,
        created={"app/new": b"x\n"},
        deleted=("old",),
        permits=(Permit("united-packages", "app/Dockerfile:a", "app/Dockerfile"),),
        findings=(ASSUMED, LEFT, NOTE),
        summary=("One file instead of two.",),
        next_steps=("Push a branch.",),
    )
    verdicts = (
        Verdict("server runs the same", ("RUN apk add perl (united-packages)",), kind="runtime"),
        Verdict("nothing names old", kind="references"),
    )
    unproved = ("app/Dockerfile:9:1: a pattern",)
    return Planned(proposal, changes, patch or make_patch(snapshot, changes), verdicts, unproved)


def report(outcome: Outcome | None = None, **more: Any) -> Report:
    return Report("dockerfix merge app/", "merge", outcome or planned(), **more)


REFUSED = Refused(Proposal(findings=(LEFT,), refused=True))
NOTHING = NothingToDo(Proposal(reason="there is one Dockerfile"))
FAILED = CheckFailed("same runtime", "Dockerfile:3:1: USER differs\nmore", Proposal())


def test_the_text_of_a_patch() -> None:
    assert render_text(report(accepted={})) == (
        "dockerfix merge app/: 3 files in the patch (1 new, 1 changed, 1 deleted)\n"
        "  One file instead of two.\n"
        "\n"
        "Files\n"
        "  app/Dockerfile  changed\n"
        "  app/new         new\n"
        "  old             deleted\n"
        "\n"
        "Proved\n"
        "  ok server runs the same\n"
        "  ok nothing names old\n"
        "  1 expected difference (-v lists it)\n"
        "\n"
        "Not proved\n"
        "  app/Dockerfile:9:1: a pattern\n"
        "\n"
        "Assumed\n"
        "  app/Dockerfile:2:1: perl is added [native-packages]\n"
        "    a build script may see it\n"
        "    -> accept it when none does\n"
        "  Accept one with --accept NAME or NAME@PATH, or permanently under [merge.accept] in "
        ".dockerfix.toml, with the reason.\n"
        "\n"
        "Not rewritten\n"
        "  app/Dockerfile:2:1: this job is left as it is [unreadable-shell]\n"
        "    -> rewrite it by hand\n"
        "\n"
        "Notes\n"
        "  the cook gains nothing [useless-cook]\n"
        "\n"
        "Next\n"
        "  Push a branch.\n"
        "  apply it: `dockerfix merge app/ | git apply` (or add --write)\n"
    )


def test_verbose_lists_the_allowed_differences() -> None:
    text = render_text(report(), verbosity=Verbosity.VERBOSE)
    assert "     except RUN apk add perl (united-packages)\n" in text


def test_obligations_about_many_images_are_one_line_until_asked_for() -> None:
    verdicts = tuple(Verdict(f"{name} runs the same", kind="same runtime") for name in "ab")
    outcome = Planned(Proposal(), {}, b"", verdicts)
    assert "Proved\n  ok same runtime: 2 images\n" in render_text(report(outcome))
    verbose = render_text(report(outcome), verbosity=Verbosity.VERBOSE)
    assert "  ok a runs the same\n  ok b runs the same\n" in verbose


def test_advice_that_many_findings_share_is_given_once() -> None:
    findings = tuple(Finding(Severity.NOTE, "n", what, "why", "do it") for what in ("one", "two"))
    text = render_text(report(NothingToDo(Proposal(findings=findings))))
    assert "  one [n]\n  two [n]\n    why\n    -> do it\n" in text


def test_quiet_keeps_what_needs_a_person() -> None:
    text = render_text(report(notes=("a note",)), verbosity=Verbosity.QUIET)
    assert text.startswith("Assumed\n")
    assert "Not rewritten" in text
    for absent in ("Proved", "Files", "Next", "a note"):
        assert absent not in text
    assert render_text(report(NOTHING), verbosity=Verbosity.QUIET) == ""


def test_an_accepted_assumption_moves_to_its_own_list_with_the_reason() -> None:
    text = render_text(report(accepted={"native-packages": "no crate links"}))
    assert "Assumed" not in text
    assert "Accepted\n  native-packages: no crate links\n" in text


def test_a_refusal_says_why_and_what_to_do() -> None:
    text = render_text(report(REFUSED))
    assert text.startswith("dockerfix merge app/: refused, no patch\n")
    assert "Why\n  app/Dockerfile:2:1: this job is left as it is" in text
    assert "-> rewrite it by hand" in text


def test_nothing_to_do_says_why() -> None:
    assert render_text(report(NOTHING)) == (
        "dockerfix merge app/: nothing to do: there is one Dockerfile\n"
    )


def test_a_failed_check_is_named_and_called_a_bug() -> None:
    text = render_text(report(FAILED))
    assert "an internal check failed (same runtime), so no patch is shown" in text
    assert "  Dockerfile:3:1: USER differs\n  more\n" in text
    assert "bug in merge" in text


def test_a_written_patch_is_not_offered_again() -> None:
    text = render_text(report(written=True))
    assert "3 files written" in text
    assert "git apply" not in text


def test_measured_has_its_own_list() -> None:
    assert "Measured\n  155 crates\n" in render_text(report(measured=("155 crates",)))


def test_colour_only_adds_escape_codes() -> None:
    import re

    coloured = render_text(report(), Style(colour=True))
    assert "\x1b[" in coloured
    assert re.sub("\x1b\\[[0-9]*m", "", coloured) == render_text(report())


def test_a_patch_without_colour_is_the_very_bytes() -> None:
    patch = planned().patch + b"\xff\r\n"
    assert coloured_patch(patch, Style()) is patch
    assert b"\x1b[32mRUN \x1b[0m\x1b[32;7mc\x1b[0m\n" in coloured_patch(patch, Style(colour=True))


def test_json_holds_everything() -> None:
    data = json.loads(render_json(report(accepted={"native-packages": "why"})))
    assert (data["schema"], data["dockerfix"], data["outcome"]) == (1, __version__, "planned")
    assert data["patch"].encode() == planned().patch
    assert data["files"][0] == {"path": "app/Dockerfile", "change": "changed"}
    assert data["proved"][0]["differences"] == ["RUN apk add perl (united-packages)"]
    first = data["findings"][0]
    assert first["place"] == {
        "path": "app/Dockerfile", "line": 2, "column": 1, "start": 7, "end": 12
    }  # fmt: skip
    assert (first["accepted"], first["accepted_because"]) == (True, "why")


def test_json_of_a_patch_that_is_no_utf8_is_base64() -> None:
    data = json.loads(render_json(report(planned(b"\xff"))))
    assert "patch" not in data
    assert data["patch_base64"] == "/w=="


def test_json_of_a_failed_check_names_it() -> None:
    data = json.loads(render_json(report(FAILED)))
    assert data["outcome"] == "check-failed"
    assert data["failed_check"]["name"] == "same runtime"
    assert len(data["failed_check"]["found"]) == 2
    assert "patch" not in data


def test_sarif_has_a_result_for_each_finding_and_file() -> None:
    log = json.loads(render_sarif(report(accepted={"native-packages": ""})))
    run = log["runs"][0]
    assert log["version"] == "2.1.0"
    results = run["results"]
    assert [result["level"] for result in results] == ["warning", "error", *["note"] * 4]
    assert results[0]["suppressions"][0]["justification"] == "accepted on the command line"
    location = results[0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "app/Dockerfile"
    assert location["region"] == {"startLine": 2, "startColumn": 1}
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert {result["ruleId"] for result in results} == rules
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_of_a_failed_check_is_an_unsuccessful_invocation() -> None:
    invocation = json.loads(render_sarif(report(FAILED)))["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert "same runtime" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_code_quality_is_what_gitlab_reads() -> None:
    entries = json.loads(render_code_quality(report()))
    assert [entry["severity"] for entry in entries] == ["minor", "major", *["info"] * 4]
    for entry in entries:
        assert set(entry) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert isinstance(entry["location"]["lines"]["begin"], int)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_code_quality_leaves_out_what_was_accepted() -> None:
    entries = json.loads(render_code_quality(report(accepted={"native-packages": ""})))
    assert "native-packages" not in {entry["check_name"] for entry in entries}


def test_code_quality_of_a_failed_check_is_a_blocker() -> None:
    (entry,) = json.loads(render_code_quality(report(FAILED)))
    assert (entry["severity"], entry["location"]["path"]) == ("blocker", ".")


def test_fingerprints_survive_a_moved_line() -> None:
    def marks(source: bytes, at: int) -> list[str]:
        place = Source("f", source).place(Span(at, at + 1))
        finding = Finding(Severity.NOTE, "n", "what", place=place)
        outcome = NothingToDo(Proposal(findings=(finding, finding)))
        return [e["fingerprint"] for e in json.loads(render_code_quality(report(outcome)))]

    assert marks(b"x\n", 0) == marks(b"\n\nx\n", 2)
    assert len(set(marks(b"x\n", 0))) == 2


def test_markdown_folds_the_patch_and_escapes_markup() -> None:
    finding = Finding(Severity.NOTE, "n", "a <b> | `c` *d*")
    outcome = Planned(Proposal(findings=(finding,)), {}, b"+```\n+ x\n", ())
    note = render_markdown(report(outcome))
    assert "a \\<b\\> \\| \\`c\\` \\*d\\*" in note
    assert "````diff\n+```\n+ x\n````\n" in note


@pytest.mark.parametrize("render", [render_text, render_markdown])
@pytest.mark.parametrize("outcome", [REFUSED, NOTHING, FAILED])
def test_readable_formats_name_the_command(
    render: Callable[[Report], str], outcome: Outcome
) -> None:
    assert "dockerfix merge app/" in render(report(outcome))


def test_the_same_report_gives_the_same_bytes() -> None:
    for render in (render_text, render_json, render_sarif, render_code_quality, render_markdown):
        assert render(report()) == render(report())
