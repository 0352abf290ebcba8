"""Which files configure Google Cloud Build, by their paths and by the builders that they name."""

from __future__ import annotations

import posixpath

CLOUD_BUILDERS = (b"gcr.io/cloud-builders/", b"gcr.io/k8s-staging-test-infra/gcb-docker-gcloud")
"""Images that only its steps run: a file of any name that has them may be one of its own."""


def is_cloud_build(path: str) -> bool:
    """Whether a file is a configuration of Cloud Build, by its path."""
    folder, name = posixpath.split(path)
    named = "cloudbuild" in name.lower() or "cloudbuild" in folder.lower().split("/")
    return named and name.endswith((".yml", ".yaml"))
