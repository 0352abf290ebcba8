"""The name of an image as commands and files write it: `registry/path:tag@digest`."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def without_tag(image: str) -> str:
    """An image's name without tag and digest; a port of the registry is no tag, and a colon
    in a variable's default is none."""
    name = image.partition("@")[0]
    depth, cut = 0, len(name)
    for at, char in enumerate(name):
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
        elif char == "/" and not depth:
            cut = len(name)
        elif char == ":" and not depth and cut == len(name):
            cut = at
    return name[:cut]
