"""The server of the fake and its clients: signatures, other operations, connections, the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from testing_support import (
    JOBS,
    ONE_TRY,
    boto3_client,
    connect,
    get,
    listed,
    received,
    send,
    signed,
)

from restorejobs_client import _errors
from restorejobs_client.testing import FakeBackup, fake_backup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup(JOBS[:9]) as backup:
        yield backup


def test_a_fake_needs_neither_moto_nor_flask_nor_werkzeug() -> None:
    program = """
import sys
sys.modules.update(dict.fromkeys(["moto", "flask", "flask_cors", "werkzeug", "responses"]))
from restorejobs_client.testing import fake_backup, sample_jobs
with fake_backup(sample_jobs(5)) as backup:
    backup.fail_next("unavailable")
    print(len(list(backup.client().list_restore_jobs(max_results=2))))
"""
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stdout == "5\n"


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
def test_another_operation_is_an_error_that_names_moto(
    backup: FakeBackup, method: str, path: str
) -> None:
    status, headers, body = send(backup, method, f"{path}?maxResults=5", signed())
    assert status == 501
    assert headers["Content-Type"] == "application/json"
    assert headers["x-amzn-ErrorType"] == "NotImplementedException"
    message = json.loads(body)["message"]
    assert f" {method} {path}. " in message
    for text in ("fake_backup", "ListRestoreJobs", "moto.mock_aws()", "seed_restore_jobs"):
        assert text in message
    assert backup.requests == []


def test_boto3_raises_for_another_operation_at_once(backup: FakeBackup) -> None:
    client = boto3_client(backup, config=None)  # with retries
    backup.fail_next("access_denied")  # waits for ListRestoreJobs
    for call in (
        client.list_backup_vaults,
        lambda: client.create_backup_vault(BackupVaultName="a", BackupVaultTags={"a": "b"}),
        lambda: client.describe_restore_job(RestoreJobId="1"),
    ):
        with pytest.raises(ClientError, match="fake_backup has only ListRestoreJobs") as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    with pytest.raises(ClientError, match="AccessDenied"):
        client.list_restore_jobs()


def test_an_answer_to_head_has_no_body(backup: FakeBackup) -> None:
    head, end, body = received(backup, "HEAD")[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")


def test_a_connection_stays_open_after_another_operation(backup: FakeBackup) -> None:
    connection = connect(backup)
    connection.connect()
    first = connection.sock
    connection.request("POST", "/restore-jobs/", body=b"{}" * 999, headers=signed())
    assert connection.getresponse().read()
    connection.request("GET", "/restore-jobs/", headers=signed())
    assert len(json.loads(connection.getresponse().read())["RestoreJobs"]) == 9
    assert connection.sock is first
    connection.close()


@pytest.mark.parametrize("path", ["/restore-jobs", "/restore-jobs/"])
def test_the_path_may_end_with_a_slash(backup: FakeBackup, path: str) -> None:
    assert send(backup, "GET", path, signed())[0] == 200


# Regions, accounts and signatures


def test_a_request_that_is_not_signed_gets_the_error_of_aws(backup: FakeBackup) -> None:
    for headers in ({}, {"Authorization": "Basic dGVzdDp0ZXN0"}, {"Authorization": ""}):
        status, answered, body = get(backup, headers)
        assert (status, answered["x-amzn-ErrorType"]) == (
            403,
            "MissingAuthenticationTokenException",
        )
        assert json.loads(body) == {"message": "Missing Authentication Token"}
    unsigned = boto3.client(
        "backup",
        region_name="us-east-1",
        endpoint_url=backup.endpoint_url,
        config=Config(signature_version=UNSIGNED),
    )
    with pytest.raises(ClientError, match="Missing Authentication Token"):
        unsigned.list_restore_jobs()
    assert len(backup.requests) == 4


def test_a_signature_for_another_service_gets_the_error_of_aws(backup: FakeBackup) -> None:
    headers = {"Authorization": signed()["Authorization"].replace("/backup/", "/s3/")}
    status, answered, body = get(backup, headers)
    assert (status, answered["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert "'backup'" in json.loads(body)["message"]


def test_the_signature_names_the_region(backup: FakeBackup) -> None:
    backup.seed(JOBS[9:11], region_name="eu-west-1")
    real = (
        "AWS4-HMAC-SHA256 Credential=a/b+c/20250615/eu-west-1/backup/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=00"
    )
    assert len(json.loads(get(backup, {"authorization": real})[2])["RestoreJobs"]) == 2
    assert json.loads(get(backup, signed("eu-west-2"))[2])["RestoreJobs"] == []


def test_a_client_that_names_no_account_calls_as_the_account_of_the_fake() -> None:
    with fake_backup(JOBS[:2], region_name="eu-west-1", account_id="210987654321") as backup:
        own = boto3.Session("testing", "testing").client(
            "backup", region_name="eu-west-1", endpoint_url=backup.endpoint_url
        )
        assert listed(own) == JOBS[:2]
        as_another = signed("eu-west-1", **{"X-Moto-Account-Id": "111111111111"})
        assert json.loads(get(backup, as_another)[2])["RestoreJobs"] == []


@pytest.mark.parametrize("account_id", ["1234", "*", "12345678901x", "1234567890123"])
def test_account_ids_are_checked(account_id: str, backup: FakeBackup) -> None:
    calls: list[Callable[[], object]] = [
        lambda: fake_backup(account_id=account_id).__enter__(),
        lambda: backup.seed(JOBS, account_id=account_id),
        lambda: backup.client(account_id=account_id),
        lambda: sample_jobs(account_id=account_id),
    ]
    for call in calls:
        with pytest.raises(_errors.InvalidRequestError, match="account_id"):
            call()


def test_the_client_takes_region_account_and_config() -> None:
    with fake_backup(JOBS[:1], region_name="eu-west-1", account_id="210987654321") as backup:
        assert list(backup.client().list_restore_jobs()) == JOBS[:1]
        backup.seed(JOBS[1:2], region_name="us-east-2", account_id="111111111111")
        other = backup.client(region_name="us-east-2", account_id="111111111111", config=ONE_TRY)
        assert list(other.list_restore_jobs()) == JOBS[1:2]
        backup.fail_next("unavailable")
        with pytest.raises(_errors.ServiceUnavailableException):
            list(other.list_restore_jobs())


def test_without_a_config_there_are_eight_attempts_and_many_connections(backup: FakeBackup) -> None:
    config = boto3_client(backup, config=None).meta.config
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 8
    assert config.max_pool_connections == 64


def test_a_client_reads_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
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


# Connections


def test_a_connection_stays_open_and_answers_without_delay(backup: FakeBackup) -> None:
    connection = connect(backup)
    connection.connect()
    first = connection.sock
    started = time.perf_counter()
    for _ in range(20):
        connection.request("GET", "/restore-jobs/?maxResults=2", headers=signed())
        response = connection.getresponse()
        assert response.version == 11
        assert response.headers["Content-Length"] == str(len(response.read()))
    took = time.perf_counter() - started
    assert connection.sock is first
    assert took < 20 * 0.03  # a delayed acknowledgement would be 40 ms
    connection.close()


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with fake_backup(JOBS) as backup:
        idle = connect(backup)
        idle.request("GET", "/restore-jobs/", headers=signed())
        idle.getresponse().read()
        assert set(threading.enumerate()) != before
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionError):
        get(backup)
    idle.close()


def test_a_client_that_hangs_up_disturbs_no_other(
    backup: FakeBackup, capfd: pytest.CaptureFixture[str]
) -> None:
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"GET /restore-jobs/ HTTP/1.1\r\nHost")
    assert get(backup)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_the_server_prints_nothing(backup: FakeBackup, capfd: pytest.CaptureFixture[str]) -> None:
    assert listed(boto3_client(backup)) == JOBS[:9]
    for fault in ("server_error", "damage", "reset", "reset_in_body", "short"):
        backup.fail_next(fault)
        received(backup)
    get(backup, maxResults="0")
    assert capfd.readouterr() == ("", "")


def test_the_repr_says_where_it_listens(backup: FakeBackup) -> None:
    assert repr(backup) == f"FakeBackup('{backup.endpoint_url}')"
    assert backup.endpoint_url.startswith("http://127.0.0.1:")


def test_an_error_in_the_block_passes_and_ends_the_server() -> None:
    before = set(threading.enumerate())
    with pytest.raises(ZeroDivisionError), fake_backup() as backup:
        raise ZeroDivisionError
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionError):
        get(backup)
