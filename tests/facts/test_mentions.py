"""What a word that names a file which moves must become."""

from __future__ import annotations

import pytest

from dockerfix.facts.mentions import path_mentions
from dockerfix.text import Snapshot

_MOVED = {"app/Dockerfile.api": "app/Dockerfile.all", "app/Dockerfile": "app/Dockerfile.all"}

WORDS = {
    "from the root": ("see app/Dockerfile.api", "app/Dockerfile.all"),
    "with a dot": ("build ./app/Dockerfile.api", "./app/Dockerfile.all"),
    "the only file of its name": ("see Dockerfile.api", "Dockerfile.all"),
    "a plain name is a word of the language": ("see Dockerfile", "nothing"),
    "a plain name with its folder": ("see app/Dockerfile.", "app/Dockerfile.all"),
    "below the root in braces": ("${CI_PROJECT_DIR}/app/Dockerfile.api", "app/Dockerfile.all"),
    "below a plain root": ("$CI_PROJECT_DIR/app/Dockerfile.api", "app/Dockerfile.all"),
    "behind another variable": ("$DIR/app/Dockerfile.api", "hidden"),
    "from the root of the disk": ("/app/Dockerfile.api", "hidden"),
    "another folder's": ("lib/Dockerfile.api", "nothing"),
}


@pytest.mark.parametrize(("text", "becomes"), WORDS.values(), ids=WORDS)
def test_a_word_becomes_its_successor(text: str, becomes: str) -> None:
    files = {"note.txt": text, **dict.fromkeys(_MOVED, "FROM a\n")}
    found = list(path_mentions(Snapshot.of(files), _MOVED))
    assert [mention.successor or "hidden" for mention in found] == (
        [] if becomes == "nothing" else [becomes]
    )
    for mention in found:
        assert text[mention.place.span.start : mention.place.span.end].endswith(
            mention.path.rpartition("/")[2]
        )


def test_only_the_path_below_the_root_is_replaced() -> None:
    text = "$CI_PROJECT_DIR/app/Dockerfile.api"
    files = {"note.txt": text, **dict.fromkeys(_MOVED, "FROM a\n")}
    (mention,) = path_mentions(Snapshot.of(files), _MOVED)
    span = mention.place.span
    assert text[: span.start] + str(mention.successor) + text[span.end :] == (
        "$CI_PROJECT_DIR/app/Dockerfile.all"
    )


def test_what_was_is_not_rewritten() -> None:
    files = {"CHANGELOG.md": "app/Dockerfile.api", **dict.fromkeys(_MOVED, "FROM a\n")}
    assert [m.past for m in path_mentions(Snapshot.of(files), _MOVED)] == [True]
