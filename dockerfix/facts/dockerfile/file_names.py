"""Which paths are Dockerfiles by their name. Knows no content."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:.*\.)?(?:[Dd]ockerfile|Containerfile)(?:[._-].*)?", re.DOTALL)
_OTHERS = (
    ".dockerignore", ".md", ".rst", ".sh", ".py", ".yml", ".yaml", ".json", ".hcl", ".txt", ".j2",
    ".jinja", ".tmpl", ".tpl", ".template", ".erb", ".mustache", ".in", ".rs", ".go", ".ts", ".js",
    ".java", ".rb", ".bak", ".orig", ".rej", ".swp",
)  # fmt: skip


def is_dockerfile(path: str) -> bool:
    """Whether a path is a Dockerfile by its name: `Dockerfile`, `Containerfile`, `x.Dockerfile`,
    `Dockerfile.x`, `Dockerfile-x`; no ignore file, no template, no script of such a name."""
    if "ockerfile" not in path and "ontainerfile" not in path:
        return False
    name = path.rpartition("/")[2]
    return _NAME.fullmatch(name) is not None and not name.endswith(_OTHERS)
