"""Ctrl-C at any moment leaves the client usable."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.memory_service import Service, job

if TYPE_CHECKING:
    import pytest
    from support.raw_server import PageServer

    from restorejobs_client import RestoreJobsClient


def test_client_works_after_any_interrupt(server: PageServer) -> None:
    """After interrupts at random microseconds, requests still answer and no thread stays."""
    program = Path(__file__).parent / "support" / "interrupted_program.py"
    # coverage has locks of its own, which an interrupt leaves held.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, program, server.endpoint_url, "600", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 300


def test_request_takes_no_lock_that_an_interrupt_leaves_held(client: RestoreJobsClient) -> None:
    """A request runs no line of `queue` and `threading`, whose locks are Python code."""
    lines: list[str] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        if frame.f_code.co_filename in {queue.__file__, threading.__file__}:
            lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {event}")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        client.list_restore_jobs().first()
    finally:
        sys.settrace(before)
    assert lines == []


def test_threads_start_with_signals_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """No signal interrupts the start of a thread, and signals are let through afterwards."""
    held: list[set[Any]] = []
    start = threading.Thread.start

    def recorded(thread: threading.Thread) -> None:
        held.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", recorded)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert len(list(Service([job(0)]).listing().parallel(2))) == 1
    assert len(held) == 2
    assert all(signal.SIGINT in signals for signals in held)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
