"""A generated corpus of realistic Dockerfiles: the same files in every run."""

from __future__ import annotations

import random

_BASES = ("rust:1.90-alpine", "node:22-alpine", "python:3.12-slim", "golang:1.25", "debian:12")
_PACKAGES = ("ca-certificates", "curl", "git", "gcc", "libc6-dev", "make", "openssl", "pkg-config")


def dockerfiles(count: int) -> list[bytes]:
    """`count` files of one to five stages: comments, continuations, flags, exec forms, heredocs."""
    chance = random.Random(20_000)
    return [_file(chance).encode() for _ in range(count)]


def _file(chance: random.Random) -> str:
    lines = ["# syntax=docker/dockerfile:1"] if chance.random() < 0.5 else []
    if chance.random() < 0.3:
        lines += ["ARG VERSION=1.0", ""]
    names: list[str] = []
    for number in range(chance.randint(1, 5)):
        base = chance.choice([*_BASES, *names])
        name = f"stage{number}"
        lines += ["", f"# The {name} of the image.", f"FROM {base} AS {name}"]
        lines += _stage(chance, names)
        names.append(name)
    lines += [f"EXPOSE {chance.randint(1000, 9999)}", 'CMD ["serve", "--port", "8080"]']
    return "\n".join(lines) + "\n"


def _stage(chance: random.Random, names: list[str]) -> list[str]:
    lines = ["WORKDIR /app"]
    for _ in range(chance.randint(2, 8)):
        part = chance.choices(tuple(_PARTS), tuple(_PARTS.values()))[0]
        lines += part(chance)
    if names:
        lines.append(f"COPY --from={chance.choice(names)} --chown=app:app /app/out /usr/local/bin/")
    return lines


def _install(chance: random.Random) -> list[str]:
    packages = chance.sample(_PACKAGES, chance.randint(2, 6))
    body = [f"    {package} \\" for package in packages]
    body.insert(1, "    # Needed to link.")
    return [
        "RUN apt-get update && apt-get install -y --no-install-recommends \\",
        *body,
        "    && rm -rf /var/lib/apt/lists/*",
    ]


def _mount(chance: random.Random) -> list[str]:
    return [
        "RUN --mount=type=cache,target=/root/.cache,sharing=locked \\",
        f"    make -j{chance.randint(1, 8)} release",
    ]


def _heredoc(chance: random.Random) -> list[str]:
    return ["RUN <<EOF", "set -eu", f"echo {chance.random()} > /etc/build", "FROM nothing", "EOF"]


def _copies(chance: random.Random) -> list[str]:
    return ["COPY package.json package-lock.json ./", f"COPY src{chance.randint(1, 9)}/ src/"]


def _environment(chance: random.Random) -> list[str]:
    return [f'ENV RUST_LOG=info PORT={chance.randint(1, 9)}000 GREETING="hello world"']


def _label(chance: random.Random) -> list[str]:
    return [f'LABEL org.opencontainers.image.version="{chance.randint(1, 9)}.0" team=platform']


def _command(chance: random.Random) -> list[str]:
    return [f"RUN npm ci --omit=dev && npm run build:{chance.choice(_PACKAGES)}"]


_PARTS = {
    _install: 12, _mount: 8, _copies: 20, _environment: 8, _label: 4, _command: 20, _heredoc: 1,
}  # fmt: skip
"""How often each kind stands in a file, roughly as in public repositories: few heredocs."""
