"""GitLab jobs that become one: its rules and needs cover theirs, and who needed them needs it.

The first job's text is edited, the others' is taken out; comments that stood in what goes are
carried over. Knows the keys of a job; what the one job runs is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Any

from msgspec import Struct, field

from dockerfix.facts.gitlab.pipeline import Job, Need, Pipeline
from dockerfix.rewrite.wanted import Edits, Refused
from dockerfix.rewrite.yaml_edits import (
    column,
    comments_above,
    dash_indent,
    entry_lines,
    indent_step,
    inserted_line,
    line_end,
    quoted,
    removed_entry,
    removed_item,
    set_scalar,
    shared_anchor,
    written,
)
from dockerfix.syntax.yaml.tree import Entry, Node, Scalar, to_data
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Sequence as YamlSequence
from dockerfix.text import Edit, Source, Span

_OWN = frozenset({"script", "rules", "needs", "variables", "extends", "parallel", "dependencies"})
"""Keys in which jobs that become one may differ, or which are looked at on their own."""


class Joined(Struct, frozen=True):
    """What the one job is: its name and the items of its script, as YAML texts.

    `dropped` names variables that only told the old jobs apart; `paths` maps files that go to
    those that come, for globs in rules that are written anew.
    """

    name: str
    script: tuple[str, ...]
    dropped: frozenset[str] = frozenset()
    paths: Mapping[str, str] = field(default_factory=dict)


def check_joinable(pipeline: Pipeline, jobs: Sequence[Job]) -> None:
    """Raises `Refused` when the jobs differ in more than one job can be."""
    first = jobs[0]
    keys = {key for job in jobs for key in job.keys} - _OWN
    for key in sorted(keys):
        for job in jobs[1:]:
            if _data(job.keys.get(key)) != _data(first.keys.get(key)):
                raise Refused(
                    job.place,
                    f"{job.name} and {first.name} differ in `{key}:`",
                    "give both jobs the same value",
                )
    for job in jobs:
        if job.body is None or job.file is not first.file:
            raise Refused(job.place, f"{job.name} is defined elsewhere", "define it in one file")
        if job.body.flow:
            raise Refused(job.place, f"{job.name} is a flow mapping", "write its keys as lines")
    anchor = shared_anchor(first.file, [job.entry.span for job in jobs])
    if anchor:
        raise Refused(
            first.place, f"other jobs use the anchor &{anchor}", "move the anchor to a hidden job"
        )
    names = {job.name for job in jobs}
    for other in pipeline.jobs.values():
        extended = _texts(other.body.get("extends") if other.body is not None else None)
        if other.name not in names and names & set(extended):
            raise Refused(
                other.place, f"{other.name} extends a job that is to go", "extend a hidden job"
            )
    united_rules(jobs)


def join_jobs(pipeline: Pipeline, jobs: Sequence[Job], joined: Joined) -> Edits:
    """All edits of the pipeline's files; raises `Refused` (see `check_joinable`)."""
    check_joinable(pipeline, jobs)
    first = jobs[0]
    path = first.file.source.path
    edits: Edits = [
        (path, Edit(first.entry.key.span, key_text(joined.name, first.entry.key.style).encode()))
    ]
    carried: list[str] = []
    removed: list[Span] = []
    for job in jobs[1:]:
        span, comments = _removal(job)
        carried += [text for text in comments if text not in carried]
        removed.append(span)
    edits += [(path, Edit(span, b"")) for span in _closed(first.file.source, removed)]
    edits += [(path, edit) for edit in _JobEdits(first, jobs, joined, carried).edits()]
    edits += follow_needs(pipeline, {job.name: joined.name for job in jobs})
    return edits


def widen_rules(provider: Job, consumers: Sequence[Job]) -> Edits:
    """Rules under which the provider exists whenever one of its consumers does.

    Nothing when they say so already; raises `Refused` where rules cannot be united.
    """
    edits = _JobEdits(provider, [provider, *consumers], Joined(provider.name, ()), ())
    edits.put_rules(_covering_rules(provider, consumers))
    return [(provider.file.source.path, edit) for edit in edits.finished()]


