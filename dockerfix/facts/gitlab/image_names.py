"""Names of images as jobs of one pipeline see them, and whether two can be the same image.

A variable that GitLab sets for the whole pipeline (`CI_COMMIT_REF_SLUG`) has one value in all of
its jobs, so that `app:${CI_COMMIT_REF_SLUG}-debug` and `app:${CI_COMMIT_REF_SLUG}-release` are
two images whatever it holds. Any other unknown variable may hold anything. Knows names; knows
no registry and no job.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from dockerfix.facts.image_ref import without_tag
from dockerfix.facts.shell.words import Bound, Scope, closing, expand
from dockerfix.syntax.shell import Command, parse_shell
from dockerfix.text import MappedText

_SHARED = (
    "CI_COMMIT_", "CI_DEFAULT_BRANCH", "CI_PIPELINE_", "CI_PROJECT_", "CI_REGISTRY",
    "CI_MERGE_REQUEST_", "CI_SERVER_",
)  # fmt: skip
"""Beginnings of the variables that have one value in all jobs of a pipeline."""


_ALWAYS = (
    "CI_COMMIT_REF_NAME", "CI_COMMIT_REF_SLUG", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA",
    "CI_DEFAULT_BRANCH", "CI_PIPELINE_ID", "CI_PIPELINE_IID", "CI_PROJECT_ID", "CI_PROJECT_NAME",
    "CI_PROJECT_PATH", "CI_PROJECT_PATH_SLUG", "CI_REGISTRY", "CI_REGISTRY_IMAGE",
)  # fmt: skip
"""Those that are set in every job, so that a default for them never counts."""


class ImageName(Struct, frozen=True):
    """An image's repository and tag, variables as `${NAME}`; `tag` is None where any may be
    meant."""

    repository: str
    tag: str | None

    def __str__(self) -> str:
        """`repository:tag`."""
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


def image_name(text: str) -> ImageName:
    """A name as written; without a tag it is `latest`, a digest stands for any tag."""
    bare = without_tag(text)
    rest = text[len(bare) :]
    if "@" in rest:
        return ImageName(bare, None)
    return ImageName(bare, rest.removeprefix(":") or "latest")


def valued(text: str, values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The texts that a Compose value may come to, given what variables may hold."""
    scope = Scope({name: Bound("${" + name + "}") for name in _ALWAYS})
    for name, choices in values.items():
        scope = scope.bind(name, Bound(choices[0], choices if len(choices) > 1 else ()))
    quoted = text.replace("$$", "\\$").replace('"', '\\"').encode()
    statements = parse_shell(MappedText.whole(b'x "' + quoted + b'"')).statements
    command = statements[0] if len(statements) == 1 else None
    if not isinstance(command, Command) or len(command.words) != 2:
        return (text,)
    found, choices = expand(command.words[1].parts, scope)
    return choices or (found,)


def may_be_same(first: ImageName, second: ImageName) -> bool:
    """Whether the two can name one image; False only where they cannot."""
    if first.tag is not None and second.tag is not None and not may_be_equal(first.tag, second.tag):
        return False
    one, other = _tokens(first.repository), _tokens(second.repository)
    if not one[:1] == other[:1] == ["${CI_REGISTRY_IMAGE}"]:
        # The host and the folder may stand in variables on one side alone.
        one, other = _last(one), _last(other)
    return _alike(one, other)


def may_be_equal(first: str, second: str) -> bool:
    """Whether two texts with variables as `${NAME}` can be the same in one pipeline."""
    return _alike(_tokens(first), _tokens(second))


def _alike(one: list[str], other: list[str]) -> bool:
    """Whether variables may hold what makes the two equal."""
    while one and other and one[0] == other[0] and one[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1] and one[-1]:
        one, other = one[:-1], other[:-1]
    return one == other or any(len(token) != 1 for token in (*one, *other))


def _last(tokens: list[str]) -> list[str]:
    """The tokens behind the last slash."""
    at = next((n for n in range(len(tokens), 0, -1) if tokens[n - 1] == "/"), 0)
    return tokens[at:]


def _tokens(text: str) -> list[str]:
    """Characters and shared variables; the empty text is a variable that may hold anything."""
    found: list[str] = []
    at = 0
    while at < len(text):
        end = closing(text, at) if text.startswith("${", at) else -1
        if end < 0:
            found.append(text[at])
            at += 1
            continue
        name = text[at + 2 : end]
        name = name[: next((n for n, c in enumerate(name) if not (c.isalnum() or c == "_")), None)]
        found.append("${" + name + "}" if name.startswith(_SHARED) else "")
        at = end + 1
    return found
