"""Many threads on one client, a user's own calls among them, and what all of them write down."""

from __future__ import annotations

import json
import logging
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from page_server import Answer, PageServer, wire_job

from restorejobs_client import RestoreJob, RestoreJobsClient, RestoreJobsError, gather
from restorejobs_client.testing import fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.client import BaseClient
    from page_server import Fault

THREADS = 32
JOBS = sample_jobs(40, seed=3)
# Texts that nothing else holds, so that they are found wherever they come out.
SECRET = "testing" * 5
TOKEN = "Testing" * 9


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id="testing",
        aws_secret_access_key=SECRET,
        aws_session_token=TOKEN,
        region_name="us-east-1",
    )


def boto3_client(endpoint_url: str) -> Any:  # made at run time
    client: BaseClient = session().client(
        "backup",
        endpoint_url=endpoint_url,
        config=Config(
            max_pool_connections=THREADS,
            retries={"mode": "standard", "total_max_attempts": 2},
        ),
    )
    return client


def test_threads_may_be_the_first_to_use_the_models() -> None:
    program = """
import sys, threading
from restorejobs_client import ListRestoreJobsRequest, RestoreJob, RestoreJobPage

assert ListRestoreJobsRequest.__pydantic_complete__
sys.setswitchinterval(1e-6)
start = threading.Barrier(16)
done = []

def use():
    start.wait()
    assert ListRestoreJobsRequest(by_status="FAILED").by_status == "FAILED"
    job = RestoreJob(restore_job_id="1A2B")
    assert RestoreJob.from_dict(job.to_dict()) == job
    done.append(job)

threads = [threading.Thread(target=use) for _ in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert len(done) == 16
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603


def test_many_threads_share_a_client_with_each_other_and_with_its_owner(
    caplog: pytest.LogCaptureFixture,
) -> None:
    start = threading.Barrier(2 * THREADS)

    def twice(work: Callable[[], object]) -> list[object]:
        start.wait(30)
        return [work() for _ in range(2)]

    with fake_backup(JOBS) as backup:
        shared = boto3_client(backup.endpoint_url)
        listings = [
            client.list_restore_jobs(max_results=20)
            for client in (
                RestoreJobsClient(session=session(), endpoint_url=backup.endpoint_url),
                RestoreJobsClient(client=shared),
            )
        ]

        def plain() -> object:
            with pytest.raises(ClientError) as refused:
                shared.list_backup_vaults()
            return refused.value.response["Error"], shared.list_restore_jobs()["RestoreJobs"]

        expected = plain()
        assert isinstance(expected, tuple)
        assert [RestoreJob.from_dict(job) for job in expected[1]] == JOBS
        # No more at the same time on the shared client than it has connections.
        works: list[tuple[Callable[[], object], object]] = [
            *[(lambda: list(listings[0]), JOBS)] * THREADS,
            *[(lambda: list(listings[1]), JOBS)] * (THREADS // 2),
            *[(plain, expected)] * (THREADS // 2),
        ]
        with caplog.at_level(logging.INFO), ThreadPoolExecutor(2 * THREADS) as threads:
            answers = list(threads.map(twice, [work for work, _ in works]))
    assert answers == [[answer] * 2 for _, answer in works]
    # urllib3 would tell of a connection that found no room in the pool.
    assert [record.getMessage() for record in caplog.records] == []


# Credentials


def echo(status: int, start: str = "") -> Callable[[PageServer], Fault]:
    """Answer with the headers of the request, as AWS explains a signature that does not match."""

    def fault(server: PageServer) -> Fault:
        def answer(_: Answer) -> Answer:
            message = json.dumps({"message": f"should have been '{server.headers[-1]}'"})
            headers = {"x-amzn-ErrorType": "SignatureDoesNotMatch"}
            return Answer(status, (start + message).encode(), headers)

        return answer

    return fault


def always(answer: Answer) -> Callable[[PageServer], Fault]:
    return lambda _: lambda _: answer


FAULTS = {
    "reset": always(Answer(raw=b"", ending="reset")),
    "no HTTP": always(Answer(raw=b"220 mail.example ESMTP\r\n\r\n", ending="close")),
    "HTML": always(Answer(body=b"<html></html>")),
    "short": lambda _: lambda answer: Answer(body=answer.body, sent=99, ending="close"),
    "refused": always(Answer(status=403, body=b'{"message": "no"}')),
    "expired": always(Answer(status=403, headers={"x-amzn-ErrorType": "ExpiredTokenException"})),
    "unavailable": always(Answer(status=503)),
    "echo 403": echo(403),
    "echo 500": echo(500),
    "echo 200": echo(200),
    "echo that is no JSON": echo(403, start="<html>"),
    "echo 200 that is no JSON": echo(200, start="<html>"),
}


def written(record: logging.LogRecord) -> str:
    """Return all that a handler could make of the record."""
    return f"{logging.Formatter().format(record)} {record.args!r}"


def test_no_credential_is_logged_that_botocore_does_not_log_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with PageServer([wire_job(number) for number in range(30)]) as server:
        client = boto3_client(server.endpoint_url)
        listing = RestoreJobsClient(client=boto3_client(server.endpoint_url)).list_restore_jobs(
            max_results=10
        )

        def theirs() -> None:
            for fault in FAULTS.values():
                server.fail(1, fault(server), times=1)
                with suppress(Exception):
                    client.list_restore_jobs(MaxResults=10)

        def ours() -> None:
            for fault in FAULTS.values():
                server.fail(1, fault(server), times=1)
                with suppress(RestoreJobsError):
                    list(listing)
            for jobs in (listing.parallel(2), gather(listing, listing)):
                assert len(list(jobs)) >= 30

        logged: list[set[tuple[str, str]]] = []
        for work in (theirs, ours):
            caplog.clear()
            with caplog.at_level(logging.DEBUG):
                work()
            texts = [(record, written(record)) for record in caplog.records]
            assert not [text for _, text in texts if SECRET in text]
            logged.append({(one.name, str(one.msg)) for one, text in texts if TOKEN in text})
    assert logged[0]  # at DEBUG botocore writes the session token, so here it would be seen
    assert logged[1] <= logged[0]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_shows_a_credential(fault: str) -> None:
    with PageServer([wire_job(number) for number in range(30)]) as server:
        listing = RestoreJobsClient(client=boto3_client(server.endpoint_url)).list_restore_jobs(
            max_results=10
        )
        server.fail(2, FAULTS[fault](server))
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
            # botocore's own error, which ours keeps as its cause, repeats what the service says.
            if isinstance(one, RestoreJobsError):
                assert TOKEN[:14] not in everything


def test_more_workers_than_connections_lose_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A connection that finds no room in the pool is closed, with urllib3's own warning."""
    config = Config(max_pool_connections=1, retries={"total_max_attempts": 1})
    with fake_backup(JOBS) as backup:
        listing = backup.client(config=config).list_restore_jobs(max_results=5)
        assert len(list(listing.parallel(6))) == len(JOBS)
    assert "Connection pool is full" in caplog.text


def test_threads_start_where_the_system_cannot_hold_signals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Windows has no `pthread_sigmask`."""
    monkeypatch.delattr(signal, "pthread_sigmask")
    with fake_backup(JOBS) as backup:
        listing = backup.client().list_restore_jobs(max_results=50)
        assert len(list(listing.parallel(3))) == len(JOBS)
