"""slim-context on the sample repository, proved: equal images, a built bundle, fewer bytes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runner.gitlab import work_tree
from runner.machine import HERE, Machine

pytestmark = pytest.mark.engine

PACKAGES = ("console", "system-tests")
TEST = "dockerfix-slim-test"
WEIGHT = {
    ".git/objects/pack/pack-1.pack": 100,
    "controlplane/fixtures/dump.sql": 200,
    "protocol/recordings/day.bin": 100,
}
"""What the root of a real monorepo carries beside the packages, in MB; the sample's ignore file
leaves out the first."""
UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}


@pytest.fixture(scope="module")
def slim(machine: Machine, sample: Path) -> bytes:
    """What `dockerfix slim-context console system-tests` prints for the sample."""
    done = machine.dockerfix("slim-context", *PACKAGES, "--quiet", cwd=sample)
    assert done.code == 0, done.err
    printed: str = done.out
    return printed.encode()


@pytest.fixture
def slimmed(machine: Machine, sample: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes copies of the sample, changed by a function, slimmed in place."""

    def make(name: str, change: Callable[[Path], None] = lambda folder: None) -> Path:
        folder = tmp_path / name
        shutil.copytree(sample, folder, ignore=shutil.ignore_patterns(".git"))
        change(folder)
        work_tree(folder)
        done = machine.dockerfix("slim-context", *PACKAGES, "--write", "--quiet", cwd=folder)
        assert done.code == 0, done.err
        return folder

    return make


@pytest.fixture
def tags(machine: Machine) -> Iterator[Callable[..., str]]:
    """Names for images, which are gone in the end."""
    made: list[str] = []

    def tag(name: str, repository: str = TEST) -> str:
        made.append(f"{repository}:{name}")
        return made[-1]

    yield tag
    machine.docker("image", "rm", "--force", *made, check=False)


def build(machine: Machine, folder: Path, *words: str) -> None:
    """One build with the engine's own BuildKit."""
    machine.docker("buildx", "build", "--quiet", *HERE, *words, cwd=folder)


def inside(machine: Machine, image: str, script: str) -> str:
    """What a shell in an image prints."""
    done = machine.docker("run", "--rm", "--network=none", image, "sh", "-ec", script)
    printed: str = done.out
    return printed


def test_images_are_equal_before_and_after(machine: Machine, sample: Path, slim: bytes) -> None:
    """Both packages, all targets that call sites ask for; only npm's cache and the edited files
    themselves differ."""
    words = ("verify", "-", *HERE, "--seconds=1", "--format=json")
    done = machine.dockerfix(*words, cwd=sample, patch=slim)
    assert done.code == 0, done.out[-3000:] + done.err[-3000:]
    assert done.data["verdict"] == "equal"
    named = {image["name"].split()[0] for image in done.data["images"]}
    assert named == {"console", "system-tests"}
    assert set(re.findall(r'"rule": "([a-z-]+)"', json.dumps(done.data))) <= {
        "patched-files",
        "npm-cache",
    }


def without_install(folder: Path) -> None:
    """A provider whose image has the sources alone: no `node_modules` comes with it."""
    path = folder / "node-sdk" / "Dockerfile"
    kept = [line for line in path.read_text().splitlines() if "npm ci" not in line]
    path.write_text("\n".join([*kept, ""]))


