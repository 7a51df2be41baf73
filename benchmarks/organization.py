"""List an organization of 200 accounts and 17 regions: `python benchmarks/organization.py`.

The fake AWS Backup of this package runs in another process. Each way of listing runs in a process
of its own, and prints its time, its peak of memory and its peak of open sockets. README.md in this
folder has the figures.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.loaders
import botocore.session
from processes import REGIONS

from restorejobs_client import RestoreJob, RestoreJobs, RestoreJobsClient, gather
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNTS = [f"{number:012}" for number in range(1, 201)]
JOBS = 20  # of an account in a region
LOADER = botocore.loaders.Loader()


def role_session(account_id: str) -> boto3.Session:
    """Return a session as for a role of this account. All of them share one loader."""
    core = botocore.session.Session()
    session = boto3.Session("testing", "testing", botocore_session=core)
    core.register_component("data_loader", LOADER)

    def name_account(params: dict[str, Any], **_: object) -> None:
        params["headers"]["x-moto-account-id"] = account_id

    core.register("before-call.backup", name_account)
    return session


def listings_of(account_id: str, url: str) -> list[RestoreJobs]:
    session = role_session(account_id)
    clients = [
        RestoreJobsClient(session=session, region_name=region, endpoint_url=url)
        for region in REGIONS
    ]
    return [client.list_restore_jobs() for client in clients]


def account_after_account(url: str) -> Iterator[RestoreJob]:
    """Assume the roles one after the other; list all regions of an account at the same time."""
    for account_id in ACCOUNTS:
        yield from gather(*listings_of(account_id, url), max_workers=17)


def everything_at_once(url: str) -> Iterator[RestoreJob]:
    """Make all 3,400 clients, and gather their listings."""
    yield from gather(*(one for account in ACCOUNTS for one in listings_of(account, url)))


def from_one_account(url: str) -> Iterator[RestoreJob]:
    """List all accounts with one client for each region."""
    session = role_session(ACCOUNTS[0])
    for region in REGIONS:
        client = RestoreJobsClient(session=session, region_name=region, endpoint_url=url)
        yield from gather(*(client.list_restore_jobs(by_account_id=one) for one in ACCOUNTS))


WAYS: dict[str, Callable[[str], Iterator[RestoreJob]]] = {
    way.__name__: way for way in (from_one_account, account_after_account, everything_at_once)
}


def open_sockets() -> int:
    count = 0
    for file in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # closed since
            count += str(file.readlink()).startswith("socket:")
    return count


def measure(way: Callable[[str], Iterator[RestoreJob]], url: str) -> None:
    """List in one way, and print what it took."""
    sockets, has_ended = [0], threading.Event()

    def watch_sockets() -> None:
        while not has_ended.wait(0.05):
            sockets.append(open_sockets())

    watcher = threading.Thread(target=watch_sockets)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    watcher.start()
    started = time.monotonic()
    try:
        count = sum(1 for _ in way(url))
    finally:
        has_ended.set()
        watcher.join()
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if count != len(ACCOUNTS) * len(REGIONS) * JOBS:
        message = f"{count} jobs came"
        raise AssertionError(message)
    print(
        f"{way.__name__:24} {seconds:6.1f} s, {time.process_time():6.1f} s of CPU, "
        f"{(peak - before) / 1024:6.0f} MiB more, {max(sockets):5} sockets, {count:,} jobs"
    )


def serve() -> None:
    """Print the URL of a fake with the jobs of all accounts and regions, and run until EOF."""
    with fake_backup() as backup:
        for region in REGIONS:
            jobs = sample_jobs(JOBS, region_name=region)
            for account_id in ACCOUNTS:
                backup.seed(jobs, region_name=region, account_id=account_id)
        print(backup.endpoint_url, flush=True)
        sys.stdin.read()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("way", nargs="?", choices=[*WAYS, "serve"])
    parser.add_argument("url", nargs="?")
    given = parser.parse_args()
    if given.way == "serve":
        serve()
    elif given.way is not None:
        measure(WAYS[given.way], given.url)
    else:
        run_all()


def run_all() -> None:
    """Serve in one process, and list in others, one after the other."""
    this = [sys.executable, __file__]
    command = [*this, "serve"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as server:  # noqa: S603  # our own
        url = server.stdout.readline().strip() if server.stdout else ""
        for way in WAYS:
            subprocess.run([*this, way, url], check=False)  # noqa: S603  # our own
        server.communicate()  # its standard input ends


if __name__ == "__main__":
    main()
