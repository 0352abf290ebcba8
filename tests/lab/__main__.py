"""`python3 tests/lab COMMAND`: start, stop and show the lab.

Needs nothing but Python's own library, so that it runs before the project is installed. Exit
codes: 0 done, 1 failed, 64 usage, 75 this machine cannot have a lab (the message says why), 130
interrupted.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.commands import CommandError, NoLabError, say
from lab.lab import Lab, open_lab

_USAGE = """\
usage: python3 tests/lab COMMAND

  up      make what is missing and start what does not run
  down    stop what `up` started; what was fetched and built stays
  status  say what runs
  env     print shell lines that lead docker, buildx and Compose to the lab:
          eval "$(python3 tests/lab env)"
  clean   down, and delete what was fetched and built
"""


def _up(lab: Lab) -> int:
    was_running = lab.runs()
    if lab.foreign:
        say(f"a Docker daemon answers at {lab.foreign}: it is used, and nothing is changed there")
    lab.up()
    say("the lab ran already" if was_running else "the lab is up")
    return 0


def _down(lab: Lab) -> int:
    lab.down()
    say("the lab is down")
    return 0


def _status(lab: Lab) -> int:
    print(lab.status())
    return 0 if lab.runs() else 1


def _env(lab: Lab) -> int:
    if not lab.runs():
        raise NoLabError("the lab does not run: `python3 tests/lab up` starts it")
    values = lab.env()
    for name in ("PATH", "DOCKER_HOST", "DOCKER_CONFIG"):
        print(f"export {name}={shlex.quote(values[name])}")
    print("unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH BUILDX_BUILDER BUILDX_CONFIG")
    return 0


def _clean(lab: Lab) -> int:
    lab.down()
    shutil.rmtree(lab.folder, ignore_errors=True)
    say(f"deleted {lab.folder}")
    return 0


_COMMANDS: dict[str, Callable[[Lab], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "env": _env,
    "clean": _clean,
}


def main(arguments: list[str]) -> int:
    """Run one command; gives the exit code."""
    if len(arguments) != 1 or arguments[0] not in _COMMANDS:
        print(_USAGE, end="", file=sys.stderr)
        return 64
    try:
        return _COMMANDS[arguments[0]](open_lab())
    except NoLabError as reason:
        print(f"lab: no lab on this machine: {reason}", file=sys.stderr)
        return 75
    except CommandError as failure:
        print(f"lab: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; what was started is stopped again", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
