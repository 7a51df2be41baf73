"""Jobs for several test files, and functions that send requests to `FakeBackup`."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import boto3
from botocore.config import Config

from restorejobs_client import RestoreJob, RestoreJobStatus
from restorejobs_client.testing import FakeBackup, sample_jobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REGION, ACCOUNT = "us-east-1", "123456789012"
OTHER_REGION, OTHER_ACCOUNT = "eu-west-1", "111111111111"
JOBS = sample_jobs(300, seed=7, created_before=datetime(2025, 7, 1, tzinfo=UTC))  # all in June
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
PENDING = RestoreJob(restore_job_id="a", creation_date=NOON, status=RestoreJobStatus.PENDING)
RUNNING = replace(PENDING, status=RestoreJobStatus.RUNNING)
COMPLETED = replace(PENDING, status=RestoreJobStatus.COMPLETED)
PLAN = "arn:aws:backup:us-east-1:123456789012:restore-testing-plan:nightly"
# A job with every member, under AWS's names.
COMPLETE: dict[str, Any] = {
    "AccountId": "123456789012",
    "RestoreJobId": "1EB3B5E7-9EB0-435A-A80B-108B488B0D45",
    "RecoveryPointArn": "arn:aws:ec2:us-east-1::snapshot/snap-1",
    "SourceResourceArn": "arn:aws:ec2:us-east-1:123456789012:volume/vol-1",
    "BackupVaultArn": "arn:aws:backup:us-east-1:123456789012:backup-vault:Default",
    "CreationDate": 1516925490.087,
    "CompletionDate": 1516929090.087,
    "Status": "COMPLETED",
    "StatusMessage": "done",
    "PercentDone": "100.00%",
    "BackupSizeInBytes": 2**70,
    "IamRoleArn": "arn:aws:iam::123456789012:role/Restore",
    "ExpectedCompletionTimeMinutes": 30,
    "CreatedResourceArn": "arn:aws:ec2:us-east-1:123456789012:volume/vol-2",
    "ResourceType": "EBS",
    "RecoveryPointCreationDate": 1516900000,
    "IsParent": False,
    "ParentJobId": "parent",
    "CreatedBy": {"RestoreTestingPlanArn": PLAN},
    "ValidationStatus": "SUCCESSFUL",
    "ValidationStatusMessage": "fine",
    "DeletionStatus": "DELETING",
    "DeletionStatusMessage": "soon",
}
ONE_TRY = Config(retries={"total_max_attempts": 1}, read_timeout=10)
SESSION = boto3.Session("testing", "testing")


def boto3_client(
    backup: FakeBackup, *, region_name: str = REGION, config: Config | None = ONE_TRY
) -> Any:
    """Return a boto3 client of the fake."""
    return SESSION.client(
        "backup", region_name=region_name, endpoint_url=backup.endpoint_url, config=config
    )


class Response(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def signed(region_name: str = REGION, **headers: str) -> dict[str, str]:
    """Return headers that the fake accepts as a signature."""
    scope = f"testing/20250615/{region_name}/backup/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0", **headers}


def connect(backup: FakeBackup) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(backup.endpoint_url.removeprefix("http://"), timeout=10)


def send(
    backup: FakeBackup,
    method: str = "GET",
    path: str = "/restore-jobs/",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Send a request over a new connection, signed unless headers are given."""
    connection = connect(backup)
    try:
        connection.request(method, path, headers=signed() if headers is None else headers)
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def get(
    backup: FakeBackup,
    *,
    region_name: str = REGION,
    account_id: str | None = None,
    **parameters: object,
) -> Response:
    """Send a ListRestoreJobs request; parameters have their names in the URL."""
    headers = signed(region_name)
    if account_id is not None:
        headers["x-moto-account-id"] = account_id
    return send(backup, "GET", f"/restore-jobs/?{urlencode(parameters)}", headers)


def get_page(backup: FakeBackup, **parameters: Any) -> tuple[list[RestoreJob], str | None]:
    """Return the jobs and the token of a page."""
    response = get(backup, **parameters)
    assert response.status == 200, response.body
    page = response.json()
    return [RestoreJob.from_dict(job) for job in page["RestoreJobs"]], page["NextToken"]


def listed(backup: FakeBackup, **parameters: Any) -> list[RestoreJob]:
    """Return the jobs of all pages."""
    jobs, token = get_page(backup, **parameters)
    while token is not None:
        more, token = get_page(backup, **parameters, nextToken=token)
        jobs += more
    return jobs


def ids(jobs: Iterable[RestoreJob]) -> list[str | None]:
    return [job.restore_job_id for job in jobs]


def received(backup: FakeBackup, method: str = "GET") -> tuple[bytes, bytes, bool]:
    """Return the head and the body of a response, and whether the connection was reset."""
    data, was_reset = b"", False
    with closing(connect(backup)) as connection:
        connection.request(method, "/restore-jobs/", headers=signed(Connection="close"))
        try:
            while chunk := connection.sock.recv(1 << 16):
                data += chunk
        except ConnectionResetError:
            was_reset = True
    head, _, body = data.partition(b"\r\n\r\n")
    return head, body, was_reset
