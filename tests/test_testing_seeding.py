"""Jobs that the fake refuses, and jobs that it adds after a listing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, get_args

import boto3
import moto
import pytest
from botocore.config import Config
from testing_support import JOBS, NOON, boto3_client, get, ids, listed

from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, FaultName, fake_backup, seed_restore_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NAIVE = datetime(2025, 6, 15)  # noqa: DTZ001  # naive
PENDING = RestoreJob(restore_job_id="a", creation_date=NOON, status=RestoreJobStatus.PENDING)
RUNNING = replace(PENDING, status=RestoreJobStatus.RUNNING)
COMPLETED = replace(PENDING, status=RestoreJobStatus.COMPLETED)


@pytest.fixture
def backup() -> Iterator[FakeBackup]:
    with fake_backup() as backup:
        yield backup


def wrong_job(**members: Any) -> RestoreJob:
    return RestoreJob(**members)


REFUSED: list[tuple[Any, list[str]]] = [
    ([wrong_job(creation_date=NAIVE)], ["jobs[0].creation_date: ", "timezone", repr(NAIVE)]),
    ([wrong_job(completion_date="noon")], ["jobs[0].completion_date: ", "'noon'"]),
    ([*JOBS[:2], wrong_job(restore_job_id=7)], ["jobs[2].restore_job_id: ", "text", "got 7"]),
    ([wrong_job(status=404)], ["jobs[0].status: ", "text", "got 404"]),
    ([wrong_job(is_parent="perhaps")], ["jobs[0].is_parent: ", "'perhaps'"]),
    ([wrong_job(backup_size_in_bytes=1.5)], ["jobs[0].backup_size_in_bytes: ", "got 1.5"]),
    ([wrong_job(created_by="me")], ["jobs[0].created_by: ", "'me'"]),
    (
        [wrong_job(created_by={"restore_testing_plan_arn": 1})],
        ["jobs[0].created_by.restore_testing_plan_arn: ", "got 1"],
    ),
    ([JOBS[0], {"RestoreJobId": "b"}], ["jobs[1]: ", "RestoreJob.from_dict", "{'RestoreJobId'"]),
    ([None], ["jobs[0]: ", "a RestoreJob", "got None"]),
    ("ab", ["jobs[0]: ", "got 'a'"]),
    (JOBS[0], ["jobs: ", "iterable", "got RestoreJob("]),
    (5, ["jobs: ", "iterable", "got 5"]),
]


@pytest.mark.parametrize(("jobs", "said"), REFUSED)
def test_jobs_that_cannot_be_are_refused(backup: FakeBackup, jobs: Any, said: list[str]) -> None:
    calls: list[Callable[[Any], object]] = [
        backup.seed,
        backup.seed_next,
        lambda jobs: fake_backup(jobs).__enter__(),
        moto.mock_aws()(seed_restore_jobs),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError) as caught:
            call(jobs)
        assert [text for text in said if text not in str(caught.value)] == []
    for _ in range(2):
        assert listed(boto3_client(backup)) == []


def test_nothing_is_stored_in_moto_when_one_job_is_refused() -> None:
    with moto.mock_aws():
        with pytest.raises(InvalidRequestError):
            seed_restore_jobs([*JOBS[:2], wrong_job(creation_date=NAIVE)])
        seed_restore_jobs([])
        client = boto3.client("backup", region_name="us-east-1")
        assert listed(client) == []


def test_an_error_of_the_iterable_passes_and_nothing_is_stored(backup: FakeBackup) -> None:
    def jobs() -> Iterator[RestoreJob]:
        yield JOBS[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        backup.seed(jobs())
    assert listed(boto3_client(backup)) == []


def test_values_are_read_as_from_dict_reads_them(backup: FakeBackup) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    backup.seed(
        [
            wrong_job(restore_job_id="a", creation_date=NOON.astimezone(zone), status="running"),
            wrong_job(restore_job_id="b", creation_date=NOON.timestamp(), status="PAUSED"),
        ]
    )
    assert listed(boto3_client(backup), ByStatus="RUNNING") == [RUNNING]
    assert ids(listed(boto3_client(backup), ByCreatedAfter=NOON)) == ["a", "b"]


def test_each_listing_sees_the_next_step(backup: FakeBackup) -> None:
    backup.seed([PENDING])
    backup.seed_next([RUNNING])
    backup.seed_next([])
    backup.seed_next(iter([COMPLETED, JOBS[0]]))
    client = backup.client()
    seen = [list(client.list_restore_jobs()) for _ in range(5)]
    assert seen == [[PENDING], [RUNNING], [RUNNING], [JOBS[0], COMPLETED], [JOBS[0], COMPLETED]]


def test_a_listing_counts_once_however_many_pages_it_has(backup: FakeBackup) -> None:
    backup.seed(JOBS[:5])
    backup.seed_next(JOBS[5:6])
    client = boto3_client(backup)
    for _ in range(3):  # listings that stop before their last page
        client.list_restore_jobs(MaxResults=2)
    assert listed(client, page_size=2) == JOBS[:5]
    assert listed(client, page_size=2) == JOBS[:6]


def test_a_listing_of_any_client_counts(backup: FakeBackup) -> None:
    backup.seed([PENDING])
    backup.seed_next([RUNNING])
    backup.seed_next([COMPLETED], region_name="eu-west-1", account_id="111111111111")
    elsewhere = boto3_client(backup, region_name="eu-west-1", account_id="111111111111")
    assert listed(elsewhere, ByStatus="FAILED") == []
    assert listed(elsewhere) == []
    assert listed(elsewhere) == [COMPLETED]
    assert listed(boto3_client(backup)) == [RUNNING]


@pytest.mark.parametrize("fault", get_args(FaultName))
def test_an_answer_with_a_fault_does_not_count(backup: FakeBackup, fault: FaultName) -> None:
    backup.seed([PENDING, JOBS[0]])
    backup.seed_next([RUNNING])
    token = boto3_client(backup).list_restore_jobs(MaxResults=1)["NextToken"]
    backup.fail_next(fault)
    with suppress(OSError, HTTPException):
        get(backup, nextToken=token)
    assert len(backup.requests) == 2
    assert listed(boto3_client(backup)) == [JOBS[0], PENDING]
    assert listed(boto3_client(backup)) == [JOBS[0], RUNNING]


def test_a_refused_request_does_not_count(backup: FakeBackup) -> None:
    backup.seed_next([RUNNING])
    assert get(backup, maxResults="0")[0] == 400
    assert get(backup, {})[0] == 403
    assert listed(boto3_client(backup)) == []
    assert listed(boto3_client(backup)) == [RUNNING]


def test_clear_removes_the_steps_that_wait(backup: FakeBackup) -> None:
    backup.seed_next([RUNNING])
    backup.clear()
    for _ in range(2):
        assert listed(boto3_client(backup)) == []


def test_eight_threads_see_each_step_in_exactly_one_listing(backup: FakeBackup) -> None:
    steps = [replace(PENDING, status_message=f"step {number}") for number in range(81)]
    backup.seed(steps[:1])
    for step in steps[1:]:
        backup.seed_next([step])
    client = boto3_client(backup, config=Config(max_pool_connections=8))
    with ThreadPoolExecutor(8) as threads:
        seen = [job for jobs in threads.map(lambda _: listed(client), steps) for job in jobs]
    assert sorted(seen, key=str) == sorted(steps, key=str)
