"""The `docker` that jobs call: notes every call, and builds for real where it is told to.

Stands alone: it is copied beside its settings (`docker.json`), with Python's path in front.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILDS = (["buildx", "build"], ["buildx", "bake"])


def main() -> int:
    """Note the call; gives its exit code."""
    settings = json.loads((HERE / "docker.json").read_text())
    words = sys.argv[1:]
    # The pipeline's DOCKER_HOST and the like name its own runner.
    environment = {**os.environ, **settings["environment"]}
    calls = Path(settings["calls"])
    note = calls / f"{time.time_ns()}-{os.getpid()}.json"
    bake = read_bake(words, environment)
    start = time.monotonic()
    code = 0
    if settings["builder"] and words[:2] in BUILDS and wanted(words, bake, settings["only"]):
        options = ["--builder", settings["builder"], "--progress", "rawjson"]
        with note.with_suffix(".rawjson").open("wb") as said:
            command = ["docker", *words[:2], *options, *words[2:]]
            code = subprocess.run(command, env=environment, stderr=said, check=False).returncode
    data = {
        "job": os.environ.get("CI_JOB_NAME", ""),
        "words": words,
        "seconds": time.monotonic() - start,
        "code": code,
        "bake": bake,
    }
    note.write_text(json.dumps(data))
    return code


def read_bake(words: list[str], environment: dict[str, str]) -> object:
    """The targets of a bake call, as bake itself reads them; None for any other call."""
    if words[:2] != ["buildx", "bake"]:
        return None
    rest = [word for word in words[2:] if word != "--push"]
    printed = subprocess.run(
        ["docker", "buildx", "bake", "--print", *rest],
        env=environment,
        capture_output=True,
        check=True,
    )
    return json.loads(printed.stdout)["target"]


def wanted(words: list[str], bake: object, contexts: list[str]) -> bool:
    """Whether a call builds in one of the contexts."""
    if not contexts:
        return True
    if isinstance(bake, dict):
        return any(target.get("context") in contexts for target in bake.values())
    return words[-1] in contexts


if __name__ == "__main__":
    sys.exit(main())
