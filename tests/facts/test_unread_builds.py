"""Builds in forms that are rarer than `docker build`: found, or said at their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, Tool

Find = Callable[..., BuildList]
Short = Callable[[Build], str]


HIDDEN = [
    "$TOOL image build -t a .",
    "sudo $TOOL --log-level debug build -t a .",
    "$TOOL build -f app/Dockerfile .",
    "$BUILD -f app/Dockerfile .",
    "$BUILD --dockerfile=app/Dockerfile .",
    "$TOOL bake",
    "docker run gcr.io/kaniko-project/executor:v1 --dockerfile=app/Dockerfile",
    "kubectl run k --image=gcr.io/kaniko-project/executor:v1",
    "buildctl-daemonless.sh build --frontend=dockerfile.v0",
    "kamal build push",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_tool_that_is_not_read_is_said(script: Callable[[str], BuildList], text: str) -> None:
    found = script(f"{text}\n# docker\n")
    assert found.builds == ()
    assert [str(blind.place) for blind in found.blind] == ["build.sh:1:1"]


@pytest.mark.parametrize(
    "text",
    [
        "$GO build -mod=mod -o x ./cmd", "$CARGO build --release --bin x", "$PYTHON -m build .",
        "$YARN build", "$GO build ./...", "$X -f app.yaml .", "docker pull kaniko/executor:1",
        "$BIN/kustomize build app",
    ],
)  # fmt: skip
def test_what_no_image_builder_takes_is_none(script: Callable[[str], BuildList], text: str) -> None:
    found = script(f"{text}\n# docker\n")
    assert (found.builds, found.blind) == ((), ())


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("buildah --storage-driver overlay2 bud -f app/D app", Tool.BUILDAH),
        ("B='buildah --storage-driver=vfs'\n$B build -f app/D app", Tool.BUILDAH),
        ("podman --log-level debug image build -f app/D app", Tool.PODMAN),
        ("podman --remote buildx build -f app/D app", Tool.PODMAN),
        ("executor --dockerfile app/D --context app", Tool.KANIKO),
        ("cross-env A=b docker build -f app/D app", Tool.DOCKER_BUILD),
    ],
)
def test_flags_before_the_verb(
    script: Callable[[str], BuildList], short: Short, text: str, tool: Tool
) -> None:
    found = script(text)
    assert [build.tool for build in found.builds] == [tool]
    assert found.builds[0].context == "app"
    assert found.blind == ()


def test_functions_that_call_one_another_in_a_circle_are_followed_once(
    script: Callable[[str], BuildList], short: Short
) -> None:
    found = script(
        "menu() { install; menu; }\ninstall() { docker build -f a/D .; menu; }\n"
        "ask() { echo docker; ask; ask; }\nmenu\nask\n"
    )
    assert list(map(short, found.builds)) == ["a/D|.|"]
    assert found.blind == ()


SAID = {
    ".buildkite/pipeline.yml": (
        "steps:\n  - plugins:\n      - docker-compose#v4.0.0:\n          build: app\n"
    ),
    ".circleci/config.yml": (
        "orbs: {docker: circleci/docker@2}\njobs:\n  a:\n    steps:\n      - docker/build:\n"
        "          image: x\n"
    ),
    ".drone.yml": "steps:\n- name: a\n  image: plugins/docker\n  settings: {repo: x}\n",
    ".woodpecker/a.yml": (
        "steps:\n  a:\n    image: woodpeckerci/plugin-docker-buildx\n    settings: {repo: x}\n"
    ),
    "azure-pipelines.yml": "steps:\n- task: Docker@2\n  inputs: {command: buildAndPush}\n",
    ".goreleaser.yaml": "dockers:\n  - image_templates: [x]\n",
    ".vscode/tasks.json": '{"tasks": [{\n  "type": "docker-build"}]}\n',
    "tasks.json": '{"tasks": [{"command": "docker",\n  "args": ["build", "."]}]}\n',
    "Makefile.toml": '[tasks.a]\ncommand = "docker"\nargs = [\n  "build",\n  "."]\n',
    "Earthfile": "a:\n  FROM DOCKERFILE app\n",
    "Jenkinsfile": "agent { dockerfile true }\n",
    "fly.toml": 'app = "x"\n[build]\n  build-target = "docker"\n',
    "render.yaml": "services:\n  - type: web\n    runtime: docker\n",
    "task.yaml": 'steps:\n  - command: [/kaniko/executor]\n    args: ["--no-push"]\n',
    "step.yaml": "script: |\n  buildah --storage-driver=vfs bud .\n",
    "kit.yaml": "command:\n  - buildctl-daemonless.sh\nargs:\n  - build\n  - --local\n",
    "phases.yml": "x-commands:\n  - $DOCKER build -t docker/a .\n",
    "boilerplate/ci.yml": "steps:\n  - uses: org/docker-build-action@v5\n",
    "play.yml": "- community.docker.docker_image:\n    source: build\n",
    "main.tf": 'resource "docker_image" "x" {\n  build {\n  }\n}\n',
    "images.hcl": 'target "docker" {\n  context = "app"\n}\n',
    "ci/main.go": "x := src.DockerBuild(opts) // docker\n",
    "win.ps1": "& $docker build -t a .\n",
    "app/action.yml": "runs:\n  using: docker\n  image: Dockerfile\n",
}


@pytest.mark.parametrize("path", SAID)
def test_places_of_builds_that_are_not_read(find: Find, path: str) -> None:
    found = find({path: SAID[path]})
    assert found.builds == ()
    assert [blind.place.path for blind in found.blind] == [path]


NOT_SAID = {
    ".drone.yml": "steps:\n- image: plugins/slack\n  settings: {docker: x}\n",
    ".circleci/config.yml": "orbs: {docker: x/docker@2}\njobs: {a: {steps: [docker/login]}}\n",
    "azure-pipelines.yml": "steps:\n- task: Docker@2\n  inputs: {command: login}\n",
    "fly.toml": 'app = "docker"\n[build]\n  image = "x/docker"\n',
    "a.hcl": 'group "docker" {\n}\n',
    "app/action.yml": "runs:\n  using: docker\n  image: docker://alpine\n",
}


@pytest.mark.parametrize("path", NOT_SAID)
def test_places_of_the_same_tools_that_build_nothing(find: Find, path: str) -> None:
    found = find({path: NOT_SAID[path]})
    assert (found.builds, found.blind) == ((), ())


def test_targets_of_a_called_bake_file_that_no_call_names(find: Find, short: Short) -> None:
    found = find({
        "build.sh": "docker buildx bake -f docker-bake.hcl api\n",
        "docker-bake.hcl": (
            'target "_base" {\n  dockerfile = "D"\n  tags = ["x"]\n}\n'
            'target "base" {\n  inherits = ["_base"]\n  tags = []\n}\n'
            'target "job" {\n  inherits = ["base"]\n  tags = ["x"]\n  target = "job"\n}\n'
            'target "job-ci" {\n  inherits = ["job"]\n  target = "ci"\n}\n'
            'target "api" {\n  inherits = ["base"]\n  target = "api"\n}\n'
            'target "web" {\n  inherits = ["base"]\n  target = "web"\n'
            '  contexts = {deps = "target:deps"}\n}\ntarget "deps" {\n}\n'
        ),
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["D|.|api", "D|.|job", "D|.|ci", "D|.|web"]
    kinds = {build.site.kind.value for build in found.builds[1:]}
    assert (found.builds[0].site.kind.value, kinds) == ("shell script", {"bake target"})


@pytest.mark.parametrize("path", ["docker/bake.hcl", "ci/docker-bake.prod.hcl"])
def test_names_of_bake_files(find: Find, short: Short, path: str) -> None:
    found = find({path: 'target "docker" {\n  context = "app"\n}\n', "app/Dockerfile": ""})
    assert list(map(short, found.builds)) == ["app/Dockerfile|app|"]


def test_compose_files_of_any_name(find: Find, short: Short) -> None:
    found = find({
        "local.yml": "services:\n  web:\n    build: app\n",
        "chart/values.yaml": "replicas: 1\nservices:\n  web:\n    build: app\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["app/Dockerfile|app|"]
    assert [build.site.place.path for build in found.builds] == ["local.yml"]


def test_files_that_compose_includes(find: Find, short: Short) -> None:
    found = find({
        "compose.yaml": (
            "include:\n  - a/stack.yaml\n  - path: [b/stack.yaml]\n  - $X/c.yaml\n"
            "services:\n  web:\n    build: .\n"
        ),
        "a/stack.yaml": "services: {a: {build: .}}\ninclude: [../compose.yaml]\n",
        "b/stack.yaml": "services: {b: {build: ../app}}\nvolumes: {}\n",
    })  # fmt: skip
    assert list(map(short, found.builds)) == [
        "Dockerfile|.|", "a/Dockerfile|a|", "app/Dockerfile|app|",
    ]  # fmt: skip
    assert [str(blind.place) for blind in found.blind] == ["compose.yaml:4:5"]


def test_cloud_build(find: Find, short: Short) -> None:
    found = find({
        "ci/cloudbuild.yaml": (
            "substitutions: {_FILE: app/D}\nsteps:\n"
            "- name: gcr.io/cloud-builders/docker\n  dir: sub\n"
            "  args: [build, -t, '$PROJECT_ID/a', -f, $_FILE, --target, dev, .]\n"
            "- name: gcr.io/cloud-builders/docker\n  args: [push, x]\n"
            "- name: gcr.io/kaniko-project/executor:latest\n  args:\n"
            "  - --dockerfile=web/Dockerfile\n  - --context=.\n"
            "- name: docker\n  entrypoint: bash\n  args: ['-c', 'docker build -f ${_FILE} api']\n"
            "- name: docker\n  script: docker build web\n"
            "- name: golang\n  args: [build, .]\n"
        ),
    })  # fmt: skip
    assert list(map(short, found.builds)) == [
        "sub/app/D|sub|dev", "web/Dockerfile|.|", "app/D|api|", "web/Dockerfile|web|",
    ]  # fmt: skip
    assert found.blind == ()
    assert found.builds[0].tags[0].text == "${PROJECT_ID}/a"


def test_cloud_build_is_known_by_its_builders(find: Find, short: Short) -> None:
    """Its file has any name; a builder's image that has no tool of its own is given a shell."""
    steps = (
        "steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, a]\n"
        "- name: gcr.io/k8s-staging-test-infra/gcb-docker-gcloud:v1\n"
        "  args:\n  - bash\n  - -ceu\n  - docker build b\n"
    )
    found = find({"ops/image.yaml": steps, "a/Dockerfile": "", "b/Dockerfile": ""})
    assert sorted(map(short, found.builds)) == ["a/Dockerfile|a|", "b/Dockerfile|b|"]
    assert found.blind == ()


