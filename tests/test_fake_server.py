"""The HTTP server of `FakeBackup`: signatures, other operations, connections, clients."""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import freezegun
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from support.fakes import (
    JOBS,
    ONE_TRY,
    OTHER_ACCOUNT,
    OTHER_REGION,
    boto3_client,
    connect,
    get,
    listed,
    received,
    send,
    signed,
)

from restorejobs_client import InvalidRequestError, RestoreJob, ServiceUnavailableException
from restorejobs_client.testing import FakeBackup, FaultName, fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def backup(backup: FakeBackup) -> FakeBackup:
    """Return a fake with nine jobs."""
    backup.seed(JOBS[:9])
    return backup


# Signatures, regions and accounts


SIGNED_FOR_S3 = signed()["Authorization"].replace("/backup/", "/s3/")


@pytest.mark.parametrize("authorization", [None, "", "Basic dGVzdDp0ZXN0", SIGNED_FOR_S3])
def test_unsigned_requests_are_refused(backup: FakeBackup, authorization: str | None) -> None:
    """A request without a signature for AWS Backup gets AWS's error and is recorded."""
    headers = {} if authorization is None else {"Authorization": authorization}
    refused = send(backup, headers=headers)
    assert refused.status == 403
    assert refused.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    assert refused.json() == {"message": "Missing Authentication Token"}
    assert len(backup.requests) == 1


def test_unsigned_boto3_client_is_refused(backup: FakeBackup) -> None:
    """boto3 raises a `ClientError` with AWS's message."""
    client = boto3_client(backup, config=Config(signature_version=UNSIGNED))
    with pytest.raises(ClientError, match="Missing Authentication Token"):
        client.list_restore_jobs()


def test_signature_names_the_region(backup: FakeBackup) -> None:
    """A request lists the jobs of the region in its signature."""
    backup.seed(JOBS[9:11], region_name=OTHER_REGION)
    scope = f"a/b+c/20250615/{OTHER_REGION}/backup/aws4_request"
    real = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date, Signature=00"
    assert len(send(backup, headers={"authorization": real}).json()["RestoreJobs"]) == 2
    assert listed(backup, region_name="eu-west-2") == []


def test_default_account_is_the_account_of_the_fake() -> None:
    """A caller that names no account lists the account of the fake."""
    with fake_backup(JOBS[:2], region_name=OTHER_REGION, account_id=OTHER_ACCOUNT) as backup:
        page = boto3_client(backup, region_name=OTHER_REGION).list_restore_jobs()
        assert [RestoreJob.from_dict(job) for job in page["RestoreJobs"]] == JOBS[:2]
        assert listed(backup, region_name=OTHER_REGION, account_id="222222222222") == []


@pytest.mark.parametrize(
    "account_id", ["1234", "*", "12345678901x", "1234567890123", 123456789012, b"123456789012"]
)
def test_wrong_account_ids_are_refused(account_id: Any, backup: FakeBackup) -> None:
    """An account id has 12 digits, wherever it is given."""
    calls: list[Callable[[], object]] = [
        lambda: fake_backup(account_id=account_id).__enter__(),
        lambda: backup.seed(JOBS, account_id=account_id),
        lambda: backup.client(account_id=account_id),
        lambda: backup.fail_next("throttle", account_id=account_id),
        lambda: sample_jobs(account_id=account_id),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError, match="account_id"):
            call()


# Other operations


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/backup-vaults/"),
        ("GET", "/"),
        ("GET", "/restore-jobs/1A2B/"),
        ("POST", "/restore-jobs/"),
        ("PUT", "/restore-jobs"),
        ("PATCH", "/restore-jobs"),
        ("DELETE", "/restore-jobs"),
        ("OPTIONS", "/restore-jobs"),
    ],
)
def test_other_operations_are_refused(backup: FakeBackup, method: str, path: str) -> None:
    """The error recommends moto for other operations; the request is not recorded."""
    refused = send(backup, method, f"{path}?maxResults=5")
    assert refused.status == 501
    assert refused.headers["Content-Type"] == "application/json"
    assert refused.headers["x-amzn-ErrorType"] == "NotImplementedException"
    message = refused.json()["message"]
    assert f" {method} {path}. " in message
    for text in ("fake_backup", "ListRestoreJobs", "moto.mock_aws()", "seed_restore_jobs"):
        assert text in message
    assert backup.requests == []


def test_boto3_does_not_retry_other_operations(backup: FakeBackup) -> None:
    """boto3 raises immediately, and a queued fault waits for ListRestoreJobs."""
    client = boto3_client(backup, config=None)  # with retries
    backup.fail_next("access_denied")
    for call in (
        client.list_backup_vaults,
        lambda: client.create_backup_vault(BackupVaultName="a", BackupVaultTags={"a": "b"}),
        lambda: client.describe_restore_job(RestoreJobId="1"),
    ):
        with pytest.raises(ClientError, match="fake_backup has only ListRestoreJobs") as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert get(backup).status == 403


