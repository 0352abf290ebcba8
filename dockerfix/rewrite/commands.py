"""Build commands in scripts: other words for Dockerfile, target, context and build arguments.

A command in a loop, a matrix or a shell function stands for several builds. What is the same
for all of them is written into the command; what differs is written where the difference
comes from: the argument of a call, a variable that the command has anyway, or a parameter
that the function gains, with today's value as its default. Knows words of shells; what a
build means is the gate's business, which reads every call site again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from dockerfix.facts.model import Build, Call, SiteKind, Tool, Value
from dockerfix.facts.repository import Facts
from dockerfix.rewrite.expansions import expansions, leading, of_the_shell, standing
from dockerfix.rewrite.wanted import Change, Edits, Refused
from dockerfix.syntax.shell import Assignment, Variable, parse_shell
from dockerfix.text import Edit, MappedText, Place, Source, Span, relative_path

_ROOTS = ("${CI_PROJECT_DIR}", "$CI_PROJECT_DIR", "${GITHUB_WORKSPACE}", "$GITHUB_WORKSPACE")


def set_command(facts: Facts, changes: Sequence[Change], others: Sequence[Build]) -> Edits:
    """Edits of one command and of the calls that lead to it.

    `changes` are builds of one command; `others` are builds of the same command that must
    stay as they are. Raises `Refused`.
    """
    return _Command(facts, changes, others).edits()


class _Command:
    """One command and its builds. Private to `set_command`."""

    def __init__(self, facts: Facts, changes: Sequence[Change], others: Sequence[Build]) -> None:
        self.facts = facts
        self.changes = changes
        self.others = others
        first = changes[0].build
        self.place = first.site.place
        self.source = facts.snapshot.source(self.place.path)
        self.inserted: list[str] = []
        self.found: Edits = []
        self.calls: dict[Place, _CallEdit] = {}

    def edits(self) -> Edits:
        """All edits; raises `Refused`."""
        self.option("file", [_file_text(c) for c in self.changes], self.old_file)
        if any(c.wanted.context is not None for c in self.changes):
            self.context()
        if any(c.wanted.target is not None for c in self.changes):
            self.option("target", [c.wanted.target or "" for c in self.changes], _old_target)
        self.arguments()
        self.insert()
        for edit in self.calls.values():
            self.found += edit.edits(self.facts)
        return self.found

    def old_file(self, build: Build) -> str:
        """What an absent `--file` means, as it would be written."""
        if build.dockerfile_written is not None:
            return build.dockerfile_written.text
        context = build.context_written.text if build.context_written is not None else ""
        return "Dockerfile" if context in ("", ".") else f"{context.rstrip('/')}/Dockerfile"

    def refused(self, what: str, action: str) -> Refused:
        """A refusal at the command."""
        return Refused(self.place, what, action)

    def option(self, name: str, texts: list[str], old: Callable[[Build], str]) -> None:
        """Give every changed build its text for one option."""
        values = [_value(c.build, name) for c in self.changes]
        first = values[0]
        if first is None:
            if self.unchanged(name):
                return
            self.absent(name, texts, old)
            return
        if all(v is not None and v.text == text for v, text in zip(values, texts, strict=True)):
            return
        if first.place is None:
            raise self.refused(
                f"--{name} comes out of the variable {first.written}",
                f"write --{name} as a word of its own in the command",
            )
        present = [value for value in values if value is not None]
        if self.by_one_variable(present, texts) and self.at_origins(name, present, texts):
            return
        if not self.others and self.in_place(present, texts):
            return
        if self.at_origins(name, present, texts):
            return
        self.parameter(name, present, texts)

    def by_one_variable(self, values: Sequence[Value], texts: list[str]) -> bool:
        """Whether all values come out of one assignment of the same file, and become one."""
        first = values[0].origin
        if first is None or _common(texts) is None or first.path != self.place.path:
            return False
        line = self.source.line_of(first.span.start)
        before = self.source.text(Span(line.start, first.span.start)).rstrip("\"'")
        return before.endswith("=") and all(value.origin == first for value in values)

    def unchanged(self, name: str) -> bool:
        """Whether an absent `--file` means the wanted file already."""
        if name != "file":
            return False
        return all(_default_file(c) == c.wanted.dockerfile for c in self.changes)

    def absent(self, name: str, texts: list[str], old: Callable[[Build], str]) -> None:
        """An option that the command lacks: insert it, by parameter where it differs."""
        common = _common(texts) or self.template(texts)
        if common is not None and not self.others:
            self.inserted.append(f"--{name} {_quoted(common)}")
            return
        default = old(self.others[0]) if self.others else old(self.changes[0].build)
        if self.others and name == "target":
            raise self.refused(
                "the command builds other images too, and names no target",
                "build the images of this workspace with a command of their own",
            )
        if len({old(build) for build in self.others}) > 1:
            raise self.refused(
                f"the command builds other images too, and has no --{name}",
                "build the images of this workspace with a command of their own",
            )
        self.inserted.append(f'--{name} "{self.new_parameter(name, default, texts)}"')

    def in_place(self, values: list[Value], texts: list[str]) -> bool:
        """One text for all builds of the command, variables kept where they can be."""
        value = values[0]
        prefixes = [_prefix(v, text) for v, text in zip(values, texts, strict=True)]
        prefix = _common(prefixes)
        new: str | None
        if prefix is not None and value.written_variables:
            new = prefix + standing(value, self.source)
        else:
            new = _common(texts)
        if new is None:
            new = self.template(texts)
            head = self.template([p for p in prefixes if p is not None])
            if head is not None and value.written_variables:
                new = head + standing(value, self.source)
        if new is None:
            return False
        place = value.place
        if place is None:
            return False
        bare = value.inside == value.written and value.written[:1] not in ("'", '"')
        text = f'"{new}"' if bare and " " in new and " " not in value.written else new
        self.found.append((place.path, Edit(_inner(place.span, value), text.encode())))
        return True

    def template(self, texts: Sequence[str]) -> str | None:
        """One text with one expansion of the command that gives each build its own; or None."""
        builds = [change.build for change in self.changes]
        if len(texts) != len(builds) or len(texts) < 2:
            return None
        held = [expansions(build, self.source) for build in builds]
        for written in held[0]:
            values = [found.get(written, "") for found in held]
            if len(set(values)) < 2 or not all(values):
                continue
            made = {
                text.replace(value, written, 1) if value in text else ""
                for text, value in zip(texts, values, strict=True)
            }
            if len(made) == 1 and "" not in made:
                return made.pop()
        return None

    def at_origins(self, name: str, values: list[Value], texts: list[str]) -> bool:
        """Each text where it was written: an argument of a call, a value of a loop or matrix.

        Only for values that are one variable and nothing else, and whose origin is not shared
        with a build that must stay or change otherwise.
        """
        origins: dict[Place, str] = {}
        for change, value, plain in zip(self.changes, values, texts, strict=True):
            if value.origin is None or not value.carrier:
                return False
            text = self.at_origin(change, value.origin, plain) if name == "file" else plain
            if text is None:
                return False
            if origins.setdefault(value.origin, text) != text:
                return False
        kept = {
            place
            for build in self.others
            for name in ("file", "target")
            if (other := _value(build, name)) is not None and (place := other.origin) is not None
        }
        if kept & set(origins) or self.used_elsewhere(values):
            return False
        for place, text in origins.items():
            source = self.facts.snapshot.source(place.path)
            span = place.span
            if source.data[span.start : span.start + 1] in (b'"', b"'"):
                span = Span(span.start + 1, span.end - 1)
            self.found.append((place.path, Edit(span, text.encode())))
        return True

    def at_origin(self, change: Change, place: Place, text: str) -> str | None:
        """The Dockerfile as it must be written at its origin: behind the variable that the old
        path stands behind there. None where reading cannot tell the variable's folder."""
        raw = self.facts.snapshot.source(place.path).text(place.span).strip("\"'")
        if not raw.startswith("$") or "/" not in raw:
            return text
        found = leading(raw, change.build.dockerfile or "", change.build.variables)
        if found is None:
            return None
        prefix, folder = found
        return f"{prefix}/{relative_path(change.wanted.dockerfile, folder)}"

    def used_elsewhere(self, values: Sequence[Value]) -> bool:
        """Whether the carrying variable feeds another word of the command, or is a variable
        of the pipeline that other builds read."""
        carriers = {value.carrier for value in values}
        for change in self.changes:
            slots = [o.value for o in change.build.options if o.value is not None]
            own = [v for v in slots if v.carrier in carriers]
            if any(
                v.carrier not in carriers and carriers & set(v.written_variables) for v in slots
            ):
                return True
            if len({v.place for v in own}) > 1:
                return True
        inside = {p for c in self.changes for call in c.build.calls for p in call.arguments}
        origins = {value.origin for value in values}
        if origins <= inside:
            return False
        mine = {id(c.build) for c in self.changes}
        return any(
            value.origin in origins
            for build in self.facts.builds.builds
            if id(build) not in mine
            for value in (build.target, build.dockerfile_written, *build.tags)
            if value is not None and value.origin is not None
        )

    def parameter(self, name: str, values: list[Value], texts: list[str]) -> None:
        """Give the function a parameter with the word of today as its default."""
        value = values[0]
        heads = [_prefix(v, text) for v, text in zip(values, texts, strict=True)]
        local = _local_names(self.changes[0].build, self.facts)
        keeps = bool(value.written_variables) and not local & set(value.written_variables)
        arguments = [
            head + value.inside if keeps and head is not None else text
            for head, text in zip(heads, texts, strict=True)
        ]
        new = self.new_parameter(name, value.inside, arguments)
        place = value.place
        if place is not None:
            quoted = value.written[:1] in ("'", '"') or _joined(self.changes[0].build, name)
            text = new if quoted else f'"{new}"'
            self.found.append((place.path, Edit(_inner(place.span, value), text.encode())))

    def new_parameter(self, name: str, default: str, texts: Sequence[str]) -> str:
        """Add a parameter to the innermost function and pass `texts`; the expansion to write."""
        calls = [c.build.calls[-1] if c.build.calls else None for c in self.changes]
        call = calls[0]
        if call is None or any(c is None or c.body != call.body for c in calls):
            raise self.refused(
                f"one command serves several images whose --{name} differ now",
                "write one command for each image, or put them into a shell function",
            )
        if call.parameters is None:
            raise self.refused(
                f"the function {call.name} takes all its arguments at once",
                'give it named parameters (`local file="$1"`)',
            )
        number = max(call.parameters, *self.lengths(call)) + 1
        taken = {argument.number for edit in self.calls.values() for argument in edit.added}
        while number in taken:
            number += 1
        for own, text in zip(calls, texts, strict=True):
            if own is not None:
                edit = self.calls.setdefault(own.place, _CallEdit(own))
                edit.add(number, text, self)
        return self.declared(call, name, number, default)

    def lengths(self, function: Call) -> Iterator[int]:
        """How many words each call gives the function, some of which it may not read."""
        yield 0
        for build in self.facts.builds.builds:
            yield from (len(c.arguments) for c in build.calls if c.body == function.body)

    def declared(self, call: Call, name: str, number: int, default: str) -> str:
        """`${name}` after a new `local` line where the function has such lines, else the
        bare parameter with its default."""
        source = self.facts.snapshot.source(call.body.path)
        mapped = _body_text(self.facts, call)
        locals_ = [
            item
            for item in parse_shell(mapped).statements
            for item in _assignments(item)
            if item.local and item.value is not None and _is_parameter(item)
        ]
        if not locals_:
            return f"${{{number}:-{default}}}"
        held = self.changes[0].build.variables
        own = next(n for n in (name, f"build_{name}", f"image_{name}") if n not in held)
        last = locals_[-1]
        line = source.line_of(last.span.start)
        start = source.text(Span(line.start, line.end))
        indent = start[: len(start) - len(start.lstrip())]
        newline = "\r\n" if start.endswith("\r\n") else "\n"
        text = f'{indent}local {own}="${{{number}:-{default}}}"{newline}'
        self.found.append((call.body.path, Edit(Span(line.end, line.end), text.encode())))
        return f"${{{own}}}"

    def context(self) -> None:
        """The context, a word without a flag (with one for kaniko)."""
        texts = [_context_text(c) for c in self.changes]
        values = [c.build.context_written for c in self.changes]
        present = [value for value in values if value is not None]
        if len(present) != len(values) or present[0].place is None:
            raise self.refused("the context is not a word of the command", "write it out")
        if all(v.text == text for v, text in zip(present, texts, strict=True)):
            return
        if not self.others and self.in_place(present, texts):
            return
        if self.at_origins("context", present, texts):
            return
        self.parameter("context", present, texts)

    def arguments(self) -> None:
        """Build arguments and named contexts: words of the command, or words in a parameter
        that splits."""
        wanted = [c.wanted.flags for c in self.changes]
        if not any(wanted):
            return
        named = any(c.wanted.named_contexts for c in self.changes)
        if named and self.changes[0].build.tool is Tool.KANIKO:
            raise self.refused("kaniko knows no named contexts", "give it a build argument")
        if not self.others and all(item == wanted[0] for item in wanted):
            for flag in wanted[0]:
                name, _, text = flag.partition(" ")
                self.inserted.append(f"{name} {_quoted(text)}")
            return
        for change in self.changes:
            self.split_argument(change)

    def split_argument(self, change: Change) -> None:
        """Flags inside the unquoted parameter that the function hands on."""
        calls = change.build.calls
        number = _splitting_parameter(self.facts, change.build)
        if not calls or number is None:
            raise self.refused(
                "the command builds other images too, and has no place for one build argument",
                "give the function a parameter for more flags (`${extra_args}`)"
                if calls
                else "give this image a command of its own",
            )
        words = " ".join(change.wanted.flags)
        edit = self.calls.setdefault(calls[-1].place, _CallEdit(calls[-1]))
        edit.extend(number, words, self)

    def insert(self) -> None:
        """New options before the context; behind the last option where there is none."""
        if not self.inserted:
            return
        build = self.changes[0].build
        if build.site.kind is SiteKind.PYTHON:
            raise self.refused(
                "a list of words in Python has no place for new flags that is sure",
                f"add {' '.join(self.inserted)} by hand",
            )
        context = build.context_written
        place = context.place if context is not None and build.tool is not Tool.KANIKO else None
        if place is None:
            last = max((o.place.span for o in build.options if o.place is not None), default=None)
            end = last.end if last is not None else self.place.span.end
            joint = _joint(self.source, last.start) if last is not None else " "
            text = "".join(joint + option for option in self.inserted)
            self.found.append((self.place.path, Edit(Span(end, end), text.encode())))
            return
        start = self.word_start(place.span.start)
        joint = _joint(self.source, start)
        text = "".join(option + joint for option in self.inserted)
        self.found.append((place.path, Edit(Span(start, start), text.encode())))

    def word_start(self, context: int) -> int:
        """Where new words go: before the context, or on a line of their own above its line
        when the command stands on several lines."""
        line = self.source.line_of(context)
        if line.start <= self.place.span.start:
            return context
        text = self.source.text(Span(line.start, context))
        return line.start + len(text) - len(text.lstrip())


