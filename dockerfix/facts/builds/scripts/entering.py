"""What a command enters: a function, a script, a Makefile's rule, or a text that it is given.

The body is followed with the caller's arguments, variables and folder. Knows what may be
entered; how a body is followed stands in `follow`.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dockerfix.facts.builds.files.unread import BUILD_TEXT
from dockerfix.facts.commands.gathered import Carrier
from dockerfix.facts.commands.recognise import unwrapped
from dockerfix.facts.model import Call, Value
from dockerfix.facts.shell.script_files import read_script, script_path
from dockerfix.facts.shell.state import Ended, State
from dockerfix.facts.shell.words import Scope, key_of
from dockerfix.syntax.shell import (
    SHELLS,
    Command,
    Function,
    Opaque,
    parse_shell,
)
from dockerfix.text import MappedText, Place

if TYPE_CHECKING:
    from dockerfix.facts.builds.scripts.following import Following
    from dockerfix.facts.make import MakeCall, Makefile

_DEPTH = 12
"""Calls of functions, scripts and Makefiles inside one another that are followed."""
_GIVES_TEXT = re.compile(r"-[a-z]*c[a-z]*")
_MAKE = frozenset({"make", "gmake"})


def enter_function(
    follower: Following,
    item: Command,
    words: tuple[Value, ...],
    carrier: Carrier,
    state: State,
    depth: int,
) -> None:
    """A call: the body with the caller's arguments; `cd` and globals last."""
    name = words[0].text
    function, source = state.functions[name]
    said = (*(word.text for word in words), source.text(function.body_span))
    if _only_says(function) and not any(w in text for text in said for w in follower.words):
        return
    follower.found.entered.add(f"{source.path}:{name}()")
    given = tuple(word.text for word in words)
    if given in carrier.active:
        return
    if depth > _DEPTH:
        if BUILD_TEXT.search(source.text(function.body_span)):
            follower.blind(carrier.source.place(item.span), "a call", f"{name} calls too deep")
        return
    outer, shape = state.scope, follower.shape(function)
    place = source.place(function.body_span)
    called = replace(_called(carrier, item, words, place, shape.parameters), source=source)
    state.scope = outer.called(words[1:])
    follower.statements(function.body, called, state, depth + 1)
    if state.ended is Ended.FUNCTION:
        state.ended = Ended.NO
    state.scope = _after_call(outer, state.scope, shape.own)


def _called(
    carrier: Carrier,
    item: Command,
    words: tuple[Value, ...],
    body: Place,
    parameters: int | None,
) -> Carrier:
    """What carries a function's body: this call with its words behind the ones before."""
    name = words[0].text
    given = tuple(word.place for word in words[1:])
    call = Call(name, carrier.source.place(item.span), given, body, parameters)
    return replace(
        carrier,
        through=(*carrier.through, name),
        calls=(*carrier.calls, call),
        active=(*carrier.active, tuple(word.text for word in words)),
    )


def enter_script(
    follower: Following,
    words: tuple[Value, ...],
    carrier: Carrier,
    state: State,
    scope: Scope,
    depth: int,
) -> bool:
    """A script of the repository, run or sourced; False when it is none."""
    words = unwrapped(words)
    if not words or state.folder is None or depth > _DEPTH:
        return False
    sourced = words[0].text in (".", "source")
    at = _script_word(words, sourced)
    if at >= len(words) or (at == 0 and "/" not in words[0].text):
        return False
    path = script_path(words[at].text, state.folder)
    if path is None:  # it may lie in the repository where it runs in another folder
        follower.snapshot.looks.paths.add(words[at].text)
    script = read_script(follower.snapshot, path) if path is not None else None
    if script is None or path is None:
        return False
    follower.found.entered.add(path)
    key = (path, words[at + 1 :], state.folder, scope.key)
    if not sourced and follower.is_known(key):
        return True
    called = replace(
        carrier, source=follower.snapshot.source(path), through=(*carrier.through, path), calls=()
    )
    mapped = MappedText.whole(called.source.data)
    seen = scope if sourced else scope.environment
    scope = replace(seen.called(words[at + 1 :]), script=path)
    inner = State(state.folder, scope, conditional=state.conditional)
    if sourced:
        inner.functions, inner.exports = state.functions, state.exports
    with follower.remembered(key):
        follower.script(script, mapped, called, inner, depth + 1)
    if sourced:
        state.folder = inner.folder
        state.scope = replace(inner.scope, arguments=scope.arguments, script=state.scope.script)
        state.exports = inner.exports
    return True


