"""What two chains stand on: the directives of their files, and the images below them.
Knows no step.
"""

from __future__ import annotations

from dockerfix.proof.image.notes import Notes
from dockerfix.proof.rules.pair import Pair, Use
from dockerfix.proof.rules.settings import base_but_allowed
from dockerfix.syntax.dockerfile import Dockerfile
from dockerfix.text import Place


def compare_directives(notes: Notes, old: Dockerfile, new: Dockerfile) -> None:
    """`syntax` chooses the frontend, `escape` changes how every line is read, `check` stops
    builds with warnings or silences them."""
    before, after = _directives(old), _directives(new)
    if before.get("syntax", "") != after.get("syntax", ""):
        what = f"the syntax directive is {after.get('syntax', 'absent')}"
        if "syntax" in before:
            notes.fail(_top(new), f"{what}, it was {before['syntax']}")
        else:
            notes.allow(Use("syntax-added", what), None, _top(new))
    if before.get("check", "") != after.get("check", ""):
        known = before.get("check", "absent")
        what = f"the check directive is {after.get('check', 'absent')}, it was {known}"
        notes.fail(_top(new), what)
    used = any(t.escape.encode() in side.source.data for t in (old, new) for side in (old, new))
    if old.escape != new.escape and used:
        notes.fail(_top(new), f"the escape character of {new.source.path} differs")


def compare_bases(notes: Notes, pair: Pair) -> None:
    """The image at the bottom, with its platform and its build arguments."""
    old, new = pair.before.chain.base, pair.after.chain.base
    use = base_but_allowed(pair, old.image, new.image) if old.image != new.image else None
    use = use or notes.named(f"FROM {old.image}", f"FROM {new.image}")
    if use is not None:
        notes.allow(use, old.place, new.place)
    elif old.image != new.image:
        what = f"the base image is `{new.image}`, it was `{old.image}` at {old.place}"
        notes.fail(new.place, what)
    elif old.arguments != new.arguments:
        shown = ", ".join(f"{n}={d}" for n, d in old.arguments)
        what = f"the build arguments of FROM differ, they were {shown} at {old.place}"
        notes.fail(new.place, what)
    if old.platform != new.platform:
        was, now = old.platform or "the default", new.platform or "the default"
        if pair.permits("platform"):
            use = Use("platform", f"it is `{now}`, it was `{was}`: accepted")
            notes.allow(use, old.place, new.place)
        else:
            notes.fail(new.place, f"the platform is `{now}`, it was `{was}` at {old.place}")


def _directives(tree: Dockerfile) -> dict[str, str]:
    return {item.name: item.value for item in tree.directives}


def _top(tree: Dockerfile) -> Place:
    first = tree.items[0].span if tree.items else None
    span = first if first is not None else tree.source.line_of(0)
    return tree.source.place(span)
