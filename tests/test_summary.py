"""A summary says what the jobs say, and names what they do not."""

from __future__ import annotations

import json
import pickle
import random
import statistics
import tracemalloc
from collections import Counter
from dataclasses import FrozenInstanceError, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from memory_service import START, Service

from restorejobs_client import (
    MalformedResponseError,
    RestoreDeletionStatus,
    RestoreDurations,
    RestoreFailures,
    RestoreJob,
    RestoreJobStatus,
    RestoreJobSummary,
    RestoreValidationStatus,
    gather,
)
from restorejobs_client.testing import sample_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator

JOBS = sample_jobs(3_000, seed=5)


def completed(minutes: float, **members: Any) -> RestoreJob:
    given: dict[str, Any] = {
        "resource_type": "EBS",
        "status": RestoreJobStatus.COMPLETED,
        "creation_date": START,
        "completion_date": START + timedelta(minutes=minutes),
        "backup_size_in_bytes": 10,
    }
    return RestoreJob(**(given | members))


def words_of(summary: RestoreJobSummary) -> str:
    return " ".join(str(summary).split())


def test_counts_are_those_of_the_jobs() -> None:
    summary = RestoreJobSummary.from_jobs(JOBS)
    assert summary.jobs == len(JOBS)
    for counts, member in (
        (summary.by_status, "status"),
        (summary.by_validation_status, "validation_status"),
        (summary.by_deletion_status, "deletion_status"),
        (summary.by_resource_type, "resource_type"),
    ):
        expected = Counter(getattr(job, member) for job in JOBS)
        del expected[None]
        assert counts == expected
        assert {type(name) for name in counts} == {str}
    ended = sum(summary.by_status[status] for status in ("COMPLETED", "ABORTED", "FAILED"))
    assert summary.success_rate == summary.by_status["COMPLETED"] / ended
    assert summary.oldest == min(job.creation_date for job in JOBS if job.creation_date)
    assert summary.newest == max(job.creation_date for job in JOBS if job.creation_date)
    frequencies = list(summary.by_resource_type.values())
    assert frequencies == sorted(frequencies, reverse=True)


def test_known_statuses_are_always_there_and_unknown_ones_are_kept() -> None:
    summary = RestoreJobSummary.from_jobs([RestoreJob(status=RestoreJobStatus("PAUSED"))])
    assert summary.by_status == {
        "PENDING": 0,
        "RUNNING": 0,
        "COMPLETED": 0,
        "ABORTED": 0,
        "FAILED": 0,
        "PAUSED": 1,
    }
    assert summary.by_status[RestoreJobStatus.FAILED] == 0
    assert set(summary.by_validation_status) == set(RestoreValidationStatus)
    assert set(summary.by_deletion_status) == set(RestoreDeletionStatus)
    assert summary.success_rate is None


def test_durations_and_bytes_are_those_of_completed_jobs() -> None:
    summary = RestoreJobSummary.from_jobs(JOBS)
    done = [job for job in JOBS if job.status == "COMPLETED"]
    assert summary.bytes_restored == sum(job.backup_size_in_bytes or 0 for job in done)
    of_ebs = sorted(
        job.duration for job in done if job.resource_type == "EBS" and job.duration is not None
    )
    ebs = summary.durations["EBS"]
    assert ebs.jobs == len(of_ebs)
    assert ebs.longest == of_ebs[-1]
    seconds = [one.total_seconds() for one in of_ebs]
    assert ebs.median.total_seconds() == pytest.approx(statistics.median(seconds), abs=1e-6)
    assert sum(one <= ebs.p95 for one in of_ebs) >= 0.95 * len(of_ebs)
    assert sum(one < ebs.p95 for one in of_ebs) < 0.95 * len(of_ebs)
    assert ebs.p95 in of_ebs
    assert summary.duration is not None
    assert summary.duration.jobs == sum(job.duration is not None for job in done)


@pytest.mark.parametrize(
    ("minutes", "median", "p95"),
    [([7], 7, 7), ([4, 1], 2.5, 4), ([3, 1, 2], 2, 3), (range(1, 101), 50.5, 95)],
)
def test_median_and_p95(minutes: Any, median: float, p95: float) -> None:
    summary = RestoreJobSummary.from_jobs([completed(one) for one in minutes])
    assert summary.durations == {
        "EBS": RestoreDurations(
            jobs=len(minutes),
            median=timedelta(minutes=median),
            p95=timedelta(minutes=p95),
            longest=timedelta(minutes=max(minutes)),
        )
    }
    assert summary.duration == summary.durations["EBS"]


