"""Requests that the tests of the fake send: with boto3, and with plain HTTP."""

from __future__ import annotations

import functools
import http.client
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, sample_jobs
from restorejobs_client.testing._server import isolated_client

if TYPE_CHECKING:
    from collections.abc import Iterable

ONE_TRY = Config(retries={"total_max_attempts": 1}, read_timeout=10)
JOBS = sample_jobs(300, seed=7, created_before=datetime(2025, 7, 1, tzinfo=UTC))  # all in June
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@functools.cache  # it takes longer to make a client than to list jobs
def boto3_client(
    backup: FakeBackup,
    *,
    region_name: str = "us-east-1",
    account_id: str = "123456789012",
    config: Config | None = ONE_TRY,
) -> Any:  # made at run time
    return isolated_client(
        backup.endpoint_url, region_name=region_name, account_id=account_id, config=config
    )


def listed(client: Any, page_size: int = 1000, **filters: object) -> list[RestoreJob]:
    paginator = client.get_paginator("list_restore_jobs")
    pages = paginator.paginate(**filters, PaginationConfig={"PageSize": page_size})
    return [RestoreJob.from_dict(job) for page in pages for job in page["RestoreJobs"]]


def refusal(client: Any, **parameters: object) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        client.list_restore_jobs(**parameters)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return dict(caught.value.response)


def created(job: RestoreJob) -> datetime:
    assert job.creation_date
    return job.creation_date


def ids(jobs: Iterable[RestoreJob]) -> list[str | None]:
    return [job.restore_job_id for job in jobs]


def page_ids(page: dict[str, Any]) -> list[str]:
    return [job["RestoreJobId"] for job in page["RestoreJobs"]]


def signed(region_name: str = "us-east-1", **headers: str) -> dict[str, str]:
    scope = f"testing/20250615/{region_name}/backup/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0", **headers}


def connect(backup: FakeBackup) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(backup.endpoint_url.removeprefix("http://"), timeout=10)


def get(
    backup: FakeBackup, headers: dict[str, str] | None = None, /, **parameters: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    path = f"/restore-jobs/?{urlencode(parameters)}"
    return send(backup, "GET", path, signed() if headers is None else headers)


def send(
    backup: FakeBackup, method: str, path: str, headers: dict[str, str]
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = connect(backup)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def received(backup: FakeBackup, method: str = "GET") -> tuple[bytes, bool]:
    """Return every byte that comes over a fresh connection, and whether a reset ended it."""
    host, port = backup.endpoint_url.removeprefix("http://").split(":")
    head = [f"{name}: {value}" for name, value in signed(Connection="close").items()]
    request = "\r\n".join([f"{method} /restore-jobs/ HTTP/1.1", f"Host: {host}", *head, "", ""])
    got = b""
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request.encode())
        try:
            while chunk := connection.recv(1 << 16):
                got += chunk
        except ConnectionResetError:
            return got, True
    return got, False
