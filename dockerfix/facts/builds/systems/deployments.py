"""Images that the files of deployment tools and hosting services build from a Dockerfile.

One function a kind of file says which of its keys name a Dockerfile, a context and a target, and
from where each tool counts them. Follows the reference pages of Fly.io, Railway, Render, Heroku,
CapRover, AWS Copilot, Serverless, DevSpace, werf, Garden, Okteto, App Engine and dev containers.
Knows keys; runs nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from dockerfix.facts.commands.docker_command import located
from dockerfix.facts.model import Build, BuildArgument, CallSite, SiteKind, Tool, Value
from dockerfix.facts.shell.words import remaining
from dockerfix.syntax.yaml.tree import Mapping as YamlMapping
from dockerfix.syntax.yaml.tree import Node, Scalar, YamlFile
from dockerfix.text import MappedText, Piece, Snapshot


class Image(Struct, frozen=True):
    """One image that a file asks for, as it is written there.

    `folders` are those from which its paths may count, the likeliest first. The Dockerfile counts
    from the context where `inside`; the context is the Dockerfile's folder where it is `around`
    and no other is given. `doubt` says what no file tells.
    """

    name: str
    node: Node
    folders: tuple[str, ...]
    dockerfile: Value | None = None
    context: Value | None = None
    target: Value | None = None
    arguments: tuple[BuildArgument, ...] = ()
    inside: bool = False
    around: bool = False
    doubt: str = ""


Images = Iterator[Image]


def images(file: YamlFile) -> Images:
    """The images of one file."""
    read = reader(file.source.path)
    for root in file.documents if read is not None else ():
        if isinstance(root, YamlMapping) and read is not None:
            yield from read(root, file.source.path)


def image_build(image: Image, snapshot: Snapshot) -> Build:
    """An image as a build, its paths counted from the folder in which its Dockerfile is."""
    builds = [_counted(image, folder) for folder in image.folders]
    return next((build for build in builds if build.dockerfile in snapshot.entries), builds[0])


def _counted(image: Image, folder: str) -> Build:
    unknown = [image.doubt] if image.doubt else []
    where = located(image.context.text if image.context else ".", folder, "the context", unknown)
    named = image.dockerfile.text if image.dockerfile is not None else "Dockerfile"
    base = where if image.inside or image.dockerfile is None else folder
    path = located(named, base, "the Dockerfile", unknown) if base is not None else None
    if image.around and image.context is None and path is not None:
        where = posixpath.dirname(path)
    return Build(
        site=CallSite(
            SiteKind.DEPLOYMENT, image.name, image.node.file.source.place(image.node.span)
        ),
        tool=Tool.DEPLOYMENT,
        context=where,
        dockerfile=path,
        context_written=image.context,
        dockerfile_written=image.dockerfile,
        target=image.target,
        arguments=image.arguments,
        folder=folder,
        unknown=tuple(unknown),
    )


def reader(path: str) -> Callable[[YamlMapping, str], Images] | None:
    """What reads a file, by its path."""
    folder, name = posixpath.split(path)
    if name == "manifest.yml" and "copilot" in folder.split("/"):
        return _copilot
    if name.endswith((".garden.yml", ".garden.yaml")):
        return _garden
    if name.startswith("fly.") and name.endswith(".toml"):
        return _fly
    return _BY_NAME.get(name)


def _copilot(root: YamlMapping, path: str) -> Images:
    """Paths count from the folder that holds `copilot/`."""
    top = path.rpartition("copilot/")[0].rstrip("/")
    sidecars = root.get("sidecars")
    several = sidecars.resolved.values() if isinstance(sidecars, YamlMapping) else ()
    for holder in (root, *several):
        build = _below(holder, "image", "build")
        if isinstance(build, Scalar):
            yield Image("copilot", build, (top,), _value(build), around=True)
        elif isinstance(build, YamlMapping):
            yield _keyed("copilot", build, (top,), around=True)


def _heroku(root: YamlMapping, path: str) -> Images:
    """The context is always the Dockerfile's own folder."""
    docker = _below(root, "build", "docker")
    for name, node in docker.resolved.items() if isinstance(docker, YamlMapping) else ():
        folder = (posixpath.dirname(path),)
        if isinstance(node, Scalar):
            yield Image(name, node, folder, _value(node), around=True)
        elif isinstance(node, YamlMapping):
            yield _keyed(name, node, folder, around=True)


