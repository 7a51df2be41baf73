"""Threads that share a client: each call gets its own answer, and no credential is shown."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support.faults import FAULTS
from support.raw_server import Answer, PageServer, wire_job

from restorejobs_client import RestoreJob, RestoreJobsClient, RestoreJobsError, gather
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.raw_server import Fault

    from restorejobs_client import RestoreJobs

THREADS = 32
JOBS = sample_jobs(40, seed=3)
# Texts that occur nowhere else, so that a test finds them wherever they are shown.
SECRET = "testing" * 5
TOKEN = "Testing" * 9


def session() -> boto3.Session:
    """Return a session with a secret key and a session token."""
    return boto3.Session(
        aws_access_key_id="testing",
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
        region_name="us-east-1",
    )


def boto3_client(endpoint_url: str) -> Any:
    """Return a client with a connection for each thread."""
    retries: Any = {"mode": "standard", "total_max_attempts": 2}
    return session().client(
        "backup",
        endpoint_url=endpoint_url,
        config=Config(max_pool_connections=THREADS, retries=retries),
    )


def test_threads_can_be_the_first_to_use_the_models() -> None:
    """Sixteen threads can create the first requests and jobs of a process at the same time."""
    program = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from restorejobs_client import ListRestoreJobsRequest, RestoreJob

sys.setswitchinterval(1e-6)
start = threading.Barrier(16)

def use(_):
    start.wait()
    job = RestoreJob(restore_job_id="1A2B")
    assert RestoreJob.from_dict(job.to_dict()) == job
    return ListRestoreJobsRequest(by_status="FAILED").by_status

with ThreadPoolExecutor(16) as threads:
    assert list(threads.map(use, range(16))) == ["FAILED"] * 16
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603


def test_threads_can_share_clients(caplog: pytest.LogCaptureFixture) -> None:
    """Listings and other calls on the same boto3 client each get their own answer."""
    start = threading.Barrier(2 * THREADS)

    def twice(call: Callable[[], object]) -> list[object]:
        start.wait(30)
        return [call(), call()]

    with fake_backup(JOBS) as backup:
        shared = boto3_client(backup.endpoint_url)
        clients = (
            RestoreJobsClient(session=session(), endpoint_url=backup.endpoint_url),
            RestoreJobsClient(client=shared),
        )
        listings = [client.list_restore_jobs(max_results=20) for client in clients]

        def owner() -> object:
            with pytest.raises(ClientError) as refused:
                shared.list_backup_vaults()
            return refused.value.response["Error"], shared.list_restore_jobs()["RestoreJobs"]

        expected: Any = owner()
        assert [RestoreJob.from_dict(job) for job in expected[1]] == JOBS
        # At most as many at the same time as the shared client has connections.
        calls: list[tuple[Callable[[], object], object]] = [
            *[(lambda: list(listings[0]), JOBS)] * THREADS,
            *[(lambda: list(listings[1]), JOBS)] * (THREADS // 2),
            *[(owner, expected)] * (THREADS // 2),
        ]
        with caplog.at_level(logging.INFO), ThreadPoolExecutor(2 * THREADS) as threads:
            answers = list(threads.map(twice, [call for call, _ in calls]))
    assert answers == [[answer] * 2 for _, answer in calls]
    # urllib3 would log that its pool has no room for a connection.
    assert [record.getMessage() for record in caplog.records] == []


def test_more_workers_than_connections_lose_no_job(caplog: pytest.LogCaptureFixture) -> None:
    """A connection for which the pool has no room is closed, with urllib3's own warning."""
    config = Config(max_pool_connections=1, retries={"total_max_attempts": 1})
    with fake_backup(JOBS) as backup:
        listing = backup.client(config=config).list_restore_jobs(max_results=5)
        assert len(list(listing.parallel(6))) == len(JOBS)
    assert "Connection pool is full" in caplog.text


