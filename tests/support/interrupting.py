"""Interrupt programs and functions."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = str(Path(__file__).parents[1])
# If the tests run in the background, SIGINT is ignored, and child processes inherit that.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def at_moment(number: int, work: Callable[[], object], act: Callable[[], object]) -> bool:
    """Call a function, and another one once at a moment of it, as a signal handler.

    Moments are those at which Python handles signals: where a function begins, and where one of C
    has returned. Those of the tests do not count. Return whether there are as many moments.
    """
    left = number

    def profile(frame: Any, event: str, _: object) -> None:
        nonlocal left
        if event in {"call", "c_return"} and not frame.f_code.co_filename.startswith(TESTS):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                act()

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return left < 0


def moments_of(survives: Callable[[int], bool]) -> int:
    """Call a function with each number of a moment. Return for how many it returns `True`."""
    return next(number for number in itertools.count() if not survives(number))


def interrupt() -> None:
    """Interrupt, as Ctrl-C does."""
    raise KeyboardInterrupt


def interrupted(script: str) -> None:
    """Run a script that prints "ready" and then waits; check that Ctrl-C ends it at once."""
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, "-c", HEED + textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert "KeyboardInterrupt" in errors
    assert time.monotonic() - started < 5
