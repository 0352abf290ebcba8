"""What differs between a sibling that is built inline and its image: findings.

Compares; decides nothing and edits nothing.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Sequence

from dockerfix.api import Copy, Facts, Finding, Severity, SnapshotError, walk
from dockerfix_transforms.slim_context.read.consumer import Consumer
from dockerfix_transforms.slim_context.read.inline import Region
from dockerfix_transforms.slim_context.read.steps import Step
from dockerfix_transforms.slim_context.sibling.origin import Whole
from dockerfix_transforms.slim_context.sibling.provider import (
    Provider,
    extra_steps,
    files_below,
    lacking_files,
)


def lacking(facts: Facts, consumer: Consumer, region: Region, provider: Provider) -> list[str]:
    """The files that the region took from the context and that the image does not hold."""
    wanted = [
        path
        for item in region.copies
        for source in consumer.of(item)
        if source.package == region.sibling
        for path in files_below(facts, source.path.split("*")[0].rstrip("/"))
    ]
    return lacking_files(facts, dict.fromkeys(wanted), provider)


class Differences:
    """The findings of one region. `whole` is None when its copies stay what they are."""

    def __init__(
        self,
        facts: Facts,
        consumer: Consumer,
        region: Region,
        provider: Provider,
        whole: Whole | None,
    ) -> None:
        self.facts = facts
        self.consumer = consumer
        self.region = region
        self.provider = provider
        self.whole = whole

    def all(self, lacking: Sequence[str], accepted: bool) -> Iterator[Finding]:
        """Every finding; `accepted` says that the person took the lack of files."""
        if lacking:
            yield self.lacks(lacking, accepted)
        yield from self.generated()
        if self.takes_all:
            yield from self.base()
            yield from self.extra()
        if self.whole is not None and self.whole.seen:
            yield from self.modes()

    @property
    def takes_all(self) -> bool:
        """Whether the whole folder of the image is copied, with all that its steps made."""
        return self.whole is not None or self.region.root is not None

    def finding(self, severity: Severity, name: str, what: str, why: str, action: str) -> Finding:
        """A finding at the region's first copy."""
        place = self.consumer.graph.tree.source.place(self.region.first.code)
        return Finding(severity, name, what, why, action, place, self.region.sibling)

    def lacks(self, files: Sequence[str], accepted: bool) -> Finding:
        """Files that the old context had and the image has not."""
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        return self.finding(
            Severity.ASSUME if accepted else Severity.REFUSE, "provider-lacks",
            f"{self.provider.name}'s image lacks {', '.join(files[:5])}{more}",
            "its Dockerfile does not copy it, or its ignore file leaves it out; the old context "
            "had it",
            "take it into the image, or --accept provider-lacks",
        )  # fmt: skip

    def generated(self) -> Iterator[Finding]:
        """Sources that are made before the build: nothing says that the image has the same."""
        for item in self.region.copies:
            for source in self.consumer.of(item):
                plain = not any(sign in source.path for sign in "*?[$")
                if plain and source.package == self.region.sibling and not self.exists(source.path):
                    yield self.finding(
                        Severity.REFUSE, "made-before",
                        f"{source.path} is not in the repository",
                        "it is made before the build, and the image may hold another one",
                        "build it in the provider's image and copy it from there by hand",
                    )  # fmt: skip

    def exists(self, path: str) -> bool:
        """Whether a path is a file or a folder of the repository."""
        return path in self.facts.snapshot or self.facts.snapshot.is_folder(path)

    def base(self) -> Iterator[Finding]:
        """Another base image."""
        base = self.consumer.graph.image(self.region.stage)
        if self.provider.base != base:
            yield self.finding(
                Severity.ASSUME, "base-image",
                f"{self.provider.name} was built on {base} here, its image on "
                f"{self.provider.base}",
                "native modules of one may not load on the other",
                "give both the same base image",
            )  # fmt: skip

    def extra(self) -> Iterator[Finding]:
        """Steps that only the image has seen."""
        own = {step.text for step in self.region.steps}
        extra = extra_steps(self.region, self.provider)
        other = [step for step in extra if step.text in own]
        if other:
            yield self.finding(
                Severity.ASSUME, "provider-environment",
                f"{self.provider.name}'s image ran {_listed(other)} in another "
                "environment or folder",
                "what it made may differ; the step runs again here",
                "set the same variables in both Dockerfiles",
            )  # fmt: skip
        extra = [step for step in extra if step not in other]
        if extra:
            yield self.finding(
                Severity.ASSUME, "provider-runs-steps",
                f"{self.provider.name}'s image has also run {_listed(extra)}",
                "what these steps made or removed comes along",
                "compare the images with `dockerfix verify`",
            )  # fmt: skip

    def modes(self) -> Iterator[Finding]:
        """Flags of the old COPY that would now apply to what the steps made as well."""
        model = self.region.root or self.region.covered[0]
        if model.flag("chmod") is not None:
            yield self.finding(
                Severity.REFUSE, "copy-mode",
                f"--chmod would apply to what {self.provider.name}'s steps made too",
                "installed programs must stay executable", "change the mode with RUN chmod",
            )  # fmt: skip
        if model.flag("chown") is not None:
            yield self.finding(
                Severity.ASSUME, "copy-owner",
                f"--chown applies to what {self.provider.name}'s steps made too",
                "RUN made it as the stage's user before", "",
            )  # fmt: skip


def _listed(steps: Sequence[Step]) -> str:
    return "; ".join(step.short for step in steps)


def dangling_links(facts: Facts, consumer: Consumer) -> Iterator[Finding]:
    """`file:`, `link:` and `portal:` dependencies of the package that lead, from where its
    manifest is installed, to no copied sibling. npm exits 0 and leaves a dangling link."""
    manifest = posixpath.join(consumer.folder, "package.json")
    wanted = list(_relative_dependencies(facts, manifest))
    said: set[str] = set()
    for stage in consumer.graph.stages:
        placed: set[str] = set()
        for at in walk(consumer.graph, stage):
            item = at.item
            if not isinstance(item, Copy) or item.destination is None:
                continue
            place = posixpath.normpath(posixpath.join(at.folder, item.destination.value))
            placed.add(place)
            own = [s for s in consumer.of(item) if s.path in (manifest, consumer.folder)]
            for name, path in wanted if own and at.stage is stage else ():
                target = posixpath.normpath(posixpath.join(place, path))
                known = any(target == p or target.startswith(f"{p}/") for p in placed)
                sibling = posixpath.normpath(posixpath.join(consumer.folder, path))
                if not known and sibling in consumer.siblings and target not in said:
                    said.add(target)
                    yield Finding(
                        Severity.NOTE, "dangling-link",
                        f"the dependency {name} leads to {target}, where nothing is copied",
                        "npm installs it as a dangling link and exits 0; it was so before",
                        f"copy {sibling} there", item.source.place(item.code), name,
                    )  # fmt: skip


def _relative_dependencies(facts: Facts, manifest: str) -> Iterator[tuple[str, str]]:
    if manifest not in facts.snapshot:
        return
    try:
        data = json.loads(facts.snapshot.read(manifest))
    except (SnapshotError, ValueError):
        return
    for kind in ("dependencies", "devDependencies", "optionalDependencies"):
        listed = data.get(kind) if isinstance(data, dict) else None
        for name, text in listed.items() if isinstance(listed, dict) else ():
            scheme, _, path = text.partition(":") if isinstance(text, str) else ("", "", "")
            if scheme in ("file", "link", "portal") and not path.endswith((".tgz", ".tar.gz")):
                yield name, path