def test_answer_to_head_has_no_body(backup: FakeBackup) -> None:
    """HEAD is refused like other operations, but without a body."""
    head, body, _ = received(backup, "HEAD")
    assert head.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert body == b""


def test_path_may_end_with_a_slash(backup: FakeBackup) -> None:
    """The path of the operation may end with or without a slash."""
    assert send(backup, path="/restore-jobs").body == send(backup, path="/restore-jobs/").body


# Connections and shutdown


def test_connection_is_kept_open(backup: FakeBackup) -> None:
    """A connection stays open for more requests and answers without delay."""
    with closing(connect(backup)) as connection:
        connection.connect()
        first = connection.sock
        connection.request("POST", "/restore-jobs/", body=b"{}" * 999, headers=signed())
        assert connection.getresponse().read()
        quickest = 1.0
        for _ in range(9):
            started = time.perf_counter()
            connection.request("GET", "/restore-jobs/?maxResults=2", headers=signed())
            response = connection.getresponse()
            assert response.version == 11
            assert response.headers["Content-Length"] == str(len(response.read()))
            quickest = min(quickest, time.perf_counter() - started)
        assert connection.sock is first
        assert quickest < 0.03  # a delayed acknowledgement takes 40 ms


def talk(backup: FakeBackup, request: bytes, *, ends: bool = False) -> bytes:
    """Send bytes over a new connection, and return what the server sends before it closes it."""
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    received = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(1 << 16):
            received += chunk
    return received


SIGNED = b"GET /restore-jobs/ HTTP/1.1\r\nAuthorization: " + signed()["Authorization"].encode()


