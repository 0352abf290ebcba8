"""What this machine has already: a Docker daemon that answers, and the programs a lab is made with.

Only looks; changes nothing.
"""

from __future__ import annotations

import os
import shutil

from lab.commands import CommandError, NoLabError, run
from lab.debian import host_release

# Program to what brings it.
_NEEDED = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "unshare": "util-linux",
    "tar": "tar",
    "go": "Go (tests/lab/tools/go.mod says which version)",
    "cargo": "Rust",
    "rustc": "Rust",
    "node": "Node.js",
    "npm": "npm",
}


def engine_that_answers() -> str | None:
    """Address of the Docker daemon that the caller's own `docker` reaches, or None."""
    try:
        run(["docker", "version", "--format", "{{.Server.Version}}"], timeout=20)
        if host := os.environ.get("DOCKER_HOST"):
            return host
        shown = run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    except CommandError:
        return None
    return shown.strip()


def check_machine() -> None:
    """Raise NoLabError, which says what is missing, unless a lab can be made here."""
    host_release()
    if os.geteuid() != 0:
        raise NoLabError("its daemons are started as root, and this is another user")
    missing = sorted({brings for tool, brings in _NEEDED.items() if shutil.which(tool) is None})
    if missing:
        raise NoLabError(f"not installed here: {', '.join(missing)}")
    try:
        run(["unshare", "--mount", "--pid", "--fork", "true"])
    except CommandError as failure:
        raise NoLabError(
            f"this root may not make namespaces (a container?): {failure}"
        ) from failure
