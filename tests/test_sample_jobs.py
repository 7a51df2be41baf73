"""`sample_jobs` makes realistic restore jobs, and the same ones each time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.fakes import NOON, ids

from restorejobs_client import InvalidRequestError, ResourceType, RestoreJob, RestoreJobStatus
from restorejobs_client.testing import sample_jobs

JULY = datetime(2025, 7, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
SAMPLES = sample_jobs(created_before=JULY)


def created(job: RestoreJob) -> datetime:
    assert job.creation_date
    return job.creation_date


def today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def undated(job: RestoreJob) -> RestoreJob:
    """Return the job with its duration instead of its dates."""
    return replace(
        job,
        creation_date=None,
        completion_date=None,
        recovery_point_creation_date=None,
        status_message=str(job.duration),
    )


# Arguments


def test_same_arguments_give_the_same_jobs() -> None:
    """Samples depend only on the arguments, also in another process."""
    samples = sample_jobs(300, seed=9, created_before=JULY)
    assert samples == sample_jobs(300, seed=9, created_before=JULY)
    assert samples != sample_jobs(300, seed=4, created_before=JULY)
    assert ids(sample_jobs(2, seed=9, created_before=JULY)) == [
        "8034a6a7-0478-4365-aaeb-999b8a2e547e",
        "61076dc3-ba6a-4e6c-8a78-250fb339a476",
    ]
    defaults: dict[str, Any] = {"count": 2_500, "seed": 0, "region_name": "us-east-1"}
    assert sample_jobs(**defaults, created_before=JULY) == SAMPLES


def test_default_end_is_today() -> None:
    """By default, the range ends at midnight UTC; each day, the same jobs move by one day."""
    days = [today()]
    samples = sample_jobs(300)
    days.append(today())  # differs if midnight has just passed
    assert samples in [sample_jobs(300, created_before=day) for day in days]
    fixed = sample_jobs(300, created_before=JULY)
    (moved,) = {created(job) - created(same) for job, same in zip(samples, fixed, strict=True)}
    assert moved in [day - JULY for day in days]
    assert list(map(undated, samples)) == list(map(undated, fixed))


def test_default_start_is_thirty_days_earlier() -> None:
    """By default, the range is 30 days long."""
    start = JULY - timedelta(days=30)
    assert sample_jobs(300, created_after=start, created_before=JULY) == sample_jobs(
        300, created_before=JULY
    )
    assert start <= created(SAMPLES[-1]) < start + timedelta(days=1)


def test_range_without_an_end_ends_today() -> None:
    """A range with only a start ends at midnight UTC."""
    start = today() - timedelta(days=2)
    samples = sample_jobs(300, created_after=start)
    assert all(start <= created(job) < today() for job in samples)


@pytest.mark.parametrize(
    "width", [2 * MILLISECOND, timedelta(hours=5), timedelta(days=30), timedelta(days=400)]
)
def test_jobs_are_inside_the_range(width: timedelta) -> None:
    """The start is inclusive and the end exclusive, however narrow the range is."""
    start = NOON + timedelta(microseconds=1)
    samples = sample_jobs(200, created_after=start, created_before=start + width)
    assert all(start <= created(job) < start + width for job in samples)


def test_range_of_one_millisecond_is_allowed() -> None:
    """All jobs of the narrowest range have the same date."""
    samples = sample_jobs(50, created_after=NOON, created_before=NOON + MILLISECOND)
    assert {job.creation_date for job in samples} == {NOON}


@pytest.mark.parametrize("count", [0, 1, 2, 49])
def test_count_is_exact(count: int) -> None:
    """The list has exactly `count` jobs."""
    assert len(sample_jobs(count)) == count


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"count": -1}, "count"),
        ({"created_after": NOON, "created_before": NOON}, "created_before"),
        ({"created_after": datetime.now(UTC)}, "created_before"),
        ({"created_after": datetime(2025, 6, 2)}, "created_after"),  # noqa: DTZ001  # intentional
        ({"created_before": datetime(2025, 6, 2)}, "created_before"),  # noqa: DTZ001  # intentional
        ({"created_before": datetime.min.replace(tzinfo=UTC)}, "created_before"),
        ({"created_after": 5}, "created_after"),
        ({"created_before": "today"}, "created_before"),
        ({"created_before": datetime.min.replace(tzinfo=UTC) + timedelta(35)}, "created_before"),
        (
            {
                "created_after": datetime.max.replace(tzinfo=UTC) - timedelta(minutes=1),
                "created_before": datetime.max.replace(tzinfo=UTC),
            },
            "created_before",
        ),
        (
            {
                "created_after": NOON + timedelta(microseconds=1),
                "created_before": NOON + timedelta(microseconds=999),
            },
            "created_before",
        ),
    ],
)
def test_wrong_options_of_samples_are_refused(arguments: dict[str, Any], named: str) -> None:
    """A negative count, naive datetimes and ranges without a millisecond are refused."""
    with pytest.raises(InvalidRequestError, match=named):
        sample_jobs(**arguments)


# Jobs


def test_jobs_are_sorted_and_have_unique_ids() -> None:
    """Jobs are newest first, with unique ids in either case and dates in milliseconds."""
    names = ids(SAMPLES)
    assert len(set(names)) == len(SAMPLES)
    assert 0.3 < sum(str(name).isupper() for name in names) / len(names) < 0.7
    moments = [created(job) for job in SAMPLES]
    assert moments == sorted(moments, reverse=True)
    dates = moments + [job.completion_date for job in SAMPLES if job.completion_date]
    assert all(moment.tzinfo is UTC and moment.microsecond % 1000 == 0 for moment in dates)


def test_most_jobs_are_nightly() -> None:
    """Most jobs start soon after 02:00 UTC, and some share a millisecond."""
    at_night = sum(2 <= created(job).hour < 4 for job in SAMPLES)
    assert at_night > 0.7 * len(SAMPLES)
    assert len({job.creation_date for job in SAMPLES}) < len(SAMPLES)


def test_statuses_have_their_usual_members() -> None:
    """Every status occurs, with the dates, messages and percentages that it has in AWS."""
    by_status = {
        status: [job for job in SAMPLES if job.status is status] for status in RestoreJobStatus
    }
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
    with_issues = [job for job in completed if job.status_message]
    assert 0 < len(with_issues) < 0.05 * len(completed)
    failed = by_status[RestoreJobStatus.FAILED]
    assert all(job.status_message and job.completion_date for job in failed)
    assert len({job.status_message for job in failed}) > 3
    assert all(job.status_message for job in by_status[RestoreJobStatus.ABORTED])
    assert all(job.completion_date is None for job in by_status[RestoreJobStatus.RUNNING])
    for job in by_status[RestoreJobStatus.PENDING]:
        assert list(job.to_dict().values()).count(None) >= 12
    assert all(by_status.values())
    assert all(0 <= (job.percent or 0) <= 100 for job in SAMPLES)


def test_most_jobs_are_restore_tests() -> None:
    """Completed restore tests have every outcome; other jobs have none."""
    jobs = [job for job in SAMPLES if job.status == "COMPLETED"]
    tests = [job for job in jobs if job.created_by]
    assert 0.8 * len(jobs) < len(tests) < len(jobs)
    validations = {"SUCCESSFUL", "FAILED", "TIMED_OUT", "VALIDATING"}
    assert {str(job.validation_status) for job in tests} == validations
    validating = [job for job in tests if job.validation_status == "VALIDATING"]
    assert {job.deletion_status for job in validating} == {None}  # its data is still in use
    deletions = {str(job.deletion_status) for job in tests if job not in validating}
    assert deletions == {"SUCCESSFUL", "FAILED", "DELETING"}
    assert {job.validation_status for job in jobs if not job.created_by} == {None}


def test_parents_have_children() -> None:
    """A few composite jobs are parents, and their children name them."""
    parents = {job.restore_job_id: job for job in SAMPLES if job.is_parent}
    named = {job.parent_job_id for job in SAMPLES if job.parent_job_id}
    assert 0 < len(parents) < 0.05 * len(SAMPLES)
    assert named <= parents.keys()
    assert len(named) > 0.5 * len(parents)
    assert {job.resource_type for job in parents.values()} == {"CloudFormation", "EKS"}


def test_every_resource_type_occurs() -> None:
    """There are jobs of every documented resource type."""
    assert {job.resource_type for job in SAMPLES} == set(ResourceType)


@pytest.mark.parametrize(
    ("region_name", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_arns_have_region_and_account(region_name: str, partition: str) -> None:
    """ARNs are complete, and have the region, its partition and the account."""
    samples = sample_jobs(300, region_name=region_name, account_id="111111111111")
    assert {job.account_id for job in samples} == {"111111111111"}
    assert {job.region for job in samples} == {region_name}
    arns = [
        value
        for job in samples
        for name, value in job.to_dict().items()
        if name.endswith("_arn") and value
    ]
    assert len(arns) > 1000
    for arn in arns:
        assert "{" not in arn
        assert arn.split(":")[:2] == ["arn", partition]
        assert arn.split(":")[3] in {region_name, ""}
        assert arn.split(":")[4] in {"111111111111", ""}
