"""Text that looks like a build, in files and lines that nothing else reads.

What is not read must be said: unknown is not safe. A pattern serves here because no grammar
does; it errs on the side of saying too much. Knows how build commands look; reads none.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from dockerfix.facts.builds.files.candidates import Candidate, candidate
from dockerfix.text import Source, Span

TOOLS = (
    b"docker", b"buildah", b"kaniko", b"podman", b"nerdctl", b"buildctl", b"ockerfile",
    b"DOCKER", b"BUILDAH", b"KANIKO", b"PODMAN", b"CONTAINER_", b"skaffold", b"devspace", b"tilt ",
    b"flyctl", b"fly deploy", b"earthly ", b"werf ", b"okteto", b"acr build", b"builds submit",
    b"copilot ", b"railway up", b"bootBuildImage", b"jib:", b"ko build", b"ko apply", b"ko resolve",
    b"pack build", b"bollard",
)  # fmt: skip
"""Without one of these in its bytes a file need not be looked at."""

NAMES = (
    b"docker", b"ockerfile", b"podman", b"buildah", b"kaniko", b"nerdctl", b"buildctl", b"DOCKER",
    b"PODMAN", b"BUILDAH", b"acr build", b"bollard",
)  # fmt: skip
"""Without one of these in its bytes a file that is followed nowhere says nothing of a build."""

_COMMAND = (
    r"\b(?:docker|nerdctl|podman|depot|finch)(?:-compose|-buildx)?"
    r"(?:\s+-{1,2}[\w-]+(?:=\S+)?)*"
    r"(?:\s+(?:buildx|image|builder|compose)(?:\s+-{1,2}[\w-]+(?:[= ][^\s-]\S*)?)*)?"
    r"\s+(?:build|bake)(?![\w./:-])"
)
BUILD_TEXT = re.compile(
    _COMMAND
    + r"|\bbuildah(?:\s+-{1,2}[\w-]+(?:[= ][^\s-]\S*)?)*\s+(?:bud|build)\b"
    + r"|\bkaniko(?:-project)?/executor(?:\s|\\)+-"
    + r"|\b(?:docker|podman)-compose(?:\s+-{1,2}[\w-]+(?:[= ][^\s-]\S*)?)+\s+build\b"
    + r"|\baz\s+acr\s+build\b"
)
"""A build command in a text."""

_ANY = re.compile(
    (
        BUILD_TEXT.pattern
        + r"|[\"']docker[\"']\s*,\s*[\"'](?:buildx[\"']\s*,\s*[\"'])?(?:build|bake)[\"']"
        + r"|\bdocker\.build\(|\bdocker_build\(|\bdocker_compose\("
        + r"|(?P<key>^[ \t-]*[\"']?[dD]ocker_?[fF]ile(?:_?[pP]ath)?[\"']?[ \t]*[:=]"
        + r"(?![ \t]*(?:[{\[]|\r?$)))"
        + r"|[\"'](?:docker|podman|buildah|nerdctl)[\"']\s*\)?\s*(?:,|\.args?\()[\s&\[{(]*"
        + r"[\"'](?:buildx|build|bake|bud|compose)[\"']"
        + r"|\bkaniko-project/executor[^\n]*\n(?:[^\n]*\n)?[ \t]*(?:args|command):"
        + r"|/kaniko/executor[\"']?\s*[,\]\n]"
        + r"|\$[({]?(?:env[:.])?\w*(?:DOCKER|PODMAN|BUILDAH|docker|podman|buildah)\w*[)}]?[\"']?"
        + r"\s+(?:buildx\s+|image\s+)?(?:build|bud|bake)\s"
        + r"|[\"']?\bcommand[\"']?\s*[:=]\s*[\"'](?:docker|podman|buildah)[\"'],?\s*"
        + r"[\"']?args[\"']?\s*[:=]\s*\[\s*[\"'](?:buildx|build|bud|bake)[\"']"
        + r"|\bbuildctl(?:-daemonless\.sh)?(?:[\"'\s,\]]|-\s|args:|\[)+build\b"
        + r"|\b(?:ImageFromDockerfile|FromDockerfile|fromDockerfile|DockerImageAsset|buildImage"
        + r"|ImageBuild|DockerBuildImage|DockerBuild|fromImageAsset|fromAssetImage)\b\s*[({]"
        + r"|^[ \t]*FROM +DOCKERFILE\b"
        + r"|[=(&]\s*(?:\w+::)*BuildImageOptions(?:Builder)?(?:::<\w+>)?\s*(?:\{|::)"
        + r"|\bdockerfile\s*(?:true\b|\{)|\bdocker\.build\s+[\"']"
        + r"|\btype[\"']\s*:\s*[\"']docker-build[\"']"
        + r"|^[ \t]*+-?[ \t]*+uses:\s*(?!\./|\S*(?:setup|imagetools))"
        + r"\S*(?:build-push|docker-build|kaniko)"
        + r"|(?:-[ \t]+|community\.docker\.)docker_image(?:_build)?:\s*$"
        + r"|^resource\s+\"docker_image\""
        + r"|^target\s+\"[^\"]+\"\s*\{"
    ).encode(),
    re.MULTILINE,
)
_COMMENTS = (b"#", b"//", b"*", b";", b"::", b"REM ", b"rem ", b"@rem", b"--")
_MESSAGES = re.compile(
    rb"\b(?:echo|printf|println|print|log|info|warn(?:ing)?|Write-Host)\b[^|&;]*$"
    rb"|\b(?:print|log|echo|show)_[a-z]+\s+[\"'][^\"']*$"
    rb"|^[ \t-]*[\"']?(?:name|description|displayName)[\"']?[ \t]*:[^|&;]*$"
)

_TO_SHELL = re.compile(rb"\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b")
"""A message that is handed to a shell is a command."""


def may_build_in_python(data: bytes) -> bool:
    """Whether a Python file need be parsed at all."""
    tools = (b"docker", b"podman", b"buildah")
    return any(tool in data for tool in tools) and _VERB.search(data) is not None


_VERB = re.compile(rb"\b(?:build|bake|bud|compose|(?:docker|custom)_build\w*)\b")


_WORDS = re.compile(
    rb"docker|acr build|DOCKER|PODMAN|BUILDAH|podman|buildah|nerdctl|kaniko|buildctl|depot|finch"
    rb"|target \"|build-push|DOCKERFILE|Docker_?[fF]ile"
    rb"|DockerImage|DockerBuild|ImageBuild|BuildImage|buildImage|AssetImage|ImageAsset"
)
"""Every match of `_ANY` begins in the line of one of these. Each begins with a letter that stands
for itself, so that the search passes over what cannot begin one."""
_VALUE = re.compile(rb"""\s*["'`][\w./{}$-]+["'`]""")
_ACROSS = 200
"""Bytes of the next lines that a call may need."""


def build_text(source: Source) -> Iterator[Span]:
    """Spans that look like a build, those in comments and in messages left out."""
    data, done = source.data, -1
    for word in _WORDS.finditer(data):
        line = source.line_of(word.start())
        if line.start <= done:
            continue
        done = line.start
        for match in _ANY.finditer(data, line.start, min(line.end + _ACROSS, len(data))):
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            if start >= line.end:
                break
            if _counts(source, line, start, match):
                yield Span(start, match.end())


def _counts(source: Source, line: Span, start: int, match: re.Match[bytes]) -> bool:
    """Whether a match is neither comment nor message, nor the field of a program's type."""
    before = source.data[line.start : start]
    if before.lstrip(b" \t-").startswith(_COMMENTS):
        return False
    if _MESSAGES.search(before) and not _TO_SHELL.search(source.data, match.end(), line.end):
        return False
    program = match["key"] is not None and candidate(source.path) is Candidate.PROGRAM
    return not program or _VALUE.match(source.data, match.end()) is not None


def build_spans(source: Source) -> tuple[Span, ...]:
    """All of them, to be remembered for a file."""
    return tuple(build_text(source))


def uncovered(spans: Iterable[Span], read: Iterable[Span]) -> Iterator[Span]:
    """Such spans that none of the spans of commands that were read touches."""
    known: list[Span] = []
    for span in sorted(read):
        if known and span.start <= known[-1].end:
            known[-1] = known[-1].cover(span)
        else:
            known.append(span)
    for span in spans:
        at = bisect_left(known, Span(span.end, span.end)) - 1
        if at < 0 or not span.touches(known[at]):
            yield span


def value_behind(source: Source, span: Span) -> str:
    """What stands behind a key in its line, without quotes and the comma of a list."""
    line = source.line_of(span.start)
    text = source.data[span.end : line.end].decode("utf-8", "replace")
    return text.partition(" #")[0].strip().rstrip(",").strip("\"'")
