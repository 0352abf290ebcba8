"""The files of what commands build, once all commands are read, and of what comes with them.

Knows projects, packages, members, links and `.git`; knows no command.
"""

from __future__ import annotations

import posixpath

from dockerfix.facts.context.reads.context_reads import ContextReads, UnknownReadError
from dockerfix.facts.context.revision import may_ask_git
from dockerfix.facts.context.senders import rules_of
from dockerfix.facts.context.steps import absolute
from dockerfix.facts.dotnet import project_files
from dockerfix.facts.go.packages import package_files
from dockerfix.facts.javascript.members import (
    paths_beside,
    unneeded,
)
from dockerfix.facts.javascript.turbo import pruned_files
from dockerfix.facts.trees.ignore import Judge
from dockerfix.text import Kind, inner_path, is_within

_GIT = ".git"


def add_built(reads: ContextReads) -> None:
    """The files of what commands build. Raises `ProjectError`, `GoError` and
    `WorkspaceError`."""
    snapshot = reads.facts.snapshot
    if reads.members:
        _workspace(reads)
        return
    if not reads.starts and not reads.packages and not reads.pruned:
        raise UnknownReadError
    paths = [*project_files(snapshot, reads.context, tuple(reads.starts))]
    paths += package_files(snapshot, reads.context, tuple(reads.packages), tuple(reads.modules))
    for root, names in reads.pruned.items():
        paths += pruned_files(snapshot, root, tuple(names))
    for path in paths:
        if path in ("", reads.context) or not is_within(path, reads.context):
            raise UnknownReadError
        reads.found[inner_path(path, reads.context)] = None
    for inner in reads.entered:
        there = snapshot.is_folder(posixpath.join(reads.context, inner))
        if there and not any(is_within(p, inner) or is_within(inner, p) for p in reads.found):
            reads.found[inner] = None
    _history(reads)
    _links(reads)


def _workspace(reads: ContextReads) -> None:
    """The members of one workspace that stay, and all that lies beside them. Raises
    `UnknownReadError` and `WorkspaceError`."""
    ((root, names),) = reads.members.items() if len(reads.members) == 1 else (("", {}),)
    if not names or reads.starts or reads.packages or reads.pruned:
        raise UnknownReadError
    snapshot = reads.facts.snapshot
    gone = [inner_path(path, reads.context) for path in unneeded(snapshot, root, tuple(names))]
    named = [*reads.found, *reads.entered]
    reads.found = dict.fromkeys(paths_beside(snapshot, reads.context, gone))
    beside = set(reads.found)
    _links(reads)
    read = {*named, *(reads.found.keys() - beside)}
    reads.left = tuple(
        folder
        for folder in gone
        if not any(is_within(path, folder) or is_within(folder, path) for path in read)
    )
    if not reads.left:
        raise UnknownReadError
    reads.found = dict.fromkeys(paths_beside(snapshot, reads.context, reads.left))


def _links(reads: ContextReads) -> None:
    """What the links in what is read lead to, which is read as well; where nothing is there,
    a file that nobody committed may be. Raises `UnknownReadError` for a link to all of it."""
    snapshot = reads.facts.snapshot
    judge = Judge(rules_of(reads.facts, reads.context, reads.graph.tree.path))
    symlinks = (
        p for p in snapshot.below(reads.context) if snapshot.entries[p].kind is Kind.SYMLINK
    )
    links = {
        inner: snapshot.entries[path].link
        for path in symlinks
        if not judge.judge_path(inner := inner_path(path, reads.context)).matched
    }
    waiting = [inner for inner in links if reads.covers(inner)]
    while waiting:
        for inner in waiting:
            del links[inner]
            _leads(reads, inner, snapshot.entries[posixpath.join(reads.context, inner)].link, judge)
        waiting = [inner for inner in links if reads.covers(inner)]


def _leads(reads: ContextReads, inner: str, link: str, judge: Judge) -> None:
    """One link: what it leads to in the copy. Elsewhere in the image nothing changes."""
    for place in reads.places:
        path = absolute(posixpath.join(place, posixpath.dirname(inner)), link)
        target = reads.inside(path, place)
        if target is None and f"{place}/".startswith(f"{path.rstrip('/')}/"):
            raise UnknownReadError
        if target is not None and not reads.covers(target):
            full = posixpath.join(reads.context, target)
            there = full in reads.facts.snapshot or reads.facts.snapshot.is_folder(full)
            if there or not judge.judge_path(target).matched:
                reads.found[target] = None


def _history(reads: ContextReads) -> None:
    """`.git`, as far as an ignore file lets it through: the SDK of .NET writes the revision
    into what it builds. Go writes, too, whether a file is missing: then all are read, unless
    git is not there."""
    rules = rules_of(reads.facts, reads.context, reads.graph.tree.path)
    inner = any(rule.startswith(f"!{_GIT}") for rule in rules)
    there = reads.facts.snapshot.is_folder(posixpath.join(reads.context, _GIT))
    builds = reads.starts or reads.packages
    if there and builds and (inner or not Judge(rules).judge_path(_GIT).matched):
        stages = (reads.graph.stages[index] for index in reads.built_in)
        if reads.packages and any(may_ask_git(reads.graph, stage) for stage in stages):
            raise UnknownReadError
        if reads.starts:
            reads.found[_GIT] = None