def _render(root: YamlMapping, path: str) -> Images:
    services = root.get("services")
    for item in getattr(services, "items", ()):
        kinds = [_text(item, key) for key in ("runtime", "env")]
        if isinstance(item, YamlMapping) and "docker" in kinds and not _below(item, "image"):
            folder = posixpath.normpath(_text(item, "rootDir") or ".")
            yield Image(
                _text(item, "name"), item, ("" if folder == "." else folder,),
                _given(item, "dockerfilePath"), _given(item, "dockerContext"),
            )  # fmt: skip


def _railway(root: YamlMapping, path: str) -> Images:
    build = root.get("build")
    named = _given(build, "dockerfilePath")
    if isinstance(build, YamlMapping) and (named or _text(build, "builder") == "DOCKERFILE"):
        doubt = "the service's root directory is set elsewhere"
        yield Image("railway", build, _either(path), named, doubt=doubt)


def _captain(root: YamlMapping, path: str) -> Images:
    named = _given(root, "dockerfilePath")
    if named is not None:
        yield Image("captain", root, _either(path), named)


def _serverless(root: YamlMapping, path: str) -> Images:
    listed = _below(root, "provider", "ecr", "images")
    for name, node in listed.resolved.items() if isinstance(listed, YamlMapping) else ():
        where = _given(node, "path")
        if isinstance(node, YamlMapping) and where is not None:
            yield Image(
                name, node, (posixpath.dirname(path),), _given(node, "file"), where,
                arguments=_arguments(node, "buildArgs"), inside=True,
            )  # fmt: skip


def _devspace(root: YamlMapping, path: str) -> Images:
    listed = root.get("images")
    for name, node in listed.resolved.items() if isinstance(listed, YamlMapping) else ():
        if isinstance(node, YamlMapping) and not _below(node, "custom"):
            yield _keyed(name, node, (posixpath.dirname(path),))


def custom_commands(file: YamlFile) -> Iterator[tuple[str, MappedText]]:
    """The commands with which DevSpace builds images itself, by the image's name."""
    listed = _below(file.root, "images") if file.source.path.endswith("devspace.yaml") else None
    for name, node in listed.resolved.items() if isinstance(listed, YamlMapping) else ():
        command = _below(node, "custom", "command")
        if isinstance(command, Scalar):
            yield name, _without_runtime(command.mapped)


_RUNTIME = re.compile(r"\$\{(\w+(?:\.[\w-]+)+)\}")


def _without_runtime(mapped: MappedText) -> MappedText:
    """`${runtime.images.api.tag}`, which DevSpace fills in before a shell sees it ("Runtime
    Variables" of its documentation), as the shell variable `${runtime_images_api_tag}`."""
    pieces: list[Piece] = []
    at = 0
    for match in _RUNTIME.finditer(mapped.text):
        pieces += mapped.slice(at, match.start()).pieces
        name = re.sub(r"\W", "_", match[1])
        pieces.append(Piece(f"${{{name}}}", mapped.span(*match.span()), literal=False))
        at = match.end()
    return MappedText([*pieces, *mapped.slice(at, len(mapped.text)).pieces])


def _werf(root: YamlMapping, path: str) -> Images:
    if root.get("image") is not None and _given(root, "dockerfile") is not None:
        folder = (posixpath.dirname(path),)
        yield _keyed(_text(root, "image"), root, folder, inside=True)


def _garden(root: YamlMapping, path: str) -> Images:
    if _text(root, "kind") not in ("Build", "Module") or _text(root, "type") != "container":
        return
    holder = root if _text(root, "kind") == "Module" else _below(root, "spec")
    start = _text(root, "path") or getattr(_below(root, "source", "path"), "text", "") or "."
    folder = posixpath.normpath(posixpath.join(posixpath.dirname(path), start))
    yield Image(
        _text(root, "name"), root, ("" if folder == "." else folder,),
        _given(holder, "dockerfile"), None, _given(holder, "targetStage"),
        _arguments(holder, "buildArgs"),
    )  # fmt: skip


