"""What the transforms of the pipeline make of the sample, in words."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dockerfix.engine.plan import Planned
from dockerfix.engine.registry import Registry
from dockerfix.facts.gitlab.kinds import KINDS, held
from dockerfix.facts.gitlab.pipeline import Pipeline, find_pipeline
from dockerfix.testing.pipeline import run_transform
from dockerfix.text import Snapshot

CHANGES = (["README.md"], ["console/src/main.ts"], ["controlplane/Cargo.lock"])


def planned(name: str, snapshot: Snapshot, registry: Registry, **options: Any) -> Planned:
    outcome = run_transform(registry.load(name), snapshot, [], options)
    assert isinstance(outcome, Planned), outcome
    return outcome


def after(outcome: Planned, snapshot: Snapshot) -> Pipeline:
    found = find_pipeline(snapshot.with_changes(outcome.changes))
    assert found is not None
    return found


def kinds(pipeline: Pipeline) -> Mapping[str, frozenset[str] | None]:
    """The jobs of each kind of pipeline, for each set of changed files."""
    found = {}
    for case in KINDS:
        for changed in CHANGES:
            there = held(pipeline, case, changed)
            assert there is None or not there.unknown
            found[f"{case.title}: {changed}"] = None if there is None else there.jobs
    return found


def test_add_needs(snapshot: Snapshot, registry: Registry) -> None:
    before = find_pipeline(snapshot)
    assert before is not None
    pipeline = after(planned("add-needs", snapshot, registry), snapshot)
    needs = {
        name: {(need.job, need.optional) for need in job.needs or ()}
        for name, job in pipeline.jobs.items()
        if before.jobs[name].needs is None and job.needs is not None
    }
    assert needs == {
        # They run in the images that these jobs push; the server's may be older.
        "code-style / console": {("build / console", False)},
        "system-tests": {
            ("build / server", True),
            ("build / authz-worker", True),
            ("build / synchronizer", True),
            ("build / system-tests", False),
        },
        # The Compose service has no `image:`, so that the pushed one is never pulled.
        "unit-tests / node-sdk": set(),
        "code-style / migrations": set(),
        "documentation": set(),
    }
    assert kinds(pipeline) == kinds(before)


RELEASED = [
    "build / server / release",
    "build / authz-worker / release",
    "build / synchronizer / release",
    "build / console / release",
    "build / node-sdk / release",
    "build / protocol / release",
]


def test_split_release(snapshot: Snapshot, registry: Registry) -> None:
    before = find_pipeline(snapshot)
    assert before is not None
    outcome = planned("split-release", snapshot, registry)
    pipeline = after(outcome, snapshot)
    assert [name for name in pipeline.jobs if name not in before.jobs] == [
        ".build / release",
        *RELEASED,
    ]
    assert [need.job for need in pipeline.jobs["semantic-release"].needs or ()] == RELEASED
    for name in RELEASED:
        job = pipeline.jobs[name]
        assert job.stage == "release"
        assert job.variables["TARGET"].text == "release"
    # The package of node-sdk is built by another job too; both may go on.
    assert "twin-build" in {finding.name for finding in outcome.proposal.findings}
    old, new = kinds(before), kinds(pipeline)
    for kind, jobs in old.items():
        expected = jobs and (jobs - {"build / release"}).union(
            RELEASED if "build / release" in jobs else ()
        )
        assert new[kind] == expected


def test_split_after_the_merge_keeps_one_job_for_its_dockerfile(
    snapshot: Snapshot, registry: Registry
) -> None:
    merged = run_transform(registry.load("merge-rust"), snapshot, ["controlplane"], {})
    assert isinstance(merged, Planned)
    there = snapshot.with_changes(merged.changes)
    pipeline = after(planned("split-release", there, registry), there)
    assert [name for name in pipeline.jobs if name.endswith(" / release")] == [
        ".build / release",
        "build / controlplane / release",
        *RELEASED[3:],
    ]


def test_merge_and_slim_read_what_was_split(snapshot: Snapshot, registry: Registry) -> None:
    split = planned("split-release", snapshot, registry)
    there = snapshot.with_changes(split.changes)
    for name, path in (("merge-rust", "controlplane"), ("slim-context", "console")):
        outcome = run_transform(registry.load(name), there, [path], {})
        assert isinstance(outcome, Planned), (name, outcome)


BUILDERS = {
    "build / server", "build / authz-worker", "build / synchronizer", "build / node-sdk",
    "build / console", "build / system-tests", "build / release",
}  # fmt: skip


def test_registry_mirror(snapshot: Snapshot, registry: Registry) -> None:
    before = find_pipeline(snapshot)
    assert before is not None
    outcome = planned("registry-mirror", snapshot, registry)
    pipeline = after(outcome, snapshot)
    given = {
        job.name
        for job in pipeline.visible
        if any("--buildkitd-config /tmp/buildkitd.toml" in x.scalar.text for x in job.lines)
    }
    # Those that share the line get the file too; jobs with no before_script have no builder.
    assert given > BUILDERS
    assert not given & {"gitleaks", "code-style / migrations", "documentation", "semantic-release"}
    assert kinds(pipeline) == kinds(before)
    # Nothing but Docker Hub is pulled from, and the project's own registry has no mirror.
    created = sorted(outcome.proposal.created)
    assert [path for path in created if "/kubernetes/" in path] == [
        "registry-mirror/kubernetes/00-namespace.yaml",
        "registry-mirror/kubernetes/docker-io.yaml",
    ]
    notes = {(f.name, f.subject) for f in outcome.proposal.findings}
    assert {("upstream", "docker.io"), ("own-registry", "${CI_REGISTRY_IMAGE}")} <= notes
    assert not any(name == "not-mirrored" for name, _ in notes)


def test_the_file_of_a_builder_is_there_when_it_is_made(
    snapshot: Snapshot, registry: Registry, tmp_path: Path
) -> None:
    """The script runs with a `docker` that looks at the file which it is given."""
    outcome = planned("registry-mirror", snapshot, registry)
    job = after(outcome, snapshot).jobs["build / server"]
    lines = [line.scalar.text for line in job.lines if line.section == "before_script"]
    docker = tmp_path / "docker"
    docker.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ]; do [ "$1" = --buildkitd-config ] && cat "$2" >"$SEEN"; shift; done\n'
    )
    docker.chmod(0o755)
    script = "\n".join(lines).replace("/tmp/buildkitd.toml", str(tmp_path / "buildkitd.toml"))
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SEEN": str(tmp_path / "seen")}
    subprocess.run(["sh", "-ec", script], env=env, check=True)
    seen = (tmp_path / "seen").read_bytes()
    assert seen == outcome.proposal.created["registry-mirror/readers/buildkitd.toml"]


def test_mirrors_and_a_bucket_may_come_in_either_order(
    snapshot: Snapshot, registry: Registry
) -> None:
    """Only the order of the options in the builder's line may differ."""
    bucket = {"to": "s3://caches?region=eu-west-1"}
    runs: tuple[tuple[str, dict[str, Any]], ...] = (
        ("remote-cache", bucket),
        ("registry-mirror", {}),
    )
    found = []
    for order in (runs, runs[::-1]):
        there = snapshot
        for name, options in order:
            there = there.with_changes(planned(name, there, registry, **options).changes)
        files = {path: there.read(path) for path in there.paths if "gitlab-ci" not in path}
        pipeline = find_pipeline(there)
        assert pipeline is not None
        words = [sorted(line.scalar.text.split()) for j in pipeline.visible for line in j.lines]
        found.append((files, words))
    assert found[0] == found[1]
