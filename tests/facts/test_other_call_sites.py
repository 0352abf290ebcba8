"""Workflows, package.json, documents, and what looks like a build where nothing is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind, Tool
from dockerfix.facts.repository import Facts
from dockerfix.text import Snapshot

Find = Callable[..., BuildList]
Short = Callable[[Build], str]
FLOW = ".github/workflows/ci.yml"


def test_run_steps(find: Find, short: Short) -> None:
    text = (
        "env: {T: dev}\ndefaults: {run: {working-directory: app}}\njobs:\n  j:\n"
        "    env: {F: D}\n    steps:\n"
        "      - run: |\n          docker build \\\n            -f $F --target ${{ env.T }} .\n"
        "      - run: docker build --target ${{ github.ref }} ${{ github.workspace }}/x\n"
        "        working-directory: sub\n"
        "      - run: docker build .\n        shell: pwsh\n"
    )
    found = find({FLOW: text})
    assert list(map(short, found.builds)) == [
        "app/D|app|dev", "x/Dockerfile|x|${github_ref}",
    ]  # fmt: skip
    assert [b.site.name for b in found.builds] == ["j", "j"]
    assert [str(blind.place) for blind in found.blind] == [f"{FLOW}:12:14"]


def test_a_matrix_makes_a_build_a_row(find: Find, short: Short) -> None:
    text = (
        "jobs:\n  j:\n    strategy:\n      matrix:\n        s: [a, b, e]\n        t: [x]\n"
        "        include:\n          - {s: b, f: D.b}\n          - {s: c, t: y, f: D.c}\n"
        "        exclude: [{s: e, t: x}, {s: a, t: no}]\n    steps:\n"
        "      - run: docker build -f ${{ matrix.f }} --target ${{matrix.s}}-${{ matrix.t }} .\n"
    )
    found = find({FLOW: text})
    assert list(map(short, found.builds)) == ["--target|?|", "D.b|.|b-x", "D.c|.|c-y"]
    file = found.builds[1].dockerfile_written
    assert file is not None and file.origin is not None
    assert text[slice(*file.origin.span)] == "D.b"


def test_a_build_action(find: Find, short: Short) -> None:
    text = (
        "jobs:\n  j:\n    strategy: {matrix: {s: [a, b]}}\n    steps:\n"
        "      - uses: docker/build-push-action@v6\n        with:\n          context: ./app\n"
        "          file: app/Dockerfile.${{ matrix.s }}\n          target: dev\n"
        "          push: ${{ github.event_name != 'pull_request' }}\n"
        "          tags: |\n            r/x:1\n            r/y:${{ github.sha }}\n"
        "          build-args: |\n            A=b\n            C\n"
    )
    found = find({FLOW: text})
    assert list(map(short, found.builds)) == [
        "app/Dockerfile.a|app|dev", "app/Dockerfile.b|app|dev",
    ]  # fmt: skip
    build = found.builds[0]
    assert (build.tool, build.push) == (Tool.ACTION, True)
    assert [tag.text for tag in build.tags] == ["r/x:1", "r/y:${github_sha}"]
    assert [(p.name, p.value.text if p.value else None) for p in build.arguments] == [
        ("A", "b"), ("C", None),
    ]  # fmt: skip
    tag = build.tags[0].place
    assert tag is not None
    assert text[slice(*tag.span)] == "r/x:1"


def test_a_build_action_without_a_context_clones(find: Find, short: Short) -> None:
    step = "jobs: {j: {steps: [{uses: docker/build-push-action@v6%s}]}}\n"
    (bare,) = find({FLOW: step % ""}).builds
    assert short(bare) == "Dockerfile|?|"
    assert "Git context" in bare.unknown[0]
    (named,) = find({FLOW: step % ", with: {file: a/D}"}).builds
    assert short(named) == "a/D|?|"


def test_a_bake_action(find: Find, short: Short) -> None:
    found = find({
        FLOW: "jobs: {j: {steps: [{uses: docker/bake-action@v5, "
        "with: {targets: 'a,b', push: true}}]}}\n",
        "docker-bake.hcl": 'target "a" { context = "a" }\ntarget "b" { context = "b" }\n',
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["a/Dockerfile|a|", "b/Dockerfile|b|"]
    assert all(build.push for build in found.builds)


def test_a_composite_action(find: Find, short: Short) -> None:
    found = find({"ci/build/action.yml": (
        "inputs: {dir: {}}\nruns:\n  using: composite\n  steps:\n"
        "    - run: docker build -f a/D ${{ inputs.dir }}\n      shell: bash\n"
    )})  # fmt: skip
    assert list(map(short, found.builds)) == ["a/D|?|"]


def test_a_workflow_of_another_repository_is_said(find: Find) -> None:
    found = find({FLOW: (
        "jobs:\n  a: {uses: org/repo/.github/workflows/docker.yml@v1, with: {x: y}}\n"
        "  b: {uses: org/repo/.github/workflows/lint.yml@v1}\n"
        "  c: {uses: ./.github/workflows/docker.yml}\n"
    )})  # fmt: skip
    assert [(blind.place.position.line, blind.apart) for blind in found.blind] == [(2, True)]


def test_odd_workflows_do_not_raise(find: Find) -> None:
    for text in ("docker: [", "jobs: docker", "jobs: {j: docker}", "jobs: {j: {steps: docker}}",
                 "jobs: {j: {steps: [docker, {run: [docker]}]}}",
                 "jobs: {j: {strategy: {matrix: '${{ fromJSON(x) }}'}, steps: [{run: docker}]}}",
                 "runs: docker"):  # fmt: skip
        find({FLOW: text})


def test_package_json(find: Find, short: Short) -> None:
    text = (
        '{\n  "scripts": {\n    "image": "docker build -f D --target \\"dev\\" .",\n'
        '    "x": "echo docker build"\n  }\n}\n'
    )
    (build,) = find({"app/package.json": text}).builds
    assert short(build) == "app/D|app|dev"
    assert str(build.site) == "app/package.json:3:15 (package.json script image)"
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert text[slice(*file.place.span)] == "D"
    for odd in (
        "docker {",
        '["docker"]',
        '{"scripts": "docker"}',
        '{"scripts": {"a": ["docker"]}}',
    ):
        find({"package.json": odd})


DOCUMENTS = {
    "fence": ("```sh\ndocker build app\n```\n", ["app/Dockerfile|app|"]),
    "tildes": ("~~~\ndocker build app\n~~~\n", ["app/Dockerfile|app|"]),
    "longer fence": ("````\n```\n````\n\n```\ndocker build app\n```\n", ["app/Dockerfile|app|"]),
    "fence in a list": ("1. x\n\n   ```\n   docker build app\n   ```\n", ["app/Dockerfile|app|"]),
    "prompt": ("```\n$ docker build app\n# docker build b\n```\n", [
        "app/Dockerfile|app|", "b/Dockerfile|b|",
    ]),
    "user prompt": ("```\nme@host:~/x$ docker build app\n```\n", ["app/Dockerfile|app|"]),
    "several lines": ("```\ndocker build \\\n  -f app/D \\\n  app\n```\n", ["app/D|app|"]),
    "CRLF": ("```\r\ndocker build \\\r\n  app\r\n```\r\n", ["app/Dockerfile|app|"]),
    "indented": ("Run:\n\n    docker build app\n\nthen\n", ["app/Dockerfile|app|"]),
    "inline": ("Run `docker build app` now.\n", ["app/Dockerfile|app|"]),
    "only named": ("Run `docker build` or docker build app now.\n", []),
    "blank to fill in": ("```\ndocker build -t <your name> app\n```\n", ["app/Dockerfile|app|"]),
    "cd": ("```\ncd app\ndocker build .\n```\n", ["app/Dockerfile|app|"]),
    "comment": ("```\n# docker is needed\nmake\n```\n", []),
    "open fence": ("```\ndocker build app\n", ["app/Dockerfile|app|"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents(find: Find, short: Short, text: str, expected: list[str]) -> None:
    found = find({"README.md": f"# Größe\n\n{text}"})
    assert list(map(short, found.builds)) == expected
    assert found.blind == ()


def test_a_document_runs_one_command_in_the_root_and_one_beside_it(
    find: Find, short: Short
) -> None:
    text = "```\ndocker build -f app/Dockerfile .\ndocker build -f Dockerfile ../\n```\n"
    found = find({"app/README.md": text, "app/Dockerfile": ""})
    assert [short(build) for build in found.builds] == ["app/Dockerfile|.|"] * 2
    assert [build.folder for build in found.builds] == ["", "app"]


def test_a_document_runs_beside_it_or_in_the_root(find: Find, short: Short) -> None:
    text = "```\ndocker build .\n```\n"
    beside = find({"app/README.md": text, "app/Dockerfile": "", "Dockerfile": ""})
    assert list(map(short, beside.builds)) == ["app/Dockerfile|app|"]
    root = find({"docs/build.md": text, "Dockerfile": ""})
    assert list(map(short, root.builds)) == ["Dockerfile|.|"]


def test_places_in_a_document(find: Find) -> None:
    text = "é\n```\n$ docker build \\\n    --file app/D app\n```\n"
    (build,) = find({"README.md": text}).builds
    file = build.dockerfile_written
    assert file is not None and file.place is not None
    assert text.encode()[slice(*file.place.span)] == b"app/D"
    assert str(build.site) == "README.md:3:3 (document README.md)"


def test_restructured_text(find: Find, short: Short) -> None:
    found = find(
        {"docs/x.rst": "Build::\n\n    $ docker build app\n\n.. code-block:: sh\n\n   x\n"}
    )
    assert list(map(short, found.builds)) == ["app/Dockerfile|app|"]


UNREAD = {
    "Jenkinsfile": "node { sh 'docker build .' }\n",
    "ci/Jenkinsfile.release": "docker.build('x')\n",
    "cloudbuild.yaml": "steps:\n  - args: ['docker', 'build', '.']\n",
    ".editor/environment.json": '{"build": {\n  "dockerfile": "Dockerfile"}}\n',
    "ci/jenkinsfile": "node { sh 'docker build .' }\n",
    "build.bat": "docker build .\r\n",
    "build.gradle": 'commandLine "docker", "build", "."\n',
    "cmd/main.go": 'package main\n\nvar c = exec.Command("docker", "build", ".")\n',
    "src/a.rs": 'fn f() { Command::new("docker").args(["build", "."]); }\n',
    "src/a.ts": 'await execa("docker", ["buildx", "build", "."])\n',
    "tests/x.robot": "    Run Process    docker build -t x .\n",
    ".drone.yml": "settings:\n  dockerfile: app/Dockerfile\n  x: docker\n",
}


@pytest.mark.parametrize("path", UNREAD)
def test_files_of_other_tools_are_said(find: Find, path: str) -> None:
    found = find({path: UNREAD[path]})
    assert found.builds == ()
    (blind,) = found.blind
    assert blind.place.path == path
    assert blind.what == "what looks like a build"


def test_what_only_sounds_like_one_is_not_said(find: Find) -> None:
    found = find({
        "a.yml": "# docker build .\nimage: docker/build-tools\nx: docker push r/build:1\n",
        "Jenkinsfile": "// docker build .\necho 'docker build .'\n",
        "b.yml": "name: Docker builds\n",
        "chart/values.yaml": "docker: {registry: x, builder: y}\n",
    })  # fmt: skip
    assert (found.builds, found.blind) == ((), ())


def test_binary_large_and_unreadable_files(find: Find) -> None:
    found = find({
        "a.sh": b"\0docker build .", "b.sh": "docker build .\n" + "#" * 1_000_001,
        "c.md": b"```\ndocker build \xff\n```\n", "d.sh": b"docker build \xff\n",
    })  # fmt: skip
    assert [build.site.place.path for build in found.builds] == ["d.sh"]
    assert [(blind.place.path, blind.why) for blind in found.blind] == [
        ("b.sh", "it is larger than 1000000 bytes")
    ]


def test_kinds_of_sites(find: Find) -> None:
    found = find({
        "README.md": "    docker build a\n", "Makefile": "x:\n\tdocker build b\n",
        FLOW: "jobs: {j: {steps: [{run: docker build c}]}}\n",
        "package.json": '{"scripts": {"x": "docker build d"}}',
    })  # fmt: skip
    kinds = {build.context: build.site.kind for build in found.builds}
    assert kinds == {
        "a": SiteKind.DOCUMENT, "b": SiteKind.MAKE, "c": SiteKind.GITHUB,
        "d": SiteKind.PACKAGE_JSON,
    }  # fmt: skip


def test_a_deeply_indented_document_is_read_in_one_pass(find: Find, short: Short) -> None:
    deep = " " * 3000 + "docker\n"
    found = find({"a.md": deep + "- > ```\n  > docker build -f D .\n  > ```\n", "D": ""})
    assert list(map(short, found.builds)) == ["D|.|"]


def test_a_matrix_of_mappings(find: Find, short: Short) -> None:
    text = (
        "jobs:\n  j:\n    strategy:\n      matrix:\n        os: [x, y]\n        part:\n"
        "          - {name: a, at: {dir: app}}\n          - {name: b, at: {dir: web}}\n"
        "        exclude: [{os: y, part: {name: a}}]\n"
        "        include: [{os: z, part: {name: c, at: {dir: z}}}]\n    steps:\n"
        "      - uses: docker/build-push-action@v6\n        with:\n"
        "          context: ${{ matrix.part.at.dir }}\n"
        "          target: ${{ matrix.os }}-${{ matrix.part.name }}\n"
    )
    assert list(map(short, find({FLOW: text}).builds)) == [
        "app/Dockerfile|app|x-a", "web/Dockerfile|web|x-b", "web/Dockerfile|web|y-b",
        "z/Dockerfile|z|z-c",
    ]  # fmt: skip


def test_expressions(find: Find, short: Short) -> None:
    text = (
        "on: workflow_dispatch\njobs: {j: {steps: [{uses: docker/build-push-action@v6, with: "
        "{context: \"${{ inputs.dir || 'app' }}\", file: \"${{ 'D' }}\", "
        'target: "${{ format(1) }}"}}]}}\n'
    )
    (build,) = find({FLOW: text}).builds
    assert short(build) == "D|app|${OPAQUE}"
    assert build.unknown == ("the context is app unless inputs_dir is set elsewhere",)


def test_a_called_workflow_has_its_callers_inputs(find: Find, short: Short) -> None:
    called = (
        "on: {workflow_call: {inputs: {dir: {}, file: {default: Dockerfile}}}}\n"
        "jobs:\n  image:\n    steps:\n      - uses: docker/build-push-action@v6\n"
        "        with: {context: '${{ inputs.dir }}', "
        "file: '${{ inputs.dir }}/${{ inputs.file }}'}\n"
    )
    caller = (
        "on: push\njobs:\n  a: {uses: ./.github/workflows/image.yml, with: {dir: a}}\n"
        "  b:\n    strategy: {matrix: {d: [b, c]}}\n    uses: ./.github/workflows/image.yml\n"
        "    with: {dir: '${{ matrix.d }}', file: D}\n"
    )
    found = find({".github/workflows/image.yml": called, FLOW: caller})
    assert list(map(short, found.builds)) == ["a/Dockerfile|a|", "b/D|b|", "c/D|c|"]
    assert found.builds[0].site.through == ("ci.yml a",)
    alone = find({".github/workflows/image.yml": called})
    assert list(map(short, alone.builds)) == ["?|?|"]


def test_a_composite_action_has_its_callers_inputs(find: Find, short: Short) -> None:
    action = (
        "inputs: {dir: {default: x}}\nruns:\n  using: composite\n  steps:\n"
        "    - run: docker build ${{ inputs.dir }}\n      shell: bash\n"
    )
    caller = (
        "on: push\njobs: {j: {steps: [{uses: ./ci/image, with: {dir: a}}, {uses: ./ci/image}, "
        "{uses: ./ci/none}]}}\n"
    )
    found = find({"ci/image/action.yml": action, FLOW: caller})
    assert list(map(short, found.builds)) == ["a/Dockerfile|a|", "x/Dockerfile|x|"]


def test_workflows_that_call_one_another_come_to_an_end(find: Find) -> None:
    text = "on: push\njobs: {a: {uses: ./.github/workflows/ci.yml}, b: {steps: [{run: docker}]}}\n"
    find({FLOW: text})


def test_forks_of_the_build_actions(find: Find, short: Short) -> None:
    step = "on: push\njobs: {j: {steps: [{uses: %s, with: {%s}}]}}\n"
    fork = find({FLOW: step % ("org/build-push-action@v2", "context: app, push: true")})
    assert list(map(short, fork.builds)) == ["app/Dockerfile|app|"]
    for action, inputs in (
        ("org/actions/build-push@v1", "dockerfile-path: app/Dockerfile"),
        ("org/kaniko-action@v1", "image: x"), ("org/thing@v1", "dockerfile: D"),
    ):  # fmt: skip
        found = find({FLOW: step % (action, inputs)})
        assert found.builds == ()
        assert [(b.what, b.apart) for b in found.blind] == [("an action", True)]
    for action in ("docker/login-action@v3", "docker/setup-buildx-action@v3"):
        assert find({FLOW: step % (action, "x: docker")}).blind == ()


PLACES = {
    "Tiltfile": (
        "docker_build('r/x', 'app', dockerfile='D', target='dev')\ndocker_build('y', 'web')\n"
        "custom_build('z', 'docker build -t $EXPECTED_REF lib', deps=['lib'])\n",
        ["lib/Dockerfile|lib|", "D|app|dev", "web/Dockerfile|web|"],
    ),
    "sub/justfile": (
        "dir := 'app'\n\nimage tag='x' *flags: other\n    @docker build -t {{tag}} \\\n"
        "      -f {{dir}}/D .\n\nnext:\n    #!/usr/bin/env bash\n    cd web\n"
        "    docker build {{dir}}\n",
        ["sub/app/D|sub|", "sub/web/app/Dockerfile|sub/web/app|"],
    ),
    "sub/Taskfile.yml": (
        "version: 3\nvars: {DIR: app}\ntasks:\n  a:\n    dir: x\n    cmds:\n"
        "      - docker build {{.DIR}}\n      - cmd: docker build web\n",
        ["sub/x/app/Dockerfile|sub/x/app|", "sub/x/web/Dockerfile|sub/x/web|"],
    ),
    ".circleci/config.yml": (
        "jobs:\n  image:\n    parameters: {svc: {type: string}}\n    steps:\n      - checkout\n"
        "      - run: docker build -f << parameters.svc >>/Dockerfile .\n"
        "      - run: {name: web, command: docker build web, working_directory: x}\n"
        "workflows: {all: {jobs: [{image: {matrix: {parameters: {svc: [api, job]}}}}]}}\n",
        ["api/Dockerfile|.|", "job/Dockerfile|.|", "x/web/Dockerfile|x/web|"],
    ),
    "azure-pipelines.yml": (
        "variables: {d: app}\nsteps:\n  - script: docker build ${{ variables.d }}\n"
        "  - bash: docker build $(Build.SourcesDirectory)/x\n",
        ["app/Dockerfile|app|", "?|?|"],
    ),
    "bitbucket-pipelines.yml": (
        "pipelines: {default: [{step: {name: image, script: [docker build app]}}]}\n",
        ["app/Dockerfile|app|"],
    ),
    ".woodpecker/a.yml": (
        "steps:\n  image:\n    image: docker\n    commands:\n      - docker build app\n",
        ["app/Dockerfile|app|"],
    ),
    "x/skaffold.yaml": (
        "build:\n  artifacts:\n    - {image: a, context: a}\n    - image: b\n      docker: "
        "{dockerfile: D, target: dev, buildArgs: {A: '{{.B}}'}}\n    - {image: c, ko: {}}\n"
        "profiles: [{build: {artifacts: [{image: d, context: ../d, kaniko: {}}]}}]\n",
        ["x/a/Dockerfile|x/a|", "x/D|x|dev", "d/Dockerfile|d|"],
    ),
}


@pytest.mark.parametrize("path", PLACES)
def test_places_that_build(find: Find, short: Short, path: str) -> None:
    text, expected = PLACES[path]
    found = find({path: text})
    assert list(map(short, found.builds)) == expected
    assert found.blind == ()


def test_values_of_dotenv(find: Find, short: Short) -> None:
    text = (
        "services:\n  a:\n    build:\n      context: ./\n      dockerfile: ${FILE}\n"
        "      target: ${T:-dev}\n  b: {build: {context: '${PWD}/b'}}\n"
    )
    found = find({"x/compose.yaml": text, "x/.env": "FILE=web/Dockerfile\nT=prod\n"})
    assert list(map(short, found.builds)) == ["x/web/Dockerfile|x|${T:-prod}", "?|?|"]
    assert found.builds[0].unknown == (
        "the Dockerfile is web/Dockerfile unless FILE is set elsewhere",
    )


def test_a_document_whose_folder_is_not_known(find: Find, short: Short) -> None:
    found = find({
        "README.md": "Go to `app` and run:\n\n```\ndocker build .\n```\n", "app/Dockerfile": "",
    })  # fmt: skip
    assert list(map(short, found.builds)) == ["?|?|"]
    assert found.builds[0].unknown == (
        "the folder in which it runs is not known: Dockerfile does not exist",
    )


def test_the_rows_of_a_matrix_are_read_with_its_step() -> None:
    """`dockerfile:` of a row that a step builds is no build of its own; that of another is."""
    workflow = """\
jobs:
  images:
    strategy:
      matrix:
        service:
          - name: api
            dockerfile: api/Dockerfile
          - {name: web, dockerfile: "web/Dockerfile"} # the shop
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: .
          file: ${{ matrix.service.dockerfile }}
      - uses: acme/builds@v1
        with:
          dockerfile: other/Dockerfile
"""
    files = {".github/workflows/w.yml": workflow, "api/Dockerfile": "FROM a\n"}
    facts = Facts(Snapshot.of(files | {"web/Dockerfile": "FROM a\n"}))
    assert [build.dockerfile for build in facts.builds.builds] == [
        "api/Dockerfile",
        "web/Dockerfile",
    ]
    assert [blind.place.position.line for blind in facts.builds.blind] == [14]
