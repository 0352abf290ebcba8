"""A generated monorepo on disk: many Dockerfiles, very many files, one pipeline."""

from __future__ import annotations

from pathlib import Path

_BINARIES = ("api", "worker")

_DOCKERFILE = """\
FROM rust:1.90 AS builder
WORKDIR /app
COPY . .
RUN cargo build --release --bin {binary}

FROM debian:12
COPY --from=builder /app/target/release/{binary} /usr/local/bin/{binary}
CMD ["{binary}"]
"""


def write_monorepo(root: Path, dockerfiles: int, files: int) -> str:
    """Write a repository with that many Dockerfiles and files in all; gives one workspace.

    Every workspace holds two binaries with a Dockerfile each and a CI job each.
    """
    (root / ".dockerfix.toml").write_text("root = true\n")
    workspaces = dockerfiles // len(_BINARIES)
    for number in range(workspaces):
        _workspace(root / f"services/w{number}")
    jobs = [
        f"build w{number} {binary}:\n  script:\n    - docker buildx build --push "
        f"--tag $CI_REGISTRY_IMAGE/w{number}-{binary}:1 "
        f"--file services/w{number}/Dockerfile.{binary} services/w{number}\n"
        for number in range(workspaces)
        for binary in _BINARIES
    ]
    (root / ".gitlab-ci.yml").write_text("".join(jobs))
    written = 2 + workspaces * (1 + 4 * len(_BINARIES))
    _sources(root / "sources", files - written)
    return "services/w0"


def _workspace(folder: Path) -> None:
    for binary in _BINARIES:
        (folder / binary / "src").mkdir(parents=True)
        (folder / binary / "src/main.rs").write_text("fn main() {}\n")
        (folder / binary / "Cargo.toml").write_text(
            f'[package]\nname = "{binary}"\nversion = "0.1.0"\nedition = "2021"\n'
        )
        (folder / f"Dockerfile.{binary}").write_text(_DOCKERFILE.format(binary=binary))
        (folder / binary / "README.md").write_text(f"# {binary}\n")
    members = ", ".join(f'"{binary}"' for binary in _BINARIES)
    (folder / "Cargo.toml").write_text(f'[workspace]\nmembers = [{members}]\nresolver = "2"\n')


def _sources(folder: Path, count: int) -> None:
    """Files that no question is about, a hundred in a folder."""
    for number in range(max(count, 0)):
        if number % 100 == 0:
            parent = folder / f"p{number // 10_000}" / f"m{number // 100}"
            parent.mkdir(parents=True)
        (parent / f"f{number}.ts").touch()


def write_services(root: Path, dockerfiles: int, jobs: int) -> None:
    """Write a repository of services that have nothing to do with one another: so many
    Dockerfiles, the first of which jobs build, each with a cache of its own."""
    (root / ".dockerfix.toml").write_text("root = true\n")
    for number, data in enumerate(_services(dockerfiles)):
        folder = root / f"services/s{number}"
        (folder / "src").mkdir(parents=True)
        (folder / "src/main.txt").touch()
        (folder / "package.json").write_text("{}\n")
        (folder / "Dockerfile").write_bytes(data)
    written = ["stages: [build, test]\n"]
    for number in range(jobs):
        image = f"$CI_REGISTRY_IMAGE/s{number}"
        written.append(
            f"build s{number}:\n  stage: build\n  image: docker:28\n  script:\n"
            f"    - docker buildx build --push --tag {image}:$CI_COMMIT_SHA"
            f" --cache-from type=registry,ref={image}:cache"
            f" --cache-to type=registry,ref={image}:cache,mode=max services/s{number}\n"
        )
    (root / ".gitlab-ci.yml").write_text("".join(written))


def _services(count: int) -> list[bytes]:
    return [
        f"FROM node:22-alpine AS build\nWORKDIR /app\nCOPY package.json ./\nRUN npm install\n"
        f"COPY src src\nRUN npm run build:{number}\n\n"
        f"FROM debian:12\nCOPY --from=build /app/out /srv\nEXPOSE {3000 + number}\n"
        f'CMD ["/srv/serve"]\n'.encode()
        for number in range(count)
    ]
