"""The ways to list that `run.py` compares, and the server that they list from."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import urllib3

from restorejobs_client import RestoreJob, RestoreJobsClient

try:
    import capo_backup
except ImportError:
    capo_backup = None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
REGION = "eu-central-1"
SESSION = boto3.Session(**KEYS, region_name=REGION)


class Rivals:
    """The ways to list all jobs of an endpoint. Each has one client for it, as in a program."""

    def __init__(self) -> None:
        self.client = functools.cache(
            lambda endpoint: RestoreJobsClient(session=SESSION, endpoint_url=endpoint)
        )
        self._boto3_client = functools.cache(
            lambda endpoint: SESSION.client("backup", endpoint_url=endpoint)
        )
        self._capo_client = functools.cache(
            lambda endpoint: capo_backup.BackupClient(
                endpoint=endpoint,
                region=REGION,
                credentials={"access_key": "testing", "secret_key": "testing"},
            )
        )
        self._pool = urllib3.PoolManager()

    def ways(self) -> dict[str, Callable[[str], Iterator[object]]]:
        """Return the ways that are installed, by the columns of the table."""
        capo = {} if capo_backup is None else {"capo": self.capo}
        return {
            "boto3": self.boto3,
            "typed": self.boto3_and_from_dict,
            **capo,
            "floor": self.floor,
            "here": self.here,
        }

    def here(self, endpoint: str, workers: int = 0, **filters: Any) -> Iterator[RestoreJob]:
        listing = self.client(endpoint).list_restore_jobs(**filters)
        return listing.parallel(workers) if workers else iter(listing)

    def boto3(self, endpoint: str) -> Iterator[dict[str, Any]]:
        paginator = self._boto3_client(endpoint).get_paginator("list_restore_jobs")
        for page in paginator.paginate(PaginationConfig={"PageSize": 1000}):
            yield from page["RestoreJobs"]

    def boto3_and_from_dict(self, endpoint: str) -> Iterator[RestoreJob]:
        return map(RestoreJob.from_dict, self.boto3(endpoint))

    def capo(self, endpoint: str) -> Iterator[Any]:
        return self._capo_client(endpoint).iter_list_restore_jobs(max_results=1000)

    def floor(self, endpoint: str) -> Iterator[dict[str, Any]]:
        """Yield jobs without types, signatures or checks: the cost of HTTP and JSON alone."""
        token: str | None = ""
        while token is not None:
            query = f"maxResults=1000&nextToken={token}" if token else "maxResults=1000"
            url = f"{endpoint}/restore-jobs/?{query}"
            page = orjson.loads(self._pool.request("GET", url).data)
            token = page["NextToken"]
            yield from page.pop("RestoreJobs")  # freed before the next page is read


def consumed(jobs: Iterable[object], expected: int) -> None:
    count = sum(1 for _ in jobs)
    if count != expected:
        message = f"{count} jobs came, not {expected}"
        raise AssertionError(message)


@contextlib.contextmanager
def page_server() -> Iterator[str]:
    """Run the server in another process, and return its URL."""
    with subprocess.Popen(  # noqa: S603  # our own
        [sys.executable, str(Path(__file__).with_name("page_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None  # noqa: S101  # for the type checker
        assert process.stdout is not None  # noqa: S101  # for the type checker
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


def versions() -> str:
    """Return what is compared, in one line."""
    names = ["restorejobs-client", "boto3", "urllib3", "orjson", "pandas"]
    if capo_backup is not None:
        names.append("capo-backup")
    found = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Python {sys.version.split()[0]}, {found}"
