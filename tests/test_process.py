"""A process that was killed resumes from the checkpoint that it has written."""

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
from support.raw_server import PageServer, wire_job

if TYPE_CHECKING:
    from collections.abc import Iterator

KILLS = 16
JOBS_OF_A_RUN = 40  # at most, so that no run ends before it is killed
COUNT = KILLS * JOBS_OF_A_RUN + 100
PROGRAM = Path(__file__).parent / "support" / "dying_listing.py"


class Runs:
    """Runs of `dying_listing.py`, one after another."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._jobs = folder / "jobs"

    def written(self) -> list[str]:
        """Return the complete lines of all runs so far."""
        return self._jobs.read_text().split("\n")[:-1] if self._jobs.exists() else []

    def start(self, jobs: int, max_results: int) -> int:
        """Start a run and return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([jobs, max_results]) + "\n")
        self._process.stdin.flush()
        return self._number()

    def kill(self, run: int, *, after: int) -> None:
        """Kill the run when this number of lines has been written."""
        deadline = time.monotonic() + 30
        while len(self.written()) < after:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.kill(run, signal.SIGKILL)
        assert self.status() == -signal.SIGKILL

    def status(self) -> int:
        """Wait for the end of the run, and return its exit code."""
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@pytest.fixture
def server() -> Iterator[PageServer]:
    """Return a server with more jobs than the killed runs can list."""
    with PageServer([wire_job(number) for number in range(COUNT)]) as server:
        yield server


@pytest.mark.parametrize("notes", ["one line", "two files"])
def test_killed_process_resumes_where_it_stopped(
    server: PageServer, tmp_path: Path, notes: str
) -> None:
    """All jobs are written once; only a kill between two writes repeats a job."""
    chance = random.Random(notes)  # noqa: S311  # nothing secret
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, PROGRAM, server.endpoint_url, tmp_path, notes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        runs = Runs(process, tmp_path)
        try:
            for number in range(KILLS):
                # Sometimes before the first job of a run.
                jobs = 0 if number % 6 == 5 else chance.randint(1, JOBS_OF_A_RUN)
                before = len(runs.written())
                run = runs.start(JOBS_OF_A_RUN, chance.randint(5, 90))
                runs.kill(run, after=before + jobs)
            assert 20 <= len(runs.written()) <= KILLS * JOBS_OF_A_RUN
            runs.start(COUNT, 90)
            assert runs.status() == 0
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    delivered = [line.split(" ")[0] for line in runs.written()]
    assert [job for job, _ in groupby(delivered)] == [job["RestoreJobId"] for job in server.jobs]
    assert len(delivered) - COUNT <= (KILLS if notes == "two files" else 0)