@pytest.mark.parametrize(
    "request_sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(32)),  # TLS
        b"\x05\x01\x00",  # SOCKS
        b"\r\n",
        b"GET\r\n\r\n",
        b"GET /restore-jobs/ and more HTTP/1.1\r\n\r\n",
        SIGNED + b"\r\nA: 1" * 100 + b"\r\n\r\n",
        SIGNED + b"\r\nA: " + b"1" * 70_000 + b"\r\n\r\n",
        SIGNED + b"\r\nContent-Length: many\r\n\r\n",
        SIGNED + b"\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=lambda sent: f"{sent[:12]}…{sent[-8:]}",
)
def test_unreadable_requests_are_refused(
    backup: FakeBackup, request_sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is not HTTP gets status 400, the connection is closed, and nothing is printed."""
    answer = talk(backup, request_sent)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"fake_backup reads only HTTP/1.1" in answer
    assert backup.requests == []
    assert get(backup).status == 200
    assert capfd.readouterr() == ("", "")


def test_client_that_speaks_tls_fails_at_once(backup: FakeBackup) -> None:
    """A client with `https` in its endpoint gets an error of TLS instead of a time-out."""
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    started = time.monotonic()
    with socket.create_connection((host, int(port)), timeout=10) as connection:  # noqa: SIM117  # one per line
        with pytest.raises(ssl.SSLError):
            ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "half_request",
    [
        SIGNED[:12],
        SIGNED[:-20],
        SIGNED + b"\r\n",
        SIGNED + b"\r\nContent-Length: 9\r\n\r\n{}",
    ],
)
def test_half_a_request_is_no_request(
    backup: FakeBackup, half_request: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """A client that vanishes in the middle of a request takes no fault and prints nothing."""
    backup.fail_next("no_content")
    talk(backup, half_request, ends=True)
    assert backup.requests == []
    assert get(backup).status == 204
    assert capfd.readouterr() == ("", "")


def test_client_may_vanish_before_the_answer(
    backup: FakeBackup, capfd: pytest.CaptureFixture[str]
) -> None:
    """The server keeps running if nobody reads an answer, and prints nothing."""
    backup.seed(sample_jobs(1_000))
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    for _ in range(5):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            connection.sendall(SIGNED + b"\r\n\r\n")
    assert get(backup).status == 200
    assert capfd.readouterr() == ("", "")


def test_every_answer_has_its_date_and_request_id(backup: FakeBackup) -> None:
    """Like AWS, every answer says when it was sent, and has its own id."""
    faults: list[FaultName] = ["throttle", "no_content", "empty_page"]
    for fault in faults:
        backup.fail_next(fault)
    answers = [get(backup) for _ in range(4)]
    answers += [send(backup, "POST"), send(backup, headers={})]
    heads = [answer.headers for answer in answers]
    heads.append(http.client.parse_headers(io.BytesIO(talk(backup, b"\r\n").partition(b"\r\n")[2])))
    for head in heads:
        assert head["Date"].endswith(" GMT")
        sent = parsedate_to_datetime(head["Date"])
        assert abs(datetime.now(UTC) - sent) < timedelta(seconds=20)
    assert len({head["x-amzn-RequestId"] for head in heads} - {None}) == len(heads)


def test_server_prints_nothing(backup: FakeBackup, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed for pages, faults and refusals."""
    faults: list[FaultName] = ["server_error", "damage", "reset", "reset_in_body", "short"]
    for fault in faults:
        backup.fail_next(fault)
        received(backup)
    get(backup)
    get(backup, maxResults=0)
    assert capfd.readouterr() == ("", "")


def test_faults_work_while_the_clock_is_frozen(backup: FakeBackup) -> None:
    """The server needs no clock that a test may have frozen."""
    faults: list[FaultName] = ["reset_in_body", "short", "reset"]
    for fault in faults:
        backup.fail_next(fault)
    with freezegun.freeze_time("2025-06-15"), fake_backup(JOBS[9:12]) as frozen:
        assert list(backup.client().list_restore_jobs()) == JOBS[:9]
        assert list(frozen.client().list_restore_jobs()) == JOBS[9:12]


def output_of(program: str) -> str:
    """Run a program that may not warn, and return what it prints."""
    done = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_child_of_a_fork_may_leave_the_block() -> None:
    """A forked child lists too, and its end of the block does not end the server of the parent."""
    program = """
import os, warnings
from restorejobs_client.testing import fake_backup, sample_jobs
warnings.simplefilter("ignore")  # Python warns of forks beside threads
with fake_backup(sample_jobs(5)) as backup:
    listing = backup.client().list_restore_jobs(max_results=2)
    counts = [len(list(listing))]
    child = os.fork()
    counts.append(len(list(listing)))
    if child != 0:
        _, status = os.waitpid(child, 0)
        counts.append(len(list(listing)))
if child == 0:
    os._exit(counts[1])
print(os.waitstatus_to_exitcode(status), counts)
"""
    assert output_of(program) == "5 [5, 5, 5]\n"


def test_leaving_the_with_block_ends_the_server() -> None:
    """The server, its connections and its thread end with the block, also after an error."""
    before = set(threading.enumerate())
    with fake_backup(JOBS) as backup, closing(connect(backup)) as idle:
        idle.request("GET", "/restore-jobs/", headers=signed())
        idle.getresponse().read()
        assert not set(threading.enumerate()) <= before
    with pytest.raises(ZeroDivisionError), fake_backup():
        raise ZeroDivisionError
    assert set(threading.enumerate()) <= before
    with pytest.raises(ConnectionError):
        get(backup)


def test_repr_has_the_url(backup: FakeBackup) -> None:
    """The repr shows the URL, which has a loopback address."""
    assert repr(backup) == f"FakeBackup('{backup.endpoint_url}')"
    assert backup.endpoint_url.startswith("http://127.0.0.1:")


# Clients


def test_client_has_region_account_and_config() -> None:
    """A client uses the given region and account, by default those of the fake."""
    with fake_backup(JOBS[:1], region_name=OTHER_REGION, account_id=OTHER_ACCOUNT) as backup:
        assert list(backup.client().list_restore_jobs()) == JOBS[:1]
        elsewhere = {"region_name": "us-east-2", "account_id": "222222222222"}
        backup.seed(JOBS[1:2], **elsewhere)
        client = backup.client(**elsewhere, config=ONE_TRY)
        assert list(client.list_restore_jobs()) == JOBS[1:2]
        backup.fail_next("unavailable")
        with pytest.raises(ServiceUnavailableException):
            client.list_restore_jobs().first()


def test_default_config_of_a_client(backup: FakeBackup) -> None:
    """By default a client makes up to 8 attempts and has 64 connections."""
    config: Any = backup.client()._wire.client.meta.config  # noqa: SLF001  # it is not public
    assert config.retries == {"mode": "standard", "total_max_attempts": 8}
    assert config.max_pool_connections == 64


def test_client_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client reads no credentials, profiles, settings or proxies from the environment."""
    for _, variables, *_ in Session.SESSION_VARIABLES.values():
        for name in [variables] if isinstance(variables, str) else variables or ():
            monkeypatch.setenv(name, "wrong")
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_ACCESS_KEY_ID": "real",
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_USE_DUALSTACK_ENDPOINT": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/nowhere",
        "MOTO_ACCOUNT_ID": "999999999999",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    with fake_backup(JOBS[:3]) as backup:
        backup.fail_next("unavailable")
        assert list(backup.client().list_restore_jobs()) == JOBS[:3]
        assert len(backup.requests) == 2


def test_client_calls_nothing_but_the_fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """With AWS_DEFAULTS_MODE=auto, botocore would ask the machine for its region."""
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    monkeypatch.setattr("botocore.utils.IMDSRegionProvider.provide", pytest.fail)
    with fake_backup(JOBS[:3]) as backup:
        assert list(backup.client().list_restore_jobs()) == JOBS[:3]


def test_fake_needs_no_extra() -> None:
    """A fake works without moto and its dependencies, and causes no warnings."""
    code = """
import sys
sys.modules.update(dict.fromkeys(["moto", "flask", "flask_cors", "werkzeug", "responses"]))
from restorejobs_client.testing import fake_backup, sample_jobs
with fake_backup(sample_jobs(5)) as backup:
    print(len(list(backup.client().list_restore_jobs(max_results=2))))
"""
    assert output_of(code) == "5\n"
