"""Expanding shell words: variables that are assigned become text, others stay by name.

Knows scopes and expansion rules of the POSIX shell as far as builds need them; knows no
docker.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from dockerfix.facts.model import Value
from dockerfix.facts.shell.braces import in_braces, unquoted
from dockerfix.facts.shell.string_operations import changed
from dockerfix.syntax.shell import Literal, Opaque, Operation, Part, ShellWord, Variable
from dockerfix.text import Place, Source, Span

OPAQUE = "OPAQUE"
"""The name that stands for text which no variable gives: a substitution, a cut."""
UNKNOWN = "${" + OPAQUE + "}"
"""A text of which nothing is known."""
ROOTS = ("CI_PROJECT_DIR", "GITHUB_WORKSPACE", "REPOSITORY_ROOT")
"""Variables that hold the root of the repository; the last one is ours, for
`$(git rev-parse --show-toplevel)` and its like."""
MAX_CHOICES = 64
"""A word with more expansions than this is not known."""
LONGEST = 20_000
"""Characters of a longer text are not known: variables that double one another give texts that
no memory holds. Linux takes 131,071 bytes a word (`MAX_ARG_STRLEN`)."""


def bounded(text: str) -> str:
    """The text, or what stands for an unknown one where it is longer than `LONGEST`."""
    return text if len(text) <= LONGEST else UNKNOWN


def replaced(text: str, old: str, new: str) -> str:
    """The text with `new` for each `old`; what stands for an unknown one where that is longer
    than `LONGEST`."""
    if len(text) + text.count(old) * len(new) > LONGEST:
        return UNKNOWN
    return text.replace(old, new)


class Bound(Struct, frozen=True):
    """What a variable holds: text with unresolved variables as `${NAME}`, all its choices
    when there are several, and where the text was written."""

    text: str
    choices: tuple[str, ...] = ()
    place: Place | None = None
    unset: bool = False
    """Whether it is known to hold nothing at all, which `${X-y}` tells from the empty text."""
    array: tuple[Value, ...] | None = None
    """The elements of an array, where they are known."""
    follows: frozenset[str] = frozenset()
    """The variables whose values are a part of the text, as in `Value`."""


class Scope(Struct, frozen=True):
    """Variables and positional parameters at one point of a script.

    `arguments` are the words that `"$@"` gives; None where the caller is not known, so that
    an absent positional parameter is unknown and not empty. `script` is the path of the
    script that runs, relative to the root.
    """

    variables: Mapping[str, Bound] = field(default_factory=dict)
    arguments: tuple[Value, ...] | None = None
    script: str | None = None
    printed: Mapping[str, str] = field(default_factory=dict)
    """What substitutions print, by their text, where reading knows it."""
    own: frozenset[str] = frozenset()
    """Variables that the shell at hand gave a value and did not export."""

    @property
    def key(self) -> Hashable:
        """What tells this scope from another, wherever its values were written."""
        words = None
        if self.arguments is not None:
            words = tuple((v.text, v.choices, v.follows) for v in self.arguments)
        printed = frozenset(self.printed.items())
        return (key_of(self.variables), words, self.script, printed, self.own)

    def bind(self, name: str, bound: Bound) -> Scope:
        """The scope after an assignment."""
        return replace(self, variables={**self.variables, name: bound})

    @property
    def environment(self) -> Scope:
        """What another program sees that is run here: what the shell did not export has the
        value that its own environment gives it, which is not known."""
        kept = {name: bound for name, bound in self.variables.items() if name not in self.own}
        return replace(self, variables=kept, own=frozenset()) if self.own else self

    def called(self, arguments: Iterable[Value]) -> Scope:
        """The scope inside a function or script that gets these words."""
        given = tuple(arguments)
        kept = {k: v for k, v in self.variables.items() if not k.isdecimal()}
        for number, value in enumerate(given, 1):
            place = value.origin or value.place
            kept[str(number)] = Bound(value.text, value.choices, place, follows=value.follows)
        kept["#"] = Bound(str(len(given)))
        return replace(self, variables=kept, arguments=given)

    def look(self, name: str) -> Bound | None:
        """The binding; an absent positional parameter of a known caller is unset."""
        found = self.variables.get(name)
        positional = name.isdecimal() and name != "0"  # that is the script, whoever is called
        if found is None and self.arguments is not None and positional:
            return Bound("", unset=True)
        return found


def key_of(variables: Mapping[str, Bound]) -> Hashable:
    """What variables hold, without the places."""
    return frozenset(
        (
            name,
            bound.text,
            bound.choices,
            bound.unset,
            bound.follows,
            tuple(value.text for value in bound.array or ()),
        )
        for name, bound in variables.items()
    )


def expand(parts: tuple[Part, ...], scope: Scope, depth: int = 0) -> tuple[str, tuple[str, ...]]:
    """The text and its choices (empty unless a variable with several values is inside)."""
    if len(parts) == 1 and isinstance(parts[0], Literal):
        return bounded(parts[0].text), ()  # most words
    texts = [""]
    base = ""
    several = False
    for part in parts:
        text, choices = _part(part, scope, depth)
        base = bounded(base + text)
        several = several or bool(choices)
        options = choices or (text,)
        texts = [bounded(head + tail) for head in texts for tail in options][: MAX_CHOICES + 1]
    known = several and len(texts) <= MAX_CHOICES
    return base, tuple(dict.fromkeys(texts)) if known else ()


def _part(part: Part, scope: Scope, depth: int) -> tuple[str, tuple[str, ...]]:
    if isinstance(part, Literal):
        return part.text, ()
    if isinstance(part, Opaque) and part.operation is not None and part.text not in scope.printed:
        return _operated(part.operation, scope)
    if isinstance(part, Opaque) or depth > 8:
        known = scope.printed.get(part.text) if isinstance(part, Opaque) else None
        return known if known is not None else UNKNOWN, ()
    bound = scope.look(part.name)
    operand, _ = expand(part.operand, scope, depth + 1)
    if bound is None:
        return "${" + part.name + part.operator + operand + "}", ()
    empty = not (bound.text or bound.choices)
    if part.operator in (":-", ":=") and empty:
        return operand, ()
    if part.operator in ("-", "=") and bound.unset:
        return operand, ()
    if part.operator == ":+" or (part.operator == "+" and bound.unset):
        return "" if empty else operand, ()
    if part.operator == "+":
        return operand, ()
    return bound.text if not bound.choices else "${" + part.name + "}", bound.choices


def _follows(parts: tuple[Part, ...], scope: Scope, depth: int = 0) -> frozenset[str]:
    """The variables whose values are a part of what `expand` gives."""
    found: set[str] = set()
    for part in parts:
        if isinstance(part, Opaque) and part.operation is not None:
            bound = scope.look(part.operation.name)
            found |= {part.operation.name, *(bound.follows if bound is not None else ())}
        if not isinstance(part, Variable) or depth > 8:
            continue
        bound = scope.look(part.name)
        if bound is None or not (bound.unset or part.operator == ":+"):
            found |= {part.name, *(bound.follows if bound is not None else ())}
        if part.operand and (bound is None or not bound.text or part.operator in (":+", "+")):
            found |= _follows(part.operand, scope, depth + 1)
    return frozenset(found)


def _operated(operation: Operation, scope: Scope) -> tuple[str, tuple[str, ...]]:
    """What `${NAME%pattern}` and its like give, where the text of the variable is known."""
    bound = scope.look(operation.name)
    if bound is None:
        return UNKNOWN, ()
    texts = [changed(text, operation) for text in bound.choices or (bound.text,)]
    known = tuple(dict.fromkeys(text for text in texts if text is not None))
    if None in texts:
        return UNKNOWN, ()
    return (known[0], ()) if len(known) == 1 else (UNKNOWN, known)


def remaining(text: str) -> tuple[str, ...]:
    """Names of the variables that an expanded text still holds."""
    if "${" not in text:
        return ()
    names, at = [], 0
    while (at := text.find("${", at)) >= 0:
        end = at + 2
        while end < len(text) and (text[end].isalnum() or text[end] in "_@*#?"):
            end += 1
        names.append(text[at + 2 : end])
        at = end
    return tuple(dict.fromkeys(names))


def default_values(text: str) -> Iterator[tuple[str, str]]:
    """Name and default of every `${NAME:-default}` in a text."""
    at = 0
    while (at := text.find("${", at)) >= 0:
        name, operator, default = text[at + 2 : closing(text, at)].partition(":-")
        if operator and closing(text, at) > 0:
            yield name, default
        at += 2


def defaults(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with every `${NAME:-default}` replaced by its default, and those names."""
    names: list[str] = []
    at = 0
    while (at := text.find("${", at)) >= 0:
        end = closing(text, at)
        name, operator, default = text[at + 2 : end].partition(":-")
        if operator and end > 0:
            names.append(name)
            text = text[:at] + default + text[end + 1 :]
        else:
            at += 2
    return text, tuple(dict.fromkeys(names))