class _Argument(Struct, frozen=True):
    number: int
    text: str


class _CallEdit:
    """Arguments that one call of a function gains."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.added: list[_Argument] = []
        self.found: Edits = []

    def add(self, number: int, text: str, command: _Command) -> None:
        """Pass `text` as the parameter of that number."""
        same = next((a for a in self.added if a.number == number), None)
        if same is not None and same.text != text:
            raise command.refused(
                f"one call of {self.call.name} builds several images",
                "write one call for each image",
            )
        if same is None:
            self.added.append(_Argument(number, text))

    def extend(self, number: int, words: str, command: _Command) -> None:
        """Append words to the argument of that number, or pass them."""
        place = self.call.arguments[number - 1] if number <= len(self.call.arguments) else None
        if place is None:
            if number <= len(self.call.arguments):
                raise command.refused("an argument of the call is hidden", "write it out")
            self.add(number, words, command)
            return
        data = command.facts.snapshot.read(place.path)
        text = data[place.span.start : place.span.end]
        if text[:1] in (b'"', b"'"):
            end = place.span.end - 1
            gap = b" " if len(text) > 2 else b""
            self.found.append((place.path, Edit(Span(end, end), gap + words.encode())))
            return
        new = b'"' + text + b" " + words.encode() + b'"'
        self.found.append((place.path, Edit(place.span, new)))

    def edits(self, facts: Facts) -> Edits:
        """The edits of this call; missing arguments before the new ones are passed empty."""
        if not self.added:
            return self.found
        have = len(self.call.arguments)
        texts = {a.number: a.text for a in self.added}
        words = [
            f'"{texts[number]}"' if number in texts else '""'
            for number in range(have + 1, max(texts) + 1)
        ]
        end = self.call.place.span.end
        return [
            *self.found,
            (self.call.place.path, Edit(Span(end, end), f" {' '.join(words)}".encode())),
        ]


def _value(build: Build, name: str) -> Value | None:
    return build.dockerfile_written if name == "file" else build.target


def _old_target(build: Build) -> str:
    return build.target.text if build.target is not None else ""


def _joined(build: Build, name: str) -> bool:
    return any(o.joined and o.name == name for o in build.options)


def _default_file(change: Change) -> str:
    context = change.build.context if change.wanted.context is None else change.wanted.context
    return f"{context}/Dockerfile" if context else "Dockerfile"


def _rooted(written: str) -> str:
    return next((root for root in _ROOTS if written.strip("\"'").startswith(f"{root}/")), "")


def _file_text(change: Change) -> str:
    """The Dockerfile as the command must name it, written as the old one was."""
    build, path = change.build, change.wanted.dockerfile
    old = build.dockerfile_written
    written = old.written if old is not None else ""
    root = _rooted(written)
    if root:
        return f"{root}/{path}"
    if old is not None and path == build.dockerfile and build.tool is not Tool.KANIKO:
        return old.text
    if old is not None and old.inside.startswith(("$", '"$')) and "/" in old.inside:
        return _behind_variable(build, old, path)
    if build.tool is Tool.KANIKO:
        context = build.context if change.wanted.context is None else change.wanted.context
        return relative_path(path, context or "")
    text = relative_path(path, build.folder)
    plain = old.text if old is not None else ""
    return f"./{text}" if plain.startswith("./") and not text.startswith(".") else text


def _behind_variable(build: Build, old: Value, path: str) -> str:
    """A path behind the variable that the old one stands behind, so that it works from wherever
    the old one worked; raises `Refused` where reading cannot tell the variable's folder."""
    found = leading(old.inside, build.dockerfile or "", build.variables)
    literal = old.mapped is None or old.mapped.is_literal(0, len(old.written))
    if found is None or not literal:
        what = f"its Dockerfile is {old.written}, and the folder of the variable is not known"
        raise Refused(build.site.place, what, "change the path by hand")
    prefix, folder = found
    return f"{prefix}/{relative_path(path, folder)}"