def test_what_is_missing_is_counted_and_never_guessed() -> None:
    summary = RestoreJobSummary.from_jobs(
        [
            RestoreJob(),
            completed(1),
            completed(2, completion_date=None),
            completed(3, creation_date=None),
            completed(4, backup_size_in_bytes=None),
            completed(5, backup_size_in_bytes=0),
            completed(-1, backup_size_in_bytes=-1),
            completed(6, resource_type=None),
            replace(completed(600), status=RestoreJobStatus.FAILED),
        ]
    )
    assert summary.without_status == 1
    assert summary.without_resource_type == 2
    assert summary.without_creation_date == 2
    assert summary.without_duration == 3
    assert summary.without_size == 2
    assert summary.bytes_restored == 40
    assert summary.duration is not None
    assert summary.duration.jobs == 4
    assert summary.duration.longest == timedelta(minutes=6)
    assert summary.durations["EBS"].jobs == 3
    assert summary.success_rate == 7 / 8
    for text in (str(summary), summary._repr_html_()):
        assert (
            "1 without status; 2 without resource type; 2 without creation date; "
            "3 completed without a duration; 2 completed without size"
        ) in text


def test_a_status_that_is_new_is_named_beside_the_success_rate() -> None:
    expired = [RestoreJob(status=RestoreJobStatus("EXPIRED"))] * 99
    summary = RestoreJobSummary.from_jobs([completed(1), *expired])
    assert summary.success_rate == 1
    assert summary.with_unknown_status == 99
    assert "99 with a status that is new to this release" in str(summary)


def test_parents_are_named_because_their_children_are_counted_too() -> None:
    summary = RestoreJobSummary.from_jobs([completed(1, is_parent=True), completed(1)])
    assert (summary.jobs, summary.parents, summary.bytes_restored) == (2, 1, 20)
    assert "1 restore job, counted beside their children" in str(summary)


def test_one_kind_of_failure_does_not_hide_another_nor_rare_reasons_a_frequent_one() -> None:
    rare = [
        RestoreJob(status=RestoreJobStatus.FAILED, status_message=f"Volume vol-{number} is gone.")
        for number in range(5_000)
    ]
    frequent = RestoreJob(status=RestoreJobStatus.FAILED, status_message="No disk left.")
    invalid = completed(
        1,
        validation_status=RestoreValidationStatus.FAILED,
        validation_status_message="Row counts differ.",
    )
    summary = RestoreJobSummary.from_jobs([*rare, *[frequent] * 50, *rare, *[invalid] * 20])
    assert summary.failures[0].message == "No disk left."
    assert summary.failures[0].jobs == 50
    kinds = Counter(failure.member for failure in summary.failures)
    assert kinds == {"status": 1_000, "validation_status": 1}
    of_restores = sum(one.jobs for one in summary.failures if one.member == "status")
    assert of_restores + summary.other_failures["status"] == 10_050
    assert "20 validation_status FAILED EBS 2026-01-01 00:00:00 UTC Row" in words_of(summary)
    same = RestoreJobSummary.from_jobs([invalid, frequent, *rare[:10]])
    assert same == RestoreJobSummary.from_jobs([*rare[9::-1], frequent, invalid])


def test_the_text_has_every_resource_type() -> None:
    jobs = [completed(1), replace(completed(2), status=RestoreJobStatus.FAILED, resource_type="S3")]
    lines = [line.split() for line in str(RestoreJobSummary.from_jobs(jobs)).splitlines()]
    assert ["EBS", "1", "1", "1", "min", "1", "min", "1", "min"] in lines
    assert ["S3", "1"] in lines


def test_of_no_jobs_there_is_nothing_to_say() -> None:
    summary = RestoreJobSummary.from_jobs([])
    assert summary.jobs == summary.bytes_restored == 0
    assert (summary.success_rate, summary.duration, summary.oldest, summary.newest) == (None,) * 4
    assert (summary.durations, summary.failures) == ({}, ())
    assert str(summary) == "0 restore jobs\n  restored  0 B"
    assert "0 restore jobs" in summary._repr_html_()