def resolved(scope: Scope) -> Scope:
    """Variables whose text names others, replaced until nothing changes (five rounds)."""
    for _ in range(5):
        changed = dict(scope.variables)
        for name, bound in scope.variables.items():
            text = bound.text
            for other in remaining(text):
                inner = scope.variables.get(other)
                if inner is not None and other != name and not inner.choices:
                    text = replaced(text, "${" + other + "}", inner.text)
            if text != bound.text:
                changed[name] = replace(bound, text=text)
        if changed == scope.variables:
            break
        scope = replace(scope, variables=changed)
    return scope


NESTED = 50
"""Defaults inside one another that are read; to read them all takes the square of their number."""


def closing(text: str, start: int) -> int:
    """Where the `${` at `start` ends; -1 when it does not, or holds more than `NESTED`."""
    depth, at = 0, start
    while (end := text.find("}", at)) >= 0:
        depth += text.count("${", at, end)
        if depth > NESTED:
            return -1
        depth -= 1
        if not depth:
            return end
        at = end + 1
    return -1


def fields(text: str, signs: str | None = None) -> list[str]:
    """Word splitting of an expanded text at `signs` (None: blanks); what stands inside `${...}`
    does not split."""
    found, current, depth = [], "", 0
    for at, char in enumerate(text):
        if (char.isspace() if signs is None else char in signs) and not depth:
            found += [current] if current else []
            current = ""
            continue
        if text.startswith("${", at):
            depth += 1
        elif char == "}" and depth:
            depth -= 1
        current += char
    return [*found, current] if current else found


