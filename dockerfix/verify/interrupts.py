"""Signals while there is something to clean up. Knows signals; knows no docker."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_ENDINGS = (signal.SIGTERM, signal.SIGHUP)
_ALL = (signal.SIGINT, *_ENDINGS)


@contextlib.contextmanager
def endings_interrupt() -> Iterator[None]:
    """While this lasts, SIGTERM and SIGHUP interrupt as control-C does, so that whoever ends a
    CI job or closes a terminal leaves nothing behind either."""
    with _handled(_ENDINGS, _interrupt):
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """While this lasts, nobody interrupts: what was made is being removed."""
    with _handled(_ALL, signal.SIG_IGN):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _handled(numbers: tuple[signal.Signals, ...], handler: object) -> Iterator[None]:
    """Handlers for a while; only the main thread may have them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = {number: signal.signal(number, handler) for number in numbers}  # type: ignore[arg-type]  # a constant or a function
    try:
        yield
    finally:
        for number, previous in old.items():
            signal.signal(number, previous if previous is not None else signal.SIG_DFL)