@pytest.mark.parametrize("change", [lambda folder: None, without_install], ids=["whole", "bare"])
def test_bundle_is_built_from_the_published_image(
    machine: Machine,
    registry: str,
    slimmed: Callable[..., Path],
    tags: Callable[..., str],
    sample: Path,
    change: Callable[[Path], None],
) -> None:
    """The link that npm makes leads to the sibling from the registry, and the bundle is the
    same as before; a provider without `node_modules` leaves the install to the consumer."""
    folder = slimmed("after", change)
    published = tags(change.__name__.strip("<>"), f"{registry}/node-sdk")
    build(machine, folder, "--push", "--tag", published, "node-sdk")
    argument = f"--build-arg=NODE_SDK_IMAGE={published}"
    base, new, old = tags("base"), tags("after"), tags("before")
    build(machine, folder, "--target=base", "--tag", base, argument, "console")
    build(machine, folder, "--target=release", "--tag", new, argument, "console")
    build(machine, sample, "--target=release", "--tag", old, "-f", "console/Dockerfile", ".")
    link = "cd /console/node_modules/node-sdk && pwd -P && test -f dist/index.js"
    assert inside(machine, base, link).strip() == "/node-sdk"
    sums = "cd /usr/share/nginx/html && find . -type f | sort | xargs sha256sum"
    bundle = inside(machine, new, sums)
    assert "assets/" in bundle
    assert bundle == inside(machine, old, sums)


def test_plain_build_fails_at_once_and_names_the_argument(
    machine: Machine, slimmed: Callable[..., Path]
) -> None:
    """Nothing falls through to the public registry; BuildKit shows the comment above."""
    folder = slimmed("plain")
    done = machine.docker("buildx", "build", *HERE, "console", cwd=folder, check=False)
    assert done.code != 0
    assert "lstat" in done.err
    assert "--build-arg NODE_SDK_IMAGE=IMAGE" in done.err
    assert "RUN npm" not in done.err.split("ERROR")[0]


def heavy(folder: Path) -> None:
    """Give a root the weight of a real one; the files have no content on the disk."""
    for name, megabytes in WEIGHT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(megabytes * 1000**2)


def classic_bytes(machine: Machine, folder: Path, *words: str) -> float:
    """What the classic builder is sent; a target that is not there ends the build then."""
    env = {**machine.env, "DOCKER_BUILDKIT": "0"}
    command = ["docker", "build", "--target=none-such", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    said = re.findall(r"Sending build context to Docker daemon\s+([\d.]+)(\w+)", done.stdout)
    number, unit = said[-1]
    return float(number) * UNITS[unit]


def buildkit_bytes(machine: Machine, folder: Path, *words: str) -> float:
    """What BuildKit is sent of a context that it has not seen before: it keeps earlier ones, and
    is sent only what differs from them."""
    machine.docker("buildx", "prune", *HERE[:2], "--force", "--filter=type=source.local")
    flags = (*HERE, "--progress=plain", "--target=base")
    done = machine.docker("buildx", "build", *flags, *words, cwd=folder)
    said = re.findall(r"#(\d+) transferring context: ([\d.]+)(\w+)", done.err)
    loaded = re.findall(r"#(\d+) \[internal\] load build context", done.err)
    number, unit = next((n, u) for step, n, u in reversed(said) if step in loaded)
    return float(number) * UNITS[unit]


def test_bytes_sent(
    machine: Machine,
    registry: str,
    sample: Path,
    tmp_path: Path,
    slimmed: Callable[..., Path],
    tags: Callable[..., str],
) -> None:
    """The classic builder is sent less than a hundredth; BuildKit was sent what is named
    before already, and saves the sibling alone."""
    before = tmp_path / "before"
    shutil.copytree(sample, before, ignore=shutil.ignore_patterns(".git"))
    heavy(before)
    after = slimmed("after")
    heavy(after)
    published = tags("bytes", f"{registry}/node-sdk")
    build(machine, after, "--push", "--tag", published, "node-sdk")
    wide = classic_bytes(machine, before, "--file=console/Dockerfile", ".")
    narrow = classic_bytes(machine, after, "console")
    assert wide > 300 * 1000**2
    assert narrow < wide / 100
    named = buildkit_bytes(machine, before, "--file=console/Dockerfile", ".")
    argument = f"--build-arg=NODE_SDK_IMAGE={published}"
    less = buildkit_bytes(machine, after, argument, "console")
    assert less < named < wide / 100
