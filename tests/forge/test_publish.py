"""Publishing against a server that keeps GitLab's contract, and against one that does not."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockerfix.forge.errors import ForgeError
from dockerfix.forge.gitlab import GitLab
from dockerfix.forge.publish import publish
from dockerfix.forge.series import MARKER, Commit, Published, Wanted

_SPEC = importlib.util.spec_from_file_location("fake_gitlab", Path(__file__).with_name("fake.py"))
assert _SPEC is not None and _SPEC.loader is not None
fakes: Any = importlib.util.module_from_spec(_SPEC)
__import__("sys").modules["fake_gitlab"] = fakes
_SPEC.loader.exec_module(fakes)
Fault = fakes.Fault

OLD, NEW = b"FROM a\n", b"FROM b\n"
SERIES = (
    Commit("One", {"Dockerfile": NEW, "new": b"n\xff"}, {"Dockerfile": OLD, "new": None}),
    Commit("Two", {"Dockerfile": b"FROM c\n", "gone": None},
           {"Dockerfile": NEW, "gone": b"g"}),
)  # fmt: skip
COMMITS = "/repository/commits"


def wanted(*commits: Commit, **more: Any) -> Wanted:
    given = {"target": "", "branch": "dockerfix/series", "note": "what changes", **more}
    return Wanted("group/app", title="T", description="D", commits=commits or SERIES, **given)


@pytest.fixture
def fake() -> Any:
    return fakes.FakeGitLab({"Dockerfile": OLD, "gone": b"g", "kept": b"k"})


@pytest.fixture
def forge(fake: Any) -> Iterator[GitLab]:
    with fakes.serving(fake) as url:
        yield GitLab(url, "secret", "group/app", timeout=60.0)


def files(fake: Any, branch: str = "dockerfix/series") -> dict[str, bytes]:
    found: dict[str, bytes] = fake.commits[fake.branches[branch]]["files"]
    return found


AFTER = {"Dockerfile": b"FROM c\n", "new": b"n\xff", "kept": b"k"}


def untouched(fake: Any) -> bool:
    """Whether nothing is left of a run that failed."""
    return list(fake.branches) == ["main"] and not fake.requests and not fake.notes


def test_a_series_is_published(forge: GitLab, fake: Any) -> None:
    done = publish(forge, wanted())
    assert done.url == "http://gitlab.example/mr/1"
    assert done.did == (
        "dockerfix/series: 2 commits", "opened the merge request", "wrote the note",
    )  # fmt: skip
    assert files(fake) == AFTER
    assert sorted(fake.branches) == ["dockerfix/series", "main"], "the branch apart is gone"
    assert fake.requests[0]["target_branch"] == "main"
    assert [note["body"] for note in fake.notes] == [f"{MARKER}\n\nwhat changes"]


def test_a_second_run_changes_nothing(forge: GitLab, fake: Any) -> None:
    publish(forge, wanted())
    fake.asked.clear()
    done = publish(forge, wanted())
    assert done.did == ("dockerfix/series holds this series already",)
    assert not [line for line in fake.asked if not line.startswith("GET")]


def test_another_series_takes_the_place_and_the_note_is_edited(forge: GitLab, fake: Any) -> None:
    publish(forge, wanted())
    other = {"id": 1, "system": False, "author": {"id": 8}, "body": f"{MARKER} of another"}
    fake.notes.append(other)
    done = publish(forge, wanted(SERIES[0], note="less"))
    assert done.did == (
        "dockerfix/series: 1 commit in place of the old ones", "rewrote the note",
    )  # fmt: skip
    assert files(fake) == {"Dockerfile": NEW, "new": b"n\xff", "gone": b"g", "kept": b"k"}
    bodies = [note["body"] for note in fake.notes]
    assert bodies == [f"{MARKER}\n\nless", f"{MARKER} of another"]


def refused(forge: GitLab, series: Wanted) -> ForgeError:
    with pytest.raises(ForgeError) as caught:
        publish(forge, series)
    assert "secret" not in f"{caught.value.what} {caught.value.action}"
    return caught.value


def test_a_branch_of_somebody_else_is_left_alone(forge: GitLab, fake: Any) -> None:
    publish(forge, wanted())
    fake.commits["theirs"] = {**fake.commits["c0"], "message": "mine"}
    fake.branches["dockerfix/series"] = "theirs"
    assert "is not one of dockerfix's" in refused(forge, wanted(SERIES[0])).what
    assert fake.branches["dockerfix/series"] == "theirs"


def test_a_target_that_has_moved_on_is_noticed(forge: GitLab, fake: Any) -> None:
    fake.files["Dockerfile"] = b"FROM moved\n"
    assert "Dockerfile is not the same" in refused(forge, wanted()).what
    assert untouched(fake)


def test_a_branch_that_moves_meanwhile_is_noticed(forge: GitLab, fake: Any) -> None:
    publish(forge, wanted())

    def push() -> None:
        fake.commits["theirs"] = {**fake.commits["c0"], "message": "mine"}
        fake.branches["dockerfix/series"] = "theirs"

    fake.faults.append(Fault("GET", "/repository/files/new", 404, before=push))
    assert "has moved while this ran" in refused(forge, wanted(SERIES[0])).what
    assert fake.branches["dockerfix/series"] == "theirs"


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "not accepted"), (403, "may not"), (404, "no such thing"), (500, "500")],
)
@pytest.mark.parametrize("number", [1, 2])
def test_a_commit_that_fails_leaves_nothing(
    forge: GitLab, fake: Any, status: int, words: str, number: int
) -> None:
    if number == 2:
        carried_out = Fault("POST", COMMITS, 201, late=True, body={"id": "c1"})
        fake.faults.append(carried_out)
    fake.faults.append(Fault("POST", COMMITS, status))
    assert words in refused(forge, wanted()).what
    assert untouched(fake)


def test_an_answer_that_is_lost_counts_when_the_branch_has_moved(forge: GitLab, fake: Any) -> None:
    fake.faults.append(Fault("POST", COMMITS, 502, late=True))
    assert publish(forge, wanted(SERIES[0])).did[0] == "dockerfix/series: 1 commit"
    assert len(fake.requests) == len(fake.notes) == 1


def test_a_request_that_hangs_ends(fake: Any) -> None:
    fake.faults.append(Fault("POST", COMMITS, 500, seconds=3.0))
    with fakes.serving(fake) as url:
        impatient = GitLab(url, "secret", "group/app", timeout=1.0)
        assert "does not answer" in refused(impatient, wanted()).what
    assert untouched(fake)


def test_waiting_as_asked_and_trying_again(forge: GitLab, fake: Any) -> None:
    fake.faults.append(Fault("POST", COMMITS, 429, headers={"Retry-After": "0"}))
    fake.faults.append(Fault("GET", "/user", 503, times=2))
    assert len(publish(forge, wanted()).did) == 3
    assert files(fake) == AFTER


def test_a_second_run_at_once_shares_the_merge_request(forge: GitLab, fake: Any) -> None:
    def other() -> None:
        fake.requests.append(
            {"iid": 1, "web_url": "http://gitlab.example/mr/1",
             "source_branch": "dockerfix/series"}
        )  # fmt: skip

    fake.faults.append(Fault("POST", "/merge_requests$", 409, before=other))
    done = publish(forge, wanted())
    assert isinstance(done, Published)
    assert (len(fake.requests), len(fake.notes)) == (1, 1)


def test_what_a_failure_left_is_finished_by_the_next_run(forge: GitLab, fake: Any) -> None:
    fake.faults.append(Fault("POST", "/notes", 500))
    refused(forge, wanted())
    assert publish(forge, wanted()).did == (
        "dockerfix/series holds this series already", "wrote the note",
    )  # fmt: skip


def test_the_tokens_scope_is_checked_first(forge: GitLab, fake: Any) -> None:
    fake.scopes = ["read_api"]
    assert "scopes read_api" in refused(forge, wanted()).what
    assert untouched(fake)
    fake.scopes = None  # a job's or a group's token, which cannot be asked
    assert publish(forge, wanted()).url


def test_a_wrong_token_a_wrong_project_a_wrong_target(fake: Any) -> None:
    with fakes.serving(fake) as url:
        assert "not accepted" in refused(GitLab(url, "wrong", "group/app"), wanted()).what
        assert "no such thing" in refused(GitLab(url, "secret", "no/app"), wanted()).what
        forge = GitLab(url, "secret", "group/app")
        assert "no branch nope" in refused(forge, wanted(target="nope")).what
        assert "own target" in refused(forge, wanted(branch="main")).what
    assert untouched(fake)


def test_a_token_is_not_sent_in_clear_text() -> None:
    with pytest.raises(ForgeError, match="clear text"):
        GitLab("http://gitlab.example", "secret", "group/app")
