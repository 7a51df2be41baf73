"""Check that Ctrl-C ends a program that waits for a service."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

# If the tests run in the background, SIGINT is ignored, and child processes inherit that.
HEED = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


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
