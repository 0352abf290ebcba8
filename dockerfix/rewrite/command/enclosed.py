"""What a quoted YAML scalar lets a command say: no quote of its own kind, and no backslash in
double quotes. Knows how YAML quotes; knows nothing of commands.
"""

from __future__ import annotations

from dockerfix.facts.repository import Facts
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.syntax.yaml.tree import YamlError, parse_gitlab_yaml
from dockerfix.syntax.yaml.within import scalar_at

_CLOSING = {'"': b'"\\', "'": b"'"}


def check_enclosed(facts: Facts, edits: Edits) -> None:
    """Raises `Refused` where the text of an edit would end the scalar that it is put into."""
    for path, edit in edits:
        if not path.endswith((".yml", ".yaml")) or not any(b in edit.replacement for b in b"\"'\\"):
            continue
        source = facts.snapshot.source(path)
        try:
            root = facts.snapshot.derive(path, parse_gitlab_yaml).root
        except YamlError:
            continue  # the gate compares what the reader of this dialect says
        scalar = scalar_at(root, edit.span)
        closing = _CLOSING.get(scalar.style, b"") if scalar is not None else b""
        if any(sign in edit.replacement for sign in closing):
            what = "the command stands in a quoted scalar, and would need quotes of its own"
            raise Refused(source.place(edit.span), what, "write the script with `|`")