def bound_to(word: ShellWord, scope: Scope, source: Source) -> Bound:
    """What a variable holds once the word is assigned to it. A word that is one variable
    hands on where that one was written."""
    text, choices = expand(_at_home(word), scope)
    place = source.place(word.span)
    first = word.parts[0] if len(word.parts) == 1 else None
    if isinstance(first, Opaque) and first.text.startswith("("):
        given = None if first.elements is None else words_of(first.elements, scope, source)
        known = given is not None and not any(value.choices for value in given)
        array = tuple(_apart(value) for value in given or ()) if known else None
        return Bound(text, place=place, array=array)
    if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
        through = scope.look(word.parts[0].name)
        if through is not None and through.place is not None:
            place = through.place
    return Bound(text, choices, place, follows=_follows(word.parts, scope))


def _apart(value: Value) -> Value:
    """A word as an element of an array: it has no place where it is used."""
    return replace(value, place=None, origin=value.origin or value.place)


def _at_home(word: ShellWord) -> tuple[Part, ...]:
    """The parts of a word, with a `~` in front as `$HOME`; the home of another user is unknown."""
    first = word.parts[0] if word.parts else None
    if not word.written.startswith("~") or not isinstance(first, Literal):
        return word.parts
    name, slash, rest = first.text[1:].partition("/")
    home: Part = Opaque(f"~{name}") if name else Variable("HOME")
    return (home, Literal(slash + rest), *word.parts[1:])


def value_of(word: ShellWord, scope: Scope, source: Source) -> Value:
    """The word as a value."""
    text, choices = expand(_at_home(word), scope)
    bound = None
    carrier = ""
    if len(word.parts) == 1 and isinstance(word.parts[0], Variable):
        carrier = word.parts[0].name
        bound = scope.look(carrier)
    return Value(
        word.written,
        text,
        remaining(text),
        choices,
        source.place(word.span),
        bound.place if bound is not None else None,
        carrier,
        word.mapped,
        _follows(word.parts, scope),
    )