def _covering_rules(provider: Job, consumers: Sequence[Job]) -> list[dict[str, Any]] | None:
    """Rules that hold whenever those of one job hold; None for *always*.

    What all jobs begin with stays in front. Where the provider leaves further cases out, the
    consumers' rules come before; one that leaves cases out itself raises `Refused`.
    """
    listed = [_data(job.keys.get("rules")) for job in (provider, *consumers)]
    if all(rules == listed[0] for rules in listed):
        return listed[0] if isinstance(listed[0], list) else None
    lists = [rules for rules in listed if isinstance(rules, list)]
    if len(lists) < len(listed):
        return None
    shared = takewhile(lambda rules: all(r == rules[0] for r in rules), zip(*lists, strict=False))
    head = [rules[0] for rules in shared]
    size, own = len(head), lists[0][len(head) :]
    more: list[dict[str, Any]] = []
    for job, rules in zip(consumers, lists[1:], strict=True):
        for rule in rules[size:]:
            if not isinstance(rule, dict) or not _is_read(rule):
                raise Refused(
                    job.place,
                    f"the rules of {job.name} hold what GitLab's documentation does not know",
                    "correct the rules",
                )
            if rule.get("when") == "never":
                raise Refused(
                    job.place,
                    f"the rules of {job.name} leave cases out, and differ from the other jobs'",
                    "give the jobs the same rules",
                )
            _add_rule(more, _existence(rule))
    if any(not isinstance(rule, dict) or rule.get("when") == "never" for rule in own):
        return [*head, *more, *own]
    united = [dict(rule) for rule in own]
    for rule in more:
        _add_rule(united, rule)
    return [*head, *united]


def _existence(rule: dict[str, Any]) -> dict[str, Any]:
    """What decides that a job is there; how it then runs is its own business."""
    kept = {key: value for key, value in rule.items() if key in ("if", "changes", "exists")}
    return kept or {"when": "on_success"}


def add_need(job: Job, name: str) -> Edits:
    """`needs:` of a job with one more job in it; what it inherited is written out."""
    if any(need.job == name for need in job.needs or ()):
        return []
    edits = _JobEdits(job, [job], Joined(job.name, ()), ())
    edits.need(name)
    return [(job.file.source.path, edit) for edit in edits.finished()]