def _okteto(root: YamlMapping, path: str) -> Images:
    listed = root.get("build")
    folder = (posixpath.dirname(path).removesuffix(".okteto").rstrip("/"),)
    for name, node in listed.resolved.items() if isinstance(listed, YamlMapping) else ():
        if isinstance(node, Scalar):
            yield Image(name, node, folder, context=_value(node))
        elif isinstance(node, YamlMapping):
            yield _keyed(name, node, folder, inside=True)


def _engine(root: YamlMapping, path: str) -> Images:
    if _text(root, "runtime") == "custom" and _text(root, "env") == "flex":
        yield Image("app", root, (posixpath.dirname(path),))


def _fly(root: YamlMapping, path: str) -> Images:
    """Fly.io builds from a Dockerfile unless its file names something else."""
    build = root.get("build")
    others = ("image", "builder", "buildpacks", "builtin")
    if any(_below(root, "build", key) is not None for key in others):
        return
    doubt = "the context is the folder in which fly deploy runs"
    node = build if isinstance(build, YamlMapping) else root
    yield Image(
        "app", node, (posixpath.dirname(path),), _given(build, "dockerfile"), None,
        _given(build, "build-target"), _arguments(build, "args"), doubt=doubt,
    )  # fmt: skip


def _devcontainer(root: YamlMapping, path: str) -> Images:
    """Both paths count from the folder of the file."""
    build = root.get("build")
    folder = (posixpath.dirname(path),)
    if isinstance(build, YamlMapping) and _given(build, "dockerfile") is not None:
        yield _keyed("devcontainer", build, folder)
    elif _given(root, "dockerFile") is not None:
        yield Image(
            "devcontainer", root, folder, _given(root, "dockerFile"), _given(root, "context")
        )


def _keyed(
    name: str,
    node: YamlMapping,
    folders: tuple[str, ...],
    inside: bool = False,
    around: bool = False,
) -> Image:
    """An image whose file says `dockerfile`, `context`, `target` and `args`."""
    given = _given(node, "dockerfile")
    arguments = _arguments(node, "args") or _arguments(node, "buildArgs")
    context, target = _given(node, "context"), _given(node, "target")
    return Image(name, node, folders, given, context, target, arguments, inside, around)


def _either(path: str) -> tuple[str, ...]:
    """The folder of a file and the root."""
    return tuple(dict.fromkeys((posixpath.dirname(path), "")))


def _below(node: Node | None, *keys: str) -> Node | None:
    for key in keys:
        node = node.get(key) if isinstance(node, YamlMapping) else None
    return node


def _text(node: Node, key: str) -> str:
    found = _below(node, key)
    return found.text if isinstance(found, Scalar) else ""


def _given(node: Node | None, key: str) -> Value | None:
    found = _below(node, key)
    return _value(found) if isinstance(found, Scalar) and found.text else None


_SIGN = re.compile(r"\{\{.*?\}\}|\$\{\{.*?\}\}")
"""What a tool fills in: nothing is known of it."""


def _value(node: Scalar) -> Value:
    text = _SIGN.sub("${template}", node.text)
    return Value(node.text, text, remaining(text), (), node.file.source.place(node.span))


def _arguments(node: Node | None, key: str) -> tuple[BuildArgument, ...]:
    given = _below(node, key)
    names = given.resolved if isinstance(given, YamlMapping) else {}
    return tuple(BuildArgument(name, _given(given, name)) for name in names)


_BY_NAME = {
    "heroku.yml": _heroku, "render.yaml": _render, "railway.json": _railway,
    "railway.toml": _railway, "captain-definition": _captain, "serverless.yml": _serverless,
    "serverless.yaml": _serverless, "devspace.yaml": _devspace, "werf.yaml": _werf,
    "garden.yml": _garden, "garden.yaml": _garden, "okteto.yml": _okteto, "okteto.yaml": _okteto,
    "app.yaml": _engine, "fly.toml": _fly, "devcontainer.json": _devcontainer,
}  # fmt: skip
