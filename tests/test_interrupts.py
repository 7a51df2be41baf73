"""Ctrl-C at any moment: the same client goes on, complete, without locks or threads left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from page_server import PageServer


@pytest.mark.parametrize("seed", [1, 2])
def test_a_client_survives_interrupts_at_random_microseconds(server: PageServer, seed: int) -> None:
    """After each of a thousand interrupts the next request answers, with exactly the jobs."""
    program = Path(__file__).with_name("interrupted_program.py")
    port = server.endpoint_url.rpartition(":")[2]
    # coverage has locks of its own, which an interrupt leaves held.
    environment = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, str(program), port, "1000", str(seed)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 500