def test_clients_of_one_session_may_be_made_while_its_credentials_are_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Making a client replaces no lock that another thread holds in the same session."""
    keys = {"Version": 1, "AccessKeyId": "testing", "SecretAccessKey": "testing"}
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    answer = json.dumps({**keys, "SessionToken": "testing", "Expiration": soon})
    program = f"import time; time.sleep(0.2); print({answer!r})"
    (tmp_path / "process.py").write_text(program)
    config = f"[default]\ncredential_process = {sys.executable} {tmp_path / 'process.py'}\n"
    (tmp_path / "config").write_text(config)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    shared = boto3.Session()
    with fake_backup(JOBS, region_name="us-east-1") as backup:

        def count(_: int) -> int:
            client = RestoreJobsClient(
                session=shared, region_name="us-east-1", endpoint_url=backup.endpoint_url
            )
            return len(list(client.list_restore_jobs()))

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(count, range(8))) == [len(JOBS)] * 8


# Credentials


def echo(server: PageServer, status: int, prefix: str = "") -> Fault:
    """Answer with the headers of the request, as AWS explains a signature that does not match."""

    def fault(_: Answer) -> Answer:
        message = json.dumps({"message": f"should have been '{server.headers[-1]}'"})
        headers = {"x-amzn-ErrorType": "SignatureDoesNotMatch"}
        return Answer(status, (prefix + message).encode(), headers)

    return fault


ECHOES = {
    "echo 403": (403, ""),
    "echo 500": (500, ""),
    "echo 200": (200, ""),
    "echo 403 that is no JSON": (403, "<html>"),
    "echo 200 that is no JSON": (200, "<html>"),
}
NAMES = ["reset before", "no HTTP", "html", "short body", "403 JSON", "503 nothing", *ECHOES]


def named_fault(name: str, server: PageServer) -> Fault:
    """Return the fault with this name."""
    return echo(server, *ECHOES[name]) if name in ECHOES else FAULTS[name]


def logged(record: logging.LogRecord) -> str:
    """Return everything that a handler could write about a record."""
    return f"{logging.Formatter().format(record)} {record.args!r}"


@pytest.fixture
def server() -> Iterator[PageServer]:
    """Return a server with three pages of ten jobs."""
    with PageServer([wire_job(number) for number in range(30)]) as server:
        yield server


@pytest.fixture
def listing(server: PageServer) -> RestoreJobs:
    """Return a listing of that server, with the secret credentials."""
    client = RestoreJobsClient(client=boto3_client(server.endpoint_url))
    return client.list_restore_jobs(max_results=10)


def test_no_more_credentials_are_logged_than_by_botocore(
    server: PageServer, listing: RestoreJobs, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret key is never logged, and the session token only in botocore's own records."""
    client = boto3_client(server.endpoint_url)

    def theirs() -> None:
        for name in NAMES:
            server.fail(1, named_fault(name, server), times=1)
            with suppress(Exception):
                client.list_restore_jobs(MaxResults=10)

    def ours() -> None:
        for name in NAMES:
            server.fail(1, named_fault(name, server), times=1)
            with suppress(RestoreJobsError):
                list(listing)
        for stream in (listing.parallel(2), gather(listing, listing)):
            assert len(list(stream)) >= 30

    with_token: list[set[tuple[str, str]]] = []
    for calls in (theirs, ours):
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            calls()
        texts = [(record, logged(record)) for record in caplog.records]
        assert not any(SECRET in text for _, text in texts)
        with_token.append({(one.name, str(one.msg)) for one, text in texts if TOKEN in text})
    assert with_token[0]  # botocore logs the session token at DEBUG, so this test can find it
    assert with_token[1] <= with_token[0]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", NAMES)
def test_no_error_shows_a_credential(server: PageServer, listing: RestoreJobs, name: str) -> None:
    """No error has a credential in its message, traceback, members, pickle or checkpoint."""
    server.fail(2, named_fault(name, server))
    with pytest.raises(RestoreJobsError) as caught:
        list(listing)
    with pytest.raises(ExceptionGroup) as group:
        list(gather(listing))
    assert TOKEN in server.headers[-1]
    (gathered,) = group.value.exceptions
    for error in (caught.value, gathered):
        assert isinstance(error, RestoreJobsError)
        for one in chain(error):
            lines = "".join(traceback.format_exception(one, chain=False))
            everything = f"{lines} {one!r} {vars(one)} {pickle.dumps(error)!r} {error.checkpoint}"
            assert SECRET not in everything
            assert TOKEN[:14] not in everything