def test_failures_say_what_failed_and_why_and_the_latest_job() -> None:
    def failed(number: int, hours: float | None, **members: Any) -> RestoreJob:
        return RestoreJob(
            restore_job_id=f"job-{number}",
            creation_date=None if hours is None else START + timedelta(hours=hours),
            resource_type="RDS",
            **members,
        )

    restore = {"status": RestoreJobStatus.FAILED, "status_message": "Table already exists."}
    late = {"validation_status": RestoreValidationStatus.TIMED_OUT}
    summary = RestoreJobSummary.from_jobs(
        [
            failed(1, 1, **late),
            failed(2, 5, **late),
            failed(3, None, **late),
            failed(4, None, **restore),
            failed(5, 2, **restore, deletion_status=RestoreDeletionStatus.FAILED),
            failed(6, 1, status=RestoreJobStatus.ABORTED),
        ]
    )
    assert [
        (one.jobs, one.member, one.status, one.message, one.latest_job_id)
        for one in summary.failures
    ] == [
        (2, "status", "FAILED", "Table already exists.", "job-5"),
        (3, "validation_status", "TIMED_OUT", None, "job-2"),
        (1, "deletion_status", "FAILED", None, "job-5"),
    ]
    assert summary.failures[0] == RestoreFailures(
        jobs=2,
        member="status",
        status="FAILED",
        resource_type="RDS",
        message="Table already exists.",
        latest=START + timedelta(hours=2),
        latest_job_id="job-5",
    )
    words = words_of(summary)
    assert "2 status FAILED RDS 2026-01-01 02:00:00 UTC job-5 Table already exists." in words
    assert (
        "3 validation_status TIMED_OUT RDS 2026-01-01 05:00:00 UTC job-2 no reason given" in words
    )


def test_every_failure_is_in_it() -> None:
    summary = RestoreJobSummary.from_jobs(JOBS)
    failed = [one for one in summary.failures if one.member == "status"]
    assert sum(one.jobs for one in failed) == summary.by_status["FAILED"]
    lines = [line.split() for line in str(summary).split("\nFailures\n")[1].splitlines()]
    counts = [int(line[0].replace(",", "")) for line in lines if line[1] == "status"]
    assert sum(counts) == summary.by_status["FAILED"]
    assert len(counts) == 9


def many_jobs(count: int) -> Iterator[RestoreJob]:
    chance = random.Random(3)  # noqa: S311  # nothing secret
    for number in range(count):
        yield completed(
            chance.random() * 600,
            restore_job_id=f"job-{number}",
            status=RestoreJobStatus.FAILED if number % 2 else RestoreJobStatus.COMPLETED,
            status_message=f"Volume vol-{number} is gone.",
        )


def test_it_keeps_little_of_many_jobs_in_one_pass() -> None:
    tracemalloc.start()
    summary = RestoreJobSummary.from_jobs(many_jobs(40_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(summary.failures) == 1_000  # messages with ids in them do not fill the memory
    assert summary.other_failures == {
        "status": 19_000,
        "validation_status": 0,
        "deletion_status": 0,
    }
    assert "19,992 status other reasons" in words_of(summary)
    assert peak < 5_000_000


def test_it_takes_listings_and_what_runs_side_by_side() -> None:
    listing = Service(JOBS).listing(max_results=500)
    expected = RestoreJobSummary.from_jobs(JOBS)
    for jobs in (listing, listing.parallel(4), gather(listing), iter(listing)):
        summary = RestoreJobSummary.from_jobs(jobs)
        assert replace(summary, failures=()) == replace(expected, failures=())
        assert Counter(summary.failures).total() == len(expected.failures)


def test_an_error_leaves_no_summary_of_a_part() -> None:
    service = Service(JOBS)

    def fail(asked: dict[str, Any]) -> None:
        if "NextToken" in asked:
            message = "damaged"
            raise MalformedResponseError(message)

    service.before_answer = fail
    with pytest.raises(MalformedResponseError):
        RestoreJobSummary.from_jobs(service.listing(max_results=100))


def test_it_is_frozen_and_travels() -> None:
    summary = RestoreJobSummary.from_jobs(JOBS)
    with pytest.raises(FrozenInstanceError):
        summary.jobs = 1  # type: ignore[misc]  # the test
    assert pickle.loads(pickle.dumps(summary)) == summary  # noqa: S301  # our own
    members = summary.to_dict()
    assert members["by_status"] == summary.by_status
    assert members["durations"]["EBS"]["median"] == summary.durations["EBS"].median
    assert members["failures"][0]["jobs"] == summary.failures[0].jobs
    read = json.loads(summary.to_json())
    assert list(read) == list(members)
    assert summary.oldest is not None
    assert datetime.fromisoformat(read["oldest"]) == summary.oldest
    assert read["durations"]["EBS"]["p95"] == summary.durations["EBS"].p95.total_seconds()
    assert "\n" not in repr(summary)
    assert repr(summary).startswith("RestoreJobSummary(3,000 restore jobs; oldest 2026-")