def test_tasks_of_an_editor(find: Find, short: Short) -> None:
    text = """{
      // how to build
      "tasks": [
        {"label": "a", "command": "docker build -f ${workspaceFolder}/a/D ${workspaceFolder}"}, // x
        {"label": "b", "command": "docker build .", "options": {"cwd": "${workspaceFolder}/b"}},
        {"label": "c", "command": "docker-compose -f ${workspaceFolder}/c.yaml build"},
      ],
    }"""
    files = {"app/.vscode/tasks.json": text, "app/a/D": "", "app/b/Dockerfile": ""}
    found = find({**files, "app/c.yaml": "services:\n  s: {build: b}\n"})
    assert list(map(short, found.builds)) == [
        "app/a/D|app|", "app/b/Dockerfile|app/b|", "app/b/Dockerfile|app/b|",
    ]  # fmt: skip
    assert (found.blind, len(found.compose_uses)) == ((), 1)


def test_kaniko_in_cloud_build_has_the_source_for_its_context(find: Find, short: Short) -> None:
    """`/workspace` is kaniko's default, and the folder into which Cloud Build puts the source."""
    step = "- name: gcr.io/kaniko-project/executor:latest\n  args: [--dockerfile=ops/D]\n"
    found = find({"cloudbuild.yaml": f"steps:\n{step}", "ops/D": "FROM scratch\n"})
    assert list(map(short, found.builds)) == ["ops/D|.|"]
    found = find({"cloudbuild.yaml": f"steps:\n{step}  dir: sub\n", "ops/D": "FROM scratch\n"})
    assert found.builds[0].context is None


