"""What stands for an unknown text is never written to a call site."""

from __future__ import annotations

import pytest

from dockerfix.facts.repository import Facts
from dockerfix.facts.shell.words import UNKNOWN
from dockerfix.rewrite import Change, Wanted, set_builds
from dockerfix.text import Snapshot

FILES = {
    "web/Dockerfile": "FROM scratch\n",
    "build.sh": "docker build --file web/Dockerfile .\n",
}


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("web/Dockerfile", arguments=(("SDK_IMAGE", f"sdk:{UNKNOWN}"),)),
        Wanted("web/Dockerfile", named_contexts=(("sdk", UNKNOWN),)),
        Wanted("web/Dockerfile", target=UNKNOWN),
        Wanted(f"{UNKNOWN}/Dockerfile"),
        Wanted("web/Dockerfile", context=f"{UNKNOWN}/web"),
    ],
)
def test_no_call_site_is_told_what_is_not_known(wanted: Wanted) -> None:
    facts = Facts(Snapshot.of(FILES))
    edits, refused = set_builds(facts, [Change(facts.builds.builds[0], wanted)])
    assert not edits
    assert len(refused) == 1
