"""Text that looks like a build, in files and lines that nothing else reads.

What is not read must be said: unknown is not safe. A pattern serves here because no grammar
does; it errs on the side of saying too much. Knows how build commands look; reads none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from dockerfix.text import Source, Span

TOOLS = (
    b"docker", b"buildah", b"kaniko", b"podman", b"nerdctl", b"buildctl", b"ockerfile",
)  # fmt: skip
"""Without one of these in its bytes a file need not be looked at."""

_COMMAND = (
    r"\b(?:docker|nerdctl|podman|depot|finch)(?:-compose|-buildx)?"
    r"(?:\s+-{1,2}[\w-]+(?:=\S+)?)*"
    r"(?:\s+(?:buildx|image|builder|compose)(?:\s+-{1,2}[\w-]+(?:[= ][^\s-]\S*)?)*)?"
    r"\s+(?:build|bake)(?![\w./:-])"
)
BUILD_TEXT = re.compile(
    _COMMAND + r"|\bbuildah\s+(?:bud|build)\b|\bkaniko(?:-project)?/executor\s+-"
)
"""A build command in a text."""

_ANY = re.compile(
    (
        BUILD_TEXT.pattern
        + r"|[\"']docker[\"']\s*,\s*[\"'](?:buildx[\"']\s*,\s*[\"'])?(?:build|bake)[\"']"
        + r"|\bdocker\.build\(|\bdocker_build\(|\bdocker_compose\("
        + r"|^[ \t-]*[\"']?[dD]ocker_?[fF]ile(?:_?[pP]ath)?[\"']?[ \t]*[:=]"
        + r"|[\"'](?:docker|podman|buildah|nerdctl)[\"']\s*\)?\s*(?:,|\.args?\()[\s&\[{(]*"
        + r"[\"'](?:buildx|build|bake|bud|compose)[\"']"
        + r"|\bkaniko-project/executor\b|\bbuildctl(?:-daemonless\.sh)?[\"'\s,]+build\b"
        + r"|\b(?:ImageFromDockerfile|FromDockerfile|fromDockerfile|DockerImageAsset|buildImage"
        + r"|ImageBuild|DockerBuildImage|fromImageAsset|fromAssetImage)\b\s*[({]"
        + r"|^FROM +DOCKERFILE\b"
    ).encode(),
    re.MULTILINE,
)
_COMMENTS = (b"#", b"//", b"*", b";", b"::", b"REM ", b"rem ", b"@rem", b"--")
_MESSAGES = re.compile(
    rb"\b(?:echo|printf|println|print|log|info|warn(?:ing)?|Write-Host)\b[^|&;]*$"
)


def may_build_in_python(data: bytes) -> bool:
    """Whether a Python file need be parsed at all."""
    tools = (b"docker", b"podman", b"buildah")
    return any(tool in data for tool in tools) and _VERB.search(data) is not None


_VERB = re.compile(rb"\b(?:build|bake|bud|compose|(?:docker|custom)_build\w*)\b")


def build_text(source: Source) -> Iterator[Span]:
    """Spans that look like a build, those in comments and in messages left out."""
    for match in _ANY.finditer(source.data):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        line = source.line_of(start)
        before = source.data[line.start : start]
        words = before.lstrip(b" \t-")
        if not words.startswith(_COMMENTS) and not _MESSAGES.search(before):
            yield Span(start, match.end())


def uncovered(source: Source, read: Iterable[Span]) -> Iterator[Span]:
    """Such spans that none of the spans of commands that were read touches."""
    known: list[Span] = []
    for span in sorted(read):
        if known and span.start <= known[-1].end:
            known[-1] = known[-1].cover(span)
        else:
            known.append(span)
    for span in build_text(source):
        at = bisect_left(known, Span(span.end, span.end)) - 1
        if at < 0 or not span.touches(known[at]):
            yield span
