"""Messages of Git, release tools and registries that speak of a pipeline set up wrongly.

Each entry knows one message, or several of one meaning, as the program prints it. It tells what
the words mean in a CI job; whether they failed the job is for the job's ending to say.
"""

from __future__ import annotations

import re

from msgspec import Struct


class Known(Struct, frozen=True):
    """A kind of message: `words` are literal parts, one of which must stand in a line before
    `pattern` is tried."""

    name: str
    words: tuple[str, ...]
    pattern: re.Pattern[str]
    why: str
    action: str


KNOWN = (
    Known(
        "ref-not-cloned",
        ("fatal:",),
        re.compile(
            r"fatal: (?:ambiguous argument '[^']*': unknown revision|bad revision '"
            r"|not a valid object name:? |couldn't find remote ref |invalid reference: )",
            re.IGNORECASE,
        ),
        "The clone holds only the job's own commit and its nearest ancestors, not that ref.",
        "Fetch the ref in the job, or set GIT_DEPTH to 0 for it.",
    ),
    Known(
        "history-too-short",
        ("fatal:", "shallow", "Shallow"),
        re.compile(
            r"fatal: (?:[^ ]+: no merge base|no names found, cannot describe"
            r"|no tags can describe|no tag exactly matches|invalid revision range)"
            r"|is shallow and may cause errors|shallow clone detected"
            r"|repository is a shallow clone|shallow repository",
            re.IGNORECASE,
        ),
        "A tool reads history or tags that a shallow clone does not have.",
        "Set GIT_DEPTH to 0 for this job.",
    ),
    Known(
        "commit-gone",
        ("fatal:", "unadvertised"),
        re.compile(
            r"fatal: reference is not a tree: |fatal: unable to read tree "
            r"|does not allow request for unadvertised object"
        ),
        "The branch moved on while the job waited, and the clone is too shallow to hold the "
        "job's commit.",
        "Use a GIT_DEPTH of more than 1 for jobs that wait or are retried.",
    ),
    Known(
        "needed-job-absent",
        ("needs",),
        re.compile(r"job needs '?.+'? job, but '?.+'? (?:is not in any previous|does not exist)"),
        "GitLab refuses a pipeline in which a needed job is left out by its rules.",
        "Give both jobs the same rules, or make the need optional.",
    ),
    Known(
        "image-missing",
        ("manifest", "pull access denied", "not found"),
        re.compile(
            r"manifest for .+ not found|manifest unknown|pull access denied for "
            r"|failed to resolve source metadata for .+: not found"
        ),
        "The image is not in the registry: its job has not run, or pushes another tag.",
        "Let the job need the one that pushes the image, and compare their rules.",
    ),
    Known(
        "cache-export-unsupported",
        ("ache export",),
        re.compile(r"[Cc]ache export is not supported for the docker driver"),
        "The builder of the Docker daemon can write no cache.",
        "Run `docker buildx create --use` before the build.",
    ),
)

_WORDS = tuple(dict.fromkeys(word for known in KNOWN for word in known.words))


def symptom_of(text: str) -> Known | None:
    """The kind of fault that a line speaks of; None for all other lines."""
    if not any(word in text for word in _WORDS):
        return None
    for known in KNOWN:
        if known.pattern.search(text):
            return known
    return None
