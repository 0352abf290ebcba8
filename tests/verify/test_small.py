"""`dockerfix verify` as a process, on a small repository: each verdict, each fault, no traces."""

from __future__ import annotations

import http.server
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab.builder import Builder
from lab.lab import Lab, LabBuilders
from lab.pins import TOOLS
from runner.machine import HERE, Machine, dockerfix_command

from dockerfix.engine.patch import make_patch
from dockerfix.facts.repository import Facts
from dockerfix.repo.read import read_snapshot
from dockerfix.verify.image import CONFIGURATION
from dockerfix.verify.outcome import Verified
from dockerfix.verify.prove import Cold, Request, verify

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("leaves_nothing")]

CI = """\
build / app:
  script:
    - docker buildx build --target dev --tag $CI_REGISTRY_IMAGE/app:dev --push
      --cache-from type=registry,ref=$CI_REGISTRY_IMAGE/app:cache
      --cache-to type=registry,ref=$CI_REGISTRY_IMAGE/app:cache,mode=max app
"""
DOCKERFILE = """\
FROM alpine:3.23 AS dev
ENV MODE=plain
COPY run /usr/local/bin/run
RUN echo built > /built
USER nobody
CMD ["run"]
"""
RUN = '#!/bin/sh\n[ "$1" = --version ] && echo run 1.0 && exit\necho listening\nsleep 60\n'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One image, asked for by one CI job."""
    folder = tmp_path / "repository"
    (folder / "app").mkdir(parents=True)
    (folder / ".gitlab-ci.yml").write_text(CI)
    (folder / ".dockerfix.toml").write_text("root = true\n")
    (folder / "app" / "Dockerfile").write_text(DOCKERFILE)
    (folder / "app" / "run").write_text(RUN)
    (folder / "app" / "run").chmod(0o755)
    return folder


def patch_of(repository: Path, old: str, new: str, path: str = "app/Dockerfile") -> bytes:
    """A git diff that replaces a text in one file."""
    snapshot = read_snapshot(repository)
    assert old.encode() in snapshot.read(path)
    return make_patch(snapshot, {path: snapshot.read(path).replace(old.encode(), new.encode())})


def test_an_equal_image(machine: Machine, repository: Path) -> None:
    patch = patch_of(repository, "ENV MODE=plain\nCOPY", "# why\nENV MODE=plain\nCOPY")
    done = machine.dockerfix("verify", "-", *HERE, "--format=json", cwd=repository, patch=patch)
    assert done.code == 0, done.err
    (image,) = done.data["images"]
    assert (image["name"], image["equal"], image["differences"]) == ("app (dev)", True, [])
    assert [start["command"] for start in image["starts"]] == [["run", "--version"], ["run"]]
    assert "building before: app-dev" in done.err


def test_of_several_platforms_the_engines_own_is_compared(
    machine: Machine, repository: Path
) -> None:
    platforms = "docker buildx build --platform linux/riscv64,linux/arm64,linux/amd64"
    (repository / ".gitlab-ci.yml").write_text(CI.replace("docker buildx build", platforms))
    patch = patch_of(repository, "USER nobody", "# nobody\nUSER nobody")
    done = machine.dockerfix("verify", "-", *HERE, "--seconds=1", cwd=repository, patch=patch)
    assert done.code == 0, done.out + done.err
    assert "asked for on several platforms, compared on one: app (dev)" in done.out


def test_everything_that_differs_is_told_by_its_path(machine: Machine, repository: Path) -> None:
    other = """\