def _script_word(words: tuple[Value, ...], sourced: bool) -> int:
    """Which word may name a script: the command itself, or the first behind a shell's flags."""
    if not sourced and posixpath.basename(words[0].text) not in SHELLS:
        return 0
    flags = (n for n, w in enumerate(words[1:], 1) if not w.text.startswith("-"))
    return next(flags, len(words))


def enter_text(
    follower: Following,
    item: Command,
    words: tuple[Value, ...],
    carrier: Carrier,
    state: State,
    depth: int,
) -> bool:
    """`sh -c "..."`, `eval "..."` and `bash <<EOF`: a text that stands in the command."""
    name = posixpath.basename(words[0].text)
    if depth > _DEPTH or len(words) != len(item.words):
        return False
    texts: list[MappedText] = []
    if name == "eval" and len(words) == 2:
        texts = [text for text in (item.words[1].content,) if text is not None]
    elif name in SHELLS and (at := _text_word(words)):
        texts = [text for text in (item.words[at].content,) if text is not None]
        if item.words[at].written.startswith("'"):
            state.scope = state.scope.environment.called(words[at + 2 :])
        elif len(words) > at + 1:
            return False  # which of the parameters are the text's own is not told apart
    elif name in SHELLS and all(word.text.startswith("-") for word in words[1:]):
        texts = list(item.heredocs)
    for text in texts:
        follower.script(parse_shell(text), text, carrier, state, depth + 1)
    return bool(texts)


def _text_word(words: tuple[Value, ...]) -> int:
    """Which word is the text of `sh -c`, behind flags alone; 0 for none."""
    for at, word in enumerate(words[1:-1], 1):
        if not word.text.startswith("-"):
            return 0
        if _GIVES_TEXT.fullmatch(word.text):
            return at + 1
    return 0


def enter_make(
    follower: Following, words: tuple[Value, ...], carrier: Carrier, state: State, depth: int
) -> bool:
    """`make target NAME=value`: the recipes of the rules, prerequisites first."""
    words = unwrapped(words)
    if not words or posixpath.basename(words[0].text) not in _MAKE or depth > _DEPTH:
        return False
    from dockerfix.facts.make import make_words

    call = make_words(words[1:], state.folder)
    if call is None:
        return False
    follower.carries = False  # a Makefile is read once, and looks then at what it includes
    makefile = follower.makefiles.find(call)
    if makefile is None:
        return False
    key = (makefile.path, call.targets, call.folder, key_of(call.variables), state.scope.key)
    if not follower.is_known(key):
        with follower.remembered(key):
            _made(follower, makefile, call, carrier, state, depth)
    return True


def _made(
    follower: Following,
    makefile: Makefile,
    call: MakeCall,
    carrier: Carrier,
    state: State,
    depth: int,
) -> None:
    """The recipes that a call of make runs."""
    whole = makefile.expander(call, state.scope.environment)
    for rule, target in makefile.wanted(call.targets):
        follower.found.entered.add(f"{rule.source.path}:{target}")
        if not makefile.says(rule, follower.words):
            continue
        expander = makefile.of_target(whole, rule, target)
        scope = makefile.scope(expander)
        through = (*carrier.through, f"make {target}")
        called = replace(carrier, source=rule.source, through=through, calls=())
        for text in makefile.recipe(expander, rule):
            inner = State(call.folder, scope, conditional=state.conditional)
            follower.script(parse_shell(text), text, called, inner, depth + 1)


_SAYING = frozenset({"echo", "printf", ":", "true"})


def _only_says(function: Function) -> bool:
    """Whether a body prints and does nothing else, as the functions of a script's log do."""
    return all(
        isinstance(item, Command)
        and item.name in _SAYING
        and not item.assignments
        and not item.heredocs
        and not any(isinstance(part, Opaque) for word in item.words for part in word.parts)
        for item in function.body
    )


def _after_call(outer: Scope, inner: Scope, own: frozenset[str]) -> Scope:
    """The caller's variables with what the function assigned and did not keep as its `own`."""
    kept = {
        name: bound
        for name, bound in inner.variables.items()
        if not name.isdecimal() and name not in own and name != "#"
    }
    hidden = (inner.own - own) | (outer.own & own)
    return replace(outer, variables={**outer.variables, **kept}, own=hidden)
