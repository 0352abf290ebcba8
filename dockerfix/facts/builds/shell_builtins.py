"""What a shell does itself to folders, variables and its own end, without a command.

Follows "Shell Builtin Commands" of the bash manual as far as builds need it. Changes the state
of the script; finds nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from dockerfix.facts.builds.paths import moved
from dockerfix.facts.builds.state import Ended, State
from dockerfix.facts.builds.words import OPAQUE, Bound
from dockerfix.facts.model import Value


def run_builtin(words: tuple[Value, ...], state: State) -> bool:
    """Do what the shell does itself; False when the words are another command."""
    name = words[0].text
    if name in ("cd", "pushd", "popd"):
        moved(words, state)
    elif name in ("exit", "return"):
        state.ended = Ended.SCRIPT if name == "exit" else Ended.FUNCTION
    elif name == "shift":
        _shift(words, state)
    elif name == "set" and any(word.text == "--" for word in words):
        at = next(n for n, word in enumerate(words) if word.text == "--")
        state.scope = state.scope.called(words[at + 1 :])
    elif name == "set" and any(word.text in ("-a", "+a", "allexport") for word in words):
        state.exports = words[1].text.startswith("-")
    elif name == "export":
        state.scope = replace(state.scope, own=state.scope.own - {word.text for word in words})
    elif name in ("read", "mapfile", "readarray", "getopts", "unset"):
        for word in words[1:]:
            if word.text.isidentifier():
                held = Bound("", unset=True) if name == "unset" else _unknown(word.text)
                state.scope = state.scope.bind(word.text, held)
    else:
        return False
    return True


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
