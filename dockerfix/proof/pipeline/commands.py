"""Which commands of two scripts differ and have nothing to do with building images.

Knows shell commands by their names; what a build call comes to is *same images asked for*'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerfix.facts.commands.recognise import words_before
from dockerfix.syntax.shell import Block, Command, Function, Loop, Script, Statement, parse_shell
from dockerfix.text import MappedText

_BUILDERS = frozenset(
    {
        "docker", "docker-compose", "buildx", "podman", "buildah", "img", "make", "executor",
        "/kaniko/executor", "depot", "nerdctl",
    }
)  # fmt: skip
"""Commands that build, tag or push images, or do so for a target or a service."""
_FRAMES = frozenset({"cd", "pushd", "popd", "set", "echo", "true", ":", "shift"})
"""Commands that a script of builds has around them, and that make nothing."""


def other_commands(old: Sequence[str], new: Sequence[str]) -> str:
    """The first command that only one side has and that is no build, no call of a function of
    the scripts, and no frame of one; empty when there is none."""
    first, second = _commands(old), _commands(new)
    functions = {name for script in (*_scripts(old), *_scripts(new)) for name in script.functions}
    for text, name in (c for c in (*first, *second) if c not in first or c not in second):
        if name not in _BUILDERS | _FRAMES | functions:
            return text
    return ""


def _scripts(lines: Sequence[str]) -> list[Script]:
    return [
        parse_shell(MappedText.whole(line.encode("utf-8", "surrogateescape"))) for line in lines
    ]


def _commands(lines: Sequence[str]) -> dict[tuple[str, str], None]:
    """The commands of script lines, functions' bodies included, each with its name, once."""
    return dict.fromkeys(
        (" ".join(word.written for word in command.words), _name(command))
        for script in _scripts(lines)
        for command in _walk(script.statements)
        if command.words
    )


def _name(command: Command) -> str:
    """What the command runs, behind `time`, `sudo` and the like."""
    texts = [word.written for word in command.words]
    at = words_before(texts)
    return texts[at] if 0 < at < len(texts) else command.name


def _walk(statements: Sequence[Statement]) -> Iterator[Command]:
    for statement in statements:
        if isinstance(statement, Command):
            yield statement
        elif isinstance(statement, Function | Loop | Block):
            yield from _walk(statement.body)
