"""Jobs that the fake refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import boto3
import moto
import pytest
from testing_support import JOBS, NOON, boto3_client, ids, listed

from restorejobs_client._enums import RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client._models import RestoreJob
from restorejobs_client.testing import FakeBackup, fake_backup, seed_restore_jobs

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
        lambda jobs: fake_backup(jobs).__enter__(),
        moto.mock_aws()(seed_restore_jobs),
    ]
    for call in calls:
        with pytest.raises(InvalidRequestError) as caught:
            call(jobs)
        assert [text for text in said if text not in str(caught.value)] == []
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