FROM alpine:3.23 AS dev
ENV MODE=other
COPY --chown=7:8 --chmod=0711 run /usr/local/bin/run
RUN echo rebuilt > /built && echo new > /new && rm /etc/group
CMD ["true"]
"""
    patch = patch_of(repository, DOCKERFILE, other)
    done = machine.dockerfix("verify", "-", *HERE, "--seconds=1", cwd=repository, patch=patch)
    assert done.code == 1, done.err
    assert "1 of 1 images are different" in done.out
    told = (
        "configuration: Env: ",
        "configuration: Cmd: ['run'] -> ['true']",
        "configuration: User: nobody -> nothing",
        "content: /built: 6 bytes, ",
        "added: /new (file, 4 bytes, ",
        "missing: /etc/group (file, ",
        "owner: /usr/local/bin/run: 0:0 -> 7:8",
        "mode: /usr/local/bin/run: 0755 -> 0711",
        '`run`: still running, first line "listening"; after: ended with 0, no output',
    )
    assert [line for line in told if line not in done.out] == []
    counted = [line for line in done.out.splitlines() if line.startswith("    ")]
    assert len(counted) == len(told), done.out


CONFIGURED = """\
FROM alpine:3.23 AS dev
ENV A={0}
EXPOSE {0}
VOLUME /{0}
WORKDIR /tmp/{0}
USER {0}
LABEL a={0}
HEALTHCHECK --interval={0}s CMD ["true"]
STOPSIGNAL {0}
SHELL ["/bin/sh", "-e{0}"]
ONBUILD RUN {0}
ENTRYPOINT ["echo", "{0}"]
CMD ["{0}"]
"""


def test_each_part_of_the_configuration_is_seen(machine: Machine, repository: Path) -> None:
    """Engines differ in what they tell of an image; none of it may be lost."""
    (repository / "app" / "Dockerfile").write_text(CONFIGURED.format(7))
    patch = patch_of(repository, CONFIGURED.format(7), CONFIGURED.format(8))
    words = ("verify", "-", *HERE, "--seconds=0", "--format=json")
    done = machine.dockerfix(*words, cwd=repository, patch=patch)
    assert done.code == 1, done.err
    found = [d["path"] for d in done.data["images"][0]["differences"]]
    assert found[: len(CONFIGURATION)] == list(CONFIGURATION)


def test_a_program_that_does_nothing_any_more(machine: Machine, repository: Path) -> None:
    empty = "RUN printf '#!/bin/sh\\n' > /usr/local/bin/run\nUSER nobody"
    patch = patch_of(repository, "USER nobody", empty)
    done = machine.dockerfix("verify", "-", *HERE, "--seconds=1", cwd=repository, patch=patch)
    assert done.code == 1
    assert (
        '`run --version`: ended with 0, first line "run 1.0"; after: ended with 0, no' in done.out
    )


def test_what_is_never_the_same_twice(machine: Machine, repository: Path) -> None:
    (repository / "app" / "Dockerfile").write_text(
        DOCKERFILE.replace("echo built", "cat /proc/uptime")
    )
    patch = patch_of(repository, "RUN cat", "RUN true && cat")
    words = ("verify", "-", *HERE, "--seconds=0", "--format=json")
    plain = machine.dockerfix(*words, cwd=repository, patch=patch)
    assert plain.code == 1
    known = machine.dockerfix(*words, "--baseline", cwd=repository, patch=patch)
    assert known.code == 0, known.err
    assert known.data["images"][0]["expected_differences"]["noise"][0]["path"] == "/built"


def test_a_build_that_only_the_patch_breaks(machine: Machine, repository: Path) -> None:
    patch = patch_of(repository, "RUN echo built", "RUN echo so sad >&2 && false && echo built")
    done = machine.dockerfix("verify", "-", *HERE, cwd=repository, patch=patch)
    assert done.code == 2
    assert "after could not be built" in done.out
    assert "so sad" in done.out and "exit code: 1" in done.out
    assert "the patch breaks this build" in done.out


def test_a_build_that_never_worked(machine: Machine, repository: Path) -> None:
    (repository / "app" / "Dockerfile").write_text(DOCKERFILE.replace("COPY run", "COPY walk"))
    patch = patch_of(repository, "USER nobody", "USER root")
    done = machine.dockerfix("verify", "-", *HERE, cwd=repository, patch=patch)
    assert done.code == 2
    assert "before could not be built" in done.out and "/walk" in done.out


def test_nothing_to_build(machine: Machine, repository: Path) -> None:
    (repository / "README.md").write_text("one\n")
    patch = patch_of(repository, "one", "two", "README.md")
    done = machine.dockerfix("verify", "-", cwd=repository, patch=patch)
    assert (done.code, "no build is concerned" in done.out) == (0, True)
    empty = machine.dockerfix("verify", "-", cwd=repository, patch=b"")
    assert (empty.code, "the patch from the pipe is empty" in empty.err) == (2, True)


def test_a_patch_of_another_tree(machine: Machine, repository: Path) -> None:
    patch = patch_of(repository, "MODE=plain", "MODE=other")
    (repository / "app" / "Dockerfile").write_text("FROM scratch\n")
    done = machine.dockerfix("verify", "-", cwd=repository, patch=patch)
    assert done.code == 2
    assert "the patch does not apply" in done.err


def test_no_engine(machine: Machine, repository: Path, tmp_path: Path) -> None:
    patch = patch_of(repository, "MODE=plain", "MODE=other")
    address = f"unix://{tmp_path}/nobody.sock"
    done = machine.dockerfix("verify", "-", "--engine", address, cwd=repository, patch=patch)
    assert done.code == 2
    assert "no Docker Engine answers" in done.err and "--engine" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_middle_of_a_build(
    machine: Machine, repository: Path, number: signal.Signals
) -> None:
    patch = patch_of(repository, "RUN echo built", "RUN sleep 60; echo built")
    command = dockerfix_command("verify", "-", *HERE)
    with subprocess.Popen(
        command, cwd=repository, env=machine.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(patch)
        process.stdin.close()
        for line in process.stderr:
            if b"building after" in line:
                break
        time.sleep(2)
        process.send_signal(number)
        said = process.stderr.read().decode()
        assert process.wait(timeout=30) == 130
    assert "interrupted; all that was made for the verification is removed" in said


def test_an_engine_that_stops_in_the_middle_of_a_build(
    machine: Machine, repository: Path, cold_builder: Callable[..., Builder]
) -> None:
    builder = cold_builder()
    patch = patch_of(repository, "RUN echo built", "RUN sleep 60; echo built")
    command = dockerfix_command("verify", "-", "--builder", builder.name)
    with subprocess.Popen(
        command,
        cwd=repository,
        env=machine.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(patch)
        process.stdin.close()
        for line in process.stderr:
            if b"building after" in line:
                break
        time.sleep(2)
        builder.daemon.stop(grace=0)
        process.stderr.read()
        assert process.stdout is not None
        said = process.stdout.read().decode()
        assert process.wait(timeout=30) == 2
    assert "after could not be built" in said


def test_a_builder_whose_disk_is_full(
    machine: Machine, repository: Path, cold_builder: Callable[..., Builder]
) -> None:
    builder = cold_builder(disk_mib=200).name
    patch = patch_of(
        repository, "RUN echo built", "RUN dd if=/dev/zero of=/big bs=1M count=300; echo built"
    )
    done = machine.dockerfix(
        "verify", "-", "--builder", builder, "--seconds=0", cwd=repository, patch=patch
    )
    assert done.code == 2, done.out
    assert "after could not be built" in done.out
    assert "no space left on device" in done.out.lower()


class _Refusing(http.server.BaseHTTPRequestHandler):
    """A registry that lets nobody push."""

    def _answer(self) -> None:
        self.send_response(200 if self.command == "GET" and self.path == "/v2/" else 405)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815  # the names of the methods are the protocol's

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing_registry() -> Iterator[str]:
    """`host:port` of a registry that refuses every push."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def measured(
    lab: Lab, machine: Machine, repository: Path, patch: bytes, registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Verified:  # fmt: skip
    """Verify in this process, so that cold builders can be the lab's."""
    for name, value in machine.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.tempdir", None)
    cold = Cold(registry, 2 if registry else 1, builders=LabBuilders(lab))
    facts = Facts(read_snapshot(repository))
    outcome = verify(
        Request(
            repository, facts, patch, builders=("default",), network="host", seconds=0, cold=cold
        )
    )
    assert isinstance(outcome, Verified)
    return outcome


