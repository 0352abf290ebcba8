"""The lab in pytest: fixtures for tests marked `engine`, and what is said when they cannot run.

Such a test is skipped with the reason on a machine that can have no lab; where CI is set to
`true` that is a failure. The lab starts when the first test needs it, and stops with the run
unless it ran before.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_docker.plugin import Services

from lab import publish
from lab.builder import Builder
from lab.commands import NoLabError
from lab.lab import Lab, default_folder, open_lab, run_dir_of
from lab.pins import HERE

# Set by the process that runs the tests, for the workers that it may start (pytest-xdist).
_RUN_ID = "DOCKERFIX_TEST_RUN"
_NOT_RUN: defaultdict[str, list[str]] = defaultdict(list)  # reason to tests


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _cannot(reason: NoLabError) -> NoReturn:
    if _in_ci():
        pytest.fail(f"no lab on this machine: {reason}", pytrace=False)
    pytest.skip(f"no lab on this machine: {reason}")


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab, up."""
    opened = open_lab()
    ran = opened.runs()
    try:
        opened.up()
    except NoLabError as reason:
        _cannot(reason)
    if not ran and opened.run_dir.is_dir():
        _started_for(opened.folder).write_text(os.environ[_RUN_ID], encoding="ascii")
    return opened


@pytest.fixture(autouse=True)
def _engine(request: pytest.FixtureRequest) -> None:
    """The lab is up in every test that is marked `engine`."""
    if request.node.get_closest_marker("engine") is not None:
        request.getfixturevalue("lab")


@pytest.fixture
def cold_builder(lab: Lab) -> Iterator[Callable[..., Builder]]:
    """Start cold builders, with the arguments of `Lab.cold_builder`; they end with the test."""
    with ExitStack() as stack:

        def start(*, disk_mib: int | None = None) -> Builder:
            try:
                return stack.enter_context(lab.cold_builder(disk_mib=disk_mib))
            except NoLabError as reason:
                _cannot(reason)

        yield start


@pytest.fixture(scope="session")
def registry(docker_ip: str, docker_services: Services) -> str:
    """`host:port` of a registry that takes pushes, empty when the tests begin."""
    address = f"{docker_ip}:{docker_services.port_for('registry', 5000)}"
    docker_services.wait_until_responsive(lambda: publish.answers(address), timeout=30, pause=0.1)
    return address


# What pytest-docker asks for.


@pytest.fixture(scope="session")
def docker_compose_file() -> str:
    """The services of the tests."""
    return str(HERE.parent / "compose.yaml")


@pytest.fixture(scope="session")
def docker_compose_command(lab: Lab) -> str:
    """Compose of the lab, as words for a shell."""
    env = lab.env()
    wanted = ("PATH", "DOCKER_HOST", "DOCKER_CONFIG")
    setting = [f"{name}={env[name]}" for name in wanted if name in env]
    return shlex.join(["env", *setting, "docker", "compose"])


@pytest.fixture(scope="session")
def docker_setup() -> list[str]:
    """Nothing is built: the registry's image is there."""
    return ["up --detach --wait --quiet-pull"]


# Which tests run where, and what is said at the end.


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist loadscope` one process of pytest-xdist runs the files that need the engine,
    which they share, from the start on; the other processes run all other tests."""
    if config.getoption("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class OneEngine(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return "engine" if _needs_engine(config.rootpath / path) else nodeid

    return OneEngine(config, log)


@cache
def _needs_engine(path: Path) -> bool:
    return path.suffix == ".py" and "pytest.mark.engine" in path.read_text(encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_RUN_ID] = str(os.getpid())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the engine tests that were skipped, and why."""
    if report.skipped and "engine" in report.keywords and not hasattr(report, "wasxfail"):
        where = report.longrepr
        reason = where[2] if isinstance(where, tuple) else str(where)
        _NOT_RUN[reason.removeprefix("Skipped: ")].append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _NOT_RUN:
        return
    count = sum(len(tests) for tests in _NOT_RUN.values())
    terminalreporter.section(f"engine tests that did not run: {count}")
    for reason, tests in _NOT_RUN.items():
        terminalreporter.line(reason)
        for test in tests:
            terminalreporter.line(f"  {test}")
    if _in_ci():
        terminalreporter.line("In CI all of them must run: this is a failure.")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput"):
        return  # a worker of pytest-xdist: the process that started it does the rest
    if _NOT_RUN and _in_ci() and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    noted = _started_for(default_folder())
    if noted.is_file() and noted.read_text(encoding="ascii") == os.environ[_RUN_ID]:
        open_lab().down()


def _started_for(folder: Path) -> Path:
    """The file that names the test run for which the lab in `folder` was started."""
    return run_dir_of(folder) / "started-for"