class _JobEdits:
    """Edits of the job that stays. New keys behind one entry are one edit."""

    def __init__(
        self, job: Job, jobs: Sequence[Job], joined: Joined, carried: Sequence[str]
    ) -> None:
        if job.body is None:
            raise Refused(job.place, f"{job.name} is defined elsewhere", "write it out")
        self.job = job
        self.body: YamlMapping = job.body
        self.jobs = jobs
        self.joined = joined
        self.carried = carried
        self.source = job.file.source
        self.indent = column(self.source, self.body.entries[0].key.span.start)
        self.dash = dash_indent(job.file)
        self.step = indent_step(job.file)
        self.found: list[Edit] = []
        self.added: list[str] = []

    def edits(self) -> list[Edit]:
        """Script, rules, needs, variables, matrix."""
        self.variables()
        self.rules()
        self.needs()
        self.script()
        if self.body.entry("parallel") is not None:
            self.remove("parallel")
        return self.finished()

    def finished(self) -> list[Edit]:
        """All edits so far, with new keys below the last one."""
        if self.added:
            self.found.append(inserted_line(self.source, self.free_line(), "\n".join(self.added)))
        return self.found

    def free_line(self) -> int:
        """Where new keys go: above `script:`, which people read last; else at the end. Never
        above a `<<`, which would override them for GitLab's reader."""
        own = [e for e in self.body.entries if self.body.span.contains(e.key.span)]
        script = next((n for n, e in enumerate(own) if e.key.text == "script"), None)
        if script and not any(e.key.text == "<<" for e in own[script:]):
            return entry_lines(own[script - 1]).end
        return entry_lines(own[-1]).end

    def remove(self, key: str) -> None:
        """Take a key out with its lines."""
        entry = self.body.entry(key)
        if entry is not None:
            self.found.append(Edit(entry_lines(entry), b""))

    def items(self, texts: Sequence[str], comments: Sequence[str] = ()) -> str:
        """A block list below a key of the job, in the file's indentation."""
        pad = " " * (self.indent + self.dash)
        lines = [pad + comment for comment in comments]
        for text in texts:
            head, *rest = text.split("\n")
            lines += [f"{pad}- {head}", *(f"{pad}  {line}" if line else "" for line in rest)]
        return "\n".join(lines)

    def put(self, key: str, body: str) -> None:
        """A key with a block below it, in place of what stands here, or new."""
        entry = self.body.entry(key)
        text = f"{' ' * self.indent}{key}:\n{body}"
        if entry is None:
            self.added.append(text)
            return
        newline = self.source.newline.bytes.decode()
        kept = self.inside_comments(entry)
        span = entry_lines(entry)
        lines = [text.split("\n")[0], *kept, *text.split("\n")[1:]]
        self.found.append(Edit(span, (newline.join(lines) + newline).encode()))

    def inside_comments(self, entry: Entry) -> list[str]:
        """Comment lines between a key and the end of its value, shell comments included."""
        lines = self.source.text(entry_lines(entry)).splitlines()[1:]
        pad = " " * (self.indent + self.dash)
        return [pad + line.strip() for line in lines if line.lstrip().startswith("#")]

    def script(self) -> None:
        """The new script, below the comments of all jobs."""
        own = self.body.entry("script")
        known = set() if own is None else {line.strip() for line in self.inside_comments(own)}
        comments = [text for text in self.carried if text not in known]
        self.put("script", self.items(self.joined.script, comments))

    def rules(self) -> None:
        """Rules that hold whenever one of the jobs' rules held."""
        self.put_rules(united_rules(self.jobs))

    def put_rules(self, rules: list[dict[str, Any]] | None) -> None:
        """These rules in place of the job's own; None takes them away."""
        mine = _data(self.job.keys.get("rules"))
        if rules == mine:
            return
        if rules is None:
            self.remove("rules")
            if "rules" in self.job.keys and self.body.entry("rules") is None:
                self.put("rules", self.items(["when: on_success"]))
            return
        moved = [_moved(rule, self.joined.paths) for rule in rules]
        hidden = next((glob for rule in moved for glob in self.half_named(rule)), None)
        if hidden is not None:
            what = f"`{hidden}` names a file that goes among other words"
            raise Refused(self.job.place, what, "write the file as a glob of its own")
        texts = [_rule_text(rule, self.step, self.dash) for rule in moved]
        self.put("rules", self.items(texts))

    def half_named(self, rule: dict[str, Any]) -> list[str]:
        """Texts of a rule that hold the path of a file that goes as a part of them."""
        texts: list[str] = []
        for value in rule.values():
            texts += [
                v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str)
            ]
        return [text for text in texts if any(f" {old}" in f" {text}" for old in self.joined.paths)]

    def needs(self) -> None:
        """The union of the needs; a job that lacks the key waits for all earlier stages."""
        if all(_data(j.keys.get("needs")) == _data(self.job.keys.get("needs")) for j in self.jobs):
            return
        if any(job.needs is None for job in self.jobs):
            self.remove("needs")
            if self.body.entry("needs") is None:
                raise Refused(
                    self.job.place, "some of the jobs have no `needs:`", "give all of them needs"
                )
            return
        texts: dict[str, str] = {}
        for need in _strict_first(n for job in self.jobs for n in job.needs or ()):
            texts.setdefault(need.job, written(need.node))
        self.put("needs", self.items(list(texts.values())))

    def need(self, name: str) -> None:
        """One more need, in the form of the list that stands here."""
        entry = self.body.entry("needs")
        value = entry.value if entry is not None and not entry.aliased else None
        if not isinstance(value, YamlSequence) or not value.items:
            kept = [written(need.node) for need in self.job.needs or ()]
            self.put("needs", self.items([*kept, _plain_name(name)]))
            return
        last = value.items[-1]
        if value.flow:
            text = ", " + _flow_name(name)
            self.found.append(Edit(Span(last.span.end, last.span.end), text.encode()))
            return
        dash = " " * column(self.source, value.span.start)
        at = line_end(self.source, last.span.end)
        self.found.append(inserted_line(self.source, at, f"{dash}- {_plain_name(name)}"))

    def variables(self) -> None:
        """Variables that told the jobs apart go."""
        entry = self.body.entry("variables")
        if entry is None or not isinstance(entry.value, YamlMapping) or entry.aliased:
            return
        goes = [e for e in entry.value.entries if e.key.text in self.joined.dropped]
        if len(goes) == len(entry.value.entries):
            self.remove("variables")
            return
        self.found += [Edit(entry_lines(e), b"") for e in goes]


