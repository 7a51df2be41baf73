"""A program that lists, writes each job and its checkpoint, and may be killed at any moment.

`python dying_listing.py ENDPOINT FOLDER NOTES` reads one line of JSON for each run: how many jobs
to list before it waits to be killed, and `max_results`. Each run is a process of its own, forked
from one that has imported all it needs but has listed nothing. It prints the run's process id, then
how it ended.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from restorejobs_client import RestoreJobsClient

if TYPE_CHECKING:
    from restorejobs_client import RestoreJob


class OneLine:
    """Writes job and checkpoint in one line of one file: a kill cannot part them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs"

    def last_checkpoint(self) -> str | None:
        text = drop_unfinished_line(self._path)
        return text.rsplit("\n", 2)[-2].split(" ")[1] if text else None

    def write(self, job: RestoreJob, checkpoint: str) -> None:
        append(self._path, f"{job.restore_job_id} {checkpoint}\n")


class TwoFiles:
    """Writes the job, then the checkpoint: a kill between the two repeats a job."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs"
        self._checkpoint = folder / "checkpoint"

    def last_checkpoint(self) -> str | None:
        drop_unfinished_line(self._path)
        return self._checkpoint.read_text() if self._checkpoint.exists() else None

    def write(self, job: RestoreJob, checkpoint: str) -> None:
        append(self._path, f"{job.restore_job_id}\n")
        new = self._checkpoint.with_suffix(".new")
        new.write_text(checkpoint)
        new.replace(self._checkpoint)  # atomically, so that the file is always complete


def append(path: Path, line: str) -> None:
    """Write a line at the end of a file."""
    with path.open("a") as file:
        file.write(line)


def drop_unfinished_line(path: Path) -> str:
    """Remove a line that a kill has left incomplete, and return the others."""
    text = path.read_text() if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        os.truncate(path, len(whole))
    return whole


Notes = OneLine | TwoFiles
NOTES: dict[str, type[Notes]] = {"one line": OneLine, "two files": TwoFiles}


def run(client: RestoreJobsClient, notes: Notes, jobs: int, max_results: int) -> None:
    """List this number of jobs, from where the last run stopped."""
    iterator = iter(
        client.list_restore_jobs(max_results=max_results, resume_from=notes.last_checkpoint())
    )
    for _ in range(jobs):
        job = next(iterator, None)
        if job is None:
            return
        notes.write(job, iterator.checkpoint)
    time.sleep(60)  # to be killed


def main(endpoint_url: str, folder: str, notes: str) -> None:
    """Run once for each line of input."""
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )

    def client() -> RestoreJobsClient:
        return RestoreJobsClient(session=session, endpoint_url=endpoint_url)

    client()  # the session reads its files once, for all runs
    for line in sys.stdin:
        jobs, max_results = json.loads(line)
        child = os.fork()
        if child == 0:
            run(client(), NOTES[notes](Path(folder)), jobs, max_results)
            os._exit(0)
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


def say(number: int) -> None:
    """Print a number without buffering."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
