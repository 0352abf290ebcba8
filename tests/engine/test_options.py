"""Options are completed and checked the same way whoever gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dockerfix.engine.options import OptionError, complete
from dockerfix.engine.proposal import OptionSpec, Proposal
from dockerfix.facts.repository import Facts


class Toy:
    name = "toy"
    summary = ""
    options = (
        OptionSpec("into", "", default="Dockerfile.all"),
        OptionSpec("keep-old", "", kind=bool),
        OptionSpec("jobs", "", kind=int),
        OptionSpec("skip", "", multiple=True),
        OptionSpec("via", "", default="image", choices=("image", "cache")),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        return Proposal()


def test_every_option_gets_a_value() -> None:
    assert complete(Toy(), {"keep_old": True, "accept": ["a", "a"]}) == {
        "into": "Dockerfile.all",
        "keep-old": True,
        "jobs": None,
        "skip": (),
        "via": "image",
        "accept": frozenset({"a"}),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nope": 1}, "toy has no option nope; it has: into, keep-old, jobs, skip, via"),
        ({"into": 3}, "into takes a str, not 3"),
        ({"jobs": True}, "jobs takes a int, not True"),
        ({"skip": "a"}, "skip takes a list"),
        ({"skip": [1]}, "skip takes a str, not 1"),
        ({"via": "x"}, "via takes one of image, cache, not 'x'"),
    ],
)
def test_what_does_not_fit_is_said(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        complete(Toy(), given)
    assert str(caught.value) == message
