"""The transform `registry-mirror`: its options, and what is refused of them.

The work itself stands in `mirroring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dockerfix.api import (
    Draft,
    Facts,
    Finding,
    OptionSpec,
    Proposal,
    normalise_path,
)
from dockerfix_transforms.gitlab.registry_mirror.mirroring import Mirroring
from dockerfix_transforms.gitlab.registry_mirror.mirrors import MirrorError, is_label, read_mirrors
from dockerfix_transforms.gitlab.registry_mirror.objects import is_network

_BREAKS = "a builder would be made without its mirrors"


class RegistryMirror:
    """Pull base images through a mirror in the cluster instead of from public registries.

    What it does
        Lists which registries the jobs pull from, and what does the pulling: BuildKit, the
        Docker daemon of a service, or the nodes. Writes a folder with a pull-through registry
        for each of them (as Kubernetes objects) and the settings for everything that pulls. In
        the pipeline, every BuildKit builder gets a file that names the mirrors, written by the
        script that makes the builder. `--mirror REGISTRY=ADDRESS` uses a mirror that already
        runs.

    Why
        Every fresh builder downloads every base image again over the Internet, and runs into
        the rate limits of public registries. A mirror downloads each image once for all jobs.

    Before
        $ dockerfix registry-mirror --mirror docker.io=http://hub-mirror.ci.svc:5000
        -- .gitlab-ci.yml --
        build:
          image: docker:28-cli
          services:
            - name: docker:28-dind
              command: [--registry-mirror=http://hub-mirror.ci.svc:5000]
          before_script:
            - docker buildx create --use
          script:
            - docker buildx build --push --tag $CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine:3.23

    After
        -- .gitlab-ci.yml --
        build:
          image: docker:28-cli
          services:
            - name: docker:28-dind
              command: [--registry-mirror=http://hub-mirror.ci.svc:5000]
          before_script:
            # Base images come through mirrors of their registries.
            - |
              tee /tmp/buildkitd.toml <<'EOF'
              [registry."docker.io"]
                mirrors = ["hub-mirror.ci.svc:5000"]
              [registry."hub-mirror.ci.svc:5000"]
                http = true
              EOF
            - docker buildx create --buildkitd-config /tmp/buildkitd.toml --use
          script:
            - docker buildx build --push --tag $CI_REGISTRY_IMAGE:$CI_COMMIT_REF_SLUG .
        -- Dockerfile --
        FROM alpine:3.23

    Safety
        Whatever cannot reach a mirror falls back to the registry itself. Nothing is pushed to
        a mirror, and every image keeps its name. The project's own registry never gets a mirror:
        a mirror with its credentials would open it to everyone inside the cluster. A Docker
        daemon can only mirror Docker Hub; what it pulls from other registries is listed with
        what to write. The assumption `mirror-runs` says that the mirrors are up before the
        change is merged. A mirror has one replica, since two on one volume would
        overwrite each other's files; a daemon's settings are mounted as one file, not as a
        folder over /etc/docker.

    Call sites
        Jobs of the pipeline and its local includes that make a builder. A builder that is made
        by a script of the repository, or that has a file already, is listed.
    """

    name = "registry-mirror"
    summary = "Pull base images through mirrors in the cluster."
    after = (
        "merge-rust", "slim-context", "split-release", "add-needs", "cache-refs", "remote-cache",
    )  # fmt: skip
    options = (
        OptionSpec(
            "folder",
            "Folder for the objects and the settings.",
            default="registry-mirror",
            metavar="PATH",
        ),
        OptionSpec(
            "namespace",
            "Kubernetes namespace of the mirrors.",
            default="registry-mirror",
            metavar="NAME",
        ),
        OptionSpec(
            "runner-namespace",
            "Kubernetes namespace of the jobs' pods; pods of others are then kept out.",
            default="",
            metavar="NAME",
        ),
        OptionSpec(
            "nodes",
            "Addresses of the cluster's nodes; others are then kept out.",
            default="",
            metavar="CIDR",
        ),
        OptionSpec(
            "registry",
            "Mirror this registry too, though it may not be public.",
            multiple=True,
            metavar="NAME",
        ),
        OptionSpec(
            "mirror",
            "A mirror that is already running, as REGISTRY=ADDRESS.",
            multiple=True,
            metavar="MIRROR",
        ),
    )

    def propose(self, facts: Facts, paths: Sequence[str], options: Mapping[str, Any]) -> Proposal:
        """The proposal; `paths` are not used, the pipeline belongs to the whole repository."""
        pipeline = facts.read_pipeline()
        if pipeline is None or not pipeline.visible:
            return Proposal(reason="No GitLab pipeline with jobs was found.")
        draft = Draft(facts, options["accept"])
        fault = _fault(options)
        if fault is not None:
            return draft.refused([fault])
        Mirroring(draft, pipeline, options).write()
        if not draft.edits and not draft.created:
            return Proposal(findings=draft.weighed, reason=_reason(draft))
        return draft.finished(_BREAKS)


def _reason(draft: Draft) -> str:
    """Why there is nothing to do."""
    names = {finding.name for finding in draft.findings}
    if "upstream" not in names:
        return "No job pulls from a registry that can be mirrored."
    if "not-mirrored" in names:
        return "What comes without a mirror is set up where no patch reaches; see the notes."
    return "Every reader that this repository sets up has its mirrors."


def _fault(options: Mapping[str, Any]) -> Finding | None:
    """What is wrong with the options."""
    folder = options["folder"].strip("/")
    if not folder or normalise_path(folder) != folder or " " in folder:
        return _bad("--folder", options["folder"], "it is no folder of the repository")
    for name in ("namespace", "runner-namespace"):
        value = options[name]
        if not is_label(value) and (value or name == "namespace"):
            return _bad(f"--{name}", value, "it is no name of a namespace")
    if options["nodes"] and not is_network(options["nodes"]):
        return _bad("--nodes", options["nodes"], "it is no range of addresses like 10.0.0.0/16")
    try:
        read_mirrors(options["mirror"])
    except MirrorError as error:
        return _bad("--mirror", " ".join(options["mirror"]), str(error))
    return None


def _bad(option: str, value: str, what: str) -> Finding:
    return Finding.at(
        None,
        name="bad-mirror",
        subject=value,
        what=f"{option} {value}: {what}",
        why="the mirrors would have an address that nobody finds",
        do=f"correct {option}",
    )
