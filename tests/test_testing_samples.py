"""Samples look like a real account's restore jobs, and are the same each time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from testing_support import NOON, created, ids

from restorejobs_client._enums import ResourceType, RestoreJobStatus
from restorejobs_client._errors import InvalidRequestError
from restorejobs_client.testing import sample_jobs

if TYPE_CHECKING:
    from restorejobs_client._models import RestoreJob

JULY = datetime(2025, 7, 1, tzinfo=UTC)
SAMPLES = sample_jobs(created_before=JULY)


def test_samples_are_the_same_for_the_same_arguments() -> None:
    samples = sample_jobs(300, seed=3, created_before=JULY)
    assert samples == sample_jobs(300, seed=3, created_before=JULY)
    assert samples != sample_jobs(300, seed=4, created_before=JULY)
    assert (
        SAMPLES[:9] == sample_jobs(2_500, seed=0, region_name="us-east-1", created_before=JULY)[:9]
    )


def test_samples_end_today_by_default_and_move_with_the_day() -> None:
    days = [start_of_today()]
    samples = sample_jobs(300)
    days.append(start_of_today())  # another day, if midnight came in between
    assert samples in [sample_jobs(300, created_before=day) for day in days]
    fixed = sample_jobs(300, created_before=JULY)
    (moved_by,) = {created(one) - created(two) for one, two in zip(samples, fixed, strict=True)}
    assert moved_by in [day - JULY for day in days]
    assert [undated(job) for job in samples] == [undated(job) for job in fixed]


def test_samples_begin_thirty_days_before_they_end() -> None:
    same = sample_jobs(300, created_after=JULY - timedelta(days=30), created_before=JULY)
    assert sample_jobs(300, created_before=JULY) == same
    assert min(created(job) for job in SAMPLES) < JULY - timedelta(days=29)


def test_samples_have_a_beginning_of_their_own_if_asked() -> None:
    start = start_of_today() - timedelta(days=2)
    samples = sample_jobs(300, created_after=start)
    assert all(start <= created(job) < start_of_today() for job in samples)


def start_of_today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def undated(job: RestoreJob) -> RestoreJob:
    """Return the job with durations since its creation in place of dates."""
    dates = dict.fromkeys(("creation_date", "completion_date"))
    return replace(
        job, **dates, recovery_point_creation_date=None, status_message=str(job.duration)
    )


def test_samples_are_the_same_in_another_process_and_need_nothing_but_the_package() -> None:
    code = (
        "import sys; from restorejobs_client.testing import sample_jobs;"
        "from datetime import UTC, datetime;"
        "print(sample_jobs(5, seed=9, created_before=datetime(2025, 7, 1, tzinfo=UTC))[4]);"
        "print({'boto3', 'flask', 'moto', 'werkzeug'} & set(sys.modules))"
    )
    ran = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "77"},
    )
    assert ran.stdout == f"{sample_jobs(5, seed=9, created_before=JULY)[4]}\nset()\n"


@pytest.mark.parametrize("count", [0, 1, 2, 49])
def test_count_is_the_number_of_samples(count: int) -> None:
    assert len(sample_jobs(count)) == count


def test_samples_come_newest_first_with_ids_of_their_own_and_whole_milliseconds() -> None:
    assert len(SAMPLES) == 2_500
    assert len(set(ids(SAMPLES))) == 2_500
    moments = [created(job) for job in SAMPLES]
    assert moments == sorted(moments, reverse=True)
    assert all(moment.tzinfo is UTC or moment.utcoffset() == timedelta(0) for moment in moments)
    dates = moments + [job.completion_date for job in SAMPLES if job.completion_date]
    assert all(moment.microsecond % 1000 == 0 for moment in dates)
    assert min(moments) >= datetime(2025, 6, 1, tzinfo=UTC)
    assert max(moments) < JULY


def test_samples_stay_inside_narrow_ranges() -> None:
    start = NOON + timedelta(microseconds=1)
    for width in (timedelta(milliseconds=2), timedelta(hours=5), timedelta(days=400)):
        jobs = sample_jobs(200, created_after=start, created_before=start + width)
        assert all(start <= created(job) < start + width for job in jobs)
    same = sample_jobs(50, created_after=NOON, created_before=NOON + timedelta(milliseconds=1))
    assert {job.creation_date for job in same} == {NOON}


def test_samples_cluster_at_night_and_share_milliseconds() -> None:
    at_night = sum(2 <= created(job).hour < 4 for job in SAMPLES)
    assert at_night > 0.7 * len(SAMPLES)
    assert len({job.creation_date for job in SAMPLES}) < len(SAMPLES)


def test_samples_have_every_status_with_its_usual_members() -> None:
    by_status = {
        status: [job for job in SAMPLES if job.status is status] for status in RestoreJobStatus
    }
    assert all(by_status.values())
    completed = by_status[RestoreJobStatus.COMPLETED]
    assert len(completed) > 0.8 * len(SAMPLES)
    odd = [job for job in completed if job.completion_date is None]
    assert {job.percent_done for job in odd} == {"0.00%"}
    assert 0 < len(odd) < 0.1 * len(completed)
    assert all(
        job.duration and job.duration > timedelta(0) and job.percent_done == "100.00%"
        for job in completed
        if job not in odd
    )
    assert all(
        job.status_message and job.completion_date for job in by_status[RestoreJobStatus.FAILED]
    )
    assert len({job.status_message for job in by_status[RestoreJobStatus.FAILED]}) > 3
    assert all(job.status_message for job in by_status[RestoreJobStatus.ABORTED])
    assert all(0 <= (job.percent or 0) <= 100 for job in SAMPLES)
    assert all(job.completion_date is None for job in by_status[RestoreJobStatus.RUNNING])
    for job in by_status[RestoreJobStatus.PENDING]:
        missing = [value for value in job.to_dict().values() if value is None]
        assert len(missing) >= 12


def test_samples_are_mostly_restore_tests_with_their_outcomes() -> None:
    jobs = [job for job in SAMPLES if job.status == "COMPLETED"]
    tests = [job for job in jobs if job.created_by]
    assert 0.8 * len(jobs) < len(tests) < len(jobs)
    assert {str(job.validation_status) for job in tests} == {
        "SUCCESSFUL",
        "FAILED",
        "TIMED_OUT",
        "VALIDATING",
    }
    assert {str(job.deletion_status) for job in tests} == {"SUCCESSFUL", "FAILED", "DELETING"}
    assert {job.validation_status for job in jobs if not job.created_by} == {None}


def test_samples_have_children_that_name_their_parents() -> None:
    parents = {job.restore_job_id for job in SAMPLES if job.is_parent}
    named = {job.parent_job_id for job in SAMPLES if job.parent_job_id}
    assert 0 < len(parents) < 0.05 * len(SAMPLES)
    assert named <= parents
    assert len(named) > 0.5 * len(parents)
    assert all(
        job.resource_type in {ResourceType.CLOUDFORMATION, ResourceType.EKS}
        for job in SAMPLES
        if job.is_parent
    )


def test_samples_have_every_resource_type_and_ids_in_both_cases() -> None:
    assert {job.resource_type for job in SAMPLES} == {kind.value for kind in ResourceType}
    upper = [name for name in ids(SAMPLES) if name and name.upper() == name]
    assert 0.3 * len(SAMPLES) < len(upper) < 0.7 * len(SAMPLES)


@pytest.mark.parametrize(
    ("region_name", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_samples_have_arns_of_their_region_and_account(region_name: str, partition: str) -> None:
    jobs = sample_jobs(300, region_name=region_name, account_id="111111111111")
    assert {job.account_id for job in jobs} == {"111111111111"}
    assert {job.region for job in jobs} <= {region_name}
    arns = [
        value
        for job in jobs
        for name, value in job.to_dict().items()
        if name.endswith("_arn") and value
    ]
    assert len(arns) > 1000
    for arn in arns:
        assert "{" not in arn
        assert arn.split(":")[:2] == ["arn", partition]
        assert arn.split(":")[3] in {region_name, ""}
        assert arn.split(":")[4] in {"111111111111", ""}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"count": -1}, "count"),
        ({"created_after": NOON, "created_before": NOON}, "created_before"),
        ({"created_after": datetime.now(UTC)}, "created_before"),
        ({"created_after": datetime(2025, 6, 2)}, "created_after"),  # noqa: DTZ001  # naive
        ({"created_before": datetime(2025, 6, 2)}, "created_before"),  # noqa: DTZ001  # naive
        (
            {
                "created_after": NOON + timedelta(microseconds=1),
                "created_before": NOON + timedelta(microseconds=999),
            },
            "created_before",
        ),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        sample_jobs(**arguments)
