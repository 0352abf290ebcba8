"""What must hold outside of a consumer's Dockerfile before its context may shrink.

Builds that were not followed keep the old context, a base image of this repository may copy
from the context by ONBUILD, some builders take no named contexts, and what the old ignore file
left out of a sibling must stay out. Knows builds and ignore files; edits nothing.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence

from dockerfix.api import (
    BadIgnoreError,
    Build,
    Copy,
    Facts,
    Finding,
    Judge,
    Onbuild,
    Place,
    ProjectionError,
    Run,
    Severity,
    Tool,
    inner_path,
    named_folders,
    names_file,
    project_rules,
    read_ignore,
    triggers_of,
    unfollowed_places,
)
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.scope import Built
from dockerfix_transforms.slim_context.refusal import CannotSlimError, refusal

_WITHOUT_CONTEXTS = frozenset(
    {
        Tool.KANIKO, Tool.BUILDAH, Tool.PODMAN, Tool.SDK,
        Tool.DEPLOYMENT, Tool.SKAFFOLD, Tool.TILT,
    }
)  # fmt: skip


def check_sources(facts: Facts, consumer: Consumer) -> None:
    """What is copied from outside of the consumer's folder is in the repository: what a job
    makes there first is in no image and, for all that reading knows, in no folder. Raises
    `CannotSlimError`."""
    for source in consumer.sources:
        package = source.package
        if package == consumer.folder or package in facts.snapshot:
            continue
        if next(facts.snapshot.below(package), None) is None:
            raise refusal(
                consumer.graph, "missing-source",
                f"{source.word.raw} names nothing of this repository",
                "commit it, or let it be made in the Dockerfile", source.word.span,
            )  # fmt: skip


def unfollowed_builds(facts: Facts, made: Built, *, elsewhere: bool = False) -> Iterator[Finding]:
    """Builds that were not followed and may be of a Dockerfile, as refusals; with `elsewhere`
    only those that may have another context than this one."""
    context = None if made.assumed else made.context
    for place, why in unfollowed_places(facts, made.path, context, elsewhere=elsewhere):
        yield Finding(
            Severity.REFUSE, "unfollowed-build", f"{made.path} may be built here too: {why}",
            "this build would keep the larger context and break",
            "write its Dockerfile and context out, or leave this file out",
            place, made.path,
        )  # fmt: skip


def not_followed(facts: Facts, path: str) -> Iterator[Finding]:
    """Remarks on builds in files that name a Dockerfile which nothing is known to build."""
    for build in facts.builds.builds:
        written = build.dockerfile_written.text if build.dockerfile_written is not None else "$"
        other = "$" not in written and posixpath.normpath(written) != path
        named = names_file(facts, build.site.place.path, path)
        if build.dockerfile is None and not other and named:
            why = "; ".join(build.unknown).replace("${OPAQUE}", "$(command)")
            yield Finding(
                Severity.NOTE, "not-followed",
                f"{path} may be built here: {why}", "", "",
                build.site.place, path,
            )  # fmt: skip


def check_triggers(facts: Facts, path: str) -> None:
    """Raises `CannotSlimError` where ONBUILD of a base image that this repository builds copies
    from the context."""
    graph = facts.stages(path)
    for stage in graph.stages:
        if graph.base(stage) is not None:
            continue
        trigger = _trigger(facts, graph.image(stage))
        if trigger is not None:
            place = trigger.source.place(trigger.code)
            raise refusal(
                graph, "onbuild",
                f"{graph.image(stage)} copies from the context by ONBUILD ({place})",
                "move that COPY into this Dockerfile", stage.from_.code,
            )  # fmt: skip


def _trigger(facts: Facts, image: str) -> Onbuild | None:
    """The first ONBUILD of an image that reads the context."""
    for item in triggers_of(facts, image):
        inner = item.inner
        mounts = inner.mounts if isinstance(inner, Run) else ()
        if isinstance(inner, Copy) and inner.from_ is None:
            return item
        if any(mount.kind == "bind" and mount.option("from") is None for mount in mounts):
            return item
    return None


def is_classic(build: Build) -> bool:
    """Whether a build asks for the builder that Docker had before BuildKit."""
    return build.variables.get("DOCKER_BUILDKIT") == "0"


def check_named_contexts(consumer: Consumer) -> None:
    """Raises `CannotSlimError` at a call site whose builder takes no named contexts."""
    for build in consumer.builds:
        classic = is_classic(build)
        unable = [tool for tool in build.tools if tool in _WITHOUT_CONTEXTS]
        if not unable and not classic:
            continue
        raise CannotSlimError(
            Finding(
                Severity.REFUSE, "no-named-contexts", _without(unable, build),
                "siblings would not be there; this needs BuildKit with buildx 0.8, Compose 2.17 "
                "or bake",
                "build it with `docker buildx build`, or pass --via image",
                build.site.place, consumer.path,
            )
        )  # fmt: skip


def _without(unable: Sequence[Tool], build: Build) -> str:
    """Why a builder gets no named contexts. buildah and podman have `--build-context` (`man
    buildah-build`); which ignore file counts in one is not written down there."""
    if not unable:
        return "the classic builder takes no named contexts"
    tool = unable[0]
    may = "" if tool is build.tool else f"the tool is a variable and may hold {tool.value}; "
    if tool in (Tool.BUILDAH, Tool.PODMAN):
        return f"{may}named contexts of {tool.value} are not proved to hold the same files"
    name = f"a {tool.value}" if tool is Tool.DEPLOYMENT else tool.value
    return f"{may}{name} takes no named contexts"


def sibling_ignores(
    facts: Facts, consumer: Consumer, siblings: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """The ignore files that named contexts need, so that what the old context's ignore file
    left out of a sibling stays out. Raises `CannotSlimError`.

    A folder that other builds have as their context keeps the file that they read.
    """
    old = facts.ignore_path(consumer.context, consumer.path)
    if old is None:
        yield from _existing(facts, consumer, siblings)
        return
    file = facts.snapshot.derive(old, read_ignore)
    for sibling in siblings:
        path = posixpath.join(sibling, ".dockerignore")
        try:
            whole = sibling == consumer.context
            rules = (
                file.rules if whole else project_rules(file, inner_path(sibling, consumer.context))
            )
        except ProjectionError as error:
            raise _ignored(consumer, str(error), error.place) from None
        if path == old:
            continue  # it counts for the named context as it does today
        if path in facts.snapshot:
            known = facts.snapshot.derive(path, read_ignore).rules
            if tuple(rule for rule in known if rule != ".dockerignore") != rules:
                raise _ignored(consumer, f"{path} says something else than {old}", None)
        elif rules and any(sibling in _contexts(b) for b in facts.builds.builds):
            raise _ignored(consumer, f"{sibling} is a context of other builds", None)
        elif rules:
            newline = consumer.graph.tree.newline.bytes.decode()
            text = newline.join([*rules, ".dockerignore", ""])  # it was not there to be copied
            yield path, text.encode("utf-8", "surrogateescape")


def _contexts(build: Build) -> frozenset[str | None]:
    """The folders whose ignore files count for a build."""
    return named_folders(build) | {build.context}


def _existing(
    facts: Facts, consumer: Consumer, siblings: Iterable[str]
) -> Iterator[tuple[str, bytes]]:
    """An ignore file that a sibling has already would leave out more than none does."""
    for sibling in siblings:
        path = posixpath.join(sibling, ".dockerignore")
        rules = facts.snapshot.derive(path, read_ignore).rules if path in facts.snapshot else ()
        try:
            judge, cut = Judge(rules), len(sibling) + 1
        except BadIgnoreError as error:
            raise _ignored(consumer, f"{path}: {error}", None) from None
        below = facts.snapshot.below(sibling) if rules else ()
        lost = next((p for p in below if judge.judge_path(p[cut:]).matched), None)
        if lost is not None:
            raise _ignored(consumer, f"{path} leaves out {lost}, which is copied today", None)
    yield from ()


def _ignored(consumer: Consumer, what: str, place: Place | None) -> CannotSlimError:
    first = consumer.graph.stages[0].from_
    return CannotSlimError(
        Finding(
            Severity.REFUSE, "sibling-ignore", what,
            "a named context reads its own ignore file, and what is left out of the sibling "
            "today would be copied, or the other way round",
            "make both ignore files say the same of this folder, or pass --via image",
            place or first.source.place(first.code), consumer.path,
        )
    )  # fmt: skip