def united_rules(jobs: Sequence[Job]) -> list[dict[str, Any]] | None:
    """Rules that hold whenever those of one job hold; None for *always*.

    Raises `Refused` where the order of rules matters (`when: never`) or where `only:` and
    `except:` differ: those are not united but must be equal.
    """
    listed = [_data(job.keys.get("rules")) for job in jobs]
    if all(rules == listed[0] for rules in listed):
        return listed[0] if isinstance(listed[0], list) else None
    if any(rules is None for rules in listed):
        return None
    lists = [rules if isinstance(rules, list) else [] for rules in listed]
    # The first rule that matches counts: what all begin with decides alike for all.
    rows = zip(*lists, strict=False)
    head = next((n for n, row in enumerate(rows) if any(r != row[0] for r in row)), 0)
    if not all(isinstance(rule, dict) for rule in lists[0][:head]):
        head = 0
    united: list[dict[str, Any]] = []
    for job, rules in zip(jobs, lists, strict=True):
        for rule in rules[head:]:
            if not isinstance(rule, dict) or not _is_read(rule):
                raise Refused(
                    job.place,
                    f"the rules of {job.name} hold what GitLab's documentation does not know",
                    "correct the rules",
                )
            if rule.get("when") == "never":
                raise Refused(
                    job.place,
                    f"the rules of {job.name} leave cases out, and differ from the other jobs'",
                    "give the jobs the same rules",
                )
            _add_rule(united, rule)
    return [*(dict(rule) for rule in lists[0][:head]), *united]


_RULE_KEYS = frozenset(
    {"if", "changes", "exists", "when", "allow_failure", "variables", "needs", "start_in",
     "interruptible", "auto_cancel"}
)  # fmt: skip
"""Keys of a rule ("rules", CI/CD YAML syntax reference of GitLab)."""


def _is_read(rule: dict[str, Any]) -> bool:
    """Whether a rule has known keys only, and a plain list of globs."""
    changes = rule.get("changes")
    globs = changes if isinstance(changes, list) else []
    return rule.keys() <= _RULE_KEYS and all(isinstance(glob, str) for glob in globs)


def _add_rule(united: list[dict[str, Any]], rule: dict[str, Any]) -> None:
    for known in united:
        if {k: v for k, v in known.items() if k != "changes"} != {
            k: v for k, v in rule.items() if k != "changes"
        }:
            continue
        mine, theirs = known.get("changes"), rule.get("changes")
        if mine == theirs or mine is None:
            return
        if theirs is None:
            del known["changes"]
            return
        if isinstance(mine, list) and isinstance(theirs, list):
            known["changes"] = [*mine, *(glob for glob in theirs if glob not in mine)]
            return
    united.append(dict(rule))


def _moved(rule: dict[str, Any], paths: Mapping[str, str]) -> dict[str, Any]:
    """The rule with files that go replaced in its globs."""
    globs = rule.get("changes")
    if not isinstance(globs, list):
        return rule
    return {**rule, "changes": list(dict.fromkeys(paths.get(glob, glob) for glob in globs))}


