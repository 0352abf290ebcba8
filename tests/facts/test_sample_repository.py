"""Every build of the sample repository, checked by hand against its files.

One line a build: where it is asked for, by what, with which tool, then Dockerfile, context and
target. The golden tables below change only when the sample repository does.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, Value
from dockerfix.facts.repository import Facts
from dockerfix.text import Place, Snapshot

ROOT = Path(__file__).parents[2] / "sample-repo"
SKIPPED = {"node_modules", "target", ".git"}


@pytest.fixture(scope="module")
def facts() -> Facts:
    files = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not SKIPPED & set(path.relative_to(ROOT).parts)
    }
    return Facts(Snapshot.of(files))


@pytest.fixture(scope="module")
def builds(facts: Facts) -> BuildList:
    return facts.builds


TABLE = """\
build / server        .gitlab-ci.yml:59:7   docker buildx build  controlplane/Dockerfile               controlplane  development
build / authz-worker  .gitlab-ci.yml:76:7   docker buildx build  controlplane/Dockerfile.authz-worker  controlplane  development
build / synchronizer  .gitlab-ci.yml:93:7   docker buildx build  controlplane/Dockerfile.synchronizer  controlplane  development
build / node-sdk      .gitlab-ci.yml:109:7  docker buildx build  node-sdk/Dockerfile                   node-sdk      -
build / console       .gitlab-ci.yml:119:7  docker buildx build  console/Dockerfile                    .             development
build / system-tests  .gitlab-ci.yml:135:7  docker buildx build  system-tests/Dockerfile               .             -
build / release       .gitlab-ci.yml:226:9  docker buildx build  controlplane/Dockerfile               controlplane  release
build / release       .gitlab-ci.yml:226:9  docker buildx build  controlplane/Dockerfile.authz-worker  controlplane  release
build / release       .gitlab-ci.yml:226:9  docker buildx build  controlplane/Dockerfile.synchronizer  controlplane  release
build / release       .gitlab-ci.yml:226:9  docker buildx build  console/Dockerfile                    .             release
build / release       .gitlab-ci.yml:239:7  docker buildx build  node-sdk/Dockerfile                   node-sdk      -
build / release       .gitlab-ci.yml:240:7  docker buildx build  protocol/Dockerfile                   protocol      -
README.md             README.md:22:1        docker build         controlplane/Dockerfile               controlplane  development
README.md             README.md:28:1        docker build         controlplane/Dockerfile.authz-worker  controlplane  release
server                docker-compose.yml:3:3   docker compose    controlplane/Dockerfile               controlplane  ${TARGET:-development}
authz-worker          docker-compose.yml:17:3  docker compose    controlplane/Dockerfile.authz-worker  controlplane  ${TARGET:-development}
synchronizer          docker-compose.yml:26:3  docker compose    controlplane/Dockerfile.synchronizer  controlplane  ${TARGET:-development}
console               docker-compose.yml:35:3  docker compose    console/Dockerfile                    .             ${TARGET:-development}
system-tests          docker-compose.yml:44:3  docker compose    system-tests/Dockerfile               .             -
node-sdk              docker-compose.yml:54:3  docker compose    node-sdk/Dockerfile                   node-sdk      -
"""  # noqa: E501 - a table reads by its columns


def test_the_table(builds: BuildList) -> None:
    expected = [[cell for cell in line.split("  ") if cell] for line in TABLE.splitlines()]
    found = [
        [
            build.site.name,
            str(build.site.place),
            build.tool.value,
            build.dockerfile or "?",
            build.context or ".",
            build.target.text if build.target is not None else "-",
        ]
        for build in builds.builds
    ]
    assert found == [[cell.strip() for cell in row] for row in expected]


def test_nothing_is_unknown_or_unread(builds: BuildList) -> None:
    assert [build.unknown for build in builds.builds if build.unknown] == []
    assert builds.blind == ()


R = "${CI_REGISTRY_IMAGE}"
COMPOSE = "${CI_REGISTRY_IMAGE:+${CI_REGISTRY_IMAGE}/}"
SDK = f"{R}/node-sdk:${{CI_COMMIT_REF_SLUG}}"
TAGS = {
    **{
        f"build / {name}": [f"{R}/{name}:${{CI_COMMIT_REF_SLUG}}-development"]
        for name in ("server", "authz-worker", "synchronizer", "console", "system-tests")
    },
    "build / node-sdk": [SDK],
    "build / release": [
        *(f"{R}/{name}:release" for name in ("server", "authz-worker", "synchronizer", "console")),
        SDK,
        f"{R}/protocol:release",
    ],
    "README.md": ["server:development", "authz-worker:release"],
    **{
        name: [f"{COMPOSE}{name}:${{CI_COMMIT_REF_SLUG:-latest}}-${{TARGET:-development}}"]
        for name in ("server", "authz-worker", "synchronizer", "console", "system-tests")
    },
    "node-sdk": [],
}  # fmt: skip


def test_tags_and_who_pushes(builds: BuildList) -> None:
    tags: dict[str, list[str]] = {}
    for build in builds.builds:
        tags.setdefault(build.site.name, []).extend(tag.text for tag in build.tags)
        assert build.push == build.site.name.startswith("build / ")
    assert tags == TAGS


def refs(values: tuple[Value, ...]) -> list[str]:
    head = f"type=registry,ref={R}/"
    return [value.text.removeprefix(head).replace(":buildcache", "") for value in values]


def test_cache_refs(builds: BuildList) -> None:
    found = {
        build.tags[0].text.removeprefix(f"{R}/"): (refs(build.cache_from), refs(build.cache_to))
        for build in builds.builds
        if build.cache_from or build.cache_to
    }
    rust = ["server", "authz-worker", "synchronizer"]
    slug = "${CI_COMMIT_REF_SLUG}-development"
    assert found == {
        f"server:{slug}": (rust, ["server,mode=max"]),
        f"authz-worker:{slug}": (
            ["authz-worker", "server", "synchronizer"], ["authz-worker,mode=max"],
        ),
        f"synchronizer:{slug}": (
            ["synchronizer", "server", "authz-worker"], ["synchronizer,mode=max"],
        ),
        f"console:{slug}": (["console"], ["console,mode=max"]),
        **{f"{name}:release": ([name], []) for name in (*rust, "console")},
    }  # fmt: skip


def text_at(facts: Facts, place: Place | None) -> str:
    assert place is not None
    return facts.snapshot.read(place.path)[slice(*place.span)].decode()


def released(builds: BuildList) -> list[Build]:
    return [build for build in builds.builds if build.site.through == ("build_service",)]


def test_the_function_that_builds_is_followed_for_each_call(
    facts: Facts, builds: BuildList
) -> None:
    """Each of the four calls is a build of its own; its values lead back to its arguments."""
    found = released(builds)
    assert len({build.site.place for build in found}) == 1
    lines, arguments = [], []
    for build in found:
        file, context, (call,) = build.dockerfile_written, build.context_written, build.calls
        assert file is not None and context is not None
        assert (file.carrier, context.carrier) == ("dockerfile", "context")
        assert text_at(facts, file.place) == '"${dockerfile}"'
        assert text_at(facts, context.place) == '"${context}"'
        lines.append(call.place.position.line)
        arguments.append([text_at(facts, place) for place in call.arguments])
        assert text_at(facts, context.origin) == arguments[-1][1]
        assert text_at(facts, file.origin) == arguments[-1][2]
        assert call.parameters == 4
    assert lines == [235, 236, 237, 238]
    assert [row[:3] for row in arguments] == [
        ["server", "controlplane", "controlplane/Dockerfile"],
        ["authz-worker", "controlplane", "controlplane/Dockerfile.authz-worker"],
        ["synchronizer", "controlplane", "controlplane/Dockerfile.synchronizer"],
        ["console", ".", "console/Dockerfile"],
    ]
    label = '"--label org.opencontainers.image.revision=${CI_COMMIT_SHORT_SHA}"'
    assert [row[3:] for row in arguments] == [[label], [], [], []]


def test_the_extra_arguments_become_options(builds: BuildList) -> None:
    labels = [
        [option.value.text for option in build.options if option.name == "label" and option.value]
        for build in released(builds)
    ]
    revision = "org.opencontainers.image.revision=${CI_COMMIT_SHORT_SHA}"
    assert labels == [[revision], [], [], []]


def test_the_target_of_the_release_comes_from_the_job(facts: Facts, builds: BuildList) -> None:
    for build in released(builds):
        target = build.target
        assert target is not None
        assert (target.written, target.carrier) == ("${TARGET}", "TARGET")
        assert target.origin is not None
        assert target.origin.position == (215, 13)
        assert text_at(facts, target.origin) == "release"


def test_values_of_the_target(builds: BuildList) -> None:
    assert builds.values_of("TARGET") == ("development", "release")


def test_compose_commands_use_services(builds: BuildList) -> None:
    uses = [(u.site.name, u.verb, u.services, u.builds) for u in builds.compose_uses]
    style = "code-style / controlplane"
    assert [use for use in uses if use[1] != "down"] == [
        (style, "pull", ("server",), False),
        (style, "run", ("server",), False),
        (style, "run", ("server",), False),
        ("code-style / console", "run", ("console",), False),
        ("unit-tests / controlplane", "run", ("server",), False),
        ("unit-tests / node-sdk", "run", ("node-sdk",), False),
        ("system-tests", "up", ("server", "authz-worker", "synchronizer"), False),
        ("system-tests", "run", ("system-tests",), False),
        ("system-tests", "logs", (), False),
        ("README.md", "up", ("server", "console"), False),
    ]
    assert {use.files for use in builds.compose_uses} == {("docker-compose.yml",)}


def test_images_that_deploy_jobs_move(builds: BuildList) -> None:
    services = ("server", "authz-worker", "synchronizer", "console")
    found = [
        (call.site.name, call.verb, [name.text for name in call.names]) for call in builds.images
    ]
    expected = []
    for environment in ("staging", "production"):
        for service in services:
            new = f"{R}/{service}:{environment}"
            job = f"deploy / {environment}"
            expected += [(job, "tag", [f"{R}/{service}:release", new]), (job, "push", [new])]
    assert found == expected


def test_the_pipeline(facts: Facts) -> None:
    pipeline = facts.pipeline
    assert pipeline is not None
    assert pipeline.stages == (
        ".pre", "security", "build", "code-style", "unit-tests", "system-tests", "documentation",
        "release", "deploy", ".post",
    )  # fmt: skip
    hidden = {name for name, job in pipeline.jobs.items() if job.hidden}
    assert hidden == {".build", ".deploy"}
    server = pipeline.jobs["build / server"]
    assert server.stage == "build"
    assert server.needs == ()
    needs = pipeline.jobs["unit-tests / controlplane"].needs
    assert needs is not None
    assert [(need.job, need.optional) for need in needs] == [
        ("build / server", False), ("build / authz-worker", False),
        ("build / synchronizer", False),
    ]  # fmt: skip
    assert pipeline.jobs["system-tests"].needs is None
    assert [line.scalar.text.split()[:2] for line in server.lines] == [
        ["docker", "login"], ["docker", "buildx"], ["docker", "compose"], ["docker", "buildx"],
    ]  # fmt: skip
    assert pipeline.jobs["gitleaks"].lines[0].scalar.text.startswith("gitleaks detect")


def test_the_workspace(facts: Facts) -> None:
    workspace = facts.workspace("controlplane")
    assert workspace is not None
    assert workspace.virtual
    assert workspace.resolver == "3"
    assert [binary.name for binary in workspace.binaries] == [
        "authz-worker", "server", "synchronizer",
    ]  # fmt: skip
    assert [p.name for p in workspace.packages if p.build_script] == ["telemetry"]
    assert facts.workspace("console") is None