def test_a_registry_that_refuses_a_push(
    lab: Lab, machine: Machine, repository: Path, refusing_registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    patch = patch_of(repository, "USER nobody", "# nobody\nUSER nobody")
    outcome = measured(lab, machine, repository, patch, refusing_registry, monkeypatch)
    assert outcome.equal and not outcome.complete
    assert not outcome.measured
    assert any("405" in line for line in outcome.unmeasured)


def test_jobs_on_cold_builders_with_a_registry(
    lab: Lab, machine: Machine, repository: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = patch_of(repository, "USER nobody", "# nobody\nUSER nobody")
    outcome = measured(lab, machine, repository, patch, registry, monkeypatch)
    assert outcome.equal and outcome.complete
    first, second = outcome.measured
    (cold,), (warm,) = first.before.jobs, second.before.jobs
    assert cold.name == warm.name == "build / app"
    assert cold.work.steps == 3 and cold.work.cached == 0
    assert warm.work.cached == 2
    assert cold.work.sent > 100
    assert cold.work.cache_exported is not None and cold.work.cache_exported > 1_000_000
    assert cold.work.compiled == 0


@pytest.fixture
def buildkit(lab: Lab, machine: Machine, tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """Options of `docker buildx create` that make BuildKit containers possible here: an image
    of the lab's own buildkitd, and the lab's mirror; none where the engine is not the lab's."""
    if lab.foreign:
        yield ()
        return
    image, context = "dockerfix-test/buildkit:1", tmp_path / "buildkit"
    context.mkdir()
    for program in ("buildkitd", "runc"):
        shutil.copy2(lab.programs / program, context)
    package = "github.com/moby/buildkit/cmd/buildctl"
    command = ["go", "build", "-mod=readonly", "-o", str(context), package]
    env = {**machine.env, "CGO_ENABLED": "0"}
    subprocess.run(command, cwd=TOOLS, env=env, check=True, capture_output=True)
    library = next(Path("/lib").glob("*-linux-gnu/libseccomp.so.2"))
    shutil.copy2(library.resolve(), context / library.name)
    (context / "Dockerfile").write_text(
        f"FROM alpine:3.23\nCOPY {library.name} {library}\n"
        'COPY buildctl buildkitd runc /usr/bin/\nENTRYPOINT ["buildkitd"]\n'
    )
    machine.docker("buildx", "build", *HERE, "--tag", image, str(context))
    mirror = (lab.run_dir / "mirror").read_text()
    config = tmp_path / "buildkitd.toml"
    config.write_text(
        f'[registry."docker.io"]\nmirrors = ["{mirror}"]\n[registry."{mirror}"]\nhttp = true\n'
    )
    yield f"--driver-opt=network=host,image={image}", f"--buildkitd-config={config}"
    machine.docker("image", "rm", image)


def test_jobs_on_builders_in_containers(
    machine: Machine, repository: Path, buildkit: tuple[str, ...]
) -> None:
    patch = patch_of(repository, "USER nobody", "# nobody\nUSER nobody")
    options = [f"--cold-option={option}" for option in buildkit]
    words = ("verify", "-", *HERE, "--seconds=0", "--format=json", "--cold", *options)
    done = machine.dockerfix(*words, cwd=repository, patch=patch)
    assert done.code == 0, done.out + done.err
    (measured,) = done.data["measured"]
    assert measured["conditions"] == "each job on a cold builder, without a registry cache"
    (job,) = measured["before"]["jobs"]
    assert (job["name"], job["steps"], job["cached_steps"]) == ("build / app", 3, 0)


def test_where_no_builder_can_be_made_the_rest_is_told(machine: Machine, repository: Path) -> None:
    patch = patch_of(repository, "USER nobody", "# nobody\nUSER nobody")
    words = ("verify", "-", *HERE, "--seconds=0", "--cold", "--cold-option=--driver-opt=image=a/b")
    done = machine.dockerfix(*words, cwd=repository, patch=patch)
    assert done.code == 2
    assert "1 image is equal before and after, but could not be measured" in done.out
    assert "not measured: no fresh builder can be made here" in done.out


TOYS = '''
"""Two transforms: one says something in a Dockerfile, the other changes a program as well."""
from dockerfix.api import Edit, EditSet, Proposal, Span

class Remark:
    """Say why.

    What it does
        Says it.
    Why
        To be seen.
    Before
        -- Dockerfile --
        FROM a
    After
        -- Dockerfile --
        # why
        FROM a
    Safety
        None.
    Call sites
        None.
    """
    name = "remark"
    summary = "Say why."
    options = ()
    also = {}

    def propose(self, facts, paths, options):
        if facts.snapshot.read("app/Dockerfile").startswith(b"# why"):
            return Proposal(reason="it is said already")
        edits = {"app/Dockerfile": EditSet.of([Edit(Span(0, 0), b"# why\\n")])}
        for path, (old, new) in self.also.items():
            at = facts.snapshot.read(path).index(old)
            edits[path] = EditSet.of([Edit(Span(at, at + len(old)), new)])
        return Proposal(edits=edits)

class Reword(Remark):
    __doc__ = Remark.__doc__
    name, also = "reword", {"app/run": (b"run 1.0", b"run 2.0")}
'''


@pytest.fixture
def with_toys(machine: Machine, tmp_path: Path) -> Machine:
    """The machine with the two transforms installed, and its own builder the current one."""
    folder = tmp_path / "installed"
    info = folder / "toys-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "toys.py").write_text(TOYS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[dockerfix.transforms]\nremark = toys:Remark\nreword = toys:Reword\n"
    )
    return Machine({**machine.env, "PYTHONPATH": str(folder), "BUILDX_BUILDER": "default"})


def test_a_transform_writes_what_is_proved(with_toys: Machine, repository: Path) -> None:
    done = with_toys.dockerfix("remark", "--verify", "--write", "--force", cwd=repository)
    assert done.code == 0, done.err
    assert "1 image is equal before and after" in done.err
    assert (repository / "app" / "Dockerfile").read_text().startswith("# why\n")


def test_a_transform_does_not_write_what_makes_a_difference(
    with_toys: Machine, repository: Path
) -> None:
    """What the gate cannot know: a program that the build runs says something else."""
    text = DOCKERFILE.replace("RUN echo built", "RUN run --version")
    (repository / "app" / "Dockerfile").write_text(text)
    words = ("reword", "--verify", "--write", "--force", "--format=json")
    done = with_toys.dockerfix(*words, cwd=repository)
    assert done.code == 1, done.err
    assert (repository / "app" / "Dockerfile").read_text() == text
    assert done.data["written"] is False
    (difference,) = done.data["measurements"]["images"][0]["differences"]
    assert (difference["what"], difference["path"]) == ("content", "/built")