def _context_text(change: Change) -> str:
    build, context = change.build, change.wanted.context or ""
    old = build.context_written
    written = old.written if old is not None else ""
    root = next((r for r in _ROOTS if r in written), "")
    if root:
        head = "dir://" if "dir://" in written else ""
        return f"{head}{root}/{context}" if context else f"{head}{root}"
    if old is not None and context == build.context:
        return old.text
    if old is not None and old.inside.startswith(("$", '"$')) and not old.carrier:
        return _context_behind_variable(build, old, context)
    text = relative_path(context, build.folder)
    plain = old.text if old is not None else ""
    return f"./{text}" if plain.startswith("./") and not text.startswith(".") else text


def _context_behind_variable(build: Build, old: Value, context: str) -> str:
    """A context behind the variable that the old one is, or stands behind."""
    found: tuple[str, str] | None = (old.inside, build.context or "")
    if "/" in old.inside:
        found = leading(old.inside, build.context or "", build.variables)
    if found is None or build.context is None:
        what = f"its context is {old.written}, and the folder of the variable is not known"
        raise Refused(build.site.place, what, "change the context by hand")
    prefix, folder = found
    return f"{prefix}/{relative_path(context, folder)}"


def _inner(span: Span, value: Value) -> Span:
    """The span without the quotes that the written word brings along."""
    return span if value.inside == value.written else Span(span.start + 1, span.end - 1)