def _rule_text(rule: dict[str, Any], step: int, dash: int) -> str:
    lines: list[str] = []
    for key, value in rule.items():
        if isinstance(value, list):
            lines.append(f"{key}:")
            lines += [f"{' ' * dash}- {quoted(str(item))}" for item in value]
        elif isinstance(value, dict):
            lines.append(f"{key}:")
            for name, inner in value.items():
                if isinstance(inner, list):
                    lines.append(f"{' ' * step}{name}:")
                    lines += [f"{' ' * (step + dash)}- {quoted(str(item))}" for item in inner]
                else:
                    lines.append(f"{' ' * step}{name}: {quoted(str(inner))}")
        else:
            lines.append(f"{key}: {_condition(str(value)) if key == 'if' else quoted(str(value))}")
    return "\n".join(lines)


def _condition(text: str) -> str:
    """Conditions are plain scalars almost everywhere; they stay so where YAML allows it."""
    unsafe = text[:1] in "\"'[]{}>|*&!%#@`" or ": " in text or " #" in text
    return quoted(text, "'") if unsafe else text


def follow_needs(pipeline: Pipeline, renamed: dict[str, str]) -> Edits:
    """`needs:` and `dependencies:` of all other jobs, wherever they are written.

    `renamed` maps old job names to new ones. Where several become one, one item stays, the
    one without `optional` if there is one.
    """
    edits: Edits = []
    seen: set[tuple[str, int]] = set()
    for job in pipeline.jobs.values():
        for node in _needing(job) if job.name not in renamed else ():
            place = (node.file.source.path, node.span.start)
            if place not in seen:
                seen.add(place)
                edits += _followed(node, renamed)
    return edits


def _needing(job: Job) -> Iterator[YamlSequence]:
    """The lists in which a job names others; a rule may have needs of its own."""
    nodes = [job.keys.get("needs"), job.keys.get("dependencies")]
    rules = (rule.node for rule in job.rules or ())
    nodes += [node.get("needs") for node in rules if isinstance(node, YamlMapping)]
    yield from (node for node in nodes if isinstance(node, YamlSequence))


def _followed(node: YamlSequence, renamed: dict[str, str]) -> Edits:
    path = node.file.source.path
    named = [(index, _named(item)) for index, item in enumerate(node.items)]
    renamed = {**renamed, **_runs(named, renamed)}
    edits: Edits = []
    present = {scalar.text for _, scalar in named if scalar is not None}
    removed: list[int] = []
    for new in dict.fromkeys(renamed.values()):
        olds = [
            (index, scalar)
            for index, scalar in named
            if scalar is not None and renamed.get(scalar.text) == new
        ]
        if not olds:
            continue
        strict = [pair for pair in olds if not _optional(node.items[pair[0]])]
        keep = (strict or olds)[0]
        if new not in present or keep[1].text != new:
            edits.append((path, set_scalar(keep[1], new)))
        edits += [(path, edit) for edit in _without_matrix(node.items[keep[0]])]
        removed += [index for index, _ in olds if index != keep[0]]
    return [*edits, *((path, edit) for edit in _removed(node, removed))]


def _runs(named: Sequence[tuple[int, Scalar | None]], renamed: Mapping[str, str]) -> dict[str, str]:
    """Needs of one run of a matrix, `job: [value, value]`, whose job is renamed."""
    found: dict[str, str] = {}
    for _, scalar in named:
        head, joint, _ = scalar.text.partition(": [") if scalar is not None else ("", "", "")
        if scalar is not None and joint and scalar.text.endswith("]") and head in renamed:
            found[scalar.text] = renamed[head]
    return found


def _removed(node: YamlSequence, indexes: Sequence[int]) -> Iterator[Edit]:
    """Several items out of one list; in flow style those at its head go as one run."""
    gone = set(indexes)
    if not gone:
        return
    head = 0
    while node.flow and head in gone:
        head += 1
    if head:
        yield Edit(Span(node.items[0].span.start, node.items[head].span.start), b"")
    for index in sorted(gone):
        if index >= head:
            yield removed_item(node, index)


