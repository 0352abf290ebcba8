"""Builds that the files of deployment tools, PowerShell scripts and Bazel ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from dockerfix.facts.builds import BuildList
from dockerfix.facts.model import Build, SiteKind

Find = Callable[[Mapping[str, str | bytes]], BuildList]
Short = Callable[[Build], str]

D = "FROM x\n"
FILES: dict[str, tuple[dict[str, str], list[str]]] = {
    "fly.toml": (
        {"api/fly.toml": '[build]\ndockerfile = "Dockerfile.api"\nbuild-target = "run"\n'},
        ["api/Dockerfile.api|api|run"],
    ),
    "fly.toml, default": ({"fly.toml": 'app = "x"\n', "Dockerfile": D}, ["Dockerfile|.|"]),
    "fly.toml, an image": ({"fly.toml": '[build]\nimage = "x"\n', "Dockerfile": D}, []),
    "railway.json": (
        {"railway.json": '{"build": {"builder": "DOCKERFILE", "dockerfilePath": "api/D"}}'},
        ["api/D|.|"],
    ),
    "railway.toml beside": (
        {
            "api/railway.toml": '[build]\ndockerfilePath = "Dockerfile.x"\n',
            "api/Dockerfile.x": D,
        },
        ["api/Dockerfile.x|api|"],
    ),
    "render.yaml": (
        {
            "render.yaml": "services:\n- type: web\n  name: api\n  runtime: docker\n"
            "  dockerfilePath: ./api/Dockerfile\n  dockerContext: ./api\n"
            "- type: web\n  name: node\n  runtime: node\n"
        },
        ["api/Dockerfile|api|"],
    ),
    "render.yaml, rootDir": (
        {"render.yaml": "services:\n- {name: api, env: docker, rootDir: api, dockerfilePath: D}\n"},
        ["api/D|api|"],
    ),
    "heroku.yml": (
        {
            "heroku.yml": "build:\n  docker:\n    web: api/Dockerfile\n"
            "    worker:\n      dockerfile: worker/Dockerfile\n      target: run\n"
        },
        ["api/Dockerfile|api|", "worker/Dockerfile|worker|run"],
    ),
    "captain-definition": (
        {"captain-definition": '{"schemaVersion": 2, "dockerfilePath": "./Dockerfile.x"}'},
        ["Dockerfile.x|.|"],
    ),
    "copilot": (
        {
            "copilot/api/manifest.yml": "name: api\nimage:\n  build: api/Dockerfile\n"
            "sidecars:\n  proxy:\n    image:\n      build:\n        dockerfile: proxy/Dockerfile\n"
            "        context: .\n        target: run\n"
        },
        ["api/Dockerfile|api|", "proxy/Dockerfile|.|run"],
    ),
    "serverless.yml": (
        {
            "api/serverless.yml": "provider:\n  ecr:\n    images:\n      app:\n        path: ./\n"
            "        file: Dockerfile.x\n      other:\n        uri: 1.dkr/x\n"
        },
        ["api/Dockerfile.x|api|"],
    ),
    "devspace.yaml": (
        {
            "devspace.yaml": "version: v2beta1\nimages:\n  api:\n    image: x/api\n"
            "    dockerfile: api/Dockerfile\n    context: api\n  other:\n    image: x\n"
            "    custom:\n      command: docker build -f D --target t .\n"
        },
        ["D|.|t", "api/Dockerfile|api|"],
    ),
    "werf.yaml": (
        {"werf.yaml": "project: x\n---\nimage: api\ncontext: api\ndockerfile: D\ntarget: run\n"},
        ["api/D|api|run"],
    ),
    "werf.yaml, a template": ({"werf.yaml": "{{ if x }}\nimage: y\n"}, []),
    "garden.yml": (
        {
            "api/garden.yml": "kind: Build\ntype: container\nname: api\n"
            "spec:\n  dockerfile: D\n  targetStage: run\n",
            "b/x.garden.yml": "kind: Module\ntype: container\nname: b\ndockerfile: D\n",
            "c/garden.yml": "kind: Deploy\ntype: container\nname: c\n",
        },
        ["api/D|api|run", "b/D|b|"],
    ),
    "okteto.yml": (
        {"okteto.yml": "build:\n  api:\n    context: api\n    dockerfile: D\n    target: run\n"},
        ["api/D|api|run"],
    ),
    "app.yaml": (
        {"api/app.yaml": "runtime: custom\nenv: flex\n", "api/Dockerfile": D},
        ["api/Dockerfile|api|"],
    ),
    "app.yaml of something else": ({"app.yaml": "kind: Deployment\n"}, []),
    "devcontainer.json": (
        {
            ".devcontainer/devcontainer.json": "{\n  // a comment\n"
            '  "build": {"dockerfile": "Dockerfile", "context": "..", "target": "dev"},\n'
            '  "name": "http://x", /* another */\n}\n'
        },
        [".devcontainer/Dockerfile|.|dev"],
    ),
    "devcontainer.json, older": (
        {".devcontainer/devcontainer.json": '{"dockerFile": "../D", "context": ".."}'},
        ["D|.|"],
    ),
    "powershell": (
        {
            "build.ps1": "$tag = 'x'\ndocker build `\n  -t \"x:$tag\" `\n"
            "  -f .\\api\\Dockerfile --target 'run' .\n& docker build worker | Out-Null\n"
        },
        ["api/Dockerfile|.|run", "worker/Dockerfile|worker|"],
    ),
    "powershell, a variable": ({"build.ps1": "docker build -f $file $env:DIR\n"}, ["?|?|"]),
    "powershell, elsewhere": ({"build.ps1": "Set-Location api\ndocker build .\n"}, ["?|?|"]),
}


@pytest.mark.parametrize(("files", "expected"), FILES.values(), ids=FILES)
def test_files(find: Find, short: Short, files: dict[str, str], expected: list[str]) -> None:
    found = find(files)
    assert sorted(short(build) for build in found.builds) == expected
    assert not found.blind


def test_a_default_that_is_not_there_is_said(find: Find) -> None:
    found = find({"deploy/fly.toml": 'app = "x"\n'})
    assert not found.builds
    assert [blind.what for blind in found.blind] == ["an image of a deployment file"]


def test_where_a_template_names_a_dockerfile_is_said(find: Find) -> None:
    found = find({"werf.yaml": "{{ if x }}\nimage: y\ndockerfile: D\n{{ end }}\n"})
    assert [blind.place.position.line for blind in found.blind] == [3]


def test_rules_of_bazel_need_no_dockerfile(find: Find) -> None:
    found = find(
        {
            "api/BUILD.bazel": 'oci_image(\n    name = "image",\n    base = "@distroless",\n)\n'
            'rust_binary(name = "api")\n',
            "BUILD": 'load("x", "container_image")\ncontainer_image(name = "a")\n'
            'dockerfile_image(name = "b", dockerfile = ":Dockerfile")\n',
        }
    )
    assert [(b.site.kind, b.site.name, b.tool) for b in found.bare] == [
        (SiteKind.BAZEL, "a", "bazel container_image"),
        (SiteKind.BAZEL, "image", "bazel oci_image"),
    ]
    assert [blind.what for blind in found.blind] == ["`dockerfile_image`"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"deploy.sh": "flyctl deploy --remote-only\n"}, ["`flyctl deploy`"]),
        ({"up.sh": "devspace deploy\n"}, ["`devspace`"]),
        ({"up.sh": "command -v tilt || brew install tilt\n"}, []),
        ({"up.sh": "tilt up -f dev/Tiltfile\n", "dev/Tiltfile": ""}, []),
        ({"up.sh": "tilt up -f dev/Tiltfile\n"}, ["`tilt`"]),
        ({"up.sh": "tilt up -f Tiltfile.x\n", "Tiltfile.x": ""}, ["`tilt`"]),
        ({"x.rs": "use bollard::x;\nlet o = BuildImageOptions {\n"}, ["what looks like a build"]),
        ({"x.ts": "export interface BuildImageOptions {\n"}, []),
        (
            {".goreleaser.api.yaml": "dockers:\n- image_templates: [x]\n"},
            ["an image of GoReleaser"],
        ),
        ({"x.sh": "echo 'docker build a' | bash\n"}, ["what looks like a build"]),
    ],
)
def test_what_is_not_followed_is_said(find: Find, files: dict[str, str], said: list[str]) -> None:
    assert [blind.what for blind in find(files).blind] == said
