"""A process that is killed while it lists: what it wrote down is enough to go on from."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_server import PageServer, wire_job

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = 24
TAKE = 40  # jobs of a run at the most, so that none comes to the end before it is killed
COUNT = KILLS * TAKE + 100
SCRIPT = Path(__file__).with_name("dying_listing.py")


class Program:
    """Runs of one program, one after the other."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._jobs = folder / "jobs"

    def written(self) -> list[str]:
        """Return the whole lines that all runs so far have written."""
        return self._jobs.read_text().split("\n")[:-1] if self._jobs.exists() else []

    def start(self, take: int, max_results: int) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([take, max_results]) + "\n")
        self._process.stdin.flush()
        return self._number()

    def kill(self, child: int, *, after: int) -> None:
        """Kill the run when so many lines are written, or a few more."""
        deadline = time.monotonic() + 30
        while len(self.written()) < after:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        assert self.status() == -signal.SIGKILL

    def status(self) -> int:
        """Return how the run ended, when it has."""
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@pytest.fixture
def server() -> Iterator[PageServer]:
    with PageServer([wire_job(number) for number in range(COUNT)]) as server:
        yield server


@pytest.mark.parametrize("way", ["one line", "two files"])
def test_a_process_that_is_killed_goes_on_where_it_stood(
    server: PageServer, tmp_path: Path, way: str
) -> None:
    chance = random.Random(way)  # noqa: S311  # nothing secret
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, SCRIPT, server.endpoint_url, tmp_path, way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        program = Program(process, tmp_path)
        try:
            for number in range(KILLS):
                # Now and then before the first job of a run has come.
                jobs = 0 if number % 6 == 5 else chance.randint(1, TAKE)
                before = len(program.written())
                child = program.start(TAKE, chance.randint(5, 90))
                program.kill(child, after=before + jobs)
            assert 20 <= len(program.written()) <= KILLS * TAKE
            program.start(COUNT, 90)
            assert program.status() == 0
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    delivered = [line.split(" ")[0] for line in program.written()]
    assert [job for job, _ in groupby(delivered)] == [job["RestoreJobId"] for job in server.jobs]
    # Where job and checkpoint are written one after the other, the one in hand may come again.
    assert len(delivered) - COUNT <= (KILLS if way == "two files" else 0)