@pytest.mark.parametrize(
    "call",
    [
        'run([engine, "build", "-f", "app/D", "."])',
        'run(f"{engine} build -t a .", shell=True)',
        'session.run(engine, "build", "-t", "a", ".")',
        'cmd = [engine, "buildx", "build", "."] + more',
    ],
)
def test_a_tool_that_a_python_program_chooses_is_said(find: Find, call: str) -> None:
    found = find({"a.py": f"engine = which('docker')\ndef f():\n    {call}\n"})
    assert found.builds == ()
    assert [(blind.place.position.line, blind.why) for blind in found.blind] == [
        (3, "the tool is a variable")
    ]


SPOKEN = {
    "a function of messages": ("a.sh", 'print_error "  docker build --no-cache app"\n'),
    "the name of a job": (".ci.yml", "a:\n  - name: 'docker build'\n"),
    "a list of files": ("lint.yml", "matrix:\n  dockerfile:\n    - a/Dockerfile\n"),
    "a file of Compose": ("a.py", "root = find()\np = root / 'docker-compose.yml'\nbuild(p)\n"),
    "a text that is looked for": ("a.py", "check.has('docker build', text)\n"),
    "an action that builds nothing": (
        ".ci/x.yml", "steps:\n  - uses: a/docker-buildx-imagetools-action@v1\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), SPOKEN.values(), ids=SPOKEN)
def test_what_only_speaks_of_a_build_is_not_said(find: Find, path: str, text: str) -> None:
    found = find({path: text})
    assert (found.builds, found.blind) == ((), ())


@pytest.mark.parametrize(
    "call",
    ['run([npm, "build", "--release", "."])', 'run(f"{go} build ./...")', 'f(build, "build", X)'],
)
def test_what_a_python_program_builds_otherwise_is_not_said(find: Find, call: str) -> None:
    found = find({"a.py": f"x = 'docker'\n{call}\n"})
    assert (found.builds, found.blind) == ((), ())


@pytest.mark.parametrize(
    ("command", "tool"),
    [
        ("ko apply -f config", "ko apply"), ("pack build a --builder b", "pack build"),
        ("./gradlew :app:jib", "gradlew :app:jib"), ("nix-build image.nix", "nix-build"),
        ("mvn -B package jib:dockerBuild", "mvn jib:dockerBuild"),
        ("mvn spring-boot:build-image", "mvn spring-boot:build-image"),
        ("nix build .#dockerImage", "nix"), ("nix build .#program", None),
        ("wasm-pack build .", None), ("sbt docker:publishLocal", "sbt docker:publishLocal"),
    ],
)  # fmt: skip
def test_images_without_a_dockerfile(
    script: Callable[[str], BuildList], command: str, tool: str | None
) -> None:
    found = script(f"{command}\n# docker\n")
    assert (found.builds, found.blind) == ((), ())
    assert [bare.tool for bare in found.bare] == ([tool] if tool else [])


def test_skaffold_artifacts_without_a_dockerfile(find: Find) -> None:
    found = find({"skaffold.yaml": "build: {artifacts: [{image: a, ko: {}}, {image: b, jib: {}}]}"})
    assert found.builds == ()
    assert [(bare.site.name, bare.tool) for bare in found.bare] == [
        ("a", "skaffold ko"), ("b", "skaffold jib"),
    ]  # fmt: skip


def test_cloud_build_of_a_folder_that_is_submitted(find: Find, short: Short) -> None:
    text = "steps: [{name: docker, args: [build, .]}]\n"
    found = find({"app/cloudbuild.yaml": text, "app/Dockerfile": ""})
    assert list(map(short, found.builds)) == ["app/Dockerfile|app|"]


def test_a_dockerfile_that_a_pattern_names(find: Find, short: Short) -> None:
    found = find({
        "build.sh": (
            "docker build -f */one.Dockerfile .\ndocker build -f */two.Dockerfile .\n"
            "docker build -f '*/one.Dockerfile' .\n"
        ),
        "a/one.Dockerfile": "", "a/two.Dockerfile": "", "b/two.Dockerfile": "",
    })  # fmt: skip
    assert list(map(short, found.builds)) == [
        "a/one.Dockerfile|.|", "?|.|", "*/one.Dockerfile|.|",
    ]  # fmt: skip
    assert found.builds[1].unknown == (
        "*/two.Dockerfile matches 2 files, and the shell hands them all over",
    )
