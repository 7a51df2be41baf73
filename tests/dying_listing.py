"""A program that lists, writes down each job and where it stands, and may be killed at any moment.

`python dying_listing.py ENDPOINT FOLDER WAY` reads one line of JSON per run: how many jobs to take
before it waits to be killed, and `max_results`. Each run is a process of its own, forked from one
that has imported all it needs but has listed nothing. It prints the run's process id, then how it
ended.
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
    """Job and checkpoint in one line of one file: what was written together stays together."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs"

    def last_checkpoint(self) -> str | None:
        text = drop_unfinished_line(self._path)
        return text.rsplit("\n", 2)[-2].split(" ")[1] if text else None

    def write(self, job: RestoreJob, checkpoint: str) -> None:
        append(self._path, f"{job.restore_job_id} {checkpoint}\n")


class TwoFiles:
    """The job first, then the checkpoint: the job in hand may come twice, but none is lost."""

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
        new.replace(self._checkpoint)  # at one go: there is always a whole one


def append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)


def drop_unfinished_line(path: Path) -> str:
    """Return the whole lines, and leave no others: a kill may cut a write."""
    text = path.read_text() if path.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        os.truncate(path, len(whole))
    return whole


Notes = OneLine | TwoFiles
WAYS: dict[str, type[Notes]] = {"one line": OneLine, "two files": TwoFiles}


def run(client: RestoreJobsClient, notes: Notes, take: int, max_results: int) -> None:
    jobs = iter(
        client.list_restore_jobs(max_results=max_results, resume_from=notes.last_checkpoint())
    )
    for _ in range(take):
        job = next(jobs, None)
        if job is None:
            return
        notes.write(job, jobs.checkpoint)
    time.sleep(60)  # to be killed


def main(endpoint_url: str, folder: str, way: str) -> None:
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="eu-west-1"
    )

    def client() -> RestoreJobsClient:
        return RestoreJobsClient(session=session, endpoint_url=endpoint_url)

    client()  # the session reads its files once, for all runs
    for line in sys.stdin:
        take, max_results = json.loads(line)
        child = os.fork()
        if child == 0:
            run(client(), WAYS[way](Path(folder)), take, max_results)
            os._exit(0)
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
