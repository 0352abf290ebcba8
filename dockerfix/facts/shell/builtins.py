"""What a shell does itself to folders, variables and its own end, without a command.

Follows "Shell Builtin Commands" of the bash manual as far as builds need it. Changes the state
of the script; finds nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from dockerfix.facts.model import Value
from dockerfix.facts.shell.paths import moved
from dockerfix.facts.shell.read_words import BLANKS, read_fields
from dockerfix.facts.shell.state import Ended, State
from dockerfix.facts.shell.words import OPAQUE, Bound, Scope, remaining


def run_builtin(
    words: tuple[Value, ...], state: State, scope: Scope, given: Bound | None = None
) -> bool:
    """Do what the shell does itself; False when the words are another command. `scope` has the
    assignments before it too, and `given` is the text behind `<<<`."""
    name = words[0].text
    if name in ("cd", "pushd", "popd"):
        moved(words, state)
    elif name in ("exit", "return"):
        state.ended = Ended.SCRIPT if name == "exit" else Ended.FUNCTION
        state.satisfied = name == "exit" and [word.text for word in words[1:]] in ([], ["0"])
    elif name == "shift":
        _shift(words, state)
    elif name == "set" and any(word.text == "--" for word in words):
        at = next(n for n, word in enumerate(words) if word.text == "--")
        state.scope = state.scope.called(words[at + 1 :])
    elif name == "set" and any(word.text in ("-a", "+a", "allexport") for word in words):
        state.exports = words[1].text.startswith("-")
    elif name == "export":
        state.scope = replace(state.scope, own=state.scope.own - {word.text for word in words})
    elif name == "read" and given is not None and not given.choices:
        _read(words, state, scope, given)
    elif name in ("read", "mapfile", "readarray", "getopts", "unset"):
        for word in words[1:]:
            if word.text.isidentifier():
                held = Bound("", unset=True) if name == "unset" else _unknown(word.text)
                state.assign(word.text, held)
    else:
        return False
    return True


def _read(words: tuple[Value, ...], state: State, scope: Scope, given: Bound) -> None:
    """`read -r A B` of a text: its fields, or unknown ones."""
    flags = [word.text for word in words[1:] if word.text.startswith("-")]
    names = [word.text for word in words[1:] if word.text.isidentifier()]
    array = "a" in "".join(flags)
    ifs = scope.look("IFS")
    signs = BLANKS if ifs is None or ifs.unset else ifs.text
    plain = set("".join(flags)) <= set("-ra") and len(flags) + len(names) == len(words) - 1
    raw = "r" in "".join(flags) or "\\" not in given.text
    fields = None
    if plain and raw and (ifs is None or not ifs.choices) and "${" not in signs:
        fields = read_fields(given.text, signs, None if array else len(names))
    for at, name in enumerate(names):
        held = _unknown(name)
        if fields is not None and array:
            elements = (Value(f, f, remaining(f), origin=given.place) for f in fields)
            held = Bound(_unknown(OPAQUE).text, place=given.place, array=tuple(elements))
        elif fields is not None:
            held = Bound("".join(fields[at : at + 1]), place=given.place)
        state.scope = state.scope.bind(name, held)


def _shift(words: tuple[Value, ...], state: State) -> None:
    count = int(words[1].text) if len(words) > 1 and words[1].text.isdecimal() else 1
    if state.scope.arguments is not None:
        state.scope = state.scope.called(state.scope.arguments[count:])
        return
    kept = {k: v for k, v in state.scope.variables.items() if not k.isdecimal()}
    for number in range(1, 10):
        kept[str(number)] = _unknown(OPAQUE)
    state.scope = replace(state.scope, variables=kept)


def _unknown(name: str) -> Bound:
    return Bound("${" + name + "}")