def _without_matrix(item: Node) -> Iterator[Edit]:
    """A need of one run of a matrix becomes one of the job, which has no matrix any more."""
    entry = item.entry("parallel") if isinstance(item, YamlMapping) else None
    if entry is not None and isinstance(item, YamlMapping):
        yield removed_entry(item, entry)


def _named(item: Node) -> Scalar | None:
    if isinstance(item, Scalar):
        return item
    if isinstance(item, YamlMapping):
        job = item.get("job")
        if "pipeline" not in item.resolved and "project" not in item.resolved:
            return job if isinstance(job, Scalar) else None
    return None


def _optional(item: Node) -> bool:
    node = item.get("optional") if isinstance(item, YamlMapping) else None
    return isinstance(node, Scalar) and node.text.lower() == "true"


def _strict_first(needs: Iterator[Need]) -> list[Need]:
    return sorted(needs, key=lambda need: need.optional)


def key_text(name: str, style: str = "") -> str:
    """A key as YAML; names with a colon and a blank need quotes, `style` keeps those of before."""
    if style or ": " in name or name[:1] in "*&!%@`{}[]#\"'|>-?," or " #" in name:
        return quoted(name, style or '"')
    return name


def _plain_name(name: str) -> str:
    """A job's name as a value, in the plain style that people write it in where YAML lets
    them."""
    unsafe = ": " in name or " #" in name or name[:1] in "*&!%@`{}[]#\"'|>-?,:"
    return quoted(name, '"') if unsafe or not name else name


def _flow_name(name: str) -> str:
    """The same in a flow list, where more signs mean something."""
    plain = _plain_name(name)
    return quoted(name, '"') if any(sign in name for sign in ",[]{}") else plain


def _removal(job: Job) -> tuple[Span, list[str]]:
    """The lines of a job that goes, blank lines below included, and its comments."""
    source = job.file.source
    lines = entry_lines(job.entry)
    above = comments_above(source, lines.start, _previous_end(job))
    end = lines.end
    while end < len(source.data):
        line = source.line_of(end)
        if source.slice(line).strip():
            break
        end = line.end
    span = Span(above.start, end)
    text = source.text(Span(above.start, lines.end))
    comments = [line.strip() for line in text.splitlines() if line.lstrip().startswith("#")]
    return span, list(dict.fromkeys(comments))


def _closed(source: Source, removed: Sequence[Span]) -> list[Span]:
    """Neighbours as one span; the one at the file's end takes the blank lines above it along."""
    found: list[Span] = []
    for span in sorted(removed):
        if found and span.start <= found[-1].end:
            found[-1] = found[-1].cover(span)
        else:
            found.append(span)
    if found and found[-1].end >= len(source.data):
        found[-1] = Span(_blank_before(source, found[-1].start), found[-1].end)
    return found


def _previous_end(job: Job) -> int:
    root = job.file.root
    ends = [
        line_end(job.file.source, entry.span.end)
        for entry in (root.entries if root is not None else ())
        if entry.key.span.start < job.entry.key.span.start
    ]
    return max(ends, default=0)


def _blank_before(source: Source, at: int) -> int:
    while at > 0:
        line = source.line_of(at - 1)
        if source.slice(line).strip():
            break
        at = line.start
    return at


def _texts(node: Node | None) -> list[str]:
    if isinstance(node, Scalar):
        return [node.text]
    items = node.items if isinstance(node, YamlSequence) else ()
    return [item.text for item in items if isinstance(item, Scalar)]


def _data(value: object) -> Any:
    """Plain data of an effective key, whatever merging has made of it."""
    if isinstance(value, dict):
        return {key: _data(item) for key, item in value.items()}
    if isinstance(value, Scalar | YamlMapping | YamlSequence):
        return to_data(value)
    return value