def _quoted(text: str) -> str:
    shells = "$" in text and of_the_shell(text[text.index("$") :])
    return f'"{text}"' if shells or " " in text else text


def _prefix(value: Value, text: str) -> str | None:
    """What stands before the old text in the new one; None when it does not end in it."""
    return text[: len(text) - len(value.text)] if value.text and text.endswith(value.text) else None


def _common(texts: Sequence[str | None]) -> str | None:
    return texts[0] if texts and all(text == texts[0] for text in texts) else None


def _local_names(build: Build, facts: Facts) -> frozenset[str]:
    """Variables that only live inside the innermost function of a build."""
    if not build.calls:
        return frozenset()
    script = parse_shell(_body_text(facts, build.calls[-1]))
    found = {a.name for item in script.statements for a in _assignments(item) if a.local}
    return frozenset(found) | frozenset(str(number) for number in range(1, 10))


def _splitting_parameter(facts: Facts, build: Build) -> int | None:
    """The number of the parameter that the command takes unquoted and whole, so that several
    words in it become several words of the command."""
    if not build.calls:
        return None
    script = parse_shell(_body_text(facts, build.calls[-1]))
    named = {
        a.name: int(part.name)
        for item in script.statements
        for a in _assignments(item)
        if a.value is not None and _is_parameter(a)
        for part in a.value.parts[:1]
        if isinstance(part, Variable)
    }
    for command in script.commands():
        span = command.span
        if span != build.site.place.span:
            continue
        for word in command.words:
            part = word.parts[0] if len(word.parts) == 1 and not word.quoted else None
            if isinstance(part, Variable):
                number = named.get(part.name, int(part.name) if part.name.isdecimal() else 0)
                if number:
                    return number
    return None


def _body_text(facts: Facts, call: Call) -> MappedText:
    """The function's body with its places; a body inside YAML keeps its indentation, which
    shells do not mind."""
    source = facts.snapshot.source(call.body.path)
    span = call.body.span
    if source.data[span.start : span.start + 1] == b"{":
        span = Span(span.start + 1, span.end - 1)
    return MappedText.whole(source.data, span)


def _assignments(item: object) -> list[Assignment]:
    return [item] if isinstance(item, Assignment) else []


def _is_parameter(item: Assignment) -> bool:
    first = item.value.parts[:1] if item.value is not None else ()
    return any(isinstance(part, Variable) and part.name.isdecimal() for part in first)


def _joint(source: Source, start: int) -> str:
    """What separates words where `start` begins one: a blank, or a continued line."""
    line = source.line_of(start)
    before = source.text(Span(line.start, start))
    if before.strip() or line.start == 0:
        return " "
    previous = source.text(source.line_of(line.start - 1)).rstrip("\r\n")
    newline = "\r\n" if source.data[line.start - 2 : line.start] == b"\r\n" else "\n"
    if previous.endswith("\\"):
        return f" \\{newline}{before}"
    return f"{newline}{before}"
