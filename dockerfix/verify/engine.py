"""The Docker Engine, through its SDK: images read, containers started, traces removed.

The only place of the project that imports `docker`. Every container carries the run's label and
every tag the run's name; nothing else is ever touched.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct, field

from dockerfix.verify.errors import EngineError
from dockerfix.verify.image import Image, configuration_of, read_nodes
from dockerfix.verify.rules import KEPT_NAMES
from dockerfix.verify.starts import Ending, Start

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

LABEL = "io.dockerfix.verify"
"""The label of every container; its value is the name of the run."""

_TIMEOUT = 300
"""Seconds that the engine may take for one answer; exports of large images take their time."""
_MAX_LINES = 5
_MAX_LINE = 300


class Engine(Struct, frozen=True):
    """A connection to the engine, for one run of the given name (a name for tags)."""

    client: DockerClient
    run: str
    tags: set[str] = field(default_factory=set)
    """Every tag that was given out; only these are ever removed."""

    def tag(self, name: str) -> str:
        """The tag under which this run keeps an image; `name` may hold a-z, 0-9, `-`."""
        tag = f"{self.run}:{name}"
        self.tags.add(tag)
        return tag

    @property
    def platform(self) -> str:
        """What containers run on here: `linux/amd64`. Raises `EngineError`."""
        with self._answering("saying its platform"):
            told: Any = self.client.version()
        return f"{told['Os']}/{told['Arch']}"

    def image(self, tag: str) -> Image:
        """An image's configuration and file tree. Raises `EngineError`."""
        with self._answering(f"reading {tag}"):
            inspected: Any = self.client.images.get(tag).attrs["Config"] or {}
            with self._container(tag, ["true"]) as container:
                chunks = cast("Iterable[bytes]", container.export())  # the stubs say str
                nodes, kept = read_nodes(chunks, KEPT_NAMES)
        return Image(configuration_of(inspected), nodes, kept)

    def start(self, tag: str, command: tuple[str, ...], seconds: float) -> Start:
        """Start a container for a moment, without a network: as the image says, but for the
        command, whose first word is the entry point. Raises `EngineError`."""
        from docker.errors import APIError

        with self._answering(f"starting {tag}"), self._container(tag, list(command)) as container:
            try:
                container.start()
            except APIError as error:
                return Start(Ending.FAILED, 0, (str(error.explanation or error).strip(),))
            until = time.monotonic() + seconds
            container.reload()
            while container.status == "running" and time.monotonic() < until:
                time.sleep(0.1)
                container.reload()
            running = container.status == "running"
            code = 0 if running else int(container.attrs["State"]["ExitCode"])
            printed = container.logs(stdout=True, stderr=True, tail="all")
        ending = Ending.RUNNING if running else Ending.EXITED
        return Start(ending, code, tuple(_first_lines(printed)))

    def forget(self) -> None:
        """Remove every container and image of this run; what cannot be removed stays."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        failures = (DockerException, RequestException)
        with contextlib.suppress(*failures):
            label = f"{LABEL}={self.run}"
            for container in self.client.containers.list(all=True, filters={"label": label}):
                with contextlib.suppress(*failures):
                    container.remove(force=True, v=True)
        for tag in sorted(self.tags):
            for force in (False, True):
                # Force leaves an image without a name behind where a container still uses it.
                with contextlib.suppress(*failures):
                    self.client.images.remove(tag, force=force)
                    break

    def close(self) -> None:
        """Close the connection."""
        self.client.close()

    @contextlib.contextmanager
    def _container(self, tag: str, command: list[str]) -> Iterator[Container]:
        container = self.client.containers.create(
            tag,
            entrypoint=command[:1],
            command=command[1:],
            labels={LABEL: self.run},
            network_mode="none",
        )
        try:
            yield container
        finally:
            container.remove(force=True, v=True)

    @contextlib.contextmanager
    def _answering(self, what: str) -> Iterator[None]:
        """Turn what the SDK raises into an `EngineError`."""
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            yield
        except (DockerException, RequestException) as error:
            raise EngineError(f"the engine failed at {what}: {_short(error)}") from error


def open_engine(run: str, address: str = "") -> Engine:
    """Connect to the engine at `address`, or to the one that the docker CLI uses.

    Raises `EngineError` when none answers.
    """
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        client = docker.DockerClient(timeout=_TIMEOUT, use_ssh_client=True, **_where(address))
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        raise EngineError(
            f"no Docker Engine answers: {_short(error)}",
            "start one, or name one with --engine or DOCKER_HOST",
        ) from None
    return Engine(client, run)


def _where(address: str) -> dict[str, Any]:
    """Where the docker CLI would connect: DOCKER_HOST first, then its current context."""
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    if address:
        return {**kwargs_from_env(), "base_url": address}
    if os.environ.get("DOCKER_HOST"):
        return dict(kwargs_from_env())
    context = ContextAPI.get_current_context()
    return {"base_url": context.Host, "tls": context.TLSConfig}


def _first_lines(printed: bytes) -> Iterator[str]:
    lines = printed.decode("utf-8", "replace").splitlines()
    shown = [line.strip()[:_MAX_LINE] for line in lines if line.strip()]
    yield from shown[:_MAX_LINES]


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