def words_of(words: tuple[ShellWord, ...], scope: Scope, source: Source) -> tuple[Value, ...]:
    """The words after expansion; an unquoted variable may give several or none.

    `"$@"` gives the caller's own words with their places, so that a command handed to a
    function reads as it stands in the call.
    """
    found: list[Value] = []
    for word in words:
        several = _several(word, scope, source)
        if several is not None:
            found += several
            continue
        value = value_of(word, scope, source)
        split = not word.quoted and not value.choices and _has_unquoted(word)
        texts = _fields(value.text, scope) if split else (value.text,)
        if len(texts) > 1 and _quotes_blank(word, scope):
            texts = (UNKNOWN,)
        found += [value] if len(texts) == 1 else _each(texts, word, source, value.follows)
    return tuple(found)


def _has_unquoted(word: ShellWord) -> bool:
    """Whether a variable stands in a word outside its quotes, so that blanks in it split."""
    variable = any(
        isinstance(part, Variable) or (isinstance(part, Opaque) and part.operation is not None)
        for part in word.parts
    )
    return variable and any(sign == "$" for _, sign in unquoted(word.written))


def _quotes_blank(word: ShellWord, scope: Scope) -> bool:
    """Whether a blank that quotes keep may stand in a word that is split (`${A:+"$B"}`)."""
    if not any(mark in word.written for mark in ("'", '"', "\\")):
        return False
    names = word.variables
    held = (bound.text for name in names if (bound := scope.look(name)) is not None)
    # Of `${A:+-f "$B"}` the blank that is written splits.
    alone = len(word.parts) == 1 and isinstance(word.parts[0], Variable)
    return not alone or any(any(map(str.isspace, text)) for text in held)


def _several(word: ShellWord, scope: Scope, source: Source) -> Iterable[Value] | None:
    """The words of `"$@"`, of all elements of an array, and of braces; None for one word."""
    first = word.parts[0] if len(word.parts) == 1 else None
    if isinstance(first, Variable) and first.name in ("@", "*") and not first.operator:
        return scope.arguments
    if isinstance(first, Opaque) and first.array:
        bound = scope.look(first.array)
        if bound is None or bound.array is None:
            return None
        if word.quoted:
            return [replace(value, written=first.text) for value in bound.array]
        texts = [text for value in bound.array for text in _fields(value.text, scope)]
        return _each(texts, word, source)
    written = word.written
    several = "{" in written and ("," in written or ".." in written) and not word.quoted
    braced = in_braces(written) if several else None  # most words have no such signs
    if braced is None:
        return None
    return _each(braced if word.value == written else (UNKNOWN,), word, source)


def _fields(text: str, scope: Scope) -> Sequence[str]:
    """The words into which the shell splits what an unquoted variable holds."""
    bound = scope.look("IFS")
    if bound is None or bound.unset:
        return fields(text)
    if "${" in bound.text or bound.choices:
        return (UNKNOWN,)
    return fields(text, bound.text)


def _each(
    texts: Iterable[str], word: ShellWord, source: Source, follows: frozenset[str] = frozenset()
) -> list[Value]:
    """Words out of an unquoted variable and its like; they have no place of their own."""
    origin = source.place(word.span)
    return [
        Value(word.written, text, remaining(text), (), None, origin, follows=follows)
        for text in texts
    ]


def cut(value: Value, size: int) -> Value:
    """The value without its first `size` characters, a flag's name and `=`.

    Its place is None, and `origin` the whole word, where the word as written does not begin
    with those characters (`$FLAG=x`).
    """
    quote = len(value.written) - len(value.inside) > 0
    inner = value.inside
    rest = Value(
        inner[size:],
        value.text[size:],
        remaining(value.text[size:]),
        tuple(choice[size:] for choice in value.choices),
        follows=value.follows,
    )
    place = value.place
    if place is None or value.mapped is None or inner[:size] != value.text[:size]:
        return replace(rest, origin=value.origin or place)
    mapped = value.mapped.slice(size + quote, len(value.written) - quote)
    span = (
        mapped.span(0, len(mapped.text))
        if mapped.text
        else Span(place.span.end - quote, place.span.end - quote)
    )
    position = place.position._replace(column=place.position.column + size + quote)
    return replace(rest, place=Place(place.path, span, position), mapped=mapped)
