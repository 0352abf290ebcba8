"""Variables of a stage: what ENV and ARG give, and words with them expanded.

Expansion is e2b-dockerfile-utils' `ShellLex`, a port of BuildKit's. A variable whose value
reading cannot know stays as `${NAME}` in the text. Knows words and variables; knows no files.
"""

from __future__ import annotations

from collections.abc import Mapping

from e2b_dockerfile_utils import ShellLex
from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.syntax.dockerfile import Arg, Env, Instruction

_PLATFORM = tuple(
    f"{side}{part}"
    for side in ("BUILD", "TARGET")
    for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
)
_SPECIAL = frozenset("$'\"<")
"""What the lexer does not take as it stands, the escape character aside."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


_LONGEST = 100_000
"""A value that doubles itself line by line ends here, in characters."""


class ExpansionError(Exception):
    """BuildKit cannot expand the word; the message is its own."""


class Variables(Struct, frozen=True):
    """What words of one stage see.

    `environment` is what the image keeps (ENV), `values` all that is visible (ARG too).
    `given` are the caller's build arguments and `outer` the global ARGs: both are visible only
    after an ARG names them. `open` says that a base image may set more.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    outer: Mapping[str, str] = field(default_factory=dict)
    open: bool = False

    def expand(self, text: str, escape: str = "\\", *, quotes: bool = True) -> str:
        """The word without quotes and escapes, variables replaced. Raises `ExpansionError`.

        With `quotes` off, quotes are text, as in the body of a heredoc.
        """
        if _SPECIAL.isdisjoint(text) and escape not in text:
            return text
        longest = max(map(len, self.values.values()), default=0)
        if text.count("$") * longest > _LONGEST:
            raise ExpansionError(f"the value may have more than {_LONGEST} characters")
        lexer = ShellLex(
            escape, skip_process_quotes=not quotes, env=self.values, skip_unset_env=self.open
        )
        try:
            return lexer.process_word(text)
        except ValueError as error:
            raise ExpansionError(str(error)) from None

    def after(self, item: Instruction) -> Variables:
        """The variables after an instruction. Raises `ExpansionError`."""
        if isinstance(item, Arg):
            return self._after_arg(item)
        if isinstance(item, Env) and item.keyword == "ENV":
            pairs = {key: self.expand(value, item.escape) for key, value in _pairs(item)}
            return replace(
                self,
                environment={**self.environment, **pairs},
                values={**self.values, **pairs},
            )
        return self

    def _after_arg(self, item: Arg) -> Variables:
        found = self
        for word in item.words:
            name, equals, default = word.raw.partition("=")
            if name in self.given:
                value: str | None = self.given[name]
            elif equals:
                value = found.expand(default, item.escape)
            else:
                value = self.outer.get(name)
            if value is not None:
                found = replace(found, values={**found.values, name: value})
        return found

    def child(self) -> Variables:
        """What a stage sees that begins with this stage: ENV wins over ARG of the same name."""
        return replace(self, values={**self.values, **self.environment})


def global_variables(preamble: tuple[Instruction, ...], given: Mapping[str, str]) -> Variables:
    """The variables that FROM sees: global ARGs and the platform's, whose values stay open."""
    platform = {name: "${" + name + "}" for name in _PLATFORM}
    found = Variables(values=platform, given=given)
    for item in preamble:
        found = found.after(item) if isinstance(item, Arg) else found
    return found


def first_variables(outer: Variables, *, scratch: bool) -> Variables:
    """What a stage sees that begins with an image, or with nothing."""
    environment = {"PATH": _PATH} if scratch else {}
    return Variables(environment, environment, outer.given, outer.values, open=not scratch)


def _pairs(item: Env) -> list[tuple[str, str]]:
    """Keys and values as written, of `KEY=value ...` and of the old `KEY value`."""
    words = item.words
    if words and "=" in words[0].raw:
        parts = [word.raw.partition("=") for word in words]
        return [(key, value) for key, _, value in parts]
    key, _, rest = item.arguments.partition(" ")
    return [(key, rest.strip())]
