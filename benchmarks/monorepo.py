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
